"""The forms of one source: which are read, what they ask, and how high their scores go."""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec import Struct

from bridge.adapter.source import Source
from bridge.adapter.yamlfile import meant
from bridge.errors import ConfigError

_FORM = re.compile(
    r"\s*(?P<id>[A-Za-z0-9]{1,64})\s*=\s*(?P<metrics>\w+(?:\s*\+\s*\w+)*)\s*(?:/\s*(?P<scale>\d{1,3})\s*)?"
)


class Form(Struct, frozen=True):
    """One form. `scale` is the highest score where the operator says it."""

    id: str
    metrics: tuple[str, ...]
    scale: float | None = None

    def record_id(self, token: str, metric: str) -> str:
        """The id of the answer to `metric`: the response's own for the form's first metric."""
        return token if metric == self.metrics[0] else f"{token}:{metric}"


def read_forms(source: Source, known: Collection[str] | None) -> dict[str, Form]:
    """The setting `forms`, a list or entries separated by commas, by form id.

    `known` are the metrics that the mapping has an object for (None: not checked). Raises ConfigError for an
    entry that is not `form_id=metric`, a metric that nobody knows and a form named twice.
    """
    where = f"sources.yaml: sources.{source.name}.settings.forms"
    forms: dict[str, Form] = {}
    for entry in (one for listed in source.secrets("forms") for one in listed.split(",")):
        found = _FORM.fullmatch(entry)
        if found is None:
            raise ConfigError(where, "an entry is not form_id=metric, such as abc123=nps or abc123=csat/7")
        asked = tuple(dict.fromkeys(word.strip().lower() for word in found["metrics"].split("+")))
        for metric in asked:
            if known is not None and metric not in known:
                raise ConfigError(where, f"{metric!r} is no metric{meant(metric, known)}")
        if found["id"] in forms:
            raise ConfigError(where, f"the form {found['id']} is named twice; several metrics are joined by +")
        scale = float(found["scale"]) if found["scale"] else None
        forms[found["id"]] = Form(found["id"], asked, scale)
    return forms
