"""Models in the store: every one that was ever installed, which of them is in use, and the way back.

A model is never changed or deleted: a decision names the versions that it was made by, and `models` is where they are.
What is in use is told by a trail of its own, one row a step.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import Any, Final, Literal, TypeVar

import msgspec
from msgspec import Struct

from bridge.errors import BadRequest, ConfigError, Superseded
from bridge.facts import Origin
from bridge.playbook import Policy
from bridge.scoring import Fitted, ScoringCard, TierCuts
from bridge.scoring.mood import MoodModel, MoodScorer, parse_mood
from bridge.scoring.record import RiskRecord
from bridge.scoring.riskmodel import RiskModel, compile_risk
from bridge.scoring.tables import Tables, parse_tables, write_tables
from bridge.scoring.worth import Worth, parse_worth
from bridge.store import Row, Store, Unit, instant, micros
from bridge.telemetry import log

T = TypeVar("T")
Kind = Literal["risk", "value", "mood"]
KINDS: Final[tuple[Kind, ...]] = ("risk", "value", "mood")
RECORD: Final = "risk.record:"
"""What the kind of a record begins with; the model that it is of follows."""
IN_FORCE: Final = "in_force"
"""Name of the row in `meta` that is another one after every change of what everybody is decided by. Who decides guards
it: what was decided by a model that has just been replaced is not written."""
ATTEMPTS = 5


class Model(Struct, frozen=True, kw_only=True):
    """One installed model: `body` is its JSON, `report` what was measured before it was installed (JSON too)."""

    kind: str
    version: str
    body: bytes
    report: msgspec.Raw
    installed_at: datetime


class _Row(Struct):
    body: str
    report: msgspec.Raw


class _Step(Struct):
    """One step of the trail: `version` came into use, or was taken back."""

    version: str
    back: bool = False


async def install(store: Store, kind: Kind, body: bytes, report: object, now: datetime) -> str:
    """Take the model into use from now on, make everybody due; returns its version. Nobody is written to because of it.

    `report` is anything msgspec can encode: what was measured, on how many customers, against what was in use.
    """
    version = version_of(body)
    row = msgspec.json.encode(_Row(body.decode(), msgspec.Raw(msgspec.json.encode(report)))).decode()
    kept = {"kind": kind, "version": version, "body": row, "at": micros(now)}
    await _go_on(store, kind, lambda standing: _Step(version), now, kept)
    return version


def version_of(body: bytes) -> str:
    """The version under which a model of this body is installed."""
    return blake2b(body, digest_size=8).hexdigest()


async def roll_back(store: Store, kind: Kind, now: datetime, *, only: str | None = None) -> Model | None:
    """Take back the model in use: the one before it counts again, or (None) what the card says.

    Raises BadRequest where none is in use, and Superseded where it is another one than `only`.
    """

    def back(standing: list[str]) -> _Step:
        if not standing:
            raise BadRequest(f"no {kind} model is in use: there is nothing to take back")
        if only is not None and standing[-1] != only:
            raise Superseded
        return _Step(standing[-1], back=True)

    await _go_on(store, kind, back, now)
    return await in_use(store, kind)


def put_in_force(unit: Unit, what: str) -> None:
    """Let everybody be decided anew, by what `unit` brings; `what` tells it from everything before."""
    unit.wake.add("inbox")
    unit.add("meta.put", name=IN_FORCE, value=what)
    unit.add("customers.all_due", due_origin=Origin.refresh.value)


async def in_use(store: Store, kind: Kind) -> Model | None:
    """The model that counts now; None where the card does."""
    standing = _standing(_steps(await store.all("meta.models", kind=f"{kind}.use")))
    if not standing:
        return None
    row = await store.one("meta.model_version", kind=kind, version=standing[-1])
    return None if row is None else _read(row)


async def since(store: Store, kind: Kind) -> datetime | None:
    """Since when what counts now does; None where nothing else ever did."""
    rows = await store.all("meta.models", kind=f"{kind}.use")
    return instant(max(rows, key=itemgetter(1))[3]) if rows else None


async def find_model(store: Store, kind: Kind, version: str) -> Model | None:
    """One that was installed at some time, whether it is in use or not."""
    row = await store.one("meta.model_version", kind=kind, version=version)
    return None if row is None else _read(row)


async def all_models(store: Store, kind: Kind) -> list[Model]:
    """Every model that was ever installed, newest first."""
    return [_read(row) for row in await store.all("meta.models", kind=kind)]


def _steps(trail: list[Row]) -> list[_Step]:
    """The steps, oldest first: by their numbers, whatever the clocks of those who made them said."""
    return [msgspec.json.decode(row[2], type=_Step) for row in sorted(trail, key=itemgetter(1))]


def _standing(steps: list[_Step]) -> list[str]:
    """The versions that came into use and were not taken back, oldest first."""
    standing: list[str] = []
    for step in steps:
        if not step.back:
            standing.append(step.version)
        elif standing:
            standing.pop()
    return standing


async def _go_on(
    store: Store,
    kind: Kind,
    choose: Callable[[list[str]], _Step],
    now: datetime,
    kept: dict[str, Any] | None = None,
) -> None:
    """Add the step that `choose` makes of the versions that stand, with the model that is `kept` because of it."""
    for attempt in range(ATTEMPTS):
        rows = await store.all("meta.models", kind=f"{kind}.use")
        step = choose(_standing(_steps(rows)))
        unit = Unit()
        unit.guard("meta.models", rows, kind=f"{kind}.use")
        if kept is not None:
            unit.add("meta.keep_model", **kept)
        body, number = msgspec.json.encode(step).decode(), f"{len(rows):06d}"
        unit.add("meta.install_model", kind=f"{kind}.use", version=number, body=body, at=micros(now))
        put_in_force(unit, f"{kind} {number}")
        try:
            await store.write(unit)
            return
        except Superseded:  # somebody else took a step meanwhile
            if attempt == ATTEMPTS - 1:
                raise


def _read(row: Row) -> Model:
    held = msgspec.json.decode(row[2], type=_Row)
    body = held.body.encode()
    return Model(kind=row[0], version=row[1], body=body, report=held.report, installed_at=instant(row[3]))


async def read_fitted(store: Store, card: ScoringCard) -> Fitted:
    """Everything in use that was found in the company's own history.

    A model that this version of the bridge cannot read does not count, and the log says so: the card decides, and the
    model can still be taken back or replaced.
    """
    tiers = await store.one("meta.model", kind="tiers")
    fitted = Fitted(
        cuts=None if tiers is None else msgspec.json.decode(tiers[1], type=TierCuts),
        risk=await _ready(store, "risk", _risk),
        mood=await _ready(store, "mood", _mood),
        worth=await _ready(store, "value", _worth),
    )
    row = await store.one("meta.model", kind=f"{RECORD}{fitted.scored_by(card)}")
    record = None if row is None else msgspec.json.decode(row[1], type=RiskRecord)
    return msgspec.structs.replace(fitted, record=record)


async def _ready(store: Store, kind: Kind, make: Callable[[bytes, str], T]) -> T | None:
    model = await in_use(store, kind)
    if model is None:
        return None
    try:
        return make(model.body, f"{kind} model {model.version}")
    except ConfigError as problem:
        _complain(str(problem))
        return None


@lru_cache(maxsize=16)
def _complain(problem: str) -> None:
    log("flow").error("model.unreadable", problem=problem)  # once, and not at every look


@lru_cache(maxsize=4)
def _risk(body: bytes, where: str) -> RiskModel:
    # edited by hand it may be laid out differently: the version is the one that it was installed under
    return compile_risk(parse_tables(body, where), where)._replace(version=where.rpartition(" ")[2])


@lru_cache(maxsize=4)
def _mood(body: bytes, where: str) -> MoodScorer:
    return MoodScorer(parse_mood(body, where), where.rpartition(" ")[2])


@lru_cache(maxsize=4)
def _worth(body: bytes, where: str) -> Worth:
    return Worth(where.rpartition(" ")[2], parse_worth(body, where))


def mood_body(model: MoodModel) -> bytes:
    """A mood model as it is installed."""
    return msgspec.json.encode(model)


def risk_body(model: Tables) -> bytes:
    """A risk model as it is installed. Raises ConfigError for one that is not of signals."""
    compile_risk(model, "the fitted model")
    return write_tables(model)


async def put_record(store: Store, model: str, record: RiskRecord, now: datetime) -> None:
    """Keep how the risk that `model` said came out; cards show it from their next refresh on, while it is in use.

    `model` is the version that was installed, or what `Fitted.scored_by` says of the points card.
    """
    unit = Unit()
    body = msgspec.json.encode(record).decode()
    unit.add("meta.keep_model", kind=f"{RECORD}{model}", version=str(micros(now)), body=body, at=micros(now))
    unit.add("meta.put", name=IN_FORCE, value=f"{RECORD}{model} {blake2b(body.encode(), digest_size=8).hexdigest()}")
    await store.write(unit)


async def records_of(store: Store, model: str) -> list[tuple[datetime, RiskRecord]]:
    """Every record of `model` with the instant at which it was put, newest first."""
    rows = await store.all("meta.models", kind=f"{RECORD}{model}")
    return [(instant(row[3]), msgspec.json.decode(row[2], type=RiskRecord)) for row in rows]


async def read_policies(store: Store) -> tuple[Policy, ...]:
    """What was learnt about scripts, newest first: the policy of the next epoch may be there already."""
    rows = (await store.all("meta.models", kind="choice"))[:2]
    return tuple(msgspec.json.decode(row[2], type=Policy) for row in rows)
