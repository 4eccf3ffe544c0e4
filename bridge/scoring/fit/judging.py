"""Whether a risk model is better than the one in use: both are held against a later period that neither has seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
from msgspec import Struct

from bridge.scoring.fit.additive import calibrate
from bridge.scoring.fit.frame import Numbers
from bridge.scoring.fit.history import History
from bridge.scoring.fit.measures import auc_gain, expected_profit, losses, measure
from bridge.scoring.record import RiskRecord, Seen, group

SURELY = 1.645
"""What lies within so many standard errors is noise: chance alone does more once in twenty times."""
_OFFER, _REACH = 10.0, 1.0
"""What keeping somebody and speaking to somebody costs in the profit, in the main currency."""
_VALUE = 200.0


class Judged(Struct, frozen=True, kw_only=True):
    """How one model did in the later period: `said` and `left` are shares of customers, `slope` 1 where its log-odds
    are neither too far apart (below 1) nor too near; `empc` is profit per customer in the main currency."""

    auc: float
    pr_auc: float
    top_decile_lift: float
    brier: float
    ece: float
    log_loss: float
    empc: float
    said: float
    left: float
    slope: float


class Against(Struct, frozen=True, kw_only=True):
    """The new model beside the one in use: `loss` is how much more the new one explains (log loss less), `auc` how much
    better it ranks, each with its standard error over the same customers; `why` in one plain sentence."""

    name: str
    better: bool
    loss: float
    loss_error: float
    auc: float
    auc_error: float
    why: str


def judge(left: Numbers, p: Numbers, value: float | None) -> Judged:
    """The figures of probabilities `p`; `value` is what a customer is worth on average, None where it is not known."""
    figures = measure(left, p)
    log_odds = np.log(np.clip(p, 1e-12, 1 - 1e-12) / np.clip(1 - p, 1e-12, 1))
    return Judged(
        auc=figures.auc,
        pr_auc=figures.pr_auc,
        top_decile_lift=figures.top_decile_lift,
        brier=figures.brier,
        ece=figures.ece,
        log_loss=float(losses(left, p).mean()),
        empc=expected_profit(left, p, value=value or _VALUE, offer=min(_OFFER, (value or _VALUE) / 2), reach=_REACH),
        said=float(p.mean()),
        left=float(left.mean()),
        slope=calibrate(log_odds, left).slope,
    )


def compare(left: Numbers, new: Numbers, old: Numbers, name: str) -> Against:
    """Whether `new` is to be installed in place of `old`, which is called `name`.

    It is when its log loss is lower, which asks for right probabilities and not for a right order alone, and when it
    does not rank worse by more than noise.
    """
    gained = losses(left, old) - losses(left, new)
    loss, loss_error = float(gained.mean()), float(gained.std(ddof=1) / np.sqrt(len(gained)))
    auc, auc_error = auc_gain(left, new, old)
    explains, ranks = loss > 0, auc >= -SURELY * auc_error
    of_loss = f"log loss {losses(left, new).mean():.4f} against {losses(left, old).mean():.4f}"
    of_auc = f"AUC {auc:+.4f} ± {auc_error:.4f}"
    if explains and ranks:
        why = (
            f"what happened later was nearer to what the new model says than to what {name} says ({of_loss}; {of_auc})"
        )
    elif explains:
        why = f"the new model tells who leaves from the others less well than {name} ({of_auc})"
    else:
        why = f"what happened later was no nearer to what the new model says than to what {name} says ({of_loss})"
    return Against(
        name=name,
        better=explains and ranks,
        loss=loss,
        loss_error=loss_error,
        auc=auc,
        auc_error=auc_error,
        why=why,
    )


def mean_value(later: History) -> float | None:
    """What those are worth on average of whom it is known, in whole units of the main currency; None of nobody."""
    known = later.value[np.isfinite(later.value)]
    return float(known.mean()) if len(known) and known.mean() > 0 else None


def held_out_record(left: Numbers, p: Numbers, from_day: date, to_day: date, horizon_days: int) -> RiskRecord:
    """What cards say of customers scored alike: by the later period, of a model that had not seen it."""
    scored = [(float(said), bool(gone)) for said, gone in zip(p, left, strict=True)]
    return RiskRecord(
        seen=Seen.held_out,
        from_day=from_day,
        to_day=to_day,
        horizon_days=horizon_days,
        groups=group(scored),
    )


def rounded(judged: Mapping[str, Judged], digits: int = 6) -> dict[str, dict[str, float]]:
    """The figures as they are printed and kept."""
    return {
        name: {field: round(getattr(one, field), digits) for field in one.__struct_fields__}
        for name, one in judged.items()
    }
