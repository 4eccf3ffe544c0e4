"""Erasing a person leaves no trace but a keyed hash, and the neighbours as if the person had never been."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.adapter.base import Item
from bridge.errors import NotFound
from bridge.flow import Desk, merge
from bridge.identity.suppression import suppression
from bridge.privacy import erase, export, reinstate, sweep
from bridge.store import Store, micros, open_store
from bridge.worker import Worker
from tests.desks import NOW, drain, feed, make_desk, ticket, user
from tests.dump import dump, query
from tests.privacy.rosa import PERSONAL, ROSA, neighbours, read_all, read_crm, rosas_user, tell_of_rosa, traces


@pytest.fixture
async def desk(store: Store, database_url: str, tmp_path: Path) -> Desk:
    """A desk that keeps its suppressions beside it on either engine."""
    return await make_desk(
        store, tmp_path / "exports", now=NOW, database_url=database_url, suppression_file=tmp_path / "erased.txt"
    )


async def test_nothing_is_left_of_an_erased_person(desk: Desk, database_url: str) -> None:
    await feed(desk, "helpdesk", neighbours())
    await drain(desk)
    rosa = await tell_of_rosa(desk)
    assert set(traces(await read_all(database_url))) == set(PERSONAL)
    await erase(desk, rosa, by="key:1", now=NOW)
    text = await read_all(database_url)
    assert traces(text) == []
    assert rosa not in text
    assert "Mitbewohner" in text and "Unbeteiligt" in text
    with pytest.raises(NotFound):
        await erase(desk, rosa, by="key:1", now=NOW)


async def test_what_an_erased_person_left_blank_is_not_read_again(desk: Desk, database_url: str) -> None:
    rosa = await tell_of_rosa(desk)
    await erase(desk, rosa, by="key:1", now=NOW)
    states = ["dead", "mapped", "ignored"]
    for source in desk.registry.sources:
        await desk.store.change("inbox.replay_all", source=source, states=states, origin="remap")
    await drain(desk)
    left = await query(database_url, "select count(*) from deliveries where raw = '{}' and state <> 'ignored'")
    assert left == [(0,)], "it would lie there as a dead letter that nobody can mend"


async def test_the_receipt_counts_what_there_was_and_names_nobody(desk: Desk, database_url: str) -> None:
    await feed(desk, "helpdesk", neighbours())
    await drain(desk)
    before = await _counts(database_url)
    rosa = await tell_of_rosa(desk)
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
        ("predictions", "predictions"),
    ):
        assert counts[told] == there[table] - after[table], table
        assert counts[told] >= 1, table
    assert counts["deliveries"] == there["deliveries"] - before["deliveries"]
    assert (counts["profiles"], counts["audit"]) == (2, 1)
    assert traces(str(receipt)) == [] and rosa not in str(receipt)
    assert (await query(database_url, "select action from audit")) == [("privacy.erase",)]


async def _counts(url: str) -> dict[str, int]:
    tables = "records record_versions profiles decisions decision_log facts outbox outcomes grants dips predictions"
    return {
        table: (await query(url, f"select count(*) from {table}"))[0][0] for table in f"{tables} deliveries".split()
    }


async def testneighbours_are_left_as_if_the_person_had_never_been(
    desk: Desk, database_url: str, tmp_path: Path
) -> None:
    await feed(desk, "helpdesk", neighbours())
    await drain(desk)
    never = await dump(database_url)
    rosa = await tell_of_rosa(desk)
    assert (await dump(database_url))["keys"][("phone", "+493023125099")][0] == "ambiguous"
    await erase(desk, rosa, by="key:1", now=NOW)
    left = await dump(database_url)
    deliveries = left.pop("deliveries")
    assert [row for row in deliveries if row[2] != "ignored"] == never.pop("deliveries")
    assert left == never
    customers = await query(database_url, "select count(*) from customers")
    assert customers == [(2,)]


async def test_what_comes_in_later_about_the_person_leaves_only_a_tombstone(desk: Desk, database_url: str) -> None:
    rosa = await tell_of_rosa(desk)
    await erase(desk, rosa, by="key:1", now=NOW)
    later = NOW + timedelta(hours=1)
    before = await _counts(database_url)
    folder = Path(desk.registry.adapter("crm").source.setting("folder"))
    with (folder / "kunden.csv").open("a") as file:
        file.write("K-1;Neu;Dazu;neu@example.de;;;01.11.2026\n")
    broken = rosas_user(at=later, updated_at="neulich")
    await feed(desk, "helpdesk", [rosas_user(at=later), ticket(80, ROSA, at=later), broken], now=later)
    unreadable = Item(object="user", raw={"cells": ["Rosa", "rosa.u@example.de"]}, problem="line 3 cannot be read")
    await feed(desk, "helpdesk", [unreadable, user(8, updated_at="neulich", at=later)], now=later)
    await read_crm(desk, later)
    await Worker(desk=desk, clock=lambda: later).tidy()
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
    await feed(desk, "helpdesk", neighbours())
    await drain(desk)
    rosa = await tell_of_rosa(desk)
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
    (said,) = held["predictions"]
    assert (said["said_at"], said["due_at"], said["outcome"]) == (NOW, NOW + timedelta(days=90), None)
    assert said["model"].startswith("card:") and 0 < said["probability"] < 1 and "complaint:" in said["signals"]
    assert {one["card"]["customer"]["name"] for one in held["decisions"]} == {"Rosa U. Unverwechselbar"}
    with pytest.raises(NotFound):
        await export(desk, rosa)


async def test_what_a_restored_backup_brings_back_is_erased_again(tmp_path: Path) -> None:
    url, backup = f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path / "backup.db"
    store = await open_store(url)
    desk = await make_desk(store, tmp_path / "exports", database_url=url)
    await feed(desk, "helpdesk", neighbours())
    await drain(desk)
    rosa = await tell_of_rosa(desk)
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
    await feed(desk, "helpdesk", [rosas_user(at=later)], now=later)
    await drain(desk, now=later)
    assert traces(await read_all(url)) == []
    await store.close()


async def test_a_reinstatement_that_was_cut_short_is_finished_by_the_next_start(desk: Desk, database_url: str) -> None:
    """The file says that somebody was erased; the database knows nothing of it, as after a crash or a restore."""
    rosa = await tell_of_rosa(desk)
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
    await erase(desk, await tell_of_rosa(desk), by="key:1", now=NOW)
    later = NOW + timedelta(hours=1)
    await feed(desk, "helpdesk", [rosas_user(at=later, updated_at="neulich")], now=later)
    await feed(desk, "helpdesk", [user(8, updated_at="neulich", at=later)], now=later)
    assert await sweep(desk) == 0
    await drain(desk, now=later)
    assert await sweep(desk) == 1
    assert await sweep(desk) == 0
    assert traces(await read_all(database_url)) == []
    assert await query(database_url, "select count(*) from deliveries where state = 'dead'") == [(1,)]
