"""JSON Schemas of the configuration files, for editors: made from the structs that read them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from bridge.adapter.manifest import Manifest
from bridge.adapter.registry import SourcesFile
from bridge.adapter.rules import MappingForm
from bridge.conditions import Vocabulary, condition_schema
from bridge.identity.rules import IdentityRules
from bridge.playbook.experiment import ChoiceRules
from bridge.playbook.incidents import IncidentFile
from bridge.playbook.metering import Metering
from bridge.playbook.offers import CatalogueFile
from bridge.playbook.routing import RoutingFile
from bridge.playbook.scripts import PlaybookFile
from bridge.playbook.situation import SCRIPT_VOCABULARY, VOCABULARY
from bridge.scoring.card import ScoringFile

_FORMS: dict[str, type[Struct]] = {
    "choice": ChoiceRules,
    "identity": IdentityRules,
    "incident": IncidentFile,
    "manifest": Manifest,
    "mapping": MappingForm,
    "metrics": Metering,
    "offers": CatalogueFile,
    "playbook": PlaybookFile,
    "routing": RoutingFile,
    "scoring": ScoringFile,
    "sources": SourcesFile,
}
_VOCABULARIES: dict[type[Struct], Vocabulary] = {
    IncidentFile: SCRIPT_VOCABULARY,
    PlaybookFile: SCRIPT_VOCABULARY,
    RoutingFile: VOCABULARY,
}


def config_schemas(more: Mapping[str, type[Struct]] = MappingProxyType({})) -> dict[str, bytes]:
    """File name → content of every schema under `config/schemas/`; `more` are the forms of the rooms above."""
    return {f"{name}.json": _schema(form) for name, form in {**_FORMS, **more}.items()}


def write_schemas(folder: Path, more: Mapping[str, type[Struct]] = MappingProxyType({})) -> list[Path]:
    """Bring the schemas in `folder` up to date; returns the files that changed."""
    changed = []
    for name, content in config_schemas(more).items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
            changed.append(path)
    return changed


def _schema(form: type[Struct]) -> bytes:
    made: dict[str, Any] = msgspec.json.schema(form)
    if form in _VOCABULARIES:
        made["$defs"]["condition"] = condition_schema(_VOCABULARIES[form])
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
    return msgspec.json.format(msgspec.json.encode(made, order="sorted"), indent=2) + b"\n"
