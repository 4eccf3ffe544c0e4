"""What an automation does to the customers it is for, beside those who were held out of it by lot: intention to treat.

Whoever it began for counts as treated, also where a gate kept the message back; whoever was held out does not. Both had
gone the same way until then, so that chance alone tells them apart. One customer counts once, by the first time. Where
the share held out changed with a version, each version is compared within itself (see `playbook.estimates`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from bridge.model import Money
from bridge.playbook.estimates import FEWEST, Estimate, compare_arms_weighted
from bridge.playbook.exposures import Exposure
from bridge.reports.uplift import Figure, Span, figure

TREATED, HELD_OUT = "treated", "held_out"
What = Literal["stayed", "bought", "satisfied"]


class Watched(Struct, frozen=True, kw_only=True):
    """One customer whose time is over. `stayed` is None where nothing could be left, as for who never bought.

    `hold_out` is the share of the version that the run began by, `value_minor` what the customer is worth.
    """

    customer: str
    version: str
    hold_out: float
    treated: bool
    stayed: bool | None
    bought: bool
    satisfied: bool
    cost_minor: int = 0
    value_minor: int | None = None


class Outcome(Struct, frozen=True, kw_only=True):
    """One thing that customers do more often, or do not. Shares, not percent.

    stayed: did not leave; bought: bought something; satisfied: answered a survey, and well. `more` is null, and so is
    what it cannot tell, where either group is too small.
    """

    what: What
    treated: int
    treated_share: float | None
    held_out: int
    held_out_share: float | None
    more: Figure | None
    """How many more of one: 0.04 is four more of a hundred; `smallest` what so many customers could show."""
    verdict: Literal["helps", "harms", "unclear", "too_few"]


class AutomationEffect(Struct, frozen=True, kw_only=True):
    """What `automation` does, as far as it can be known. Money in whole units of `currency`."""

    automation: str
    made_at: datetime
    since: datetime
    horizon_days: int
    treated: int
    held_out: int
    open: int
    """Customers whose horizon is not over yet; they are not counted."""
    hold_out: float
    """The share that is held out now; without one nothing can be compared."""
    outcomes: tuple[Outcome, ...]
    currency: str
    cost: float
    """Of all treated who are counted."""
    kept: Span | None
    """Customers who stayed because of it."""
    cost_per_kept: Span | None
    value_each: float | None
    """What one of the treated who did not leave brings on average."""
    break_even: float | None
    """Share of the treated who have to stay because of it for it to pay."""
    pays: Literal["yes", "no", "unclear"]
    enough: int | None
    """Customers in all from which on a difference of five in a hundred would show; null where nothing can be told."""


def weigh(
    automation: str,
    watched: Sequence[Watched],
    *,
    since: datetime,
    made_at: datetime,
    horizon_days: int,
    open: int,
    hold_out: float,
    currency: str,
) -> AutomationEffect:
    """The effect by all that is `watched`. Pure."""
    asked = [one for one in watched if one.stayed is not None]
    stayed, kept_estimate = _compare("stayed", asked, lambda one: bool(one.stayed))
    bought, _ = _compare("bought", watched, lambda one: one.bought)
    satisfied, _ = _compare("satisfied", watched, lambda one: one.satisfied)
    treated = [one for one in watched if one.treated]
    minor = sum(one.cost_minor for one in treated)
    # Who is kept brings what those bring who stayed: who left is worth nothing today.
    values = [one.value_minor for one in treated if one.value_minor is not None and one.stayed is not False]
    value = sum(values) / len(values) if values else None
    each = minor / len(treated) if treated else 0.0
    break_even = each / value if value is not None and value > 0 else None
    kept = per_kept = None
    pays: Literal["yes", "no", "unclear"] = "unclear"
    if kept_estimate is not None:
        low, high = kept_estimate.interval()
        count = stayed.treated
        kept = Span(value=kept_estimate.value * count, low=low * count, high=high * count)
        per_kept = _per_kept(_whole(each * count, currency), kept)
        if break_even is not None:
            pays = "yes" if low > break_even else "no" if high < break_even else "unclear"
        elif value is not None and each:
            pays = "no"  # customers bring nothing, kept or not
    return AutomationEffect(
        automation=automation,
        made_at=made_at,
        since=since,
        horizon_days=horizon_days,
        treated=len(treated),
        held_out=len(watched) - len(treated),
        open=open,
        hold_out=hold_out,
        outcomes=(stayed, bought, satisfied),
        currency=currency,
        cost=_whole(minor, currency),
        kept=kept,
        cost_per_kept=per_kept,
        value_each=None if value is None else _whole(value, currency),
        break_even=break_even,
        pays=pays,
        enough=_enough(hold_out, stayed),
    )


def _compare(
    what: What, watched: Sequence[Watched], holds: Callable[[Watched], bool]
) -> tuple[Outcome, Estimate | None]:
    treated = [holds(one) for one in watched if one.treated]
    held = [holds(one) for one in watched if not one.treated]
    estimate = None
    if min(len(treated), len(held)) >= FEWEST:
        estimate = compare_arms_weighted(_exposed(watched, holds), TREATED, HELD_OUT, lambda one: float(one.stayed))
    verdict: Literal["helps", "harms", "unclear", "too_few"] = "too_few"
    if estimate is not None:
        low, high = estimate.interval()
        verdict = "helps" if low > 0 else "harms" if high < 0 else "unclear"
    outcome = Outcome(
        what=what,
        treated=len(treated),
        treated_share=sum(treated) / len(treated) if treated else None,
        held_out=len(held),
        held_out_share=sum(held) / len(held) if held else None,
        more=None if estimate is None else _of_shares(figure(estimate)),
        verdict=verdict,
    )
    return outcome, estimate


def _of_shares(more: Figure) -> Figure:
    """No share is more than one larger than another; the range of few customers would reach beyond."""
    value, low, high = (min(1.0, max(-1.0, one)) for one in (more.value, more.low, more.high))
    return replace(more, value=value, low=low, high=high)


def _exposed(watched: Sequence[Watched], holds: Callable[[Watched], bool]) -> list[Exposure]:
    epochs = {version: place for place, version in enumerate(dict.fromkeys(one.version for one in watched))}
    return [
        Exposure(
            customer=one.customer,
            situation="",
            epoch=epochs[one.version],
            arm=TREATED if one.treated else HELD_OUT,
            arms={TREATED: 1 - one.hold_out, HELD_OUT: one.hold_out},
            stayed=holds(one),
        )
        for one in watched
        if 0 < one.hold_out < 1
    ]


def _per_kept(cost: float, kept: Span) -> Span | None:
    if kept.value <= 0 or kept.high is None:
        return None
    return Span(value=cost / kept.value, low=cost / kept.high, high=cost / kept.low if kept.low > 0 else None)


def _enough(hold_out: float, stayed: Outcome) -> int | None:
    """2.8² · p(1 - p) · (1/h + 1/(1 - h)) / 0.05²: the size at which four of five tries find five in a hundred."""
    share = stayed.held_out_share if stayed.held_out >= FEWEST else stayed.treated_share
    if share is None or not 0 < hold_out < 1:
        return None
    spread = max(share * (1 - share), 0.02)
    return round(2.8**2 * spread * (1 / hold_out + 1 / (1 - hold_out)) / 0.05**2)


def _whole(minor: float, currency: str) -> float:
    return float(Money(round(minor), currency).amount)
