"""The command line: `bridge --help`."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from bridge import __version__
from bridge.access import mint_key
from bridge.adapter import normalise_key
from bridge.adapter.registry import load_registry
from bridge.app import create_app
from bridge.errors import BridgeError, ConfigError
from bridge.facts import Origin
from bridge.flow import Desk, load_rules, open_desk
from bridge.intake import sync as syncing
from bridge.sample import Example, choose_sources, guard_demo, load_example
from bridge.settings import Settings, read_settings
from bridge.store import Store, Unit, instant, micros, open_store
from bridge.store.keys import key_row, stored_key
from bridge.telemetry import log, set_up_logging
from bridge.worker import Worker, utc_now

cli = typer.Typer(
    name="bridge",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Retention Bridge: who is calling, how likely they leave, what they are worth, what to say.",
)
keys = typer.Typer(no_args_is_help=True, help="API keys: make, list, revoke.")
cli.add_typer(keys, name="key")
out = Console()


def main() -> None:
    """Entry point; errors that were meant for people are printed in one line, and the exit code is 2."""
    try:
        cli()
    except BridgeError as problem:
        Console(stderr=True).print(f"[bold red]bridge:[/] {problem}", highlight=False)
        sys.exit(2)


async def _with_desk(act: Callable[[Desk], Awaitable[Any]]) -> Any:
    settings = read_settings()
    sources = choose_sources(settings)
    registry = load_registry(settings.adapters_dir, settings.mappings_dir, sources, os.environ)
    store = await open_store(settings.database_url)
    try:
        await guard_demo(store, settings)
        return await act(await open_desk(settings, store, registry, utc_now()))
    finally:
        await store.close()


@cli.command(epilog="Example: `BRIDGE_PORT=9000 bridge run`")
def run() -> None:
    """Start gateway and worker together, as the Procfile says, until Ctrl-C.

    In demo mode (`BRIDGE_DEMO=true`) the example is loaded first, if the database is empty.
    """
    settings = read_settings()
    if settings.demo:
        example()
    honcho = shutil.which("honcho", path=str(Path(sys.executable).parent)) or "honcho"
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    arguments = [honcho, "-f", str(_procfile()), "start", "--no-prefix"]
    process = subprocess.Popen(arguments, env=environment)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: process.send_signal(received))
    raise typer.Exit(process.wait())


def _procfile() -> Path:
    here = Path("Procfile")
    if not here.exists():
        raise ConfigError("Procfile", "is not in this folder; start `bridge web` and `bridge worker` yourself")
    return here


@cli.command(epilog="Example: `BRIDGE_HOST=0.0.0.0 bridge web`")
def web() -> None:
    """Start a gateway: look-ups, cards, webhooks, administration."""
    settings = read_settings()
    set_up_logging(settings.log_level)
    sources = choose_sources(settings)
    asyncio.run(_check_store(settings))
    uvicorn.run(
        create_app(settings, sources),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


async def _check_store(settings: Settings) -> None:
    store = await open_store(settings.database_url)
    try:
        await guard_demo(store, settings)
    finally:
        await store.close()


@cli.command(epilog="Example: `bridge worker`")
def worker() -> None:
    """Start a worker: drains the inbox, polls the sources, keeps decisions fresh."""
    set_up_logging(read_settings().log_level)

    async def act(desk: Desk) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        log("worker").info("open", sources=sorted(desk.registry.sources), engine=desk.store.engine)
        await Worker(desk=desk).run(stop)
        log("worker").info("closed")

    asyncio.run(_with_desk(act))


@cli.command(epilog="Example: `BRIDGE_DEMO=true bridge example`")
def example() -> None:
    """Load the example into an empty database, and print what can be tried with it."""
    settings = read_settings()
    if not settings.demo:
        raise ConfigError("BRIDGE_DEMO", "set it to true: the example is loaded in demo mode alone")

    async def act(desk: Desk) -> Example:
        with _progress() as bars:
            at_work = Worker(desk=desk, report=_reporter(bars))
            return await load_example(desk, at_work.settle_all, now=utc_now())

    _print_example(settings, asyncio.run(_with_desk(act)))


def _print_example(settings: Settings, loaded: Example) -> None:
    base = f"http://{settings.host}:{settings.port}"
    out.print(f"\n[bold]Retention Bridge {__version__}[/] with a made-up contact center\n")
    for path, what in (
        ("/v1/lookup", "what the phone system asks"),
        ("/v1/assist", "the agent's card as JSON"),
        ("/docs", "all routes"),
    ):
        out.print(f"  {base}{path:<12} {what}")
    out.print(f"\nKey  [bold]{loaded.key}[/]\n", soft_wrap=True)
    table = Table("Number", "Who", box=None, padding=(0, 2))
    for phone, about in loaded.center.callers:
        table.add_row(phone, about)
    out.print(table)
    phone = loaded.center.callers[0][0].replace("+", "%2B")
    out.print(
        f"\ncurl '{base}/v1/lookup?phone={phone}' -H 'Authorization: Bearer {loaded.key}'\n",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


@cli.command(epilog="Example: `bridge sync crm`")
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
        with _progress() as bars:
            at_work = Worker(desk=desk, report=_reporter(bars))
            for name in names:
                await at_work.poll_source(name)
            await _finish(at_work, bars)
        rows = await desk.store.all("inbox.states")
        failed = [row for row in await desk.store.all("sources.streams", source=source) if row[8]]
        for row in failed:
            out.print(f"[red]{row[0]} {row[1]}[/]: {row[8]}", highlight=False)
        return {state: sum(row[2] for row in rows if row[1] == state) for state in ("mapped", "ignored", "dead")}

    counts = asyncio.run(_with_desk(act))
    out.print("  ".join(f"{name} {count:,}" for name, count in counts.items()))
    if counts["dead"]:
        out.print("Rows that could not be read: `bridge dead-letters`", style="yellow")


async def _finish(at_work: Worker, bars: Progress) -> None:
    waiting = (await at_work.desk.store.all("inbox.waiting_count"))[0][0]
    bar = bars.add_task("records", total=waiting or None)
    while done := await at_work.drain_once():
        bars.advance(bar, done)
    due = (await at_work.desk.store.all("customers.due_count", now=micros(utc_now())))[0][0]
    bar = bars.add_task("decisions", total=due or None)
    while done := await at_work.refresh_once():
        bars.advance(bar, done)


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=out,
        transient=True,
    )


def _reporter(bars: Progress) -> syncing.Report:
    tasks: dict[tuple[str, str], TaskID] = {}

    async def report(step: syncing.Progress) -> None:
        name = (step.source, step.stream)
        if name not in tasks:
            tasks[name] = bars.add_task(f"{step.source} {step.stream}", total=step.total)
        bars.update(tasks[name], completed=step.items, total=step.total)

    return report


@cli.command(name="dead-letters", epilog="Example: `bridge dead-letters --source crm`")
def dead_letters(
    source: Annotated[str | None, typer.Option(help="Only of this source")] = None,
    most: Annotated[int, typer.Option(help="How many at the most")] = 50,
) -> None:
    """List the deliveries that could not be mapped, with the reason."""

    async def act(desk: Desk) -> list[Any]:
        return await desk.store.all("inbox.dead", source=source, after=0, most=most)

    table = Table("Id", "Source", "Object", "Since", "Why")
    for number, name, kind, _, error, received_at, _ in asyncio.run(_with_desk(act)):
        table.add_row(str(number), name, kind, f"{instant(received_at):%Y-%m-%d %H:%M}", error or "")
    out.print(table)


@cli.command(epilog="Example: `bridge replay helpdesk --mapped` after its mapping was changed")
def replay(
    source: Annotated[str, typer.Argument(help="Name of the source")],
    mapped: Annotated[bool, typer.Option(help="Also what was mapped before: for a changed mapping")] = False,
) -> None:
    """Send a source's dead letters, or all its deliveries, through the mapping again. Causes no live facts."""

    async def act(desk: Desk) -> int:
        desk.registry.adapter(source)
        origin = Origin.remap if mapped else Origin.replay
        states = ["dead", "mapped", "ignored"] if mapped else ["dead"]
        rows = await desk.store.change("inbox.replay_all", source=source, states=states, origin=origin.value)
        with _progress() as bars:
            await _finish(Worker(desk=desk), bars)
        return len(rows)

    out.print(f"replayed {asyncio.run(_with_desk(act)):,}")


