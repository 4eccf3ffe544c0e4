"""New rules reach everybody: whoever was decided by others is decided anew, and so is told of an incident."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

from bridge.flow import Desk, apply_rules, load_rules, refresh_due
from bridge.flow.concluding import OTHER_RULES
from bridge.settings import read_settings
from bridge.store import Store, micros
from tests.desks import NOW, drain, feed, go_live, make_desk, ticket, user
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


async def test_what_a_process_with_the_old_rules_decides_is_decided_anew_by_the_worker(
    desk: Desk, store: Store, tmp_path: Path
) -> None:
    await go_live(desk, NOW - timedelta(days=1))
    await feed(desk, "helpdesk", [user(1), user(2), ticket(7, 1)])
    await drain(desk)
    config = tmp_path / "config"
    shutil.copytree(CONFIG, config)
    (config / "incident.yaml").write_text(OUTAGE, "utf-8")
    worker = await make_desk(store, tmp_path / "exports", config_dir=config)
    assert await apply_rules(worker, NOW)
    while await refresh_due(worker, most=10, now=NOW):
        pass
    await feed(desk, "helpdesk", [ticket(8, 1)])
    await drain(desk, refresh=False)
    old = [made_of for _, made_of in (await decisions(store)).values() if desk.rules.deciding.version in made_of]
    assert len(old) == 1
    assert (await store.all("customers.due", now=micros(NOW + OTHER_RULES), most=10))[0][1] == "refresh"
    while await refresh_due(worker, most=10, now=NOW + OTHER_RULES):
        pass
    assert all(worker.rules.deciding.version in made_of for _, made_of in (await decisions(store)).values())
    assert await due(store) == 0
