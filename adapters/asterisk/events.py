"""Live events of ARI, one a delivery, as the forwarder posts them.

https://docs.asterisk.org/Asterisk_REST_Interface/Asterisk_REST_Data_Models/
"""

from __future__ import annotations

import re
from typing import Any

from bridge.adapter.base import json_body
from bridge.adapter.delivery import Item, Opened, Request
from bridge.errors import BadRequest

from .calls import OURS, OUTGOING_LINE, Trunks, customer, known, menu_path, person

TAKEN = frozenset({"ChannelCreated", "ChannelStateChange", "ChannelDialplan", "Dial", "ChannelDestroyed"})
"""What is read. Keys that are pressed (ChannelDtmfReceived) are not: they may be a PIN."""
MENU = "BRIDGE_MENU"
"""The channel's variable in which a dialplan keeps the way through its menu."""


def wanted(event: object) -> bool:
    """Whether an event is worth sending at all: of the dialplan's steps only the one into a queue."""
    said = _object(event)
    if said.get("type") == "ChannelDialplan":
        return said.get("dialplan_app") == "Queue"
    return any(said.get("type") == one for one in TAKEN)


def open_event(request: Request, trunks: Trunks, *, name_agents: bool) -> Opened:
    """The event in a verified delivery, where it is about a call from outside. Raises BadRequest for what is none."""
    event = json_body(request)
    if not isinstance(event.get("type"), str):
        raise BadRequest("not an event of ARI's: it names no type")
    said = _said(event, trunks, name_agents=name_agents)
    if said is None:
        return Opened(ignored=1)
    return Opened(items=(Item(object="ari_event", raw={**event, "bridge": said}, patch=True),))


def _said(event: dict[str, Any], trunks: Trunks, *, name_agents: bool) -> dict[str, Any] | None:
    """What the event says of its call; None where that is nothing, or where nobody outside has called."""
    kind = event["type"]
    channel = _object(event.get("caller" if kind == "Dial" else "channel"))
    dialplan, state = _object(channel.get("dialplan")), channel.get("state")
    in_queue = dialplan.get("app_name") == "Queue" or event.get("dialplan_app") == "Queue"
    common = {
        "direction": "inbound",
        "customer": customer(_object(channel.get("caller")).get("number")),
        "menu_path": menu_path(_object(channel.get("channelvars")).get(MENU)),
        "queue": _first(event.get("dialplan_app_data") or dialplan.get("app_data")) if in_queue else None,
    }
    if not wanted(event) or not _called_in(channel, trunks):
        return None
    if kind == "ChannelCreated" and state == "Ring":
        return known(
            **common, state="ringing", started=channel.get("creationtime"), ours=_number(dialplan.get("exten"))
        )
    if kind == "ChannelStateChange" and state == "Up":
        return known(**common, state="connected")
    if kind == "ChannelDialplan":
        return known(**common)
    if kind == "Dial" and event.get("dialstatus") == "ANSWER":
        agent = person(_object(event.get("peer")).get("name")) if name_agents or not in_queue else None
        return known(**common, state="connected", agent=agent)
    if kind == "ChannelDestroyed":
        outcome = "missed" if state == "Ring" else None
        return known(**common, state="ended", ended=event.get("timestamp"), outcome=outcome)
    return None


def _called_in(channel: dict[str, Any], trunks: Trunks) -> bool:
    """Whether somebody outside has opened this channel, and not Asterisk to reach them."""
    dialled = _object(channel.get("dialplan")).get("app_data") == OUTGOING_LINE
    ours = str(channel.get("id", "")).startswith(OURS)
    return channel.get("name") in trunks and not dialled and not ours and channel.get("state") != "Down"


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(extension: object) -> str | None:
    return extension if isinstance(extension, str) and re.search("[0-9]{3}", extension) else None


def _first(arguments: object) -> str | None:
    return arguments.partition(",")[0] if isinstance(arguments, str) else None
