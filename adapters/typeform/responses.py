"""Sync: the responses of one form, oldest first, and the form's definition for the scales of its questions.

https://www.typeform.com/developers/responses/reference/retrieve-responses/
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
from msgspec import Struct

from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Page
from bridge.adapter.paths import kind
from bridge.errors import VendorRefused, VendorRetryable

from .answers import questions
from .forms import Form

_SIZE = 1000
_OVERLAP = timedelta(hours=1)
"""The newest responses can be missing for some minutes."""
_DEFINITION_LASTS = timedelta(hours=1)


class Cursor(Struct, frozen=True, omit_defaults=True):
    """How far a form was read. `since` is the last second read, from which the next page begins again; where a whole
    page fell into one second, it begins behind the response `after`. `began` is when the round began."""

    since: str = ""
    after: str = ""
    began: str = ""


class Pace:
    """Keeps requests `gap` seconds apart. `clock` counts seconds, from any start."""

    def __init__(
        self,
        gap: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap = gap
        self._clock = clock
        self._sleep = sleep
        self._next = float("-inf")

    async def turn(self) -> None:
        """Wait until it is the caller's turn."""
        now = self._clock()
        mine = max(now, self._next)
        self._next = mine + self._gap
        if mine > now:
            await self._sleep(mine - now)


class Responses:
    """Reads the forms of one source. `first` is the earliest second of interest, or None."""

    def __init__(self, source: str, *, first: datetime | None, pace: Pace) -> None:
        self._source = source
        self._first = "" if first is None else _second(first)
        self._pace = pace
        self._definitions: dict[str, tuple[datetime, dict[str, Any]]] = {}

    async def page(self, client: Client, form: Form, cursor: str, now: datetime) -> Page:
        """The next page of `form`. Raises VendorRetryable for an answer that would never end."""
        state = self._state(form, cursor)
        began = state.began or _second(now)
        definition = await self._definition(client, form, now)
        params: dict[str, Any] = {"page_size": _SIZE}
        if state.after:  # the vendor does not take a token together with a time and an order
            params["after"] = state.after
        else:
            params |= {"sort": "submitted_at,asc"} | ({"since": state.since} if state.since else {})
        data = await self._ask(client, f"forms/{form.id}/responses", params)
        rows, pages = data.get("items"), data.get("page_count")
        if not isinstance(rows, list):
            raise VendorRetryable(self._source, f"responses: the answer holds {kind(rows)} where the list belongs")
        items = tuple(item for row in rows for item in _items(form, row, definition))
        latest = max(state.since, _submitted(rows[-1])) if rows else state.since
        if not rows or not isinstance(pages, int) or pages <= 1:
            since = min(latest, _second(datetime.fromisoformat(began) - _OVERLAP))
            return Page(items=items, cursor=_text(Cursor(since=since)), more=False)
        if latest > state.since and latest > _submitted(rows[0]):
            moved = Cursor(since=latest, began=began)
        else:
            token = rows[-1].get("token") if isinstance(rows[-1], dict) else None
            if not isinstance(token, str) or not token or token == state.after:
                raise VendorRetryable(self._source, "responses: the vendor repeats a page; stopped instead of looping")
            moved = Cursor(since=latest, after=token, began=began)
        return Page(items=items, cursor=_text(moved), more=True)

    async def _definition(self, client: Client, form: Form, now: datetime) -> dict[str, Any] | None:
        """What the form's definition says of scales, asked for once an hour; None where no metric of it needs that."""
        if not set(form.metrics) - {"nps", "exit"}:
            return None
        asked, known = self._definitions.get(form.id, (None, {}))
        if asked is None or not asked <= now < asked + _DEFINITION_LASTS:
            data = await self._ask(client, f"forms/{form.id}", {})
            if not isinstance(data.get("fields"), list):
                raise VendorRetryable(self._source, f"form: the answer holds {kind(data.get('fields'))}, no questions")
            known = {"fields": [_scaled(question) for question in questions(data)]}
            self._definitions[form.id] = (now, known)
        return known

    async def _ask(self, client: Client, path: str, params: dict[str, Any]) -> dict[str, Any]:
        await self._pace.turn()
        data = (await client.call("GET", path, params=params)).data
        if not isinstance(data, dict):
            raise VendorRetryable(self._source, f"the answer is {kind(data)} where an object belongs")
        return data

    def _state(self, form: Form, cursor: str) -> Cursor:
        if not cursor:
            return Cursor(since=self._first)
        try:
            return msgspec.json.decode(cursor, type=Cursor)
        except msgspec.DecodeError:
            raise VendorRefused(self._source, f"{form.id}: its stored cursor cannot be read; reset it") from None


def _items(form: Form, row: object, definition: dict[str, Any] | None) -> list[Item]:
    """One item a metric of the form, in the shape of a webhook."""
    if not isinstance(row, dict):
        problem = f"the list holds {kind(row)} where an object belongs"
        return [Item(object=form.metrics[0], raw={"row": row}, problem=problem)]
    response = {**row, "form_id": form.id} | ({} if definition is None else {"definition": definition})
    return [Item(object=metric, raw={"form_response": response}) for metric in form.metrics]


def _scaled(question: dict[str, Any]) -> dict[str, Any]:
    """What the scale of a question follows from, and nothing that an editor may change every day."""
    properties = question.get("properties")
    kept = {name: question.get(name) for name in ("id", "ref", "type")}
    if isinstance(properties, dict):
        kept["properties"] = {name: properties[name] for name in ("steps", "start_at_one") if name in properties}
    return kept


def _submitted(row: object) -> str:
    """The second in which a response was submitted; "" where it does not say."""
    at = row.get("submitted_at") if isinstance(row, dict) else None
    try:
        return _second(datetime.fromisoformat(at)) if isinstance(at, str) else ""
    except (ValueError, OverflowError):
        return ""


def _second(at: datetime) -> str:
    """As the vendor's filters take it: UTC, to the second."""
    utc = at.replace(tzinfo=timezone.utc) if at.tzinfo is None else at.astimezone(timezone.utc)
    return utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()
