"""Commands about surveys: which there are, and whom the next tranche would ask."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from bridge.acting.occasions import problem_of
from bridge.acting.survey_sizes import Preview, preview
from bridge.automation.surveys import armed_of
from bridge.cli.desks import out, with_desk
from bridge.conditions import nearest
from bridge.console.surveys import Sizing, sizing_of
from bridge.errors import BadRequest
from bridge.flow import Desk
from bridge.worker import utc_now

commands = typer.Typer(no_args_is_help=True, help="Surveys: which there are, and whom the next tranche would ask.")
_PROBLEMS = {"no_source": "no source can send it"}


@commands.callback()
def group() -> None:
    """Surveys: which there are, and whom the next tranche would ask."""


@commands.command("list", epilog="Example: `bridge survey list`")
def listing() -> None:
    """Print every survey plan, whether it is on, and how many answered."""

    async def act(desk: Desk) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        for plan in desk.rules.surveys:
            armed = armed_of(plan, desk.armed)
            ((invited, answered),) = await desk.store.all("surveys.response", plan=plan.id, since=0)
            when = plan.file.when
            occasion = f"every {when.every} days" if when.every else f"after {when.after}"
            problem = problem_of(desk, plan)
            rows.append(
                (
                    plan.id,
                    plan.file.metric,
                    "off" if armed is None else armed.mode,
                    occasion,
                    f"{answered or 0} of {invited}",
                    _PROBLEMS[problem] if problem else "",
                )
            )
        return rows

    table = Table("survey", "metric", "mode", "when", "answered", "", box=None)
    for row in asyncio.run(with_desk(act)):
        table.add_row(*map(escape, row))
    out.print(table)


@commands.command("preview", epilog="Example: `bridge survey preview nps`")
def show(
    survey: Annotated[str, typer.Argument(help="Id of the plan: the name of its file in config/surveys")],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Say whom a tranche would ask if it were drawn now, and why no more. Nothing is written or sent."""

    async def act(desk: Desk) -> tuple[Preview, Sizing]:
        plans = {one.id: one for one in desk.rules.surveys}
        if survey not in plans:
            raise BadRequest(f"there is no survey {survey!r}; {nearest(survey, plans)}")
        coming = await preview(desk, plans[survey], utc_now())
        return coming, sizing_of(desk, coming.sizes)

    coming, sizing = asyncio.run(with_desk(act))
    if as_json:
        said = {"came_up": coming.came_up, "barred": coming.barred, "whole": coming.whole, "sizing": sizing}
        typer.echo(msgspec.json.encode(said).decode())
    else:
        _show(coming, sizing)


def _show(coming: Preview, sizing: Sizing) -> None:
    begin = "" if coming.whole else "Of the first who came up: "
    out.print(f"{begin}{sizing.asked:.0f} of {sizing.ready} who may be asked would be.", highlight=False)
    table = Table("who answers", "has time for", "customers", "are asked", "bad answers to expect", box=None)
    for one in sizing.owners:
        asked = "they wait" if one.waits else f"{one.asked:.1f}"
        table.add_row(escape(one.title["en"]), f"{one.free:.1f}", str(one.ready), asked, f"{one.expected:.1f}")
    if sizing.owners:
        out.print(table)
    table = Table("value", "risk", "customers", "are asked", "probability", box=None)
    for each in sizing.strata:
        chance = "" if each.propensity is None else f"{each.propensity:.3f}"
        table.add_row(each.tier, each.band, str(each.ready), f"{each.asked:.1f}", chance)
    if sizing.strata:
        out.print(table)
    for reason, count in coming.barred.items():
        out.print(f"{count} may not be asked: {reason}", highlight=False, style="dim")
