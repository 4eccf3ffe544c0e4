"""The command that finds how those feel who do not answer."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.table import Table

from bridge.cli.desks import out, with_desk
from bridge.cli.fits import aside, belong, require_engine, working, write_model
from bridge.errors import BadRequest
from bridge.flow import Desk
from bridge.flow.hearing import Heard, MoodRecord, hear, mood_record
from bridge.flow.models import install, mood_body, roll_back
from bridge.scoring.mood import ATTRIBUTES, lowest
from bridge.worker import utc_now

if TYPE_CHECKING:
    from rich.progress import Progress

    from bridge.scoring.fit.answering import Averages, Estimate
    from bridge.scoring.fit.mood import Fitting, Sheet

commands = typer.Typer()

_GROUPS = tuple(name for name in ATTRIBUTES if name != "monthly")


class Metric(StrEnum):
    nps = "nps"
    csat = "csat"
    ces = "ces"


@commands.command(epilog="Example: `bridge fit mood --table survey.csv --score nps --scale 10 --group segment`")
def mood(
    metric: Annotated[Metric, typer.Option(help="Whose answers are learnt from")] = Metric.nps,
    group: Annotated[
        str | None, typer.Option(help=f"Averages by this too: {', '.join(_GROUPS)}, or a column of the table")
    ] = None,
    table: Annotated[Path | None, typer.Option("--table", help="CSV, one customer a row; else: the store")] = None,
    score: Annotated[str | None, typer.Option("--score", help="Its column of answers, empty for no answer")] = None,
    scale: Annotated[
        float | None, typer.Option("--scale", help="The highest answer in the table; left out: 10")
    ] = None,
    bottom: Annotated[
        float | None, typer.Option("--lowest", help="The lowest one; left out: 0 for nps, else 1")
    ] = None,
    responded: Annotated[str | None, typer.Option("--responded", help="Its column that says who answered")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another one deals the customers differently")] = 0,
    model: Annotated[Path | None, typer.Option("--model", help="Write the model to this file")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Fit and report, and change nothing")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Take the model in use back")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Find out how customers feel who never answer a survey, and how sure that is.

    From the store: every invitation with the customer as they stood when it was sent. The model is taken into use if it
    foretells answers better than their mean does; cards of silent customers then carry what they would answer, with an
    interval. Averages come three times and are never mixed: of the answers, weighted by who answers, and predicted for
    all who were asked. With `--table` nothing is taken into use. See docs/MOOD.md.
    """
    of_table = (("--score", score), ("--scale", scale), ("--lowest", bottom), ("--responded", responded))
    of_store = (("--dry-run", dry_run),)
    if rollback:
        others = (("--table", table), ("--group", group), ("--model", model))
        belong("fit mood", "--rollback takes back what is in use", *of_table, *of_store, *others)
        asyncio.run(with_desk(lambda desk: _take_back(desk, as_json=as_json)))
        return
    require_engine()
    if table is not None:
        belong("fit mood", "a table is only judged", *of_store)
        if score is None:
            raise BadRequest("--table needs --score: the column of answers")
        low, high = lowest(metric.value) if bottom is None else bottom, 10.0 if scale is None else scale
        if high <= low:
            raise BadRequest(f"--scale {high:g} is not above the lowest answer, {low:g}")
        fitting = _fit_table(table, score, high, low, metric.value, responded, group, seed)
    else:
        belong("fit mood", "these say how a table is read, which is named with --table", *of_table)
        if group is not None and group not in _GROUPS:
            raise BadRequest(f"--group {group!r}: customers are grouped by {', '.join(_GROUPS)}")
        fitting = asyncio.run(
            with_desk(lambda desk: _fit_store(desk, metric.value, group or _GROUPS[2], seed, dry_run=dry_run))
        )
    if model is not None:
        write_model(model, msgspec.json.format(mood_body(fitting.model), indent=2) + b"\n")
    if as_json:
        typer.echo(msgspec.json.encode(_figures(fitting)).decode())
    else:
        _show(fitting)


def _fit_table(
    table: Path, score: str, scale: float, low: float, metric: str, responded: str | None, group: str | None, seed: int
) -> Fitting:
    from bridge.scoring.fit.invited import read_sheet

    sheet = read_sheet(table, score=score, scale=scale, bottom=low, metric=metric, responded=responded, group=group)
    with working() as bars:
        return _fit(sheet, seed, bars)


def _fit(sheet: Sheet, seed: int, bars: Progress) -> Fitting:
    from bridge.scoring.fit.mood import fit_mood

    bar = bars.add_task("fit", total=1.0)
    return fit_mood(sheet, seed=seed, report=lambda share: bars.update(bar, completed=share))


