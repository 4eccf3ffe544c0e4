"""The command that writes what a phone system or desktop needs from us."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bridge.cli.desks import out
from bridge.errors import BadRequest
from bridge.hosts.files import write_files
from bridge.hosts.generators import EMBEDS, MAKERS, make_files, make_plan
from bridge.hosts.registry import HOSTS
from bridge.settings import read_settings

commands = typer.Typer()


@commands.command(epilog="Example: `bridge host genesys --out genesys --url https://bridge.example.com`")
def host(
    name: Annotated[str, typer.Argument(help="which host; `--list` names them all")] = "",
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for the files; it is made where it is missing")
    ] = None,
    url: Annotated[str, typer.Option(help="Where the host reaches the bridge; left out, BRIDGE_PUBLIC_URL")] = "",
    language: Annotated[
        str, typer.Option(help="What callers hear: de or en; left out, the first of BRIDGE_LANGUAGES")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that somebody else wrote or changed")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Only say which hosts there are")] = False,
) -> None:
    """Write what the other side needs: actions, flows, functions, apps, and what to click there.

    No file holds a secret. The same configuration gives the same files; run it again when routes or the address change.
    """
    if listed:
        _list()
        return
    if not name:
        raise BadRequest("name a host, such as genesys; bridge host --list tells which there are")
    settings = read_settings()
    plan = make_plan(name, settings, url=url, language=language)
    if folder is None:
        raise BadRequest(f"name a folder for the files: bridge host {name} --out {name}")
    written = write_files(folder, make_files(name, plan), force=force)
    out.print(f"Written for {HOSTS[name].title}, which reaches the bridge at {plan.url}:", highlight=False)
    for path in written:
        out.print(f"  {path}", highlight=False, soft_wrap=True)
    first = folder / f"README.{plan.language}.md"
    out.print(f"\nWhat to click there, and where the key belongs: {first}", highlight=False, soft_wrap=True)
    if name in EMBEDS and plan.url != settings.public_url:
        out.print(
            f"Its page works at BRIDGE_PUBLIC_URL alone, now {settings.public_url}: set {plan.url}", soft_wrap=True
        )
    if name in EMBEDS and plan.embed is None:
        file = settings.config_dir / "hosts.yaml"
        out.print(f"The page itself is still off: {file}, embeds.{name} (the README says how)", soft_wrap=True)


def _list() -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("name", "host", "for"):
        table.add_column(title)
    words = {"ivr": "where a call goes", "desktop": "the card beside it", "both": "where a call goes, and the card"}
    for name in MAKERS:
        table.add_row(name, HOSTS[name].title, words[HOSTS[name].kind])
    out.print(table)
