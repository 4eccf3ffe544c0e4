"""The risk found in the company's own history: learnt from earlier periods, judged by a later one, installed if better.

Needs the extra `fit`; nothing that runs in a request imports this.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from statistics import fmean

import msgspec
import numpy as np
from msgspec import Struct

from bridge.errors import BadRequest
from bridge.flow.desk import Desk
from bridge.flow.drifting import keep_spread
from bridge.flow.models import in_use, install, put_record, risk_body, version_of
from bridge.flow.periods import MOST_PERIODS, Seen, look_at_periods
from bridge.scoring.fit.frame import Numbers
from bridge.scoring.fit.history import History, Learnt, history_of, learn, probabilities, reach
from bridge.scoring.fit.judging import Against, Judged, compare, held_out_record, judge, mean_value, rounded
from bridge.scoring.rates import unit
from bridge.scoring.record import RiskRecord
from bridge.scoring.record import Seen as SeenBy
from bridge.scoring.riskmodel import compile_risk
from bridge.scoring.tables import Tables

FEWEST_LEFT = 50
FEWEST_LATER = 20
"""Who left, in the periods that are learnt from and in the later one: of fewer, nothing is said."""
NEW, IN_USE, CARD = "new", "in_use", "card"


class RiskReport(Struct, frozen=True, kw_only=True):
    """What was found; kept with the model, and printed."""

    fitted_at: datetime
    horizon_days: int
    periods: int
    """Earlier ones that were learnt from; 0 for a model that was given."""
    rows: int
    rows_left: int
    first_day: date | None
    later_day: date
    """The later period begins with it."""
    later_to: date
    customers: int
    """Of the later period, and how many of them left."""
    left: int
    value: float | None
    currency: str
    models: dict[str, dict[str, float]]
    """Figures of the `new` model, of the one `in_use` if any, and of the points `card`."""
    against: Against
    learnt: dict[str, tuple[str, ...]] = {}
    from_card: dict[str, tuple[str, ...]] = {}
    turned: dict[str, tuple[str, ...]] = {}
    notes: tuple[str, ...] = ()


class FittedRisk(Struct, frozen=True, kw_only=True):
    """A model with its report; `records` say how the new one and the one in use came out in the later period."""

    tables: Tables
    report: RiskReport
    records: dict[str, RiskRecord]


async def fit_risk(
    desk: Desk,
    *,
    now: datetime,
    given: Tables | None = None,
    seed: int = 0,
    reading: Callable[[int, int], None] | None = None,
    fitting: Callable[[float], None] = lambda _: None,
) -> FittedRisk:
    """Learn from the earlier periods (unless a model is `given`) and judge by the latest. Nothing is written.

    Raises BadRequest where the history does not reach, ConfigError for a given model that is not one of signals.
    """
    card = desk.rules.deciding.card
    if given is not None:
        compile_risk(given, "the model")
    seen = await look_at_periods(desk, now=now, periods=1 if given is not None else MOST_PERIODS, report=reading)
    history = history_of(seen.rows)
    later, earlier = history.some(history.at == 0), history.some((history.at > 0) & (history.at <= reach(history)))
    _check(later, earlier if given is None else None, seen)
    found = None
    if given is None:
        found = learn(card, earlier, seed=seed, report=fitting)
        given = found.tables
    model = compile_risk(given, "the model")
    said = {NEW: probabilities(card, model, later)}
    if desk.fitted.risk is not None:
        said[IN_USE] = probabilities(card, desk.fitted.risk, later)
    said[CARD] = probabilities(card, card.model, later)
    value = mean_value(later)
    if value is None:  # nobody says what they paid then: what they are worth today
        value = await _value_today(desk)
    judged = {name: judge(later.left, p, value) for name, p in said.items()}
    old = IN_USE if IN_USE in said else CARD
    named = f"the model in use ({desk.fitted.scored_by(card)})" if old == IN_USE else "the points card"
    against = compare(later.left, said[NEW], said[old], named)
    report = _report(desk, now, seen, earlier, later, found, judged, against, value)
    if found is not None:
        given = msgspec.structs.replace(given, about=_about(report))
    day = report.later_day
    return FittedRisk(
        tables=given,
        report=report,
        records={name: _record(later, said[name], day, seen.horizon_days) for name in (NEW, old)},
    )


async def take_into_use(desk: Desk, fitted: FittedRisk, now: datetime, *, anyway: bool = False) -> str | None:
    """Install the model if it is better (or `anyway`), and keep how the one in use from now on came out in the later
    period. Returns the version, None where the old one stays."""
    standing = await in_use(desk.store, "risk")
    body = risk_body(fitted.tables)
    if (anyway or fitted.report.against.better) and (standing is None or standing.body != body):
        version = version_of(body)
        # first what cards say of it: they are decided anew from the moment it is installed
        await put_record(desk.store, version, fitted.records[NEW], now)
        await install(desk.store, "risk", body, fitted.report, now)
        await desk.look_up()
        if desk.fitted.risk is not None:
            await keep_spread(desk, desk.fitted.risk, now)
        return version
    if desk.fitted.record is None or desk.fitted.record.seen is SeenBy.held_out:
        record = fitted.records.get(IN_USE) or fitted.records[CARD]
        await put_record(desk.store, desk.fitted.scored_by(desk.rules.deciding.card), record, now)
        await desk.look_up()
    return None


def _check(later: History, earlier: History | None, seen: Seen) -> None:
    horizon = seen.horizon_days
    if not seen.tally.customers:
        raise BadRequest("there are no customers in the store: read them in first: `bridge sync`")
    if not len(later):
        raise BadRequest(
            f"nobody could have left in the last {horizon} days: it takes customers with a contract, or with purchases "
            "enough to see a rhythm, of whom something was known at the beginning of them"
        )
    if earlier is not None:
        count = int(earlier.left.sum())
        if count < FEWEST_LEFT:
            raise BadRequest(
                f"there are {count} who left in the periods before {seen.instants[0].date()}; at least {FEWEST_LEFT} "
                "are needed: with fewer, chance would be learnt. The points card stands"
            )
    for count, what in ((int(later.left.sum()), "left"), (int((later.left == 0).sum()), "stayed")):
        if count < FEWEST_LATER:
            raise BadRequest(
                f"there are {count} who {what} in the {horizon} days since {seen.instants[0].date()}; at least "
                f"{FEWEST_LATER} are needed to judge a model by. What is in use stands"
            )


def _report(
    desk: Desk,
    now: datetime,
    seen: Seen,
    earlier: History,
    later: History,
    found: Learnt | None,
    judged: dict[str, Judged],
    against: Against,
    value: float | None,
) -> RiskReport:
    used = np.unique(earlier.at).tolist()
    return RiskReport(
        fitted_at=now,
        horizon_days=seen.horizon_days,
        periods=len(used),
        rows=len(earlier),
        rows_left=int(earlier.left.sum()),
        first_day=seen.instants[max(used)].date() if used else None,
        later_day=seen.instants[0].date(),
        later_to=(seen.instants[0] + timedelta(days=seen.horizon_days)).date(),
        customers=len(later),
        left=int(later.left.sum()),
        value=None if value is None else round(value, 2),
        currency=desk.rules.deciding.card.file.value.currency,
        models=rounded(judged),
        against=against,
        learnt=found.learnt if found else {},
        from_card=found.from_card if found else {},
        turned=found.turned if found else {},
        notes=tuple(_notes(seen)),
    )


async def _value_today(desk: Desk) -> float | None:
    """The mean of the values that stand in decisions, in whole units of the main currency."""
    currency = desk.rules.deciding.card.file.value.currency
    values = [row[0] for row in await desk.store.all("customers.values", currency=currency)]
    mean = fmean(values) / unit(currency) if values else 0.0
    return mean if mean > 0 else None


def _notes(seen: Seen) -> list[str]:
    """What is to be known before the figures are believed."""
    notes = []
    if not_asked := {what: count for what, count in seen.became.items() if what not in ("left", "stayed")}:
        said = ", ".join(f"{_WHY.get(what, what)}: {count:,}" for what, count in sorted(not_asked.items()))
        notes.append(f"not asked about ({said}; counted per customer and period)")
    if seen.tally.left_out:
        notes.append(f"{seen.tally.left_out:,} customers object to profiling, have died or are gone, and were not read")
    if min(seen.shares) < 1:
        said = f"{seen.shares[0]:.0%} of the customers as of the latest period"
        earlier = seen.shares[1] if len(seen.shares) > 1 else 1.0
        notes.append(f"so many customers that {said}, {earlier:.0%} as of each earlier one were looked at, by a hash")
    for kind, count in sorted(seen.tally.undated.items()):
        share = count / seen.tally.records[kind]
        if share >= _MENTION and kind in _FADES:
            notes.append(
                f"{kind.replace('_', ' ')}: {share:.0%} were imported later without a date of change; "
                "what changes in them over time was left out"
            )
    return notes


_MENTION = 0.05
_FADES = ("contract", "ticket", "account")
"""Kinds that lose more than they keep where nobody says when they changed."""
_WHY = {
    "gone": "gone or on notice already",
    "no_rhythm": "neither contract nor rhythm",
    "slow": "buy too seldom",
    "unknown": "nobody says when their contract stopped",
}


def _about(report: RiskReport) -> dict[str, str | int | float]:
    """What stands in the file itself."""
    new = report.models[NEW]
    return {
        "fitted_at": report.fitted_at.isoformat(timespec="seconds"),
        "horizon_days": report.horizon_days,
        "periods": report.periods,
        "rows": report.rows,
        "left": report.rows_left,
        "judged_from": report.later_day.isoformat(),
        "judged_customers": report.customers,
        "judged_left": report.left,
        "auc": new["auc"],
        "log_loss": new["log_loss"],
        "ece": new["ece"],
        "learnt": _listed(report.learnt),
        "from_the_card": _listed(report.from_card),
        "set_to_nothing": _listed(report.turned),
    }


def _listed(bands: dict[str, tuple[str, ...]]) -> str:
    return "; ".join(f"{code} {' '.join(some)}" for code, some in bands.items())


def _record(later: History, p: Numbers, day: date, horizon_days: int) -> RiskRecord:
    return held_out_record(later.left, p, day, day, horizon_days)
