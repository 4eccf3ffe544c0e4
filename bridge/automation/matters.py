"""What became of a customer since something happened: the values `since.…` of conditions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from bridge.model import InteractionState, TicketStatus
from bridge.scoring.view import View


def since_values(
    view: View, at: datetime, now: datetime, responded: Iterable[datetime] = (), closed: Iterable[datetime] = ()
) -> dict[str, Any]:
    """The values of `triggers.SINCE`: what happened after `at`, up to `now`. `responded` is when links were used,
    `closed` when loops of the customer were closed."""

    def after(*instants: datetime | None) -> bool:
        first = next((one for one in instants if one is not None), None)
        return first is not None and at < first <= now

    return {
        "since.days": (now - at) / timedelta(days=1),
        "since.talked": any(
            one.record.state is InteractionState.ended
            and not one.record.abandoned
            and one.record.personal is not False
            and after(one.record.started, one.record.ended, one.at)
            for one in view.interactions
        ),
        "since.resolved": sum(
            one.record.status in (TicketStatus.resolved, TicketStatus.closed) and after(one.record.resolved, one.at)
            for one in view.tickets
        ),
        "since.bought": any(not one.record.refunded and after(one.record.at, one.at) for one in view.purchases),
        "since.answered": any(after(one.record.answered) for one in view.surveys),
        "since.loop_closed": any(after(one) for one in closed),
        "since.responded": any(after(one) for one in responded),
    }
