"""An erasure lasts: over the restoring of a backup, and over what comes in later and cannot even be read.

What comes in and can be read is refused by `flow`; here is the rest.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import msgspec

from bridge.flow.desk import Desk
from bridge.identity.suppression import suppression
from bridge.intake.records import person
from bridge.privacy.erasure import erase
from bridge.privacy.traces import PAGE, leaves, meanings, region_of
from bridge.store import Row, Unit, micros

MARK = "privacy_swept"
"""Name of the row in `meta` that holds up to which delivery `sweep` has looked."""
SHORTEST_ID = 5
"""Shorter ids also stand for amounts and years: in something that could not be read they prove nothing."""


async def reinstate(desk: Desk, *, now: datetime) -> int:
    """After a backup was restored: erase again whoever had been erased since it was made. Returns how many."""
    path = desk.settings.suppression_path
    kept = [] if path is None else await asyncio.to_thread(_kept, path)
    known = {row[0] for row in await desk.store.all("privacy.suppressed", hashes=kept)}
    missing = set(kept) - known
    if not missing:
        return 0
    again: set[str] = set()
    after = ("", "")
    while page := await desk.store.all("privacy.all_profiles", source=after[0], source_id=after[1], most=PAGE):
        after = (page[-1][0], page[-1][1])
        again |= {row[2] for row in page if suppression(desk.salt, person(row[0], row[1])) in missing}
    for customer in sorted(again):
        await erase(desk, customer, by="restore", now=now)
    unit = Unit()  # last, so that a start that is cut short is taken up by the next one
    unit.many("privacy.suppress", [{"hash": one, "at": micros(now)} for one in sorted(missing)])
    await desk.store.write(unit)
    return len(again)


def _kept(path: Path) -> list[str]:
    return sorted(set(path.read_text("ascii").split())) if path.exists() else []


async def sweep(desk: Desk) -> int:
    """Blank what came in about erased people since the last sweep and became no record; returns how many deliveries.

    A row that cannot be read, a hint at a record that is then refused: they too hold a name or an address.
    """
    if not (await desk.store.all("privacy.any_suppressed"))[0][0]:
        return 0
    row = await desk.store.one("meta.get", name=MARK)
    swept = after = int(row[0]) if row else 0
    settled = True
    blanked = 0
    while page := await desk.store.all("privacy.unread_deliveries", after=after, most=PAGE):
        after = page[-1][0]
        about = await _about_the_erased(desk, page)
        for number, _, _, state in page:
            settled = settled and state not in ("new", "waiting")
            swept = number if settled else swept
        unit = Unit()
        unit.many("privacy.blank_delivery", [{"id": number, "error": "suppressed"} for number in about])
        unit.add("meta.put", name=MARK, value=str(swept))
        await desk.store.write(unit)
        blanked += len(about)
    return blanked


async def _about_the_erased(desk: Desk, page: list[Row]) -> list[int]:
    named: dict[int, set[str]] = {}
    for number, source, raw, state in page:
        if state not in ("new", "waiting"):
            texts = set(leaves(msgspec.json.decode(raw)))
            keys = {str(key) for text in texts for key in meanings(text, region_of(desk, source))}
            keys |= {person(source, text) for text in texts if SHORTEST_ID <= len(text) <= 128}
            named[number] = {suppression(desk.salt, key) for key in keys}
    hashes = sorted(set().union(*named.values()))
    refused = {row[0] for row in await desk.store.all("privacy.suppressed", hashes=hashes)}
    return [number for number, some in named.items() if some & refused]
