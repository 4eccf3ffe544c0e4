"""Every recorded answer of a real Zammad goes through the adapter: records, or named errors; counts in = counts out."""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from adapters.zammad.listing import is_row
from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Item
from bridge.errors import MappingError
from bridge.model import RECORDS, Entry, EntryKind
from tests.adapters.zammad_account import account

_OBJECTS = {"users": "user", "tickets": "ticket", "organizations": "organization"}
"""What the adapter reads; all others (groups, knowledge bases) show what it does not."""
_KINDS = {EntryKind.full: "record", EntryKind.deleted: "deleted"}


def _bodies(folder: Path) -> Iterator[tuple[str, bool, Any]]:
    """The JSON answers: what they show, whether they were asked for with names, and their content."""
    for path in sorted(folder.glob("*.yaml")):
        for one in yaml.safe_load(path.read_text("utf-8"))["interactions"]:
            content = one["response"]["body"]["string"]
            content = content.encode() if isinstance(content, str) else content
            text = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
            place = urlsplit(one["request"]["uri"])
            if text.strip():
                stream = place.path.removeprefix("/api/v1/").partition("/")[0]
                yield _OBJECTS.get(stream, "other"), "expand=true" in place.query, json.loads(text)


def _items(folder: Path) -> Iterator[tuple[bool, Item]]:
    for name, expanded, body in _bodies(folder):
        for row in body if isinstance(body, list) else [body]:
            yield expanded, Item(object=name if is_row(row) else "other", raw=row)


def _outcome(adapter: Adapter, one: Item) -> str:
    """What became of it. Anything but an entry or a MappingError that names vendor and path fails the test."""
    if one.object == "other":
        return "not ours"
    try:
        (entry,) = adapter.read(one)
    except MappingError as problem:
        assert problem.vendor == "zammad"
        assert problem.path
        return "named error"
    assert isinstance(entry, Entry)
    assert entry.object in RECORDS
    assert entry.source_id == str(one.raw["id"])
    return _KINDS[entry.kind]


def test_recorded_answers_become_records_or_named_errors(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shared / "recorded" / "zammad" / "zammad_py-cassettes"
    if not folder.is_dir():
        pytest.skip("no recordings in recorded/zammad/zammad_py-cassettes beside the checkout")
    adapter = account()
    found: Counter[str] = Counter()
    outcomes: Counter[tuple[str, str]] = Counter()
    for expanded, one in _items(folder):
        outcome = _outcome(adapter, one)
        found[one.object] += 1
        outcomes[one.object, outcome] += 1
        if one.object != "other":
            # Without names it is not said who is a customer; the adapter asks for them always.
            assert (outcome == "named error") == (one.object == "user" and not expanded), one.object
            left = adapter.mapping.unread(one.object, one.raw)
            assert left == [], "fields of a real Zammad that nobody decided on"
    assert sum(outcomes.values()) == sum(found.values()) > 0
    columns = ("record", "deleted", "not ours", "named error")
    lines = [f"\n{folder.name}", f"{'':22}{'in':>6}" + "".join(f"{column:>13}" for column in columns)]
    for kind in sorted(found):
        row = [outcomes[kind, column] for column in columns]
        assert sum(row) == found[kind]
        lines.append(f"{kind:22}{found[kind]:>6}" + "".join(f"{number:>13}" for number in row))
    assert outcomes["user", "record"] > 0
    assert outcomes["ticket", "record"] > 0
    with capsys.disabled():
        sys.stdout.write("\n".join(lines) + "\n")
