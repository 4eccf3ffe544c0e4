"""Workers are killed at random moments while automations run: nobody is written to twice, and nothing goes missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.havoc import Plan, wreak

pytestmark = pytest.mark.e2e

COST = 2
"""What a message costs in this, in cents."""


async def test_killed_workers_write_to_nobody_twice_and_sent_uncertain_and_refused_are_all_that_was_due(
    database_url: str, tmp_path: Path
) -> None:
    workers = 1 if database_url.startswith("sqlite") else 2
    tally = await wreak(Plan(facts=300, kills=20, workers=workers), tmp_path, database_url)
    assert sum(tally.kills.values()) == 20 and tally.kills["after"] >= 3
    assert tally.twice == 0
    assert tally.lost == 0
    assert tally.unknown == 0 and tally.missing == 0
    assert tally.uncertain > 0 and tally.sent > 0 and tally.received == tally.sent + tally.taken
    assert tally.refused.keys() == {"opted_out", "by the mail server"}
    assert tally.spent == COST * (tally.sent + tally.uncertain)
