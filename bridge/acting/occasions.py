"""When customers come up for a survey, and whether they may be asked then: page by page, for a tranche or a preview."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Final, Literal

from msgspec import Struct

from bridge.acting.approaching import Known, office_of, person_of, read_known
from bridge.acting.linking import can_link
from bridge.automation.dated import dated_facts
from bridge.automation.gates import judge
from bridge.automation.loop_rules import OpenerForm
from bridge.automation.messages import language_of
from bridge.automation.ordering import Matter, Order, order
from bridge.automation.survey_forms import BAD_SHARE
from bridge.automation.survey_links import WORD, fill_link
from bridge.automation.surveys import Plan, comes_up, fact_cause, occasion_id, round_cause
from bridge.automation.tranches import Past, Ready, bad_probability, shrunk, tired
from bridge.automation.triggering import matches
from bridge.facts import Fact, FactKind, Origin
from bridge.flow.concluding import fact_of
from bridge.flow.desk import Desk
from bridge.flow.gathering import makeups, views
from bridge.flow.looping import owner_of
from bridge.model import SurveyMetric
from bridge.scoring.mood import read_row
from bridge.scoring.result import PredictedMood, Scores
from bridge.scoring.view import View
from bridge.store import Unit, instant, micros

PAGE: Final = 200
LATE: Final = timedelta(minutes=10)
"""So much of the time before is looked at again: what another process was still writing then."""
FURTHEST: Final = timedelta(days=7)
"""What came up longer ago is not made up for after nobody was at work."""
REMEMBERED: Final = timedelta(days=365)
"""For so long answers are counted with for those who are asked next."""
UNKNOWN: Final = ("unknown", "unknown")
Problem = Literal["no_source"]


class CameUp(Struct, frozen=True, kw_only=True):
    """One customer who came up."""

    id: str
    customer: str
    cause: str
    """The record that it is about, or ""."""
    at: datetime


class Looked(Struct, frozen=True, kw_only=True):
    """One page of looking: who came up, and where to go on; None at the end."""

    found: list[CameUp]
    next: str | None
    seen: int


class Assessed(Struct, frozen=True, kw_only=True):
    """Whether somebody who came up may be asked: `ready`, or the reason why not."""

    came_up: CameUp
    customer: str
    """What the customer is called by now."""
    ready: Ready | None
    reason: str = ""


class Usual(Struct, frozen=True, kw_only=True):
    """What invitations of a plan brought so far, drawn to what was expected where they are few."""

    answers: float
    bad: float
    strata: Mapping[tuple[str, str], tuple[float, float]] = {}

    def of(self, tier: str, band: str) -> tuple[float, float]:
        """Share that answers, share of bad answers among these."""
        return self.strata.get((tier, band), (self.answers, self.bad))


def problem_of(desk: Desk, plan: Plan) -> Problem | None:
    """Why nobody can be invited at all, as things are set up; None when all is well."""
    named = plan.file.invite.through or desk.rules.outreach.through.get(plan.act.do)
    able = [one for one, adapter in desk.registry.sources.items() if plan.act.do in adapter.manifest.capabilities]
    return None if (named in able if named else len(able) == 1) else "no_source"


async def look(
    desk: Desk,
    plan: Plan,
    after: datetime,
    until: datetime,
    position: str,
    now: datetime,
    live_since: datetime | None,
    page: int = PAGE,
) -> Looked:
    """Who came up after `after` up to `until`, among the `page` customers or facts behind `position` ("" the first).

    Only news counts: facts of after `live_since`, when the plan was switched on (None: for a preview, any), known by a
    live source.
    """
    if plan.by_fact and plan.occasion is not None:
        return await _facts(desk, plan, plan.occasion.kind, after, until, position, live_since, page)
    customers = [str(row[0]) for row in await desk.store.all("customers.after", after=position, most=page)]
    following = customers[-1] if len(customers) == page else None
    zone = desk.rules.outreach.zone
    first, last = after.astimezone(zone).date(), until.astimezone(zone).date()
    found = []
    if plan.occasion is None:
        days = [first + timedelta(days=ahead) for ahead in range(1, (last - first).days + 1)]
        for customer in customers:
            day = next((day for day in days if comes_up(plan, customer, day)), None)
            if day is not None:
                cause = round_cause(plan, customer, day)
                found.append(CameUp(id=occasion_id(plan, cause), customer=customer, cause="", at=_begin(day)))
        return Looked(found=found, next=following, seen=len(customers))
    delay = plan.file.when.delay.length
    known = await views(desk.store, Unit(), await makeups(desk.store, customers), {}, desk.rules.identity)
    for view in known.values():
        if view.profiles and all(desk.live_since.get(one.source) is not None for one in view.profiles):
            late = (after - delay).astimezone(zone).date(), (until - delay).astimezone(zone).date()
            found += [
                _from_fact(plan, fact)
                for fact in dated_facts([plan.occasion], view, *late, zone, now)
                if matches(plan.occasion, fact)
            ]
    return Looked(found=found, next=following, seen=len(customers))


async def _facts(
    desk: Desk,
    plan: Plan,
    kind: FactKind,
    after: datetime,
    until: datetime,
    position: str,
    live_since: datetime | None,
    page: int,
) -> Looked:
    delay = plan.file.when.delay.length
    at, _, last = position.partition(" ")
    begin = after - delay - LATE
    rows = await desk.store.all(
        "surveys.facts_between",
        kind=kind.value,
        after_at=micros(begin),
        until_at=micros(until - delay),
        from_at=int(at or micros(begin)),
        after=last,
        most=page,
    )
    facts = [fact_of(row) for row in rows]
    found = [_from_fact(plan, one) for one in facts if _counts(desk, plan, one, until, live_since)]
    following = f"{rows[-1][4]} {rows[-1][0]}" if len(rows) == page else None
    return Looked(found=found, next=following, seen=len(rows))


def _counts(desk: Desk, plan: Plan, fact: Fact, until: datetime, live_since: datetime | None) -> bool:
    if plan.occasion is None or not matches(plan.occasion, fact) or fact.origin is not Origin.live:
        return False
    source = fact.cause.partition("/")[0]
    since = desk.live_since.get(source) if source in desk.live_since else fact.occurred_at
    if since is None or fact.occurred_at < since or (live_since is not None and fact.occurred_at < live_since):
        return False
    return until - fact.occurred_at <= plan.file.when.delay.length + FURTHEST


def _from_fact(plan: Plan, fact: Fact) -> CameUp:
    at = max(fact.occurred_at + plan.file.when.delay.length, fact.known_at if plan.by_fact else fact.occurred_at)
    return CameUp(id=occasion_id(plan, fact_cause(fact.kind, fact.id)), customer=fact.customer, cause=fact.cause, at=at)


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc)


async def read_usual(desk: Desk, plan: Plan, now: datetime) -> Usual:
    """What the plan's invitations brought within the last year."""
    by_share = plan.file.bad is None and plan.file.metric in ("csat", "ces")
    bad = -1.0 if by_share else 1e9 if plan.bad is None else plan.bad
    over = now - timedelta(days=desk.rules.surveying.answer_days)
    rows = await desk.store.all(
        "surveys.rates",
        plan=plan.id,
        bad=bad,
        share=BAD_SHARE if by_share else -1.0,
        since=micros(now - REMEMBERED),
        over=micros(over),
    )
    invited, answered, bad_ones = (sum(row[place] or 0 for row in rows) for place in (2, 3, 4))
    expect = plan.file.expect
    answers, badly = shrunk(answered, invited, expect.answers), shrunk(bad_ones, answered, expect.bad)
    strata = {
        (tier, band): (shrunk(came, sent, answers), shrunk(wrong or 0, came, badly))
        for tier, band, sent, came, wrong in rows
    }
    return Usual(answers=answers, bad=badly, strata=strata)


