"""Commands about loops: what is open, what happened to one, and those of the last days of an import."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from bridge.acting.catching_up import open_past
from bridge.acting.handling import find_loop
from bridge.automation.loops import Loop
from bridge.cli.desks import out, with_desk
from bridge.flow import Desk
from bridge.flow.looping import loop_of
from bridge.store import Row, instant, micros
from bridge.worker import utc_now

commands = typer.Typer(no_args_is_help=True, help="Loops: what is to be put right with customers, and by when.")


@commands.callback()
def group() -> None:
    """Loops: what is to be put right with customers, and by when."""


@commands.command(name="list", epilog="Example: `bridge loop list --overdue`")
def listing(
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those of which a clock has run out")] = False,
    owner: Annotated[str, typer.Option(help="Only this queue's or person's")] = "",
    most: Annotated[int, typer.Option(min=1, max=1000)] = 100,
) -> None:
    """What is open, by when it is due. Customers are shown by their id alone."""
    now = utc_now()

    async def act(desk: Desk) -> list[Loop]:
        rows = await desk.store.all(
            "loops.page",
            states=["open", "waiting"],
            owner=owner,
            reason="",
            closed_since=0,
            overdue=int(overdue),
            now=micros(now),
            after_at=-(1 << 62),
            after_id="",
            most=most,
        )
        return [loop_of(row) for row in rows]

    table = Table("Loop", "Kind", "Owner", "Due (UTC)", "State", box=None, padding=(0, 2))
    table.columns[0].min_width = 26  # an id that is cut is none
    for one in asyncio.run(with_desk(act)):
        due = "" if one.due is None else f"{one.due:%m-%d %H:%M}"
        late = "[red]overdue[/]" if one.overdue(now) else one.state
        table.add_row(one.id, one.opener, escape(one.owner), due, late)
    out.print(table if table.row_count else "No loop is open.")


@commands.command(epilog="Example: `bridge loop show l_0123456789abcdef01234567`")
def show(id: Annotated[str, typer.Argument(metavar="LOOP")]) -> None:
    """One loop: whose it is, its clocks, and all that happened to it."""

    async def act(desk: Desk) -> tuple[Loop, list[Row]]:
        return await find_loop(desk, id), await desk.store.all("loops.events", loop=id)

    loop, events = asyncio.run(with_desk(act))
    for name in ("customer", "opener", "owner", "state", "opened_at", "reply_due", "resolve_due", "reason", "done"):
        value = getattr(loop, name)
        if value not in (None, ""):
            out.print(f"{name:<12} {escape(_said(value))}", soft_wrap=True)
    table = Table("When", "What", "By", "Evidence", "Text", box=None, padding=(0, 2))
    for _, at, kind, by, record, text, _ in events:
        table.add_row(_said(instant(at)), kind, escape(by), escape(record), escape(text))
    out.print(table)


@commands.command(name="open-past", epilog="Example: `bridge loop open-past --days 3`")
def past(
    days: Annotated[int, typer.Option(min=1, max=60, help="How far back")] = 3,
) -> None:
    """Open loops for complaints of the last days that came with a first import. Customers are not written to; of clocks
    that have run out since the complaint, employees are told as always."""
    now = utc_now()
    count = asyncio.run(with_desk(lambda desk: open_past(desk, since=now - timedelta(days=days), now=now)))
    out.print("Opened one loop." if count == 1 else f"Opened {count} loops.")


def _said(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else str(value)
