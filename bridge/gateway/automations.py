"""`/v1/automations`: what is done of its own accord, built and switched in the console, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from bridge.automation import register
from bridge.automation.forms import AutomationFile, Mode
from bridge.automation.messages import load_messages
from bridge.automation.register import Armed, find_armed, read_armed, versions
from bridge.automation.rules import Automation, compile_automation, read_automation
from bridge.automation.spending import spent
from bridge.automation.surveys import ORIGIN as SURVEY
from bridge.errors import BadRequest, ConfigError, Conflict
from bridge.flow.approaching import office_of
from bridge.gateway.endpoint import Call
from bridge.model import Money
from bridge.store import Row, instant, micros

COUNTED: Final = timedelta(days=30)
RESERVED: Final = frozenset(("new", "vocabulary", "preview", "pause", "resume", "message_preview"))
"""Ids that are addresses of their own."""
PERSONAL: Final = frozenset(("agent", "supervisor"))
"""Who may see which customer a run is about."""
_LATEST: Final = 2**62
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
    """One automation. `counts` are runs of the last 30 days, `messages` what was sent for them."""

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
    """One automation with its form, as `PUT` takes it, and every version, newest first."""

    entry: Entry
    form: dict[str, Any]
    versions: list[Kept]


class Saving(Struct, kw_only=True, forbid_unknown_fields=True):
    """`version` is the one that was edited; null for a new automation. The mode stays; a new one is off."""

    automation: dict[str, Any]
    version: str | None = None


class Switching(Struct, kw_only=True, forbid_unknown_fields=True):
    """With `roll_out` for this share of customers from now on: a new version."""

    mode: Mode
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


class RunsQuery(Struct, kw_only=True):
    """The newest first; `after` is `next` of the page before."""

    after: Annotated[str, Meta(pattern=r"^\d{1,19}:[A-Za-z0-9_:.-]{1,200}$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class Done(Struct, kw_only=True):
    """One thing that happened in a run. `result`: enqueued, would, refused, postponed, waits, stopped.

    `sent` is what became of the message: due, sending, sent, dead, uncertain, cancelled … and when.
    """

    step: int
    do: str
    at: datetime
    result: str
    reason: str
    until: datetime | None
    through: str | None = None
    sent: str | None = None
    sent_at: datetime | None = None


class Ran(Struct, kw_only=True):
    """One run. `customer` is null for who may not see customers."""

    id: str
    customer: str | None
    fact: str
    occurred_at: datetime
    begun_at: datetime
    state: str
    reason: str
    mode: str
    version: str
    due_at: datetime | None
    finished_at: datetime | None
    steps: list[Done]


class Runs(Struct, kw_only=True):
    """A page; without `next` there are no more."""

    runs: list[Ran]
    next: str | None = None


async def listing(call: Call) -> Listing:
    """Every automation but those of survey plans, with what it did in the last 30 days."""
    counts, sent = await _counted(call)
    armed = [one for one in await read_armed(call.gate.store) if one.origin != SURVEY]
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
    rule = read_rule(call, body.automation | {"id": id})
    mode: Mode = before.mode if before else "off"
    return await _changed(call, await register.save(store, rule, mode=mode, by=call.who.actor, now=call.now))


def _not_of_a_survey(armed: Armed | None) -> None:
    """What a survey plan sends with is changed with the plan alone, where it is counted who was asked."""
    if armed is not None and armed.origin == SURVEY:
        raise Conflict("this belongs to a survey: switch it at /v1/surveys, change its file in config/surveys")


async def remove(call: Call) -> Gone:
    """Remove what was built in the console. Its runs and versions stay; what is under way stops."""
    _not_of_a_survey(await find_armed(call.gate.store, call.path["id"]))
    await register.remove(call.gate.store, call.path["id"], by=call.who.actor, now=call.now)
    await call.gate.desk.look_up()
    return Gone(call.path["id"])


async def switch(call: Call, body: Switching) -> Shown:
    """Off, dry (everything is done but sending) or on, first for a share of customers. It acts on what happens from now
    on; what is under way in another mode stops."""
    store, id = call.gate.store, call.path["id"]
    before = await find_armed(store, id)
    _not_of_a_survey(before)
    if body.roll_out is not None and body.roll_out != before.rule.file.roll_out:
        file = msgspec.structs.replace(before.rule.file, roll_out=body.roll_out)
        rule = compile_automation(file, f"automation {id}")
        armed = await register.save(store, rule, mode=body.mode, by=call.who.actor, now=call.now)
    else:
        armed = await register.switch(store, id, body.mode, by=call.who.actor, now=call.now)
    return await _changed(call, armed)


async def roll_back(call: Call, body: Back) -> Shown:
    """Put a former version in use again; the mode stays."""
    id = call.path["id"]
    _not_of_a_survey(await find_armed(call.gate.store, id))
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


async def runs(call: Call, query: RunsQuery) -> Runs:
    """What it set off: whom for, what was done, and why not."""
    store, id = call.gate.store, call.path["id"]
    at, after = str(_LATEST), ""
    if query.after is not None:
        at, _, after = query.after.partition(":")
    rows = await store.all("building.runs", automation=id, at=int(at), id=after, most=query.limit + 1)
    page = rows[: query.limit]
    ids = [row[0] for row in page]
    steps: defaultdict[str, list[Row]] = defaultdict(list)
    for row in await store.all("building.steps", runs=ids) if ids else ():
        steps[row[0]].append(row)
    sent = {(row[0], row[1]): row for row in (await store.all("building.sent", runs=ids) if ids else ())}
    personal = bool(call.who.scopes & PERSONAL)
    found = [_ran(row, steps[row[0]], sent, personal=personal) for row in page]
    more = f"{page[-1][5]}:{page[-1][0]}" if len(rows) > query.limit else None
    return Runs(runs=found, next=more)


def read_rule(call: Call, form: dict[str, Any]) -> Automation:
    """The automation that a form says. Raises BadRequest that begins with the place in the form."""
    desk = call.gate.desk
    try:
        messages = load_messages(desk.settings.config_dir / "messages")
        return read_automation(form, "automation", desk.rules.deciding.playbooks.catalogue, messages)
    except ConfigError as problem:
        raise BadRequest(str(problem).removeprefix(_PLACE)) from None


async def _changed(call: Call, armed: Armed) -> Shown:
    await call.gate.desk.look_up()
    return await _shown(call, armed)


async def _shown(call: Call, armed: Armed) -> Shown:
    counts, sent = await _counted(call)
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
            for one in await versions(call.gate.store, armed.id)
        ],
    )


async def _counted(call: Call) -> tuple[dict[str, list[Count]], dict[str, int]]:
    since = micros(call.now - COUNTED)
    counts: defaultdict[str, list[Count]] = defaultdict(list)
    for id, mode, state, reason, count in await call.gate.store.all("automations.counts", since=since):
        counts[id].append(Count(mode, state, reason, int(count)))
    sent: defaultdict[str, int] = defaultdict(int)
    for id, _, state, count, _ in await call.gate.store.all("automations.sent_counts", since=since):
        sent[id] += int(count) if state == "sent" else 0
    return counts, sent


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


def _ran(row: Row, steps: list[Row], sent: dict[tuple[str, int], Row], *, personal: bool) -> Ran:
    id, customer, _, fact, occurred_at, created_at, state, _, due_at, reason, finished_at, mode, version = row
    return Ran(
        id=id,
        customer=customer if personal else None,
        fact=fact,
        occurred_at=instant(occurred_at),
        begun_at=instant(created_at),
        state=state,
        reason=reason,
        mode=mode,
        version=version,
        due_at=instant(due_at) if state == "waiting" else None,
        finished_at=None if finished_at is None else instant(finished_at),
        steps=[_done(id, one, sent) for one in steps],
    )


def _done(run: str, row: Row, sent: dict[tuple[str, int], Row]) -> Done:
    _, _, step, at, action, result, reason, until = row
    out = sent.get((run, step)) if result == "enqueued" else None
    return Done(
        step=step,
        do=action,
        at=instant(at),
        result=result,
        reason=reason,
        until=None if until is None else instant(until),
        through=None if out is None else out[3],
        sent=None if out is None else out[4],
        sent_at=None if out is None or out[5] is None else instant(out[5]),
    )
