"""Conversations: one interaction made of all their participants, sessions and segments, and the answers to surveys.

Details of a conversation that ended come after whatever events said of it, others before. Among themselves their latest
instant orders them, and then how many of the ids in them have a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bridge.adapter.convert import moment
from bridge.adapter.delivery import Item
from bridge.adapter.mapping import Mapping
from bridge.adapter.order import by_rank
from bridge.adapter.paths import Unreadable
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Entry

from .sessions import (
    CUSTOMERS,
    Session,
    disposition,
    employee,
    given_up,
    menu_path,
    names_of,
    noted,
    objects,
    queue,
    sessions_of,
)
from .sides import LIVE, channel, sides, word

_SPAN = ("segmentStart", "segmentEnd")
GOING_ON, ENDED = 0, 9
"""Ranks: what events say of a conversation lies between them."""


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
        sessions = list(sessions_of(raw))
        names = names_of(raw)
        direction = word(raw.get("originatingDirection"))
        ended = raw.get("conversationEnd") is not None
        customers = [one for one in sessions if one.purpose in CUSTOMERS]
        theirs = (customers or [one for one in sessions if one.raw.get("callbackNumbers")] or sessions)[:1]
        spoken = [one for one in sessions if one.spoken]
        queued = [one for one in sessions if one.purpose == "acd"]
        waiting = [one for one in queued if word(one.raw.get("mediaType")) in LIVE]
        found: dict[str, Any] = {
            "names": len(names),
            "last": self._last(raw, sessions),
            "state": "ended" if ended else "connected" if spoken else "ringing",
            "queue": queue(queued or spoken, names),
            "agent": employee(spoken[-1], names) if spoken else None,
            "wait": self._wait(waiting),
            "abandoned": True if ended and direction != "outbound" and given_up(waiting, spoken) else None,
            "menu_path": menu_path(sessions, names),
            "disposition": disposition(sessions, names),
            "text": noted(sessions),
        }
        for one in theirs:
            found |= {**sides(one.raw, direction, self._source.region), "channel": channel(one.raw)}
        if "phone" not in found and "email" not in found:
            found["external_contact"] = next((one.participant.get("externalContactId") for one in theirs), None)
        return {name: value for name, value in found.items() if value not in (None, "", [])}

    def _last(self, raw: dict[str, Any], sessions: list[Session]) -> str | None:
        """The latest instant that the conversation knows of: what can be said of it last."""
        told = [("conversationStart", raw.get("conversationStart")), ("conversationEnd", raw.get("conversationEnd"))]
        for one in sessions:
            for segment in one.segments:
                told += [(f"participants.sessions.segments.{name}", segment.get(name)) for name in _SPAN]
        found = [at for path, value in told if (at := self._moment(path, value))]
        return msgspec.to_builtins(max(found)) if found else None

    def _wait(self, queued: list[Session]) -> int | None:
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
        return max(0, round(sum(seconds))) if seconds else None

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
        for survey in objects("surveys", raw.get("surveys")):
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
