"""What figures on retention are made with: `config/metrics.yaml`, checked and compiled."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.adapter.yamlplaces import with_lines
from bridge.errors import ConfigError
from bridge.scoring.phrases import Negations, Topics, fault_of
from bridge.scoring.wording import LANGUAGES

_Amount = Annotated[float, Meta(ge=0)]
_MonthName = Annotated[str, Meta(pattern="^[0-9]{4}-(0[1-9]|1[0-2])$", description="Such as 2026-10")]
TopicId = Annotated[str, Meta(pattern="^[a-z0-9_]{1,40}$")]


class TopicForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people speak of, with the phrases that show it, in all languages."""

    title: dict[str, str]
    phrases: Annotated[tuple[str, ...], Meta(min_length=1)]


class Metering(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The form of `config/metrics.yaml`."""

    months: Annotated[int, Meta(ge=2, le=120)] = 36
    """So many months back."""
    few: Annotated[int, Meta(ge=1, le=1000)] = 5
    """Groups of fewer customers are shown to team leaders and supervisors alone."""
    acquisition_cost: _Amount | None = None
    """What winning one new customer costs, in whole units of the main currency; else that of choice.yaml."""
    acquisition_spent: dict[_MonthName, _Amount] = {}
    """What was spent on winning customers in a month, all in all; counts before the figure above."""
    topics: dict[TopicId, TopicForm] = {}
    reasons: dict[TopicId, TopicForm] = {}

    @cached_property
    def spoken_of(self) -> Topics:
        """Finds `topics`. Who calls a price not high speaks of the price all the same."""
        return _compiled(self.topics)

    @cached_property
    def named(self) -> Topics:
        """Finds `reasons`: a word of denial belongs to them ("do not need it")."""
        return _compiled(self.reasons)


def _compiled(topics: Mapping[str, TopicForm]) -> Topics:
    return Topics({name: topic.phrases for name, topic in topics.items()}, Negations())


def load_metering(path: Path) -> Metering:
    """Read and check `path`; no topics are known where there is no such file. Raises ConfigError with file, line,
    path."""
    if not path.exists():
        return Metering()
    with with_lines(path):
        file = check(read_yaml(path) or {}, Metering, str(path))
        for room in ("topics", "reasons"):
            for name, topic in getattr(file, room).items():
                _check(topic, f"{path}: {room}.{name}")
    return file


def _check(topic: TopicForm, where: str) -> None:
    for language in LANGUAGES:
        if not topic.title.get(language):
            raise ConfigError(f"{where}.title.{language}", "the text is missing")
    for place, phrase in enumerate(topic.phrases):
        fault = fault_of(phrase) if phrase.strip() else "is empty"
        if fault is not None:
            raise ConfigError(f"{where}.phrases[{place}]", f"{phrase!r} {fault}")
