"""Incidents: what is wrong for many at once, and the script that overrides all others: `config/incident.yaml`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.adapter.yamlplaces import with_lines
from bridge.errors import ConfigError
from bridge.playbook.offers import Catalogue, load_catalogue
from bridge.playbook.scripts import Condition, Playbook, PlaybookFile, compile_playbook
from bridge.playbook.terms import OffersOf
from bridge.scoring.wording import Texts

PREFIX = "incident_"
"""The script of the incident `netz_nord` is called `incident_netz_nord`."""

_Instant = Annotated[datetime, Meta(tz=True)]


class Declared(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One incident as it is declared."""

    id: Annotated[str, Meta(pattern="^[a-z0-9_]{1,30}$")]
    begins: _Instant | None = None
    """Left out: as soon as it is declared."""
    ends: _Instant | None = None
    """Left out: when it is removed from the file."""
    when: Condition = None
    """Whom it concerns. Left out: everybody."""
    title: Texts
    empathy: Texts = msgspec.field(default_factory=dict)
    line: Texts
    more: Texts = msgspec.field(default_factory=dict)
    leniency: Texts = msgspec.field(default_factory=dict)
    do_not_say: Texts = msgspec.field(default_factory=dict)
    offer: OffersOf | None = None


class IncidentFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form of `config/incident.yaml`."""

    incidents: tuple[Declared, ...] = ()
    """Of several that apply to a caller the first counts."""


class Incident(Struct, frozen=True):
    """An incident as it is used."""

    begins: datetime | None
    ends: datetime | None
    script: Playbook


class Incidents(Struct, frozen=True):
    """All that are declared."""

    declared: tuple[Incident, ...] = ()

    def at(self, now: datetime) -> tuple[tuple[Playbook, ...], datetime | None]:
        """The scripts of the incidents that are going on at `now`, and when that changes by itself (None: never)."""
        going_on = []
        changes = []
        for incident in self.declared:
            if incident.begins is not None and now < incident.begins:
                changes.append(incident.begins)
            elif incident.ends is None or now < incident.ends:
                going_on.append(incident.script)
                if incident.ends is not None:
                    changes.append(incident.ends)
        return tuple(going_on), min(changes, default=None)


def load_incidents(path: Path, catalogue: Catalogue | None = None) -> Incidents:
    """Read and check `path`; no incident where there is no such file. Offers are those of `catalogue`, or of
    `offers.yaml` beside `path`.

    Raises ConfigError naming the file, the line, the path in it, and the nearest valid name.
    """
    if not path.exists():
        return Incidents()
    catalogue = load_catalogue(path.parent / "offers.yaml") if catalogue is None else catalogue
    with with_lines(path):
        return _compile(check(read_yaml(path) or {}, IncidentFile, str(path)), str(path), catalogue)


def _compile(file: IncidentFile, path: str, catalogue: Catalogue) -> Incidents:
    seen: set[str] = set()
    made = []
    for index, one in enumerate(file.incidents):
        here = f"{path}: incidents[{index}]"
        if one.id in seen:
            raise ConfigError(f"{here}.id", f"{one.id!r} is declared twice")
        seen.add(one.id)
        if one.begins is not None and one.ends is not None and one.ends <= one.begins:
            raise ConfigError(f"{here}.ends", "is not after `begins`")
        script = PlaybookFile(
            id=PREFIX + one.id,
            priority=1000,
            when=one.when,
            title=one.title,
            empathy=one.empathy,
            line=one.line,
            more=one.more,
            leniency=one.leniency,
            do_not_say=one.do_not_say,
            offer=one.offer,
            hold_out="never",
        )
        made.append(Incident(one.begins, one.ends, compile_playbook(script, here, catalogue)))
    return Incidents(tuple(made))
