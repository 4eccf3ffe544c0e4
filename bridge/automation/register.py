"""The automations in use, of files and built in the console: their versions, and whether they are on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

import msgspec
from msgspec import UNSET, Struct, UnsetType

from bridge.automation.forms import AutomationFile, Mode
from bridge.automation.messages import canonical
from bridge.automation.rules import Automation, compile_automation
from bridge.errors import BadRequest, ConfigError, NotFound, Superseded
from bridge.store import Row, Store, Unit, instant, micros
from bridge.telemetry import log

PAUSED = "automations_paused"
"""Name of the row in `meta` by which everything is held: "" or the instant since when."""
CHANNEL = "automations"
ATTEMPTS = 5


class Armed(Struct, frozen=True, kw_only=True):
    """An automation in use. It acts on what happens from `live_since` on; None while it is off."""

    rule: Automation
    mode: Mode
    origin: str
    live_since: datetime | None
    updated_at: datetime
    updated_by: str

    @property
    def id(self) -> str:
        return self.rule.id


class Version(Struct, frozen=True, kw_only=True):
    """One version that an automation has or had."""

    version: str
    file: AutomationFile
    at: datetime
    by: str


@lru_cache(maxsize=512)
def _compiled(body: str, id: str) -> Automation | None:
    """None, and said once, for what an earlier version of the bridge kept and this one cannot read: it must not hold up
    everything else."""
    try:
        return compile_automation(msgspec.json.decode(body, type=AutomationFile), f"automation {id}")
    except (ConfigError, msgspec.ValidationError) as problem:
        log("automation").error("automation.unreadable", automation=id, problem=str(problem))
        return None


async def read_armed(store: Store) -> tuple[Armed, ...]:
    """Every automation there is, by id, off ones included. What cannot be read any more is left out, and logged: it
    does nothing until it is saved anew."""
    return tuple(
        Armed(
            rule=rule,
            mode=mode,
            origin=origin,
            live_since=None if live is None else instant(live),
            updated_at=instant(updated_at),
            updated_by=updated_by,
        )
        for id, _, mode, origin, live, updated_at, updated_by, body in await store.all("automations.all")
        if (rule := _compiled(body, id)) is not None
    )


async def find_armed(store: Store, id: str) -> Armed:
    """The automation `id`. Raises NotFound."""
    found = next((one for one in await read_armed(store) if one.id == id), None)
    if found is None:
        raise NotFound("there is no automation of that id")
    return found


async def rule_of(store: Store, id: str, version: str) -> Automation | None:
    """One version of an automation: what a run goes on by that was begun under it. None where there is none, or none
    that can be read any more."""
    row = await store.one("automations.version", id=id, version=version)
    return None if row is None else _compiled(row[0], id)


async def adopt(store: Store, rules: Sequence[Automation], now: datetime) -> list[str]:
    """Bring in the files: new ones and those that changed since they were adopted, with the mode they say.

    What was done to an unchanged file's automation since (switched, edited in the console) stays. One whose file is
    gone is removed. Returns the ids that changed.
    """
    held = {one.id: one for one in await read_armed(store)}
    known = {row[0]: row[1] for row in await store.all("meta.like", name="automation_file:%")}
    unit, changed = Unit(wake={CHANNEL}), []
    for rule in rules:
        mark = f"automation_file:{rule.id}"
        content = f"{rule.version}:{rule.file.mode}"
        if known.pop(mark, None) == content:
            continue
        before = held.get(rule.id)
        _put(unit, rule, rule.file.mode, "file", before, "file", now)
        unit.add("meta.put", name=mark, value=content)
        changed.append(rule.id)
    for mark in known:
        id = mark.partition(":")[2]
        if id in held and held[id].origin == "file":
            unit.add("automations.remove", id=id)
            changed.append(id)
        unit.add("meta.drop", name=mark)
    if unit.steps:
        await store.write(unit)
    return changed


async def save(
    store: Store, rule: Automation, *, mode: Mode, by: str, now: datetime, before: Armed | UnsetType | None = UNSET
) -> Armed:
    """Keep an automation as it was built or edited, as a new version in use. `before` is as it was read when that was
    decided (None: there was none), left out as it is now. Raises Superseded when it is not so any more."""
    if isinstance(before, UnsetType):
        before = next((one for one in await read_armed(store) if one.id == rule.id), None)
    unit = Unit(wake={CHANNEL})
    await _guard(store, unit, rule.id, before)
    _put(unit, rule, mode, before.origin if before else "console", before, by, now)
    _audit(unit, by, "automation.save", rule.id, {"version": rule.version, "mode": mode}, now)
    await store.write(unit)
    return await find_armed(store, rule.id)


async def switch(store: Store, id: str, mode: Mode, *, by: str, now: datetime, before: Armed | None = None) -> Armed:
    """Switch `id` on, off, or to a dry run. What is under way in another mode stops. `before` is as it was read when
    that was decided, left out as it is now, whoever else is at it. Raises NotFound, and Superseded when it is not as
    `before` says any more."""
    for attempt in range(ATTEMPTS):
        standing = before or await find_armed(store, id)
        unit = Unit(wake={CHANNEL})
        await _guard(store, unit, id, standing)
        _put(unit, standing.rule, mode, standing.origin, standing, by, now)
        _audit(unit, by, "automation.switch", id, {"mode": mode, "was": standing.mode}, now)
        try:
            await store.write(unit)
            break
        except Superseded:
            if before is not None or attempt == ATTEMPTS - 1:
                raise
    return await find_armed(store, id)


async def roll_back(store: Store, id: str, version: str, *, by: str, now: datetime) -> Armed:
    """Put a former version in use again; its mode stays. Raises NotFound, BadRequest for the one in use, Superseded
    when somebody else changed it meanwhile."""
    before = await find_armed(store, id)
    if before.rule.version == version:
        raise BadRequest("that version is in use")
    rule = await rule_of(store, id, version)
    if rule is None:
        raise NotFound("there is no such version")
    unit = Unit(wake={CHANNEL})
    await _guard(store, unit, id, before)
    _put(unit, rule, before.mode, before.origin, before, by, now)
    _audit(unit, by, "automation.roll_back", id, {"version": version, "was": before.rule.version}, now)
    await store.write(unit)
    return await find_armed(store, id)


async def remove(store: Store, id: str, *, by: str, now: datetime) -> None:
    """Remove an automation that was built in the console; its versions and runs stay. Raises NotFound, BadRequest."""
    before = await find_armed(store, id)
    if before.origin == "file":
        raise BadRequest(f"it stands in config/automations/{id}.yaml: remove the file, or switch it off")
    unit = Unit(wake={CHANNEL})
    unit.add("automations.remove", id=id)
    _audit(unit, by, "automation.remove", id, {}, now)
    await store.write(unit)


async def versions(store: Store, id: str) -> list[Version]:
    """Every version of `id`, newest first."""
    return [
        Version(version=version, file=msgspec.json.decode(body, type=AutomationFile), at=instant(at), by=by)
        for version, body, at, by in await store.all("automations.versions", id=id)
    ]


async def pause(store: Store, paused: bool, *, by: str, now: datetime) -> None:
    """Hold everything: nothing is begun and nothing sent until it is taken back. What happens meanwhile ages."""
    unit = Unit(wake={CHANNEL, "outbox"})
    unit.add("meta.put", name=PAUSED, value=now.isoformat() if paused else "")
    _audit(unit, by, "automations.pause" if paused else "automations.resume", "automations", {}, now)
    await store.write(unit)


async def paused(store: Store) -> bool:
    """Whether everything is held."""
    row = await store.one("meta.get", name=PAUSED)
    return row is not None and row[0] != ""


async def _guard(store: Store, unit: Unit, id: str, before: Armed | None) -> None:
    """Nobody else has edited or switched it since it was read: neither an edit nor a switch-off gets lost."""
    if before is not None:
        standing: list[Row] = [(before.rule.version, before.mode, micros(before.updated_at))]
    elif any(one.id == id for one in await read_armed(store)):
        standing = []
    else:  # there is none, or one that cannot be read any more
        standing = await store.all("building.standing", id=id)
    unit.guard("building.standing", standing, id=id)


def _put(unit: Unit, rule: Automation, mode: Mode, origin: str, before: Armed | None, by: str, now: datetime) -> None:
    """It is live from now on when it was in another mode; a new version of what is on goes on."""
    goes_on = before is not None and before.mode == mode
    since = before.live_since if before is not None and goes_on else now
    body = canonical(msgspec.structs.replace(rule.file, mode="off")).decode()
    unit.add("automations.keep_version", id=rule.id, version=rule.version, body=body, at=micros(now), by_whom=by)
    unit.add(
        "automations.put",
        id=rule.id,
        version=rule.version,
        mode=mode,
        origin=origin,
        live_since=None if mode == "off" or since is None else micros(since),
        at=micros(now),
        by_whom=by,
    )


def _audit(unit: Unit, by: str, action: str, subject: str, detail: dict[str, str], now: datetime) -> None:
    text = msgspec.json.encode(detail).decode()
    unit.add("access.audit", at=micros(now), actor=by, action=action, subject=f"automation:{subject}", detail=text)
