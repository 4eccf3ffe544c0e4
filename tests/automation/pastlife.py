"""A company's weeks, made up: what its systems tell, hour by hour, and a worker who lives through them by the clock."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from bridge.acting.sweeping import sweep_once
from bridge.adapter.base import Item
from bridge.flow import Desk
from bridge.store import instant
from tests.automation.mailing import APOLOGY, Vendor, clients_of, work
from tests.desks import drain, feed, stamp
from tests.dump import query

BEGAN = datetime(2026, 9, 1, tzinfo=timezone.utc)
MESSAGE = APOLOGY["do"][0]["send_email"]["message"]
CALL = {"schedule_callback": {"reason": {"de": "Nachfragen", "en": "Ask"}}}
WRITE = {"send_email": {"message": MESSAGE}}
SORRY = {"send_email": {"message": MESSAGE, "apology": True}}

RULES: dict[str, dict[str, Any]] = {
    "bad_nps": {
        "when": {"fact": "survey.answered", "where": {"fact.metric": "nps", "fact.score": {"at_most": 6}}},
        "while_ticket_open": "allow",
        "do": [
            SORRY,
            {"wait": {"days": 3}},
            {"stop_if": {"any": [{"since.resolved": {"at_least": 1}}, {"since.talked": True}]}},
            CALL,
        ],
        "at_most": {"times": 2, "days": 30},
        "window": 90,
    },
    "trouble": {
        "when": {"fact": "ticket.opened", "where": {"fact.type": ["complaint", "problem"]}},
        "while_ticket_open": "wait",
        "do": [SORRY, {"wait": {"hours": 30}}, CALL],
        "window": 10,
        "hold_out": 0.2,
    },
    "solved": {"when": {"fact": "ticket.resolved"}, "do": [WRITE], "roll_out": 0.7, "while_ticket_open": "refuse"},
    "again": {
        "when": {"fact": "ticket.reopened"},
        "do": [{"stop_if": {"since.resolved": {"at_least": 1}}}, WRITE, CALL],
        "max_age": {"days": 5},
        "window": 7,
    },
    "hung_up": {
        "when": {"fact": "interaction.abandoned", "where": {"fact.wait": {"at_least": 30}}},
        "do": [{"wait": {"minutes": 20}}, {"stop_if": {"since.talked": True}}, CALL],
        "while_ticket_open": "allow",
        "max_age": {"hours": 12},
        "window": 1,
        "at_most": {"times": 1, "days": 1},
    },
    "ending": {
        "when": {"fact": "contract.ending", "days": 30},
        "if": {"contract.count": {"at_least": 1}},
        "purpose": "advertising",
        "do": [WRITE, {"wait": {"days": 5}}, {"stop_if": {"since.bought": True}}, WRITE],
        "window": 60,
    },
    "silent": {"when": {"fact": "customer.inactive", "days": 12}, "do": [WRITE], "while_ticket_open": "refuse"},
    "fortnight": {"when": {"fact": "onboarding.day", "day": 14}, "do": [WRITE]},
    "tuesdays": {
        "when": {"fact": "schedule.due", "schedule": {"weekday": "tuesday"}},
        "if": {"ticket.open": {"at_least": 1}},
        "purpose": "advertising",
        "do": [WRITE],
        "while_ticket_open": "allow",
    },
    "in_danger": {
        "when": {"fact": "risk.rose", "where": {"fact.now": {"at_least": "medium"}}},
        "if": {"risk.band": {"at_least": "medium"}},
        "do": [CALL, {"add_note": {"through": "hook", "text": {"de": "Gefahr", "en": "At risk"}}}],
        "while_ticket_open": "allow",
    },
}


def told(kind: str, when: datetime, /, **data: Any) -> Item:
    """A record in the model's own words, as `hook` takes it in."""
    return Item(object=kind, raw={"type": kind, "timestamp": stamp(when), "data": data})


def person(number: int, at: datetime, **changes: Any) -> Item:
    """A customer with an e-mail address, a mobile number, and consent that can be proved."""
    known = {"id": f"u{number}", "name": f"Person {number}", "email": f"u{number}@example.org"}
    return told("customer", at, **known, phones=[_phone(number)], **changes)


def _phone(number: int) -> str:
    return f"+4930231250{number:02d}"


