"""One response: what was answered by what was asked, who answered, how high a score goes, and whether it counts.

https://www.qualtrics.com/support/survey-platform/data-and-analysis-module/data/download-data/understanding-your-dataset/
"""

from __future__ import annotations

from typing import Any

from bridge.adapter.paths import kind
from bridge.errors import MappingError

from .surveys import TEXTS, Survey

_NOT_A_CUSTOMER = {1, 2, 8, 9, 12, 17}
"""`status`: preview, test, spam, and the spam of previews and imports; 17 is a preview on a device without network."""
_RECIPIENT = {"crm_id": "externalDataReference", "email": "recipientEmail", "phone": "recipientPhone"}
_NO = {"0", "false", "no"}


def values_of(raw: dict[str, Any], name: str = "values") -> dict[str, Any]:
    """The values (or labels, …) of a response; {} without. Raises MappingError where they are no object."""
    found = raw.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise MappingError("qualtrics", name, f"found {kind(found)} where an object belongs")
    return found


def answers_of(survey: Survey, raw: dict[str, Any]) -> dict[str, Any]:
    """What was answered by what the survey asks: scores and times as they are, texts with the words that were chosen.

    Questions without an answer are absent. Of several fields the first with an answer is the score; texts are joined.
    """
    values, labels = values_of(raw), values_of(raw, "labels")
    found: dict[str, Any] = {}
    for role, fields in survey.fields.items():
        if role in TEXTS:
            said = "; ".join(filter(None, (_words(labels.get(name), values.get(name)) for name in fields)))
            found |= {role: said} if said else {}
        else:
            given = [values[name] for name in fields if values.get(name) is not None]
            found |= {role: given[0]} if given else {}
    return found


def respondent_of(raw: dict[str, Any]) -> dict[str, Any]:
    """Who answered, as `crm_id`, `email` and `phone`: by embedded data of that name, else as the recipient.

    Piped text that nobody filled in (`${e://Field/crm_id}`) is nobody: every respondent would be the same one.
    """
    values = values_of(raw)
    found: dict[str, Any] = {}
    for name, recipient in _RECIPIENT.items():
        given = [values[one] for one in (name, recipient) if _is_said(values.get(one))]
        found |= {name: given[0]} if given else {}
    return found


def counts(raw: dict[str, Any]) -> bool:
    """Whether a customer gave this response, rather than somebody who tried the survey, or a machine."""
    values = values_of(raw)
    status = values.get("status")
    number = int(status) if isinstance(status, str) and status.isdecimal() else status
    tried = isinstance(number, int) and not isinstance(number, bool) and number in _NOT_A_CUSTOMER
    return not tried and values.get("distributionChannel") != "preview"


def is_unfinished(raw: dict[str, Any]) -> bool:
    """Whether the response was begun, and closed without having been finished."""
    return str(values_of(raw).get("finished", "")).strip().lower() in _NO


def scale_of(raw: dict[str, Any], fields: tuple[str, ...]) -> float | None:
    """The highest value that the first answered of `fields` could be given; None where the response does not say."""
    values, shown = values_of(raw), values_of(raw, "displayedValues")
    for name in fields:
        if values.get(name) is not None:
            offered = shown.get(name)
            numbers = [float(one) for one in offered if _is_number(one)] if isinstance(offered, list) else []
            return max(numbers, default=None)
    return None


def _is_said(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and (not value.strip() or value.lstrip().startswith("${")))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _words(label: object, value: object) -> str:
    """The words of a choice, or of several; else the text that was written."""
    for said in (label, value):
        listed = said if isinstance(said, list) else [said]
        words = [str(one).strip() for one in listed if isinstance(one, str | int | float) and not isinstance(one, bool)]
        if any(words):
            return ", ".join(word for word in words if word)
    return ""
