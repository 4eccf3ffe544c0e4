"""Deliveries from AWS: alone, in an envelope or in batches, and nothing kept that callers keyed in."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from bridge.adapter.delivery import Item
from bridge.errors import BadRequest, MappingError
from bridge.intake.inbox import redact
from tests.adapters.amazon_instance import (
    CONTACT,
    NOW,
    delivery,
    entries,
    event,
    flow_event,
    in_base64,
    known,
    make,
    opened,
    record,
)

QUEUED = {"Queue": {"Name": "Technik", "Duration": 90}}


def test_firehose_gets_the_answer_without_which_it_sends_again() -> None:
    found = opened({"requestId": "req-1", "timestamp": 1, "records": [{"data": in_base64(record())}]})
    assert (found.reply.status, found.reply.content_type) == (200, "application/json")
    assert json.loads(found.reply.body) == {"requestId": "req-1", "timestamp": int(NOW.timestamp() * 1000)}


@pytest.mark.parametrize("between", ["", "\n", " , "])
def test_several_records_in_one_datum_are_all_taken(between: str) -> None:
    data = in_base64(record(ContactId="a"), record(ContactId="b"), between=between)
    items = opened({"requestId": "r", "records": [{"data": data}]}).items
    assert [item.raw["ContactId"] for item in items] == ["a", "b"]


def test_a_part_that_cannot_be_read_is_kept_with_its_problem_and_the_others_are_taken() -> None:
    broken = [{"data": "%%%"}, {"data": in_base64("text")}, {"data": None}, {"other": 1}, {"data": "/w=="}]
    deep = {"data": in_base64(json.loads("[" * 50 + "]" * 50))}
    found = opened({"requestId": "r", "records": [*broken, deep, {"data": in_base64(record())}]})
    assert [bool(item.problem) for item in found.items] == [True] * 6 + [False]
    assert found.ignored == 0


def test_events_about_agents_are_counted_and_left_alone() -> None:
    found = opened({"requestId": "r", "records": [{"data": in_base64({"EventType": "HEART_BEAT", "AgentARN": "a"})}]})
    assert (found.items, found.ignored) == ((), 1)


def test_counts_in_are_counts_out() -> None:
    parts = [in_base64(record(ContactId=str(n))) for n in range(5)] + ["%%%", in_base64({"EventType": "LOGIN"})]
    found = opened({"Records": [{"kinesis": {"data": part}} for part in parts]})
    assert len(found.items) + found.ignored == len(parts)


@pytest.mark.parametrize(
    "body", [{"records": []}, {"records": ["x"]}, {"Records": {}}, [1], {"foo": 1}, {"Details": 1}]
)
def test_what_is_nothing_of_connects_is_refused_or_left_alone(body: object) -> None:
    try:
        found = opened(body)
    except BadRequest:
        return
    assert (found.items, found.ignored) == ((), 1)


def test_attributes_that_are_not_named_never_reach_the_disk() -> None:
    adapter = make(attributes="menu_1")
    body = record(Attributes={"menu_1": "Vertrag", "PIN": "9431"}, References=[{"Value": "secret"}])
    [item] = opened(body, adapter).items
    stored = redact(item.raw, adapter.manifest.redact)
    assert "9431" not in json.dumps(stored)
    assert "secret" not in json.dumps(stored)
    assert stored["bridge"]["attributes"] == {"menu_1": "Vertrag"}
    asked = flow_event(Attributes={"menu_1": "Vertrag", "PIN": "9431"})
    asked["Details"]["Parameters"] = {"keyed": "9431"}
    [item] = opened(asked, adapter).items
    assert "9431" not in json.dumps(redact(item.raw, adapter.manifest.redact))


def test_the_menu_path_is_read_from_attributes_by_an_overlay() -> None:
    overlay = {
        "objects": {
            "contact_record": {
                "fields": {"menu_path": ["bridge.attributes.menu_1", "bridge.attributes.menu_2"]},
                "subject": {"keys": {"id.crm": "bridge.attributes.customer_number"}},
            }
        }
    }
    adapter = make(overlay, attributes="menu_1, menu_2, customer_number")
    body = record(Attributes={"menu_1": "Vertrag", "menu_2": "Kündigung", "customer_number": "K-8"})
    assert known(body, adapter=adapter)["menu_path"] == ["Vertrag", "Kündigung"]
    [entry] = entries(*opened(body, adapter).items, adapter=adapter)
    assert [str(key) for key in entry.subject.keys] == ["id:crm:K-8"]


def test_an_attribute_is_cut_and_one_that_is_no_text_left_out() -> None:
    [item] = opened(record(Attributes={"intent": "x" * 999, "menu_path": {"a": 1}})).items
    assert item.raw["bridge"]["attributes"] == {"intent": "x" * 200}


def test_an_event_of_a_flow_is_known_again_whenever_it_arrives() -> None:
    adapter = make()
    first = adapter.open(delivery(flow_event()))
    again = adapter.open(delivery(flow_event(), at=NOW + timedelta(seconds=9)))
    assert first.items[0].dedupe_key == again.items[0].dedupe_key
    assert first.items[0].raw != again.items[0].raw


def test_in_whatever_order_events_and_records_arrive_the_record_counts() -> None:
    told = [
        flow_event(),
        event("INITIATED", "2026-03-02T09:00:00Z"),
        event("QUEUED", "2026-03-02T09:00:40Z", queueInfo={"queueArn": "q"}),
        event("DISCONNECTED", "2026-03-02T09:07:12Z", disconnectTimestamp="2026-03-02T09:07:12Z"),
        record(**QUEUED),
    ]
    assert known(*told) == known(*reversed(told)) == known(record(**QUEUED))


def test_a_contact_is_followed_while_it_lasts() -> None:
    ringing = [event("INITIATED", "2026-03-02T09:00:00Z"), flow_event()]
    assert known(*ringing)["state"] == "ringing"
    assert known(*ringing)["customer_address"] == "+493055501234"
    answered = event("CONNECTED_TO_AGENT", "2026-03-02T09:04:11Z", agentInfo={"agentArn": "a"})
    assert known(answered, *ringing)["state"] == "connected"
    over = event("DISCONNECTED", "2026-03-02T09:07:11Z", agentInfo={"agentArn": "a"})
    assert known(over, answered, *ringing)["state"] == "ended"


def test_a_record_that_is_sent_again_later_counts_whichever_arrives_first() -> None:
    early = record(**QUEUED)
    late = record(**QUEUED, Agent={"Username": "erika"}, LastUpdateTimestamp="2026-03-03T08:00:00Z")
    assert known(early, late) == known(late, early)
    assert known(late, early)["agent"] == "erika"


@pytest.mark.parametrize(
    ("fields", "abandoned"),
    [
        (QUEUED, True),
        ({**QUEUED, "DisconnectReason": None}, True),
        ({**QUEUED, "Agent": {"Username": "erika"}}, False),
        ({**QUEUED, "NextContactId": "next"}, False),
        ({**QUEUED, "TransferredToEndpoint": {"Address": "+49301"}}, False),
        ({**QUEUED, "DisconnectReason": "CONTACT_FLOW_DISCONNECT"}, False),
        ({**QUEUED, "InitiationMethod": "CALLBACK"}, False),
        ({**QUEUED, "Channel": "EMAIL"}, False),
        ({**QUEUED, "DisconnectTimestamp": None}, False),
        ({}, False),
    ],
)
def test_only_whoever_hung_up_in_the_queue_gave_up(fields: dict[str, Any], abandoned: bool) -> None:
    assert known(record(**fields)).get("abandoned", False) is abandoned


def test_nobody_waits_for_a_callback_or_a_mail() -> None:
    assert known(record(**QUEUED))["wait_seconds"] == 90
    assert "wait_seconds" not in known(record(**QUEUED, InitiationMethod="CALLBACK"))
    assert "wait_seconds" not in known(record(**QUEUED, Channel="EMAIL"))


@pytest.mark.parametrize(
    ("method", "channel", "direction"),
    [
        ("API", "VOICE", "outbound"),
        ("API", "CHAT", "inbound"),
        ("TRANSFER", "VOICE", None),
        ("INBOUND", "SMOKE", "inbound"),
    ],
)
def test_who_began_it(method: str, channel: str, direction: str | None) -> None:
    assert known(record(InitiationMethod=method, Channel=channel)).get("direction") == direction


@pytest.mark.parametrize("place", ["Queue", "Agent", "CustomerEndpoint"])
def test_what_is_no_object_is_a_named_error(place: str) -> None:
    [item] = opened(record(**{place: [CONTACT]})).items
    with pytest.raises(MappingError, match=place) as caught:
        make().read(item)
    assert CONTACT not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b"[" * 100_000])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match="not JSON"):
        opened(body)


def test_tasks_and_supervisors_who_listen_in_are_no_interactions() -> None:
    task = {"Channel": "TASK", "InitiationMethod": "API"}
    items = [*opened(record(**task)).items, *opened(record(InitiationMethod="MONITOR")).items]
    items += [*opened(flow_event(**task)).items]
    items += [*opened(event("INITIATED", "2026-03-02T09:00:00Z", channel="TASK")).items]
    assert len(items) == 4
    assert entries(*items) == []


def test_a_mail_is_found_by_its_address() -> None:
    sender = {"Address": "Frieda.Muster@example.org", "Type": "EMAIL_ADDRESS"}
    [item] = opened(record(Channel="EMAIL", CustomerEndpoint=sender)).items
    [entry] = entries(item)
    assert [str(key) for key in entry.subject.keys] == ["email:frieda.muster@example.org"]
    assert entry.body["customer_address"] == "frieda.muster@example.org"


def test_an_object_that_nobody_mapped_is_a_named_error() -> None:
    with pytest.raises(MappingError, match="not mapped"):
        make().read(Item(object="zz", raw={}))
