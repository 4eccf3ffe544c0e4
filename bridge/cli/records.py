"""Commands about what came in and what is known."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from bridge.adapter import normalise_key
from bridge.cli.delivering import deliver
from bridge.cli.desks import finish, out, progress, reporter, with_desk
from bridge.errors import BadRequest
from bridge.facts import Origin
from bridge.flow import Desk
from bridge.intake import sync as syncing
from bridge.store import find_answer, instant
from bridge.worker import Worker, utc_now

commands = typer.Typer()


@commands.command(epilog="Example: `bridge sync crm`")
def sync(
    source: Annotated[str | None, typer.Argument(help="Name of a source; left out: all of them")] = None,
    restart: Annotated[bool, typer.Option(help="Read from the very beginning again; what is known stays")] = False,
) -> None:
    """Poll the sources now and work until nothing is left to do, with progress bars.

    The first import of a source goes this way too; it causes no live facts, so that nobody is written to.
    """

    async def act(desk: Desk) -> dict[str, int]:
        names = [source] if source else sorted(desk.registry.sources)
        for name in names:
            desk.registry.adapter(name)
            await desk.store.change("sources.restart" if restart else "sources.ask_again", source=name)
        await syncing.register(desk.store, desk.registry.sources, utc_now())
        with progress() as bars:
            at_work = Worker(desk=desk, report=reporter(bars))
            for name in names:
                await at_work.poll_source(name)
            await finish(at_work, bars)
        rows = await desk.store.all("inbox.states")
        failed = [row for row in await desk.store.all("sources.streams", source=source) if row[8]]
        for row in failed:
            out.print(f"[red]{row[0]} {row[1]}[/]: {row[8]}", highlight=False)
        return {state: sum(row[2] for row in rows if row[1] == state) for state in ("mapped", "ignored", "dead")}

    counts = asyncio.run(with_desk(act))
    out.print("  ".join(f"{name} {count:,}" for name, count in counts.items()))
    if counts["dead"]:
        out.print("Rows that could not be read: `bridge dead-letters`", style="yellow")


@commands.command(name="dead-letters", epilog="Example: `bridge dead-letters --source crm`")
def dead_letters(
    source: Annotated[str | None, typer.Option(help="Only of this source")] = None,
    most: Annotated[int, typer.Option(help="How many at the most")] = 50,
) -> None:
    """List the deliveries that could not be mapped, with the reason."""

    async def act(desk: Desk) -> list[Any]:
        return await desk.store.all("inbox.dead", source=source, after=0, most=most)

    table = Table("Id", "Source", "Object", "Since", "Why")
    for number, name, kind, _, error, received_at, _ in asyncio.run(with_desk(act)):
        table.add_row(str(number), name, kind, f"{instant(received_at):%Y-%m-%d %H:%M}", error or "")
    out.print(table)


@commands.command(
    epilog="Example: `bridge replay helpdesk --mapped` after its mapping was changed; "
    "`bridge replay helpdesk --file delivery.json` to see what a running gateway makes of a recorded delivery"
)
def replay(
    source: Annotated[str, typer.Argument(help="Name of the source")],
    mapped: Annotated[bool, typer.Option(help="Also what was mapped before: for a changed mapping")] = False,
    file: Annotated[
        Path | None,
        typer.Option(help='Post this delivery to a running gateway: {"body": …} or {"raw_body": …, "headers": …}'),
    ] = None,
    url: Annotated[str | None, typer.Option(help="Where the gateway is, with --file; left out: the one here")] = None,
) -> None:
    """Send a source's dead letters, or all its deliveries, through the mapping again; this causes no live facts.

    With --file a recorded delivery is signed with the source's own secret and posted as the vendor would, now.
    """
    if file is not None:
        status, said = deliver(source, file, url)
        out.print(f"{status} {said}".strip(), highlight=False, markup=False)
        raise typer.Exit(0 if status < 300 else 1)

    async def act(desk: Desk) -> int:
        desk.registry.adapter(source)
        origin = Origin.remap if mapped else Origin.replay
        states = ["dead", "mapped", "ignored"] if mapped else ["dead"]
        rows = await desk.store.change("inbox.replay_all", source=source, states=states, origin=origin.value)
        with progress() as bars:
            await finish(Worker(desk=desk), bars)
        return len(rows)

    out.print(f"replayed {asyncio.run(with_desk(act)):,}")


@commands.command(epilog="Example: `bridge lookup '0171 1234567'`")
def lookup(
    text: Annotated[str, typer.Argument(help="A phone number, an e-mail address, or an id as system:id")],
) -> None:
    """Show who a key means and what would be said, as the store has it now (no live question to the sources)."""

    async def act(desk: Desk) -> Any:
        kind = "email" if "@" in text else "id" if ":" in text and not text.startswith(("tel:", "sip:")) else "phone"
        value = normalise_key(kind, text, desk.settings.region)
        if value is None:
            raise BadRequest(f"this is no {kind} that could identify anybody")
        return await find_answer(desk.store, kind, value)

    row = asyncio.run(with_desk(act))
    if row is None:
        out.print("nobody")
        raise typer.Exit(1)
    if row[11] is None:
        out.print(f"{row[0]}: {row[3]} candidate(s), best tier {row[4]}, priority {row[5]}")
        return
    out.print_json((row[11] + row[12] + b"}").decode())
