"""Models in the store: installed, taken back, seen by every process, and never lost."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from bridge.errors import BadRequest, ConfigError, Superseded
from bridge.flow import Desk, refresh_due
from bridge.flow.models import (
    Kind,
    all_models,
    find_model,
    in_use,
    install,
    put_record,
    records_of,
    risk_body,
    roll_back,
    since,
)
from bridge.scoring.record import Alike, RiskRecord, Seen
from bridge.scoring.tables import CategoryTable, NumberTable, Tables, parse_tables
from bridge.store import Store, Unit, micros
from bridge.worker import Worker
from tests.desks import NOW, drain, feed, go_live, make_desk, ticket, user
from tests.dump import query

SOON = NOW + timedelta(minutes=5)


def model(intercept: float) -> bytes:
    """A risk model that says more or less of everybody, by its intercept."""
    return risk_body(Tables(intercept=intercept, tables=(CategoryTable(name="complaint", entries={"open": 2.0}),)))


@pytest.fixture
async def told(store: Store, database_url: str, tmp_path: Path) -> Desk:
    """A live desk with two customers, of whom one complains."""
    desk = await make_desk(store, tmp_path / "exports", now=NOW, database_url=database_url)
    await go_live(desk, NOW - timedelta(days=1))
    await feed(desk, "helpdesk", [user(1), user(2), ticket(7, 1, tags=["beschwerde"])])
    await drain(desk)
    return desk


async def refreshed(desk: Desk) -> list[tuple[str, float, str]]:
    """Decide whoever is due; by customer the model, the probability, and what the decision was made of."""
    while await refresh_due(desk, most=1, now=SOON):
        pass
    sql = "select scored_by, probability, made_of from decisions where main = 1 order by customer"
    return [(by, probability, made_of) for by, probability, made_of in await query(desk.settings.database_url, sql)]


async def due(store: Store) -> list[str]:
    return [row[1] for row in await store.all("customers.due", now=micros(SOON), most=100)]


async def test_a_model_in_use_decides_for_everybody_and_writes_to_nobody(told: Desk) -> None:
    store = told.store
    before = await refreshed(told)
    assert {by for by, _, _ in before} == {f"card:{told.rules.deciding.card.version}"}
    assert await due(store) == []
    live = await query(told.settings.database_url, "select count(*) from facts where origin = 'live'")

    version = await install(store, "risk", model(0.5), {"auc": 0.8}, NOW)
    assert await due(store) == ["refresh", "refresh"]
    after = await refreshed(told)
    for by, probability, made_of in after:
        assert by == version
        assert probability > 0.6
        assert msgspec.json.decode(made_of)["risk"] == version
    assert await query(told.settings.database_url, "select count(*) from facts where origin = 'live'") == live
    rose = "select count(*) from facts where kind = 'risk.rose' and origin = 'refresh'"
    assert (await query(told.settings.database_url, rose))[0][0] > 0


async def test_taking_back_goes_down_the_stack_to_the_card(told: Desk) -> None:
    store = told.store
    first = await install(store, "risk", model(-1.0), None, NOW)
    second = await install(store, "risk", model(0.0), None, NOW + timedelta(seconds=1))
    third = await install(store, "risk", model(1.0), None, NOW + timedelta(seconds=2))
    assert {row[0] for row in await refreshed(told)} == {third}
    for place, expected in enumerate((second, first)):
        back = await roll_back(store, "risk", NOW + timedelta(minutes=1, seconds=place))
        assert back is not None and back.version == expected
        assert {row[0] for row in await refreshed(told)} == {expected}
    again = await install(store, "risk", model(0.0), None, NOW + timedelta(minutes=2))
    assert again == second
    back = await roll_back(store, "risk", NOW + timedelta(minutes=3))
    assert back is not None and back.version == first
    assert await roll_back(store, "risk", NOW + timedelta(minutes=4)) is None
    assert await in_use(store, "risk") is None
    assert await since(store, "risk") == NOW + timedelta(minutes=4)
    assert {row[0] for row in await refreshed(told)} == {f"card:{told.rules.deciding.card.version}"}
    with pytest.raises(BadRequest, match="nothing to take back"):
        await roll_back(store, "risk", NOW + timedelta(minutes=5))
    assert {one.version for one in await all_models(store, "risk")} == {first, second, third}
    assert await in_use(store, "value") is await in_use(store, "mood") is None


def _risk_of(desk: Desk) -> str | None:
    """The version of the risk model that this process knows to be in use."""
    return None if desk.fitted.risk is None else desk.fitted.risk.version


async def test_other_processes_see_it_when_they_look_up_and_the_worker_does_before_it_decides(
    told: Desk, tmp_path: Path
) -> None:
    gateway = await make_desk(told.store, tmp_path / "exports")
    assert _risk_of(gateway) is _risk_of(told) is None
    version = await install(told.store, "risk", model(0.0), None, NOW)
    await gateway.look_up()
    assert (_risk_of(gateway), _risk_of(told)) == (version, None)
    while await Worker(desk=told, clock=lambda: SOON).refresh_once():
        pass
    assert _risk_of(told) == version
    assert {row[0] for row in await refreshed(told)} == {version}


async def test_what_a_process_decides_by_a_model_that_was_just_replaced_is_decided_anew(
    told: Desk, tmp_path: Path
) -> None:
    gateway = await make_desk(told.store, tmp_path / "exports", database_url=told.settings.database_url)
    await go_live(gateway, NOW - timedelta(days=1))
    version = await install(told.store, "risk", model(0.0), None, NOW)
    assert {row[0] for row in await refreshed(told)} == {version}
    assert _risk_of(gateway) is None
    await feed(gateway, "helpdesk", [ticket(8, 2, tags=["beschwerde"])])
    await drain(gateway, refresh=False)
    assert await due(told.store) == []
    assert {row[0] for row in await refreshed(told)} == {version}

    await roll_back(told.store, "risk", SOON)
    await feed(gateway, "helpdesk", [ticket(9, 1)])
    await drain(gateway, refresh=False)
    card = f"card:{told.rules.deciding.card.version}"
    assert {row[0] for row in await refreshed(told)} == {card}


async def test_nothing_is_written_that_was_decided_while_a_model_was_installed(told: Desk) -> None:
    unit = Unit()
    await told.keep_up(unit)
    await install(told.store, "value", b"{}", None, NOW)
    with pytest.raises(Superseded):
        await told.store.write(unit)
    unit = Unit()
    await told.keep_up(unit)
    await told.store.write(unit)


async def test_of_two_models_installed_at_once_both_stand_in_the_trail(told: Desk) -> None:
    store = told.store
    versions = await asyncio.gather(*(install(store, "risk", model(share), None, NOW) for share in (0.1, 0.2, 0.3)))
    taken_back = set()
    while (used := await in_use(store, "risk")) is not None:
        taken_back.add(used.version)
        await roll_back(store, "risk", NOW)
    assert taken_back == set(versions)


async def test_the_way_back_does_not_hang_on_clocks(told: Desk) -> None:
    first = await install(told.store, "risk", model(0.1), None, SOON)
    second = await install(told.store, "risk", model(0.2), None, NOW)  # its computer is behind
    used = await in_use(told.store, "risk")
    assert used is not None and used.version == second
    assert await since(told.store, "risk") == NOW
    back = await roll_back(told.store, "risk", NOW)
    assert back is not None and back.version == first


@pytest.mark.parametrize("kind", ["risk", "value", "mood"])
async def test_a_model_that_cannot_be_read_any_more_leaves_the_card_to_decide_and_can_be_taken_back(
    told: Desk, kind: Kind, capsys: pytest.CaptureFixture[str]
) -> None:
    body = f'{{"form": 99, "kept_in": "{told.store.engine}"}}'.encode()
    version = await install(told.store, kind, body, None, NOW)
    await told.look_up()
    await told.look_up()
    assert (told.fitted.risk, told.fitted.worth, told.fitted.mood) == (None, None, None)
    lines = [line for line in capsys.readouterr().out.splitlines() if "model.unreadable" in line]
    assert len(lines) == 1 and f"{kind} model {version}" in lines[0]
    assert {row[0] for row in await refreshed(told)} == {f"card:{told.rules.deciding.card.version}"}
    assert await roll_back(told.store, kind, SOON) is None


async def test_a_decision_that_was_shown_still_finds_its_model_after_that_was_taken_back(told: Desk) -> None:
    store, url = told.store, told.settings.database_url
    version = await install(store, "risk", model(0.2), {"customers": 2}, NOW)
    await refreshed(told)
    shown = (await query(url, "select id from decisions where main = 1 order by customer"))[0][0]
    await store.change("gateway.mark_shown", id=shown, at=micros(SOON))
    await roll_back(store, "risk", SOON)
    assert {row[0] for row in await refreshed(told)} == {f"card:{told.rules.deciding.card.version}"}
    rows = await store.all("gateway.decision", id=shown)
    assert rows
    made_of = msgspec.json.decode(next(value for value in rows[0] if isinstance(value, str) and value.startswith("{")))
    assert made_of["risk"] == version
    found = await find_model(store, "risk", made_of["risk"])
    assert found is not None
    assert (found.body, msgspec.json.decode(found.report)) == (model(0.2), {"customers": 2})
    assert await find_model(store, "risk", "0" * 16) is None


async def test_a_model_that_was_laid_out_by_hand_keeps_the_version_it_was_installed_under(told: Desk) -> None:
    body = msgspec.json.encode(parse_tables(model(0.1), "model"))
    assert body != model(0.1)
    version = await install(told.store, "risk", body, None, NOW)
    for by, _, made_of in await refreshed(told):
        assert by == msgspec.json.decode(made_of)["risk"] == version
    assert await find_model(told.store, "risk", version) is not None


async def test_installing_what_is_installed_keeps_its_first_day_and_renews_its_report(told: Desk) -> None:
    version = await install(told.store, "risk", model(0.1), {"auc": 0.7}, NOW)
    assert await install(told.store, "risk", model(0.1), {"auc": 0.8}, SOON) == version
    (only,) = await all_models(told.store, "risk")
    assert (only.installed_at, msgspec.json.decode(only.report)) == (NOW, {"auc": 0.8})


async def test_a_record_counts_while_the_model_that_it_is_of_is_in_use(told: Desk) -> None:
    store, card = told.store, told.fitted.scored_by(told.rules.deciding.card)

    def record(left: float) -> RiskRecord:
        one = Alike(most=1.0, customers=100, said=0.2, left=left)
        day = date(2026, 6, 1)
        return RiskRecord(seen=Seen.held_out, from_day=day, to_day=day, horizon_days=90, groups=(one,))

    version = await install(store, "risk", model(0.0), None, NOW)
    await put_record(store, card, record(0.1), NOW)
    await put_record(store, version, record(0.2), NOW)
    await put_record(store, version, record(0.3), SOON)
    await told.look_up()
    assert told.fitted.record == record(0.3)
    assert [one for _, one in await records_of(store, version)] == [record(0.3), record(0.2)]
    await roll_back(store, "risk", SOON)
    await told.look_up()
    assert told.fitted.record == record(0.1)
    assert await store.all("customers.due", now=micros(SOON), most=10)


def test_what_is_not_made_of_signals_is_no_risk_model() -> None:
    with pytest.raises(ConfigError, match="table of numbers"):
        risk_body(Tables(intercept=0.0, tables=(NumberTable(name="tenure", cuts=(), entries=(0.0,)),)))