async def assess(
    desk: Desk, plan: Plan, usual: Usual, came_up: Sequence[CameUp], taken: Collection[str], now: datetime
) -> list[Assessed]:
    """Whether each of `came_up` may be asked. `taken` are customers who have come up in this tranche already."""
    known = await read_known(desk, {one.customer for one in came_up}, now)
    found: list[Assessed] = []
    seen = set(taken)
    for one in came_up:
        here = known.get(one.customer)
        view = here.situation.view if here is not None else None
        scores = here.situation.scores if here is not None else None
        if here is None or view is None or scores is None:
            found.append(Assessed(came_up=one, customer=one.customer, ready=None, reason="customer_gone"))
            continue
        reason = "asked_lately" if here.customer in seen else await _against(desk, plan, one, here, view, now)
        ready = None if reason else _ready(desk, plan, usual, one, view, scores)
        if ready is not None:
            seen.add(here.customer)
        found.append(Assessed(came_up=one, customer=here.customer, ready=ready, reason=reason))
    return found


async def _against(desk: Desk, plan: Plan, one: CameUp, known: Known, view: View, now: datetime) -> str:
    """Why the customer may not be asked; "" when nothing speaks against it."""
    if not plan.who(known.situation.facts):
        return "condition"
    rules = desk.rules.surveying
    if (reason := tired(await _past(desk, known, view), rules.fatigue, rules.answer_days, now)) is not None:
        return reason
    policy = desk.rules.outreach
    person = await person_of(desk, Unit(), known, plan.rule, now)
    verdict = judge(plan.rule, plan.act, person, policy, now, cause=one.cause)
    if not verdict.go and verdict.until is None:
        return verdict.reason or ""
    matter = Matter(rule=plan.rule, run=one.id, cause=one.cause, fact={}, occurred_at=now)
    words = survey_words(desk, matter, known, now)
    if plan.file.invite.link and not words:
        return "no_link"
    if can_link(desk.settings):
        words["unsubscribe_link"] = "https://-"
    office = office_of(desk, words)
    ordered = order(matter, plan.act, known.situation, office, now)
    return "" if isinstance(ordered, Order) else ordered