class Weeks:
    """What is told about `people` customers within `days`; the same for the same seed."""

    def __init__(self, seed: int, people: int, days: int) -> None:
        self._dice = random.Random(seed)
        self.ends = BEGAN + timedelta(days=days)
        self._events: list[tuple[datetime, Item]] = []
        for number in range(people):
            self._person(number)
        self.events = sorted(self._events, key=lambda one: one[0])

    def _moment(self, after: datetime = BEGAN) -> datetime:
        span = (self.ends - after) / timedelta(minutes=1)
        return after + timedelta(minutes=self._dice.randrange(1, max(2, int(span))))

    def _tell(self, when: datetime, kind: str, **data: Any) -> None:
        if when < self.ends:
            self._events.append((when, told(kind, when, **data)))

    def _person(self, number: int) -> None:
        dice = self._dice
        more: dict[str, Any] = {"consents": {"email": dice.choice(["granted", "granted", "denied", "unknown"])}}
        if dice.random() < 0.5:
            more["customer_since"] = (BEGAN + timedelta(days=dice.randrange(-20, 30))).date().isoformat()
        known = BEGAN + timedelta(minutes=dice.randrange(1, 3 * 1440))
        self._events.append((known, person(number, known, **more)))
        if dice.random() < 0.15:
            later = self._moment(known)
            gone = {"deceased": True} if dice.random() < 0.5 else {"objects_to_profiling": True}
            self._events.append((later, person(number, later, **(more | gone))))
        for name, most in (("survey", 3), ("ticket", 3), ("call", 4), ("purchase", 2), ("contract", 1)):
            for place in range(dice.randrange(most + 1)):
                getattr(self, f"_{name}")(number, f"{name}-{number}-{place}", self._moment(known))

    def _survey(self, number: int, id: str, at: datetime) -> None:
        self._tell(
            at, "nps", id=id, email=f"u{number}@example.org", score=self._dice.randrange(11), answered_at=stamp(at)
        )

    def _ticket(self, number: int, id: str, at: datetime) -> None:
        data = {"id": id, "customer_id": f"u{number}", "opened": stamp(at), "priority": "normal"}
        data["type"] = self._dice.choice(["complaint", "problem", "question"])
        self._tell(at, "ticket", **data, status="open")
        if self._dice.random() < 0.7:
            done = self._moment(at)
            self._tell(done, "ticket", **data, status="resolved", resolved=stamp(done))
            if self._dice.random() < 0.3:
                again = self._moment(done)
                self._tell(again, "ticket", **data, status="open", reopened=1)

    def _call(self, number: int, id: str, at: datetime) -> None:
        gave_up = self._dice.random() < 0.4
        wait = self._dice.randrange(10, 200)
        data = {"id": id, "phone": _phone(number), "channel": "voice", "direction": "inbound", "personal": True}
        ended = at + timedelta(minutes=4)
        self._tell(ended, "interaction", **data, state="ended", started=stamp(at), ended=stamp(ended),
                   wait_seconds=wait, abandoned=gave_up, customer_address=_phone(number))  # fmt: skip

    def _purchase(self, number: int, id: str, at: datetime) -> None:
        self._tell(at, "purchase", id=id, email=f"u{number}@example.org", at=stamp(at), amount="20.00")

    def _contract(self, number: int, id: str, at: datetime) -> None:
        ends = at.date() + timedelta(days=self._dice.randrange(20, 70))
        data = {"id": id, "customer_id": f"u{number}", "product": "Cloud M", "starts": "2025-09-01"}
        self._tell(at, "contract", **data, status="active", ends=ends.isoformat(), renewal="manual")
        if self._dice.random() < 0.4:
            later = self._moment(at)
            ended = {"status": "cancelled", "cancelled_at": later.date().isoformat()}
            moved = {"status": "active", "ends": (ends + timedelta(days=15)).isoformat()}
            self._tell(later, "contract", **(data | {"ends": ends.isoformat()} | self._dice.choice([ended, moved])))


async def live(desk: Desk, url: str, weeks: Weeks) -> Vendor:
    """Deliver everything when it happens, and let the worker do what is due at the very moment at which it is."""
    vendor, midnights = Vendor(), list(_midnights(desk, weeks))
    events = list(weeks.events)
    clients = clients_of(desk, vendor)
    while (now := await _next(url, events, midnights)) < weeks.ends:
        some = [item for at, item in events if at == now]
        events = [one for one in events if one[0] > now]
        if some:
            await feed(desk, "hook", some, now=now)
        await drain(desk, now=now)
        if midnights and midnights[0] <= now:
            midnights.pop(0)
            while await sweep_once(desk, now):
                pass
        await work(desk, clients, now)
    return vendor


async def _next(url: str, events: list[tuple[datetime, Item]], midnights: list[datetime]) -> datetime:
    some = [events[0][0]] if events else []
    some += midnights[:1]
    for sql in (
        "select min(due_at) from runs where state = 'waiting'",
        "select min(due_at) from outbox where state = 'due'",
        "select min(due_at) from customers where merged_into is null and due_at < 4000000000000000",
    ):
        ((due,),) = await query(url, sql)
        if due is not None:
            some.append(instant(due))
    return min(some, default=datetime.max.replace(tzinfo=timezone.utc))


def _midnights(desk: Desk, weeks: Weeks) -> Iterator[datetime]:
    zone = desk.rules.outreach.zone
    day = BEGAN.astimezone(zone).date() + timedelta(days=1)
    while (at := datetime.combine(day, datetime.min.time(), zone).astimezone(timezone.utc)) < weeks.ends:
        yield at
        day += timedelta(days=1)
