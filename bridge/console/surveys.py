"""`/v1/surveys`: which surveys there are, whom the next tranche would ask and why no more, and what came of it.

Nothing in it is of a single customer.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from bridge.acting.occasions import problem_of
from bridge.acting.survey_sizes import CellSize, Sizes, Tranche, preview, tranche_of
from bridge.automation.loop_rules import TEAM
from bridge.automation.register import paused
from bridge.automation.survey_register import switch_survey
from bridge.automation.surveys import Plan, armed_of
from bridge.errors import NotFound
from bridge.flow import Desk
from bridge.gateway.endpoint import Call
from bridge.reports.surveys import SurveyResults, survey_results
from bridge.store import micros

MOST_ASSESSED: Final = 400
"""A preview looks at no more of those who came up, and no longer than MOST_SECONDS: it is asked for while callers wait.
`Next.whole` says whether it had to stop."""
MOST_SEEN: Final = 20_000
MOST_SECONDS: Final = 3.0
RESULTS: Final = timedelta(days=365)
_TRANCHES: Final = 14
Mode = Literal["off", "dry", "on"]


class SizedOwner(Struct, kw_only=True):
    """Whoever would have to react to bad answers, and how many of their customers may be asked because of that."""

    owner: str
    title: dict[str, str]
    ready: int
    """Customers who came up and may be asked."""
    asked: float
    """Invitations to expect."""
    free: float
    """So many more loops they can work on, less the bad answers to expect from invitations under way."""
    expected: float
    """Bad answers to expect from this tranche."""
    waits: bool
    """They have no time: their customers wait."""


class SizedStratum(Struct, kw_only=True):
    """One value tier and risk band in a tranche."""

    tier: str
    band: str
    ready: int
    asked: float
    propensity: float | None
    """Probability of an invitation, over all owners; None where all of them wait."""


class Sizing(Struct, kw_only=True):
    """A tranche: how many came up and may be asked, how many are asked, and what sets the limit."""

    ready: int
    asked: float
    most: int
    """The plan's own limit for a day."""
    owners: list[SizedOwner]
    strata: list[SizedStratum]


class Next(Struct, kw_only=True):
    """The tranche that would be drawn now. `whole` False: it would be larger; only the first of those who come up were
    looked at, as many as can be while callers wait (see docs/SURVEYS.md)."""

    sizing: Sizing
    came_up: int
    """So many of them were looked at."""
    barred: dict[str, int]
    """Reason → customers who came up and may not be asked."""
    whole: bool


class Held(Struct, kw_only=True):
    """A tranche of the past, or the one that is being held."""

    day: date
    mode: Mode
    stage: str
    ready: int
    asked: float
    owners_without_time: list[str]


class Survey(Struct, kw_only=True):
    """One plan. `problem`: why nobody can be invited as things are set up (no_source)."""

    id: str
    title: dict[str, str]
    metric: str
    mode: Mode
    live_since: datetime | None
    problem: str | None
    purpose: str
    by: str
    """survey (the survey system invites) or message (an e-mail of ours)."""
    when: dict[str, Any]
    delay_hours: float
    invited: int
    answered: int
    """Of those invited within a year."""
    response_rate: float | None
    last: Held | None


class Rest(Struct, kw_only=True):
    """How rarely one customer is asked, by all surveys together (see `config/surveying.yaml`)."""

    rest_days: int
    unanswered: float
    longest_rest_days: int
    most: int
    most_days: int


class Surveys(Struct, kw_only=True):
    """All plans, and what holds for all of them."""

    surveys: list[Survey]
    paused: bool
    fatigue: Rest
    patience_days: int


class SurveyDetail(Struct, kw_only=True):
    """One plan with the tranche that would be next, the last ones, and its results of a year."""

    survey: Survey
    next: Next
    tranches: list[Held]
    results: SurveyResults


async def listing(call: Call) -> Surveys:
    """The survey plans with how they are switched and how many answered."""
    desk = call.gate.desk
    rules = desk.rules.surveying
    await desk.look_up()
    return Surveys(
        surveys=[await _survey(desk, plan, call.now) for plan in desk.rules.surveys],
        paused=await paused(desk.store),
        fatigue=Rest(**msgspec.structs.asdict(rules.fatigue)),
        patience_days=rules.patience_days,
    )


async def show(call: Call) -> SurveyDetail:
    """One plan: whom its next tranche would ask, by owner and stratum, and why no more; response by stratum; what
    customers said, as it came and weighted."""
    desk = call.gate.desk
    await desk.look_up()
    plan = _find(desk, call.path["id"])
    coming = await preview(desk, plan, call.now, most=MOST_ASSESSED, furthest=MOST_SEEN, seconds=MOST_SECONDS)
    rows = await desk.store.all("surveys.tranches_of", plan=plan.id, most=_TRANCHES)
    return SurveyDetail(
        survey=await _survey(desk, plan, call.now),
        next=Next(
            sizing=sizing_of(desk, coming.sizes), came_up=coming.came_up, barred=coming.barred, whole=coming.whole
        ),
        tranches=[_held(desk, tranche_of(row)) for row in rows],
        results=await survey_results(desk, since=call.now - RESULTS, until=call.now, plan=plan.id),
    )


