"""The sample contact center as Typeform would tell of it: a signed webhook for every survey that was opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import msgspec

from bridge.adapter.delivery import Item, Request
from bridge.adapter.manifest import load_manifest
from bridge.adapter.signatures import sign
from bridge.adapter.source import Source

from .forms import Form, read_forms

_SCORES = {"nps": ("nps", 11), "csat": ("rating", 5), "ces": ("opinion_scale", 7)}
"""Metric → the type of its question, and how many steps it has."""
_TEXTS = ("comment", "reason_for_leaving", "left_others_because")
_LOOKED_AT = timedelta(hours=2)
"""When a survey that nobody answered was opened, after it was sent."""
_FILLED_IN = timedelta(minutes=2)


class Person(Protocol):
    """A customer in neutral terms. `id` is the id in the system that `crm_system` names."""

    @property
    def id(self) -> str: ...

    @property
    def email(self) -> str | None: ...


class Survey(Protocol):
    """A survey in neutral terms; `answered` is None where it was not. NPS goes from 0 to 10, CSAT from 1 to 5."""

    @property
    def id(self) -> str: ...

    @property
    def customer_id(self) -> str: ...

    @property
    def metric(self) -> str: ...

    @property
    def sent(self) -> datetime: ...

    @property
    def answered(self) -> datetime | None: ...

    @property
    def score(self) -> float | None: ...

    @property
    def comment(self) -> str | None: ...

    @property
    def reason_for_leaving(self) -> str | None: ...

    @property
    def left_others_because(self) -> str | None: ...


class ContactCenter(Protocol):
    """What the sample has to tell."""

    @property
    def customers(self) -> Iterable[Person]: ...

    @property
    def surveys(self) -> Iterable[Survey]: ...


def deliveries(contact_center: ContactCenter, source: Source, now: datetime) -> Iterator[Item | Request]:
    """A webhook for each survey whose metric has a form among the source's: a response, or one that was not submitted.

    The same contact center gives the same deliveries; what would happen after `now` is left out.
    """
    people = {person.id: person for person in contact_center.customers}
    forms = _forms(source)
    for survey in contact_center.surveys:
        landed = survey.answered - _FILLED_IN if survey.answered else survey.sent + _LOOKED_AT
        if survey.metric in forms and (survey.answered or landed) <= now:
            yield _webhook(source, _event(forms[survey.metric], survey, people.get(survey.customer_id), landed), now)


def _forms(source: Source) -> dict[str, Form]:
    """The first form of each metric; one that asks for several is taken where there is no form for the metric alone."""
    found: dict[str, Form] = {}
    for form in sorted(read_forms(source, None).values(), key=lambda form: len(form.metrics)):
        for metric in form.metrics:
            found.setdefault(metric, form)
    return found


def _event(form: Form, survey: Survey, person: Person | None, landed: datetime) -> dict[str, Any]:
    hidden = {"crm_id": survey.customer_id, "sent_at": _time(survey.sent)}
    response: dict[str, Any] = {
        "form_id": form.id,
        "token": _token("token", survey),
        "landed_at": _time(landed),
        "hidden": hidden | ({"email": person.email} if person and person.email else {}),
        "calculated": {"score": 0},
        "definition": {"id": form.id, "title": "Ihre Meinung", "fields": _questions(survey.metric)},
        "answers": [],
    }
    kind = "form_response_partial"
    if survey.answered:
        kind = "form_response"
        response |= {"submitted_at": _time(survey.answered), "answers": list(_answers(survey))}
    return {"event_id": _token("event", survey).upper()[:26], "event_type": kind, "form_response": response}


def _questions(metric: str) -> list[dict[str, Any]]:
    fields = [_question(name, "long_text") | {"title": name, "properties": {}} for name in _TEXTS]
    if metric in _SCORES:
        kind, steps = _SCORES[metric]
        fields.append(_question(metric, kind) | {"title": metric, "properties": {"steps": steps}})
    return fields


def _answers(survey: Survey) -> Iterator[dict[str, Any]]:
    if survey.metric in _SCORES and survey.score is not None:
        field = _question(survey.metric, _SCORES[survey.metric][0])
        yield {"type": "number", "number": survey.score, "field": field}
    for name in _TEXTS:
        if text := getattr(survey, name):
            yield {"type": "text", "text": text, "field": _question(name, "long_text")}


def _question(ref: str, kind: str) -> dict[str, Any]:
    return {"id": blake2b(ref.encode(), digest_size=6).hexdigest(), "ref": ref, "type": kind}


def _webhook(source: Source, body: dict[str, Any], now: datetime) -> Request:
    raw = msgspec.json.encode(body)
    url = f"https://localhost/webhooks/{source.name}"
    headers = sign(_MANIFEST, source, method="POST", url=url, body=raw, timestamp=now, id="")
    return Request(method="POST", url=url, headers=headers, body=raw, received_at=now)


def _token(kind: str, survey: Survey) -> str:
    return blake2b(f"{kind}:{survey.id}".encode(), digest_size=16).hexdigest()


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


_MANIFEST = load_manifest(Path(__file__).with_name("manifest.yaml"))
