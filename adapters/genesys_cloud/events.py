"""Events: what EventBridge or a notification says of a conversation as it goes on, as a patch of the interaction.

https://developer.genesys.cloud/notificationsalerts/notifications/available-topics (v2.detail.events.conversation)
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from bridge.adapter.base import json_body
from bridge.adapter.delivery import Item, Opened, Request
from bridge.adapter.mapping import Mapping
from bridge.adapter.order import by_rank
from bridge.adapter.paths import scalar_text
from bridge.adapter.source import Source
from bridge.errors import BadRequest
from bridge.model import Entry

from .sides import LIVE, channel, sides, word

_TOPIC = re.compile(r"v2\.detail\.events\.conversation\.[^.]+\.([a-z.]+)")
_RANKS: Final = {"customer.start": 1, "acd.end": 2, "user.start": 3, "customer.end": 4, "acw": 5}
"""How far a conversation has come with each kind of event; other kinds say nothing that is kept."""


def open_event(request: Request) -> Opened:
    """The event of a verified request: EventBridge's envelope, or the notification alone.

    Raises BadRequest for what is no event of Genesys'. Topics that are not read are counted and left alone.
    """
    body = json_body(request)
    told = body.get("detail") if "detail-type" in body else body
    topic = told.get("topicName") if isinstance(told, dict) else None
    event = told.get("eventBody") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(topic, str) or not isinstance(event, dict):
        raise BadRequest("not an event of Genesys': topicName and eventBody are not in it")
    if _kind(topic) not in _RANKS:
        return Opened(ignored=1)
    rest = {name: value for name, value in told.items() if name not in ("topicName", "eventBody")}
    around = {name: value for name, value in body.items() if name != "detail"} if told is not body else {}
    raw = {"topicName": topic, "eventBody": event, "envelope": {**around, "detail": rest}}
    return Opened(items=(Item(object="conversation_event", raw=raw, patch=True),))


class Events:
    """Reads the events of one source. Raises MappingError for what cannot be read."""

    def __init__(self, source: Source, mapping: Mapping) -> None:
        self._source = source
        self._mapping = mapping

    def read(self, item: Item) -> list[Entry]:
        """The patch that an event is; [] for one of another kind."""
        topic, body = item.raw.get("topicName"), item.raw.get("eventBody")
        kind = _kind(topic) if isinstance(topic, str) else ""
        if kind not in _RANKS:
            return []
        raw = item.raw
        if isinstance(body, dict):
            told = {name: value for name, value in body.items() if value not in (None, "")}  # unsaid, not cleared
            raw = {**raw, "eventBody": told, "bridge": _facts(kind, told, self._source.region)}
        entry = self._mapping.read(msgspec.structs.replace(item, raw=raw, patch=True), self._source)
        at = entry.effective_at
        return [msgspec.structs.replace(entry, order=by_rank(_RANKS[kind], at) if at else entry.order)]


def _facts(kind: str, event: dict[str, Any], region: str) -> dict[str, Any]:
    """What this kind of event says, under the names that the mapping reads."""
    found: dict[str, Any] = {}
    if kind in ("customer.start", "customer.end"):
        found = {**sides(event, "", region), "channel": channel(event), "direction": event.get("direction")}
        if "phone" not in found and "email" not in found:
            found["external_contact"] = event.get("externalContactId")
    match kind:
        case "customer.start":
            found |= {"state": "ringing", "started": event.get("eventTime")}
        case "user.start":
            found |= {"state": "connected"}
        case "customer.end":
            found |= {"state": "ended", "ended": event.get("eventTime")}
        case "acd.end":
            if word(event.get("mediaType")) in LIVE:
                found |= {"wait": _seconds(event.get("connectedDurationMs"))}
                found |= {"abandoned": True if word(event.get("acdOutcome")) == "abandon" else None}
        case "acw":
            found |= {"text": scalar_text(event.get("wrapupNotes"))}
    return {name: value for name, value in found.items() if value not in (None, "")}


def _seconds(milliseconds: Any) -> int | None:
    return milliseconds // 1000 if milliseconds.__class__ is int and 0 <= milliseconds < 10**12 else None


def _kind(topic: str) -> str:
    found = _TOPIC.fullmatch(topic)
    return found[1] if found else ""
