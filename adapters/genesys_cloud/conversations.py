"""Conversations: one interaction made of all their participants, sessions and segments, and the answers to surveys.

Details of a conversation that ended come after whatever events said of it, others before. Among themselves their latest
instant orders them, and then how many of the ids in them have a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from bridge.adapter.convert import moment
from bridge.adapter.delivery import Item
from bridge.adapter.mapping import Mapping
from bridge.adapter.order import by_rank
from bridge.adapter.paths import Unreadable, kind, scalar_text
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Entry

from .sides import LIVE, channel, sides, word

GOING_ON, ENDED = 0, 9
"""Ranks: what events say of a conversation lies between them."""
_CUSTOMERS = ("customer", "external")
_EMPLOYEES = ("agent", "user")
_MENUS = ("ivr", "botflow", "workflow")
_HUNG_UP = ("client", "peer", "endpoint")
"""How a queue is left by whoever gives up; transfer, system, timeout and error are not the caller's doing."""
_NO_CODE = "inin-wrap-up-timeout"
"""Set by the system when an agent chose nothing in time."""
_MOST_STEPS = 20


class _Session(Struct, frozen=True):
    """One session and what matters of its participant."""

    purpose: str
    raw: dict[str, Any]
    participant: dict[str, Any]
    segments: tuple[dict[str, Any], ...]

    @property
    def spoken(self) -> bool:
        """Whether an employee was in it and spoke or wrote."""
        return self.purpose in _EMPLOYEES and any(word(one.get("segmentType")) == "interact" for one in self.segments)


class Conversations:
    """Reads the conversations of one source. Raises MappingError for what cannot be read, naming the path."""

    def __init__(self, source: Source, mapping: Mapping) -> None:
        self._source = source
        self._mapping = mapping

    def read(self, item: Item) -> list[Entry]:
        """The interaction, and a survey response for each survey that was sent."""
        facts = self._facts(item.raw)
        names = facts.pop("names")
        entry = self._entry(item, {**item.raw, "bridge": facts})
        at = entry.effective_at
        if at is not None:
            rank = ENDED if facts["state"] == "ended" else GOING_ON
            order = by_rank(rank, at + timedelta(microseconds=min(names, 999)))
            entry = msgspec.structs.replace(entry, order=order)
        return [entry, *self._surveys(item.raw, facts)]

    def _entry(self, item: Item, raw: dict[str, Any]) -> Entry:
        return self._mapping.read(msgspec.structs.replace(item, raw=raw), self._source)

    def _facts(self, raw: dict[str, Any]) -> dict[str, Any]:
        """What has to be gathered from all over a conversation, under the names that the mapping reads."""
        sessions = list(_sessions(raw))
        names = _names(raw)
        direction = word(raw.get("originatingDirection"))
        ended = raw.get("conversationEnd") is not None
        customers = [one for one in sessions if one.purpose in _CUSTOMERS]
        theirs = (customers or [one for one in sessions if one.raw.get("callbackNumbers")] or sessions)[:1]
        spoken = [one for one in sessions if one.spoken]
        queued = [one for one in sessions if one.purpose == "acd"]
        waiting = [one for one in queued if word(one.raw.get("mediaType")) in LIVE]
        found: dict[str, Any] = {
            "names": len(names),
            "last": self._last(raw, sessions),
            "state": "ended" if ended else "connected" if spoken else "ringing",
            "queue": _queue(queued or spoken, names),
            "agent": _employee(spoken[-1], names) if spoken else None,
            "wait": self._wait(waiting),
            "abandoned": True if ended and direction != "outbound" and _given_up(waiting, spoken) else None,
            "menu_path": _menu_path(sessions, names),
            "disposition": _disposition(sessions, names),
            "text": _noted(sessions),
        }
        for one in theirs:
            found |= {**sides(one.raw, direction, self._source.region), "channel": channel(one.raw)}
        if "phone" not in found and "email" not in found:
            found["external_contact"] = next((one.participant.get("externalContactId") for one in theirs), None)
        return {name: value for name, value in found.items() if value not in (None, "", [])}

    def _last(self, raw: dict[str, Any], sessions: list[_Session]) -> str | None:
        """The latest instant that the conversation knows of: what can be said of it last."""
        told = [("conversationStart", raw.get("conversationStart")), ("conversationEnd", raw.get("conversationEnd"))]
        for one in sessions:
            for segment in one.segments:
                told += [(f"participants.sessions.segments.{name}", segment.get(name)) for name in _SPAN]
        found = [at for path, value in told if (at := self._moment(path, value))]
        return msgspec.to_builtins(max(found)) if found else None

    def _wait(self, queued: list[_Session]) -> int | None:
        """Seconds in queues, all together; None while the customer still waits, and where it is not told."""
        seconds: list[float] = []
        for one in queued:
            starts, ends = (
                [self._moment(f"participants.sessions.segments.{name}", part.get(name)) for part in one.segments]
                for name in _SPAN
            )
            known = [at for at in starts if at], [at for at in ends if at]
            if len(known[0]) != len(one.segments) or len(known[1]) != len(one.segments) or not one.segments:
                return None
            seconds.append((max(known[1]) - min(known[0])).total_seconds())
        return round(sum(seconds)) if seconds else None

    def _moment(self, path: str, value: Any) -> datetime | None:
        if value is None:
            return None
        try:
            return moment(value, self._source)
        except Unreadable as problem:
            raise MappingError("genesys_cloud", f"conversation.{path}", str(problem)) from None

    def _surveys(self, raw: dict[str, Any], facts: dict[str, Any]) -> Iterator[Entry]:
        """https://developer.genesys.cloud/analyticsdatamanagement/analytics/detail/surveys"""
        whose = {name: facts[name] for name in ("phone", "email", "external_contact") if name in facts}
        for survey in _objects("surveys", raw.get("surveys")):
            promoter = survey.get("surveyPromoterScore") is not None
            kinds = {"metric": "nps", "scale": 10} if promoter else {"metric": "csat", "scale": 100}
            score = survey.get("surveyPromoterScore" if promoter else "oSurveyTotalScore")
            scored = {"score": score, **kinds} if score is not None else {}
            yield self._survey({**survey, "bridge": {**whose, **scored}})

    def _survey(self, raw: dict[str, Any]) -> Entry:
        entry = self._entry(Item(object="survey", raw=raw), raw)
        answered = raw.get("surveyCompletedDate") is not None
        at = entry.effective_at
        return msgspec.structs.replace(entry, order=by_rank(int(answered), at) if at else entry.order)


