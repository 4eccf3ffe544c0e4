"""Finding the risk in what the store holds: the fit, its report, the models there were, and the way back."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer
from msgspec import Struct
from rich.progress import Progress
from rich.table import Column, Table

from bridge.cli.desks import out, with_desk
from bridge.cli.fits import aside, working, write_model
from bridge.errors import BadRequest
from bridge.flow import Desk, models
from bridge.scoring.tables import read_tables, write_tables
from bridge.worker import utc_now

if TYPE_CHECKING:
    from bridge.flow.fitting import FittedRisk, RiskReport

_CARD = "the points card"
_ROWS = (
    ("auc", "AUC", ".4f", "a leaver is ranked above one who stayed so often; 0.5 is chance"),
    ("pr_auc", "PR AUC", ".4f", "precision over recall; the share that left is chance"),
    (
        "top_decile_lift",
        "top-decile lift",
        ".2f",
        "times more leavers than usual among the tenth with the highest risk",
    ),
    ("log_loss", "log loss", ".5f", "what is left unexplained; less is better, and decides"),
    ("brier", "Brier", ".5f", "mean squared error"),
    ("ece", "calibration error", ".4f", "mean distance between said and happened, ten groups of equal size"),
    ("said", "said", ".2%", "would leave, on average"),
    ("left", "left", ".2%", "did"),
    ("slope", "slope", ".2f", "1 is right; below 1 differences are said too large, above 1 too small"),
    ("empc", "profit (EMPC)", ".2f", ""),
)


class Told(Struct, frozen=True, kw_only=True):
    """What was done with a model that was fitted or given: `installed` is its version, None where it was not."""

    installed: str | None
    in_use: str
    report: Any


def fit(*, seed: int, given: Path | None, anyway: bool, dry_run: bool, as_json: bool, model: Path | None) -> None:
    """Fit (or judge the model in `given`), report, install it if it is better."""
    tables = None if given is None else read_tables(given)
    from bridge.flow.fitting import fit_risk, take_into_use

    async def act(desk: Desk) -> tuple[FittedRisk, str | None, str]:
        now = utc_now()
        with working() as bars:
            reading, fitting = _reading(bars), bars.add_task("fit", total=1.0)
            fitted = await fit_risk(
                desk,
                now=now,
                given=tables,
                seed=seed,
                reading=reading,
                fitting=lambda share: bars.update(fitting, completed=share),
            )
        version = None if dry_run else await take_into_use(desk, fitted, now, anyway=anyway)
        return fitted, version, desk.fitted.scored_by(desk.rules.deciding.card)

    fitted, version, in_use = asyncio.run(with_desk(act))
    if model is not None:
        write_model(model, write_tables(fitted.tables))
    report = fitted.report
    if as_json:
        typer.echo(msgspec.json.encode(Told(installed=version, in_use=in_use, report=report)).decode())
        return
    _show(report)
    out.print()
    better = report.against.better
    verdict = "It is better" if better else "It is not better"
    out.print(f"{verdict}: {report.against.why}.", highlight=False)
    if version:
        out.print(
            f"Model {version} is in use from now on. `bridge fit risk --rollback` takes it back.", highlight=False
        )
    elif dry_run:
        out.print("Nothing was changed (--dry-run).", highlight=False)
    elif better or anyway:
        out.print(f"It is the model in use already ({in_use}).", highlight=False)
    else:
        out.print(f"{_called(in_use)[0].upper()}{_called(in_use)[1:]} stays in use.", highlight=False)


def roll_back(as_json: bool) -> None:
    """Take back the model in use, and say what counts now."""

    async def act(desk: Desk) -> tuple[str, str]:
        before = await models.in_use(desk.store, "risk")
        if before is None:
            raise BadRequest(f"no risk model is in use, {_CARD} is: there is nothing to take back")
        await models.roll_back(desk.store, "risk", utc_now())
        await desk.look_up()
        return before.version, desk.fitted.scored_by(desk.rules.deciding.card)

    taken_back, in_use = asyncio.run(with_desk(act))
    if as_json:
        typer.echo(msgspec.json.encode({"taken_back": taken_back, "in_use": in_use}).decode())
    else:
        out.print(f"Model {taken_back} is taken back. From now on {_called(in_use)} counts.", highlight=False)


class _Line(Struct, frozen=True, kw_only=True):
    version: str
    installed_at: datetime
    in_use: bool
    report: msgspec.Raw


def show_models(as_json: bool) -> None:
    """Every risk model that was installed, newest first, with its figures of the later period."""

    async def act(desk: Desk) -> list[_Line]:
        now = await models.in_use(desk.store, "risk")
        return [
            _Line(
                version=one.version,
                installed_at=one.installed_at,
                in_use=now is not None and one.version == now.version,
                report=one.report,
            )
            for one in await models.all_models(desk.store, "risk")
        ]

    lines = asyncio.run(with_desk(act))
    if as_json:
        typer.echo(msgspec.json.encode(lines).decode())
        return
    if not lines:
        out.print(f"No risk model was installed yet: {_CARD} counts. `bridge fit risk` looks for one.", highlight=False)
        return
    table = Table(
        Column("Model", min_width=16),
        "Installed",
        "AUC",
        "Log loss",
        "Said",
        "Left",
        "Customers",
        "",
        box=None,
        padding=(0, 2, 0, 0),
    )
    for line in lines:
        report = msgspec.json.decode(line.report)
        figures = ((report or {}).get("models") or {}).get("new") or {}
        cells = [_number(figures.get(name), form) for name, form in _SHORT]
        table.add_row(
            line.version,
            f"{line.installed_at:%Y-%m-%d}",
            *cells,
            _number((report or {}).get("customers"), ","),
            "in use" if line.in_use else "",
        )
    out.print(table)
    if not any(line.in_use for line in lines):
        out.print(f"None of them is in use: {_CARD} counts.", highlight=False)


_SHORT = (("auc", ".4f"), ("log_loss", ".5f"), ("said", ".2%"), ("left", ".2%"))


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _reading(bars: Progress) -> Any:
    bar = bars.add_task("customers as they stood", total=None)
    return lambda done, of: bars.update(bar, completed=done, total=of)


def _called(scored_by: str) -> str:
    return _CARD if scored_by.startswith("card:") else f"model {scored_by}"


def _show(report: RiskReport) -> None:
    if report.periods:
        learnt = f"Learnt from {report.rows:,} rows in {report.periods} periods of {report.horizon_days} days since"
        out.print(f"{learnt} {report.first_day}; {report.rows_left:,} left", highlight=False)
    later = (
        f"Judged by {report.customers:,} customers as they stood on {report.later_day}, of whom {report.left:,} left"
    )
    out.print(f"{later} by {report.later_to}", highlight=False)
    for note in report.notes:
        aside.print(f"· {note}", style="dim", markup=False, highlight=False)
    columns = [(name, title) for name, title in _COLUMNS if name in report.models]
    table = Table("Figure", *(title for _, title in columns), "What it says", box=None, padding=(0, 2, 0, 0))
    for field, title, form, says in _ROWS:
        said = says or _profit(report)
        table.add_row(title, *(format(report.models[name][field], form) for name, _ in columns), said)
    out.print(table)
    for title, bands in (
        ("From the card, as the history holds too little of them", report.from_card),
        ("Counted for nothing, as the history has them the other way round than the card", report.turned),
    ):
        if bands:
            listed = ", ".join(f"{code} ({' '.join(some)})" for code, some in bands.items())
            aside.print(f"· {title}: {listed}", style="dim", markup=False, highlight=False)


_COLUMNS = (("new", "New"), ("in_use", "In use"), ("card", "Points card"))


def _profit(report: RiskReport) -> str:
    if report.value is None:
        return "per customer, were each worth 200: nothing is known of what they are worth"
    return f"{report.currency} per customer, each worth {report.value:,.0f} (mean of these), an offer 10, a call 1"
