"""Commands for whoever writes playbooks: are they right, and who would get them now?"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import yaml
from rich.markup import escape
from rich.table import Table

from bridge.adapter.yamlfile import read_yaml
from bridge.adapter.yamlplaces import guard
from bridge.cli.desks import out, progress, with_desk
from bridge.conditions import Predicate, compile_condition, nearest
from bridge.errors import BadRequest, NotFound
from bridge.flow import Desk
from bridge.flow.previewing import Previewed, preview
from bridge.model import Money
from bridge.playbook import Playbooks, say_script, say_terms
from bridge.playbook.breakeven import Campaign, reckon
from bridge.playbook.checking import Checked, check_playbooks, read_draft
from bridge.playbook.scripts import compile_playbooks, read_playbook
from bridge.playbook.situation import SCRIPT_VOCABULARY
from bridge.settings import read_settings
from bridge.worker import utc_now

commands = typer.Typer(no_args_is_help=True, help="Playbooks: check the files, and see who would get them now.")

_COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}
_MOST_NAMED = 20
_LABELS = {
    "de": {
        "more": "dann",
        "leniency": "Kulanz",
        "do_not_say": "nicht sagen",
        "done_when": "erledigt, wenn",
        "later": "nach {} Tagen",
        "columns": ("Angebot", "Agent", "Teamleitung", "muss halten", "weil"),
        "not_now": "zurzeit nicht",
        "also": "trifft auch zu",
    },
    "en": {
        "more": "then",
        "leniency": "leniency",
        "do_not_say": "do not say",
        "done_when": "done when",
        "later": "after {} days",
        "columns": ("Offer", "Agent", "Team lead", "Has to hold", "Why"),
        "not_now": "not now",
        "also": "also applies",
    },
}


@commands.command(
    epilog="Examples: `bridge playbook check` after every change; `bridge playbook check --strict` in a build, where "
    "warnings count too"
)
def check(
    folder: Annotated[Path | None, typer.Argument(help="Left out: the playbooks in force")] = None,
    strict: Annotated[bool, typer.Option(help="Warnings count as errors")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Read every playbook and say what is wrong, with file and line: names that do not exist, texts that are missing in
    a language or never fit, scripts that can never be suggested, scripts and offers that are in each other's way.

    Ends with 1 when there is an error.
    """
    checked = check_playbooks(folder or read_settings().config_dir / "playbooks")
    if as_json:
        typer.echo(msgspec.json.encode(checked.findings).decode())
    else:
        _show_findings(checked)
    bad = ("error", "warning") if strict else ("error",)
    if any(one.severity in bad for one in checked.findings):
        raise typer.Exit(1)


def _show_findings(checked: Checked) -> None:
    for one in checked.findings:
        where = one.file if one.line is None else f"{one.file}, line {one.line}"
        place = f"{escape(one.place)}: " if one.place else ""
        out.print(
            f"[{_COLOURS[one.severity]}]{one.severity}[/]  {escape(where)}: {place}{escape(one.text)}",
            highlight=False,
            soft_wrap=True,
        )
    counts = {name: sum(one.severity == name for one in checked.findings) for name in _COLOURS}
    said = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items() if count)
    out.print(
        f"{len(checked.files)} playbooks, {len(checked.catalogue.offers)} offers: {said or 'nothing to complain of'}"
    )


