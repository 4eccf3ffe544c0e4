"""Playbooks: one YAML file a script, checked and compiled once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.adapter.yamlplaces import with_lines
from bridge.conditions import Predicate, compile_condition, nearest
from bridge.errors import ConfigError
from bridge.playbook.offers import Catalogue, load_catalogue
from bridge.playbook.situation import SCRIPT_VOCABULARY, WORDS
from bridge.playbook.terms import Offering, OffersOf
from bridge.playbook.texts import Choice, Several, compile_choice, compile_several
from bridge.scoring.wording import Texts

LONGEST_TITLE = 80
LONGEST_LINE = 300
"""Longest texts of a card, in characters."""

Condition = Annotated[Any, Meta(extra_json_schema={"$ref": "#/$defs/condition"})]


ScriptId = Annotated[str, Meta(pattern="^[a-z0-9_]{1,40}$")]


class FollowUpFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing to do after the call."""

    days: Annotated[int, Meta(ge=0, le=365)]
    """How many days later; 0: the same day."""
    text: Texts
    """Left out where its fact is missing."""


class DoneWhen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shows that the matter is closed: in words for people, as a condition for the bridge, or both."""

    text: Texts = msgspec.field(default_factory=dict)
    condition: Condition = None


class PlaybookFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form of a file in `config/playbooks/`."""

    id: ScriptId
    """Like the file."""
    priority: Annotated[int, Meta(ge=0, le=1000)]
    """Of the playbooks that apply, the one with the highest is suggested."""
    when: Condition = None
    """Left out: always."""
    title: Texts
    empathy: Texts = msgspec.field(default_factory=dict)
    """What is said first, before anything is offered; several alternatives in order, the last needs no fact."""
    line: Texts
    """The one line to say, several alternatives in order; the last needs no fact."""
    more: Texts = msgspec.field(default_factory=dict)
    """What to say or do next; a line whose fact is missing is left out."""
    leniency: Texts = msgspec.field(default_factory=dict)
    """What may be handled generously, without asking anybody."""
    do_not_say: Texts = msgspec.field(default_factory=dict)
    offer: OffersOf | None = None
    follow_up: tuple[FollowUpFile, ...] = ()
    """What happens after the call."""
    done_when: DoneWhen | None = None
    instead: tuple[ScriptId, ...] = ()
    """Playbooks that may be tried in its place, where they apply too."""
    hold_out: Literal["usual", "never"] = "usual"
    """never: nobody is given the neutral script in its place to find out what it does."""


class FollowUp(Struct, frozen=True, kw_only=True):
    """A follow-up as it is used: one line per language, dropped where its fact is missing."""

    days: int
    text: dict[str, Several]


class Playbook(Struct, frozen=True, kw_only=True):
    """A playbook as it is used."""

    id: str
    priority: int
    when: Predicate
    always: bool
    title: dict[str, Choice]
    line: dict[str, Choice]
    more: dict[str, Several]
    do_not_say: dict[str, Several]
    offer: Offering | None
    empathy: dict[str, Choice] = {}
    """Empty where there is none."""
    leniency: dict[str, Several] = {}
    follow_up: tuple[FollowUp, ...] = ()
    done_when: dict[str, Several] = {}
    done: Predicate | None = None
    """Whether the facts of a customer show that the matter is closed; None where only people can tell."""
    instead: tuple[str, ...] = ()
    held_out: bool = True
    """Whether the neutral script may be said in its place to some, to find out what it does."""


class Playbooks(Struct, frozen=True, kw_only=True):
    """All of them, best first. `version` changes with anything in them, and with the catalogue of offers."""

    version: str
    playbooks: tuple[Playbook, ...]
    catalogue: Catalogue = Catalogue()

    def named(self, id: str) -> Playbook | None:
        """The playbook of that id."""
        return next((one for one in self.playbooks if one.id == id), None)


def load_playbooks(folder: Path, catalogue: Catalogue | None = None) -> Playbooks:
    """Read and check every `*.yaml` in `folder`; offers are those of `catalogue`, or of `offers.yaml` beside `folder`.

    Raises ConfigError naming the file, the line, the path and the nearest name.
    """
    catalogue = load_catalogue(folder.parent / "offers.yaml") if catalogue is None else catalogue
    files = []
    for path in sorted(folder.glob("*.yaml")):
        with with_lines(path):
            files.append((read_playbook(path), str(path)))
    return compile_playbooks(files, str(folder), catalogue)


