"""The surveys of one source: which are read, and which question asks what."""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec import Struct

from bridge.adapter.source import Source
from bridge.adapter.yamlfile import meant
from bridge.errors import ConfigError

SURVEY = re.compile(r"SV_[A-Za-z0-9]{1,40}")
TEXTS = ("comment", "reason_for_leaving", "left_others_because")
_PART = re.compile(r"(?P<role>\w+)(?::(?P<field>[^\s:/=]+))?(?:/(?P<scale>\d{1,3}))?")


class Survey(Struct, frozen=True):
    """One survey. `fields` says for each metric, each text and `sent` where it stands among a response's values;
    `scales` holds the highest scores that the operator named."""

    id: str
    metrics: tuple[str, ...]
    fields: dict[str, tuple[str, ...]]
    scales: dict[str, float]

    def record_id(self, number: str, metric: str) -> str:
        """The id of the answer to `metric`: the response's own for the survey's first metric."""
        return number if metric == self.metrics[0] else f"{number}:{metric}"


def read_surveys(source: Source, known: Collection[str]) -> dict[str, Survey]:
    """The setting `surveys`, a list or entries separated by semicolons, by survey id.

    `known` are the metrics that the mapping has an object for. Raises ConfigError naming what an entry lacks.
    """
    where = f"sources.yaml: sources.{source.name}.settings.surveys"
    surveys: dict[str, Survey] = {}
    for entry in (one.strip() for listed in source.secrets("surveys") for one in listed.split(";")):
        number, equals, parts = (part.strip() for part in entry.partition("="))
        if not equals or not SURVEY.fullmatch(number):
            raise ConfigError(where, "an entry is not SV_id=metric:question, such as SV_1=nps:QID1 comment:QID2_TEXT")
        if number in surveys:
            raise ConfigError(where, f"the survey {number} is named twice; its metrics stand in one entry")
        surveys[number] = _survey(number, parts.split(), known, where)
    return surveys


def _survey(number: str, parts: list[str], known: Collection[str], where: str) -> Survey:
    fields: dict[str, tuple[str, ...]] = {}
    scales: dict[str, float] = {}
    for part in parts:
        found = _PART.fullmatch(part)
        role = found["role"].lower() if found else ""
        if found is None or role not in (*known, *TEXTS, "sent"):
            raise ConfigError(where, f"{number}: {role or part!r} is no metric{meant(role, [*known, *TEXTS, 'sent'])}")
        if found["scale"]:
            scales[role] = float(found["scale"])
        fields[role] = fields.get(role, ()) + ((found["field"],) if found["field"] else ())
        if not fields[role] and role not in known:
            raise ConfigError(where, f"{number}: {role} does not say which question, such as {role}:QID2_TEXT")
    metrics = tuple(role for role in fields if role in known)
    if not metrics:
        raise ConfigError(where, f"{number}: asks for no metric; one of {', '.join(known)} is missing")
    return Survey(number, metrics, fields, scales)
