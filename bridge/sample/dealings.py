"""One line's dealings with the contact center: calls through menu and queue, tickets, and what each does to strain."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Literal

from msgspec import Struct, field

from bridge.sample import names, words
from bridge.sample.people import Unit
from bridge.sample.records import Call, Case, Person
from bridge.sample.world import World, moment

Kind = Literal["question", "problem", "complaint", "cancellation"]

_MENUS: dict[str, tuple[tuple[str, ...], str]] = {
    "outage": (("störung", "internet"), "technik"),
    "trouble": (("störung", "internet"), "technik"),
    "onboarding": (("störung", "neuer anschluss"), "technik"),
    "billing": (("rechnung",), "rechnung"),
    "question": (("vertrag", "sonstiges"), "service"),
    "terms": (("vertrag", "laufzeit"), "service"),
    "price": (("rechnung", "preis"), "rechnung"),
    "rival": (("vertrag", "tarifwechsel"), "service"),
    "moving": (("vertrag", "umzug"), "service"),
    "complaint": (("beschwerde",), "service"),
    "cancellation": (("vertrag", "kündigung"), "rückgewinnung"),
}
_TYPES: dict[str, Kind] = {
    "outage": "problem",
    "trouble": "problem",
    "onboarding": "problem",
    "billing": "problem",
    "complaint": "complaint",
    "cancellation": "cancellation",
}
_ALWAYS = frozenset({"complaint", "cancellation"})
"""What is put on paper even if it was said on the phone."""
_SECONDS = 95
"""Average wait in a usual week."""


class Dealings(Struct, kw_only=True):
    """What one unit's people and the contact center had with each other."""

    random: Random
    world: World
    unit: Unit
    calls: list[Call] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    mood: float = 1.0
    """1 without any strain, 0 where the fuse is through, negative beyond it."""
    strain: dict[int, float] = field(default_factory=dict)
    """Week → strain to be added then."""

    def who(self) -> Person:
        """Mostly who signed, sometimes another one of the unit."""
        persons = self.unit.persons
        return persons[0] if len(persons) == 1 or self.random.random() < 0.7 else self.random.choice(persons[1:])

    def hurt(self, week: int, amount: float) -> None:
        """Let strain come up (or, below 0, go down) in `week`."""
        self.strain[week] = self.strain.get(week, 0.0) + amount

    def raise_topic(self, week: int, topic: str, *, weeks: int = 0, urgent: bool = False) -> Case | None:
        """Somebody calls or writes in `week`; the matter takes `weeks` more to be settled. The ticket, if any."""
        day = self.day(week)
        person = self.who()
        elder = self.unit.temper.age > 60
        phones = person.phone is not None and self.random.random() < (0.8 if elder else 0.62)
        if phones:
            self.call(week, moment(self.random, day), person, topic)
        if phones and weeks == 0 and topic not in _ALWAYS and self.random.random() < 0.85:
            return None  # settled on the phone, without a ticket
        return self._ticket(week, day, person, topic, weeks, urgent)

    def day(self, week: int) -> date:
        """A working day of `week`."""
        day = self.world.day(week, self.random.randrange(7))
        return day - timedelta(days=1) if day.weekday() == 6 and day > self.world.start else day

    def call(self, week: int, started: datetime, person: Person, topic: str) -> None:
        """One call, and often a second one if they had to give up waiting."""
        random, load = self.random, self.world.load[week]
        wait = int(random.expovariate(1 / (_SECONDS * load * load)))
        patience = int(60 + random.expovariate(1 / (500 + 150 * self.unit.temper.fuse)))
        menu, queue = _MENUS[topic]
        begin = started + timedelta(seconds=random.randrange(20, 60))
        if wait > patience:
            self._log(person, started, None, begin + timedelta(seconds=patience), patience, menu, queue)
            self.hurt(week, 0.4)
            if random.random() < 0.5:
                self.call(week, started + timedelta(seconds=random.randrange(900, 7200)), person, topic)
            return
        answered = begin + timedelta(seconds=wait)
        talked = timedelta(seconds=int(90 + random.expovariate(1 / 280)))
        self._log(person, started, answered, answered + talked, wait, menu, queue)
        self.hurt(week, max(0.0, wait - 240) / 60 * 0.06)

    def _log(
        self,
        person: Person,
        started: datetime,
        answered: datetime | None,
        ended: datetime,
        wait: int,
        menu: tuple[str, ...],
        queue: str,
    ) -> None:
        withheld = self.random.random() < 0.04
        self.calls.append(
            Call(
                id=f"A{self.unit.persons[0].id}-{len(self.calls)}",
                customer_id=None if withheld else person.id,
                phone=None if withheld else person.phone,
                our_number=names.SALES_LINE if queue == "rückgewinnung" else names.HOTLINE,
                started=started,
                answered=answered,
                ended=ended,
                wait_seconds=wait,
                abandoned=answered is None,
                menu_path=menu,
                queue=queue,
            )
        )

    def _ticket(self, week: int, day: date, person: Person, topic: str, weeks: int, urgent: bool) -> Case:
        random = self.random
        kind: Kind = _TYPES.get(topic, "question")
        opened = moment(random, day)
        reply = opened + timedelta(hours=random.lognormvariate(1.9, 0.9) * self.world.load[week])
        settled = max(reply, opened + timedelta(days=weeks * 7 + random.random() * 4))
        reopened = int(kind in ("problem", "complaint") and random.random() < 0.11)
        if reopened:
            settled += timedelta(days=4 + random.expovariate(1 / 5))
            self.hurt(week + weeks + 1, 0.7)
        until = moment(random, self.world.today - timedelta(days=1))
        done = settled < until
        subject, text = words.case(random, topic, person.language)
        case = Case(
            id=f"T{self.unit.persons[0].id}-{len(self.cases)}",
            customer_id=person.id,
            user_id=f"U{person.id}",
            type=kind,
            subject=subject,
            text=text,
            opened=opened,
            status=_status(random, done, reply < until, until - settled > timedelta(days=28)),
            priority="urgent" if urgent else random.choices(("low", "normal", "high"), (10, 70, 20))[0],
            first_reply=reply if reply < until else None,
            settled=settled if done else None,
            reopened=reopened if settled - timedelta(days=3) < until else 0,
            score=self._rating() if done else None,
            repeated=random.random() < 0.04,
            late=random.random() < 0.05,
        )
        self.cases.append(case)
        return case

    def _rating(self) -> Literal["good", "bad"] | None:
        """One in six rates, the angry more often than the content."""
        if self.random.random() > (0.14 if self.mood > 0.3 else 0.3):
            return None
        return "good" if self.random.random() < 0.15 + 0.75 * max(0.0, self.mood) else "bad"


def _status(
    random: Random, done: bool, replied: bool, long_ago: bool
) -> Literal["new", "open", "waiting", "resolved", "closed"]:
    if done:
        return "closed" if long_ago else "resolved"
    if not replied:
        return "new"
    return "waiting" if random.random() < 0.35 else "open"
