"""May this be granted? By the limits that the decision's own card carries, so that what was shown is what counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from bridge.access import Role
from bridge.errors import Conflict
from bridge.model import Money

USUAL_COOLDOWN = timedelta(days=90)
"""Of offers on cards that say nothing of it."""


class Limits(Struct, frozen=True, kw_only=True):
    """One offer as a card carries it."""

    id: str
    ceiling: Money | None = None
    team_lead_ceiling: Money | None = None
    cooldown_days: int | None = None
    not_with: tuple[str, ...] = ()

    @property
    def cooldown(self) -> timedelta:
        """For how long it is not granted to the same customer again."""
        return USUAL_COOLDOWN if self.cooldown_days is None else timedelta(days=self.cooldown_days)

    @property
    def is_money(self) -> bool:
        """Whether it is granted as an amount."""
        return self.ceiling is not None or self.team_lead_ceiling is not None


class Running(Struct, frozen=True):
    """A grant that has not cooled down."""

    until: datetime
    is_money: bool


class _Offer(Struct):
    kinds: list[str] = []
    ceiling: Money | None = None
    offers: list[Limits] | None = None
    most_at_once: int | None = None


class _Card(Struct):
    """What has to be read of a stored card."""

    offer: _Offer


def check_grant(card: bytes, *, offer: str, amount: Money | None, role: Role, running: Mapping[str, Running]) -> Limits:
    """The limits of `offer` on `card` (JSON), if `amount` of it may be granted now by whoever is in `role`.

    `running` is what this customer was granted before, with when it has cooled down. Raises Conflict, which says what
    is possible instead and who may do it.
    """
    offered = msgspec.json.decode(card, type=_Card).offer
    limits = _limits(offered).get(offer)
    if limits is None:
        raise Conflict(f"this decision offers {', '.join(_limits(offered)) or 'nothing'}")
    if offer in running:
        raise Conflict(
            f"this customer was granted this offer already; it may be granted again {_from(running[offer].until)}"
        )
    for other in limits.not_with:
        if other in running:
            raise Conflict(
                f"this customer was granted {other}, and has not both; possible {_from(running[other].until)}"
            )
    beside = [one.until for one in running.values() if one.is_money]
    if offered.most_at_once is not None and limits.is_money and len(beside) >= offered.most_at_once:
        raise Conflict(
            f"this customer has {len(beside)} offers running, which is the most; possible {_from(min(beside))}"
        )
    if amount is not None:
        _check_amount(limits, amount, role)
    elif role == "agent" and limits.is_money and limits.ceiling is None:
        raise Conflict(f"an agent may not grant this; a team lead may, up to {limits.team_lead_ceiling}")
    return limits


def _limits(offered: _Offer) -> dict[str, Limits]:
    if offered.offers is not None:
        return {one.id: one for one in offered.offers}
    return {kind: Limits(id=kind, ceiling=offered.ceiling, team_lead_ceiling=offered.ceiling) for kind in offered.kinds}


def _check_amount(limits: Limits, amount: Money, role: Role) -> None:
    mine = limits.team_lead_ceiling if role == "team_lead" else limits.ceiling
    if _within(amount, mine):
        return
    if role == "agent" and _within(amount, limits.team_lead_ceiling):
        most = f"an agent may grant at most {mine}" if mine else "an agent may not grant this"
        raise Conflict(f"amount: {most}; a team lead may, up to {limits.team_lead_ceiling}")
    raise Conflict(f"amount: this decision offers at most {mine or limits.team_lead_ceiling or 'what costs nothing'}")


def _within(amount: Money, ceiling: Money | None) -> bool:
    return ceiling is not None and amount.currency == ceiling.currency and amount.minor <= ceiling.minor


def _from(until: datetime) -> str:
    return f"from {until:%Y-%m-%d} on"
