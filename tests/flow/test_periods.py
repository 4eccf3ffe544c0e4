"""The rows that risk is learnt from: nothing that came later is in them, and a hash says who is left out."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from bridge.adapter.base import Item
from bridge.facts import Origin
from bridge.flow import Desk
from bridge.flow.periods import Seen, look_at_periods
from bridge.store import Store, Unit, micros
from tests.desks import drain, feed, make_desk

NOW = datetime(2026, 11, 2, 10, tzinfo=timezone.utc)
CUSTOMERS = 30


def on(days_ago: float) -> str:
    return (NOW - timedelta(days=days_ago)).isoformat()


def row(kind: str, customer: int, **fields: Any) -> Item:
    return Item(object=kind, raw={"kundennummer": f"K{customer}"} | fields)


def complaint(customer: int, number: str, days_ago: float) -> Item:
    about = {"ticketnummer": number, "erstellt_am": on(days_ago), "status": "offen", "typ": "Beschwerde"}
    return row("tickets", customer, betreff="Rechnung", **about)


def known() -> list[Item]:
    items = []
    for customer in range(CUSTOMERS):
        contract = {"vertragsnummer": f"V{customer}", "status": "aktiv", "vertragsbeginn": "2020-03-01"}
        items += [row("customers", customer, name=f"Person {customer}"), row("contracts", customer, **contract)]
        if customer % 3 == 0:
            items.append(complaint(customer, f"T{customer}", 200 + customer / 10))
    return items


def later() -> list[Item]:
    """After the instant 180 days ago: notice, with the words and the tickets that come with it."""
    items = []
    for customer in range(0, CUSTOMERS, 2):
        gone = {"vertragsnummer": f"V{customer}", "status": "gekündigt", "vertragsbeginn": "2020-03-01"}
        gone |= {"gekuendigt_am": on(120)[:10], "vertragsende": on(60)[:10], "kuendigungsgrund": "Preis"}
        said = {"ticketnummer": f"C{customer}", "erstellt_am": on(125), "status": "offen", "typ": "Kündigung"}
        items += [row("contracts", customer, **gone), row("tickets", customer, betreff="Ich kündige", **said)]
        items.append(complaint(customer, f"L{customer}", 170))
        items.append(
            row("surveys", customer, umfrage_id=f"S{customer}", metrik="nps", beantwortet_am=on(160), punkte="0")
        )
    return items


async def company(store: Store, folder: Path, items: list[Item]) -> Desk:
    desk = await make_desk(store, folder, now=NOW)
    await feed(desk, "crm", items, now=NOW, origin=Origin.first_import)
    await drain(desk, now=NOW, refresh=False)
    unit = Unit()
    for name in desk.registry.sources:
        unit.add("sources.go_live", name=name, at=micros(NOW))
    await desk.store.write(unit)
    await desk.look_up()
    return desk


def shown(seen: Seen, number: int) -> list[tuple[int, ...]]:
    """What customers showed as of one instant, in whatever order."""
    rows = seen.rows
    return sorted(tuple(one[row] for one in rows.places) for row in range(len(rows)) if rows.at[row] == number)


def left(seen: Seen, number: int) -> int:
    return sum(gone for gone, at in zip(seen.rows.left, seen.rows.at, strict=True) if at == number)


async def test_planted_later_facts_change_nothing_of_what_was_shown_before_them(store: Store, tmp_path: Path) -> None:
    desk = await company(store, tmp_path / "exports", known())
    before = await look_at_periods(desk, now=NOW, periods=3)
    assert before.instants[1] == NOW - timedelta(days=180)
    assert (left(before, 1), len(shown(before, 1))) == (0, CUSTOMERS)
    await feed(desk, "crm", later(), now=NOW + timedelta(minutes=1), origin=Origin.first_import)
    await drain(desk, now=NOW + timedelta(minutes=1), refresh=False)
    after = await look_at_periods(desk, now=NOW, periods=3)
    for number in (1, 2):
        assert shown(after, number) == shown(before, number)
    assert any(any(places) for places in shown(after, 1))  # they do show something: the complaints of before
    assert left(after, 1) == 0  # of what was told after `now` nothing counts
    told = await look_at_periods(desk, now=NOW + timedelta(minutes=2), periods=3)
    assert shown(told, 1) == shown(before, 1)
    assert left(told, 1) == CUSTOMERS / 2
    assert len(shown(told, 0)) == CUSTOMERS / 2  # who has left is not asked again


async def test_where_there_are_too_many_a_hash_says_as_of_which_instants_each_is_looked_at(
    store: Store, tmp_path: Path
) -> None:
    desk = await company(store, tmp_path / "exports", known())
    whole = await look_at_periods(desk, now=NOW, periods=5)
    assert whole.shares == (1.0,) * 5 and len(whole.rows) == 5 * CUSTOMERS
    told: list[tuple[int, int]] = []
    some = await look_at_periods(
        desk, now=NOW, periods=5, most_rows=75, report=lambda done, of: told.append((done, of))
    )
    assert some.shares[0] == 1.0 and some.shares[1] == (75 - CUSTOMERS) / (4 * CUSTOMERS)
    assert len(shown(some, 0)) == CUSTOMERS
    assert 25 <= len(some.rows) - CUSTOMERS <= 65
    again = await look_at_periods(desk, now=NOW, periods=5, most_rows=75)
    assert [shown(again, number) for number in range(5)] == [shown(some, number) for number in range(5)]
    assert told[-1] == (CUSTOMERS, CUSTOMERS)
    few = await look_at_periods(desk, now=NOW, periods=5, most_rows=25)
    assert few.shares[0] == 10 / CUSTOMERS and len(few.rows) < CUSTOMERS
    latest = await look_at_periods(desk, now=NOW, periods=1, most_rows=10)
    assert latest.shares == (10 / CUSTOMERS,) and 0 < len(latest.rows) < CUSTOMERS