async def _fit_store(desk: Desk, metric: str, group: str, seed: int, *, dry_run: bool) -> Fitting:
    from bridge.scoring.fit.invited import make_sheet

    with working() as bars:
        bar = bars.add_task("customers", total=None)
        heard = await hear(
            desk,
            metric=metric,
            group_by=group,
            now=utc_now(),
            report=lambda done, of_all: bars.update(bar, completed=done, total=of_all),
        )
        fitting = _fit(make_sheet(heard.invitations, metric, group, _remarks(heard)), seed, bars)
    judged = fitting.judged
    better = judged.mae < judged.usual_mae
    record = await mood_record(desk, now=utc_now())
    if record is not None and record.answers:
        aside.print(f"· {_lived(record)}", style="dim", highlight=False)
    if dry_run:
        aside.print("· nothing was changed (--dry-run)", style="dim", highlight=False)
    elif better:
        report = _figures(fitting) | {"model_before": record}
        version = await install(desk.store, "mood", mood_body(fitting.model), report, utc_now())
        aside.print(
            f"· mood model {version} is in use; cards follow as they are refreshed", style="dim", highlight=False
        )
    else:
        aside.print(
            "· not taken into use: answers it had not seen lie no nearer to what it says than to their mean",
            style="dim",
            highlight=False,
        )
    return fitting


def _remarks(heard: Heard) -> tuple[str, ...]:
    everybody = (
        "No invitation without an answer is on record. Every customer who gave none within a year stands for those who "
        "were asked and kept silent."
    )
    return () if heard.invited else (everybody,)


def _lived(record: MoodRecord) -> str:
    spoke = f"the model in use: {record.answers:,} silent customers have answered since {record.from_day}"
    if record.within is None or record.mae is None or record.bias is None:
        return f"{spoke}; nothing had been said of any of them"
    return (
        f"{spoke}: {record.within:.0%} within their interval ({record.promised:.0%} promised), "
        f"{record.mae:.2f} points off, {record.bias:+.2f} on average; of {record.abstained:,} nothing had been said"
    )


async def _take_back(desk: Desk, *, as_json: bool) -> None:
    before = await roll_back(desk.store, "mood", utc_now())
    if as_json:
        typer.echo(msgspec.json.encode({"in_use": before.version if before else None}).decode())
        return
    aside.print(
        "· no mood is predicted any more" if before is None else f"· mood model {before.version} is in use again",
        style="dim",
        highlight=False,
    )


def _figures(fitting: Fitting) -> dict[str, Any]:
    """All of a fitting but the model's tables."""
    return {
        "metric": fitting.model.metric,
        "lowest": fitting.model.lowest,
        "scale": fitting.model.scale,
        "judged": fitting.judged,
        "mean": fitting.mean,
        "nps": fitting.nps,
        "notes": fitting.notes,
    }


def _show(fitting: Fitting) -> None:
    for note in fitting.notes:
        out.print(f"· {note}", markup=False, highlight=False)
    _show_averages(
        f"\nMean {fitting.model.metric}, {fitting.model.lowest:g} to {fitting.model.scale:g}", fitting.mean, 2
    )
    if fitting.nps:
        _show_averages("\nNPS, -100 to 100", fitting.nps, 0)
    judged = fitting.judged
    found = Table("Figure", "Value", "What it says", box=None, padding=(0, 2, 0, 0))
    found.add_row(
        "off by", f"{judged.mae:.2f}", f"points on average; saying the mean of everybody costs {judged.usual_mae:.2f}"
    )
    found.add_row("correlation", f"{judged.correlation:.2f}", "between what is said and what is answered")
    found.add_row(
        "within",
        f"{judged.coverage:.1%}",
        f"of answers within their interval; {fitting.model.coverage:.0%} is promised",
    )
    found.add_row("width", f"{judged.width:.1f}", "points, of an interval on average")
    found.add_row("abstains", f"{judged.abstained:.1%}", "of the silent: nothing is said of them")
    if judged.answering_auc is not None:
        found.add_row(
            "who answers", f"{judged.answering_auc:.3f}", "AUC of telling who answers; 0.5: nothing known of them tells"
        )
    out.print(f"\nOf one customer, judged by {judged.answers:,} answers that were not learnt from", highlight=False)
    out.print(found)


def _show_averages(title: str, found: tuple[Averages, ...], digits: int) -> None:
    shown = Table("", "Asked", "Answered by", "Answered", "Weighted", "Predicted", box=None, padding=(0, 2, 0, 0))
    for one in found:
        shown.add_row(
            one.group or "all",
            f"{one.asked:,}",
            f"{one.responses:,} ({one.response_rate:.0%})",
            *(_shown(estimate, digits) for estimate in (one.answered, one.weighted, one.predicted)),
        )
    out.print(title, highlight=False)
    out.print(shown)


def _shown(found: Estimate, digits: int) -> str:
    return f"{found.value:.{digits}f} ({found.low:.{digits}f} … {found.high:.{digits}f})"
