"""Survey plans in use: their automations in the store, and whether they are on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from bridge.automation.forms import Mode
from bridge.automation.messages import canonical
from bridge.automation.register import CHANNEL, Armed, find_armed, read_armed, switch
from bridge.automation.surveys import ORIGIN, PREFIX, Plan, version_of
from bridge.errors import NotFound
from bridge.store import Store, Unit, micros

_MARK = "survey_file:"


async def adopt_surveys(store: Store, plans: Sequence[Plan], now: datetime) -> list[str]:
    """Bring in the files: new ones and those that changed since they were adopted, with the mode they say. How an
    unchanged one was switched since stays; one whose file is gone is removed. Returns the ids that changed."""
    held = {one.id: one for one in await read_armed(store)}
    known = {row[0]: row[1] for row in await store.all("meta.like", name=f"{_MARK}%")}
    unit, changed = Unit(wake={CHANNEL}), []
    for plan in plans:
        mark, content = f"{_MARK}{plan.id}", f"{version_of(plan)}:{plan.file.mode}"
        if known.pop(mark, None) == content:
            continue
        _put(unit, plan, held.get(plan.rule.id), now)
        unit.add("meta.put", name=mark, value=content)
        changed.append(plan.id)
    for mark in known:
        unit.add("automations.remove", id=PREFIX + mark.removeprefix(_MARK))
        unit.add("meta.drop", name=mark)
        changed.append(mark.removeprefix(_MARK))
    if unit.steps:
        await store.write(unit)
    return changed


async def switch_survey(store: Store, plan: Plan, mode: str, *, by: str, now: datetime) -> Armed:
    """Switch a plan on, off, or to a dry run. Raises NotFound where the worker has not read its file yet."""
    chosen = msgspec.convert(mode, type=Mode)
    return await switch(store, (await find_survey(store, plan)).id, chosen, by=by, now=now)


async def find_survey(store: Store, plan: Plan) -> Armed:
    """How a plan is switched. Raises NotFound."""
    try:
        return await find_armed(store, plan.rule.id)
    except NotFound:
        raise NotFound("the plan is not in use yet: its file is read when the worker starts") from None


def _put(unit: Unit, plan: Plan, before: Armed | None, now: datetime) -> None:
    """It is live from now on when it was in another mode; a new version of what is on goes on."""
    mode = plan.file.mode
    goes_on = before is not None and before.mode == mode
    since = before.live_since if before is not None and goes_on else now
    body = canonical(msgspec.structs.replace(plan.rule.file, mode="off")).decode()
    version = plan.rule.version
    unit.add("automations.keep_version", id=plan.rule.id, version=version, body=body, at=micros(now), by_whom="file")
    unit.add(
        "automations.put",
        id=plan.rule.id,
        version=version,
        mode=mode,
        origin=ORIGIN,
        live_since=None if mode == "off" or since is None else micros(since),
        at=micros(now),
        by_whom="file",
    )
