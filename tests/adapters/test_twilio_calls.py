"""Calls: what callbacks and the list say of one call, in whatever order they come, and what is never kept."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bridge.adapter.delivery import Item, Request
from bridge.errors import BadRequest, MappingError
from bridge.intake.inbox import redact
from bridge.model import EntryKind
from tests.adapters.twilio_account import (
    ACCOUNT,
    CALL,
    FORM,
    NOW,
    URL,
    callback,
    entries,
    items,
    known,
    make,
    row,
    signed,
)

_AT = {
    "ringing": "Mon, 04 May 2026 10:00:01 +0000",
    "in-progress": "Mon, 04 May 2026 10:00:05 +0000",
    "completed": "Mon, 04 May 2026 10:05:00 +0000",
}
_SIDES: dict[str, Any] = {"From": "+493055501234", "To": "+4930555010"}


def listed(**fields: Any) -> Item:
    return Item(object="call", raw=row(**fields), patch=True)


def one(*told: Item | Request) -> dict[str, Any]:
    [entry] = entries(*told)
    return entry.body


def test_a_call_told_of_in_any_order_ends_as_the_same_call() -> None:
    told: tuple[Item | Request, ...] = (
        callback(CallStatus="ringing", Timestamp=_AT["ringing"], SequenceNumber="0", **_SIDES),
        callback(CallStatus="in-progress", Timestamp=_AT["in-progress"], SequenceNumber="1", **_SIDES),
        callback("menu=2", Digits="1", **_SIDES, at=NOW - timedelta(minutes=119)),
        callback("queue=Technik", CallStatus="completed", QueueResult="bridged", QueueTime="94", **_SIDES),
        callback(CallStatus="completed", Timestamp=_AT["completed"], CallDuration="295", **_SIDES),
        listed(),
    )
    whole = known(*told)
    for part in (
        '"state":"ended"',
        '"started":"2026-05-04T10:00:05Z"',
        '"ended":"2026-05-04T10:05:00Z"',
        '"menu_path":["2","1"]',
        '"queue":"Technik"',
        '"wait_seconds":94',
        '"customer_address":"+493055501234"',
    ):
        assert part in whole
    assert "abandoned" not in whole
    assert {known(*order) for order in itertools.permutations(told)} == {whole}


def test_all_that_is_told_of_a_call_is_a_patch_of_one_interaction() -> None:
    found = entries(callback(CallStatus="ringing", **_SIDES), listed())
    assert {(entry.object, entry.source_id, entry.kind) for entry in found} == {("interaction", CALL, EntryKind.patch)}
    assert {str(key) for entry in found for key in entry.subject.keys} == {"phone:+493055501234"}


def test_a_late_word_of_ringing_does_not_reopen_a_call_that_ended() -> None:
    ringing = callback(CallStatus="ringing", at=NOW + timedelta(hours=1), **_SIDES)
    assert '"state":"ended"' in known(listed(), ringing)


def test_the_list_does_not_wipe_what_only_callbacks_know() -> None:
    queue = callback("menu=4&queue=Technik", CallStatus="completed", QueueResult="hangup", QueueTime="300", **_SIDES)
    later = listed(date_updated="Tue, 05 May 2026 10:05:01 +0000", start_time=None)
    whole = known(queue, later)
    for part in ('"abandoned":true', '"wait_seconds":300', '"menu_path":["4"]'):
        assert part in whole
    assert '"started"' not in whole


@pytest.mark.parametrize(
    "number",
    ["anonymous", "Anonymous", "+266696687", "00266696687", "+86282452253", "", "sip:anonymous@anonymous.invalid"],
)
def test_a_caller_without_a_number_is_nobody(number: str) -> None:
    for told in (callback(From=number, To="+4930555010"), listed(**{"from": number})):
        [entry] = entries(told)
        assert entry.subject.keys == ()
        assert "customer_address" not in entry.body
        assert entry.body["our_address"] == "+4930555010"


def test_the_customer_is_the_caller_or_the_one_who_is_called() -> None:
    assert one(listed())["customer_address"] == "+493055501234"
    outgoing = one(listed(direction="outbound-api", **{"from": "+4930555010", "to": "+493055501234"}))
    assert (outgoing["customer_address"], outgoing["direction"]) == ("+493055501234", "outbound")
    trunk = one(listed(direction="trunking-terminating", **{"from": "+4930555010", "to": "+493055501234"}))
    assert trunk == outgoing
    unknown = one(listed(direction="sideways"))
    assert "customer_address" not in unknown
    assert unknown["direction"] == "unknown"


def test_a_leg_that_a_call_opened_is_not_an_interaction_of_its_own() -> None:
    assert entries(callback(ParentCallSid="CA1", **_SIDES), listed(parent_call_sid="CA1")) == []


@pytest.mark.parametrize(
    ("direction", "status", "abandoned"),
    [
        ("inbound", "no-answer", True),
        ("inbound", "canceled", True),
        ("inbound", "busy", False),
        ("inbound", "failed", False),
        ("inbound", "completed", False),
        ("outbound-api", "no-answer", False),
        ("outbound-api", "canceled", False),
    ],
)
def test_only_who_certainly_gave_up_is_called_abandoned(direction: str, status: str, abandoned: bool) -> None:
    for told in (
        callback(CallStatus=status, Direction=direction, **_SIDES),
        listed(status=status, direction=direction),
    ):
        body = one(told)
        assert body.get("abandoned", False) is abandoned
        assert body.get("disposition") == (None if status == "completed" else status)
        assert body["state"] == "ended"


@pytest.mark.parametrize("result", ["bridged", "leave", "redirected", "queue-full", "error", "system-error", "zz"])
def test_leaving_the_queue_otherwise_than_by_hanging_up_is_not_abandoning(result: str) -> None:
    assert "abandoned" not in one(callback(CallStatus="completed", QueueResult=result, QueueTime="12", **_SIDES))


@pytest.mark.parametrize(
    ("query", "digits", "path"),
    [
        ("menu=", "2", ["2"]),
        ("menu=2", "1", ["2", "1"]),
        ("menu=2,1", "*", ["2", "1", "*"]),
        ("menu=2", "", ["2"]),
        ("menu=rechnung", "#", ["rechnung", "#"]),
        ("menu=", "472911", None),
        ("menu=2", "472", ["2"]),
        ("", "2", None),
        ("menu=1&menu=2", "3", None),
        ("menu=" + "9" * 61, "3", ["3"]),
        ("menu=" + ",".join("1" * 30), "", ["1"] * 20),
    ],
)
def test_digits_are_a_step_of_the_menu_only_where_the_url_says_so_and_they_are_no_pin(
    query: str, digits: str, path: list[str] | None
) -> None:
    assert one(callback(query, Digits=digits)).get("menu_path") == path


def test_what_callers_key_in_or_say_is_blank_before_it_is_written() -> None:
    said: dict[str, Any] = dict.fromkeys(make().manifest.redact, "472911")
    [item] = items([callback("menu=1", **said)])
    kept = redact(item.raw, make().manifest.redact)
    assert "472911" not in repr(kept)
    assert "472911" in repr(item.raw)


def test_the_same_callback_twice_is_known_as_one_though_it_arrives_later() -> None:
    first, again = items([callback(**_SIDES), callback(at=NOW + timedelta(minutes=1), **_SIDES)])
    other = items([callback("menu=1", **_SIDES)])[0]
    assert first.dedupe_key == again.dedupe_key != other.dedupe_key
    assert first.raw["bridge"]["received_at"] == msgspec.to_builtins(NOW)


def test_a_status_in_the_query_says_the_same_as_one_in_a_form() -> None:
    said = {"CallSid": CALL, "AccountSid": ACCOUNT, "CallStatus": "completed", "Direction": "inbound"}
    query = "&".join(f"{name}={value}" for name, value in said.items()) + "&From=%2B493055501234&queue=Technik&menu="
    url = f"{URL}?{query}"
    request = Request(method="GET", url=url, headers=signed(url), body=b"", received_at=NOW)
    form = callback("queue=Technik&menu=", From="+493055501234", CallStatus="completed")
    assert entries(request) == entries(form)


@pytest.mark.parametrize(
    ("said", "times"),
    [
        ({"CallStatus": "completed", "CallDuration": "295"}, ("2026-05-04T10:00:05Z", "2026-05-04T10:05:00Z")),
        ({"CallStatus": "completed"}, (None, "2026-05-04T10:05:00Z")),
        ({"CallStatus": "completed", "CallDuration": "soon"}, (None, "2026-05-04T10:05:00Z")),
        ({"CallStatus": "completed", "CallDuration": "9999999"}, (None, "2026-05-04T10:05:00Z")),
        ({"CallStatus": "no-answer", "CallDuration": "0"}, (None, "2026-05-04T10:05:00Z")),
        ({"CallStatus": "ringing"}, ("2026-05-04T10:05:00Z", None)),
        ({"CallStatus": "in-progress"}, (None, None)),
    ],
)
def test_start_and_end_are_taken_from_a_callback_only_where_it_says_them(
    said: dict[str, Any], times: tuple[str | None, str | None]
) -> None:
    body = one(callback(Timestamp=_AT["completed"], **said))
    assert (body.get("started"), body.get("ended")) == times


def test_a_time_that_means_nothing_leaves_the_call_where_it_arrived() -> None:
    [entry] = entries(callback(Timestamp="-", CallStatus="completed"))
    assert entry.effective_at == NOW
    with pytest.raises(MappingError, match="Timestamp"):
        entries(callback(Timestamp="yesterday", CallStatus="completed"))


def test_other_callbacks_are_answered_and_left_alone_and_what_is_not_twilios_is_refused() -> None:
    adapter = make()
    for said in ({"MessageSid": "SM1", "AccountSid": ACCOUNT}, {"CallSid": CALL, "RecordingStatus": "completed"}):
        body = "&".join(f"{name}={value}" for name, value in said.items()).encode()
        opened = adapter.open(Request(method="POST", url=URL, headers=FORM, body=body, received_at=NOW))
        assert (opened.items, opened.ignored, opened.reply.status) == ((), 1, 200)
    for body in (b"a=1", b"CallSid=%ff&CallStatus=x"):
        with pytest.raises(BadRequest):
            adapter.open(Request(method="POST", url=URL, headers=FORM, body=body, received_at=NOW))


def test_the_answer_is_twiml_that_does_nothing() -> None:
    reply = make().open(callback()).reply
    assert reply.content_type.startswith("text/xml")
    assert reply.body.endswith(b"<Response/>")


def test_a_vendor_cannot_say_what_only_the_bridge_says() -> None:
    [item] = items([callback(bridge="x")])
    assert item.raw["bridge"] == {"received_at": msgspec.to_builtins(NOW)}
    with pytest.raises(MappingError, match="bridge"):
        make().read(msgspec.structs.replace(item, raw=item.raw | {"bridge": "x"}))
