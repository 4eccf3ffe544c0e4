"""What an automation does to customers, beside those held out by lot, on the command line."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Annotated, Final

import msgspec
import typer
from rich.table import Table

from bridge.cli.desks import out, with_desk
from bridge.flow import Desk
from bridge.reports.automation_effect import AutomationEffect, Outcome
from bridge.reports.automation_runs import find_effect
from bridge.reports.uplift import Span
from bridge.worker import utc_now

commands = typer.Typer()

_WHAT: Final = {"stayed": "stay", "bought": "buy", "satisfied": "are satisfied"}
_VERDICTS: Final = {
    "helps": "[green]helps[/]",
    "harms": "[red]harms[/]",
    "unclear": "may be chance",
    "too_few": "[dim]too few[/]",
}
_PAYS: Final = {
    "yes": "[green]It pays.[/]",
    "no": "[red]It does not pay.[/]",
    "unclear": "Whether it pays cannot be told yet.",
}
_A_YEAR: Final = timedelta(days=365)


@commands.command(
    name="effect",
    epilog="Examples: `bridge automation effect bad_nps`; `bridge automation effect bad_nps --horizon-days 30 --json`",
)
def effect_command(
    automation: Annotated[str, typer.Argument(help="Id of the automation, as `bridge automation list` names it")],
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Set off from this day on; left out: a year ago")
    ] = None,
    horizon_days: Annotated[int, typer.Option(min=1, max=730, help="Watched for so long")] = 90,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Say how many more customers stay, buy or are satisfied because of an automation, what each one kept costs, and
    whether it pays.

    Customers it began for are compared with those who were held out by lot (`hold_out`), whether a message reached
    them or not. Ranges are at 95 %.
    """
    now = utc_now()
    begins = now - _A_YEAR if since is None else since.replace(tzinfo=timezone.utc)

    async def act(desk: Desk) -> AutomationEffect:
        return await find_effect(desk, automation, now=now, since=begins, horizon_days=horizon_days)

    found: AutomationEffect = asyncio.run(with_desk(act))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        show_effect(found)


def show_effect(found: AutomationEffect) -> None:
    """Print an effect: who was compared, what it changed, and money."""
    out.print(
        f"[bold]{found.automation}[/], set off since {found.since:%Y-%m-%d}, each customer watched for "
        f"{found.horizon_days} days: {found.treated:,} treated, {found.held_out:,} held out, {found.open:,} not over "
        "yet.",
        highlight=False,
        soft_wrap=True,
    )
    if not found.hold_out and not found.held_out:
        out.print("Nobody is held out, so nothing can be compared: give it `hold_out: 0.1`.", highlight=False)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("of a hundred", "treated", "held out", "more because of it", ""):
        table.add_column(head, no_wrap=True, justify="left" if head in ("of a hundred", "") else "right")
    for one in found.outcomes:
        shares = (_share(one.treated_share), _share(one.held_out_share))
        table.add_row(_WHAT[one.what], *shares, _more(one), _VERDICTS[one.verdict])
    out.print(table)
    if found.enough is not None:
        out.print(f"From {found.enough:,} customers on a difference of five in a hundred would show.", highlight=False)
    money = f"Cost {found.cost:,.2f} {found.currency}"
    if found.kept is not None:
        money += f"; kept because of it: {_span(found.kept, '.0f')}"
    if found.cost_per_kept is not None:
        money += f"; each one kept costs {_span(found.cost_per_kept, '.2f')} {found.currency}"
    out.print(f"{money}. {_PAYS[found.pays]}", highlight=False, soft_wrap=True)


def _share(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"


def _more(one: Outcome) -> str:
    if one.more is None:
        return ""
    return f"{100 * one.more.value:+.1f} ({100 * one.more.low:+.1f} to {100 * one.more.high:+.1f})"


def _span(span: Span, form: str) -> str:
    high = "without end" if span.high is None else f"{span.high:,{form}}"
    return f"{span.value:,{form}} ({span.low:,{form}} to {high})"
