"""What a call's traces have in common: who is outside, what was chosen in the menu, and one interaction a call.

A call is told of by call records, the log of the queues and live events, each of which knows only a part. All are
patches of the interaction whose id is that of the call's first channel; what orders them is how far the call had come.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from bridge.adapter.addresses import is_withheld
from bridge.adapter.delivery import Item
from bridge.adapter.mapping import Mapping
from bridge.adapter.order import by_rank
from bridge.adapter.source import Source
from bridge.model import Entry

OURS = "bridge-"
"""How the ids of channels begin that the bridge asked for."""
OUTGOING_LINE = "(Outgoing Line)"
"""What Asterisk says instead of arguments of a channel that it dialled itself."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_RANKS = {"ringing": 1, "connected": 2, "ended": 3}
_LATER = ("missed", "message", "spoke", "abandoned")
"""What happened within one and the same second: the later of these counts."""
_CHANNEL = re.compile(r"(.+?)(-[0-9a-f]{8,})?(;[12])?", re.IGNORECASE)
_FIRST = re.compile(r"(?:.*-)?([0-9]{10})\.[0-9]+")
_STEP = re.compile(r"[0-9*#]{1,2}|[^\W\d][^\x00-\x1f]{0,59}")
"""A step of a menu is one or two keys or a word. Longer digits are a PIN or a number of the caller's."""
_MOST_STEPS = 20


class Trunks:
    """The endpoints that lead outside."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = [one.strip().casefold() for one in patterns]

    def __contains__(self, channel: object) -> bool:
        name = endpoint(channel).casefold()
        return any(fnmatchcase(name, pattern) for pattern in self._patterns)


def endpoint(channel: object) -> str:
    """The endpoint of a channel's name: `PJSIP/anna` of `PJSIP/anna-0000001a`; "" of what is no name."""
    found = _CHANNEL.fullmatch(channel) if isinstance(channel, str) else None
    return found[1] if found else ""


def person(channel: object) -> str | None:
    """An employee as a channel or a queue's member names them: `anna` of `Local/anna@agents-0000001a;1`."""
    name = endpoint(channel)
    return (name.partition("/")[2].partition("@")[0] if "/" in name else name) or None


def customer(number: object) -> str | None:
    """The number of somebody outside; None where it was withheld."""
    return number if isinstance(number, str) and number and not is_withheld(number) else None


def menu_path(text: object) -> list[str]:
    """The choices in `2,1,billing`, in their order; what is too long for a choice is left out."""
    steps = text.split(",")[:_MOST_STEPS] if isinstance(text, str) else []
    return [step for one in steps if _STEP.fullmatch(step := one.strip())]


def began(call: str) -> str | None:
    """When the call with this id began: Asterisk names a channel by the second in which it came to be."""
    found = _FIRST.fullmatch(call)
    return None if found is None else datetime.fromtimestamp(int(found[1]), timezone.utc).isoformat()


def known(**found: Any) -> dict[str, Any]:
    """What was found: a patch says nothing of the rest."""
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def read_call(mapping: Mapping, item: Item, source: Source) -> Entry:
    """The entry of one item. Raises MappingError naming the path."""
    entry = mapping.read(msgspec.structs.replace(item, patch=True), source)
    said = item.raw.get("bridge")
    outcome = said.get("outcome") if isinstance(said, dict) else None
    body = entry.body
    if outcome == "abandoned" or (outcome == "missed" and body.get("direction") == "inbound"):
        body = {**body, "abandoned": True}
    elif outcome == "message":
        body = {**body, "abandoned": False}
    elif outcome == "spoke":
        body = {**body, "abandoned": False, "personal": True, "disposition": None}
    at = entry.effective_at or _EPOCH  # it is what orders, and so it is always there
    later = _LATER.index(outcome) if outcome in _LATER else 0
    rank = 3 if outcome == "abandoned" else _RANKS.get(str(body.get("state")), 2)
    return msgspec.structs.replace(entry, body=body, order=by_rank(rank, at + timedelta(microseconds=later)))