_SPAN = ("segmentStart", "segmentEnd")


def _sessions(raw: dict[str, Any]) -> Iterator[_Session]:
    for participant in _objects("participants", raw.get("participants")):
        purpose = word(participant.get("purpose"))
        for session in _objects("participants.sessions", participant.get("sessions")):
            segments = tuple(_objects("participants.sessions.segments", session.get("segments")))
            yield _Session(purpose, session, participant, segments)


def _objects(path: str, value: Any) -> list[dict[str, Any]]:
    """The objects of a list; [] where it is left out. Raises MappingError for anything else."""
    if value is None:
        return []
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict):
            raise MappingError("genesys_cloud", f"conversation.{path}", f"found {kind(one)} where an object belongs")
    if not isinstance(value, list):
        raise MappingError("genesys_cloud", f"conversation.{path}", f"found {kind(value)} where a list belongs")
    return value


def _names(raw: dict[str, Any]) -> dict[str, str]:
    """What the ids in a conversation are called."""
    ours = raw.get("bridge")
    names = ours.get("names") if isinstance(ours, dict) else None
    found = names if isinstance(names, dict) else {}
    return {number: name for number, name in found.items() if isinstance(name, str)}


def _queue(sessions: list[_Session], names: dict[str, str]) -> str | None:
    """The last queue. A queue is a participant of its own, which carries the queue's name."""
    for one in reversed(sessions):
        numbers = [scalar_text(part.get("queueId")) or "" for part in one.segments]
        known = next((names[number] for number in numbers if number in names), None)
        called = one.participant.get("participantName") if one.purpose == "acd" else None
        if known or isinstance(called, str):
            return known or called
    return None


def _employee(session: _Session, names: dict[str, str]) -> str | None:
    called = session.participant.get("participantName")
    return names.get(scalar_text(session.participant.get("userId")) or "") or (
        called if isinstance(called, str) else None
    )


def _given_up(queued: list[_Session], spoken: list[_Session]) -> bool:
    """Whether the customer left the last queue without a word from anybody."""
    if spoken or not queued:
        return False
    metrics = _objects("participants.sessions.metrics", queued[-1].raw.get("metrics"))
    left = [word(one.get("disconnectType")) for one in queued[-1].segments]
    return any(word(one.get("name")) == "tabandon" for one in metrics) or any(one in _HUNG_UP for one in left)


def _menu_path(sessions: list[_Session], names: dict[str, str]) -> list[str]:
    """The flows that the customer went through before the queue, each with the outcomes that it noted as reached."""
    steps: list[str] = []
    for one in sessions:
        flow = one.raw.get("flow")
        if one.purpose not in _MENUS or not isinstance(flow, dict):
            continue
        called = flow.get("flowName")
        outcomes = [
            names.get(scalar_text(outcome.get("flowOutcomeId")) or "", "")
            for outcome in _objects("participants.sessions.flow.outcomes", flow.get("outcomes"))
            if word(outcome.get("flowOutcomeValue")) == "success"
        ]
        steps += [step for step in (called, *outcomes) if isinstance(step, str) and step]
    return steps[:_MOST_STEPS]


def _disposition(sessions: list[_Session], names: dict[str, str]) -> str | None:
    """The last wrap-up code that an employee chose, by its name."""
    codes = [
        code
        for one in sessions
        if one.purpose in _EMPLOYEES
        for part in one.segments
        if (code := scalar_text(part.get("wrapUpCode"))) and code.casefold() != _NO_CODE
    ]
    return next((names[code] for code in reversed(codes) if code in names), None)


def _noted(sessions: list[_Session]) -> str | None:
    """What an employee noted last, else the subject of an e-mail."""
    for name in ("wrapUpNote", "subject"):
        notes = [note for one in sessions for part in one.segments if (note := scalar_text(part.get(name)))]
        if notes:
            return notes[-1] if name == "wrapUpNote" else notes[0]
    return None
