"""Playbooks: one YAML file a script, checked and compiled once."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.conditions import Predicate, compile_condition
from bridge.errors import ConfigError
from bridge.playbook.offers import Offer
from bridge.playbook.situation import SCRIPT_VOCABULARY, WORDS
from bridge.playbook.texts import Choice, Several, compile_choice, compile_several
from bridge.scoring.wording import Texts

LONGEST_TITLE = 80
LONGEST_LINE = 300
"""Longest texts of a card, in characters."""

Condition = Annotated[Any, Meta(extra_json_schema={"$ref": "#/$defs/condition"})]


class PlaybookFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form of a file in `config/playbooks/`."""

    id: Annotated[str, Meta(pattern="^[a-z0-9_]{1,40}$")]
    """Like the file."""
    priority: Annotated[int, Meta(ge=0, le=1000)]
    """Of the playbooks that apply, the one with the highest is suggested."""
    when: Condition = None
    """Left out: always."""
    title: Texts
    line: Texts
    """The one line to say, several alternatives in order; the last needs no fact."""
    more: Texts = msgspec.field(default_factory=dict)
    """What to say or do next; a line whose fact is missing is left out."""
    do_not_say: Texts = msgspec.field(default_factory=dict)
    offer: Offer | None = None


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
    offer: Offer | None


class Playbooks(Struct, frozen=True, kw_only=True):
    """All of them, best first. `version` changes with anything in them."""

    version: str
    playbooks: tuple[Playbook, ...]


def load_playbooks(folder: Path) -> Playbooks:
    """Read and check every `*.yaml` in `folder`. Raises ConfigError naming the file, the path and the nearest name."""
    paths = sorted(folder.glob("*.yaml"))
    files = []
    for path in paths:
        file = check(read_yaml(path), PlaybookFile, str(path))
        if file.id != path.stem:
            raise ConfigError(f"{path}: id", f"is {file.id!r}, but the file is called {path.name}")
        files.append((file, str(path)))
    return compile_playbooks(files, str(folder))


def compile_playbooks(files: Sequence[tuple[PlaybookFile, str]], where: str) -> Playbooks:
    """`files`, each with its name for errors, as playbooks. Raises ConfigError; at `where` when none applies always."""
    playbooks = sorted(
        (compile_playbook(file, path) for file, path in files), key=lambda each: (-each.priority, each.id)
    )
    if not any(playbook.always for playbook in playbooks):
        raise ConfigError(where, "one playbook has to apply always: leave out `when` in it, as in default.yaml")
    digest = blake2b(digest_size=8)
    for file, _ in files:
        digest.update(msgspec.json.encode(file, order="deterministic"))
    return Playbooks(version=digest.hexdigest(), playbooks=tuple(playbooks))


def compile_playbook(file: PlaybookFile, path: str) -> Playbook:
    """`file` as a playbook; `path` is what errors start with. Raises ConfigError."""
    if file.offer and not file.offer.kinds:
        raise ConfigError(f"{path}: offer.kinds", "names nothing to offer; leave out `offer` where there is nothing")
    return Playbook(
        id=file.id,
        priority=file.priority,
        when=compile_condition(file.when, SCRIPT_VOCABULARY, f"{path}: when"),
        always=not file.when,
        title=compile_choice(file.title, WORDS, f"{path}: title", LONGEST_TITLE),
        line=compile_choice(file.line, WORDS, f"{path}: line", LONGEST_LINE),
        more=compile_several(file.more, WORDS, f"{path}: more", LONGEST_LINE),
        do_not_say=compile_several(file.do_not_say, WORDS, f"{path}: do_not_say", LONGEST_LINE),
        offer=file.offer,
    )