@cli.command(epilog="Example: `bridge lookup '0171 1234567'`")
def lookup(
    text: Annotated[str, typer.Argument(help="A phone number, an e-mail address, or an id as system:id")],
) -> None:
    """Show who a key means and what would be said, as the store has it now (no live question to the sources)."""

    async def act(desk: Desk) -> Any:
        kind = "email" if "@" in text else "id" if ":" in text and not text.startswith(("tel:", "sip:")) else "phone"
        value = normalise_key(kind, text, desk.settings.region)
        if value is None:
            raise BridgeError(f"this is no {kind} that could identify anybody")
        found = desk.store.answer(kind, value, None)
        return await found if isinstance(found, Awaitable) else found

    row = asyncio.run(_with_desk(act))
    if row is None:
        out.print("nobody")
        raise typer.Exit(1)
    if row[11] is None:
        out.print(f"{row[0]}: {row[3]} candidate(s), best tier {row[4]}, priority {row[5]}")
        return
    out.print_json((row[11] + row[12] + b"}").decode())


@cli.command(epilog="Example: `bridge check` before a restart with changed files")
def check() -> None:
    """Read all settings and files of config/, mappings/ and adapters/, and say what is wrong, with file and path."""
    settings = read_settings()
    registry = load_registry(settings.adapters_dir, settings.mappings_dir, choose_sources(settings), os.environ)
    rules = load_rules(settings)
    out.print(f"adapters  {', '.join(sorted(registry.vendors)) or 'none'}")
    out.print(f"sources   {', '.join(sorted(registry.sources)) or 'none'}")
    out.print(f"scripts   {', '.join(one.id for one in rules.deciding.playbooks.playbooks)}")
    out.print(f"rules     {rules.deciding.version}")


