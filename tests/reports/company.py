"""A company's customers, contracts and answers as its CRM exports them, and what the figures say of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from bridge.adapter.base import Item
from bridge.facts import Origin
from bridge.flow import Desk
from bridge.reports.metrics import Metrics, make_metrics
from bridge.store import Unit, micros
from tests.desks import drain, feed

NOW = datetime(2026, 11, 22, 9, tzinfo=timezone.utc)


def person(number: str, **fields: Any) -> Item:
    return Item(object="customers", raw={"kundennummer": number, "name": f"Person {number}"} | fields)


def contract(number: str, customer: str, **fields: Any) -> Item:
    plain = {"vertragsnummer": number, "kundennummer": customer, "status": "aktiv", "vertragsbeginn": "2024-01-10"}
    return Item(object="contracts", raw=plain | {"monatsbetrag": "30,00", "tarif": "DSL"} | fields)


def survey(number: str, customer: str, **fields: Any) -> Item:
    return Item(object="surveys", raw={"umfrage_id": number, "kundennummer": customer, "metrik": "nps"} | fields)


def purchase(number: str, customer: str, day: str) -> Item:
    raw = {"bestellnummer": number, "kundennummer": customer, "bestelldatum": day, "betrag": "10,00"}
    return Item(object="purchases", raw=raw)


async def tell(desk: Desk, *items: Item, at: datetime = NOW, source: str = "crm") -> None:
    await feed(desk, source, items, now=at, origin=Origin.first_import)
    await drain(desk, now=at)


async def made(desk: Desk) -> dict[Any, Metrics]:
    return await make_metrics(desk, now=NOW)


def cell(metrics: Metrics, month: str, group: str = "") -> Any:
    return next(one for one in metrics.retention if (one.month, one.group) == (month, group))


def one_of(rows: Iterable[Any], **fields: Any) -> Any:
    (found,) = [row for row in rows if all(getattr(row, name) == value for name, value in fields.items())]
    return found


async def outcome(desk: Desk, key: str, at: datetime, **fields: Any) -> None:
    unit = Unit()
    plain: dict[str, Any] = {"decision": "d1", "customer": "c1", "kind": "result", "agent": "a", "actor": "key:1"}
    empty = "result offer amount_minor currency note disposition cost_minor cost_currency epoch situation".split()
    plain |= dict.fromkeys(empty)
    unit.add("gateway.add_outcome", **(plain | {"key": key, "at": micros(at)} | fields))
    await desk.store.write(unit)


async def many(desk: Desk, **sizes: int) -> dict[Any, Metrics]:
    items: list[Item] = []
    for product, size in sizes.items():
        for number in range(size):
            items += [
                person(f"{product}{number}"),
                contract(f"V{product}{number}", f"{product}{number}", tarif=product),
            ]
    await tell(desk, *items)
    return await made(desk)
