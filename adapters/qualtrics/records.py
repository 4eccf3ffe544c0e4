"""Responses → entries: what the mapping cannot say. Answers by what was asked, scales, and what does not count."""

from __future__ import annotations

from typing import Any

import msgspec

from bridge.adapter.delivery import Item
from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import kind
from bridge.adapter.source import Source
from bridge.model import Entry, Key, KeyKind

from .answers import answers_of, counts, is_unfinished, respondent_of, scale_of
from .surveys import Survey

_UNANSWERED = ("answered", "score", "scale", "comment", "reason_for_leaving", "left_others_because")


class Records:
    """Reads the responses of one source: each item is the answer to one metric, by which its object is called.

    `system` names the system of the customers' ids; `unanswered` says that unfinished responses count as unanswered.
    """

    def __init__(
        self, source: Source, mapping: Mapping, *, surveys: dict[str, Survey], system: str, unanswered: bool
    ) -> None:
        self._source = source
        self._mapping = mapping
        self._surveys = surveys
        self._system = system
        self._unanswered = unanswered

    def items(self, survey: Survey, response: object) -> list[Item]:
        """One item a metric of the survey; one that cannot be read for what is no response at all."""
        if not isinstance(response, dict):
            problem = f"the export holds {kind(response)} where a response belongs"
            return [Item(object=survey.metrics[0], raw={"response": response}, problem=problem)]
        return [Item(object=metric, raw={**response, "surveyId": survey.id}) for metric in survey.metrics]

    def read(self, item: Item) -> list[Entry]:
        """The entry of one item; [] for what no customer gave, and for unfinished ones unless they count.

        Raises MappingError naming the path, not the value.
        """
        unfinished = is_unfinished(item.raw)
        if not counts(item.raw) or (unfinished and not self._unanswered):
            return []
        number = item.raw.get("surveyId")
        survey = self._surveys.get(number) if isinstance(number, str) else None
        answers = answers_of(survey, item.raw) if survey else {}
        raw = {**item.raw, "answers": answers, "respondent": respondent_of(item.raw)}
        entry = self._mapping.read(msgspec.structs.replace(item, raw=raw), self._source)
        body = dict(entry.body)
        if unfinished:
            body = {name: value for name, value in body.items() if name not in _UNANSWERED}
            body.setdefault("sent", msgspec.to_builtins(entry.effective_at))
        else:
            self._scaled(body, item, survey)
        keys = tuple(self._key(key) for key in entry.subject.keys)
        done = msgspec.structs.replace(
            entry,
            source_id=survey.record_id(entry.source_id, item.object) if survey else entry.source_id,
            body=body,
            subject=msgspec.structs.replace(entry.subject, keys=keys),
        )
        return [done]

    def _scaled(self, body: dict[str, Any], item: Item, survey: Survey | None) -> None:
        """Say how high the score goes. One beyond what the operator named is a choice such as "don't know": none."""
        if body.get("score") is None:
            body.pop("scale", None)
            return
        named = survey.scales.get(item.object) if survey else None
        scale = named or body.get("scale") or scale_of(item.raw, self._asked(item.object, survey))
        if scale is not None and body["score"] > scale:
            body.pop("score")
            body.pop("scale", None)
        elif scale is not None:
            body["scale"] = scale

    def _asked(self, metric: str, survey: Survey | None) -> tuple[str, ...]:
        """The fields that the score of `metric` is read from, by the survey's entry or by the overlay."""
        rules = (rule for rule in self._mapping.plan(metric).rules if rule.target == ("score",))
        overlaid = (str(path[1]) for rule in rules for path in rule.paths if len(path) == 2 and path[0] == "values")
        return (*(survey.fields.get(metric, ()) if survey else ()), *overlaid)

    def _key(self, key: Key) -> Key:
        if key.kind is KeyKind.id and key.value.startswith("crm:"):
            return Key(KeyKind.id, f"{self._system}:{key.value.removeprefix('crm:')}")
        return key
