"""The compiled form answers what the plain interpreter answers, for any mapping and any damage."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.adapter.delivery import Item
from bridge.adapter.mapping import Mapping, build_mapping
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import RECORDS, Entry, EntryKind

SOURCE = Source(name="desk", adapter="desk")
NAMES = ["a", "b", "c"]
TABLES = {"status": {"a": "open", "1": "new", "true": "closed"}, "yes": {"a": True, "b": False}, "word": {"a": "x"}}

steps = st.sampled_from(NAMES).map(lambda name: f".{name}") | st.sampled_from(["[a=1]", "[a=x]", "[b.c=true]"])
single_paths = st.builds(lambda first, rest: first + "".join(rest), st.sampled_from(NAMES), st.lists(steps, max_size=3))
list_paths = single_paths | st.builds(
    lambda first, rest: first + "".join(rest),
    st.sampled_from(NAMES),
    st.lists(steps | st.just("[*]"), max_size=4),
)
one = single_paths | st.lists(single_paths, min_size=1, max_size=3)
many = list_paths | st.lists(list_paths, min_size=1, max_size=3)


def rule(paths: st.SearchStrategy[Any], **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return paths | st.fixed_dictionaries({"from": paths}, optional=parts)


status = {"values": st.just("status"), "default": st.sampled_from(["open", "unknown"])}
TICKET = {
    "status": rule(one, **status) | st.just({"const": "open"}),
    "topic": rule(one, values=st.just("word"), default=st.just("none")) | st.just({"const": "it's"}),
    "text": rule(one, **{"as": st.sampled_from(["text", "phone", "email"])}),
    "opened": rule(one),
    "reopened": rule(one, **{"as": st.sampled_from(["integer", "duration"]), "default": st.sampled_from([0, 3])}),
    "tags": rule(many, default=st.sampled_from([[], ["t"]])),
}
CUSTOMER = {
    "phones": rule(many),
    "emails": rule(many),
    "deceased": rule(one, values=st.just("yes")),
    "preferred_channel": rule(one),
    "customer_since": rule(one, **{"as": st.sampled_from(["date", "instant"])}),
    "external_ids.x": rule(one),
    "external_ids.y": rule(one),
    "consents.email": rule(one),
    "consents.email.at": rule(one),
    "consents.sms.evidence": rule(one),
    "accounts": rule(many),
}
CONTRACT = {"monthly_amount": rule(one), "ends": rule(one), "status": rule(one), "product": rule(one)}
SUBJECT = st.fixed_dictionaries(
    {},
    optional={
        "customer": one,
        "account": one,
        "keys": st.dictionaries(st.sampled_from(["email", "phone", "id.crm"]), many, max_size=3),
    },
)
ORDER = st.fixed_dictionaries({"from": one, "as": st.sampled_from(["instant", "integer"])})


def objects(to: str, fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    optional: dict[str, st.SearchStrategy[Any]] = {"order": ORDER, "at": one}
    if to != "customer":
        optional["subject"] = SUBJECT
    required = {"to": st.just(to), "id": st.just("id") | one, "fields": st.fixed_dictionaries({}, optional=fields)}
    return st.fixed_dictionaries(required, optional=optional)


MAPPINGS = objects("ticket", TICKET) | objects("customer", CUSTOMER) | objects("contract", CONTRACT)

WORDS = [
    "a",
    "x",
    " ",
    "",
    "1",
    "-",
    "true",
    "open",
    "030 123456",
    "a@b.de",
    "2026-01-31T23:30:00Z",
    "31.12.26",
    "1,5 €",
]
scalars = st.sampled_from([None, True, False, 0, 1, -1, 1.0, 2.5, 1_700_000_000, *WORDS])
RAW = st.recursive(
    scalars,
    lambda inner: st.dictionaries(st.sampled_from(NAMES), inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=12,
)


def outcome(read: Any, item: Item) -> Entry | str:
    try:
        found: Entry = read(item, SOURCE)
    except MappingError as problem:
        return str(problem)
    return found


def built(thing: Any) -> Mapping:
    return build_mapping({"vendor": "desk", "objects": {"thing": thing}, "values": TABLES}, "desk.yaml")


@settings(max_examples=150, deadline=None)
@given(MAPPINGS, st.lists(st.dictionaries(st.sampled_from([*NAMES, "id"]), RAW, max_size=4), min_size=1, max_size=4))
def test_the_compiled_form_and_the_interpreter_agree(thing: Any, raws: list[dict[str, Any]]) -> None:
    mapping = built(thing)
    for raw in raws:
        for patch in (False, True):
            item = Item(object="thing", raw={"id": 1} | raw, patch=patch)
            assert outcome(mapping.read, item) == outcome(mapping.interpret, item)


@settings(max_examples=100, deadline=None)
@given(MAPPINGS, st.dictionaries(st.sampled_from([*NAMES, "id"]), RAW, max_size=4))
def test_a_full_body_is_exactly_what_its_record_is_stored_as(thing: Any, raw: dict[str, Any]) -> None:
    entry = outcome(built(thing).read, Item(object="thing", raw={"id": 1} | raw))
    if isinstance(entry, Entry):
        record = RECORDS[entry.object]
        stored = msgspec.json.encode(msgspec.convert(entry.body, record))
        assert msgspec.json.encode(entry.body) == stored
        assert entry.kind is EntryKind.full


@settings(max_examples=60, deadline=None)
@given(MAPPINGS, st.dictionaries(st.sampled_from([*NAMES, "id"]), RAW, max_size=4))
def test_reading_changes_nothing_and_shares_nothing(thing: Any, raw: dict[str, Any]) -> None:
    mapping, before = built(thing), msgspec.json.encode(raw)
    item = Item(object="thing", raw={"id": 1} | raw)
    first = outcome(mapping.read, item)
    if isinstance(first, Entry):
        kept = msgspec.json.encode(first.body)
        for value in first.body.values():
            if isinstance(value, list | dict):
                value.clear()
        again = outcome(mapping.read, item)
        assert isinstance(again, Entry)
        assert msgspec.json.encode(again.body) == kept
    assert msgspec.json.encode(raw) == before


@settings(max_examples=60, deadline=None)
@given(MAPPINGS, st.dictionaries(st.sampled_from([*NAMES, "id"]), RAW, max_size=4))
def test_what_is_read_is_never_listed_as_unread(thing: Any, raw: dict[str, Any]) -> None:
    mapping = built(thing)
    raw = {"id": 1} | raw
    everything = built({**thing, "ignore": [*raw, *(f"{name}.*" for name in raw)]})
    assert everything.unread("thing", raw) == []
    assert all("[*]" in path or path.split(".")[0].split("[")[0] in raw for path in mapping.unread("thing", raw))


@given(st.dates(date(1970, 1, 2), date(2069, 12, 31)), st.times())
def test_a_time_of_the_source_is_that_time_at_its_place(day: date, time: Any) -> None:
    mapping = built({"to": "ticket", "id": "id", "fields": {"opened": "when"}})
    time = time.replace(second=0, microsecond=0)
    entry = mapping.read(Item(object="thing", raw={"id": 1, "when": f"{day:%d.%m.%Y} {time:%H:%M}"}), SOURCE)
    local = datetime.fromisoformat(entry.body["opened"]).astimezone(SOURCE.zone)
    naive = datetime.combine(day, time)
    assert abs(local.replace(tzinfo=None) - naive).total_seconds() in {0, 3600}
