"""Every recorded Freshdesk body goes through the real adapter: records, or named errors; counts in = counts out."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.freshdesk.listing import rows
from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Item
from bridge.errors import MappingError
from bridge.model import RECORDS, Entry, EntryKind
from tests.adapters.freshdesk_account import account

_OBJECTS = {
    "contact": "contact",
    "contacts": "contact",
    "search_contacts": "contact",
    "companies": "company",
    "company": "company",
    "customer": "company",
    "search_companies": "company",
    "all_tickets": "ticket",
    "ticket": "ticket",
    "outbound_email": "ticket",
    "search_tickets": "ticket",
}
"""What a recorded file shows, by the first words of its name; all others show what is not read."""


def _object(name: str) -> str:
    fitting = [begin for begin in _OBJECTS if name == begin or name.startswith(f"{begin}_")]
    return _OBJECTS[max(fitting, key=len)] if fitting else "other"


def _items(folder: Path) -> Iterator[Item]:
    for path in sorted(folder.glob("*.json")):
        body: Any = json.loads(path.read_text("utf-8"))
        if isinstance(body, dict) and isinstance(body.get("results"), list):
            body = body["results"]
        yield from rows("helpdesk", body if isinstance(body, list) else [body], _object(path.stem))


def _outcome(adapter: Adapter, one: Item) -> str:
    """What became of it. Anything but entries or a MappingError that names vendor and path fails the test."""
    if one.object == "other":
        return "not ours"
    try:
        said = adapter.read(one)
    except MappingError as problem:
        assert problem.vendor == "freshdesk"
        assert problem.path
        return "named error"
    for entry in said:
        assert isinstance(entry, Entry)
        assert entry.object in RECORDS
        assert entry.source_id == str(one.raw["id"])
    kinds = {entry.kind for entry in said if isinstance(entry, Entry) and entry.object != "contract"}
    return "deleted" if kinds == {EntryKind.deleted} else "record" if kinds else "not ours"


def test_recorded_bodies_become_records_or_named_errors(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shared / "recorded" / "freshdesk" / "python-freshdesk-v2"
    if not folder.is_dir():
        pytest.skip("no recordings in recorded/freshdesk/python-freshdesk-v2 beside the checkout")
    adapter = account()
    found: Counter[str] = Counter()
    outcomes: Counter[tuple[str, str]] = Counter()
    for one in _items(folder):
        found[one.object] += 1
        outcomes[one.object, _outcome(adapter, one)] += 1
    assert sum(outcomes.values()) == sum(found.values()) > 0
    columns = ("record", "deleted", "not ours", "named error")
    lines = [f"\n{folder.name}", f"{'':22}{'in':>6}" + "".join(f"{column:>13}" for column in columns)]
    for kind in sorted(found):
        row = [outcomes[kind, column] for column in columns]
        assert sum(row) == found[kind]
        lines.append(f"{kind:22}{found[kind]:>6}" + "".join(f"{number:>13}" for number in row))
    for kind in ("contact", "company", "ticket"):
        assert outcomes[kind, "record"] > 0
        assert outcomes[kind, "named error"] == 0, "a record of a live system is not to be lost"
    with capsys.disabled():
        sys.stdout.write("\n".join(lines) + "\n")
