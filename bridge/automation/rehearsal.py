"""What a rehearsal of automations asks for and answers: a customer's past, the stage, runs as they would have gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from bridge.automation.gates import Reason, Sent
from bridge.automation.messages import LINKS
from bridge.automation.ordering import Matter, Office, Order, order
from bridge.automation.preview import ExampleStep
from bridge.automation.rules import Act, Automation
from bridge.facts import Fact
from bridge.model import Channel
from bridge.playbook.situation import Situation

_ANYTHING: Final = frozenset(
    ("send_email", "send_sms", "schedule_callback", "invite_survey", "create_ticket", "create_task", "add_note")
)
_SOMEWHERE: Final = dict.fromkeys(LINKS, "https://example.org/")
_SCORED: Final = ("risk.", "value.", "signal")


class Past(Protocol):
    """One customer's past, as it was known at each moment."""

    @property
    def customer(self) -> str: ...
    @property
    def sent(self) -> Sequence[Sent]:
        """Messages that really went out, but for those of the automations that are rehearsed."""
        ...

    @property
    def responded(self) -> Sequence[datetime]:
        """When links of messages were used."""
        ...

    @property
    def closed(self) -> Sequence[datetime]:
        """When loops were closed."""
        ...

    @property
    def own_tickets(self) -> frozenset[str]:
        """Tickets that automations opened, as `source/ticket/id`."""
        ...

    def situation(self, at: datetime, scored: bool) -> Situation | None:
        """None for who was not known then."""
        ...

    def opted_out(self, at: datetime) -> frozenset[Channel]: ...
    def apologised(self, at: datetime) -> datetime | None: ...
    def granted(self, at: datetime) -> Mapping[str, datetime]: ...


class Purse(Protocol):
    """Whether a budget has room: asked before each step that costs something."""

    def room(self, rule: Automation, run: str, step: int, minor: int, at: datetime) -> bool: ...


class Stage:
    """What all customers have in common: the office as it is, and until when."""

    def __init__(self, office: Office, until: datetime) -> None:
        self.office, self.until = msgspec.structs.replace(office, links=_SOMEWHERE), until
        self.missing: dict[tuple[str, int], Office] = {}
        """Steps (automation and place) that no source can do today: done as if one could."""
        self._scored: dict[str, bool] = {}

    def scored(self, rule: Automation) -> bool:
        """See `asks_scores`."""
        if rule.version not in self._scored:
            self._scored[rule.version] = asks_scores(rule)
        return self._scored[rule.version]

    def order(self, matter: Matter, step: int, act: Act, situation: Situation, at: datetime) -> Order | Reason:
        """As `ordering.order`, with somebody who can do it, and with every link."""
        place = (matter.rule.id, step)
        if place not in self.missing:
            ordered = order(matter, act, situation, self.office, at)
            if ordered != "no_source":
                return ordered
            policy = msgspec.structs.replace(self.office.policy, through={})
            sources = {act.form.through or "any": _ANYTHING}
            self.missing[place] = msgspec.structs.replace(self.office, policy=policy, sources=sources)
        return order(matter, act, situation, self.missing[place], at)


class Spent(NamedTuple):
    """Money that a step cost, or, negative, that came back."""

    at: datetime
    run: str
    step: int
    minor: int


class Reached(NamedTuple):
    """A step that was done. `channel` is "" where it reached no customer."""

    at: datetime
    step: int
    channel: str
    cost: int


class Rehearsed(Struct, kw_only=True):
    """One run as it would have gone. `state` as runs have it; `lost_to` are other automations because of whose
    messages a step was left out."""

    id: str
    automation: str
    customer: str
    fact: Fact
    begun_at: datetime | None = None
    state: str = "waiting"
    reason: str = ""
    steps: list[ExampleStep] = msgspec.field(default_factory=list)
    done: list[Reached] = msgspec.field(default_factory=list)
    asked: list[Spent] = msgspec.field(default_factory=list)
    """What steps would have cost that came so far, whether the budget had room or not; negative: it came back."""
    lost_to: list[str] = msgspec.field(default_factory=list)
    supposed: bool = False
    """What the customer's own record says was not known by then: that of today counted."""


def asks_scores(rule: Automation) -> bool:
    """Whether risk, value or signals are asked for by what `rule` does once it is set off."""
    conditions = [rule.file.condition, *(step.stop_if for step in rule.file.do)]
    return any(name.startswith(_SCORED) for one in conditions for name in names_in(one))


def names_in(condition: Any) -> Iterable[str]:
    """Every name that a condition asks for."""
    if isinstance(condition, dict):
        for name, inner in condition.items():
            yield str(name)
            yield from names_in(inner)
    elif isinstance(condition, list | tuple):
        for one in condition:
            yield from names_in(one)
