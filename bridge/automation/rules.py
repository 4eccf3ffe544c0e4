"""Automations, checked and compiled: when (a fact) if (conditions) do (steps)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.adapter.yamlplaces import with_lines
from bridge.automation.forms import AutomationFile, MakeOffer, MessageForm, SendEmail, StepForm
from bridge.automation.messages import (
    LONGEST_LINE,
    LONGEST_SMS,
    LONGEST_SUBJECT,
    Message,
    canonical,
    compile_message,
    resolve,
    words_known,
)
from bridge.automation.triggers import SINCE, TRIGGERS, Trigger, fact_vocabulary
from bridge.conditions import Predicate, Vocabulary, compile_condition, nearest
from bridge.errors import ConfigError
from bridge.facts import FactKind
from bridge.model import Channel
from bridge.playbook.offers import Catalogue
from bridge.playbook.situation import SCRIPT_VOCABULARY
from bridge.playbook.texts import Choice, compile_choice
from bridge.scoring.wording import LANGUAGES

CHANNELS: Final[dict[str, Channel]] = {
    "send_email": Channel.email,
    "offer": Channel.email,
    "send_sms": Channel.sms,
    "schedule_callback": Channel.voice,
}
"""Steps that reach the customer; an invitation to a survey goes by the channel that it names."""
_PROFILING = ("risk.", "value.", "signal")
_TEXTS: Final[dict[str, dict[str, int]]] = {
    "send_sms": {"text": LONGEST_SMS},
    "schedule_callback": {"reason": LONGEST_LINE},
    "create_ticket": {"subject": LONGEST_SUBJECT, "text": LONGEST_LINE},
    "create_task": {"subject": LONGEST_SUBJECT, "text": LONGEST_LINE},
    "add_note": {"text": LONGEST_LINE},
    "notify": {"subject": LONGEST_SUBJECT, "text": LONGEST_LINE},
    "webhook": {"text": LONGEST_LINE},
}


class Act(Struct, frozen=True, kw_only=True):
    """A step that does something. `form` is its struct of `forms`; `channel` is None where no customer is reached."""

    do: str
    form: Any
    channel: Channel | None = None
    texts: dict[str, dict[str, Choice]] = {}
    message: Message | None = None

    @property
    def apology(self) -> bool:
        return bool(getattr(self.form, "apology", False))

    @property
    def preferred_only(self) -> bool:
        return bool(getattr(self.form, "preferred_only", False))


class Wait(Struct, frozen=True):
    length: timedelta


class StopIf(Struct, frozen=True):
    holds: Predicate


Step: TypeAlias = Act | Wait | StopIf


class Automation(Struct, frozen=True, kw_only=True, dict=True):
    """One automation as it is used. `version` changes with everything in it but its mode."""

    file: AutomationFile
    version: str
    kind: FactKind
    where: Predicate
    condition: Predicate
    steps: tuple[Step, ...]

    @property
    def id(self) -> str:
        return self.file.id

    @property
    def trigger(self) -> Trigger:
        return TRIGGERS[self.kind]

    @cached_property
    def profiles(self) -> bool:
        """Whether it goes by an assessment of the customer anywhere."""
        conditions = [self.file.condition, self.file.when.where, *(one.stop_if for one in self.file.do)]
        return self.trigger.profiles or any(_names(one, _PROFILING) for one in conditions)

    @cached_property
    def opens_tickets(self) -> bool:
        return any(isinstance(step, Act) and step.do == "create_ticket" for step in self.steps)

    @property
    def max_age(self) -> timedelta:
        return self.file.max_age.length

    def unless(self, step: int) -> range:
        """The places of the `stop_if` right before `step`: they are asked for as long as it waits to be done."""
        first = step
        while first > 0 and isinstance(self.steps[first - 1], StopIf):
            first -= 1
        return range(first, step)

    def settled(self, step: int, facts: Mapping[str, Any]) -> int | None:
        """The place of the first of these that holds by now; None while `step` is wanted."""
        for place in self.unless(step):
            asked = self.steps[place]
            if isinstance(asked, StopIf) and asked.holds(facts):
                return place
        return None


def _names(condition: Any, prefixes: tuple[str, ...]) -> bool:
    if isinstance(condition, dict):
        return any(str(name).startswith(prefixes) or _names(inner, prefixes) for name, inner in condition.items())
    return isinstance(condition, list) and any(_names(one, prefixes) for one in condition)


def load_automations(folder: Path, catalogue: Catalogue, messages: Mapping[str, MessageForm]) -> tuple[Automation, ...]:
    """Every `*.yaml` of `folder`, by id; none where there is no such folder.

    Raises ConfigError naming the file, the line, the path and the nearest name.
    """
    found = []
    for path in sorted(folder.glob("*.yaml")):
        with with_lines(path):
            file = check(read_yaml(path), AutomationFile, str(path))
            if file.id != path.stem:
                raise ConfigError(f"{path}: id", f"is {file.id!r}, but the file is called {path.name}")
            found.append(compile_automation(inline(file, messages, str(path)), str(path), catalogue))
    return tuple(found)


def inline(file: AutomationFile, messages: Mapping[str, MessageForm], where: str) -> AutomationFile:
    """`file` with every message written out, so that it means the same for good. Raises ConfigError."""
    steps = []
    for place, step in enumerate(file.do):
        for name in ("send_email", "offer"):
            form: SendEmail | MakeOffer | None = getattr(step, name)
            if form is not None:
                message = resolve(form.message, messages, f"{where}: do[{place}].{name}.message")
                whole = msgspec.structs.replace(form, message=message)
                step = msgspec.structs.replace(step, **{name: whole})  # noqa: PLW2901 a step has one of the two
        steps.append(step)
    return msgspec.structs.replace(file, do=tuple(steps))


def read_automation(data: Any, where: str, catalogue: Catalogue, messages: Mapping[str, MessageForm]) -> Automation:
    """An automation out of builtins, as the console builds them. Raises ConfigError that starts with `where`."""
    file = check(data, AutomationFile, where)
    return compile_automation(inline(file, messages, where), where, catalogue)


def version_of(file: AutomationFile) -> str:
    """16 hex digits over everything but the mode."""
    return blake2b(canonical(msgspec.structs.replace(file, mode="off")), digest_size=8).hexdigest()


def compile_automation(file: AutomationFile, path: str, catalogue: Catalogue | None = None) -> Automation:
    """`file` as it is used; `path` is what errors start with. Without a catalogue offers are believed.

    Raises ConfigError.
    """
    for language in LANGUAGES:
        if not file.title.get(language):
            raise ConfigError(f"{path}: title.{language}", "the text is missing; every text is there in every language")
    kind = FactKind(file.when.fact)
    facts = fact_vocabulary(kind)
    _check_when(file, kind, path)
    if not file.max_age.length:
        raise ConfigError(f"{path}: max_age", "everything is older than that; give days, hours or minutes")
    if not file.do:
        raise ConfigError(f"{path}: do", "does nothing; give at least one step")
    asked: Vocabulary = {**SCRIPT_VOCABULARY, **facts, **SINCE}
    return Automation(
        file=file,
        version=version_of(file),
        kind=kind,
        where=compile_condition(file.when.where, facts, f"{path}: when.where"),
        condition=compile_condition(file.condition, asked, f"{path}: if"),
        steps=tuple(_step(step, facts, asked, f"{path}: do[{place}]", catalogue) for place, step in enumerate(file.do)),
    )


def _check_when(file: AutomationFile, kind: FactKind, path: str) -> None:
    needs = TRIGGERS[kind].counts
    for name in ("days", "day"):
        given = getattr(file.when, name)
        if name == needs and given is None:
            raise ConfigError(f"{path}: when.{name}", f"{kind.value} needs it: how many")
        if name != needs and given is not None:
            raise ConfigError(f"{path}: when.{name}", f"does not belong to {kind.value}")
    if (kind is FactKind.schedule_due) != (file.when.schedule is not None):
        raise ConfigError(f"{path}: when.schedule", "belongs to schedule.due, and to nothing else")


def _step(form: StepForm, facts: Vocabulary, asked: Vocabulary, where: str, catalogue: Catalogue | None) -> Step:
    given = {name: value for name, value in _given(form) if value is not None}
    if len(given) != 1:
        many = f"has {len(given)} of them: {', '.join(given)}" if given else "says nothing"
        raise ConfigError(where, f"a step is one thing to do; this one {many}")
    ((name, value),) = given.items()
    here = f"{where}.{name}"
    if name == "wait":
        if not value.length:
            raise ConfigError(here, "waits for nothing; give days, hours or minutes")
        return Wait(value.length)
    if name == "stop_if":
        return StopIf(compile_condition(value, asked, here))
    return _act(name, value, words_known(facts), here, catalogue)


def _given(form: StepForm) -> list[tuple[str, Any]]:
    return [(field.name, getattr(form, field.name)) for field in msgspec.structs.fields(StepForm)]


def _act(do: str, form: Any, known: Collection[str], where: str, catalogue: Catalogue | None) -> Act:
    if do == "offer" and catalogue is not None and form.id not in catalogue.offers:
        raise ConfigError(f"{where}.id", f"there is no offer {form.id!r}; {nearest(form.id, catalogue.offers)}")
    message = getattr(form, "message", None)
    texts = {
        name: compile_choice(given, known, f"{where}.{name}", longest)
        for name, longest in _TEXTS.get(do, {}).items()
        if (given := getattr(form, name)) or name != "text" or do != "create_task"
    }
    return Act(
        do=do,
        form=form,
        channel=Channel(form.by) if do == "invite_survey" else CHANNELS.get(do),
        texts=texts,
        message=None if message is None else compile_message(message, frozenset(known), f"{where}.message"),
    )
