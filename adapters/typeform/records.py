"""Items → entries: what the mapping cannot say. Answers by question, scales, and what was never submitted."""

from __future__ import annotations

from typing import Any

import msgspec

from bridge.adapter.delivery import Item, Refetch
from bridge.adapter.mapping import Mapping
from bridge.adapter.paths import kind
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Entry, Key, KeyKind, Subject

from .answers import answers_of, hidden_of, is_unfinished, respondent_of, scale_of
from .forms import Form

_UNSUBMITTED = ("answered", "score", "scale", "comment", "reason_for_leaving", "left_others_because")


class Records:
    """Reads the responses of one source: each item is the answer to one metric, by which its object is called."""

    def __init__(
        self, source: Source, mapping: Mapping, *, forms: dict[str, Form], system: str, unfinished: bool
    ) -> None:
        self._source = source
        self._mapping = mapping
        self._forms = forms
        self._system = system
        self._unfinished = unfinished

    def read(self, item: Item) -> list[Entry | Refetch]:
        """The entry of one item; [] for what was not submitted, unless that counts as unanswered.

        Raises MappingError naming the path, not the value.
        """
        response = item.raw.get("form_response")
        if not isinstance(response, dict):
            raise MappingError("typeform", "form_response", f"found {kind(response)} where an object belongs")
        unfinished = is_unfinished(item.raw, response)
        if unfinished and not self._unfinished:
            return []
        shown = {**response, "hidden": hidden_of(response)}
        if unfinished:
            shown["submitted_at"] = None
        raw = {
            **item.raw,
            "form_response": shown,
            "answers": {} if unfinished else answers_of(response),
            "respondent": respondent_of(response),
        }
        entry = self._mapping.read(msgspec.structs.replace(item, raw=raw), self._source)
        form = self._form(response)
        body = dict(entry.body)
        if unfinished:
            body = {name: value for name, value in body.items() if name not in _UNSUBMITTED}
            body.setdefault("sent", msgspec.to_builtins(entry.effective_at))
        elif body.get("score") is not None and body.get("scale") is None:
            scale = scale_of(response, self._asked(item.object)) or (form.scale if form else None)
            if scale is not None:
                body["scale"] = scale
        done = msgspec.structs.replace(
            entry,
            source_id=form.record_id(entry.source_id, item.object) if form else entry.source_id,
            # The list of responses knows the form's scales, a webhook often does not: who knows more comes later.
            order=f"{entry.order}{int('scale' in body)}",
            body=body,
            subject=self._subject(entry.subject),
        )
        return [done]

    def _form(self, response: dict[str, Any]) -> Form | None:
        number = response.get("form_id")
        return self._forms.get(number) if isinstance(number, str) else None

    def _asked(self, metric: str) -> set[str]:
        """The references of the questions that the mapping, overlay included, reads the score of `metric` from."""
        rules = (rule for rule in self._mapping.plan(metric).rules if rule.target == ("score",))
        return {str(path[1]) for rule in rules for path in rule.paths if len(path) == 2 and path[0] == "answers"}

    def _subject(self, subject: Subject) -> Subject:
        """The subject with the ids of the mapping's `crm` in the system that the operator named."""
        keys = (
            Key(KeyKind.id, f"{self._system}:{key.value.removeprefix('crm:')}")
            if key.kind is KeyKind.id and key.value.startswith("crm:")
            else key
            for key in subject.keys
        )
        return msgspec.structs.replace(subject, keys=tuple(keys))
