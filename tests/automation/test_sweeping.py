"""Days that come: each customer is looked at once, wherever the worker was cut short, and history stays history."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest

from bridge.acting import sweeping
from bridge.acting.sweeping import sweep_once
from bridge.automation.register import adopt, find_armed, read_armed, remove, save, switch
from bridge.errors import BadRequest, NotFound
from bridge.flow import Desk, load_rules
from bridge.playbook.incidents import Incident, Incidents
from bridge.settings import read_settings
from bridge.store import Store
from bridge.worker import Worker
from tests.automation.mailing import TUESDAY, Vendor, clients_of, make_office, people, rule, tell, work
from tests.desks import NOW, drain, feed, make_desk, read_exports, ticket
from tests.dump import query


async def _sweep(desk: Desk, now: datetime) -> None:
    while await sweep_once(desk, now):
        pass


async def test_a_day_sets_off_each_customer_once_however_often_it_is_looked_at(
    store: Store, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "PAGE", 3)
    vendor = Vendor()
    weekly = rule(id="weekly", when={"fact": "schedule.due", "schedule": {"weekday": "tuesday"}})
    desk = await make_office(store, tmp_path, weekly, now=TUESDAY - timedelta(days=3))
    await tell(desk, people(7))
    monday = TUESDAY - timedelta(days=1)
    await _sweep(desk, monday)
    assert await query(database_url, "select id from runs") == []
    await sweep_once(desk, TUESDAY)  # and here the worker ends
    await _sweep(desk, TUESDAY)
    await _sweep(desk, TUESDAY + timedelta(days=1))
    await work(desk, clients_of(desk, vendor), TUESDAY)
    assert len(vendor.done) == 7 == len({body["data"]["to"] for _, body in vendor.done})


async def test_who_was_imported_on_the_day_is_history(store: Store, database_url: str, tmp_path: Path) -> None:
    daily = rule(id="daily", when={"fact": "schedule.due", "schedule": {}})
    desk = await make_office(store, tmp_path, now=TUESDAY)
    await save(store, daily, mode="on", by="test", now=TUESDAY - timedelta(days=9))
    desk.live_since = dict.fromkeys(desk.live_since, TUESDAY)
    await tell(desk, people(2))
    desk.live_since = dict.fromkeys(desk.live_since, TUESDAY)
    desk.armed = await read_armed(store)
    await _sweep(desk, TUESDAY + timedelta(hours=1))
    assert await query(database_url, "select id from runs") == []


async def test_an_incident_sets_off_whom_it_concerns(store: Store, database_url: str, tmp_path: Path) -> None:
    outage = rule(id="outage", when={"fact": "incident.declared"})
    desk = await make_office(store, tmp_path, outage)
    await tell(desk, [*people(3), ticket(1, 2, at=TUESDAY)])
    script = desk.rules.deciding.playbooks.playbooks[0]
    affected = msgspec.structs.replace(script, id="incident_nord", when=lambda facts: facts["ticket.open"] == 1)
    incidents = Incidents((Incident(TUESDAY, None, affected),))
    deciding = msgspec.structs.replace(desk.rules.deciding, incidents=incidents)
    desk.rules = msgspec.structs.replace(desk.rules, deciding=deciding)
    for _ in range(2):
        await _sweep(desk, TUESDAY + timedelta(minutes=5))
    assert await query(database_url, "select automation, data from runs") == [
        ("outage", '{"incident":"incident_nord"}')
    ]


async def test_another_incident_is_told_of_too(store: Store, database_url: str, tmp_path: Path) -> None:
    outage = rule(id="outage", when={"fact": "incident.declared"}, window=30)
    desk = await make_office(store, tmp_path, outage)
    await tell(desk, people(1))
    script = desk.rules.deciding.playbooks.playbooks[0]
    declared: list[Incident] = []
    for name, at in (("nord", TUESDAY), ("sued", TUESDAY + timedelta(hours=5))):
        named = msgspec.structs.replace(script, id=f"incident_{name}", when=lambda facts: True)
        declared.append(Incident(at, None, named))
        deciding = msgspec.structs.replace(desk.rules.deciding, incidents=Incidents(tuple(declared)))
        desk.rules = msgspec.structs.replace(desk.rules, deciding=deciding)
        await _sweep(desk, at + timedelta(minutes=5))
    assert await query(database_url, "select data from runs order by occurred_at") == [
        ('{"incident":"incident_nord"}',),
        ('{"incident":"incident_sued"}',),
    ]


async def test_importing_history_with_every_automation_on_writes_to_nobody(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_desk(store, tmp_path / "exports", now=NOW)
    assert len(await adopt(store, desk.rules.automations, NOW - timedelta(days=800))) == 6
    for one in desk.rules.automations:
        await switch(store, one.id, "on", by="key:1", now=NOW - timedelta(days=700))
    await desk.look_up()
    today = NOW.date()
    (tmp_path / "exports" / "kunden.csv").write_text(
        "Kundennummer;Vorname;Nachname;E-Mail;Telefon;Kunde seit;Geändert am\n"
        f"K1;Rosa;A;rosa@example.de;030 23125042;{_de(today - timedelta(days=14))};01.11.2026\n"
        f"K2;Otto;B;otto@example.de;030 23125043;{_de(today - timedelta(days=11))};01.11.2026\n"
    )
    (tmp_path / "exports" / "vertraege.csv").write_text(
        "Vertragsnummer;Kundennummer;Tarif;Status;Vertragsende;Geändert am\n"
        f"V1;K1;DSL;aktiv;{_de(today + timedelta(days=60))};01.11.2026\n"
    )
    worker = Worker(desk=desk, clock=lambda: NOW)
    await read_exports(worker)
    for number in range(1, 6):
        await feed(desk, "helpdesk", [ticket(number, 1, at=NOW - timedelta(days=number * 9))], now=NOW)
    await drain(desk, now=NOW)
    for minutes in range(0, 3000, 600):
        now = NOW + timedelta(minutes=minutes)
        await _sweep(desk, now)
        await work(desk, clients_of(desk, Vendor()), now)
    assert await query(database_url, "select count(*) from outbox") == [(0,)]
    assert await query(database_url, "select automation, state from runs") == []
    await _sweep(desk, TUESDAY)  # and from now on days count
    assert await query(database_url, "select automation from runs") == [("first_weeks",)]
    await work(desk, clients_of(desk, Vendor()), TUESDAY)
    assert await query(database_url, "select result, reason from run_steps") == [("refused", "consent_missing")]


def _de(day: date) -> str:
    return day.strftime("%d.%m.%Y")


async def test_files_are_adopted_when_they_change_and_what_people_did_stays(store: Store) -> None:
    (first,) = (one for one in load_rules(read_settings()).automations if one.id == "bad_nps")
    now = datetime(2026, 11, 24, tzinfo=timezone.utc)
    assert await adopt(store, [first], now) == ["bad_nps"]
    await switch(store, "bad_nps", "on", by="key:1", now=now)
    assert await adopt(store, [first], now) == []
    assert (await find_armed(store, "bad_nps")).mode == "on"
    changed = rule(id="bad_nps", window=7)
    assert await adopt(store, [changed], now) == ["bad_nps"]
    held = await find_armed(store, "bad_nps")
    assert (held.mode, held.rule.version, held.live_since) == ("off", changed.version, None)
    with pytest.raises(BadRequest):
        await remove(store, "bad_nps", by="key:1", now=now)
    await save(store, rule(), mode="dry", by="key:1", now=now)
    assert await adopt(store, [], now) == ["bad_nps"]
    assert [one.id for one in await read_armed(store)] == ["sorry"]
    await remove(store, "sorry", by="key:1", now=now)
    with pytest.raises(NotFound):
        await find_armed(store, "sorry")


async def test_the_worker_does_it_all_by_itself(store: Store, tmp_path: Path) -> None:
    vendor = Vendor()
    desk = await make_office(store, tmp_path, rule())
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    worker = Worker(desk=desk, clock=lambda: TUESDAY + timedelta(minutes=1))
    worker.clients["hook"] = clients_of(desk, vendor)("hook")
    while await worker.automate() == 0 or await worker.send() == 0:
        pass
    assert [body["data"]["to"] for _, body in vendor.done] == ["person1@example.de"]
