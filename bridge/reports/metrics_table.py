"""The figures as tables for a spreadsheet, one for each of what they tell."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Final, Literal, get_args

from bridge.automation.weighting import Estimate
from bridge.reports.looptimes import Waited
from bridge.reports.metrics import Metrics
from bridge.reports.table import cell

Table = Literal["retention", "feelings", "loops", "saves", "reasons", "topics"]
TABLES: Final[tuple[Table, ...]] = get_args(Table)
_BYTE_ORDER_MARK: Final = "\ufeff"
_Row = tuple[str | int | float | None, ...]

COLUMNS: Final[dict[Table, tuple[str, ...]]] = {
    "retention": (
        "month", "group", "start", "new", "returned", "left", "came_and_went", "end", "noticed", "retention", "churn",
        "revenue_start", "revenue_new", "expansion", "contraction", "revenue_churn", "revenue_end", "net_retention",
        "gross_retention",
    ),
    "feelings": (
        "month", "metric", "group", "asked", "answered", "response_rate", "answered_value", "answered_low",
        "answered_high", "weighted_value", "weighted_low", "weighted_high", "coverage",
    ),
    "loops": (
        "month", "opened", "open", "replied", "reply_median_h", "reply_p90_h", "reply_in_time", "closed",
        "resolution_median_h", "resolution_p90_h", "resolution_in_time",
    ),
    "saves": (
        "month", "saved", "lost", "pending", "save_rate", "granted", "outreach", "retention_cost", "cost_per_save",
        "break_even", "new", "acquisition_cost", "cost_per_new",
    ),
    "reasons": ("month", "group", "origin", "reason", "title", "customers"),
    "topics": ("month", "about", "topic", "title", "customers"),
}  # fmt: skip
"""In this order; columns are only ever added at the end. Shares are shares, money is whole units of the main currency;
what is not known is empty."""


def write_table(metrics: Metrics, table: Table, language: str) -> str:
    """One table, as a spreadsheet program of that language opens it: in German with semicolons, decimal commas and a
    byte order mark."""
    german = language == "de"
    text = StringIO()
    if german:
        text.write(_BYTE_ORDER_MARK)
    writer = csv.writer(text, delimiter=";" if german else ",", lineterminator="\r\n")
    writer.writerow(COLUMNS[table])
    for row in _rows(metrics, table, language):
        writer.writerow([cell(value, german=german) for value in row])
    return text.getvalue()


def _rows(metrics: Metrics, table: Table, language: str) -> Iterator[_Row]:
    whole = metrics.minor_units
    if table == "retention":
        for one in metrics.retention:
            money = one.revenue
            yield (
                one.month, one.group, one.start, one.new, one.returned, one.left, one.came_and_went, one.end,
                one.noticed, one.retention, one.churn, money.start / whole, money.new / whole, money.expansion / whole,
                money.contraction / whole, money.churn / whole, money.end / whole, money.net, money.gross,
            )  # fmt: skip
    elif table == "feelings":
        for said in metrics.opinions:
            yield (
                said.month, said.metric, said.group, said.asked, said.answered, said.response_rate,
                *_estimate(said.plain), *_estimate(said.weighted), said.coverage,
            )  # fmt: skip
    elif table == "loops":
        for loop in metrics.loops:
            yield (loop.month, loop.opened, loop.open, *_waited(loop.reply), *_waited(loop.resolution))
    elif table == "saves":
        for each in metrics.saves:
            yield (
                each.month, each.saved, each.lost, each.pending, each.save_rate, each.granted / whole,
                each.outreach / whole, each.retention_cost / whole, _whole(each.cost_per_save, whole), each.break_even,
                each.new, _whole(each.acquisition_cost, whole), _whole(each.cost_per_new, whole),
            )  # fmt: skip
    elif table == "reasons":
        for why in metrics.reasons:
            title = metrics.reason_titles.get(why.reason, {}).get(language, why.reason)
            yield (why.month, why.group, why.origin, why.reason, title, why.customers)
    else:
        for topic in metrics.spoken:
            title = metrics.topic_titles.get(topic.topic, {}).get(language, topic.topic)
            yield (topic.month, topic.about, topic.topic, title, topic.customers)


def _estimate(one: Estimate | None) -> _Row:
    return (None, None, None) if one is None else (one.value, one.low, one.high)


def _waited(one: Waited | None) -> _Row:
    return (0, None, None, None) if one is None else (one.count, one.median, one.p90, one.in_time)


def _whole(minor: float | None, unit: int) -> float | None:
    return None if minor is None else minor / unit
