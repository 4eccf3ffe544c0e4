"""What a conversation's participants tell together: queue, employee, menu path, wrap-up, and whether they gave up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from bridge.adapter.paths import kind, scalar_text
from bridge.errors import MappingError

from .sides import word

CUSTOMERS = ("customer", "external")
_EMPLOYEES = ("agent", "user")
_MENUS = ("ivr", "botflow", "workflow")
_HUNG_UP = ("client", "peer", "endpoint")
"""How a queue is left by whoever gives up; transfer, system, timeout and error are not the caller's doing."""
_NO_CODE = "inin-wrap-up-timeout"
"""Set by the system when an agent chose nothing in time."""
_MOST_STEPS = 20


class Session(Struct, frozen=True):
    """One session and what matters of its participant."""

    purpose: str
    raw: dict[str, Any]
    participant: dict[str, Any]
    segments: tuple[dict[str, Any], ...]

    @property
    def spoken(self) -> bool:
        """Whether an employee was in it and spoke or wrote."""
        return self.purpose in _EMPLOYEES and any(word(one.get("segmentType")) == "interact" for one in self.segments)


def sessions_of(raw: dict[str, Any]) -> Iterator[Session]:
    """Every session of a conversation, in the order in which its participants joined."""
    for participant in objects("participants", raw.get("participants")):
        purpose = word(participant.get("purpose"))
        for session in objects("participants.sessions", participant.get("sessions")):
            segments = tuple(objects("participants.sessions.segments", session.get("segments")))
            yield Session(purpose, session, participant, segments)


def objects(path: str, value: Any) -> list[dict[str, Any]]:
    """The objects of a list; [] where it is left out. Raises MappingError for anything else."""
    if value is None:
        return []
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict):
            raise MappingError("genesys_cloud", f"conversation.{path}", f"found {kind(one)} where an object belongs")
    if not isinstance(value, list):
        raise MappingError("genesys_cloud", f"conversation.{path}", f"found {kind(value)} where a list belongs")
    return value


def names_of(raw: dict[str, Any]) -> dict[str, str]:
    """What the ids in a conversation are called."""
    ours = raw.get("bridge")
    names = ours.get("names") if isinstance(ours, dict) else None
    found = names if isinstance(names, dict) else {}
    return {number: name for number, name in found.items() if isinstance(name, str)}


def queue(sessions: list[Session], names: dict[str, str]) -> str | None:
    """The last queue. A queue is a participant of its own, which carries the queue's name."""
    for one in reversed(sessions):
        numbers = [scalar_text(part.get("queueId")) or "" for part in one.segments]
        known = next((names[number] for number in numbers if number in names), None)
        called = one.participant.get("participantName") if one.purpose == "acd" else None
        if known or isinstance(called, str):
            return known or called
    return None


def employee(session: Session, names: dict[str, str]) -> str | None:
    """Who was in a session: the user's name, else that of the participant."""
    called = session.participant.get("participantName")
    return names.get(scalar_text(session.participant.get("userId")) or "") or (
        called if isinstance(called, str) else None
    )


def given_up(queued: list[Session], spoken: list[Session]) -> bool:
    """Whether the customer left the last queue without a word from anybody."""
    if spoken or not queued:
        return False
    metrics = objects("participants.sessions.metrics", queued[-1].raw.get("metrics"))
    left = [word(one.get("disconnectType")) for one in queued[-1].segments]
    return any(word(one.get("name")) == "tabandon" for one in metrics) or any(one in _HUNG_UP for one in left)


def menu_path(sessions: list[Session], names: dict[str, str]) -> list[str]:
    """The flows that the customer went through before the queue, each with the outcomes that it noted as reached."""
    steps: list[str] = []
    for one in sessions:
        flow = one.raw.get("flow")
        if one.purpose not in _MENUS or not isinstance(flow, dict):
            continue
        called = flow.get("flowName")
        outcomes = [
            names.get(scalar_text(outcome.get("flowOutcomeId")) or "", "")
            for outcome in objects("participants.sessions.flow.outcomes", flow.get("outcomes"))
            if word(outcome.get("flowOutcomeValue")) == "success"
        ]
        steps += [step for step in (called, *outcomes) if isinstance(step, str) and step]
    return steps[:_MOST_STEPS]


def disposition(sessions: list[Session], names: dict[str, str]) -> str | None:
    """The last wrap-up code that an employee chose, by its name."""
    codes = [
        code
        for one in sessions
        if one.purpose in _EMPLOYEES
        for part in one.segments
        if (code := scalar_text(part.get("wrapUpCode"))) and code.casefold() != _NO_CODE
    ]
    return next((names[code] for code in reversed(codes) if code in names), None)


def noted(sessions: list[Session]) -> str | None:
    """What an employee noted last, else the subject of an e-mail."""
    for name in ("wrapUpNote", "subject"):
        notes = [note for one in sessions for part in one.segments if (note := scalar_text(part.get(name)))]
        if notes:
            return notes[-1] if name == "wrapUpNote" else notes[0]
    return None
