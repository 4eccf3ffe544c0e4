"""Every recorded call goes through the real adapter: records, or named errors; counts in = counts out."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.adapter.delivery import Item
from bridge.errors import MappingError
from bridge.model import RECORDS, Entry
from tests.adapters.twilio_account import make


def _shown(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.rglob("*.json")):
        try:
            yield json.loads(path.read_text("utf-8"))
        except ValueError:  # lists in the documentation are cut short with "..."
            text = path.read_text("utf-8")
            at = text.find('"calls": [')
            if at >= 0:
                yield json.JSONDecoder().raw_decode(text[text.index("{", at) :])[0]


def _specified(folder: Path) -> Iterator[Any]:
    specification = json.loads((folder / "twilio_api_v2010.json").read_text("utf-8"))
    for path, operations in specification["paths"].items():
        if "/Calls.json" in path or "/Calls/{Sid}.json" in path:
            for operation in operations.values():
                for response in operation.get("responses", {}).values() if isinstance(operation, dict) else ():
                    for content in response.get("content", {}).values():
                        yield from (example.get("value") for example in content.get("examples", {}).values())


def _calls(body: Any) -> Iterator[Item]:
    rows = body.get("calls", [body]) if isinstance(body, dict) else []
    for row in rows:
        if isinstance(row, dict) and str(row.get("sid", "")).startswith("CA"):
            yield Item(object="call", raw=row, patch=True)


_SETS = {"api-snippets-outputs": _shown, "twilio-oai-api-v2010": _specified}


@pytest.mark.parametrize("name", _SETS)
def test_recorded_calls_become_records_or_named_errors(
    name: str, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared / "recorded" / "twilio" / name
    if not folder.is_dir():
        pytest.skip(f"no recordings in recorded/twilio/{name} beside the checkout")
    adapter = make()
    outcomes: Counter[str] = Counter()
    unread: set[str] = set()
    for body in _SETS[name](folder):
        for item in _calls(body):
            unread |= set(adapter.mapping.unread("call", item.raw))
            try:
                said = adapter.read(item)
            except MappingError as problem:
                assert (problem.vendor, bool(problem.path)) == ("twilio", True)
                outcomes["named error"] += 1
                continue
            for entry in said:
                assert isinstance(entry, Entry)
                assert entry.object in RECORDS
                assert entry.source_id == item.raw["sid"]
            outcomes["record" if said else "leg of a call"] += 1
    assert outcomes["record"] > 0
    assert outcomes["named error"] == 0
    assert unread == set()
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: {dict(outcomes)}\n")
