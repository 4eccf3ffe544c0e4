"""`/v1/metrics`: the figures on retention, from what a worker reckoned last. Nothing in it is by agent."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from bridge.errors import Conflict
from bridge.gateway.endpoint import Call, Raw
from bridge.reports.discretion import without_few
from bridge.reports.groups import By
from bridge.reports.keeping import of_months, read_metrics, renew_metrics, want_metrics
from bridge.reports.metrics import Metrics
from bridge.reports.metrics_table import Table, write_table

AT_ONCE: Final = 5_000
"""Of so many customers at most the gateway reckons itself, where no worker has yet."""
_SEE_FEW: Final = frozenset({"team_lead", "supervisor"})
_Month = Annotated[str, Meta(pattern="^[0-9]{4}-(0[1-9]|1[0-2])$", description="Such as 2026-10")]


class MetricsQuery(Struct, kw_only=True):
    """Which part of it: months from `since` to `until`, told apart `by` something. `table` and `lang` are of CSV."""

    since: _Month | None = None
    until: _Month | None = None
    by: By = "none"
    format: Literal["json", "csv"] | None = None
    table: Table = "retention"
    lang: Literal["de", "en"] = "en"


class Wanted(Struct, frozen=True):
    """A worker has been asked to reckon them anew."""

    wanted: bool = True


async def show(call: Call, query: MetricsQuery) -> Raw:
    """Retention, churn and revenue that stayed by month, with the pieces of each formula; what customers answered; loop
    times; saves and their cost beside what winning customers costs; why customers leave. `made_at` says how old it is.

    One table with `format=csv` or `Accept: text/csv`. What few customers did or said is there for team leaders and
    supervisors alone. 409 while nothing has been reckoned yet.
    """
    desk = call.gate.desk
    metrics = await _read(call, query.by)
    metrics = of_months(metrics, query.since, query.until)
    if not call.who.scopes & _SEE_FEW:
        metrics = without_few(metrics, desk.rules.metering.few)
    accepted = call.headers.get(b"accept", b"")
    if query.format == "csv" or (query.format is None and b"text/csv" in accepted):
        name = f"{query.table}-{metrics.made_at:%Y-%m-%d}.csv".encode("ascii")
        disposition = (b"content-disposition", b'attachment; filename="%b"' % name)
        text = write_table(metrics, query.table, query.lang)
        return Raw(text.encode(), "text/csv; charset=utf-8", headers=(disposition,))
    return Raw(msgspec.json.encode(metrics))


async def refresh(call: Call) -> Wanted:
    """Let a worker reckon them anew now."""
    await want_metrics(call.gate.desk.store, call.now)
    return Wanted()


async def _read(call: Call, by: By) -> Metrics:
    desk = call.gate.desk
    metrics = await read_metrics(desk.store, by)
    if metrics is None and (await desk.store.all("customers.in_all"))[0][0] <= AT_ONCE:
        await renew_metrics(desk, call.now)
        metrics = await read_metrics(desk.store, by)
    if metrics is None:
        await want_metrics(desk.store, call.now)
        raise Conflict("the figures are being reckoned for the first time; a worker has them in a few minutes")
    return metrics
