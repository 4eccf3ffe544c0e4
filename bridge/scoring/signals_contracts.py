"""Signals of contracts: cancelled, ending, a discount that ends, none left."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from bridge.model import Contract, ContractStatus
from bridge.scoring.limits import Settings
from bridge.scoring.result import Signal
from bridge.scoring.signals_reading import (
    ENDING,
    NOTHING,
    Moment,
    Reading,
    Sign,
    band_until,
    evidence,
    soonest,
)
from bridge.scoring.view import Held, View

_BANDS = tuple(f"d{limit}" for limit in ENDING)
LEFT = (90, 365)
"""Bands of those who have left, in days since."""
BOUND = (365, 180, 90)
"""Bands of those who cannot leave yet: bound for more than so many days."""
_FOR_EVER = 3650
"""A date further ahead, in days, is what some systems write where there is no end."""


def goes_on(contract: Contract) -> bool:
    """Neither ended nor cancelled."""
    return contract.status in _GOING and contract.cancelled_at is None


_GOING = (ContractStatus.active, ContractStatus.unknown)


def _read_cancelled(view: View, moment: Moment, settings: Settings) -> Reading:
    """Notice was given, and the contract has not run out yet: it can still be won back."""
    running: list[Held[Contract]] = []
    changes: list[datetime] = []
    for held in view.contracts:
        contract = held.record
        if contract.status is ContractStatus.ended or goes_on(contract):
            continue
        if contract.ends is None:
            running.append(held)
        elif moment.today <= contract.ends:
            running.append(held)
            changes.append(moment.end_of(contract.ends))
    if not running:
        return NOTHING
    held = min(running, key=lambda each: (each.record.ends or date.max, each.ref))
    facts = {"product": held.record.product, "date": held.record.ends}
    signal = Signal(code="contract_cancelled", band="running", evidence=evidence(held), facts=facts)
    return Reading(signal, soonest(changes))


def _read_ending(view: View, moment: Moment, settings: Settings) -> Reading:
    due = [(held.record.ends, held) for held in view.contracts if held.record.ends and goes_on(held.record)]
    return _nearest_due("contract_ending", due, moment)


def _read_discount(view: View, moment: Moment, settings: Settings) -> Reading:
    running = [held for held in view.contracts if goes_on(held.record)]
    due = [(held.record.discount_ends, held) for held in running if held.record.discount_ends]
    return _nearest_due("discount_ending", due, moment)


def _nearest_due(code: str, due: list[tuple[date, Held[Contract]]], moment: Moment) -> Reading:
    """The contract whose date comes first, within the bands; `until` over all of them."""
    found: tuple[date, str, Held[Contract]] | None = None
    changes = []
    for day, held in due:
        band, change = band_until(day, ENDING, moment)
        changes.append(change)
        if band and (found is None or (day, held.ref) < (found[0], found[2].ref)):
            found = (day, band, held)
    if found is None:
        return Reading(None, soonest(changes))
    day, band, held = found
    contract = held.record
    facts: dict[str, Any] = {"product": contract.product, "date": day}
    if code == "discount_ending":
        facts |= {"amount": contract.monthly_amount, "amount_after": contract.amount_after_discount}
    return Reading(Signal(code=code, band=band, evidence=evidence(held), facts=facts), soonest(changes))


def _read_bound(view: View, moment: Moment, settings: Settings) -> Reading:
    """A contract goes on and cannot be left for months: the one that binds the longest counts."""
    bound = [(held.record.ends, held.ref, held) for held in view.contracts if held.record.ends and goes_on(held.record)]
    near = [each for each in bound if (each[0] - moment.today).days <= _FOR_EVER]
    if not near:
        return NOTHING
    day, _, held = max(near, key=lambda each: each[:2])
    left = (day - moment.today).days
    band = next((limit for limit in BOUND if left > limit), None)
    if band is None:
        return NOTHING
    facts = {"product": held.record.product, "date": day}
    signal = Signal(code="contract_bound", band=f"d{band}", evidence=evidence(held), facts=facts)
    return Reading(signal, moment.start_of(day - timedelta(days=band)))


def _read_left(view: View, moment: Moment, settings: Settings) -> Reading:
    """There were contracts, and none goes on or runs any more: gone since the last one ended."""
    ended: list[tuple[date, Held[Contract]]] = []
    for held in view.contracts:
        contract = held.record
        if goes_on(contract):
            return NOTHING
        if contract.ends is not None and contract.ends >= moment.today:
            return Reading(None, moment.end_of(contract.ends))
        if contract.ends is None and contract.status is not ContractStatus.ended:
            return NOTHING  # cancelled to a date nobody knows
        if contract.ends is not None:
            ended.append((contract.ends, held))
    if not ended:
        return NOTHING
    last, held = max(ended, key=lambda each: (each[0], each[1].ref))
    age = (moment.today - last).days
    band = next((limit for limit in LEFT if age < limit), None)
    if band is None:
        return NOTHING
    facts = {"product": held.record.product, "date": last}
    signal = Signal(code="left", band=f"d{band}", evidence=evidence(held), facts=facts)
    return Reading(signal, moment.start_of(last + timedelta(days=band)))


CONTRACT_SIGNS = (
    Sign(
        code="contract_cancelled",
        of=("contracts",),
        bands=("running",),
        read=_read_cancelled,
        sometimes=("product", "date"),
    ),
    Sign(
        code="contract_ending",
        of=("contracts",),
        bands=_BANDS,
        read=_read_ending,
        always=("date",),
        sometimes=("product",),
    ),
    Sign(
        code="discount_ending",
        of=("contracts",),
        bands=_BANDS,
        read=_read_discount,
        always=("date",),
        sometimes=("product", "amount", "amount_after"),
    ),
    Sign(
        code="contract_bound",
        of=("contracts",),
        bands=tuple(f"d{limit}" for limit in BOUND),
        read=_read_bound,
        always=("date",),
        sometimes=("product",),
    ),
    Sign(
        code="left",
        of=("contracts",),
        bands=tuple(f"d{limit}" for limit in LEFT),
        read=_read_left,
        always=("date",),
        sometimes=("product",),
    ),
)
