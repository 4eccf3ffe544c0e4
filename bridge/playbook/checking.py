"""What is wrong, or probably not meant, in playbooks that can be read: never suggested, too long, at odds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.adapter.yamlplaces import line_of, with_lines
from bridge.conditions import compile_condition
from bridge.errors import ConfigError
from bridge.model import Money
from bridge.playbook.imagined import Facts, denials, merge, witnesses
from bridge.playbook.offers import NO_OFFERS, Catalogue, load_catalogue
from bridge.playbook.scripts import (
    LONGEST_LINE,
    LONGEST_TITLE,
    PlaybookFile,
    check_instead,
    compile_playbook,
    read_playbook,
)
from bridge.playbook.situation import SCRIPT_VOCABULARY, WORDS
from bridge.playbook.texts import Line, Words
from bridge.scoring.wording import LANGUAGES

Severity = Literal["error", "warning", "note"]


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that was found. `place` is the path inside the file, "" for all of it."""

    severity: Severity
    file: str
    line: int | None
    place: str
    text: str


class Checked(Struct, frozen=True, kw_only=True):
    """The files that can be read, the offers they draw on, and all findings, the gravest first."""

    files: dict[str, PlaybookFile]
    catalogue: Catalogue
    findings: tuple[Finding, ...]


def check_playbooks(folder: Path) -> Checked:
    """Read every playbook of `folder`, one by one, and judge them together. Raises nothing: errors are findings."""
    findings: list[Finding] = []
    catalogue: Catalogue | None = None
    offers = folder.parent / "offers.yaml"
    try:
        catalogue = load_catalogue(offers)
    except ConfigError as problem:
        findings.append(_error(offers, problem))
    paths: dict[str, Path] = {}
    files: dict[str, PlaybookFile] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            with with_lines(path):
                file = read_playbook(path)
                # one broken catalogue is one finding, not one for every playbook that draws on it
                known = file if catalogue is not None else msgspec.structs.replace(file, offer=None)
                compile_playbook(known, str(path), catalogue or NO_OFFERS)
        except ConfigError as problem:
            findings.append(_error(path, problem))
            continue
        files[file.id], paths[file.id] = file, path
    for id, file in files.items():
        try:
            with with_lines(paths[id]):
                check_instead(file, str(paths[id]), [path.stem for path in folder.glob("*.yaml")])
        except ConfigError as problem:
            findings.append(_error(paths[id], problem))
        for severity, place, text in (*_texts(file), *_offers(file, catalogue or NO_OFFERS)):
            findings.append(_finding(paths[id], severity, place, text))
    if not any(not file.when for file in files.values()):
        text = "one playbook has to apply always: leave out `when` in it, as in default.yaml"
        findings.append(Finding(severity="error", file=str(folder), line=None, place="", text=text))
    for id, severity, place, text in _together(files):
        findings.append(_finding(paths[id], severity, place, text))
    rank = ("error", "warning", "note")
    findings.sort(key=lambda one: (rank.index(one.severity), one.file, one.line or 0))
    return Checked(files=files, catalogue=catalogue or NO_OFFERS, findings=tuple(findings))


def read_draft(path: Path) -> PlaybookFile:
    """A playbook that is not in its folder yet, whatever the file is called. Raises ConfigError with the line."""
    with with_lines(path):
        return check(read_yaml(path), PlaybookFile, str(path))


def _error(path: Path, problem: ConfigError) -> Finding:
    head, _, place = problem.where.partition(": ")
    line = head.rpartition(", line ")[2]
    return Finding(
        severity="error",
        file=str(path),
        line=int(line) if line.isdigit() else None,
        place=place,
        text=problem.what,
    )


def _finding(path: Path, severity: Severity, place: str, text: str) -> Finding:
    return Finding(severity=severity, file=str(path), line=line_of(path, place), place=place, text=text)


_Found = tuple[Severity, str, str]

_BY_ENDING: dict[str, Any] = {
    "date": date(2026, 12, 31),
    "amount": Money(10_490, "EUR"),
    "after": Money(10_490, "EUR"),
    "ceiling": Money(10_000, "EUR"),
    "name": "Telstern Deutschland GmbH",
    "product": "Glasfaser 250 mit Telefon",
    "owner": "Dr. Johanna Brandt-Weber",
    "title": "Geschäftsführerin",
    "customer": "Frau Dr. Müller-Lüdenscheid",
    "year": "2019",
}


def imagine_words(language: str) -> Words:
    """Every fact that scripts may name, at a length that is usual."""
    facts = {name: _BY_ENDING.get(name.rpartition("_")[2], 120) for name in WORDS}
    return Words(facts, language)


