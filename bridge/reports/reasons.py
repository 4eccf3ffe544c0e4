"""Why customers leave, and what is said of competitors: counts of topics, never words. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import tzinfo
from typing import Final, Literal

from msgspec import Struct

from bridge.automation.weighting import worth_of
from bridge.flow.leaving import By as Told
from bridge.flow.standing import Standing
from bridge.model import SurveyMetric, SurveyResponse
from bridge.playbook.metering import Metering
from bridge.reports.groups import By, Groups, grouped, pick
from bridge.reports.months import Months
from bridge.reports.saves import Lost
from bridge.scoring.mood import highest
from bridge.scoring.phrases import Topics
from bridge.scoring.signals_topics import COMPETITOR

Origin = Literal["contract", "exit_survey", "disposition", "rhythm"]
About = Literal["drove_from_others", "praised_elsewhere"]
UNSAID: Final = "unsaid"
OTHER: Final = "other"
SILENT: Final = "silent"
TITLES: Final[dict[str, dict[str, str]]] = {
    UNSAID: {"de": "nicht genannt", "en": "not said"},
    OTHER: {"de": "Anderes", "en": "something else"},
    SILENT: {"de": "still geworden", "en": "fell silent"},
}
"""Of what `config/metrics.yaml` does not name."""


class Reason(Struct, frozen=True, kw_only=True):
    """How many customers gave a reason in a month, by where it was told: on the contract that ended, in an exit survey,
    or by an agent when a save was lost. Who had no contract and fell silent is counted as `silent`."""

    month: str
    group: str
    origin: Origin
    reason: str
    """A topic of `config/metrics.yaml`, `other`, or `unsaid`."""
    customers: int


class Spoken(Struct, frozen=True, kw_only=True):
    """How many customers spoke of a topic in a month: what drove them from others before (`drove_from_others`), or what
    they like better elsewhere (`praised_elsewhere`: said together with a competitor, by who is not happy with us)."""

    month: str
    about: About
    topic: str
    customers: int
    speakers: int
    """Customers who said anything about it in the month; who spoke of two topics is one."""


class Reasons(Struct, frozen=True):
    """What was gathered so far: customers by month, groups, origin and reason."""

    months: Months
    zone: tzinfo
    metering: Metering
    spoken: Topics
    """Finds that a competitor is spoken of."""
    given: defaultdict[tuple[int, Groups, Origin, str], int]
    said: defaultdict[tuple[int, About, str], int]
    speakers: defaultdict[tuple[int, About], int]

    def add(self, one: Standing, surveys: Iterable[SurveyResponse]) -> None:
        """Add why one customer left, and what they answered about us and others."""
        key = grouped(one)
        given: set[tuple[int, Groups, Origin, str]] = set()
        said: set[tuple[int, About, str]] = set()
        today = self.months.closes[-1]
        for span in one.spans:
            place = self.months.of(span.ends) if span.ends <= today else None
            if place is None:
                continue
            if one.by is Told.rhythm:
                given.add((place, key(span.ends), "rhythm", SILENT))
            else:
                given.add((place, key(span.ends - 1), "contract", self._name(span.reason)))
        for response in surveys:
            at = response.answered
            place = None if at is None else self.months.of(day := at.astimezone(self.zone).date().toordinal())
            if place is None:
                continue
            if response.reason_for_leaving:
                name = self._name(response.reason_for_leaving)
                given.add((place, key(day), "exit_survey", name))
            said |= {(place, about, topic) for about, topic in self._topics(response)}
        for reason in given:
            self.given[reason] += 1
        for topic in said:
            self.said[topic] += 1
        for speaker in {topic[:2] for topic in said}:
            self.speakers[speaker] += 1

    def add_lost(self, one: Lost) -> None:
        """Add a customer whom nobody could keep."""
        self.given[one.place, (one.tier, "", "", ""), "disposition", self._name(one.disposition)] += 1

    def reasons(self, by: By, named: Callable[[str], str] = str) -> tuple[Reason, ...]:
        """By month, group (called as `named` does) and origin, the most frequent first."""
        sums: defaultdict[tuple[int, str, Origin, str], int] = defaultdict(int)
        group = pick(by)
        for (place, groups, origin, name), count in self.given.items():
            sums[place, named(group(groups)), origin, name] += count
        rows = sorted(sums.items(), key=lambda row: (*row[0][:3], -row[1], row[0][3]))
        return tuple(
            Reason(month=self.months.names[place], group=called, origin=origin, reason=name, customers=count)
            for (place, called, origin, name), count in rows
        )

    def topics(self) -> tuple[Spoken, ...]:
        """By month, the most frequent first."""
        rows = sorted(self.said.items(), key=lambda row: (row[0][0], row[0][1], -row[1], row[0][2]))
        return tuple(
            Spoken(
                month=self.months.names[place],
                about=about,
                topic=topic,
                customers=count,
                speakers=self.speakers[place, about],
            )
            for (place, about, topic), count in rows
        )

    def _name(self, text: str | None) -> str:
        if not text or not text.strip():
            return UNSAID
        found = self.metering.named.find(text)
        return next((name for name in self.metering.reasons if name in found), OTHER)

    def _topics(self, response: SurveyResponse) -> list[tuple[About, str]]:
        found: list[tuple[About, str]] = []
        if response.left_others_because:
            topics = self.metering.spoken_of.find(response.left_others_because)
            found += [("drove_from_others", topic) for topic in topics or (OTHER,)]
        for text in (response.comment, response.reason_for_leaving) if not _content(response) else ():
            if text and COMPETITOR in self.spoken.find(text):
                found += [("praised_elsewhere", topic) for topic in self.metering.spoken_of.find(text) or (OTHER,)]
        return found


def _content(response: SurveyResponse) -> bool:
    """Whoever is happy with us and names a competitor hardly praises them."""
    rated = response.metric in (SurveyMetric.nps, SurveyMetric.csat) and response.score is not None
    return rated and worth_of(response.metric, response.score or 0.0, highest(response)) > 0


def ask_why(months: Months, zone: tzinfo, metering: Metering, spoken: Topics) -> Reasons:
    """Nothing gathered yet."""
    return Reasons(months, zone, metering, spoken, defaultdict(int), defaultdict(int), defaultdict(int))
