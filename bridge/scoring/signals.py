"""All signals, and how they are read from a customer's view."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta, tzinfo

from bridge.scoring.limits import Settings
from bridge.scoring.result import Signal
from bridge.scoring.signals_calls import CALL_SIGNS
from bridge.scoring.signals_contracts import CONTRACT_SIGNS
from bridge.scoring.signals_exchange import EXCHANGE_SIGNS
from bridge.scoring.signals_reading import Sign, moment_for
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
    codes: Collection[str], settings: Settings, zone: tzinfo, view: View, now: datetime
) -> tuple[tuple[Signal, ...], datetime]:
    """The signals among `codes` that the customer shows at `now`, and until when that stays so if no record changes.

    `zone` is where the customer is taken to be when their own time zone is not known.
    """
    moment = moment_for(view, now, zone)
    signals: list[Signal] = []
    until = now + LONGEST_VALID
    for code in codes:
        reading = SIGNS[code].read(view, moment, settings)
        if reading.signal is not None:
            signals.append(reading.signal)
        if reading.until is not None and reading.until < until:
            until = reading.until
    return tuple(signals), until
