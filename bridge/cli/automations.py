"""Commands for automations: what each would have done, which are on, what they did."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import nullcontext
from datetime import date, datetime, time, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from bridge.acting.backtesting import preview
from bridge.acting.rehearsals import Asked, Rehearsal
from bridge.adapter.yamlfile import read_yaml
from bridge.adapter.yamlplaces import with_lines
from bridge.automation import register
from bridge.automation.forms import Mode
from bridge.automation.messages import load_messages
from bridge.automation.preview import Preview
from bridge.automation.register import Armed, find_armed, read_armed
from bridge.automation.rules import Automation, read_automation
from bridge.automation.surveys import ORIGIN as SURVEY
from bridge.cli.automation_tables import in_words, show_preview
from bridge.cli.crews import MOST, cores, crew
from bridge.cli.desks import out, progress, take_desk, with_desk
from bridge.errors import BadRequest
from bridge.flow import Desk
from bridge.store import instant, micros
from bridge.worker import utc_now

commands = typer.Typer(no_args_is_help=True, help="Automations: try them on the past, switch them, see what they did.")

BY: Final = "command line"
_MANY: Final = 20_000
"""Customers for whom it pays to start further processes, which takes a second."""
_COUNTED: Final = timedelta(days=30)
_COLOURS: Final = {"on": "green", "dry": "yellow", "off": "dim"}
_Id = Annotated[str, typer.Argument(help="Id of the automation, as `bridge automation list` names it")]
_Lang = Annotated[str, typer.Option(help="Language of titles: de or en")]


@commands.command(
    name="preview",
    epilog="Examples: `bridge automation preview bad_nps` for the last 90 days; "
    "`bridge automation preview draft.yaml --since 2025-01-01 --until 2026-01-01` for a file that is not in force; "
    "`bridge automation preview risk_rose --seconds 60` for as many customers as a minute allows; "
    "`bridge automation preview bad_nps --since 2024-12-01 --processes 2` for two years, on two cores; "
    "`bridge automation preview bad_nps --json > preview.json`",
)
def preview_command(
    automation: Annotated[str, typer.Argument(help="Id of an automation, or a file with one")],
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day; left out: 90 days ago")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Up to this day; left out: now")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Look at as many customers as this allows")] = None,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Set it against automations that need past scores too: takes long")
    ] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="Side by side; left out: one for few customers, else one a core")
    ] = None,
    lang: _Lang = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, with examples")] = False,
) -> None:
    """Say whom an automation would have reached in the past and when, what would have kept it from whom, and what it
    would have cost.

    Nothing is written.
    """
    now = utc_now()
    ends = now if until is None else _utc(until.date())
    begins = ends - timedelta(days=90) if since is None else _utc(since.date())
    if not begins < ends <= now:
        raise BadRequest("--since comes before --until, and that is not ahead")

    asked = Asked(since=begins, until=ends, thorough=thorough)

    async def act(desk: Desk) -> Preview:
        rule = await _rule(desk, automation)
        many = int((await desk.store.all("customers.in_all"))[0][0]) >= _MANY
        size = processes or (cores() if many else 1)
        hands = crew(partial(_begin, automation, asked), size) if size > 1 else nullcontext()
        with progress() as bars, hands as at_work:
            bar = bars.add_task("customers", total=None)
            return await preview(
                desk,
                rule,
                since=begins,
                until=ends,
                seconds=seconds,
                thorough=thorough,
                report=lambda done, of: bars.update(bar, completed=done, total=of),
                crew=at_work,
            )

    found: Preview = asyncio.run(with_desk(act))
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        show_preview(found, lang)


@commands.command(name="list", epilog="Example: `bridge automation list --lang de`")
def list_command(
    lang: _Lang = "en", as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False
) -> None:
    """Every automation: whether it is on, since when, and how its runs of the last 30 days ended."""

    async def act(desk: Desk) -> tuple[tuple[Armed, ...], dict[str, Counter[str]], bool]:
        counts: dict[str, Counter[str]] = {}
        for id, _, state, _, count in await desk.store.all("automations.counts", since=micros(utc_now() - _COUNTED)):
            counts.setdefault(id, Counter())[state] += int(count)
        armed = tuple(one for one in await read_armed(desk.store) if one.origin != SURVEY)
        return armed, counts, await register.paused(desk.store)

    armed, counts, held = asyncio.run(with_desk(act))
    if as_json:
        listed = [
            {
                "id": one.id,
                "title": one.rule.file.title,
                "mode": one.mode,
                "version": one.rule.version,
                "live_since": one.live_since,
                "runs": counts.get(one.id, {}),
            }
            for one in armed
        ]
        typer.echo(msgspec.json.encode({"paused": held, "automations": listed}).decode())
        return
    if held:
        out.print("[bold yellow]Everything is held[/] (`bridge automation resume` lets it go on).", highlight=False)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("id", "", "since", "title", "runs of 30 days"):
        table.add_column(head, no_wrap=head in ("id", "", "since"), overflow="fold")
    for one in armed:
        runs = ", ".join(f"{count:,} {state}" for state, count in counts.get(one.id, Counter()).most_common())
        since = f"{one.live_since:%Y-%m-%d %H:%M}" if one.live_since else ""
        colour = _COLOURS[one.mode]
        table.add_row(one.id, f"[{colour}]{one.mode}[/]", since, escape(one.rule.file.title.get(lang, "")), runs)
    out.print(table if armed else "There is none yet: the worker brings in those of config/automations when it starts.")


@commands.command(name="on", epilog="Example: `bridge automation on bad_nps`, after a preview")
def on_command(automation: _Id) -> None:
    """Switch an automation on. It acts on what happens from now on."""
    _switch(automation, "on")


@commands.command(name="off", epilog="Example: `bridge automation off bad_nps`")
def off_command(automation: _Id) -> None:
    """Switch an automation off. What is under way stops."""
    _switch(automation, "off")


@commands.command(name="dry", epilog="Example: `bridge automation dry bad_nps`, then `bridge automation runs bad_nps`")
def dry_command(automation: _Id) -> None:
    """Let an automation do everything but send."""
    _switch(automation, "dry")


def _switch(id: str, mode: Mode) -> None:
    async def act(desk: Desk) -> Armed:
        return await register.switch(desk.store, id, mode, by=BY, now=utc_now())

    armed: Armed = asyncio.run(with_desk(act))
    out.print(f"{armed.id} is [{_COLOURS[mode]}]{mode}[/].", highlight=False)


@commands.command(name="pause", epilog="Example: `bridge automation pause`, when something looks wrong")
def pause_command() -> None:
    """Hold everything: nothing begins and nothing is sent until `bridge automation resume`."""
    asyncio.run(with_desk(lambda desk: register.pause(desk.store, True, by=BY, now=utc_now())))
    out.print("Everything is held.")


@commands.command(name="resume", epilog="Example: `bridge automation resume`")
def resume_command() -> None:
    """Let everything go on that was held. What became too old meanwhile is not made up for."""
    asyncio.run(with_desk(lambda desk: register.pause(desk.store, False, by=BY, now=utc_now())))
    out.print("It goes on.")


@commands.command(name="runs", epilog="Example: `bridge automation runs bad_nps --days 7`")
def runs_command(
    automation: _Id,
    days: Annotated[int, typer.Option(min=1, max=730, help="Of so many days")] = 30,
    most: Annotated[int, typer.Option(min=1, max=1000, help="So many at most, newest first")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """The runs of an automation, newest first: for whom, how they ended, and why."""

    async def act(desk: Desk) -> list[dict[str, object]]:
        await find_armed(desk.store, automation)
        since = micros(utc_now() - timedelta(days=days))
        rows = await desk.store.all("automations.runs_of", automation=automation, since=since, most=most)
        names = (
            "run customer cause kind occurred_at created_at state step due_at reason finished_at mode version".split()
        )
        times = ("occurred_at", "created_at", "due_at", "finished_at")
        return [
            {name: instant(value) if name in times and value else value for name, value in zip(names, row, strict=True)}
            for row in rows
        ]

    runs: list[dict[str, object]] = asyncio.run(with_desk(act))
    if as_json:
        typer.echo(msgspec.json.encode(runs).decode())
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("begun", "customer", "about", "state", "why"):
        table.add_column(head, no_wrap=head in ("begun", "customer"), overflow="fold")
    for one in runs:
        reason = str(one["reason"])
        table.add_row(
            f"{one['created_at']:%Y-%m-%d %H:%M}",
            str(one["customer"]),
            str(one["cause"]) or str(one["kind"]),
            str(one["state"]) + (" (dry)" if one["mode"] == "dry" else ""),
            in_words(reason) if reason else "",
        )
    out.print(table if runs else f"No run within {days} days.")


@commands.command(
    name="rollback",
    epilog="Examples: `bridge automation rollback bad_nps` lists the versions; "
    "`bridge automation rollback bad_nps 4f0c2a9be14d7a31` puts one in use again",
)
def rollback_command(
    automation: _Id, version: Annotated[str | None, typer.Argument(help="Left out: list the versions")] = None
) -> None:
    """Put a former version in use again; its mode stays."""

    async def act(desk: Desk) -> tuple[Armed, list[register.Version]]:
        if version is not None:
            await register.roll_back(desk.store, automation, version, by=BY, now=utc_now())
        return await find_armed(desk.store, automation), await register.versions(desk.store, automation)

    armed, kept = asyncio.run(with_desk(act))
    if version is not None:
        out.print(f"{armed.id} goes by version {armed.rule.version} again.", highlight=False)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("version", "since", "by", ""):
        table.add_column(head, no_wrap=True)
    for one in kept:
        table.add_row(
            one.version, f"{one.at:%Y-%m-%d %H:%M}", one.by, "in use" if one.version == armed.rule.version else ""
        )
    out.print(table)


async def _begin(given: str, asked: Asked) -> Rehearsal:
    desk = await take_desk()
    return Rehearsal(desk, await _rule(desk, given), asked)


async def _rule(desk: Desk, given: str) -> Automation:
    path = Path(given)
    if path.suffix in (".yaml", ".yml"):
        catalogue = desk.rules.deciding.playbooks.catalogue
        messages = load_messages(desk.settings.config_dir / "messages")
        with with_lines(path):
            return read_automation(read_yaml(path), str(path), catalogue, messages)
    known = {one.id: one for one in desk.rules.automations} | {one.id: one.rule for one in desk.armed}
    if given not in known:
        raise BadRequest(
            f"there is no automation {given!r}, and no such file; there are {', '.join(sorted(known)) or 'none'}"
        )
    return known[given]


def _utc(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.utc)
