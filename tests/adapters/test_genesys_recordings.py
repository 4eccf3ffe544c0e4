"""Every recorded conversation goes through the real adapter: records, or named errors; counts in = counts out."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from bridge.adapter.delivery import Item
from bridge.errors import MappingError
from bridge.model import RECORDS, Entry
from tests.adapters.genesys_organization import event, make, opened


def test_recorded_conversations_become_interactions(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shared / "recorded" / "genesys" / "genesys-core-fixtures"
    if not folder.is_dir():
        pytest.skip("no recordings in recorded/genesys/genesys-core-fixtures beside the checkout")
    adapter = make()
    lines = [line for path in sorted(folder.rglob("*.jsonl")) for line in path.read_text("utf-8").splitlines() if line]
    outcomes: Counter[str] = Counter()
    for line in lines:
        item = Item(object="conversation", raw=json.loads(line))
        assert adapter.mapping.unread("conversation", item.raw) == []
        try:
            said = adapter.read(item)
        except MappingError as problem:
            assert (problem.vendor, bool(problem.path)) == ("genesys_cloud", True)
            outcomes["named error"] += 1
            continue
        for entry in said:
            assert isinstance(entry, Entry)
            assert entry.object in RECORDS
        [interaction] = [one for one in said if isinstance(one, Entry) and one.object == "interaction"]
        assert interaction.source_id == item.raw["conversationId"]
        outcomes[str(interaction.body["state"])] += 1
    assert outcomes.total() == len(lines) > 0
    assert outcomes["named error"] == 0
    with capsys.disabled():
        sys.stdout.write(f"\ngenesys-core-fixtures: {dict(outcomes)}\n")


def test_the_topics_that_are_read_exist(shared: Path) -> None:
    path = shared / "recorded" / "genesys" / "notification-mappings" / "notificationMappings.json"
    if not path.is_file():
        pytest.skip("no recordings in recorded/genesys/notification-mappings beside the checkout")
    topics = {one["topic"] for one in json.loads(path.read_text("utf-8"))["notifications"]}
    ours = [topic for topic in sorted(topics) if topic.startswith("v2.detail.events.conversation.{id}.")]
    read = [topic for topic in ours if opened(event(topic.removeprefix("v2.detail.events.conversation.{id}."))).items]
    assert len(read) == 5
    assert len(ours) > len(read)
