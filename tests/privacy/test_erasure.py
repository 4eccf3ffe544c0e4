"""Erasing a person leaves no trace but a keyed hash, and the neighbours as if the person had never been."""

from __future__ import annotations

import asyncio
import shutil
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.adapter.base import Item
from bridge.automation import outbox
from bridge.errors import NotFound
from bridge.flow import Desk, merge
from bridge.gateway.trail import Trail
from bridge.identity.suppression import suppression
from bridge.privacy import erase, export, reinstate, sweep
from bridge.store import Store, Unit, find_answer, micros, open_store
from bridge.worker import Worker
from tests.desks import NOW, drain, feed, make_desk, ticket, user
from tests.dump import dump, query

ROSA, CRM_ID = 4_711_000_001, "K-90817"
PERSONAL = (
    "Rosa",
    "Unverwechselbar",
    "rosa.u@example.de",
    "ROSA.U@example.de",
    "+493023125042",
    "+49 30 23125042",
    str(ROSA),
    CRM_ID,
    "Mein Nachbar hört alles mit",
)
"""What must be nowhere afterwards, in every spelling in which it came."""


async def read_all(url: str) -> str:
    """Every column of every table as one text; what is compressed is unpacked."""
    tables = "select name from sqlite_master where type = 'table'"
    if url.startswith("postgresql"):
        tables = "select tablename from pg_tables where schemaname = 'public'"
    rows = [row for (table,) in await query(url, tables) for row in await query(url, f"select * from {table}")]
    return "\n".join(_text(value) for row in rows for value in row)


def _text(value: Any) -> str:
    if not isinstance(value, bytes | memoryview):
        return str(value)
    raw = bytes(value)
    return (zlib.decompress(raw) if raw[:1] == b"\x58" or raw[:1] == b"\x78" else raw).decode()


def traces(text: str) -> list[str]:
    """Which of PERSONAL stand in `text`."""
    return [one for one in PERSONAL if one in text]


@pytest.fixture
async def desk(store: Store, database_url: str, tmp_path: Path) -> Desk:
    """A desk that keeps its suppressions beside it on either engine."""
    return await make_desk(
        store, tmp_path / "exports", now=NOW, database_url=database_url, suppression_file=tmp_path / "erased.txt"
    )


def _rosas_user(**fields: Any) -> Item:
    said = {"name": "Rosa Unverwechselbar", "email": "ROSA.U@example.de", "phone": "+49 30 23125042"}
    return user(ROSA, **(said | {"external_id": CRM_ID} | fields))


def _neighbours() -> list[Item]:
    """A flatmate whose line the CRM has for Rosa too, and somebody who has nothing to do with it."""
    return [
        user(5, name="Mitbewohner", phone="030 23125099"),
        user(6, name="Unbeteiligt", phone="030 23125777"),
        ticket(61, 6),
        ticket(51, 5),
    ]


def _write_crm(desk: Desk) -> None:
    folder = Path(desk.registry.adapter("crm").source.setting("folder"))
    (folder / "kunden.csv").write_text(
        "Kundennummer;Vorname;Nachname;E-Mail;Telefon;Geändert am\n"
        f"{CRM_ID};Rosa;Unverwechselbar;rosa.u@example.de;030 23125 099;01.11.2026\n"
    )
    (folder / "vertraege.csv").write_text(
        "Vertragsnummer;Kundennummer;Tarif;Status;Vertragsende;Geändert am\n"
        f"V1;{CRM_ID};DSL;aktiv;31.12.2026;01.11.2026\n"
    )


