"""New rules reach everybody: whoever was decided by others is decided anew, and so is told of an incident."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

from bridge.flow import Desk, apply_rules, load_rules, refresh_due
from bridge.settings import read_settings
from bridge.store import Store, micros
from tests.desks import NOW, drain, feed, ticket, user
from tests.scoring.views import CONFIG

SOON = NOW + timedelta(minutes=5)
OUTAGE = """
incidents:
  - id: outage
    title: {de: Störung, en: Outage}
    line: {de: Das Netz ist gestört., en: The network is down.}
"""


async def due(store: Store) -> int:
    return int((await store.all("customers.due_count", now=micros(SOON)))[0][0])


async def decisions(store: Store) -> dict[str, tuple[str, str]]:
    """Customer → id of the decision, and what it was made of."""
    ids = [row[0] for row in await store.all("customers.due", now=1 << 61, after="", most=100)]
    return {row[0]: (row[2], row[12]) for row in await store.all("customers.decisions", ids=ids)}


async def test_everybody_is_decided_anew_once_the_rules_are_others(desk: Desk, store: Store, tmp_path: Path) -> None:
    await feed(desk, "helpdesk", [user(1), user(2), ticket(7, 1)])
    await drain(desk)
    assert await apply_rules(desk, NOW)
    await refresh_due(desk, most=10, now=SOON)
    assert not await apply_rules(desk, SOON)
    assert await due(store) == 0
    before = await decisions(store)
    assert len(before) == 2

    config = tmp_path / "config"
    shutil.copytree(CONFIG, config)
    (config / "incident.yaml").write_text(OUTAGE, "utf-8")
    desk.rules = load_rules(read_settings(config_dir=config))
    assert await apply_rules(desk, SOON)
    assert await due(store) == 2
    await refresh_due(desk, most=10, now=SOON)
    after = await decisions(store)
    for customer, (number, made_of) in after.items():
        assert number != before[customer][0]
        assert desk.rules.deciding.version in made_of
    assert not await apply_rules(desk, SOON)
