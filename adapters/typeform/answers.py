"""One response: its answers by question, who gave them, and how high the score of a question goes.

https://www.typeform.com/developers/responses/JSON-response-explanation/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bridge.adapter.paths import kind
from bridge.errors import MappingError

_PLACEHOLDER = re.compile(r"[xX]{3,}|hidden_value")
"""What a hidden field holds in Typeform's link template until somebody fills it in: every respondent would be one."""
_NEVER_READ = frozenset({"payment", "file_url"})
_NEVER = "0001-01-01"
"""How the date of a response that was not submitted begins."""


def answers_of(response: dict[str, Any]) -> dict[str, Any]:
    """What was answered, by the question's reference and by its id: a number, a text, or the labels that were chosen.

    Questions without an answer are absent. Raises MappingError for answers of another shape.
    """
    found: dict[str, Any] = {}
    for field, answer in _given(response):
        value = _said(answer)
        if value is not None:
            for name in (field.get("ref"), field.get("id")):
                if isinstance(name, str):
                    found.setdefault(name, value)
    return found


def respondent_of(response: dict[str, Any]) -> dict[str, Any]:
    """Who answered, as `crm_id`, `email` and `phone`: by the hidden fields, else by the first answer of that type."""
    hidden = hidden_of(response)
    found = {name: hidden[name] for name in ("crm_id", "email", "phone") if hidden.get(name) is not None}
    for _, answer in _given(response):
        for kind_of, name in (("email", "email"), ("phone_number", "phone")):
            if answer.get("type") == kind_of:
                found.setdefault(name, answer.get(kind_of))
    return found


def hidden_of(response: dict[str, Any]) -> dict[str, Any]:
    """The hidden fields that somebody filled in. Raises MappingError where they are no object."""
    hidden = response.get("hidden")
    if hidden is None:
        return {}
    if not isinstance(hidden, dict):
        raise MappingError("typeform", "form_response.hidden", f"found {kind(hidden)} where an object belongs")
    return {
        name: value
        for name, value in hidden.items()
        if not (isinstance(value, str) and (not value.strip() or _PLACEHOLDER.fullmatch(value.strip())))
    }


def is_unfinished(raw: dict[str, Any], response: dict[str, Any]) -> bool:
    """Whether the response was begun, but not submitted."""
    submitted = response.get("submitted_at")
    undated = not submitted or (isinstance(submitted, str) and submitted.startswith(_NEVER))
    return raw.get("event_type") == "form_response_partial" or undated


def scale_of(response: dict[str, Any], names: set[str]) -> float | None:
    """The highest score of the first answered question among `names` (references or ids), from the form's definition;
    None where it does not say."""
    answered = [field for field, _ in _given(response) if names & {_name(field, "ref"), _name(field, "id")}]
    for asked in answered:
        for question in questions(response.get("definition")):
            same = any(_name(question, key) and _name(question, key) == _name(asked, key) for key in ("id", "ref"))
            if same and (highest := _highest(question)):
                return highest
    return None


def questions(definition: object) -> Iterator[dict[str, Any]]:
    """Every question of a form's definition, those in groups included."""
    fields = definition.get("fields") if isinstance(definition, dict) else None
    for question in fields if isinstance(fields, list) else ():
        if isinstance(question, dict):
            yield question
            yield from questions(question.get("properties"))


def _given(response: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    answers = response.get("answers")
    if answers is None:
        return
    if not isinstance(answers, list):
        raise MappingError("typeform", "form_response.answers", f"found {kind(answers)} where a list belongs")
    for answer in answers:
        if not isinstance(answer, dict):
            raise MappingError("typeform", "form_response.answers[*]", f"found {kind(answer)} where an object belongs")
        field = answer.get("field")
        if not isinstance(field, dict):
            raise MappingError("typeform", "form_response.answers[*].field", f"found {kind(field)}, not a question")
        yield field, answer


def _said(answer: dict[str, Any]) -> Any:
    name = answer.get("type")
    value = answer.get(name) if isinstance(name, str) and name not in _NEVER_READ else None
    if not isinstance(value, dict):
        return None if isinstance(value, list) else value
    labels = [value.get("label")] if name == "choice" else value.get("labels")
    chosen = [*labels, value.get("other")] if isinstance(labels, list) else [value.get("other")]
    return ", ".join(label.strip() for label in chosen if isinstance(label, str) and label.strip()) or None


def _name(field: dict[str, Any], key: str) -> str:
    value = field.get(key)
    return value if isinstance(value, str) else ""


def _highest(question: dict[str, Any]) -> float | None:
    """An opinion scale of 11 steps goes from 0 to 10 unless it starts at one; a rating always starts at one."""
    properties = question.get("properties")
    steps = properties.get("steps") if isinstance(properties, dict) else None
    if not isinstance(properties, dict) or not isinstance(steps, int) or not 1 < steps <= 100:
        return 10.0 if question.get("type") == "nps" else None
    from_zero = question.get("type") != "rating" and properties.get("start_at_one") is not True
    return float(steps - 1 if from_zero else steps)
