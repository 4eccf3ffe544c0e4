"""Calls: entries made of the calls list and of callbacks, all of them patches of one interaction.

One call is told of several times, by callbacks that may overtake each other and by the list, which knows neither its
queue nor its menu path. What orders them is how far the call had come (ringing, answered, ended), then the time.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bridge.adapter.addresses import is_withheld
from bridge.adapter.convert import moment
from bridge.adapter.delivery import Item
from bridge.adapter.mapping import Mapping
from bridge.adapter.order import by_rank
from bridge.adapter.paths import Unreadable, kind, scalar_text
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Entry

_UNANSWERED = frozenset({"busy", "failed", "no-answer", "canceled"})
_ENDED = _UNANSWERED | {"completed"}
_RANKS = {"ringing": 1, "in-progress": 2, "answered": 2, **dict.fromkeys(_ENDED, 3)}
"""How far a call has come; queued, initiated and words of tomorrow come first."""
_GAVE_UP = frozenset({"no-answer", "canceled"})
"""An incoming call that ended so was never answered: the caller hung up (busy and failed are our refusals)."""
_INCOMING = frozenset({"inbound", "trunking-originating"})
_OUTGOING = frozenset({"outbound-api", "outbound-dial", "trunking-terminating"})


class _Words(msgspec.Struct, frozen=True):
    """The names under which a vendor's object carries what decides about the call."""

    status: str
    direction: str
    caller: str
    called: str
    parent: str


class Calls:
    """Reads the calls of one source. Raises MappingError for what cannot be read, naming the path, not the value."""

    def __init__(self, source: Source, mapping: Mapping) -> None:
        self._source = source
        self._mapping = mapping

    def read(self, item: Item) -> list[Entry]:
        """The entry of one item; [] for the legs that a call opens, of which only the call itself is an interaction."""
        if item.object == "call":
            return self._read(item, _Words("status", "direction", "from", "to", "parent_call_sid"))
        if item.object == "call_event":
            return self._read(item, _Words("CallStatus", "Direction", "From", "To", "ParentCallSid"))
        return [self._mapping.read(item, self._source)]

    def _read(self, item: Item, words: _Words) -> list[Entry]:
        raw = {name: value for name, value in item.raw.items() if value not in (None, "")}  # unsaid, not cleared
        if raw.get(words.parent):
            return []
        status, direction = _word(raw.get(words.status)), _word(raw.get(words.direction))
        ours = item.raw.get("bridge", {})
        if not isinstance(ours, dict):
            raise MappingError("twilio", "bridge", f"found {kind(ours)} where an object belongs")
        raw["bridge"] = {**ours, **self._sides(raw, words, direction), **self._times(raw, status)}
        entry = self._mapping.read(msgspec.structs.replace(item, raw=raw, patch=True), self._source)
        body = dict(entry.body)
        if status in _UNANSWERED:
            body["disposition"] = status
        if (direction in _INCOMING and status in _GAVE_UP) or _word(raw.get("QueueResult")) == "hangup":
            body["abandoned"] = True
        at = entry.effective_at
        order = by_rank(_RANKS.get(status, 0), at) if at else entry.order
        return [msgspec.structs.replace(entry, order=order, body=body)]

    def _sides(self, raw: dict[str, Any], words: _Words, direction: str) -> dict[str, Any]:
        """Who is the customer: the caller of an incoming call, the one called of an outgoing one. A number that was
        withheld is nobody's."""
        if direction not in _INCOMING | _OUTGOING:
            return {}
        customer, ours = (words.caller, words.called) if direction in _INCOMING else (words.called, words.caller)
        found = {"customer": raw.get(customer), "ours": raw.get(ours)}
        return {
            name: value
            for name, value in found.items()
            if value is not None and not (isinstance(value, str) and is_withheld(value))
        }

    def _times(self, raw: dict[str, Any], status: str) -> dict[str, Any]:
        """Start and end as a callback's time says them: of a call that ended it is the end, `CallDuration` after
        the start."""
        if "Timestamp" not in raw:
            return {}
        try:
            at = moment(raw["Timestamp"], self._source)
        except Unreadable as problem:
            raise MappingError("twilio", "call_event.Timestamp", str(problem)) from None
        if at is None:
            return {}
        if status not in _ENDED:
            return {"started": _text(at)} if status in ("initiated", "ringing") else {}
        seconds = scalar_text(raw.get("CallDuration")) or ""
        if status in _UNANSWERED or not re.fullmatch(r"[0-9]{1,6}", seconds):
            return {"ended": _text(at)}
        return {"started": _text(at - timedelta(seconds=int(seconds))), "ended": _text(at)}


def _word(value: object) -> str:
    return (scalar_text(value) or "").casefold()


def _text(at: datetime) -> str:
    text: str = msgspec.to_builtins(at)
    return text
