"""What docs/MAPPING.md promises of the mapping language, rule by rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.adapter.compiler import write_source
from bridge.adapter.delivery import Item
from bridge.adapter.mapping import Mapping, build_mapping, load_mapping
from bridge.adapter.rules import MappingForm
from bridge.adapter.source import Source
from bridge.errors import ConfigError, MappingError
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


@pytest.mark.parametrize(
    ("overlay", "where", "what"),
    [
        ({"objects": {"thin": {}}}, "sources.yaml: desk: objects.thin", "did you mean 'thing'"),
        ({"objects": {"thing": {"fild": {}}}}, "sources.yaml: desk: objects.thing.fild", "did you mean 'fields'"),
        (
            {"objects": {"thing": {"fields": {"topik": "a"}}}},
            "sources.yaml: desk: objects.thing.fields.topik",
            "'topic'",
        ),
        (
            {"objects": {"thing": {"fields": {"text": "a["}}}},
            "sources.yaml: desk: objects.thing.fields.text.from",
            "path",
        ),
        ({"objects": {"thing": {"id": "a["}}}, "sources.yaml: desk: objects.thing.id", "not a path"),
        ({"objekts": {}}, "sources.yaml: desk: objekts", "did you mean 'objects'"),
    ],
)
def test_a_fault_in_an_overlay_is_looked_for_in_the_sources_file(overlay: Any, where: str, what: str) -> None:
    data = {"vendor": "desk", "objects": {"thing": {"to": "ticket", "id": "id", "fields": {"topic": "t"}}}}
    with pytest.raises(ConfigError) as problem:
        build_mapping(data, "desk.yaml", overlay, "sources.yaml: desk")
    assert problem.value.where == where
    assert what in problem.value.what


@pytest.mark.parametrize(
    ("part", "where", "what"),
    [
        ({"too": "ticket"}, "objects.thing.too", "did you mean 'to'"),
        ({"to": "tickt"}, "objects.thing.to", "did you mean 'ticket'"),
        ({"id": []}, "objects.thing.id", "names no path"),
        ({"id": "a[*]"}, "objects.thing.id", "room for one"),
        ({"order": {"from": "a", "as": "date"}}, "objects.thing.order.as", "'date' is not known here"),
        ({"order": "a"}, "objects.thing.order", "got `str`"),
        ({"order": {"as": "instant"}}, "objects.thing.order", "'from' is missing"),
        ({"to": "customer", "subject": {"customer": "a"}}, "objects.thing.subject", "about itself"),
        ({"subject": {"keys": {"fax": "a"}}}, "objects.thing.subject.keys.fax", "email, phone or id.<system>"),
        ({"subject": {"keys": {"id": "a"}}}, "objects.thing.subject.keys.id", "email, phone or id.<system>"),
        ({"subject": {"keys": {"phone.x": "a"}}}, "objects.thing.subject.keys.phone.x", "email, phone or id.<system>"),
        ({"ignore": ["a[", "b"]}, "objects.thing.ignore", "not a path"),
        ({"fields": {"stats": "a"}}, "objects.thing.fields.stats", "did you mean 'status'"),
        ({"fields": {"status.x": "a"}}, "objects.thing.fields.status.x", "has no parts"),
        ({"fields": {"topic": {"fron": "a"}}}, "objects.thing.fields.topic.fron", "did you mean 'from'"),
        ({"fields": {"topic": {}}}, "objects.thing.fields.topic", "either 'from' or 'const'"),
        ({"fields": {"topic": {"from": "a", "const": "b"}}}, "objects.thing.fields.topic", "either 'from' or 'const'"),
        ({"fields": {"topic": {"const": "b", "as": "text"}}}, "objects.thing.fields.topic", "stands alone"),
        ({"fields": {"topic": {"from": "a", "as": "tekst"}}}, "objects.thing.fields.topic.as", "did you mean 'text'"),
        ({"fields": {"topic": {"from": "a", "as": "money"}}}, "objects.thing.fields.topic.as", "does not fit"),
        ({"fields": {"status": {"from": "a", "values": "statuss"}}}, "objects.thing.fields.status.values", "'status'"),
        (
            {"fields": {"status": {"from": "a", "values": "status", "as": "text"}}},
            "objects.thing.fields.status",
            "remove 'as'",
        ),
        ({"fields": {"topic": "a[*]"}}, "objects.thing.fields.topic.from", "use [name=value]"),
        ({"fields": {"status": {"const": "opn"}}}, "objects.thing.fields.status.const", "did you mean 'open'"),
        ({"fields": {"reopened": {"from": "a", "default": "x"}}}, "objects.thing.fields.reopened.default", "int"),
        ({"fields": {"opened": {"const": "2026-01-01T00:00:00"}}}, "objects.thing.fields.opened.const", "offset"),
        ({"to": "usage", "fields": {"value": {"const": float("nan")}}}, "objects.thing.fields.value.const", "an end"),
        ({"to": "customer", "fields": {"external_ids": "a"}}, "objects.thing.fields.external_ids", "external_ids.crm"),
        ({"to": "customer", "fields": {"consents": "a"}}, "objects.thing.fields.consents", "consents.email"),
        ({"to": "customer", "fields": {"consents.mail": "a"}}, "objects.thing.fields.consents.mail", "'email'"),
        ({"to": "customer", "fields": {"consents.email.on": "a"}}, "objects.thing.fields.consents.email.on", "no part"),
    ],
)
def test_a_fault_in_the_file_names_the_place_and_what_was_meant(part: dict[str, Any], where: str, what: str) -> None:
    data = {"vendor": "desk", "objects": {"thing": {"to": "ticket", "id": "id"} | part}, "values": VALUES}
    with pytest.raises(ConfigError) as problem:
        build_mapping(data, "desk.yaml")
    assert problem.value.where == f"desk.yaml: {where}"
    assert what in problem.value.what


@pytest.mark.parametrize(
    ("table", "where", "what"),
    [
        ({"a": "opn"}, "objects.thing.fields.status.values: status.a", "did you mean 'open'"),
        ({"a": "open", "A ": "closed"}, "objects.thing.fields.status.values: status.A", "twice"),
        ({"": "open"}, "objects.thing.fields.status.values", "blank word"),
        ({None: "open"}, "objects.thing.fields.status.values", "blank word"),
        (["open"], "values.status", "object"),
    ],
)
def test_a_fault_in_a_table_names_the_word(table: Any, where: str, what: str) -> None:
    thing = {"to": "ticket", "id": "id", "fields": {"status": {"from": "s", "values": "status"}}}
    with pytest.raises(ConfigError) as problem:
        build_mapping({"vendor": "desk", "objects": {"thing": thing}, "values": {"status": table}}, "desk.yaml")
    assert problem.value.where == f"desk.yaml: {where}"
    assert what in problem.value.what


def test_a_mapping_is_named_like_its_file(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text("vendor: disk\n")
    with pytest.raises(ConfigError, match=r"is 'disk', but the file is desk\.yaml"):
        load_mapping(file)


def test_a_json_schema_can_be_made_of_the_form() -> None:
    schema = msgspec.json.schema(MappingForm)
    assert set(schema["$defs"]["RuleForm"]["properties"]) == {"from", "const", "as", "values", "default"}
