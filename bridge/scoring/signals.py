"""All signals, and how they are read from a customer's view."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

from bridge.scoring.limits import Settings
from bridge.scoring.result import Signal
from bridge.scoring.signals_calls import CALL_SIGNS
from bridge.scoring.signals_contracts import CONTRACT_SIGNS
from bridge.scoring.signals_exchange import EXCHANGE_SIGNS
from bridge.scoring.signals_reading import Reader, Sign, moment_for
from bridge.scoring.signals_rhythm import RHYTHM_SIGNS
from bridge.scoring.signals_scores import SCORE_SIGNS
from bridge.scoring.signals_standing import STANDING_SIGNS
from bridge.scoring.signals_tenure import TENURE_SIGNS
from bridge.scoring.signals_tickets import TICKET_SIGNS
from bridge.scoring.signals_topics import TOPIC_SIGNS
from bridge.scoring.signals_usage import USAGE_SIGNS
from bridge.scoring.view import View

SIGNS: dict[str, Sign] = {
    sign.code: sign
    for sign in (
        *TOPIC_SIGNS,
        *TICKET_SIGNS,
        *CALL_SIGNS,
        *CONTRACT_SIGNS,
        *SCORE_SIGNS,
        *USAGE_SIGNS,
        *RHYTHM_SIGNS,
        *EXCHANGE_SIGNS,
        *TENURE_SIGNS,
        *STANDING_SIGNS,
    )
}
"""Every signal by its code, in the order in which equal shares of the risk are listed."""

LONGEST_VALID = timedelta(days=90)
"""A reading is repeated after this long even if nothing in it depends on time."""


def read_signals(
    codes: tuple[str, ...], settings: Settings, zone: tzinfo, view: View, now: datetime
) -> tuple[tuple[Signal, ...], datetime]:
    """The signals among `codes` that the customer shows at `now`, and until when that stays so if no record changes.

    `zone` is where the customer is taken to be when their own time zone is not known.
    """
    moment = moment_for(view, now, zone)
    signals: list[Signal] = []
    until = now + LONGEST_VALID
    for read in _readers(codes, _there(view)):
        reading = read(view, moment, settings)
        if reading.signal is not None:
            signals.append(reading.signal)
        if reading.until is not None and reading.until < until:
            until = reading.until
    return tuple(signals), until


def _there(view: View) -> int:
    """Which kinds of records the view has, a bit for each of _KINDS."""
    return (
        (1 if view.accounts else 0)
        + (2 if view.contracts else 0)
        + (4 if view.purchases else 0)
        + (8 if view.tickets else 0)
        + (16 if view.interactions else 0)
        + (32 if view.surveys else 0)
        + (64 if view.usage else 0)
    )


_KINDS = ("accounts", "contracts", "purchases", "tickets", "interactions", "surveys", "usage")


@lru_cache(maxsize=512)
def _readers(codes: tuple[str, ...], there: int) -> tuple[Reader, ...]:
    """How the signals among `codes` are read that such a view can show at all."""
    kinds = {kind for place, kind in enumerate(_KINDS) if there >> place & 1}
    return tuple(SIGNS[code].read for code in codes if not SIGNS[code].of or kinds.intersection(SIGNS[code].of))