async def _tell_of_rosa(desk: Desk) -> str:
    """Everything that can be known of a person, from every side; returns her id."""
    _write_crm(desk)
    text = {"subject": "Beschwerde", "description": "Mein Nachbar hört alles mit", "tags": ["beschwerde"]}
    detail = {"id": ROSA, "role": "end-user", "email": "rosa.u@example.de"}
    hint = {"type": "zen:event-type:user.created", "id": "h1", "detail": detail}
    await feed(
        desk,
        "helpdesk",
        [
            _rosas_user(at=NOW - timedelta(days=2)),
            _rosas_user(at=NOW - timedelta(days=1), name="Rosa U. Unverwechselbar"),
            ticket(71, ROSA, at=NOW - timedelta(days=1), **text),
            ticket(71, ROSA, at=NOW, status="solved", **text),
            _rosas_user(updated_at="neulich"),
            Item(
                object="satisfaction_rating", raw={"id": 9, "score": "unoffered", "requester_id": ROSA, "ticket_id": 71}
            ),
        ],
    )
    await Worker(desk=desk, clock=lambda: NOW).settle_all()
    await _keep_a_hint(desk, hint)
    await feed(desk, "helpdesk", [ticket(72, ROSA, at=NOW, **text)])
    await drain(desk)
    await feed(desk, "helpdesk", [ticket(72, ROSA, at=NOW + timedelta(seconds=9), **text)])
    row = await find_answer(desk.store, "email", "rosa.u@example.de", None)
    assert row is not None
    assert row[0] == "exact"
    await _use(desk, str(row[1]), str(row[7]))
    return str(row[1])


async def _keep_a_hint(desk: Desk, hint: dict[str, Any]) -> None:
    """A hint whose object was fetched: what it said of the person stays in the inbox."""
    await feed(desk, "helpdesk", [Item(object="user_event", raw=hint, dedupe="h1", patch=True)])
    await query(
        desk.settings.database_url,
        "update deliveries set state = 'mapped' where dedupe_key = 'user_event:h1' returning id",
    )


async def _use(desk: Desk, customer: str, decision: str) -> None:
    """What agents and automations leave behind."""
    trail = Trail(desk.store)
    trail.dip("call-1", customer, decision, micros(NOW))
    trail.shown(decision, NOW)
    trail.audit("key:1", "customer", f"customer:{customer}", NOW)
    await trail.flush()
    unit = Unit()
    money: dict[str, Any] = {"offer": "credit", "amount_minor": 500, "currency": "EUR"}
    used: dict[str, Any] = {"decision": decision, "customer": customer, "at": micros(NOW)}
    unit.add("gateway.add_grant", until=micros(NOW) + 1, **used, **money)
    unit.add(
        "gateway.add_outcome",
        key="o_1",
        kind="accepted",
        result="saved",
        note="Rosa war zufrieden",
        disposition=None,
        agent="a7",
        actor="key:1",
        **used,
        **money,
    )
    args = {"to": "+493023125042", "text": "Guten Tag Rosa"}
    outbox.enqueue(unit, dedupe_key="m1", source="helpdesk", action="send_sms", args=args, now=NOW, customer=customer)
    await desk.store.write(unit)


async def test_nothing_is_left_of_an_erased_person(desk: Desk, database_url: str) -> None:
    await feed(desk, "helpdesk", _neighbours())
    await drain(desk)
    rosa = await _tell_of_rosa(desk)
    assert set(traces(await read_all(database_url))) == set(PERSONAL)
    await erase(desk, rosa, by="key:1", now=NOW)
    text = await read_all(database_url)
    assert traces(text) == []
    assert rosa not in text
    assert "Mitbewohner" in text and "Unbeteiligt" in text
    with pytest.raises(NotFound):
        await erase(desk, rosa, by="key:1", now=NOW)


async def test_the_receipt_counts_what_there_was_and_names_nobody(desk: Desk, database_url: str) -> None:
    await feed(desk, "helpdesk", _neighbours())
    await drain(desk)
    before = await _counts(database_url)
    rosa = await _tell_of_rosa(desk)
    there = await _counts(database_url)
    receipt = await erase(desk, rosa, by="key:1", now=NOW)
    after = await _counts(database_url)
    counts = receipt["counts"]
    for table, told in (
        ("records", "records"),
        ("record_versions", "record_versions"),
        ("profiles", "profiles"),
        ("decisions", "decisions"),
        ("decision_log", "former_decisions"),
        ("facts", "facts"),
        ("outbox", "outbox"),
        ("outcomes", "outcomes"),
        ("grants", "grants"),
        ("dips", "dips"),
    ):
        assert counts[told] == there[table] - after[table], table
        assert counts[told] >= 1, table
    assert counts["deliveries"] == there["deliveries"] - before["deliveries"]
    assert (counts["profiles"], counts["audit"]) == (2, 1)
    assert traces(str(receipt)) == [] and rosa not in str(receipt)
    assert (await query(database_url, "select action from audit")) == [("privacy.erase",)]


