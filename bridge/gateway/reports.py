"""`/v1/reports`: what scripts and offers brought and cost. Nothing in it is by agent."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timezone
from threading import Lock
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from bridge.errors import NotFound
from bridge.flow.exposing import EVER
from bridge.gateway.endpoint import Call, Raw
from bridge.reports import Uplift, gather, make_uplift, write_csv

_ONE_AT_A_TIME: Final = Lock()
"""A report takes a thread for a second: several at once would be felt by callers who wait."""


class UpliftQuery(Struct, kw_only=True):
    """Which part of it. `lang` is the language of the table; the JSON has both."""

    situation: Annotated[str, Meta(max_length=80)] | None = None
    since: date | None = None
    format: Literal["json", "csv"] | None = None
    lang: Literal["de", "en"] = "en"


async def uplift(call: Call, query: UpliftQuery) -> Raw:
    """Scripts and offers: how often shown, used and recorded as saved, what they cost, how many more stayed because of
    them, with ranges; what the policy is worth; what the data cannot tell.

    As a table with `format=csv` or `Accept: text/csv`.
    """
    report = await _make(call, query)
    accepted = call.headers.get(b"accept", b"")
    if query.format == "csv" or (query.format is None and b"text/csv" in accepted):
        name = f"scripts-{call.now:%Y-%m-%d}.csv".encode("ascii")
        disposition = (b"content-disposition", b'attachment; filename="%b"' % name)
        return Raw(write_csv(report, query.lang).encode(), "text/csv; charset=utf-8", headers=(disposition,))
    return Raw(msgspec.json.encode(report))


async def example(call: Call, query: UpliftQuery) -> Raw:
    """The same of the made-up people, for the page in demo mode, which needs no key there."""
    if not call.gate.settings.demo:
        raise NotFound("this is there in demo mode alone")
    return await uplift(call, query)


async def _make(call: Call, query: UpliftQuery) -> Uplift:
    since = EVER if query.since is None else datetime.combine(query.since, time(), timezone.utc)
    evidence = await gather(call.gate.desk, since=since, situation=query.situation)

    def reckon() -> Uplift:
        with _ONE_AT_A_TIME:
            return make_uplift(call.gate.desk, evidence, now=call.now, since=since, situation=query.situation)

    return await asyncio.to_thread(reckon)
