"""Every recorded event goes through the real adapter: records, or named errors; counts in = counts out."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from bridge.adapter.base import Adapter
from bridge.errors import MappingError
from bridge.model import RECORDS, Entry
from tests.adapters.amazon_instance import delivery, make

_SETS = ("powertools-connect-event-all", "powertools-connect-event-min")


def _outcomes(adapter: Adapter, body: bytes) -> Counter[str]:
    found = adapter.open(delivery(body))
    outcomes: Counter[str] = Counter({"ignored": found.ignored})
    for item in found.items:
        assert adapter.mapping.unread(item.object, item.raw) == []
        try:
            said = adapter.read(item)
        except MappingError as problem:
            assert (problem.vendor, bool(problem.path)) == ("amazon_connect", True)
            outcomes["named error"] += 1
            continue
        for entry in said:
            assert isinstance(entry, Entry)
            assert entry.object in RECORDS
        outcomes["record" if said else "no interaction"] += 1
    return outcomes


@pytest.mark.parametrize("name", _SETS)
def test_recorded_events_of_flows_become_interactions(
    name: str, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared / "recorded" / "amazon_connect" / name
    if not folder.is_dir():
        pytest.skip(f"no recordings in recorded/amazon_connect/{name} beside the checkout")
    adapter = make()
    bodies = [path.read_bytes() for path in sorted(folder.glob("*.json"))]
    outcomes = sum((_outcomes(adapter, body) for body in bodies), Counter[str]())
    assert outcomes.total() == len(bodies)
    assert outcomes["record"] == len(bodies)
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: {dict(outcomes)}\n")
