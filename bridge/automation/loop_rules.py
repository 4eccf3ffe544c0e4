"""How loops are closed: what opens one, whose it is, how long it may take, who hears of it when that is over.

`config/loops.yaml`, checked and compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.adapter.yamlplaces import with_lines
from bridge.automation.calendar import WorkingCalendar, check_calendar
from bridge.automation.triggers import fact_values, fact_vocabulary
from bridge.conditions import Field, Kind, Predicate, Vocabulary, compile_condition, nearest
from bridge.errors import ConfigError
from bridge.facts import FactKind
from bridge.scoring.wording import LANGUAGES

Name = Annotated[str, Meta(pattern="^[a-z0-9_]{1,40}$")]
Condition = Annotated[Any, Meta(extra_json_schema={"$ref": "#/$defs/condition"})]
OpeningFact = Literal[
    "survey.answered",
    "review.published",
    "ticket.opened",
    "ticket.reopened",
    "interaction.abandoned",
    "contract.cancelled",
    "outcome.recorded",
]
_SHARE: Final = {"fact.share": Field(kind=Kind.number, about="The score as a share of its scale, from 0 to 1")}
_RESULT: Final = "fact.result"
_OUTCOME: Final[dict[str, Field]] = {
    _RESULT: Field(kind=Kind.choice, values=("saved", "lost", "pending")),
    "fact.disposition": Field(kind=Kind.text, about="As the agent's desktop calls how the call ended"),
}
OWNER: Final = "owner"
TEAM: Final = "team"


class _Form(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Unknown names are errors."""


class WorkingTime(_Form, frozen=True, kw_only=True):
    """Time within working hours: the sum of what is given."""

    hours: Annotated[int, Meta(ge=0, le=2000)] = 0
    minutes: Annotated[int, Meta(ge=0, le=10_000)] = 0

    @property
    def length(self) -> timedelta:
        return timedelta(hours=self.hours, minutes=self.minutes)


class OpenerForm(_Form, frozen=True, kw_only=True):
    """What opens a loop, and how long it may take."""

    id: Name
    title: dict[str, str]
    fact: OpeningFact
    where: Condition = None
    """About the fact alone; `fact.share` is a score as a share of its scale."""
    matter: Name = "feedback"
    """One loop is open for a customer and matter; what comes in meanwhile joins it."""
    reply: WorkingTime = WorkingTime(hours=8)
    """Until somebody has spoken with the customer."""
    resolution: WorkingTime = WorkingTime(hours=40)
    """Until it is closed."""
    queue: Name | None = None
    """Who has it; left out: the customer's account manager, else `queue`."""


class Queue(_Form, frozen=True, kw_only=True):
    """A team that shares its loops."""

    title: dict[str, str]
    limit: Annotated[int, Meta(ge=0, le=100_000)] = 30
    """Loops that it can work on at a time."""
    address: str = ""
    """Where it is told; left out: `team` of outreach.yaml."""


class Escalation(_Form, frozen=True, kw_only=True):
    """Who hears of a loop that is overdue."""

    after: WorkingTime = WorkingTime()
    to: str = OWNER
    """`owner`, `team`, a name in `people` of outreach.yaml, or an e-mail address."""
    assign: bool = False
    """It is theirs from then on."""


class CauseForm(_Form, frozen=True, kw_only=True):
    """Why customers are dissatisfied, for closing and for lessons."""

    code: Name
    title: dict[str, str]


class LoopsFile(_Form, frozen=True, kw_only=True):
    """The form of `config/loops.yaml`; without it no loop opens."""

    calendar: WorkingCalendar = WorkingCalendar()
    opens: tuple[OpenerForm, ...] = ()
    account_managers: Literal["known", "all"] = "known"
    """Whose loops account managers have: known are those in `people` of outreach.yaml; all, whomever the CRM names."""
    limit: Annotated[int, Meta(ge=0, le=10_000)] = 10
    """Loops that one person can work on at a time."""
    limits: dict[str, Annotated[int, Meta(ge=0, le=10_000)]] = {}
    """By name, where it is another one."""
    queues: dict[Name, Queue] = {}
    queue: Name = TEAM
    """Has what nobody else has."""
    escalation: tuple[Escalation, ...] = (Escalation(),)
    notify: bool = True
    """Tell people by e-mail, through a source that can send one."""
    max_age_days: Annotated[int, Meta(ge=0, le=365)] = 14
    """What happened longer ago opens nothing."""
    reopen_days: Annotated[int, Meta(ge=0, le=365)] = 30
    """Within which what comes back reopens a closed loop instead of opening another one."""
    waiting_days: Annotated[int, Meta(ge=1, le=90)] = 7
    """After which nobody waits for the customer any longer and the clocks go on."""
    good_share: Annotated[float, Meta(ge=0, le=1)] = 0.7
    """From which share of its scale on an answer is a good one."""
    causes: tuple[CauseForm, ...] = ()


class Opener(Struct, frozen=True, kw_only=True):
    """An opener, compiled."""

    form: OpenerForm
    kind: FactKind
    where: Predicate

    @property
    def id(self) -> str:
        return self.form.id