def _texts(file: PlaybookFile) -> Iterator[_Found]:
    """Texts that are never shown: too long, or after one that always fits."""
    alternatives = {"title": (file.title, LONGEST_TITLE), "line": (file.line, LONGEST_LINE)}
    alternatives |= {"empathy": (file.empathy, LONGEST_LINE)} if file.empathy else {}
    several = {"more": file.more, "leniency": file.leniency, "do_not_say": file.do_not_say}
    several |= {f"follow_up[{place}].text": one.text for place, one in enumerate(file.follow_up)}
    if file.done_when is not None:
        several["done_when.text"] = file.done_when.text
    every: list[tuple[str, Any, int]] = [(name, texts, longest) for name, (texts, longest) in alternatives.items()]
    every += [(name, texts, LONGEST_LINE) for name, texts in several.items()]
    for name, texts, longest in every:
        for language in LANGUAGES:
            given = texts.get(language, ())
            lines = [given] if isinstance(given, str) else list(given)
            always = None
            for place, text in enumerate(lines):
                here = f"{name}.{language}" if isinstance(given, str) else f"{name}.{language}[{place}]"
                line = Line(text, WORDS, here)
                if always is not None and name in alternatives:
                    yield "warning", here, f"is never said: alternative {always + 1} before it needs no fact"
                elif not line.needs and always is None:
                    always = place
                filled = line.fill(imagine_words(language)) or ""
                if line.shortest > longest:
                    yield "error", here, f"is never shown: longer than {longest} characters"
                elif len(filled) > longest:
                    usual = f"has {len(filled)} characters with facts of usual length"
                    yield "warning", here, f"{usual}, and {longest} are shown: it will often be left out"


def _offers(file: PlaybookFile, catalogue: Catalogue) -> Iterator[_Found]:
    if file.offer is None:
        return
    ids = [id for id in file.offer.offers if id in catalogue.offers]
    for place, id in enumerate(file.offer.offers):
        if id not in catalogue.offers:
            continue
        offer, here = catalogue.offers[id], f"offer.offers[{place}]"
        uplift = offer.uplift if file.offer.uplift is None else file.offer.uplift
        cost = catalogue.effort(offer) + offer.cost.fixed + offer.cost.per_month * offer.cost.months
        if not uplift:
            yield "warning", here, f"{id} has an uplift of 0: it never pays, and has no break-even"
        elif offer.limits is None and not cost:
            yield "warning", here, f"{id} has no cost in offers.yaml: its break-even cannot be said"
        if offer.limits and file.offer.at_most is not None and file.offer.at_most > offer.limits.team_lead:
            most = f"{offer.limits.team_lead:g}"
            yield "note", "offer.at_most", f"{id}: {most} counts, which is a team lead's limit in offers.yaml"
    for one, other in combinations(ids, 2):
        if other in catalogue.offers[one].not_with:
            yield "note", "offer.offers", f"{one} and {other} are never granted together: the agent has to choose"


def _together(files: dict[str, PlaybookFile]) -> Iterator[tuple[str, Severity, str, str]]:
    """What shows only beside the other playbooks."""
    ranked = sorted(files.values(), key=lambda file: (-file.priority, file.id))
    holds = {file.id: compile_condition(file.when, SCRIPT_VOCABULARY, "") for file in ranked}
    seen = {file.id: witnesses(file.when) for file in ranked}
    for place, file in enumerate(ranked):
        if not seen[file.id]:
            yield file.id, "error", "when", "can never hold: no customer is like that"
            continue
        above = ranked[:place]
        if not _reaches(file, above, seen[file.id], holds):
            names = [one.id for one in above if all(holds[one.id](facts) for facts in seen[file.id])]
            who = ", ".join(names[:3]) or "others"
            yield file.id, "error", "priority", f"is never suggested: wherever it applies, {who} comes first"
    for one, other in combinations(ranked, 2):
        if one.priority == other.priority and _meet(one, other, seen, holds):
            text = f"is that of {one.id} too, and both may apply: {one.id} is taken, by its id alone"
            yield other.id, "warning", "priority", text
    for file in ranked:
        for place, id in enumerate(file.instead):
            if id in files and not _meet(file, files[id], seen, holds):
                yield file.id, "warning", f"instead[{place}]", f"{id} never applies where this playbook does"


def _reaches(file: PlaybookFile, above: Sequence[PlaybookFile], seen: list[Facts], holds: dict[str, Any]) -> bool:
    for facts in seen:
        tried: Facts | None = facts
        for _ in range(3):  # what keeps one away may call another in
            in_the_way = [one for one in above if tried is not None and holds[one.id](tried)]
            if tried is None or not in_the_way:
                break
            for denial in denials(in_the_way[0].when):
                without = merge(tried, denial)
                if without and holds[file.id](without) and not holds[in_the_way[0].id](without):
                    tried = without
                    break
            else:
                tried = None
        if tried is not None and not any(holds[one.id](tried) for one in above):
            return True
    return False


def _meet(one: PlaybookFile, other: PlaybookFile, seen: dict[str, list[Facts]], holds: dict[str, Any]) -> bool:
    for left in seen[one.id]:
        for right in seen[other.id]:
            both = merge(left, right)
            if both is not None and holds[one.id](both) and holds[other.id](both):
                return True
    return False
