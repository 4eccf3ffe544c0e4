"""A fault in a mapping file or an overlay stops the start and names file, path and what was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.adapter.mapping import build_mapping, load_mapping
from bridge.adapter.rules import MappingForm
from bridge.errors import ConfigError

VALUES = {"status": {"new": "new"}}


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
