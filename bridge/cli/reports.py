"""Commands that say what was done and what it brought."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from bridge.cli.desks import out, progress, with_desk
from bridge.errors import BadRequest
from bridge.flow import Desk
from bridge.flow.exposing import EVER
from bridge.reports import Uplift, gather, make_uplift, write_csv
from bridge.reports.uplift import Script, Span
from bridge.scoring.wording import LANGUAGES, say
from bridge.worker import utc_now

commands = typer.Typer(no_args_is_help=True, help="Reports: what was said and offered, what it brought, what it cost.")


@commands.callback()
def group() -> None:
    """Reports: what was said and offered, what it brought, what it cost."""


_COLOURS = {"helps": "green", "harms": "red", "nothing": "yellow", "unclear": "dim", "too_few": "dim"}
_LABELS: dict[str, dict[str, str]] = {
    "de": {
        "script": "Skript",
        "shown": "gezeigt",
        "used": "benutzt",
        "saved": "notiert",
        "more": "bleiben mehr von 100",
        "cost": "Kosten",
        "each": "je Gehaltenem",
        "verdict": "Urteil",
        "helps": "hilft",
        "harms": "schadet",
        "nothing": "wirkt nicht",
        "unclear": "unklar",
        "too_few": "zu selten",
        "neutral": "Maßstab",
        "offer": "Angebot",
        "granted": "gewährt",
        "first_in": "zuerst in",
        "saves": "hält",
        "policy": "Von 100 Anrufern bleiben",
        "lived": "so wie es war",
        "present": "heutige Auswahl",
        "best_single": "je Lage das eine Beste",
        "none": "neutraler Text für alle",
        "effective": "Fälle zählen",
        "to": "bis",
        "acquisition": "Einen neuen Kunden zu gewinnen kostet {}.",
        "made_up": "Beispiel: Personen und Verläufe sind erfunden.",
    },
    "en": {
        "script": "Script",
        "shown": "shown",
        "used": "used",
        "saved": "recorded",
        "more": "more of 100 stay",
        "cost": "cost",
        "each": "for each kept",
        "verdict": "verdict",
        "helps": "helps",
        "harms": "does harm",
        "nothing": "does nothing",
        "unclear": "unclear",
        "too_few": "too rare",
        "neutral": "yardstick",
        "offer": "Offer",
        "granted": "granted",
        "first_in": "first in",
        "saves": "keeps",
        "policy": "Of 100 callers stay",
        "lived": "as it was",
        "present": "present choice",
        "best_single": "the one best in each situation",
        "none": "neutral script for everybody",
        "effective": "cases count",
        "to": "to",
        "acquisition": "Winning a new customer costs {}.",
        "made_up": "Example: people and their past are made up.",
    },
}


@commands.command(
    epilog="Examples: `bridge report uplift`; `bridge report uplift --situation contract_end --since 2026-06-01`; "
    "`bridge report uplift --csv scripts.csv --lang de` for a spreadsheet"
)
def uplift(
    situation: Annotated[str | None, typer.Option(help="Id of the playbook that applies; left out: all")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only what was shown from this day on (UTC)")
    ] = None,
    lang: Annotated[str, typer.Option("--lang", "--language", help="Language of the texts: de or en")] = "de",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write the scripts to this file as a table")] = None,
) -> None:
    """Say which scripts and offers keep customers, how sure that is, what they cost, and what the data cannot tell.

    Only what is settled counts: a script is judged by who is still there when its horizon is over.
    """
    if lang not in LANGUAGES:
        raise BadRequest(f"--lang: is {' or '.join(LANGUAGES)}")
    begins = EVER if since is None else since.replace(tzinfo=timezone.utc)

    async def act(desk: Desk) -> Uplift:
        with progress() as bars:
            bar = bars.add_task("exposures", total=None)
            evidence = await gather(
                desk,
                since=begins,
                situation=situation,
                report=lambda read, total: bars.update(bar, completed=read, total=total),
            )
            bars.add_task("estimates", total=None)
            return make_uplift(desk, evidence, now=utc_now(), since=begins, situation=situation)

    report: Uplift = asyncio.run(with_desk(act))
    if csv is not None:
        csv.write_text(write_csv(report, lang), "utf-8", newline="")
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        _show(report, lang)


def _show(report: Uplift, lang: str) -> None:
    labels = _LABELS[lang]
    if report.made_up:
        out.print(labels["made_up"], style="dim")
    for sentence in report.summary[lang]:
        out.print(f"• {escape(sentence)}", highlight=False)
    for place in report.places:
        table = Table(
            *(labels[name] for name in ("script", "shown", "used", "saved", "more", "cost", "each", "verdict")),
            box=None,
        )
        for script in report.scripts:
            if script.situation == place.situation:
                table.add_row(*_row(script, report.currency, lang))
        out.print(f"\n[bold]{escape(place.title[lang])}[/] [dim]{place.situation}[/]", highlight=False)
        out.print(table)
        for script in report.scripts:
            if script.situation == place.situation and script.said and not script.neutral:
                out.print(f"  {escape(script.said[lang])}", highlight=False, style="dim")
    _show_offers(report, lang)
    _show_policy(report, lang)


def _row(script: Script, currency: str, lang: str) -> tuple[str, ...]:
    labels = _LABELS[lang]
    more = script.more_stay
    verdict = script.verdict.value if script.verdict else "neutral" if script.neutral else ""
    return (
        f"{script.script}{' ◂' if script.in_force else ''}",
        say(script.shown, lang),
        say(script.used, lang),
        say(script.saved, lang),
        "" if more is None else _range(more.value * 100, more.low * 100, more.high * 100, lang),
        _money(script.cost, currency, lang),
        _span(script.cost_per_save, currency, lang),
        f"[{_COLOURS.get(verdict, 'dim')}]{labels.get(verdict, '')}[/]",
    )


def _show_offers(report: Uplift, lang: str) -> None:
    if not report.offers:
        return
    labels = _LABELS[lang]
    table = Table(*(labels[name] for name in ("offer", "granted", "cost", "first_in", "saves", "each")), box=None)
    for offer in report.offers:
        saves = offer.saves
        table.add_row(
            escape(offer.name[lang]),
            say(offer.granted, lang),
            _money(offer.cost, report.currency, lang),
            ", ".join(dict.fromkeys(one.partition("/")[2] for one in offer.scripts)),
            "" if saves is None or saves.high is None else _range(saves.value, saves.low, saves.high, lang),
            _span(offer.cost_per_save, report.currency, lang),
        )
    out.print()
    out.print(table)


def _show_policy(report: Uplift, lang: str) -> None:
    labels = _LABELS[lang]
    stayed = next((one for one in report.policy if one.outcome == "stayed"), None)
    if stayed is not None:
        table = Table(labels["policy"], "", labels["effective"], box=None)
        for name in ("lived", "present", "best_single", "none"):
            one = getattr(stayed, name)
            text = _range(one.value * 100, one.low * 100, one.high * 100, lang)
            table.add_row(labels[name], text, say(round(one.effective), lang))
        out.print()
        out.print(table)
    if report.costs.acquisition_cost is not None:
        cost = _money(report.costs.acquisition_cost, report.currency, lang)
        out.print(f"\n{labels['acquisition'].format(cost)}", highlight=False)


def _range(value: float, low: float, high: float, lang: str) -> str:
    between = _LABELS[lang]["to"]
    return f"{_number(value, lang)} ({_number(low, lang)} {between} {_number(high, lang)})"


def _number(value: float, lang: str) -> str:
    return say(round(value, 1) + 0.0, lang).replace("-", "−")


def _money(value: float, currency: str, lang: str) -> str:
    return f"{say(round(value), lang)} {currency}"


def _span(span: Span | None, currency: str, lang: str) -> str:
    return "" if span is None else _money(span.value, currency, lang)
