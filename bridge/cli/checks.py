"""Is everything as it should be? The files on disk, and one source against its system."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from bridge.adapter import normalise_key
from bridge.adapter.client import open_client
from bridge.adapter.registry import load_registry
from bridge.cli.desks import out
from bridge.errors import BadRequest, NotFound
from bridge.flow import load_rules
from bridge.hosts import load_hosts
from bridge.intake.probing import Finding, probe
from bridge.model import Key, KeyKind
from bridge.sample import choose_sources
from bridge.settings import Settings, read_settings
from bridge.worker import utc_now

commands = typer.Typer()

_SIGNS = {"good": "[green]good[/]", "warning": "[yellow]warning[/]", "bad": "[red]bad[/]", "skipped": "[dim]skipped[/]"}


@commands.command(
    epilog="Example: `bridge check` before a restart with changed files; `bridge check helpdesk` once a source is set "
    "up; `bridge check crm --key '0171 1234567'` for a customer who is surely there"
)
def check(
    source: Annotated[str | None, typer.Argument(help="Test this source against its system; it writes nothing")] = None,
    key: Annotated[
        str | None, typer.Option(help="A phone, an e-mail address or system:id that the source surely has")
    ] = None,
) -> None:
    """Read all settings and files of config/, mappings/ and adapters/, and say what is wrong, with file and path.

    With a source: signs in at its system, reads first pages, maps them, looks somebody up, asks for somebody who cannot
    exist, compares the clocks, and says how each went. Ends with 1 when something is bad.
    """
    settings = read_settings()
    if source is not None:
        raise typer.Exit(asyncio.run(_check_source(settings, source, key)))
    registry = load_registry(settings.adapters_dir, settings.mappings_dir, choose_sources(settings), os.environ)
    rules = load_rules(settings)
    embeds = load_hosts(settings.config_dir / "hosts.yaml")
    out.print(f"adapters  {', '.join(sorted(registry.vendors)) or 'none'}")
    out.print(f"sources   {', '.join(sorted(registry.sources)) or 'none'}")
    out.print(f"scripts   {', '.join(one.id for one in rules.deciding.playbooks.playbooks)}")
    out.print(f"embeds    {', '.join(embeds) or 'none'}")
    out.print(f"rules     {rules.deciding.version}")


async def _check_source(settings: Settings, name: str, text: str | None) -> int:
    registry = load_registry(settings.adapters_dir, settings.mappings_dir, choose_sources(settings), os.environ)
    if name not in registry.sources:
        known = ", ".join(sorted(registry.sources)) or "none"
        raise NotFound(f"there is no source {name}; config/sources.yaml has: {known}")
    adapter = registry.adapter(name)
    if adapter.source.demo and adapter.manifest.base_url:
        raise BadRequest(f"{name} belongs to the example: there is no system behind it that could be asked")
    client = open_client(adapter)
    table = Table("Test", "", "Found", title=f"{name} ({adapter.manifest.title})", title_justify="left")
    worst: set[str] = set()
    try:
        with out.status("asking …"):
            async for finding in probe(adapter, client, utc_now(), _key(text, settings)):
                worst.add(finding.verdict)
                table.add_row(*_row(finding))
    finally:
        await client.close()
    if "webhook" in adapter.manifest.capabilities:
        table.add_row("webhook address", "", escape(f"{settings.public_url.rstrip('/')}/webhooks/{name}"))
    if not worst:
        table.add_row("reading", _SIGNS["skipped"], "this adapter reads nothing")
    out.print(table)
    return 1 if "bad" in worst else 0


def _row(finding: Finding) -> tuple[str, str, str]:
    return escape(finding.what), _SIGNS[finding.verdict], escape(finding.text)


def _key(text: str | None, settings: Settings) -> Key | None:
    if text is None:
        return None
    kind = "email" if "@" in text else "id" if ":" in text else "phone"
    value = normalise_key(kind, text, settings.region)
    if value is None:
        raise BadRequest(f"--key: this is no {kind} that could identify anybody")
    return Key(KeyKind(kind), value)
