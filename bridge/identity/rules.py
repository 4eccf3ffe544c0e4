"""Which keys identify nobody, whose word counts for which field: `config/identity.yaml`."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from bridge.adapter.yamlfile import check, meant, read_yaml
from bridge.errors import ConfigError
from bridge.model import Customer, Key, KeyKind

NEWEST = "*"
"""In an order of sources: all that are not named, the newest first."""

_DECIDED = {
    "consents": "the most restrictive one wins, always",
    "objects_to_profiling": "an objection at any source counts, always",
    "deceased": "one source that knows is enough, always",
    "external_ids": "all sources' ids are kept",
    "customer_since": "the earliest date counts, always",
}
"""Fields whose merging is not a matter of configuration."""


class Blocked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys that never identify anybody; `*` stands for anything (`info@*`, `+49800*`)."""

    email: tuple[str, ...] = ()
    phone: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    """As `system:id`."""


_System = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,39}$")]


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What callers can be asked whose number several people share; the fact that tells the most of them apart is."""

    customer_number: tuple[_System, ...] = ()
    """Sources and other systems whose id of a person is the customer number that this person knows."""
    contract_number: tuple[_System, ...] = ()
    """Sources whose id of a contract is the number that stands on it."""
    names: bool = True
    """Whether also the first letters of the first or last name may be asked for, entered on the keypad."""


class Defaults(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is assumed of a customer of whom no source says it."""

    language: Annotated[str, Meta(pattern="^[a-z]{2}$")] = "de"
    region: Annotated[str, Meta(pattern="^[A-Z]{2}$")] = "DE"


class IdentityRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form of `config/identity.yaml`."""

    block: Blocked = Blocked()
    max_profiles_per_key: Annotated[int, Meta(ge=1, le=1000)] = 5
    """A key on more profiles of one source than this is taken for a shared one and merges nobody."""
    survivorship: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Field of the customer → sources in the order in which they are believed; NEWEST = the newest of all others."""
    defaults: Defaults = Defaults()
    question: Question = Question()

    def blocks(self, key: Key) -> bool:
        """Is `key` one that never identifies anybody?"""
        patterns: tuple[str, ...] = getattr(self.block, key.kind.value)
        return bool(patterns) and _pattern(patterns).fullmatch(key.value.lower()) is not None


@lru_cache(maxsize=64)
def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(each.lower()) for each in patterns))


def load_identity(path: Path) -> IdentityRules:
    """Read and check `path`. Raises ConfigError naming the file, the path in it, and the nearest valid name."""
    rules = check(read_yaml(path) or {}, IdentityRules, str(path))
    for kind in KeyKind:
        for pattern in getattr(rules.block, kind.value):
            if not pattern.strip("* "):
                raise ConfigError(f"{path}: block.{kind.value}", f"{pattern!r} would block everybody")
    fields = [field for field in Customer.__struct_fields__ if field not in _DECIDED]
    for field, sources in rules.survivorship.items():
        where = f"{path}: survivorship.{field}"
        if field in _DECIDED:
            raise ConfigError(where, f"cannot be ordered: {_DECIDED[field]}")
        if field not in fields:
            raise ConfigError(where, f"is not a field of a customer{meant(field, fields)}")
        if len(set(sources)) < len(sources):
            raise ConfigError(where, "names a source twice")
    return rules
