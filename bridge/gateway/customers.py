"""`/v1/customers/{id}`: everything known of one customer, and what happened, newest first."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from bridge.errors import BadRequest, NotFound
from bridge.flow.gathering import makeups, views
from bridge.gateway.endpoint import Call
from bridge.scoring.view import View
from bridge.store import Row, Unit, instant

_BEGINNING = (2**62, "", "", "")


class Unified(Struct, kw_only=True):
    """One customer, gathered from all sources. `id` is the one they have now, after merges."""

    id: str
    keys: tuple[str, ...]
    profiles: tuple[str, ...]
    view: View


class Paging(Struct, kw_only=True):
    """A page of `limit`; `cursor` is `next` of the page before."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=600)] | None = None


class Event(Struct, kw_only=True):
    """One current record of the customer, at the moment it took effect."""

    at: datetime
    known_at: datetime
    object: str
    source: str
    source_id: str
    record: Any


class Timeline(Struct, kw_only=True):
    """Newest first. Without `next` there is no more."""

    events: list[Event]
    next: str | None = None


async def show(call: Call) -> Unified:
    """The unified record: the person as all sources together describe them, and every record under its kind."""
    customer = await living(call, call.path["id"])
    made = await makeups(call.gate.store, [customer])
    seen = await views(call.gate.store, Unit(), made, {}, call.gate.desk.rules.identity)
    call.gate.trail.audit(call.who.actor, "customer", f"customer:{customer}", call.now)
    return Unified(
        id=customer,
        keys=tuple(sorted(str(key) for key in made[customer].keys)),
        profiles=tuple(sorted(f"{source}:{source_id}" for source, source_id in made[customer].members)),
        view=seen[customer],
    )


async def timeline(call: Call, query: Paging) -> Timeline:
    """All current records of the customer, newest first, in pages."""
    customer = await living(call, call.path["id"])
    made = await makeups(call.gate.store, [customer])
    at, source, kind, source_id = _BEGINNING if query.cursor is None else _read_cursor(query.cursor)
    rows = await call.gate.store.all(
        "gateway.timeline",
        subjects=sorted(made[customer].subjects),
        at=at,
        source=source,
        object=kind,
        source_id=source_id,
        most=query.limit + 1,
    )
    call.gate.trail.audit(call.who.actor, "timeline", f"customer:{customer}", call.now)
    page = rows[: query.limit]
    return Timeline(
        events=[_event(row) for row in page], next=_write_cursor(page[-1]) if len(rows) > query.limit else None
    )


async def living(call: Call, customer: str) -> str:
    """The id that `customer` has now. Raises NotFound for one that never was, or was erased."""
    row = await call.gate.store.one("gateway.survivor", customer=customer)
    if row is None:
        raise NotFound("there is no such customer")
    return str(row[0])


def _event(row: Row) -> Event:
    effective_at, source, kind, source_id, known_at, body = row
    return Event(
        at=instant(effective_at),
        known_at=instant(known_at),
        object=kind,
        source=source,
        source_id=source_id,
        record=msgspec.json.decode(body),
    )


def _write_cursor(row: Row) -> str:
    return urlsafe_b64encode(msgspec.json.encode(row[:4])).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[int, str, str, str]:
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        at, source, kind, source_id = msgspec.json.decode(raw, type=tuple[int, str, str, str])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise BadRequest("cursor: is not one that a page gave out") from None
    if not -(2**62) <= at <= 2**62 or "\0" in source + kind + source_id:
        raise BadRequest("cursor: is not one that a page gave out")
    return at, source, kind, source_id
