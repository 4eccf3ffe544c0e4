"""Does a running gateway fit the phone system or desktop that will call it?"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from bridge.errors import BadRequest, NotFound
from bridge.hosts.checking import Finding, check_host, rules_of
from bridge.hosts.checks import CHECKS
from bridge.hosts.host import Host
from bridge.hosts.registry import HOSTS

commands = typer.Typer()

_SIGNS: Final = {"pass": "[green]pass[/]", "fail": "[bold red]fail[/]", "skipped": "[dim]skipped[/]"}


@commands.command(
    name="host-check",
    epilog="Example: `BRIDGE_CHECK_KEY=rb_… bridge host-check genesys --url https://bridge.example.com`",
)
def host_check(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(HOSTS)}")],
    url: Annotated[str, typer.Option(help="The address that the host will call")],
    key: Annotated[
        str, typer.Option(envvar="BRIDGE_CHECK_KEY", help="An access key with the scope ivr, as the host will have it")
    ] = "",
    known_phone: Annotated[
        str, typer.Option(help="A number that the gateway surely knows: more can be seen then")
    ] = "",
    unknown_phone: Annotated[str, typer.Option(help="A number that nobody has, so that the sources are asked")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON")] = False,
) -> None:
    """Replay a host's published rules against a running gateway: time, size, shapes, retries, refusals, framing.

    Run it where the host is, or as near as you can: time is measured here. Ends with 1 when a rule does not hold.
    """
    host = HOSTS.get(name)
    if host is None:
        raise NotFound(f"there is no host {name}; there are: {', '.join(HOSTS)}")
    if not url.startswith(("https://", "http://")):
        raise BadRequest("--url: begins with https:// (or http:// on your own machine)")
    findings = asyncio.run(_check(host, url, key, known_phone, unknown_phone))
    if json:
        typer.echo(msgspec.json.format(msgspec.json.encode(_report(host, url, findings)), indent=2).decode())
    else:
        _show(host, url, findings)
    raise typer.Exit(1 if any(one.verdict == "fail" for one in findings) else 0)


async def _check(host: Host, url: str, key: str, known: str, unknown: str) -> list[Finding]:
    checking = check_host(host, CHECKS, url=url, key=key, known=known, unknown=unknown)
    rules = rules_of(host)
    return [await anext(checking) for _ in track(rules, host.title, console=Console(stderr=True), transient=True)]


def _show(host: Host, url: str, findings: list[Finding]) -> None:
    out = Console()
    table = Table("", "Rule", "Seen", "Source", title=f"{host.title} at {escape(url)}", title_justify="left")
    for one in findings:
        doubt = "" if one.rule.sure else " [dim](not confirmed)[/]"
        table.add_row(
            _SIGNS[one.verdict], escape(one.rule.text) + doubt, escape(one.found), f"[dim]{escape(one.rule.source)}[/]"
        )
    (out if out.is_terminal else Console(width=200)).print(table)
    counts = Counter(one.verdict for one in findings)
    out.print(f"{counts['pass']} passed, {counts['fail']} failed, {counts['skipped']} skipped", highlight=False)


def _report(host: Host, url: str, findings: list[Finding]) -> dict[str, Any]:
    counts = Counter(one.verdict for one in findings)
    return {
        "host": host.name,
        "url": url,
        "passed": counts["pass"],
        "failed": counts["fail"],
        "skipped": counts["skipped"],
        "findings": [
            {
                "code": one.rule.code,
                "verdict": one.verdict,
                "rule": one.rule.text,
                "found": one.found,
                "limit": one.rule.limit,
                "source": one.rule.source,
                "sure": one.rule.sure,
            }
            for one in findings
        ],
    }
