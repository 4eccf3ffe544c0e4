"""Commands that start something: gateway, worker, both, the example."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
import uvicorn
from rich.table import Table

from bridge import __version__
from bridge.adapter.registry import load_registry
from bridge.app import create_app
from bridge.cli.desks import finish, out, progress, reporter, with_desk
from bridge.errors import ConfigError
from bridge.flow import Desk, load_rules
from bridge.sample import CUSTOMERS, Example, choose_sources, guard_demo, load_example
from bridge.settings import Settings, read_settings
from bridge.store import open_store
from bridge.telemetry import log, set_up_logging
from bridge.worker import Worker, utc_now

commands = typer.Typer()

_SHOWN = 3
"""How many callers are printed; the desktop shows them all."""


@commands.command(epilog="Example: `BRIDGE_PORT=9000 bridge run`")
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
    process = subprocess.Popen(arguments, env=environment)  # noqa: S603 our own Procfile, no shell
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: process.send_signal(received))
    raise typer.Exit(process.wait())


def _procfile() -> Path:
    here = Path("Procfile")
    if not here.exists():
        raise ConfigError("Procfile", "is not in this folder; start `bridge web` and `bridge worker` yourself")
    return here


@commands.command(epilog="Example: `BRIDGE_HOST=0.0.0.0 bridge web`")
def web() -> None:
    """Start a gateway: look-ups, cards, webhooks, administration."""
    settings = read_settings()
    set_up_logging(settings.log_level)
    sources = choose_sources(settings)
    # Here, where a mistake is told in one line; inside the server it would be a traceback.
    load_registry(settings.adapters_dir, settings.mappings_dir, sources, os.environ)
    load_rules(settings)
    asyncio.run(_check_store(settings))
    app = create_app(settings, sources)
    config = uvicorn.Config(
        app,
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
    Server(config, app.let_go).run()


class Server(uvicorn.Server):
    """Calls `let_go` as soon as it is asked to end: open streams would keep it waiting otherwise."""

    def __init__(self, config: uvicorn.Config, let_go: Callable[[], None]) -> None:
        super().__init__(config)
        self._let_go = let_go

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._let_go()
        super().handle_exit(sig, frame)


async def _check_store(settings: Settings) -> None:
    store = await open_store(settings.database_url)
    try:
        await guard_demo(store, settings)
    finally:
        await store.close()


@commands.command(epilog="Example: `bridge worker`")
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

    asyncio.run(with_desk(act))


@commands.command(epilog="Example: `BRIDGE_DEMO=true bridge example`")
def example(
    customers: Annotated[
        int, typer.Option(min=1, help="How many people, beside a dozen whose story is told")
    ] = CUSTOMERS,
) -> None:
    """Load the example into an empty database, and print what can be tried with it."""
    settings = read_settings()
    if not settings.demo:
        raise ConfigError("BRIDGE_DEMO", "set it to true: the example is loaded in demo mode alone")
    set_up_logging("warning")

    async def act(desk: Desk) -> Example:
        with progress() as bars:
            at_work = Worker(desk=desk, report=reporter(bars))
            bar = bars.add_task("made-up customers", total=customers)

            async def settle() -> None:
                for name in desk.registry.sources:
                    await at_work.poll_source(name)
                await finish(at_work, bars)

            def report(ready: int) -> None:
                bars.update(bar, completed=ready)

            return await load_example(desk, settle, now=utc_now(), customers=customers, report=report)

    _print_example(settings, asyncio.run(with_desk(act)))


def _print_example(settings: Settings, loaded: Example) -> None:
    base = f"http://{settings.host}:{settings.port}"
    out.print(f"\n[bold]Retention Bridge {__version__}[/] with a made-up contact center\n")
    for path, what in (
        ("/v1/lookup", "what the phone system asks"),
        ("/desktop", "an agent's desktop to try it at"),
        ("/console", "automations, loops, surveys, metrics, and what keeps it running"),
        ("/reports/uplift", "what scripts and offers brought"),
        ("/v1/assist", "the agent's card as JSON"),
        ("/docs", "all routes"),
    ):
        out.print(f"  {base}{path:<16} {what}")
    out.print(f"\nKey  [bold]{loaded.key}[/]\n", soft_wrap=True)
    table = Table("Number", "Who", box=None, padding=(0, 2))
    for caller in loaded.callers[:_SHOWN]:
        table.add_row(caller.phone, caller.about["en"])
    out.print(table)
    phone = loaded.callers[0].phone.replace("+", "%2B")
    out.print(
        f"\ncurl '{base}/v1/lookup?phone={phone}' -H 'Authorization: Bearer {loaded.key}'\n",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
