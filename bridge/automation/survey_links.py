"""The link to the survey system's form in an e-mail of ours: its address with the customer's own values. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Final
from urllib.parse import quote

from bridge.errors import ConfigError
from bridge.scoring.view import View

WORD: Final = "survey_link"
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_ID: Final = re.compile(r"id:[a-z0-9_]+")
_PLAIN: Final = frozenset(("reference", "language", "sent_at"))


def check_link(template: str, where: str) -> None:
    """Raises ConfigError for a place that nothing fills, and where the answer would not say whose it is."""
    named = _PLACE.findall(template)
    for name in named:
        if name not in _PLAIN and not _ID.fullmatch(name):
            known = ", ".join(sorted(f"{{{one}}}" for one in _PLAIN))
            raise ConfigError(where, f"nothing fills {{{name}}}; there are {known} and {{id:crm}}, the id in a source")
    if not any(_ID.fullmatch(name) for name in named):
        raise ConfigError(where, "names no customer: put {id:crm} (the id in that source) into a hidden field")


def fill_link(template: str, view: View, *, run: str, language: str, now: datetime) -> str | None:
    """The address for the customer of `view`; None where an id that it needs is not known."""
    ids = {one.source: one.source_id for one in reversed(view.profiles)}
    sent = now.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = {"reference": run, "language": language, "sent_at": sent}
    values |= {f"id:{source}": id for source, id in ids.items()}
    named = _PLACE.findall(template)
    if any(name not in values for name in named):
        return None
    return _PLACE.sub(lambda place: quote(values[place[1]], safe=""), template)
