"""How the scores in use hold: who is scored how since the model came into use, and whether what it says comes true."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from bridge.flow import lived
from bridge.flow.desk import Desk
from bridge.scoring.drift import FEWEST_SPREAD, Kept, Shifted, Spread, check, compare, nobody_yet
from bridge.scoring.risk import to_probability
from bridge.scoring.riskmodel import RiskModel
from bridge.store import Store, Unit, instant, micros
from bridge.telemetry import log

DAILY = timedelta(hours=23)
SPREAD = "risk.spread:"
"""What the kind of a spread in `models` begins with; the model that it is of follows."""
_PAGE = 5_000
_MARK = "risk_drift"
"""Name of the row in `meta` that holds the newest `Drift`."""


class Drift(Struct, frozen=True, kw_only=True):
    """How `model` held up to `at`. `shifted` is None while there are too few to say, or it has not been in use long
    enough; `kept` while nothing is settled."""

    model: str
    at: datetime
    then: int = 0
    """Customers that there were when the model came into use, or that it scored in its first round."""
    now: int = 0
    """Customers it scored in the last round."""
    shifted: Shifted | None = None
    kept: Kept | None = None


async def keep_spread(desk: Desk, model: RiskModel, now: datetime) -> Spread | None:
    """Keep how all customers are scored by `model`, which comes into use now, by the signals they show today.

    None of too few: then its first round in use is taken. So it is for the points card.
    """
    everybody, card, after = nobody_yet(), desk.rules.deciding.card.model, ""
    while page := await desk.store.all("predictions.scored", after=after, most=_PAGE):
        for _, signals in page:
            shown = dict(one.split(":") for one in signals.split())
            everybody.add(to_probability(model.log_odds(shown, card)), signals)
        after = page[-1][0]
    if len(everybody.probabilities) < FEWEST_SPREAD:
        return None
    spread = everybody.spread()
    await _put_spread(desk.store, model.version, spread, now)
    return spread


async def _put_spread(store: Store, model: str, spread: Spread, now: datetime) -> None:
    unit = Unit()
    body = msgspec.json.encode(spread).decode()
    unit.add("meta.keep_model", kind=f"{SPREAD}{model}", version=str(micros(now)), body=body, at=micros(now))
    await store.write(unit)


async def last_drift(store: Store) -> Drift | None:
    """What was found when it was last looked at."""
    row = await store.one("meta.get", name=_MARK)
    return None if row is None else msgspec.json.decode(row[0], type=Drift)


async def review(desk: Desk, now: datetime) -> None:
    """Everything that follows from what is said and what happens: for the worker's tidy hour, and cheap when nothing is
    due. A record or a verdict that changed is told in the log."""
    await lived.note(desk, now)
    await lived.settle(desk, now)
    await lived.forget(desk, now)
    before = await last_drift(desk.store)
    model = desk.fitted.scored_by(desk.rules.deciding.card)
    if before is not None and before.model == model and now - before.at < DAILY:
        return
    record = await lived.keep_record(desk, now)
    if record is not None:
        whole, _ = check(record)
        log("flow").info(
            "record.lived", model=model, customers=whole.customers, said=round(whole.said, 4), left=round(whole.left, 4)
        )
    found = await _look(desk, model, now)
    unit = Unit()
    unit.add("meta.put", name=_MARK, value=msgspec.json.encode(found).decode())
    await desk.store.write(unit)
    if _verdicts(found) != (_verdicts(before) if before is not None and before.model == model else (None, None)):
        scores, kept = _verdicts(found)
        index = None if found.shifted is None else round(found.shifted.index, 3)
        log("flow").info("drift.verdict", model=model, scores=scores, index=index, calibration=kept)


def _verdicts(drift: Drift) -> tuple[str | None, str | None]:
    return (None if drift.shifted is None else drift.shifted.verdict.value, drift.kept and drift.kept.value)


async def _look(desk: Desk, model: str, now: datetime) -> Drift:
    record = desk.fitted.record
    kept = None if record is None else check(record)[0].verdict
    then = await _spread_then(desk, model, now)
    if then is None:
        return Drift(model=model, at=now, kept=kept)
    latest = nobody_yet()
    async for _, _, probability, signals, _, _ in lived.said(desk, model, now - lived.PERIOD, now):
        latest.add(probability, signals)
    if not latest.probabilities:
        return Drift(model=model, at=now, then=then.customers, kept=kept)
    spread = latest.spread(then.edges)
    return Drift(
        model=model, at=now, then=then.customers, now=spread.customers, shifted=compare(then, spread), kept=kept
    )


async def _spread_then(desk: Desk, model: str, now: datetime) -> Spread | None:
    """The spread kept of `model`; once its first round is over, that of this round, which is kept."""
    row = await desk.store.one("meta.model", kind=f"{SPREAD}{model}")
    if row is not None:
        return msgspec.json.decode(row[1], type=Spread)
    first = await desk.store.one("predictions.first_said", model=model)
    if first is None or instant(first[0]) + lived.PERIOD > now:
        return None
    begin = instant(first[0]) - timedelta(microseconds=1)
    early = nobody_yet()
    async for _, _, probability, signals, _, _ in lived.said(desk, model, begin, begin + lived.PERIOD):
        early.add(probability, signals)
    if len(early.probabilities) < FEWEST_SPREAD:
        return None
    spread = early.spread()
    await _put_spread(desk.store, model, spread, now)
    return spread