def survey_words(desk: Desk, matter: Matter, known: Known, now: datetime) -> dict[str, str]:
    """The link that the invitation of a plan names; none for what is no plan's, or where it would lead nowhere."""
    plan = next((one for one in desk.rules.surveys if one.rule.id == matter.rule.id), None)
    view = known.situation.view
    if plan is None or view is None or not plan.file.invite.link:
        return {}
    language = language_of(view.customer.language, desk.rules.outreach)
    link = fill_link(plan.file.invite.link, view, run=matter.run, language=language, now=now)
    return {} if link is None else {WORD: link}


async def _past(desk: Desk, known: Known, view: View) -> list[Past]:
    """Every invitation there is on record: ours, those of automations, and those that survey systems tell of."""
    rows = await desk.store.all("surveys.invited_before", customers=known.before)
    mine = [Past(instant(at), answered is not None) for at, answered in rows]
    theirs = [
        Past(one.record.sent, one.record.answered is not None)
        for one in view.surveys
        if one.record.sent is not None and one.record.metric is not SurveyMetric.review
    ]
    return [*mine, *theirs]


def _ready(desk: Desk, plan: Plan, usual: Usual, one: CameUp, view: View, scores: Scores) -> Ready:
    objects = view.customer.objects_to_profiling
    tier, band = UNKNOWN if objects else (scores.value.tier.value, scores.risk.band.value)
    answers, bad = usual.of(tier, band)
    return Ready(
        occasion=one.id,
        owner=owner_of(desk, view, _opener(desk, plan)),
        tier=tier,
        band=band,
        bad=bad_probability(None if objects else _mood(desk, plan, view, scores), plan.bad, bad),
        answers=answers,
    )


def _opener(desk: Desk, plan: Plan) -> OpenerForm | None:
    """By what a loop opens on a bad answer: whose it is may stand there."""
    said = {"metric": plan.file.metric, "score": plan.bad, "scale": 10.0 if plan.file.metric == "nps" else 5.0}
    opener = desk.rules.loops.opener_for(FactKind.survey_answered, said)
    return None if opener is None else opener.form


def _mood(desk: Desk, plan: Plan, view: View, scores: Scores) -> PredictedMood | None:
    scorer = desk.fitted.mood
    if scorer is None or scorer.model.metric != plan.file.metric:
        return None
    return scorer.predict(read_row(view, scores.signals, desk.rules.deciding.card.file.value.currency))
