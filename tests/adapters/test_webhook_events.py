"""Bodies of any shape: which object they are, one or many, changed, gone, sent twice, or nobody's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.adapter.delivery import Item
from bridge.errors import BadRequest, ConfigError, MappingError
from bridge.model import EntryKind
from tests.adapters.webhook_sender import entries, make, opened, said

T = "2026-03-01T09:15:00Z"
PULSE: dict[str, Any] = {
    "objects": {
        "pulse": {
            "to": "survey_response",
            "id": "a.no",
            "order": {"from": "a.at", "as": "instant"},
            "at": "a.at",
            "subject": {"keys": {"email": "who"}},
            "fields": {"metric": {"const": "csat"}, "score": "a.points"},
        }
    }
}


def objects(body: Any, **settings: Any) -> list[str]:
    return [item.object for item in opened(make(PULSE, **settings), body).items]


@pytest.mark.parametrize(
    ("body", "chosen", "found"),
    [
        ({"type": "nps"}, {}, ["nps"]),
        ({"type": " NPS "}, {}, ["nps"]),
        ({"event_type": "review"}, {}, ["review"]),
        ({"event": "csat"}, {}, ["csat"]),
        ({"type": "track", "event": "Purchase"}, {}, ["track"]),
        ({"type": "invoice.paid", "event": "nps"}, {}, ["nps"]),
        ({"type": "answer"}, {"objects": "answer=pulse"}, ["pulse"]),
        ({"type": "answer"}, {"objects": ["Answer = pulse", "x=nps"]}, ["pulse"]),
        ({"type": "track", "event": "Order Completed"}, {"objects": "order completed=purchase"}, ["purchase"]),
        ({"type": "nps"}, {"objects": "nps=ignore"}, []),
        ({"type": "invoice.paid"}, {}, []),
        ({"type": "whatever"}, {"objects": "*=pulse"}, ["pulse"]),
        ({"points": 3}, {"objects": "*=pulse"}, ["pulse"]),
        ({"points": 3}, {"objects": "*=ignore"}, []),
        ({"meta": {"kind": "nps"}}, {"type": "meta.kind"}, ["nps"]),
        ({"kind": 7}, {"type": "kind", "objects": "7=nps"}, ["nps"]),
        ({"a=b": "nps"}, {"type": '"a=b"'}, ["nps"]),
        ({"type": "a=b"}, {"objects": "a=b=nps"}, ["nps"]),
    ],
)
def test_a_word_in_the_body_says_what_it_is(body: Any, chosen: dict[str, Any], found: list[str]) -> None:
    assert objects(body, **chosen) == found


@pytest.mark.parametrize("body", [{}, {"score": 3}, {"type": ""}, {"type": None}, {"type": ["nps"]}, [], 7, "x"])
def test_a_body_that_says_nothing_is_refused(body: Any) -> None:
    with pytest.raises(BadRequest, match=r"no word at type or event_type or event|empty list|no JSON object"):
        opened(make(), body)


def test_what_nobody_named_is_counted() -> None:
    found = opened(make(), {"batch": [{"type": "page"}, {"type": "nps"}, {"type": "screen"}]})
    assert (found.ignored, [item.object for item in found.items], found.reply.status) == (2, ["nps"], 200)


def test_many_come_as_a_list_or_in_one_and_share_what_surrounds_it() -> None:
    one, two = {"type": "nps", "id": "1", "tenant": "own"}, {"type": "csat", "id": "2"}
    for body in ([one, two], {"batch": [one, two]}):
        assert objects(body) == ["nps", "csat"]
    adapter = make(lists=["result.events", "batch"])
    wrapped: dict[str, Any] = {"result": {"events": [one, two], "page": 1}, "tenant": "acme", "type": "ces"}
    items = opened(adapter, wrapped).items
    kept = [{name: value for name, value in item.raw.items() if name != "webhook"} for item in items]
    assert kept == [{"result": {"page": 1}, "tenant": "own", **one}, {"result": {"page": 1}, "tenant": "acme", **two}]
    assert [item.place for item in items] == ["event 1", "event 2"]


def test_in_a_list_what_is_no_event_goes_its_own_way_and_the_rest_goes_in() -> None:
    found = opened(make(), [{"type": "nps", "id": "1"}, 7, {"score": 3}, None])
    assert [bool(item.problem) for item in found.items] == [False, True, True, True]
    assert len({item.dedupe_key for item in found.items}) == 4


def test_a_dead_letter_is_read_once_the_settings_say_what_it_is() -> None:
    (dead,) = opened(make(PULSE), [{"a": {"no": 1, "at": T, "points": 2}, "who": "a@b.example"}]).items
    assert dead.problem
    kept = Item(object=dead.object, raw=dead.raw, place=dead.place)
    with pytest.raises(MappingError, match="is not mapped"):
        make(PULSE).read(kept)
    (entry,) = entries(make(PULSE, objects="*=pulse"), kept)
    assert entry.source_id == "1"


def test_twice_is_once_by_the_signed_id_by_the_events_own_or_by_its_content() -> None:
    body = {"type": "nps", "id": "1", "score": 3}
    first, again, other = (opened(make(), body, number).items[0] for number in ("m1", "m1", "m2"))
    assert first.dedupe_key == again.dedupe_key != other.dedupe_key
    tracked = {"type": "track", "messageId": "x-1", "userId": "u", "timestamp": T, "event": "Run"}
    single, many = opened(make(), tracked, "m1").items[0], opened(make(), {"batch": [tracked]}, "m2").items[0]
    assert single.dedupe_key == many.dedupe_key
    named = [opened(make(event_id="meta.no"), {"type": "nps", "meta": {"no": 5}}, n).items[0] for n in ("m1", "m2")]
    assert named[0].dedupe_key == named[1].dedupe_key == "nps:5"
    plain = make(signature="header", signature_header="X-Key")
    unsigned = [opened_plainly(plain, text) for text in ('{"type":"nps","id":"1"}', '{"id": "1", "type": "nps"}')]
    assert unsigned[0].dedupe_key == unsigned[1].dedupe_key
    assert "webhook" not in unsigned[0].raw


def opened_plainly(adapter: Any, text: str) -> Item:
    from tests.adapters.webhook_sender import request

    item: Item = adapter.open(request(text.encode(), {"webhook-id": "unsigned"})).items[0]
    return item


def test_only_what_changed_is_a_change() -> None:
    (entry,) = said(make(), {"type": "identify", "userId": "u", "timestamp": T, "traits": {"phone": None}})
    assert (entry.kind, entry.body) == (EntryKind.patch, {"phones": None})
    (whole,) = said(make(partial="customer"), {"type": "identify", "userId": "u", "timestamp": T, "traits": {}})
    assert whole.kind is EntryKind.full
    (part,) = said(make(partial="customer"), {"type": "customer", "timestamp": T, "data": {"id": 1, "owner": "Jo"}})
    assert (part.kind, part.body) == (EntryKind.patch, {"owner": "Jo"})


@pytest.mark.parametrize(
    ("body", "chosen"),
    [
        ({"type": "customer.deleted", "timestamp": T, "data": {"id": "u"}}, {}),
        ({"type": "user_removed", "timestamp": T, "data": {"id": "u"}}, {"objects": "user_removed=customer.deleted"}),
        ({"type": "customer.deleted", "timestamp": T, "data": {"id": "u"}}, {"partial": "customer"}),
    ],
)
def test_what_is_gone_at_the_sender_is_gone(body: Any, chosen: dict[str, str]) -> None:
    (entry,) = said(make(**chosen), body)
    assert (entry.object, entry.source_id, entry.kind, entry.body) == ("customer", "u", EntryKind.deleted, {})
    assert entry.order != ""


def test_an_answer_without_a_time_was_given_when_it_was_told() -> None:
    def answered(**more: Any) -> Any:
        (entry,) = said(make(), {"type": "nps", "id": "1", "timestamp": T, **more})
        return entry.body.get("answered")

    assert answered(score=0) == T
    assert answered(comment="!") == T
    assert answered(score=3, answered_at="2026-02-28T09:00:00Z") == "2026-02-28T09:00:00Z"
    assert answered(sent_at=T) is None


def test_visitors_whom_the_sender_does_not_know_are_nobody() -> None:
    for kind in ("identify", "track"):
        assert said(make(), {"type": kind, "anonymousId": "x", "timestamp": T, "event": "Run"}) == []
    with pytest.raises(MappingError, match="userId"):
        said(make(), {"type": "identify", "timestamp": T, "traits": {}})
    assert said(make(), {"type": "nps", "id": "1", "anonymousId": "x", "timestamp": T, "score": 3}) == []


def test_an_anonymous_id_beside_what_identifies_somebody_loses_nothing() -> None:
    anonymous = {"anonymousId": "x", "timestamp": T}
    (answer,) = said(make(), {"type": "nps", "id": "1", **anonymous, "score": 3, "email": "a@example.org"})
    assert (answer.object, answer.body["score"]) == ("survey_response", 3)
    (company,) = said(make(), {"type": "group", **anonymous, "groupId": "g-1", "traits": {"name": "Acme"}})
    assert (company.object, company.source_id) == ("account", "g-1")
    with pytest.raises(MappingError, match="customer"):
        said(make(), {"type": "nps", "id": "1", **anonymous, "score": 3, "customer": "a@example.org"})


def test_an_overlay_may_do_without_any_order() -> None:
    overlay: dict[str, Any] = {"objects": {"nps": {"order": None}}}
    adapter = make(overlay, signature="header", signature_header="X-Key")
    (entry,) = entries(adapter, opened_plainly(adapter, '{"type": "nps", "id": 1, "score": 5}'))
    assert entry.order == ""


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ({"objects": "answer"}, "objects"),
        ({"objects": "=nps"}, "objects"),
        ({"objects": "answer=npps"}, "objects"),
        ({"type": "a[*].b"}, "type"),
        ({"type": "a..b"}, "type"),
        ({"lists": "a[b=c]"}, "lists"),
        ({"event_id": "."}, "event_id"),
        ({"partial": ["identify", "survey"]}, "partial"),
    ],
)
def test_a_setting_that_means_nothing_is_named_at_the_start(chosen: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigError, match=rf"sources\.yaml: sources\.hook\.settings\.{name}: "):
        make(**chosen)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["nps", "track", "identify", T]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "event", "data", "batch", "id", "userId", "timestamp", "score", "traits"]), inner
        )
    ),
    max_leaves=20,
)


ADAPTER = make()


@settings(deadline=None)
@given(JSON)
def test_nothing_is_lost_of_whatever_is_sent(body: Any) -> None:
    """Each event ends as an item or is counted; each item as entries or a named error."""
    try:
        found = opened(ADAPTER, body)
    except BadRequest:
        return
    batch = body.get("batch") if isinstance(body, dict) else body
    assert len(found.items) + found.ignored == (len(batch) if isinstance(batch, list) else 1)
    for item in found.items:
        json.dumps(item.raw)
        if not item.problem:
            try:
                entries(ADAPTER, item)
            except MappingError as problem:
                assert problem.path
