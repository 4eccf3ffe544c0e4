"""`bridge report metrics`: retention, churn and revenue that stayed, by month."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from bridge.cli.desks import out, progress, with_desk
from bridge.errors import BadRequest
from bridge.flow import Desk
from bridge.reports.groups import BYS, By
from bridge.reports.keeping import keep_metrics, of_months
from bridge.reports.metrics import Metrics, make_metrics
from bridge.reports.metrics_table import TABLES, write_table
from bridge.reports.metrics_table import Table as TableName
from bridge.scoring.wording import LANGUAGES, say
from bridge.worker import utc_now

T = TypeVar("T")

commands = typer.Typer()

_LABELS: dict[str, dict[str, str]] = {
    "de": {
        "month": "Monat",
        "group": "Gruppe",
        "start": "Anfang",
        "new": "neu",
        "left": "gegangen",
        "end": "Ende",
        "noticed": "gekündigt",
        "retention": "geblieben",
        "revenue": "Umsatz am Anfang",
        "net": "Umsatz geblieben",
        "nobody": "ohne Angabe",
        "formula": "geblieben = (Ende − neu) / Anfang; alle Formeln: docs/METRICS.md",
        "left_out": "in keiner Zahl: {neither} ohne Vertrag und Rhythmus, {unclear} mit unbekanntem Vertragsende",
        "so_far": "{month} (bisher)",
        "made_up": "Beispiel: Personen und Verläufe sind erfunden.",
    },
    "en": {
        "month": "Month",
        "group": "Group",
        "start": "start",
        "new": "new",
        "left": "left",
        "end": "end",
        "noticed": "gave notice",
        "retention": "stayed",
        "revenue": "revenue at start",
        "net": "revenue stayed",
        "nobody": "not said",
        "formula": "stayed = (end − new) / start; all formulas: docs/METRICS.md",
        "left_out": "in no figure: {neither} without contract and rhythm, {unclear} whose contract's end is unknown",
        "so_far": "{month} (so far)",
        "made_up": "Example: people and their past are made up.",
    },
}


@commands.command(
    epilog="Examples: `bridge report metrics --since 2026-01`; `bridge report metrics --by segment`; "
    "`bridge report metrics --csv retention.csv --lang de`; `--table reasons --csv reasons.csv`"
)
def metrics(
    since: Annotated[str | None, typer.Option(help="First month, such as 2026-01")] = None,
    until: Annotated[str | None, typer.Option(help="Last month, such as 2026-10")] = None,
    by: Annotated[str, typer.Option(help="Told apart by: none, tier, segment, product or owner")] = "none",
    lang: Annotated[str, typer.Option("--lang", "--language", help="Language of the texts: de or en")] = "de",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write one table to this file")] = None,
    table: Annotated[
        str, typer.Option(help="Which: retention, feelings, loops, saves, reasons or topics")
    ] = "retention",
) -> None:
    """Reckon retention, churn and revenue that stayed anew, by month, and keep the figures for the console."""
    if lang not in LANGUAGES:
        raise BadRequest(f"--lang: is {' or '.join(LANGUAGES)}")
    chosen: By = _one_of(BYS, by, "--by")
    named: TableName = _one_of(TABLES, table, "--table")
    for option, month in (("--since", since), ("--until", until)):
        if month is not None and not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", month):
            raise BadRequest(f"{option}: is a month such as 2026-01")

    async def act(desk: Desk) -> Metrics:
        now = utc_now()
        with progress() as bars:
            bar = bars.add_task("customers", total=None)
            made = await make_metrics(
                desk, now=now, report=lambda done, of_all: bars.update(bar, completed=done, total=of_all)
            )
        await keep_metrics(desk.store, made, now)
        return made[chosen]

    found = of_months(asyncio.run(with_desk(act)), since, until)
    if csv is not None:
        csv.write_text(write_table(found, named, lang), "utf-8", newline="")
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        _show(found, chosen, lang)


def _one_of(names: tuple[T, ...], given: str, option: str) -> T:
    for name in names:
        if name == given:
            return name
    raise BadRequest(f"{option}: is one of {', '.join(map(str, names))}")


def _show(found: Metrics, by: By, lang: str) -> None:
    labels = _LABELS[lang]
    if found.made_up:
        out.print(labels["made_up"], style="dim")
    columns = ["month", "start", "new", "left", "end", "noticed", "retention", "revenue", "net"]
    if by != "none":
        columns.insert(1, "group")
    table = Table(*(labels[name] for name in columns), box=None)
    for cell in found.retention:
        group = (escape(cell.group) or labels["nobody"],) if by != "none" else ()
        table.add_row(
            labels["so_far"].format(month=cell.month) if cell.month == found.so_far else cell.month,
            *group,
            *(say(count, lang) for count in (cell.start, cell.new, cell.left, cell.end, cell.noticed)),
            _percent(cell.retention, lang),
            f"{say(round(cell.revenue.start / found.minor_units), lang)} {found.currency}",
            _percent(cell.revenue.net, lang),
        )
    out.print(table)
    out.print(labels["formula"], style="dim")
    basis = found.basis
    text = labels["left_out"].format(neither=say(basis.neither, lang), unclear=say(basis.unclear, lang))
    out.print(text, style="dim", highlight=False)


def _percent(share: float | None, lang: str) -> str:
    return "–" if share is None else f"{say(round(share * 100, 1) + 0.0, lang)} %"
