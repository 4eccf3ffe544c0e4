"""Surveys: who is asked, who answers, and what the answer is worth.

Silence is not chance: the hurt who have a voice answer more often than others, those who drift away hardly ever.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random

from msgspec import Struct, field

from bridge.sample import words
from bridge.sample.people import Temper
from bridge.sample.records import Cause, Person, Survey
from bridge.sample.world import World, moment

NPS_EVERY = 39
"""Weeks between two NPS invitations to one line: survey in tranches that somebody can answer."""
_FIRST_YEAR = timedelta(days=400)


def recommend(random: Random, mood: float, temper: Temper) -> int:
    """From 0 to 10, whether they would recommend us, whoever asks."""
    return round(min(10, max(0, random.gauss(4.0 + 3.7 * mood + 1.6 * temper.roots, 1.9))))


class Asking(Struct, kw_only=True):
    """The surveys of one unit."""

    random: Random
    world: World
    temper: Temper
    surveys: list[Survey] = field(default_factory=list)

    def nps(self, day: date, person: Person, mood: float, *, drifting: bool) -> None:
        """Would they recommend us? `mood` is 1 without strain, 0 at the end of the fuse, negative beyond."""
        willing = 0.02 if drifting else 0.09 + 0.38 * self.temper.voice if mood < 0.25 else 0.15 + 0.12 * max(0, mood)
        score = recommend(self.random, mood, self.temper)
        self._ask("nps", day, person, willing, score, "good" if score > 8 else "middling" if score > 6 else "bad")

    def csat(self, day: date, person: Person, mood: float) -> None:
        """How was the service just now?"""
        willing = 0.24 if mood > 0.25 else 0.18 + 0.3 * self.temper.voice
        score = round(min(5, max(1, self.random.gauss(2.6 + 1.8 * max(-0.8, mood), 0.8))))
        self._ask("csat", day, person, willing, score, "good" if score > 3 else "middling" if score > 2 else "bad")

    def exit(self, day: date, person: Person, cause: Cause) -> None:
        """Why did you leave, and what drove you from others before? Some give the polite reason."""
        if cause is Cause.death:
            return
        told = cause if self.random.random() < 0.8 else self.random.choice((Cause.price, Cause.moving))
        sent = moment(self.random, day)
        answered = self._answered(sent, 0.2 + (0.15 if cause in (Cause.service, Cause.price) else 0.0))
        self.surveys.append(
            Survey(
                id=self._id(person),
                customer_id=person.id,
                metric="exit",
                sent=sent,
                answered=answered,
                reason_for_leaving=words.REASONS[told] if answered else None,
                left_others_because=self.random.choice(words.BEFORE)
                if answered and self.random.random() < 0.4
                else None,
            )
        )

    def _ask(self, metric: str, day: date, person: Person, willing: float, score: int, mood: str) -> None:
        if person.email is None:
            return
        sent = moment(self.random, day)
        answered = self._answered(sent, willing)
        if answered is None and self.world.today - day > _FIRST_YEAR:
            return  # the survey tool keeps an invitation without an answer for a year
        writes = answered is not None and self.random.random() < (0.5 if mood == "bad" else 0.25)
        self.surveys.append(
            Survey(
                id=self._id(person),
                customer_id=person.id,
                metric="nps" if metric == "nps" else "csat",
                sent=sent,
                answered=answered,
                score=score if answered else None,
                felt=score,
                comment=words.comment(self.random, mood, person.language) if writes else None,
            )
        )

    def _answered(self, sent: datetime, willing: float) -> datetime | None:
        if self.random.random() >= willing:
            return None
        answered = sent + timedelta(hours=self.random.expovariate(1 / 20))
        return answered if answered.date() < self.world.today else None

    def _id(self, person: Person) -> str:
        return f"S{person.id}-{len(self.surveys)}"
