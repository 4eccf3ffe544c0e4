"""Items → entries: what the mapping cannot say. Who is a customer, complaints by tag, deletions, scales, the order.

What orders the versions of a ticket or user is the record's own clock, `updated_at`: exports, single fetches and events
(`detail.updated_at`) all carry it, while an event's `time` is when it was sent and can run past the next change. That
clock counts seconds; events of one second are told apart by appending their `time` and place in the sequence. A whole
record therefore stands before the events of its second, and each of those carries every value it could overwrite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bridge.adapter.convert import moment
from bridge.adapter.delivery import Item, Refetch
from bridge.adapter.mapping import Mapping
from bridge.adapter.order import by_time
from bridge.adapter.paths import Unreadable, kind, scalar_text, walk_quietly
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Entry, EntryKind

from .events import EVENTS, Says, event_name, hinted_ticket

_CUSTOMERS = frozenset({"end-user", "end user", "end_user"})
_GONE = frozenset({"deleted", "scrubbed"})
_DONE = frozenset({"resolved", "closed"})
_SCORES = {"good": 1.0, "bad": 0.0}
_USUAL_SCALE = 5.0
_NOBODY = ("", "0", 0)
"""How events and triggers write that a ticket or user has no organization."""


class Records:
    """Reads the items of one source. Raises MappingError for what cannot be read, naming the path, not the value."""

    def __init__(self, source: Source, mapping: Mapping, *, system: str, complaint: str, cancellation: str) -> None:
        self._source = source
        self._mapping = mapping
        self._system = system
        self._by_tag = {
            **dict.fromkeys(_words(complaint), "complaint"),
            **dict.fromkeys(_words(cancellation), "cancellation"),
        }
        self._readers: dict[str, Callable[[Item], list[Entry | Refetch]]] = {
            "user": self._user,
            "ticket": self._ticket,
            "organization": self._organization,
            "user_event": self._event,
            "ticket_event": self._event,
            "organization_event": self._event,
            "ticket_hint": lambda item: [Refetch(object="ticket", id=_number("ticket_id", hinted_ticket(item.raw)))],
            "satisfaction_rating": self._rating,
            "survey_response": self._survey,
        }

    def read(self, item: Item) -> list[Entry | Refetch]:
        """The entries of one item; [] for agents, for surveys that nobody answered, and other things not ours."""
        return self._readers[item.object](item) if item.object in self._readers else [self._mapped(item, item.raw)]

    def _mapped(self, item: Item, raw: dict[str, Any]) -> Entry:
        return self._mapping.read(item if raw is item.raw else msgspec.structs.replace(item, raw=raw), self._source)

    def _user(self, item: Item) -> list[Entry | Refetch]:
        if not _is_customer("role", item.raw.get("role")):
            return []
        entry = self._mapped(item, item.raw)
        return [_deleted(entry) if item.raw.get("active") is False else self._finished(entry, item.raw)]

    def _ticket(self, item: Item) -> list[Entry | Refetch]:
        raw = _tidied(item.raw)
        entry = self._mapped(item, raw)
        if _word(raw.get("status")) in _GONE:
            return [_deleted(entry)]
        return [self._finished(entry, raw)]

    def _organization(self, item: Item) -> list[Entry | Refetch]:
        entry = self._mapped(item, item.raw)
        return [_deleted(entry) if item.raw.get("deleted_at") else self._finished(entry, item.raw)]

    def _event(self, item: Item) -> list[Entry | Refetch]:
        name = event_name(item.raw)
        says = EVENTS.get(name)
        if says is None:
            return []
        thing = name.partition(".")[0]
        detail = item.raw.get("detail")
        if not isinstance(detail, dict):
            raise MappingError("zendesk", "detail", f"found {kind(detail)} where an object belongs")
        detail = _tidied(detail)
        event = item.raw.get("event")
        current = event.get("current") if isinstance(event, dict) else None
        customer = thing != "user" or _is_customer("detail.role", detail.get("role"))
        if says is Says.role:
            says = Says.hint if customer else Says.deleted
        elif not customer:
            return []
        if says in (Says.hint, Says.rating):
            wanted = _number("detail.id", detail.get("id"))
            csat = [Refetch(object="csat", id=wanted)] if says is Says.rating else []
            return [Refetch(object=thing, id=wanted), *csat]
        if name == "user.name_changed":
            detail["name"] = current
        entry = self._refined(self._mapped(item, {**item.raw, "detail": detail}), item.raw)
        if says is Says.activity:
            says = Says.deleted if current is False else Says.restored
        if says is Says.deleted:
            return [_deleted(entry)]
        entry = self._finished(entry, detail)
        if name == "ticket.status_changed":
            entry = _resolution(entry)
        restored = msgspec.structs.replace(entry, kind=EntryKind.restored, body={})
        return [restored, entry] if says is Says.restored else [entry]

    def _refined(self, entry: Entry, raw: dict[str, Any]) -> Entry:
        """The entry ordered among the events of its second."""
        position = walk_quietly(raw, ("event", "meta", "sequence", "position"))
        place = position if isinstance(position, int) and 0 <= position < 10_000 else 0
        sent = entry.effective_at
        order = entry.order + (f"{by_time(sent)}{place:04d}" if sent else "")
        return msgspec.structs.replace(entry, order=order)

    def _rating(self, item: Item) -> list[Entry | Refetch]:
        word = _word(item.raw.get("score"))
        if word == "unoffered":
            return []
        entry = self._mapped(item, item.raw)
        score = _SCORES.get(word.partition("_")[0])
        if score is None:
            return [entry]
        answered = msgspec.to_builtins(entry.effective_at) if entry.effective_at else entry.body.get("sent")
        return [_with(entry, score=score, scale=1.0, answered=answered)]

    def _survey(self, item: Item) -> list[Entry | Refetch]:
        entry = self._mapped(item, item.raw)
        answers = item.raw.get("answers")
        given = [one for one in answers if isinstance(one, dict) and one.get("type") != "skipped"] if answers else []
        last = max((at for one in given if (at := self._answered(one))), default=None)
        if last is None:
            return []
        entry = msgspec.structs.replace(entry, order=by_time(last), effective_at=last)
        entry = _with(entry, answered=msgspec.to_builtins(last))
        score = entry.body.get("score")
        return [entry if score is None else _with(entry, scale=_scale(given, score))]

    def _answered(self, answer: dict[str, Any]) -> datetime | None:
        for name in ("updated_at", "created_at"):
            if answer.get(name) is not None:
                try:
                    return moment(answer[name], self._source)
                except Unreadable as problem:
                    raise MappingError("zendesk", f"survey_response.answers[*].{name}", str(problem)) from None
        return None

    def _finished(self, entry: Entry, raw: dict[str, Any]) -> Entry:
        """The entry with what depends on more than one field or on a setting."""
        body = dict(entry.body)
        if "external_ids" in body:
            ids = body["external_ids"]
            body["external_ids"] = {self._system if name == "crm" else name: value for name, value in ids.items()}
        if body.get("phones") and raw.get("shared_phone_number") is True:
            body["phones"] = [{**phone, "shared": True} for phone in body["phones"]]
        if body.get("language"):
            body["language"] = body["language"].replace("_", "-").partition("-")[0].lower()
        if entry.object == "ticket":
            self._finish_ticket(body, raw, patch=entry.kind is EntryKind.patch)
        return msgspec.structs.replace(entry, body=body)

    def _finish_ticket(self, body: dict[str, Any], raw: dict[str, Any], *, patch: bool) -> None:
        for tag in body.get("tags") or ():
            if tag.casefold() in self._by_tag:
                body["type"] = self._by_tag[tag.casefold()]
        if not patch and body.get("status") not in _DONE:
            body.pop("resolved", None)
        minutes = walk_quietly(raw, ("metric_set", "reply_time_in_minutes", "calendar"))
        if isinstance(minutes, int) and 0 <= minutes < 10_000_000 and body.get("opened"):
            opened = moment(body["opened"], self._source)
            if opened and opened.year < 9000:
                body["first_reply"] = msgspec.to_builtins(opened + timedelta(minutes=minutes))


def _resolution(entry: Entry) -> Entry:
    """A change of status to solved resolves the ticket, one to anything that waits for work reopens it."""
    status = entry.body.get("status")
    if status == "resolved" and entry.effective_at:
        return _with(entry, resolved=msgspec.to_builtins(entry.effective_at))
    return _with(entry, resolved=None) if status in ("new", "open", "waiting") else entry


def _with(entry: Entry, **fields: Any) -> Entry:
    return msgspec.structs.replace(entry, body={**entry.body, **fields})


def _deleted(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, kind=EntryKind.deleted, body={})


def _is_customer(path: str, role: object) -> bool:
    if not isinstance(role, str) or not role.strip():
        raise MappingError("zendesk", path, f"found {kind(role)} where a role tells customers from agents")
    return role.strip().casefold() in _CUSTOMERS


def _word(value: object) -> str:
    return (scalar_text(value) or "").casefold()


def _words(listed: str) -> Iterable[str]:
    return (word.strip().casefold() for word in listed.split(",") if word.strip())


def _number(path: str, value: object) -> str:
    """An id that may stand in a URL."""
    found = scalar_text(value)
    if found is None or not (found.isascii() and found.isdigit()):
        raise MappingError("zendesk", path, f"found {kind(value)} that is not an id")
    return found


def _tidied(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with null where nobody is meant, and tags as a list (triggers write them with spaces between)."""
    tidy = dict(fields)
    for name in ("organization_id", "requester_id"):
        if name in tidy and not isinstance(tidy[name], bool) and tidy[name] in _NOBODY:
            tidy[name] = None
    if isinstance(tidy.get("tags"), str):
        tidy["tags"] = tidy["tags"].split()
    return tidy


def _scale(answers: list[dict[str, Any]], score: float) -> float:
    """The highest rating the customer could have given: the question's options say it, five where they are left out."""
    ratings = [score]
    for answer in answers:
        question = answer.get("question")
        if isinstance(question, dict) and question.get("sub_type") == "customer_satisfaction":
            options = question.get("options")
            listed = [one for one in options if isinstance(one, dict)] if isinstance(options, list) else []
            known = [float(rating) for one in listed if isinstance(rating := one.get("rating"), int)]
            ratings += known or [_USUAL_SCALE]
    return max(ratings)