class LoopRules(Struct, frozen=True, kw_only=True):
    """All that `config/loops.yaml` says."""

    file: LoopsFile = LoopsFile()
    openers: tuple[Opener, ...] = ()

    @property
    def calendar(self) -> WorkingCalendar:
        return self.file.calendar

    def opener_for(self, kind: FactKind, data: Mapping[str, Any]) -> Opener | None:
        """The first opener that such a fact opens a loop by."""
        if not any(one.kind is kind for one in self.openers):
            return None
        values = opening_values(kind, data)
        return next((one for one in self.openers if one.kind is kind and one.where(values)), None)

    def opener(self, id: str) -> OpenerForm | None:
        """The opener of that id; None for one that the file has no longer."""
        return next((one.form for one in self.openers if one.id == id), None)

    def awaits_save(self, id: str) -> bool:
        """Whether what the opener of that id opens is about keeping the customer: it asks how a save call ended."""
        form = self.opener(id)
        return form is not None and form.fact == FactKind.outcome_recorded.value and _asks(form.where, _RESULT)

    def limit_of(self, owner: str) -> int:
        """How many loops `owner`, a name or a queue, can work on at a time."""
        queue = self.file.queues.get(owner)
        return queue.limit if queue is not None else self.file.limits.get(owner, self.file.limit)

    def cause_codes(self) -> frozenset[str]:
        """The causes that may be named."""
        return frozenset(one.code for one in self.file.causes)


def opening_values(kind: FactKind, data: Mapping[str, Any]) -> dict[str, Any]:
    """What a fact says, under the names of `where`."""
    if kind is FactKind.outcome_recorded:
        return {f"fact.{name}": data[name] for name in ("result", "disposition") if data.get(name)}
    values = fact_values(kind, data)
    score, scale = data.get("score"), data.get("scale")
    if score is not None and scale:
        values["fact.share"] = score / scale
    return values


def opening_vocabulary(kind: FactKind) -> Vocabulary:
    """The names that `where` may use."""
    if kind is FactKind.outcome_recorded:
        return _OUTCOME
    fields = fact_vocabulary(kind)
    return {**fields, **_SHARE} if "fact.scale" in fields else fields


def all_opening_fields() -> Vocabulary:
    """The names of all kinds, for editors."""
    found: dict[str, Field] = {}
    for name in get_args(OpeningFact):
        found = {**opening_vocabulary(FactKind(name)), **found}
    return found


def load_loops(path: Path, people: Mapping[str, str]) -> LoopRules:
    """Read and check `path`; without such a file no loop opens. `people` are those of `outreach.yaml`.

    Raises ConfigError with file, line and path.
    """
    if not path.exists():
        return LoopRules()
    with with_lines(path):
        return compile_loops(check(read_yaml(path) or {}, LoopsFile, str(path)), people, str(path))


def compile_loops(file: LoopsFile, people: Mapping[str, str], path: str) -> LoopRules:
    """`file` as it is used. Raises ConfigError that starts with `path`."""
    check_calendar(file.calendar, f"{path}: calendar")
    if file.queues and file.queue not in file.queues:
        raise ConfigError(f"{path}: queue", f"there is no queue {file.queue!r}; {nearest(file.queue, file.queues)}")
    for name, queue in file.queues.items():
        _check_texts(queue.title, f"{path}: queues.{name}.title")
    seen: set[str] = set()
    for place, cause in enumerate(file.causes):
        _check_texts(cause.title, f"{path}: causes[{place}].title")
        _check_once(cause.code, seen, f"{path}: causes[{place}].code")
    if not file.escalation:
        raise ConfigError(
            f"{path}: escalation",
            "names nobody: no clock would ever be overdue; to write to nobody say `notify: false`",
        )
    last = timedelta(0)
    for place, step in enumerate(file.escalation):
        where = f"{path}: escalation[{place}]"
        if step.after.length < last:
            raise ConfigError(f"{where}.after", "comes before the step above it")
        last = step.after.length
        if step.to not in (OWNER, TEAM, *people, *file.queues) and "@" not in step.to:
            raise ConfigError(
                f"{where}.to", f"nobody is called {step.to!r}; {nearest(step.to, [OWNER, TEAM, *people, *file.queues])}"
            )
    seen = set()
    for place, form in enumerate(file.opens):
        where = f"{path}: opens[{place}]"
        _check_texts(form.title, f"{where}.title")
        _check_once(form.id, seen, f"{where}.id")
        if form.queue is not None and form.queue not in file.queues:
            raise ConfigError(f"{where}.queue", f"there is no queue {form.queue!r}; {nearest(form.queue, file.queues)}")
        if form.resolution.length < form.reply.length or not form.reply.length:
            raise ConfigError(f"{where}.reply", "is longer than nothing, and no longer than the resolution")
    return LoopRules(
        file=file,
        openers=tuple(_compiled(form, f"{path}: opens[{place}]") for place, form in enumerate(file.opens)),
    )


def _compiled(form: OpenerForm, where: str) -> Opener:
    kind = FactKind(form.fact)
    condition = compile_condition(form.where, opening_vocabulary(kind), f"{where}.where")
    return Opener(form=form, kind=kind, where=condition)


def _asks(condition: Any, name: str) -> bool:
    """Whether a condition, as it is written, names that field."""
    if isinstance(condition, Mapping):
        return name in condition or any(_asks(one, name) for one in condition.values())
    return isinstance(condition, list | tuple) and any(_asks(one, name) for one in condition)


def _check_texts(given: Mapping[str, str], where: str) -> None:
    for language in LANGUAGES:
        if not given.get(language):
            raise ConfigError(f"{where}.{language}", "the text is missing; every text is there in every language")


def _check_once(name: str, seen: set[str], where: str) -> None:
    if name in seen:
        raise ConfigError(where, f"there are two of {name!r}")
    seen.add(name)


def canonical(rules: LoopRules) -> bytes:
    """The file as JSON that is always the same for the same content."""
    return msgspec.json.encode(rules.file, order="deterministic")
