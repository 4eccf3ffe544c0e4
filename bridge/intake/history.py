"""What was known when: the records of some subjects as they stood at an earlier moment, folded from their versions.

The moment is that of knowing (`known_at`), not that of effect: what a vendor told on Tuesday about Monday is not there
when Monday is asked for. Backtests, fitting and replay stand on this. After a remapping it is as if the new mapping had
always been.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from bridge.intake.records import Current, Name, Version, fold
from bridge.store import Store, micros


def known_at(versions: Iterable[Version], at: datetime) -> dict[Name, Current]:
    """Every record that `versions` make of what was known at `at`, deleted ones too; in whatever order they stand."""
    until = micros(at)
    told: defaultdict[Name, list[Version]] = defaultdict(list)
    for version in versions:
        if version.known_at <= until:
            told[version.name].append(version)
    return {name: current for name, some in told.items() if (current := fold(some)) is not None}


async def currents_as_of(store: Store, subjects: Iterable[str], at: datetime) -> list[Current]:
    """The records about `subjects` as they stood at `at`, newest first: what `records` had in it then.

    Deleted records are left out, and so are those that had another subject at that moment.
    """
    wanted = sorted(set(subjects))
    until = micros(at)
    ids: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for source, kind, source_id in await store.all("records.named_as_of", subjects=wanted, known_at=until):
        ids[(source, kind)].append(source_id)
    versions: list[Version] = []
    for (source, kind), some in ids.items():
        rows = await store.all("records.versions_as_of", source=source, object=kind, ids=some, known_at=until)
        versions += [Version(**dict(zip(Version.__struct_fields__, row, strict=True))) for row in rows]
    about = set(wanted)
    found = [one for one in known_at(versions, at).values() if one.subject in about and not one.deleted]
    return sorted(found, key=lambda one: (-one.effective_at, one.name))