@commands.command(
    name="preview",
    epilog="Examples: `bridge playbook preview` for everybody; "
    "`bridge playbook preview --segment '{value.tier: gold}'`; "
    "`bridge playbook preview --script contract_end --segment big.yaml`; "
    "`bridge playbook preview --script draft.yaml` for a file that is not in force; "
    "`bridge playbook preview --customer c_5f0c2a9be14d7a31 --lang de`",
)
def preview_command(
    customer: Annotated[str | None, typer.Option(help="Id of one customer: what the agent would see")] = None,
    segment: Annotated[
        str | None, typer.Option(help="A condition, as in a playbook's `when`, or a file with one; left out: everybody")
    ] = None,
    script: Annotated[
        str | None, typer.Option(help="Only who would get this playbook: its id, or a file that is not in force yet")
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of the texts: de or en")] = "de",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Say which customers would get which playbook now, what the offers would cost, and when they pay.

    Nothing is written.
    """
    if lang not in ("de", "en"):
        raise BadRequest("--lang: is de or en")
    wanted = _read_segment(segment)

    async def act(desk: Desk) -> tuple[list[Previewed], str | None, str]:
        playbooks, id = _with_script(desk, script)
        currency = desk.rules.deciding.card.file.value.currency
        found: list[Previewed] = []
        total = 1 if customer else (await desk.store.all("customers.in_all"))[0][0]
        with progress() as bars:
            bar = bars.add_task("customers", total=total or None)
            only = None if customer is None else [customer]
            async for looked, batch in preview(desk, playbooks, now=utc_now(), segment=wanted, customers=only):
                found += [one for one in batch if id is None or one.suggestion.script_id == id]
                bars.advance(bar, looked)
        return found, id, currency

    found, id, currency = asyncio.run(with_desk(act))
    if customer is not None:
        _show_customer(customer, found, lang, as_json=as_json, id=id)
    else:
        _show_segment(found, currency, named=id is not None, as_json=as_json)


def _read_segment(text: str | None) -> Predicate | None:
    if text is None:
        return None
    path = Path(text)
    if not text.lstrip().startswith("{") and path.suffix in (".yaml", ".yml", ".json"):
        return compile_condition(read_yaml(path), SCRIPT_VOCABULARY, str(path))
    guard(text, "--segment", yaml.SafeLoader)
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        raise BadRequest("--segment: is not a condition such as '{signal: contract_ending}'") from None
    return compile_condition(data, SCRIPT_VOCABULARY, "--segment")


def _with_script(desk: Desk, script: str | None) -> tuple[Playbooks, str | None]:
    """The playbooks to go by, and the id of the one that is looked at."""
    playbooks = desk.rules.deciding.playbooks
    if script is None:
        return playbooks, None
    if not script.endswith((".yaml", ".yml")):
        ids = [one.id for one in playbooks.playbooks]
        if script not in ids:
            raise NotFound(f"--script: there is no playbook {script!r}; {nearest(script, ids)}")
        return playbooks, script
    draft = read_draft(Path(script))
    folder = desk.settings.config_dir / "playbooks"
    others = [path for path in sorted(folder.glob("*.yaml")) if path.stem != draft.id]
    files = [(draft, script), *((read_playbook(path), str(path)) for path in others)]
    return compile_playbooks(files, str(folder), playbooks.catalogue), draft.id


def _show_customer(customer: str, found: list[Previewed], lang: str, *, as_json: bool, id: str | None) -> None:
    if not found:
        raise NotFound(f"there is no customer {customer}" if id is None else f"{customer} would not get {id} now")
    (one,) = found
    said = {
        "customer": customer,
        "script": {"id": one.suggestion.script_id} | say_script(one.suggestion, lang),
        "alternates": one.suggestion.alternates,
        "offer": say_terms(one.suggestion.terms, lang),
    }
    if as_json:
        typer.echo(msgspec.json.encode(said).decode())
        return
    words, labels = say_script(one.suggestion, lang), _LABELS[lang]
    out.print(f"[bold]{escape(one.suggestion.script_id)}[/]  {escape(words['title'])}", highlight=False)
    for name in ("empathy", "line"):
        if words[name]:
            out.print(f"  „{escape(words[name])}“" if lang == "de" else f"  “{escape(words[name])}”", highlight=False)
    for name in ("more", "leniency", "do_not_say", "done_when"):
        for text in words[name]:
            out.print(f"  {labels[name]}: {escape(text)}", highlight=False)
    for then in words["follow_up"]:
        out.print(f"  {str(labels['later']).format(then['days'])}: {escape(then['text'])}", highlight=False)
    table = Table(*labels["columns"], box=None, padding=(0, 2, 0, 2))
    for offer in one.suggestion.made:
        rate = offer.break_even.save_rate if offer.break_even else None
        why = "" if offer.why is None else f"{offer.why.uplift:.1%} × {offer.why.margin} − {offer.why.cost}"
        hold = "" if rate is None else f"{rate:.1%}"
        table.add_row(offer.name[lang], str(offer.ceiling or ""), str(offer.team_lead_ceiling or ""), hold, why)
    for held in one.suggestion.withheld:
        until = f" until {held.until:%Y-%m-%d}" if held.until else ""
        table.add_row(
            held.name[lang], "", "", "", f"[dim]{labels['not_now']}: {held.reason.replace('_', ' ')}{until}[/]"
        )
    if table.row_count:
        out.print(table)
    out.print(f"  {labels['also']}: {', '.join(one.suggestion.alternates) or '–'}", style="dim", highlight=False)


class Line(msgspec.Struct, kw_only=True):
    """What one script comes to: `campaign` is its first offer, made to everybody to its ceiling."""

    script: str
    customers: int
    offered: int
    """To how many an offer of money may be made."""
    highest: Money | None
    campaign: Campaign


def _show_segment(found: list[Previewed], currency: str, *, named: bool, as_json: bool) -> None:
    lines = [_line(script, some, currency) for script, some in _by_script(found)]
    people = [
        {
            "customer": one.customer,
            "script": one.suggestion.script_id,
            "ceiling": one.suggestion.ceiling,
            "risk": one.situation.facts.get("risk.band"),
            "tier": one.situation.facts.get("value.tier"),
        }
        for one in found
    ]
    if as_json:
        typer.echo(msgspec.json.encode({"scripts": lines, "customers": people if named else None}).decode())
        return
    table = Table("Playbook", "Customers", "With money", "Highest", "Expected cost", "Held", "Has to hold", box=None)
    for line in lines:
        whole = line.campaign
        needed = "never pays" if whole.break_even is None else f"{whole.break_even:.1%}"
        table.add_row(
            line.script,
            f"{line.customers:,}",
            f"{line.offered:,}",
            str(line.highest or ""),
            str(whole.cost) if whole.customers else "",
            f"{whole.saves:,.1f}" if whole.customers else "",
            needed if whole.customers else "",
        )
    out.print(table)
    out.print(
        "Expected cost: the first offer made to everybody, up to its ceiling. Held: how many more stay if the "
        "uplift is right. Has to hold: the share who must stay because of it, for the whole to pay.",
        style="dim",
    )
    if named:
        for person in people[:_MOST_NAMED]:
            out.print("  ".join(str(value) for value in person.values() if value), highlight=False)
        if len(people) > _MOST_NAMED:
            out.print(f"and {len(people) - _MOST_NAMED:,} more; --json names them all", style="dim", highlight=False)


def _by_script(found: list[Previewed]) -> list[tuple[str, list[Previewed]]]:
    scripts: defaultdict[str, list[Previewed]] = defaultdict(list)
    for one in found:
        scripts[one.suggestion.script_id].append(one)
    return sorted(scripts.items(), key=lambda pair: (-len(pair[1]), pair[0]))


def _line(script: str, some: list[Previewed], currency: str) -> Line:
    first = [next((offer for offer in one.suggestion.made if offer.ceiling), None) for one in some]
    ceilings = [one.suggestion.ceiling for one in some if one.suggestion.ceiling]
    made = [
        offer.made
        for one, money in zip(some, first, strict=True)
        if (offer := money or next(iter(one.suggestion.made), None)) and offer.made
    ]
    return Line(
        script=script,
        customers=len(some),
        offered=len(ceilings),
        highest=max(ceilings, default=None),
        campaign=reckon(made, currency),
    )