async def _counts(url: str) -> dict[str, int]:
    tables = (
        "records record_versions profiles decisions decision_log facts outbox outcomes grants dips deliveries".split()
    )
    return {table: (await query(url, f"select count(*) from {table}"))[0][0] for table in tables}


async def test_neighbours_are_left_as_if_the_person_had_never_been(
    desk: Desk, database_url: str, tmp_path: Path
) -> None:
    await feed(desk, "helpdesk", _neighbours())
    await drain(desk)
    never = await dump(database_url)
    rosa = await _tell_of_rosa(desk)
    assert (await dump(database_url))["keys"][("phone", "+493023125099")][0] == "ambiguous"
    await erase(desk, rosa, by="key:1", now=NOW)
    left = await dump(database_url)
    deliveries = left.pop("deliveries")
    assert [row for row in deliveries if row[2] != "ignored"] == never.pop("deliveries")
    assert left == never
    customers = await query(database_url, "select count(*) from customers")
    assert customers == [(2,)]


async def test_what_comes_in_later_about_the_person_leaves_only_a_tombstone(desk: Desk, database_url: str) -> None:
    rosa = await _tell_of_rosa(desk)
    await erase(desk, rosa, by="key:1", now=NOW)
    later = NOW + timedelta(hours=1)
    before = await _counts(database_url)
    folder = Path(desk.registry.adapter("crm").source.setting("folder"))
    with (folder / "kunden.csv").open("a") as file:
        file.write("K-1;Neu;Dazu;neu@example.de;;01.11.2026\n")
    broken = _rosas_user(at=later, updated_at="neulich")
    await feed(desk, "helpdesk", [_rosas_user(at=later), ticket(80, ROSA, at=later), broken], now=later)
    unreadable = Item(object="user", raw={"cells": ["Rosa", "rosa.u@example.de"]}, problem="line 3 cannot be read")
    await feed(desk, "helpdesk", [unreadable, user(8, updated_at="neulich", at=later)], now=later)
    worker = Worker(desk=desk, clock=lambda: later)
    await worker.settle_all()
    await worker.tidy()
    assert traces(await read_all(database_url)) == []
    after = await _counts(database_url)
    assert after["profiles"] == before["profiles"] + 1  # the new one of the export, K-1
    states = await query(
        database_url,
        f"select state, error from deliveries where received_at = {micros(later)} and source = 'helpdesk' order by id",
    )
    assert [state for state, _ in states] == ["ignored"] * 4 + ["dead"]
    assert [error for _, error in states[:4]] == ["suppressed"] * 4
    assert await query(database_url, "select raw from deliveries where error = 'suppressed'") == [("{}",)] * (
        len(await query(database_url, "select 1 from deliveries where error = 'suppressed'"))
    )


async def test_all_former_ids_of_a_merged_customer_go_too(desk: Desk, database_url: str) -> None:
    people = [user(number, name=f"Teil {number}") for number in (1, 2, 3)]
    for place, one in enumerate(people):
        await feed(desk, "helpdesk", [one], now=NOW + timedelta(minutes=place))
        await drain(desk, now=NOW + timedelta(minutes=place))
    ids = [str(row[0]) for row in await query(database_url, "select customer from profiles order by first_seen")]
    await merge(desk, ids[1], ids[2], by="key:1", evidence={"said": "Teil 3 am Telefon"}, now=NOW)
    await merge(desk, ids[0], ids[1], by="key:1", evidence={}, now=NOW)
    assert (await query(database_url, "select count(*) from customers where merged_into is not null")) == [(2,)]
    await erase(desk, ids[0], by="key:1", now=NOW)
    text = await read_all(database_url)
    assert [one for one in (*ids, "Teil", "helpdesk:3") if one in text] == []


