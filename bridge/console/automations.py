"""`/v1/automations`: what is done of its own accord, built and switched in the console, and what became of it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from bridge.acting.approaching import office_of
from bridge.automation import register
from bridge.automation.forms import AutomationFile, Mode
from bridge.automation.messages import load_messages
from bridge.automation.register import Armed, find_armed, read_armed, versions
from bridge.automation.rules import Automation, compile_automation, read_automation
from bridge.automation.spending import spent
from bridge.automation.surveys import ORIGIN as SURVEY
from bridge.errors import BadRequest, ConfigError, Conflict
from bridge.gateway.endpoint import Call
from bridge.model import Money
from bridge.store import micros

COUNTED: Final = timedelta(days=30)
LONGEST_FORM: Final = 65_536
"""Bytes of an automation; what is checked is checked where callers are answered too."""
MOST_VERSIONS: Final = 50
RESERVED: Final = frozenset(("new", "vocabulary", "preview", "pause", "resume", "message_preview"))
"""Ids that are addresses of their own."""
PERSONAL: Final = frozenset(("agent", "supervisor"))
"""Who may see which customer a run is about."""
_PLACE: Final = "automation: "


class Count(Struct, frozen=True):
    """Runs that ended, or wait, in this way; `reason` is "" where there was none."""

    mode: str
    state: str
    reason: str
    runs: int


class Money30(Struct, frozen=True, kw_only=True):
    """Whole units of the main currency: spent in the running period of the budget, and the budget itself."""

    currency: str
    spent: float
    budget: float | None
    every: str | None


class Entry(Struct, kw_only=True):
    """One automation. `counts` are runs that were begun in the last 30 days, `messages` what was sent in them."""

    id: str
    title: dict[str, str]
    mode: Mode
    origin: Literal["file", "console"]
    """file: it stands in `config/automations`, and follows the file when that changes."""
    version: str
    live_since: datetime | None
    updated_at: datetime
    updated_by: str
    fact: str
    steps: tuple[str, ...]
    roll_out: float
    hold_out: float
    counts: list[Count]
    messages: int
    money: Money30


class Listing(Struct, kw_only=True):
    """All of them; while `paused` nothing is begun and nothing sent."""

    paused: bool
    automations: list[Entry]


class Kept(Struct, kw_only=True):
    """A version that it has or had."""

    version: str
    at: datetime
    by: str
    in_use: bool
    form: dict[str, Any]


class Shown(Struct, kw_only=True):
    """One automation with its form, as `PUT` takes it, and its latest versions, newest first, with the one in use."""

    entry: Entry
    form: dict[str, Any]
    versions: list[Kept]


class Saving(Struct, kw_only=True, forbid_unknown_fields=True):
    """`version` is the one that was edited; null for a new automation. The mode stays; a new one is off."""

    automation: dict[str, Any]
    version: str | None = None


class Switching(Struct, kw_only=True, forbid_unknown_fields=True):
    """With `roll_out` for this share of customers from now on: a new version. `version` is the one that was looked at:
    nobody switches on what somebody else has changed meanwhile; left out, whichever is in use."""

    mode: Mode
    version: str | None = None
    roll_out: Annotated[float, Meta(ge=0, le=1)] | None = None


class Back(Struct, kw_only=True, forbid_unknown_fields=True):
    """A former version."""

    version: str


class Paused(Struct):
    """Whether everything is held."""

    paused: bool


class Gone(Struct):
    """The id of what is no more."""

    removed: str


async def listing(call: Call) -> Listing:
    """Every automation but those of survey plans, with what it did in the last 30 days."""
    armed = [one for one in await read_armed(call.gate.store) if one.origin != SURVEY]
    counts, sent = await _counted(call, [one.id for one in armed])
    found = [await _entry(call, one, counts, sent) for one in armed]
    return Listing(paused=await register.paused(call.gate.store), automations=found)


async def show(call: Call) -> Shown:
    """One automation: its form, who changed what and when."""
    return await _shown(call, await find_armed(call.gate.store, call.path["id"]))


async def save(call: Call, body: Saving) -> Shown:
    """Keep it as a new version in use. 400 names the place in the form that is wrong, before a colon; 409 when somebody
    else changed it since (`version`, or the header If-Match, is not the one in use)."""
    store, id = call.gate.store, call.path["id"]
    before = next((one for one in await read_armed(store) if one.id == id), None)
    given = call.headers.get(b"if-match", b"").decode("latin-1").strip('" ')
    if (given or body.version) != (before.rule.version if before else None):
        raise Conflict("somebody else changed it meanwhile; read it again")
    if id in RESERVED or (before is None and id in {f"{SURVEY}_{one.id}" for one in call.gate.desk.rules.surveys}):
        raise BadRequest("id: this name is taken by a page or by surveys; choose another")
    _not_of_a_survey(before)
    rule = await read_rule(call, body.automation | {"id": id})
    mode: Mode = before.mode if before else "off"
    armed = await register.save(store, rule, mode=mode, by=call.who.actor, now=call.now, before=before)
    return await _changed(call, armed)


def _not_of_a_survey(armed: Armed | None) -> None:
    """What a survey plan sends with is changed with the plan alone, where it is counted who was asked."""
    if armed is not None and armed.origin == SURVEY:
        raise Conflict("this belongs to a survey: switch it at /v1/surveys, change its file in config/surveys")


async def _own(call: Call) -> Armed:
    armed = await find_armed(call.gate.store, call.path["id"])
    _not_of_a_survey(armed)
    return armed


async def remove(call: Call) -> Gone:
    """Remove what was built in the console. Its runs and versions stay; what is under way stops."""
    id = (await _own(call)).id
    await register.remove(call.gate.store, id, by=call.who.actor, now=call.now)
    await call.gate.desk.look_up()
    return Gone(id)


async def switch(call: Call, body: Switching) -> Shown:
    """Off, dry (everything is done but sending) or on, first for a share of customers. It acts on what happens from now
    on; what is under way in another mode stops."""
    store, before = call.gate.store, await _own(call)
    by, now = call.who.actor, call.now
    if body.version not in (None, before.rule.version):
        raise Conflict("somebody else changed it meanwhile; look at it before it is switched")
    if body.roll_out in (None, before.rule.file.roll_out):
        seen = None if body.version is None else before
        return await _changed(call, await register.switch(store, before.id, body.mode, by=by, now=now, before=seen))
    file = msgspec.structs.replace(before.rule.file, roll_out=body.roll_out)
    rule = compile_automation(file, f"automation {before.id}")
    return await _changed(call, await register.save(store, rule, mode=body.mode, by=by, now=now, before=before))


async def roll_back(call: Call, body: Back) -> Shown:
    """Put a former version in use again; the mode stays."""
    id = (await _own(call)).id
    armed = await register.roll_back(call.gate.store, id, body.version, by=call.who.actor, now=call.now)
    return await _changed(call, armed)


async def pause(call: Call) -> Paused:
    """Hold everything: nothing is begun, nothing sent."""
    await register.pause(call.gate.store, True, by=call.who.actor, now=call.now)
    return Paused(True)


async def resume(call: Call) -> Paused:
    """Go on. What happened meanwhile counts where it is young enough."""
    await register.pause(call.gate.store, False, by=call.who.actor, now=call.now)
    return Paused(False)


async def read_rule(call: Call, form: dict[str, Any]) -> Automation:
    """The automation that a form says. Raises BadRequest that begins with the place in the form."""
    desk = call.gate.desk
    if len(msgspec.json.encode(form)) > LONGEST_FORM:
        raise BadRequest(f"automation: is longer than {LONGEST_FORM:,} bytes")
    try:
        # files are read beside the loop on which callers are answered
        messages = await asyncio.to_thread(load_messages, desk.settings.config_dir / "messages")
        return read_automation(form, "automation", desk.rules.deciding.playbooks.catalogue, messages)
    except ConfigError as problem:
        raise BadRequest(str(problem).removeprefix(_PLACE)) from None


async def _changed(call: Call, armed: Armed) -> Shown:
    await call.gate.desk.look_up()
    return await _shown(call, armed)


async def _shown(call: Call, armed: Armed) -> Shown:
    counts, sent = await _counted(call, [armed.id])
    return Shown(
        entry=await _entry(call, armed, counts, sent),
        form=form_of(msgspec.structs.replace(armed.rule.file, mode=armed.mode)),
        versions=[
            Kept(
                version=one.version,
                at=one.at,
                by=_named(call, one.by),
                in_use=one.version == armed.rule.version,
                form=form_of(one.file),
            )
            for place, one in enumerate(await versions(call.gate.store, armed.id))
            if place < MOST_VERSIONS or one.version == armed.rule.version
        ],
    )


async def _counted(call: Call, automations: list[str]) -> tuple[dict[str, list[Count]], dict[str, int]]:
    store, since = call.gate.store, micros(call.now - COUNTED)
    counts: defaultdict[str, list[Count]] = defaultdict(list)
    rows = await store.all("building.counts", automations=automations, since=since) if automations else []
    for id, mode, state, reason, count in rows:
        counts[id].append(Count(mode, state, reason, int(count)))
    return counts, dict(await store.all("building.sent_lately", since=since))


async def _entry(call: Call, armed: Armed, counts: dict[str, list[Count]], sent: dict[str, int]) -> Entry:
    file, currency = armed.rule.file, office_of(call.gate.desk, {}).currency
    used = Decimal(0)
    if file.budget is not None:
        used = Money(await spent(call.gate.store, armed.rule, call.now), currency).amount
    return Entry(
        id=armed.id,
        title=file.title,
        mode=armed.mode,
        origin="file" if armed.origin == "file" else "console",
        version=armed.rule.version,
        live_since=armed.live_since,
        updated_at=armed.updated_at,
        updated_by=_named(call, armed.updated_by),
        fact=file.when.fact,
        steps=tuple(kind_of(step) for step in file.do),
        roll_out=file.roll_out,
        hold_out=file.hold_out,
        counts=counts.get(armed.id, []),
        messages=sent.get(armed.id, 0),
        money=Money30(
            currency=currency,
            spent=float(used),
            budget=file.budget.amount if file.budget else None,
            every=file.budget.every if file.budget else None,
        ),
    )


def form_of(file: AutomationFile) -> dict[str, Any]:
    """As it stands in a file, and as `PUT` takes it."""
    form: dict[str, Any] = msgspec.to_builtins(file)
    return form


def kind_of(step: Any) -> str:
    """What a step does: send_email …"""
    return next(str(name) for name in step.__struct_fields__ if getattr(step, name) is not None)


def _named(call: Call, by: str) -> str:
    """A key by the name it was given, a person by theirs; files as they are."""
    if by.startswith("agent:"):
        return by.removeprefix("agent:")
    key = call.gate.keys.by_id(by.removeprefix("key:")) if by.startswith("key:") else None
    return by if key is None else key.name
