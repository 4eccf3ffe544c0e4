"""JSON Schemas of automations, messages and outreach, for editors: made from the structs that read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from bridge.automation.forms import AutomationFile, MessageForm
from bridge.automation.loop_rules import LoopsFile, all_opening_fields
from bridge.automation.outreach import Outreach
from bridge.automation.survey_forms import SurveyFile, SurveyingFile
from bridge.automation.triggers import SINCE, all_facts
from bridge.conditions import condition_schema
from bridge.playbook.situation import SCRIPT_VOCABULARY

_FORMS: dict[str, type[Struct]] = {
    "automation": AutomationFile,
    "message": MessageForm,
    "outreach": Outreach,
    "survey": SurveyFile,
    "surveying": SurveyingFile,
    "loops": LoopsFile,
}


def automation_schemas() -> dict[str, bytes]:
    """File name → content of the schemas under `config/schemas/` that belong to this room."""
    return {f"{name}.json": _schema(form) for name, form in _FORMS.items()}


def write_schemas(folder: Path) -> list[Path]:
    """Bring these schemas in `folder` up to date; returns the files that changed."""
    changed = []
    for name, content in automation_schemas().items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
            changed.append(path)
    return changed


def _schema(form: type[Struct]) -> bytes:
    made: dict[str, Any] = msgspec.json.schema(form)
    if form in (AutomationFile, SurveyFile):
        made["$defs"]["condition"] = condition_schema({**SCRIPT_VOCABULARY, **all_facts(), **SINCE})
    if form is LoopsFile:
        made["$defs"]["condition"] = condition_schema(all_opening_fields())
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
    return msgspec.json.format(msgspec.json.encode(made, order="sorted"), indent=2) + b"\n"