async def test_the_export_holds_everything_that_the_tables_hold(desk: Desk, database_url: str) -> None:
    await feed(desk, "helpdesk", _neighbours())
    await drain(desk)
    rosa = await _tell_of_rosa(desk)
    held = await export(desk, rosa)
    assert set(traces(str(held))) == set(PERSONAL)
    assert "Mitbewohner" not in str(held) and "Unbeteiligt" not in str(held)
    receipt = await erase(desk, rosa, by="key:1", now=NOW)
    counts = receipt["counts"]
    assert len(held["records"]) == counts["record_versions"]
    assert len(held["received"]) == counts["deliveries"]
    assert len(held["decisions"]) == counts["decisions"] + counts["former_decisions"]
    for told, counted in (("facts", "facts"), ("outcomes", "outcomes"), ("actions", "outbox"), ("seen_by", "audit")):
        assert len(held[told]) == counts[counted] >= 1
    assert len(held["offers_granted"]) == counts["grants"] == 1
    assert [one["interaction"] for one in held["interactions_asked_about"]] == ["call-1"]
    assert {one["card"]["customer"]["name"] for one in held["decisions"]} == {"Rosa U. Unverwechselbar"}
    with pytest.raises(NotFound):
        await export(desk, rosa)


async def test_what_a_restored_backup_brings_back_is_erased_again(tmp_path: Path) -> None:
    url, backup = f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path / "backup.db"
    store = await open_store(url)
    desk = await make_desk(store, tmp_path / "exports", database_url=url)
    await feed(desk, "helpdesk", _neighbours())
    await drain(desk)
    rosa = await _tell_of_rosa(desk)
    await query(url, f"vacuum into '{backup}'")
    await erase(desk, rosa, by="key:1", now=NOW)
    await store.close()
    assert sorted(tmp_path.glob("bridge.db*")) == [tmp_path / "bridge.db", tmp_path / "bridge.db.erased"]
    shutil.copy(backup, tmp_path / "bridge.db")

    store = await open_store(url)
    desk = await make_desk(store, tmp_path / "exports", database_url=url)
    assert set(traces(await read_all(url))) == set(PERSONAL)
    later = NOW + timedelta(days=1)
    assert await reinstate(desk, now=later) == 1
    text = await read_all(url)
    assert traces(text) == [] and rosa not in text and "Mitbewohner" in text
    assert await reinstate(desk, now=later) == 0
    await feed(desk, "helpdesk", [_rosas_user(at=later)], now=later)
    await drain(desk, now=later)
    assert traces(await read_all(url)) == []
    await store.close()


async def test_a_reinstatement_that_was_cut_short_is_finished_by_the_next_start(desk: Desk, database_url: str) -> None:
    """The file says that somebody was erased; the database knows nothing of it, as after a crash or a restore."""
    rosa = await _tell_of_rosa(desk)
    path = desk.settings.suppression_path
    assert path is not None
    path.write_text(f"{suppression(desk.salt, f'id:helpdesk:{ROSA}')}\n{suppression(desk.salt, 'email:a@b.de')}\n")
    stop = asyncio.Event()
    stop.set()
    await Worker(desk=desk, clock=lambda: NOW).run(stop)
    text = await read_all(database_url)
    assert traces(text) == [] and rosa not in text
    assert await reinstate(desk, now=NOW) == 0


async def test_what_waits_is_looked_at_by_the_sweep_after_it_has_ended(desk: Desk, database_url: str) -> None:
    await erase(desk, await _tell_of_rosa(desk), by="key:1", now=NOW)
    later = NOW + timedelta(hours=1)
    await feed(desk, "helpdesk", [_rosas_user(at=later, updated_at="neulich")], now=later)
    await feed(desk, "helpdesk", [user(8, updated_at="neulich", at=later)], now=later)
    assert await sweep(desk) == 0
    await drain(desk, now=later)
    assert await sweep(desk) == 1
    assert await sweep(desk) == 0
    assert traces(await read_all(database_url)) == []
    assert await query(database_url, "select count(*) from deliveries where state = 'dead'") == [(1,)]
