"""Transactions of customers without a contract, as a CSV brings them, and what they say of each customer by a day."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import TypeAlias

import numpy as np
from msgspec import Struct

from bridge.errors import BadRequest
from bridge.scoring.fit.lifetimes import Floats, Histories

DAYS = 7.0
"""The unit of time of a fit is a week."""

Bought: TypeAlias = tuple[str, date, float]

_NAMES = {
    "customer": ("customer", "customer_id", "customerid", "kunde", "kundennummer", "id", "user", "user_id"),
    "day": ("date", "day", "at", "datum", "kaufdatum", "invoicedate", "order_date", "time", "timestamp"),
    "amount": ("amount", "value", "price", "betrag", "umsatz", "total", "revenue", "spend", "dollars"),
}
_FORMS = ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")


class Ledger(Struct, frozen=True):
    """Customers by name with the days on which they bought, ascending, and what each day brought."""

    customers: dict[str, list[tuple[date, float]]]
    left_out: int
    """Rows that could not be read."""

    @property
    def first(self) -> date:
        return min(days[0][0] for days in self.customers.values())

    @property
    def last(self) -> date:
        return max(days[-1][0] for days in self.customers.values())

    def histories(self, until: date) -> tuple[list[str], Histories]:
        """Who had bought by `until`, and their histories as they stood then. Purchases of one day count as one."""
        names: list[str] = []
        rows: list[tuple[float, float, float, float]] = []
        for name, days in self.customers.items():
            seen = [(day, amount) for day, amount in days if day <= until]
            if not seen:
                continue
            names.append(name)
            begun = seen[0][0]
            repeats = seen[1:]
            mean = sum(amount for _, amount in repeats) / len(repeats) if repeats else 0.0
            rows.append((len(repeats), (seen[-1][0] - begun).days / DAYS, (until - begun).days / DAYS, max(0.0, mean)))
        table: Floats = np.asarray(rows, dtype=np.float64).reshape(-1, 4)
        return names, Histories(table[:, 0], table[:, 1], table[:, 2], table[:, 3])

    def bought(self, names: Iterable[str], after: date, until: date) -> tuple[Floats, Floats]:
        """For each of `names` the days with a purchase after `after` up to `until`, and what they brought."""
        found = [[amount for day, amount in self.customers[name] if after < day <= until] for name in names]
        return np.array([len(one) for one in found], float), np.array([sum(one) for one in found], float)


def collect(rows: Iterable[Bought], left_out: int = 0) -> Ledger:
    """A ledger of purchases in any order."""
    sums: dict[str, dict[date, float]] = {}
    for name, day, amount in rows:
        days = sums.setdefault(name, {})
        days[day] = days.get(day, 0.0) + amount
    return Ledger({name: sorted(days.items()) for name, days in sums.items()}, left_out)


def read_transactions(path: Path) -> Ledger:
    """The purchases in a CSV: a column of customers, one of days, one of amounts, named in English or German.

    Raises BadRequest naming the file and what is missing. Rows that cannot be read are left out and counted.
    """
    try:
        text = path.read_text("utf-8-sig", errors="replace")
    except OSError as problem:
        raise BadRequest(f"{path}: {problem.strerror}") from None
    first = text.partition("\n")[0]
    separator = max(",;\t|", key=first.count)
    reader = csv.reader(text.splitlines(), delimiter=separator)
    header = [re.sub(r"[\s-]+", "_", name.strip().lower()) for name in next(reader, [])]
    places: dict[str, int] = {}
    for what, names in _NAMES.items():
        place = next((header.index(name) for name in names if name in header), None)
        if place is None:
            raise BadRequest(f"{path}: no column for the {what}; name it {', '.join(names[:4])}")
        places[what] = place
    bought: list[Bought] = []
    left_out = 0
    for row in reader:
        if not any(row):
            continue
        try:
            name, day, amount = (row[places[what]].strip() for what in ("customer", "day", "amount"))
            if not name:
                raise ValueError
            bought.append((name, read_day(day), read_amount(amount)))
        except (ValueError, IndexError):
            left_out += 1
    if not bought:
        raise BadRequest(f"{path}: no row could be read; days are written as 2026-01-31, amounts as 12.50")
    return collect(bought, left_out)


def read_day(text: str) -> date:
    """A day in any of the usual forms. Raises ValueError."""
    short = re.split("[T ]", text, maxsplit=1)[0]
    for form in _FORMS:
        try:
            return datetime.strptime(short, form).date()  # noqa: DTZ007 a day has no time zone
        except ValueError:
            continue
    raise ValueError(text)


def read_amount(text: str) -> float:
    """An amount with point or comma. Raises ValueError."""
    plain = re.sub(r"[^\d,.\-]", "", text)
    if "," in plain and plain.rfind(",") > plain.rfind("."):
        plain = plain.replace(".", "").replace(",", ".")
    value = float(plain.replace(",", ""))
    if not np.isfinite(value):
        raise ValueError(text)
    return value