def read_playbook(path: Path) -> PlaybookFile:
    """The file `path`, its form checked. Raises ConfigError (see `with_lines` for the line)."""
    file = check(read_yaml(path), PlaybookFile, str(path))
    if file.id != path.stem:
        raise ConfigError(f"{path}: id", f"is {file.id!r}, but the file is called {path.name}")
    return file


def compile_playbooks(files: Sequence[tuple[PlaybookFile, str]], where: str, catalogue: Catalogue) -> Playbooks:
    """`files`, each with its path for errors, as playbooks. Raises ConfigError; at `where` when none applies always."""
    ids = [file.id for file, _ in files]
    compiled = []
    for file, path in files:
        with with_lines(Path(path)):
            compiled.append(compile_playbook(file, path, catalogue))
            check_instead(file, path, ids)
    playbooks = sorted(compiled, key=lambda each: (-each.priority, each.id))
    if not any(playbook.always for playbook in playbooks):
        raise ConfigError(where, "one playbook has to apply always: leave out `when` in it, as in default.yaml")
    digest = blake2b(msgspec.json.encode(catalogue, order="deterministic"), digest_size=8)
    for file, _ in files:
        digest.update(msgspec.json.encode(file, order="deterministic"))
    return Playbooks(version=digest.hexdigest(), playbooks=tuple(playbooks), catalogue=catalogue)


def compile_playbook(file: PlaybookFile, path: str, catalogue: Catalogue) -> Playbook:
    """`file` as a playbook; `path` is what errors start with. Raises ConfigError."""
    done = file.done_when or DoneWhen()
    if file.done_when is not None and not done.text and done.condition is None:
        raise ConfigError(f"{path}: done_when", "says nothing: give a `text`, a `condition`, or both")
    return Playbook(
        id=file.id,
        priority=file.priority,
        when=compile_condition(file.when, SCRIPT_VOCABULARY, f"{path}: when"),
        always=not file.when,
        title=compile_choice(file.title, WORDS, f"{path}: title", LONGEST_TITLE),
        line=compile_choice(file.line, WORDS, f"{path}: line", LONGEST_LINE),
        more=compile_several(file.more, WORDS, f"{path}: more", LONGEST_LINE),
        do_not_say=compile_several(file.do_not_say, WORDS, f"{path}: do_not_say", LONGEST_LINE),
        offer=_offering(file.offer, path, catalogue),
        empathy=compile_choice(file.empathy, WORDS, f"{path}: empathy", LONGEST_LINE) if file.empathy else {},
        leniency=compile_several(file.leniency, WORDS, f"{path}: leniency", LONGEST_LINE),
        follow_up=tuple(
            FollowUp(
                days=one.days, text=compile_several(one.text, WORDS, f"{path}: follow_up[{place}].text", LONGEST_LINE)
            )
            for place, one in enumerate(file.follow_up)
        ),
        done_when=compile_several(done.text, WORDS, f"{path}: done_when.text", LONGEST_LINE),
        done=None
        if done.condition is None
        else compile_condition(done.condition, SCRIPT_VOCABULARY, f"{path}: done_when.condition"),
        instead=file.instead,
        held_out=file.hold_out == "usual",
    )


def check_instead(file: PlaybookFile, path: str, ids: Collection[str]) -> None:
    """Raises ConfigError for a playbook that is to be tried instead and is not among `ids`, or is this one itself."""
    known = [id for id in ids if id != file.id]
    for place, other in enumerate(file.instead):
        if other not in known:
            where = f"{path}: instead[{place}]"
            raise ConfigError(where, f"there is no other playbook {other!r}; {nearest(other, known)}")
        if other in file.instead[:place]:
            raise ConfigError(f"{path}: instead[{place}]", f"{other!r} is named twice")


def _offering(given: OffersOf | None, path: str, catalogue: Catalogue) -> Offering | None:
    if given is None:
        return None
    if not given.offers:
        raise ConfigError(f"{path}: offer.offers", "names nothing to offer; leave out `offer` where there is nothing")
    for place, id in enumerate(given.offers):
        where = f"{path}: offer.offers[{place}]"
        if id not in catalogue.offers:
            raise ConfigError(where, f"there is no offer {id!r} in offers.yaml; {nearest(id, catalogue.offers)}")
        if id in given.offers[:place]:
            raise ConfigError(where, f"{id!r} is named twice")
    return Offering(
        offers=tuple(catalogue.offers[id] for id in given.offers),
        uplift=given.uplift,
        at_most=given.at_most,
        catalogue=catalogue,
    )
