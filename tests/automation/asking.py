"""A desk on which survey plans are in use, and what brings customers up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from bridge.acting.survey_sizes import Tranche, tranche_of
from bridge.acting.surveying import survey_once
from bridge.adapter.base import Item
from bridge.adapter.client import Client
from bridge.automation.loop_rules import LoopRules, LoopsFile, Queue
from bridge.automation.survey_forms import SurveyFile, SurveyingFile
from bridge.automation.survey_register import adopt_surveys
from bridge.automation.surveys import Plan, compile_plan
from bridge.flow import Desk
from bridge.store import Store
from tests.automation.mailing import TUESDAY, make_office, people, tell, work
from tests.desks import stamp, ticket
from tests.dump import query

DAY = timedelta(days=1)
WEDNESDAY = TUESDAY + DAY + timedelta(hours=1)
AFTER: dict[str, Any] = {
    "id": "after",
    "title": {"de": "Danach", "en": "Afterwards"},
    "metric": "csat",
    "when": {"after": "ticket.resolved", "delay": {"days": 1}},
    "invite": {"survey": "csat", "through": "hook"},
    "purpose": "service",
    "mode": "on",
}


def plan(**changes: Any) -> Plan:
    """The survey after a ticket with `changes`."""
    return compile_plan(msgspec.convert(AFTER | changes, SurveyFile), "test")


async def open_office(
    store: Store, folder: Path, *plans: Plan, limit: int = 30, now: datetime = TUESDAY, **surveying: Any
) -> Desk:
    """A live desk on which `plans` are in use; the team can work on `limit` loops at a time."""
    desk = await make_office(store, folder, now=now)
    team = Queue(title={"de": "Team", "en": "Team"}, limit=limit)
    desk.rules = msgspec.structs.replace(
        desk.rules,
        surveys=plans,
        surveying=SurveyingFile(**surveying),
        loops=LoopRules(file=LoopsFile(queues={"team": team})),
    )
    await adopt_surveys(store, plans, now - DAY)
    await desk.look_up()
    return desk


async def hold(desk: Desk, clients: Callable[[str], Client], now: datetime) -> None:
    """Hold all tranches that are due at `now`, and send what they invite."""
    while await survey_once(desk, now):
        pass
    await work(desk, clients, now)


async def resolve(desk: Desk, count: int, at: datetime = TUESDAY) -> None:
    """Customers 1 to `count` have one ticket each, which is resolved at `at`."""
    await tell(desk, [*people(count), *(ticket(100 + n, n, at=at - DAY) for n in range(1, count + 1))], at - DAY)
    await tell(desk, [ticket(100 + n, n, at=at, status="solved") for n in range(1, count + 1)], at)


def rating(number: int, customer: int, score: str, at: datetime) -> Item:
    """What a customer says of their ticket, as the helpdesk exports it."""
    said = {"id": number, "score": score, "requester_id": customer, "ticket_id": 100 + customer, "comment": None}
    return Item(object="satisfaction_rating", raw=said | {"created_at": stamp(at), "updated_at": stamp(at)})


async def states(url: str) -> dict[str, int]:
    """State (and reason) → how many occasions are in it."""
    rows = await query(url, "select state, reason, count(*) from survey_occasions group by 1, 2 order by 1, 2")
    return {f"{state} {reason}".strip(): count for state, reason, count in rows}


async def tranches(store: Store, plan: Plan) -> list[Tranche]:
    """The plan's tranches, newest first."""
    return [tranche_of(row) for row in await store.all("surveys.tranches_of", plan=plan.id, most=99)]
