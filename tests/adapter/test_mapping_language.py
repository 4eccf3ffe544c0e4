"""What docs/MAPPING.md promises of the mapping language, rule by rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.adapter.compiler import write_source
from bridge.adapter.delivery import Item
from bridge.adapter.mapping import Mapping, build_mapping, load_mapping
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Entry, EntryKind, Key, KeyKind, Subject

SOURCE = Source(name="desk", adapter="desk")
VALUES = {
    "status": {"New": "new", "pending": "waiting", "1": "open"},
    "consent": {"yes": "granted", "no": "denied", True: "granted"},
    "segment": {"a": "gold"},
}


def make(fields: dict[str, Any], to: str = "ticket", **parts: Any) -> Mapping:
    thing = {"to": to, "id": "id", "fields": fields, **parts}
    return build_mapping({"vendor": "desk", "objects": {"thing": thing}, "values": VALUES}, "desk.yaml")


def entry(mapping: Mapping, raw: dict[str, Any], *, patch: bool = False) -> Entry:
    item = Item(object="thing", raw={"id": 7, **raw}, patch=patch)
    found = mapping.read(item, SOURCE)
    assert found == mapping.interpret(item, SOURCE)
    return found


def body(fields: dict[str, Any], raw: dict[str, Any], to: str = "ticket", *, patch: bool = False) -> dict[str, Any]:
    return entry(make(fields, to), raw, patch=patch).body


def test_a_record_becomes_an_entry_with_id_order_time_and_subject() -> None:
    mapping = make(
        {"topic": "subject"},
        order={"from": "changed", "as": "instant"},
        at="changed",
        subject={
            "customer": "who.id",
            "account": "org",
            "keys": {"email": "mail", "phone": "tel[*].no", "id.CRM": "crm"},
        },
    )
    raw = {"changed": "2026-01-02T03:04:05Z", "who": {"id": 5}, "org": "", "mail": "A@B.de", "crm": 9}
    found = entry(
        mapping, raw | {"tel": [{"no": "030 123456"}, {"no": "anonymous"}, {"no": " "}, {}, {"no": "+4930123456"}]}
    )
    assert (found.object, found.source_id, found.kind) == ("ticket", "7", EntryKind.full)
    assert found.order == "t01767323045000000"
    assert found.effective_at is not None
    assert found.effective_at.isoformat() == "2026-01-02T03:04:05+00:00"
    keys = (Key(KeyKind.email, "a@b.de"), Key(KeyKind.phone, "+4930123456"), Key(KeyKind.id, "crm:9"))
    assert found.subject == Subject(customer="5", account=None, keys=keys)


def test_keys_that_cannot_be_keys_are_left_out() -> None:
    mapping = make({}, subject={"keys": {"email": ["mails", "mail"], "id.crm": "crm"}})
    raw = {"mails": [None, "keine", "a@b.de", "A@B.DE"], "mail": None, "crm": "x" * 300}
    assert entry(mapping, raw).subject.keys == (Key(KeyKind.email, "a@b.de"),)


def test_a_counter_orders_and_without_order_there_is_none() -> None:
    assert entry(make({}, order={"from": "n", "as": "integer"}), {"n": "12"}).order == "s00000000000000000012"
    assert entry(make({}), {}).order == ""
    assert entry(make({}, at="when"), {"when": "2026-01-01"}).effective_at is not None


def test_the_first_path_that_is_there_wins_and_blank_or_a_dash_is_not_there() -> None:
    fields = {"opened": ["a", "b.c", "d"]}
    assert body(fields, {"a": None, "b": {"c": " - "}, "d": "2026-01-01T00:00:00Z"}) == {
        "opened": "2026-01-01T00:00:00Z"
    }
    assert body({"topic": ["a", "b"]}, {"a": "  ", "b": "x"}) == {"topic": "x"}
    assert body({"topic": ["a", "b"]}, {"a": "y", "b": "x"}) == {"topic": "y"}


def test_a_list_takes_all_that_are_there_and_addresses_once() -> None:
    fields = {"emails": ["email", "more[*].address"], "phones": ["tel", "mobile"], "tags": ["tags", "labels[*]"]}
    raw = {"email": "A@b.de", "more": [{"address": "a@b.de"}, {"address": "c@d.de"}, {"address": None}, {}]}
    raw |= {"tel": "030 123456", "mobile": "030 123456", "tags": ["x", None], "labels": ["x", "y", " "]}
    assert body(fields, raw, "customer") == {
        "emails": ["a@b.de", "c@d.de"],
        "phones": [{"raw": "030 123456", "e164": "+4930123456"}],
        "tags": ["x", "x", "y"],
    }


def test_selectors_choose_by_the_text_of_a_dotted_name() -> None:
    raw = {
        "fields": [{"id": 1, "value": "one"}, "odd", {"id": "2", "value": "two"}],
        "on": [{"f": {"ref": True}, "n": 5}],
    }
    assert body({"topic": "fields[id=2].value"}, raw) == {"topic": "two"}
    assert body({"topic": "fields[id=1].value"}, raw) == {"topic": "one"}
    assert body({"topic": "fields[id=3].value"}, raw) == {}
    assert body({"text": "on[f.ref=true].n"}, raw) == {"text": "5"}


def test_a_name_with_a_dot_stands_in_quotes() -> None:
    assert body({"topic": '"Kd.-Nr."', "text": 'a."b.c"'}, {"Kd.-Nr.": "4711", "a": {"b.c": "x"}}) == {
        "topic": "4711",
        "text": "x",
    }
    assert body({"topic": 'f[name="a b]"].v'}, {"f": [{"name": "a b]", "v": "x"}]}) == {"topic": "x"}


def test_lists_within_lists_are_gone_through() -> None:
    raw = {"a": [{"b": [{"c": "1"}, {"c": "2"}]}, {"b": None}, {}, None, {"b": [{"c": "3"}]}]}
    assert body({"tags": "a[*].b[*].c"}, raw) == {"tags": ["1", "2", "3"]}
    assert body({"tags": "a[*].b[c=2].c"}, raw) == {"tags": ["2"]}


def test_words_are_translated_without_regard_to_case_and_unknown_ones_are_unknown() -> None:
    fields = {"status": {"from": "s", "values": "status"}}
    assert body(fields, {"s": " NEW "}) == {"status": "new"}
    assert body(fields, {"s": 1.0}) == {"status": "open"}
    assert body(fields, {"s": "brand-new-word"}) == {}
    with_default = {"status": {"from": "s", "values": "status", "default": "open"}}
    assert body(with_default, {"s": "brand-new-word"}) == {"status": "open"}
    assert body(with_default, {}) == {"status": "open"}
    assert body({"status": "s"}, {"s": "Waiting"}) == {"status": "waiting"}
    assert body({"segment": {"from": "s", "values": "segment"}}, {"s": "b"}, "account") == {}


def test_constants_and_defaults_stand_in() -> None:
    assert body({"channel": {"const": "voice"}}, {}, "interaction") == {"channel": "voice"}
    assert body({"channel": {"const": "unknown"}}, {}, "interaction") == {}
    assert body({"tags": {"from": "t", "default": ["none"]}}, {}) == {"tags": ["none"]}
    assert body({"tags": {"const": ["a", "b"]}}, {}) == {"tags": ["a", "b"]}
    assert body({"reopened": {"from": "n", "default": 2}}, {"n": None}) == {"reopened": 2}
    assert body({"opened": {"from": "n", "default": "2026-01-01T02:00:00+01:00"}}, {}) == {
        "opened": "2026-01-01T02:00:00+01:00"
    }


def test_as_reads_a_field_in_another_way() -> None:
    fields = {"customer_address": {"from": "from", "as": "phone"}, "wait_seconds": {"from": "w", "as": "duration"}}
    assert body(fields, {"from": "030 123456", "w": "01:05"}, "interaction") == {
        "customer_address": "+4930123456",
        "wait_seconds": 65,
    }
    assert body({"customer_since": {"from": "at", "as": "instant"}}, {"at": "2026-01-31T23:30:00Z"}, "customer") == {
        "customer_since": "2026-02-01"
    }


def test_maps_and_consents_are_filled_by_dotted_names() -> None:
    fields = {
        "external_ids.shop": "shop",
        "external_ids.crm": "crm",
        "consents.email": {"from": "news", "values": "consent"},
        "consents.email.at": "since",
        "consents.email.evidence": "proof",
        "consents.sms.at": "since",
    }
    raw = {"crm": 1, "shop": "x", "news": True, "since": "2026-01-01T00:00:00Z", "proof": "form 7"}
    assert body(fields, raw, "customer") == {
        "external_ids": {"crm": "1", "shop": "x"},
        "consents": [{"channel": "email", "status": "granted", "at": "2026-01-01T00:00:00Z", "evidence": "form 7"}],
    }
    assert body(fields, {"since": "2026-01-01"}, "customer") == {}


def test_equal_content_has_equal_bytes_however_the_file_is_ordered() -> None:
    fields = {"topic": "t", "type": "y", "tags": "g", "text": "x"}
    raw = {"t": "a", "y": "problem", "g": ["1"], "x": "b"}
    one, other = body(fields, raw), body(dict(reversed(fields.items())), raw)
    assert msgspec.json.encode(one) == msgspec.json.encode(other)


def test_a_patch_sets_what_is_there_and_null_clears() -> None:
    fields = {
        "topic": "t",
        "text": ["a", "b"],
        "tags": "tags[*]",
        "status": {"from": "s", "values": "status"},
        "priority": {"from": "p", "default": "normal"},
        "satisfaction": "rating.score",
        "reopened": "n",
    }
    assert body(fields, {}, patch=True) == {}
    assert body(fields, {"t": None, "b": None, "tags": None, "s": None, "p": None, "rating": None}, patch=True) == {
        "topic": None,
        "text": None,
        "tags": None,
        "status": None,
        "priority": "normal",
        "satisfaction": None,
    }
    assert body(fields, {"t": "", "a": None, "b": "x", "tags": [], "s": "odd", "n": 0}, patch=True) == {
        "topic": None,
        "text": "x",
        "tags": [],
        "status": "unknown",
        "reopened": 0,
    }
    assert body(fields, {"rating": {}}, patch=True) == {}
    assert body({"tags": {"from": "t", "default": ["a"]}}, {"t": []}, patch=True) == {"tags": ["a"]}
    assert body({"topic": "f[id=1].v"}, {"f": [{"id": 2}]}, patch=True) == {}
    assert body({"topic": "f[id=1].v"}, {"f": None}, patch=True) == {"topic": None}
    assert body({"channel": {"const": "voice"}}, {}, "interaction", patch=True) == {"channel": "voice"}


def test_a_patch_of_consents_and_ids_names_only_what_changed() -> None:
    fields = {
        "external_ids.crm": "crm",
        "consents.email": {"from": "news", "values": "consent"},
        "consents.email.at": "at",
    }
    assert body(fields, {"crm": None, "news": None}, "customer", patch=True) == {
        "external_ids": {"crm": None},
        "consents": [{"channel": "email", "status": "unknown"}],
    }
    assert body(fields, {"at": "2026-01-01"}, "customer", patch=True) == {}


def test_php_writes_an_empty_object_as_an_empty_list() -> None:
    assert body({"topic": "a.b", "tags": "c[*].d"}, {"a": [], "c": [[]]}) == {}
    assert body({"topic": "a.b"}, {"a": []}, patch=True) == {}


@pytest.mark.parametrize(
    ("raw", "path", "what"),
    [
        ({"id": None}, "thing.id", "is missing"),
        ({"id": " "}, "thing.id", "is missing"),
        ({"id": True}, "thing.id", "found a boolean that is not text"),
        ({"id": "x" * 256}, "thing.id", "found an id of more than 255 characters"),
        ({"n": None}, "thing.n", "is missing"),
        ({"n": -1}, "thing.n", "found a negative number where a counter belongs"),
        ({"n": "geheim"}, "thing.n", "found text that is not a number"),
        ({"opened": "geheim"}, "thing.opened", "found text that is not an instant"),
        ({"a": "geheim"}, "thing.a.b", "found text where an object belongs"),
        ({"a": 5}, "thing.a.b", "found a number where an object belongs"),
        ({"tags": {"x": 1}}, "thing.tags[*]", "found an object where a list belongs"),
        ({"tags": [["geheim"]]}, "thing.tags[*]", "found a list that is not text"),
        ({"f": 1}, "thing.f[id=1].v", "found a number where a list belongs"),
        ({"status": []}, "thing.status", "found a list that is not a plain word"),
    ],
)
@pytest.mark.parametrize("patch", [False, True])
def test_a_value_that_does_not_fit_is_named_and_not_shown(
    raw: dict[str, Any], path: str, what: str, patch: bool
) -> None:
    fields = {"opened": "opened", "topic": "a.b", "tags": "tags[*]", "text": "f[id=1].v", "status": "status"}
    mapping = make(fields, order={"from": "n", "as": "integer"})
    item = Item(object="thing", raw={"id": 7, "n": 1, **raw}, patch=patch)
    for read in (mapping.read, mapping.interpret):
        with pytest.raises(MappingError) as problem:
            read(item, SOURCE)
        assert (problem.value.vendor, problem.value.path, problem.value.what) == ("desk", path, what)


def test_an_object_that_is_not_mapped_is_named() -> None:
    for read in (make({}).read, make({}).interpret):
        with pytest.raises(MappingError, match="desk: nothing: is not mapped; mapped are thing"):
            read(Item(object="nothing", raw={}), SOURCE)


def test_the_mapping_says_what_it_can_read() -> None:
    mapping = make({})
    assert (mapping.vendor, mapping.objects, mapping.plan("thing").to) == ("desk", ("thing",), "ticket")


def test_fields_that_are_neither_read_nor_ignored_are_listed() -> None:
    mapping = make(
        {"topic": "a.b", "text": "f[id=1].v", "tags": "tags", "status": "s"},
        ignore=["url", "via.*", "f[id=2].v", "list", "deep[*].x"],
    )
    raw = {
        "url": 1,
        "via": {"x": {"y": [1]}},
        "a": {"b": 1, "new": {"c": None}},
        "f": [{"id": 1, "v": 1, "w": 0}, {"id": 2, "v": 2}, {"id": 3, "v": []}, {"v": 1}],
        "tags": ["x"],
        "list": [1, 2],
        "deep": [{"x": 1, "z": {}}],
        "s": None,
        "odd.name": 1,
    }
    assert mapping.unread("thing", {"id": 7, **raw}) == [
        '"odd.name"',
        "a.new.c",
        "deep[*].z",
        "f[*].v",
        "f[id=1].w",
        "f[id=3].v",
    ]
    assert mapping.unread("thing", {"id": 7, "a": None, "via": None, "f": [], "deep": []}) == []


def test_every_text_of_the_file_enters_the_code_as_a_literal() -> None:
    nasty = "x'\"\\\n); import os"
    mapping = make({"topic": f"a.{nasty.replace(chr(34), '')}", "text": {"const": nasty}})
    source, _ = write_source(mapping.plan("thing"), patch=False)
    assert repr(nasty) in source
    assert entry(mapping, {"a": {nasty.replace('"', ""): "ok"}}).body == {"topic": "ok", "text": nasty}


def test_an_overlay_adds_and_replaces_for_one_source(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(
        "vendor: desk\nobjects:\n  thing: {to: contract, id: id, fields: {product: p, ends: e}, ignore: [x]}\n"
        "values:\n  status: {a: active}\n"
    )
    overlay = {
        "objects": {
            "thing": {
                "fields": {"ends": "f[id=1].value", "status": {"from": "s", "values": "status"}},
                "ignore": ["y"],
                "order": {"from": "n", "as": "integer"},
            },
            "extra": {"to": "usage", "id": "id", "fields": {"value": "v"}},
        },
        "values": {"status": {"b": "ended"}},
    }
    raw = {
        "id": 1,
        "p": "DSL",
        "e": "2020-01-01",
        "f": [{"id": 1, "value": "2026-01-01"}],
        "s": "b",
        "n": 3,
        "x": 1,
        "y": 1,
    }
    changed, plain = load_mapping(file, overlay), load_mapping(file)
    found = changed.read(Item(object="thing", raw=raw), SOURCE)
    assert found.body == {"product": "DSL", "status": "ended", "ends": "2026-01-01"}
    assert found.order == "s00000000000000000003"
    assert changed.unread("thing", raw) == ["e"]
    assert changed.read(Item(object="extra", raw={"id": 1, "v": 2}), SOURCE).body == {"value": 2.0}
    assert plain.read(Item(object="thing", raw=raw), SOURCE).body == {"product": "DSL", "ends": "2020-01-01"}
    assert plain.objects == ("thing",)
