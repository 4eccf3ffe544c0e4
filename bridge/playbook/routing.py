"""Where a call goes and how soon: `config/routing.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.conditions import Predicate, compile_condition
from bridge.errors import ConfigError
from bridge.playbook.scripts import Condition
from bridge.playbook.situation import VOCABULARY, Situation

_Hint = Annotated[str, Meta(pattern="^[a-z0-9_-]{1,40}$")]
_Priority = Annotated[int, Meta(ge=1, le=5)]


class Routing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A name the phone system knows, and how soon the call is taken: 1 first, 5 last."""

    route_hint: _Hint = "general"
    priority: _Priority = 3


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where calls go that meet `when` (left out: all that are left)."""

    when: Condition = None
    route_hint: _Hint
    priority: _Priority


class RoutingFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form of `config/routing.yaml`."""

    rules: tuple[Rule, ...]
    """The first that holds counts."""
    unknown: Routing = Routing()
    """For callers nobody knows."""


class RoutingRules(Struct, frozen=True):
    """The rules as they are used."""

    rules: tuple[tuple[Predicate, Routing], ...]
    unknown: Routing


def load_routing(path: Path) -> RoutingRules:
    """Read and check `path`. Raises ConfigError naming the file, the path in it, and the nearest valid name."""
    file = check(read_yaml(path), RoutingFile, str(path))
    if not file.rules or file.rules[-1].when:
        raise ConfigError(f"{path}: rules", "the last rule has to hold always: leave out its `when`")
    made = []
    for index, rule in enumerate(file.rules):
        here = f"{path}: rules[{index}]"
        if not rule.when and index < len(file.rules) - 1:
            raise ConfigError(here, "holds always, so that the rules after it never count; move it to the end")
        made.append(
            (
                compile_condition(rule.when, VOCABULARY, f"{here}.when"),
                Routing(route_hint=rule.route_hint, priority=rule.priority),
            )
        )
    return RoutingRules(tuple(made), file.unknown)


def route(rules: RoutingRules, situation: Situation) -> Routing:
    """Where this caller goes: by the first rule that holds; as `unknown` says for a caller nobody knows."""
    if situation.view is None:
        return rules.unknown
    facts = situation.facts
    return next(routing for holds, routing in rules.rules if holds(facts))
