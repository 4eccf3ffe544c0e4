"""What an automation would have done in a period of the past: the answer of a preview, as it is sent.

Counts are of runs, steps or customers as their names say. Where only a part of the customers could be looked at in the
time there was (`estimated`), every count and amount is scaled up to all of them; examples are never made up.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

from msgspec import Struct

Result = Literal["done", "refused", "postponed", "waits", "stopped"]


class Period(Struct, frozen=True, kw_only=True):
    """From `since` on, before `until`."""

    since: datetime
    until: datetime

    @property
    def days(self) -> int:
        return round((self.until - self.since) / timedelta(days=1))


class Reason(Struct, frozen=True, kw_only=True):
    """Why something was not done, by the names of `gates.Reason` (and `not_rolled_out`, `too_old`, `condition`,
    `stop_if`), and how often."""

    reason: str
    count: int
    customers: int


class StepDone(Struct, frozen=True, kw_only=True):
    """One step of `do`, by its place: how often it came up, was done, left out, put off, or ended the run."""

    step: int
    do: str
    """send_email …, wait, stop_if."""
    came_up: int
    done: int
    customers: int
    """Customers for whom it was done."""
    refused: tuple[Reason, ...]
    postponed: tuple[Reason, ...]
    """Put off to a better hour; counted each time."""
    stopped: int
    """Runs that a stop_if ended here."""
    cost: float


class Week(Struct, frozen=True, kw_only=True):
    """Seven days of the plot from Monday `begins` on (in the company's time zone)."""

    begins: date
    begun: int
    """Runs that began."""
    messages: int
    refused: int
    cost: float


class Month(Struct, frozen=True, kw_only=True):
    """A calendar month: `month` is 2026-11. `whole` is False where the period covers a part of it alone."""

    month: str
    messages: int
    cost: float
    whole: bool


class Exhausted(Struct, frozen=True, kw_only=True):
    """A budget period whose money did not last: from `at` on steps were left out, `refused` of them."""

    period: str
    """2026-11-22, 2026-11, 2026 or ever."""
    at: datetime
    refused: int


class Cost(Struct, frozen=True, kw_only=True):
    """What it would have cost, in whole units of `currency`."""

    currency: str
    total: float
    per_month: float
    """On average, for 30.44 days."""
    per_reached: float
    months: tuple[Month, ...]
    budget: float | None
    """Of one period of `every`; null without one."""
    every: str
    exhausted: tuple[Exhausted, ...]
    exhausted_periods: int
    """How many there were; `exhausted` names the first twelve."""


class BreakEven(Struct, frozen=True, kw_only=True):
    """From when on it pays: cost of reaching one customer against what one who is kept brings."""

    cost_each: float
    """Of reaching one customer."""
    value_each: float | None
    """Expected margin of those reached, on average, as known today; null where nobody's is known."""
    valued: int
    """Customers reached whose value is known."""
    share: float | None
    """Of those reached so many have to stay because of it; null where it never pays, or nothing is known."""
    one_in: int | None
    """The same: pays from one in so many kept; null as `share`, or where it costs nothing."""


class Conflict(Struct, frozen=True, kw_only=True):
    """Another automation in use that writes to the same customers within the caps of `config/outreach.yaml`."""

    automation: str
    title: dict[str, str]
    takes: int
    """Messages of this one that were left out because the other had written."""
    loses: int
    """Messages of the other that were left out because this one had written."""
    customers: int


class ExampleStep(Struct, frozen=True, kw_only=True):
    """What became of one step of an example. `until` is when it goes on, where it waits or was put off."""

    step: int
    do: str
    at: datetime
    result: Result
    reason: str = ""
    until: datetime | None = None


class Example(Struct, frozen=True, kw_only=True):
    """One run. `at` is when the fact happened, `state` as runs have it; `name` is filled in by who shows it."""

    customer: str
    name: str = ""
    at: datetime
    state: str
    reason: str
    steps: tuple[ExampleStep, ...]


class Note(Struct, frozen=True, kw_only=True):
    """Something to know when reading the figures. `code` is one of

    - `no_source` (at `place`): no source can do this step today; counted as if one could
    - `no_unsubscribe`: advertising e-mails need a link to unsubscribe, and there is none today; counted as if
    - `imported` (`count` runs): began before the customer was known here; consent, owner and the like of today count
    - `left_out` (`automation`): another automation in use that is not set against this one, since it needs past scores
    - `no_history`: nothing tells of such facts in the past
    - `short_history` (at `place` a date): the oldest fact of this kind is no older than that
    """

    code: str
    place: str = ""
    automation: str = ""
    count: int = 0


class Preview(Struct, frozen=True, kw_only=True):
    """What `automation` would have done from `since` until `until`."""

    automation: str
    version: str
    title: dict[str, str]
    since: datetime
    until: datetime
    days: int
    customers: int
    """There are."""
    looked_at: int
    estimated: bool
    """`looked_at` are fewer than all; counts and amounts are scaled up to all."""
    matched: int
    """Facts that set it off (`when` and `where` hold), before anything else is asked."""
    runs: int
    """Of these, those that are no second one within the window."""
    begun: int
    """Runs that began: rolled out, young enough, `if` holds, not held out."""
    held_out: int
    not_begun: tuple[Reason, ...]
    states: dict[str, int]
    """Runs by how they ended, or `waiting` where the period ended first."""
    reached: int
    """Customers who got a message (or a call) at least."""
    acted_for: int
    """Customers for whom anything was done at all, such as a task or a note."""
    messages: int
    steps: tuple[StepDone, ...]
    refused: tuple[Reason, ...]
    """Steps left out, all of them together, the most frequent reason first."""
    postponed: tuple[Reason, ...]
    cost: Cost
    break_even: BreakEven
    conflicts: tuple[Conflict, ...]
    weeks: tuple[Week, ...]
    """Every week of the period, empty ones too."""
    examples: tuple[Example, ...]
    """For whom something was done: up to fifty, newest first; empty for who may not see customers."""
    spared: tuple[Example, ...]
    """For whom nothing was done, since something spoke against it: as many, in the same order."""
    notes: tuple[Note, ...]
    seconds: float
