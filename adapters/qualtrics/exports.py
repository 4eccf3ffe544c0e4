"""Sync: the responses of one survey, by token what came since the last time, by date what was there before.

The token is taken first, and once: whatever changes while the past is being read comes with it afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from statistics import median_low
from typing import Any

import msgspec

from bridge.adapter.client import Client
from bridge.adapter.delivery import Page
from bridge.errors import VendorRefused, VendorRetryable

from . import jobs
from .cursor import Cursor, cursor_of, second, text
from .records import Records
from .surveys import Survey

FULL = 1000
"""Responses an export of a span may hold; as many as that, and it is narrowed. Keeps files below what is read."""
_AGAIN = timedelta(days=1)
"""By date, the last day is read once more every day, should one of the newest have been missing from an export."""
_OVERLAP = timedelta(hours=1)
_TOKEN_LASTS = timedelta(days=6)
"""The vendor's are good for seven days."""
_FIRST_DAY = "2002-01-01T00:00:00Z"
"""Before the vendor's first survey."""
_MOST_ASKS = 20
_MOST_TRIES = 3
_REST = timedelta(minutes=15)
_GIVEN_UP = timedelta(hours=2)
_NO_SUCH_TOKEN = (400, 404, 410, 422)


class Exports:
    """Reads the surveys of one source: `first` is the first instant of interest, `wait` the first wait in seconds."""

    def __init__(
        self,
        source: str,
        records: Records,
        *,
        first: datetime | None,
        wait: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._source = source
        self._records = records
        self._first = first
        self._wait = wait
        self._sleep = sleep

    async def page(self, client: Client, survey: Survey, cursor: str, now: datetime) -> Page:
        """Begin the next export, ask whether it is ready, or read it: one of them a page, each kept in the cursor, so
        that whoever comes after a crash goes on with the same export.

        Raises VendorRetryable for an export that takes very long, or that failed several times.
        """
        try:
            state = cursor_of(cursor)
        except msgspec.DecodeError:
            raise VendorRefused(self._source, f"{survey.id}: its stored cursor cannot be read; reset it") from None
        if not state.export:
            return _onward(await self._begin(client, survey, state, now))
        if state.asks:
            await self._sleep(min(self._wait * 2 ** min(state.asks, 10), 30.0))
        job = await jobs.progress(client, survey, state.export)
        if job.file:
            try:
                return await self._read(client, survey, state, job)
            except VendorRefused as problem:
                if problem.status not in jobs.GONE:
                    raise
                job = jobs.Job(failed=True)
        if job.failed or now - _instant(state.began) > _GIVEN_UP:
            return _onward(await self._replace(client, survey, state, now))
        if state.asks >= _MOST_ASKS:
            raise VendorRetryable(self._source, f"the export of {survey.id} takes long to prepare", retry_after=60)
        return _onward(msgspec.structs.replace(state, asks=state.asks + 1))

    async def _begin(self, client: Client, survey: Survey, state: Cursor, now: datetime) -> Cursor:
        """The next export: a first token, else the next span, else what came since the token."""
        if state.token and now - _instant(state.given) > _TOKEN_LASTS:
            state = msgspec.structs.replace(state, token="")
        if not state.token:
            state = msgspec.structs.replace(state, since=await self._past(client, survey, state), upto=second(now))
            start = second(now) if state.bulk else second(now - _OVERLAP)
            span: dict[str, Any] = {"startDate": start, "allowContinuation": True}
            return await self._begun(client, survey, state, now, span)
        if state.since >= state.upto and now - _instant(state.upto) >= _AGAIN:
            again = second(_instant(state.upto) - _OVERLAP)
            state = msgspec.structs.replace(state, since=again, upto=second(now))
        if state.since < state.upto:
            until = state.upto
            if state.step:
                until = min(until, second(_instant(state.since) + timedelta(seconds=state.step)))
            span = {"startDate": state.since, "endDate": until} | ({} if state.whole else {"limit": FULL})
            return await self._begun(client, survey, state, now, span, until)
        try:
            return await self._begun(client, survey, state, now, {"continuationToken": state.token})
        except VendorRefused as problem:
            if problem.status not in _NO_SUCH_TOKEN:
                raise
            return await self._begin(client, survey, msgspec.structs.replace(state, token=""), now)

    async def _begun(
        self, client: Client, survey: Survey, state: Cursor, now: datetime, span: dict[str, Any], until: str = ""
    ) -> Cursor:
        export = await jobs.begin(client, survey, span, state.last)
        return msgspec.structs.replace(state, export=export, began=second(now), until=until, asks=0, last=export)

    async def _replace(self, client: Client, survey: Survey, state: Cursor, now: datetime) -> Cursor:
        """Another export in the place of one that failed; after some of them only when the vendor had time to mend."""
        rested = now - _instant(state.began) > _REST
        if state.tries >= _MOST_TRIES and not rested:
            raise VendorRetryable(self._source, f"the vendor failed {state.tries} times to export {survey.id}")
        tries = 1 if rested else state.tries + 1
        return await self._begin(client, survey, msgspec.structs.replace(state, export="", tries=tries), now)

    async def _read(self, client: Client, survey: Survey, state: Cursor, job: jobs.Job) -> Page:
        rows = await jobs.rows(client, survey, job.file)
        read = msgspec.structs.replace(state, export="", began="", until="", asks=0, tries=0)
        if rows is None and not state.until:  # everything was changed at once: read it by date
            return _onward(msgspec.structs.replace(read, token="", bulk=True))
        if rows is None and state.whole:
            raise VendorRefused(self._source, f"{survey.id}: one second holds more than is read of an answer")
        if rows is None or (state.until and not state.whole and len(rows) >= FULL):
            return _onward(_narrowed(read, state.until, rows or []))
        items = tuple(item for row in rows for item in self._records.items(survey, row))
        if state.until:
            after = msgspec.structs.replace(
                read, since=state.until, step=_next_step(state.step, len(rows)), whole=False
            )
            return Page(items=items, cursor=text(after), more=True)
        token = job.token or state.token
        if not token:
            raise VendorRetryable(self._source, f"the export of {survey.id} has no continuation token")
        after = msgspec.structs.replace(read, token=token, given=state.began, bulk=False)
        return Page(items=items, cursor=text(after), more=not state.token)

    async def _past(self, client: Client, survey: Survey, state: Cursor) -> str:
        """From when on it is read by date: where that was left, else the setting, else when the survey was made."""
        if state.since and state.since < state.upto:
            return state.since
        if state.upto:
            return second(_instant(state.upto) - _OVERLAP)
        if self._first is not None:
            return second(self._first)
        made = (await jobs.ask(client, "GET", f"surveys/{survey.id}")).get("creationDate")
        try:
            return second(datetime.fromisoformat(made)) if isinstance(made, str) else _FIRST_DAY
        except (ValueError, OverflowError):
            return _FIRST_DAY


def _narrowed(read: Cursor, until: str, rows: list[Any]) -> Cursor:
    """The same beginning with at most half the span, up to the middle of what came; a single second becomes whole."""
    seconds = _seconds(read.since, until)
    times = [at for row in rows if (at := _changed(row))]
    middle = _seconds(read.since, second(median_low(times))) if times else seconds
    return msgspec.structs.replace(read, step=max(1, min(middle, seconds // 2)), whole=seconds <= 1)


def _next_step(step: int, rows: int) -> int:
    if rows > FULL // 2:
        return step
    return step * 2 if rows > FULL // 8 else 0


def _changed(row: Any) -> datetime | None:
    """When a response was changed last, as far as it says."""
    values = row.get("values") if isinstance(row, dict) else None
    for name in ("lastModifiedDate", "LastModifiedDate", "recordedDate"):
        at = values.get(name) if isinstance(values, dict) else None
        try:
            found = datetime.fromisoformat(at) if isinstance(at, str) else None
        except ValueError:
            continue
        if found is not None and found.tzinfo is not None:
            return found
    return None


def _seconds(since: str, until: str) -> int:
    return int((_instant(until) - _instant(since)).total_seconds())


def _onward(cursor: Cursor) -> Page:
    return Page(items=(), cursor=text(cursor), more=True)


def _instant(written: str) -> datetime:
    return datetime.fromisoformat(written)