async def switch(call: Call) -> Survey:
    """Switch a plan `on`, `off`, or to a `dry` run, in which everything is done but sending. What is under way in
    another mode stops."""
    desk = call.gate.desk
    plan, mode = _find(desk, call.path["id"]), call.path["mode"]
    if mode not in ("on", "off", "dry"):
        raise NotFound("a survey is switched on, off or dry")
    await switch_survey(desk.store, plan, mode, by=call.who.actor, now=call.now)
    await desk.look_up()
    return await _survey(desk, plan, call.now)


def _find(desk: Desk, id: str) -> Plan:
    found = next((one for one in desk.rules.surveys if one.id == id), None)
    if found is None:
        raise NotFound("there is no survey plan of that id")
    return found


async def _survey(desk: Desk, plan: Plan, now: datetime) -> Survey:
    armed = armed_of(plan, desk.armed)
    when = msgspec.to_builtins(plan.file.when)
    row = await desk.store.one("surveys.last_tranche", plan=plan.id)
    ((invited, answered),) = await desk.store.all("surveys.response", plan=plan.id, since=micros(now - RESULTS))
    return Survey(
        id=plan.id,
        title=plan.file.title,
        metric=plan.file.metric,
        mode="off" if armed is None else armed.mode,
        live_since=None if armed is None else armed.live_since,
        problem=problem_of(desk, plan),
        purpose=plan.file.purpose,
        by="message" if plan.file.invite.message is not None else "survey",
        when={name: value for name, value in when.items() if name != "delay"},
        delay_hours=plan.file.when.delay.length / timedelta(hours=1),
        invited=invited,
        answered=answered or 0,
        response_rate=(answered or 0) / invited if invited else None,
        last=_held(desk, tranche_of(row)) if row else None,
    )


def _held(desk: Desk, tranche: Tranche) -> Held:
    waiting = {one.owner for one in tranche.sizes.cells if one.propensity is None}
    return Held(
        day=date.fromisoformat(tranche.day),
        mode=msgspec.convert(tranche.mode, type=Mode),
        stage=tranche.stage,
        ready=tranche.sizes.ready,
        asked=tranche.sizes.asked,
        owners_without_time=sorted(waiting),
    )


def sizing_of(desk: Desk, sizes: Sizes) -> Sizing:
    """`sizes` by owner and by stratum."""
    owners: dict[str, list[CellSize]] = {}
    strata: dict[tuple[str, str], list[CellSize]] = {}
    for cell in sizes.cells:
        owners.setdefault(cell.owner, []).append(cell)
        strata.setdefault((cell.tier, cell.band), []).append(cell)
    return Sizing(
        ready=sizes.ready,
        asked=sizes.asked,
        most=sizes.most,
        owners=[_owner(desk, sizes, owner, cells) for owner, cells in sorted(owners.items())],
        strata=[_stratum(tier, band, cells) for (tier, band), cells in sorted(strata.items(), key=_rank)],
    )


def _owner(desk: Desk, sizes: Sizes, owner: str, cells: list[CellSize]) -> SizedOwner:
    queue = desk.rules.loops.file.queues.get(owner)
    usual = {"de": "Team", "en": "Team"} if owner == TEAM else {"de": owner, "en": owner}
    return SizedOwner(
        owner=owner,
        title=usual if queue is None else queue.title,
        ready=sum(one.ready for one in cells),
        asked=_asked(cells),
        free=max(0.0, sizes.free.get(owner, 0.0) - sizes.in_flight.get(owner, 0.0)),
        expected=sum(one.expected * (one.propensity or 0.0) for one in cells),
        waits=all(one.propensity is None for one in cells),
    )


def _stratum(tier: str, band: str, cells: list[CellSize]) -> SizedStratum:
    ready = sum(one.ready for one in cells)
    waits = all(one.propensity is None for one in cells)
    return SizedStratum(
        tier=tier, band=band, ready=ready, asked=_asked(cells), propensity=None if waits else _asked(cells) / ready
    )


def _asked(cells: list[CellSize]) -> float:
    return sum(one.ready * (one.propensity or 0.0) for one in cells)


_TIERS: Final = ("platinum", "gold", "silver", "bronze", "unknown")
_BANDS: Final = ("critical", "high", "medium", "low", "unknown")


def _rank(one: tuple[tuple[str, str], Any]) -> tuple[int, int]:
    tier, band = one[0]
    return _TIERS.index(tier), _BANDS.index(band)
