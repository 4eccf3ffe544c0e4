"""What AWS calls contacts, each a leg of a call or chat: interactions made of records and events.

A contact record comes when it has ended, and again whenever it is changed; events, before. Events are ordered by how
far the contact had come, as far as they tell, then by their time.
https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from bridge.adapter.addresses import is_withheld, normalise_email
from bridge.adapter.delivery import Item
from bridge.adapter.mapping import Mapping
from bridge.adapter.order import by_rank
from bridge.adapter.paths import kind, scalar_text
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Entry

_FLOW, _BEGUN, _QUEUED, _CONNECTED, _ENDED, _RECORD = range(6)
"""Ranks: how far a contact has come."""
_NOT_A_CUSTOMER: Final = frozenset({"monitor"})
"""A supervisor who listens in is a contact of its own."""
_CALLED_BY_US: Final = frozenset({"outbound", "callback", "external_outbound", "agent_reply"})
_LIVE: Final = frozenset({"voice", "chat"})
"""Channels on which somebody waits for an answer; nobody sits and waits for an e-mail or for our call."""
_CUSTOMER_LEFT: Final = frozenset({"", "customer_disconnect"})
"""Why a queue is left by whoever gives up. Old records do not say why a contact ended."""


class Contacts:
    """Reads the contacts of one source. Raises MappingError for what cannot be read, naming the path."""

    def __init__(self, source: Source, mapping: Mapping) -> None:
        self._source = source
        self._mapping = mapping

    def read(self, item: Item) -> list[Entry]:
        """The interaction that a contact is; [] for tasks, which no customer takes part in, and for listeners-in."""
        match item.object:
            case "contact_record":
                return self._record(item)
            case "flow_event":
                return self._flow_event(item)
            case "contact_event":
                return self._event(item)
        return [self._mapping.read(item, self._source)]

    def _record(self, item: Item) -> list[Entry]:
        raw = item.raw
        if _is_internal(raw.get("Channel"), raw.get("InitiationMethod")):
            return []
        method, channel = _word(raw.get("InitiationMethod")), _word(raw.get("Channel"))
        queue, agent = (_object("contact_record", raw, name) for name in ("Queue", "Agent"))
        ended = raw.get("DisconnectTimestamp") is not None
        passed_on = raw.get("NextContactId") or raw.get("TransferredToEndpoint")
        waits = channel in _LIVE and _direction(method, channel) != "outbound"
        left = _word(raw.get("DisconnectReason")) in _CUSTOMER_LEFT
        facts = {
            **_sides("contact_record", raw),
            "state": "ended" if ended else "connected" if agent else "ringing",
            "direction": _direction(method, channel),
            "linked": _linked(raw),
            "wait": queue.get("Duration") if waits else None,
            "abandoned": True if ended and waits and queue and not (agent or passed_on) and left else None,
        }
        return [self._entry(item, facts, _RECORD if ended else _BEGUN)]

    def _flow_event(self, item: Item) -> list[Entry]:
        details = _object("flow_event", item.raw, "Details")
        contact = _object("flow_event.Details", details, "ContactData")
        method, channel = _word(contact.get("InitiationMethod")), _word(contact.get("Channel"))
        if _is_internal(channel, method):
            return []
        told = {name: value for name, value in contact.items() if value is not None}  # unsaid, not cleared
        facts = {
            **_sides("flow_event.Details.ContactData", contact),
            "direction": _direction(method, channel),
            "linked": _linked(contact),
        }
        raw = {**item.raw, "Details": {**details, "ContactData": told}}
        return [self._entry(msgspec.structs.replace(item, raw=raw), facts, _FLOW)]

    def _event(self, item: Item) -> list[Entry]:
        event = _object("contact_event", item.raw, "detail")
        method, channel = _word(event.get("initiationMethod")), _word(event.get("channel"))
        if _is_internal(channel, method):
            return []
        agent, queue = (_object("contact_event.detail", event, name) for name in ("agentInfo", "queueInfo"))
        ended = event.get("disconnectTimestamp") is not None or _word(event.get("eventType")) == "disconnected"
        rank = _ENDED if ended else _CONNECTED if agent else _QUEUED if queue else _BEGUN
        facts = {
            "state": "ended" if ended else "connected" if agent else "ringing",
            "direction": _direction(method, channel),
        }
        told = {name: value for name, value in event.items() if value is not None}  # unsaid, not cleared
        return [self._entry(msgspec.structs.replace(item, raw={**item.raw, "detail": told}), facts, rank)]

    def _entry(self, item: Item, facts: dict[str, Any], rank: int) -> Entry:
        given = item.raw.get("bridge")
        ours = given if isinstance(given, dict) else {}
        raw = {
            **item.raw,
            "bridge": {**ours, **{name: value for name, value in facts.items() if value not in (None, "")}},
        }
        entry = self._mapping.read(msgspec.structs.replace(item, raw=raw), self._source)
        at = entry.effective_at
        return msgspec.structs.replace(entry, order=by_rank(rank, at) if at else entry.order)


def _is_internal(channel: Any, method: Any) -> bool:
    return _word(channel) == "task" or _word(method) in _NOT_A_CUSTOMER


def _direction(method: str, channel: str) -> str:
    """Who began it. Through the API companies place calls, and customers begin chats; of a transfer it is not told."""
    if method in _CALLED_BY_US or (method == "api" and channel == "voice"):
        return "outbound"
    return "inbound" if method in ("inbound", "webrtc_api", "api") else ""


def _sides(path: str, contact: dict[str, Any]) -> dict[str, str]:
    """The customer's phone or e-mail and both sides' addresses; a number that was withheld is nobody's."""
    found: dict[str, str] = {}
    for name, side in (("customer", "CustomerEndpoint"), ("ours", "SystemEndpoint")):
        endpoint = _object(path, contact, side)
        address = scalar_text(endpoint.get("Address")) or ""
        if address and not is_withheld(address):
            found[name] = address
            key = _KEYS.get(_word(endpoint.get("Type")), "")
            if key == "email":
                found[name] = normalise_email(address) or address
            if key and name == "customer":
                found[key] = found[name]
    return found


_KEYS: Final = {"telephone_number": "phone", "email_address": "email"}


def _linked(contact: dict[str, Any]) -> str | None:
    """The contact that came before this leg, else the first of the chain."""
    own = contact.get("ContactId")
    before = (contact.get(name) for name in ("PreviousContactId", "InitialContactId", "RelatedContactId"))
    return next((one for one in before if isinstance(one, str) and one and one != own), None)


def _object(path: str, raw: dict[str, Any], name: str) -> dict[str, Any]:
    """The object `name`; {} where it is left out. Raises MappingError for anything else."""
    value = raw.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MappingError("amazon_connect", f"{path}.{name}", f"found {kind(value)} where an object belongs")
    return value


def _word(value: Any) -> str:
    return (scalar_text(value) or "").casefold()
