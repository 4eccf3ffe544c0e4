"""The command line: `bridge --help`."""

from __future__ import annotations

import gc
import sys

import typer
from rich.console import Console
from rich.markup import escape

from bridge import __version__
from bridge.cli import (
    automations,
    checks,
    effects,
    fits,
    host_files,
    hosts,
    keys,
    loops,
    metrics,
    moods,
    playbooks,
    processes,
    records,
    reports,
    samples,
    suppressing,
    surveys,
    values,
    vendors,
)
from bridge.errors import BridgeError

cli = typer.Typer(
    name="bridge",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Retention Bridge: who is calling, how likely they leave, what they are worth, what to say.",
)
cli.add_typer(processes.commands)
cli.add_typer(records.commands)
cli.add_typer(checks.commands)
cli.add_typer(hosts.commands)
cli.add_typer(samples.commands)
cli.add_typer(vendors.commands)
cli.add_typer(host_files.commands)
cli.add_typer(keys.commands, name="key")
cli.add_typer(playbooks.commands, name="playbook")
automations.commands.add_typer(suppressing.commands)
automations.commands.add_typer(effects.commands)
cli.add_typer(automations.commands, name="automation")
reports.commands.add_typer(metrics.commands)
cli.add_typer(reports.commands, name="report")
cli.add_typer(loops.commands, name="loop")
cli.add_typer(surveys.commands, name="survey")
fits.commands.add_typer(values.commands)
fits.commands.add_typer(moods.commands)
cli.add_typer(fits.commands, name="fit")


@cli.command(epilog="Example: `bridge version`")
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Entry point; errors that were meant for people are printed as they are, and the exit code is 2."""
    gc.freeze()  # what is imported stays for good: full collections need not walk through it again (30 ms each)
    try:
        cli(prog_name="bridge")
    except BridgeError as problem:
        Console(stderr=True, soft_wrap=True).print(f"[bold red]bridge:[/] {escape(str(problem))}", highlight=False)
        sys.exit(2)
