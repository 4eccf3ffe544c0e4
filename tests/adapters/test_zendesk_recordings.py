"""Every recorded Zendesk body goes through the real adapter: records, or named errors; counts in = counts out."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.zendesk.exports import SINGULAR, item, items
from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Item
from bridge.errors import MappingError
from bridge.model import RECORDS, Entry, EntryKind
from tests.adapters.zendesk_account import account

_PLURAL = [name for name in SINGULAR if name != "results"]
_SINGLE = [SINGULAR[name] for name in _PLURAL]


class _Tolerant(yaml.CSafeLoader):
    """The published specification has a bare `=` among its values."""


def _scalar(loader: yaml.CSafeLoader, node: yaml.Node) -> str:
    return str(node.value)


yaml.add_constructor("tag:yaml.org,2002:value", _scalar, _Tolerant)


def _fixture_bodies(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.rglob("*.json")):
        yield json.loads(path.read_text("utf-8"))


def _recorded_bodies(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.glob("*.json")):
        recorded = json.loads(path.read_text("utf-8"))
        for call in recorded if isinstance(recorded, list) else [recorded]:
            yield call.get("response") if isinstance(call, dict) else None


def _specified_bodies(folder: Path) -> Iterator[Any]:
    loader = _Tolerant((folder / "openapi.yaml").read_text("utf-8"))
    specification = loader.get_single_data()
    for shown in specification["components"]["examples"].values():
        yield shown.get("value")
    for path in specification["paths"].values():
        for call in path.values():
            for response in call.get("responses", {}).values() if isinstance(call, dict) else ():
                for content in response.get("content", {}).values():
                    yield content.get("example")
                    yield from (one.get("value") for one in content.get("examples", {}).values())


def _objects(body: Any) -> Iterator[Item]:
    """Everything in an answer that stands where one of our objects stands, taken out as the adapter takes it out."""
    if isinstance(body, list):
        body = {"results": body}
    if not isinstance(body, dict):
        return
    for name in _PLURAL:
        if isinstance(body.get(name), list):
            yield from items("helpdesk", body, name)
    for name in _SINGLE:
        found = body.get(name)
        for one in found if isinstance(found, list) else [found]:  # the specification once lists under a single name
            if isinstance(one, dict):
                yield item("helpdesk", body | {name: one}, name)
    for row in body["results"] if isinstance(body.get("results"), list) else ():
        if isinstance(row, dict):
            yield Item(object=str(row.get("result_type", "other")), raw=row)


def _outcome(adapter: Adapter, one: Item) -> str:
    """What became of it. Anything but an entry or a MappingError that names vendor and path fails the test."""
    if one.object not in adapter.mapping.objects:
        return "not ours"
    try:
        said = adapter.read(one)
    except MappingError as problem:
        assert problem.vendor == "zendesk"
        assert problem.path
        return "named error"
    outcome = "not ours"
    for entry in said:
        assert isinstance(entry, Entry)
        assert entry.object in RECORDS
        assert entry.source_id == str(one.raw["id"])
        outcome = "deleted" if entry.kind is EntryKind.deleted else "record"
    return outcome


_SETS = {
    "go-zendesk-fixture": _fixture_bodies,
    "node-zendesk-fixtures": _recorded_bodies,
    "oas-support-api": _specified_bodies,
}


@pytest.mark.parametrize("name", _SETS)
def test_recorded_bodies_become_records_or_named_errors(
    name: str, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared / "recorded" / "zendesk" / name
    if not folder.is_dir():
        pytest.skip(f"no recordings in recorded/zendesk/{name} beside the checkout")
    adapter = account()
    found: Counter[str] = Counter()
    outcomes: Counter[tuple[str, str]] = Counter()
    bodies = 0
    for body in _SETS[name](folder):
        bodies += 1
        for one in _objects(body):
            found[one.object] += 1
            outcomes[one.object, _outcome(adapter, one)] += 1
    assert sum(outcomes.values()) == sum(found.values()) > 0
    columns = ("record", "deleted", "not ours", "named error")
    lines = [f"\n{name}: {bodies} bodies", f"{'':22}{'in':>6}" + "".join(f"{column:>13}" for column in columns)]
    for kind in sorted(found):
        row = [outcomes[kind, column] for column in columns]
        assert sum(row) == found[kind]
        lines.append(f"{kind:22}{found[kind]:>6}" + "".join(f"{number:>13}" for number in row))
    assert sum(number for (_, outcome), number in outcomes.items() if outcome == "record") > 0
    with capsys.disabled():
        sys.stdout.write("\n".join(lines) + "\n")
