"""Orders among the versions of one record, as text that sorts the way the vendor means it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def by_time(at: datetime) -> str:
    """Orders by an aware instant, to the microsecond; instants before 1970 sort first."""
    return f"t{max(0, (at - _EPOCH) // _MICROSECOND):017d}"


def by_sequence(number: int) -> str:
    """Orders by a counter that the vendor raises with each change (0 … 10^19)."""
    return f"s{number:020d}"


def by_rank(rank: int, at: datetime) -> str:
    """Orders by a life-cycle rank (ringing < answered < completed) and, within it, by time."""
    return f"r{rank:02d}{by_time(at)}"
