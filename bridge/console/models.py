"""`/v1/models`: what customers are scored by, since when, how good it turned out, and whether it still holds."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from bridge.console.words import SIGNALS, Said, of_band
from bridge.errors import Conflict, NotFound, Superseded
from bridge.flow import models
from bridge.flow.drifting import last_drift
from bridge.flow.lived import GRACE
from bridge.flow.models import KINDS, Kind
from bridge.gateway.endpoint import Call, Raw
from bridge.scoring.card import points_to_tables
from bridge.scoring.drift import Check, Kept, Shift, Verdict, check
from bridge.scoring.record import RiskRecord, Seen
from bridge.scoring.tables import write_tables
from bridge.scoring.wording import LANGUAGES
from bridge.store import Store, instant

_ADVICE: Final[dict[Verdict | Kept, str]] = {
    Verdict.moved: "fit anew",
    Kept.too_high: "fit anew",
    Kept.too_low: "fit anew",
}


class Installed(Struct, kw_only=True):
    """A model that was installed at some time. `report` is what was measured before."""

    version: str
    installed_at: datetime
    report: Any


class Record(Struct, kw_only=True):
    """What came of the risk that was said from `from_day` to `to_day`: of all customers, and of those scored alike.

    `held_out` is of a part of the history that the model had not seen, `lived` of what happened since it is in use.
    """

    seen: Seen
    told_at: datetime
    from_day: date
    to_day: date
    horizon_days: int
    whole: Check
    groups: tuple[Check, ...]


class Moved(Struct, kw_only=True):
    """The share of customers with one signal, then and now; `title` and `band_title` say it in German and English."""

    code: str
    band: str
    title: Said
    band_title: Said
    then: float
    now: float


class Drift(Struct, kw_only=True):
    """How the scores of the `now` customers of the last 30 days differ from those of `then`. `index` is the population
    stability index: below 0.1 steady, above 0.25 moved. All None where there are too few customers to say."""

    told_at: datetime
    then: int
    now: int
    index: float | None
    verdict: Verdict | None
    moved_most: tuple[Moved, ...]


class State(Struct, kw_only=True):
    """One kind of model. `in_use` is null where the card's assumptions count and have no version of their own.

    Records, drift and what follows are kept of the risk alone. `calibration` is the newest record's; `advice` says what
    to do where something no longer holds; `next_settling` is when the next of what was said is held against what
    happened.
    """

    kind: Kind
    in_use: str | None
    since: datetime | None
    installed: list[Installed]
    records: list[Record] = []
    calibration: Kept | None = None
    drift: Drift | None = None
    advice: Literal["fit anew"] | None = None
    next_settling: datetime | None = None


class Models(Struct, kw_only=True):
    """One entry per kind: risk, value, mood."""

    models: list[State]


async def listing(call: Call) -> Models:
    """What is in use, everything that ever was, and how well it holds."""
    store = call.gate.store
    found = []
    for kind in KINDS:
        used = await models.in_use(store, kind)
        found.append(
            State(
                kind=kind,
                in_use=None if used is None else used.version,
                since=await models.since(store, kind),
                installed=[
                    Installed(
                        version=one.version, installed_at=one.installed_at, report=msgspec.json.decode(one.report)
                    )
                    for one in await models.all_models(store, kind)
                ],
            )
        )
        if kind == "risk":
            found[-1] = await _with_record(call, found[-1])
    return Models(models=found)


async def _with_record(call: Call, risk: State) -> State:
    store, card = call.gate.store, call.gate.desk.rules.deciding.card
    model = risk.in_use or f"card:{card.version}"
    told = await models.records_of(store, model)
    newest = {one.seen: (at, one) for at, one in reversed(told)}
    records = [_record(*one) for one in sorted(newest.values(), key=lambda each: each[0], reverse=True)]
    drift = await _drift(store, model)
    calibration = records[0].whole.verdict if records else None
    advice = [_ADVICE[one] for one in (calibration, drift and drift.verdict) if one in _ADVICE]
    due = await store.one("predictions.next_due")
    return msgspec.structs.replace(
        risk,
        in_use=model,
        records=records,
        calibration=calibration,
        drift=drift,
        advice=advice[0] if advice else None,
        next_settling=None if due is None else instant(due[0]) + GRACE,
    )


def _record(at: datetime, one: RiskRecord) -> Record:
    whole, groups = check(one)
    return Record(
        seen=one.seen,
        told_at=at,
        from_day=one.from_day,
        to_day=one.to_day,
        horizon_days=one.horizon_days,
        whole=whole,
        groups=groups,
    )


async def _drift(store: Store, model: str) -> Drift | None:
    last = await last_drift(store)
    if last is None or last.model != model:
        return None
    shifted = last.shifted
    return Drift(
        told_at=last.at,
        then=last.then,
        now=last.now,
        index=None if shifted is None else shifted.index,
        verdict=None if shifted is None else shifted.verdict,
        moved_most=() if shifted is None else tuple(_moved(one) for one in shifted.shifts),
    )


def _moved(one: Shift) -> Moved:
    try:
        title, band = SIGNALS[one.code], of_band(one.band)
    except KeyError:  # what was kept by another version
        title, band = dict.fromkeys(LANGUAGES, one.code), dict.fromkeys(LANGUAGES, one.band)
    return Moved(
        code=one.code,
        band=one.band,
        title=title,
        band_title=band,
        then=one.then,
        now=one.now,
    )


async def show(call: Call) -> Raw:
    """One model as it is stored: its tables, to be read and compared with another version's. The points card in use
    has the version that `in_use` names, and the same form."""
    kind, version = call.path["kind"], call.path["version"]
    for one in KINDS:
        if one == kind:
            if (found := await models.find_model(call.gate.store, one, version)) is not None:
                return Raw(found.body)
            card = call.gate.desk.rules.deciding.card
            if one == "risk" and version == f"card:{card.version}":
                return Raw(write_tables(points_to_tables(card.file)))
            raise NotFound(f"there is no such {one} model; /v1/models names those that were installed")
    raise NotFound(f"there is no such kind of model; there are {', '.join(KINDS)}")


class Back(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which version is taken back (the one in use), and why."""

    version: Annotated[str, Meta(min_length=1, max_length=80)]
    reason: Annotated[str, Meta(min_length=3, max_length=500)]


class InUse(Struct, kw_only=True):
    """What counts now; `version` is null where the card's assumptions do."""

    kind: Kind
    version: str | None


async def roll_back(call: Call, body: Back) -> InUse:
    """Take the model in use back: the one before counts again, or the card. Everybody is decided anew; nobody is
    written to because of it. The model stays, and can be installed again."""
    kind = next((one for one in KINDS if one == call.path["kind"]), None)
    if kind is None:
        raise NotFound(f"there is no such kind of model; there are {', '.join(KINDS)}")
    store = call.gate.store
    used = await models.in_use(store, kind)
    if used is None or used.version != body.version:
        raise Conflict("this version is not in use (any more): load the page again")
    try:
        now = await models.roll_back(store, kind, call.now, only=body.version)
    except Superseded:
        raise Conflict("somebody else changed the model at the same moment: load the page again") from None
    detail = msgspec.json.encode({"version": body.version, "reason": body.reason}).decode()
    call.gate.trail.audit(call.who.actor, "model.roll_back", f"model:{kind}", call.now, detail)
    await call.gate.desk.look_up()
    return InUse(kind=kind, version=None if now is None else now.version)