@keys.command("new", epilog="Example: `bridge key new ivr-frankfurt --scope ivr`")
def new_key(
    name: Annotated[str, typer.Argument(help="What the key is for")],
    scope: Annotated[list[str], typer.Option(help="ivr, agent, supervisor, admin, privacy; may be repeated")],
    days: Annotated[int | None, typer.Option(help="Valid for so many days; left out: until it is revoked")] = None,
) -> None:
    """Make a key and print it: this once, it is stored as a hash only."""
    lifetime = timedelta(days=days) if days else None
    key, stored = mint_key(name, scope, utc_now(), lifetime=lifetime)

    async def act(store: Store) -> None:
        unit = Unit()
        unit.add("access.put", **key_row(stored))
        await store.write(unit)

    asyncio.run(_with_store(act))
    out.print(key, soft_wrap=True, highlight=False)


@keys.command("list", epilog="Example: `bridge key list`")
def list_keys() -> None:
    """List the keys, without their secrets."""

    async def act(store: Store) -> list[Any]:
        return await store.all("access.keys")

    table = Table("Id", "Name", "Scopes", "Made", "Until")
    for row in asyncio.run(_with_store(act)):
        key = stored_key(row)
        until: datetime | None = key.revoked_at or key.expires_at
        table.add_row(
            key.id,
            key.name,
            " ".join(sorted(key.scopes)),
            f"{key.created_at:%Y-%m-%d}",
            f"{until:%Y-%m-%d %H:%M}{' revoked' if key.revoked_at else ''}" if until else "",
        )
    out.print(table)


@keys.command("revoke", epilog="Example: `bridge key revoke 1a2b3c4d5e6f`")
def revoke_key(number: Annotated[str, typer.Argument(help="The key's id, as `bridge key list` shows it")]) -> None:
    """Revoke a key; it stops within five seconds."""

    async def act(store: Store) -> list[Any]:
        return await store.change("access.revoke", id=number, at=micros(utc_now()))

    if not asyncio.run(_with_store(act)):
        raise BridgeError("there is no such key, or it was revoked before")
    out.print("revoked")


async def _with_store(act: Callable[[Store], Awaitable[Any]]) -> Any:
    store = await open_store(read_settings().database_url)
    try:
        return await act(store)
    finally:
        await store.close()


@cli.command(epilog="Example: `bridge version`")
def version() -> None:
    """Print the version."""
    out.print(__version__)


if __name__ == "__main__":
    main()
