"""`bridge fit risk` over the company's own history: judged by a later period, installed if better, taken back."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from typer.testing import CliRunner

from bridge.adapter.base import Item
from bridge.cli import cli, main
from bridge.facts import Origin
from bridge.flow import Desk, refresh_due
from bridge.flow.models import in_use, read_fitted
from bridge.scoring.record import Seen
from bridge.scoring.tables import read_tables, write_tables
from bridge.store import Store, Unit, micros, open_store
from bridge.worker import utc_now
from tests.desks import drain, feed, make_desk

pytest.importorskip("numpy")

T = TypeVar("T")
run = CliRunner()
NOW = utc_now()
WIDE = {"COLUMNS": "200"}
CUSTOMERS, PERIODS = 420, 6
Row = tuple[str, dict[str, str]]


def day(days_ago: float) -> str:
    return f"{NOW - timedelta(days=days_ago):%Y-%m-%d}"


def company(customers: int = CUSTOMERS) -> list[Row]:
    """In each 90 days one in five complains beforehand, and of those far more leave."""
    chance = random.Random(5)
    rows: list[Row] = []
    for number in range(customers):
        key = {"kundennummer": f"K{number}"}
        rows.append(("customers", key | {"name": f"Person {number}", "kunde_seit": "2020-01-01"}))
        gone = None
        for period in range(PERIODS, 0, -1):
            begin = period * 90
            complains = chance.random() < 0.2
            if complains:
                opened = begin + chance.uniform(3, 25)
                about = {"erstellt_am": day(opened), "geloest_am": day(opened - 2), "status": "geschlossen"}
                about |= {"typ": "Beschwerde", "betreff": "Rechnung", "ticketnummer": f"T{number}-{period}"}
                rows.append(("tickets", key | about))
            if chance.random() < (0.4 if complains else 0.04):
                gone = begin - chance.uniform(5, 85)
                break
        contract = key | {"vertragsnummer": f"V{number}", "vertragsbeginn": "2021-01-10", "monatsbetrag": "30,00"}
        if gone is None:
            contract |= {"geaendert_am": "2021-01-10"}
        else:
            contract |= {"status": "gekündigt", "gekuendigt_am": day(gone), "vertragsende": day(gone - 30)}
        rows.append(("contracts", {"status": "aktiv"} | contract))
    return rows


async def import_rows(desk: Desk, rows: list[Row]) -> None:
    await feed(desk, "crm", [Item(object=kind, raw=raw) for kind, raw in rows], now=NOW, origin=Origin.first_import)
    await drain(desk, now=NOW, most=500, refresh=False)
    unit = Unit()
    for name in desk.registry.sources:
        unit.add("sources.go_live", name=name, at=micros(NOW))
    await desk.store.write(unit)


def fill(folder: Path, rows: list[Row]) -> Path:
    async def act() -> None:
        store = await open_store(f"sqlite:///{folder / 'bridge.db'}")
        await import_rows(await make_desk(store, folder / "exports", now=NOW), rows)
        await store.close()

    asyncio.run(act())
    return folder / "bridge.db"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("history"), company())


@pytest.fixture
def url(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A company of its own for each test."""
    shutil.copy(filled, tmp_path / "bridge.db")
    found = f"sqlite:///{tmp_path / 'bridge.db'}"
    monkeypatch.setenv("BRIDGE_DATABASE_URL", found)
    return found


def at_store(url: str, act: Callable[[Store], Awaitable[T]]) -> T:
    async def ask() -> T:
        store = await open_store(url)
        try:
            return await act(store)
        finally:
            await store.close()

    return asyncio.run(ask())


def fit(*words: str) -> str:
    done = run.invoke(cli, ["fit", "risk", *words], catch_exceptions=False, env=WIDE)
    assert done.exit_code == 0, done.output
    return done.stdout


def fitted_json(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fit("--json", *words))
    return found


def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr("sys.argv", ["bridge", "fit", "risk", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def test_what_the_history_shows_is_learnt_judged_and_installed(url: str, tmp_path: Path) -> None:
    tried = fitted_json("--dry-run")
    assert tried["installed"] is None and tried["in_use"].startswith("card:")
    assert at_store(url, lambda store: in_use(store, "risk")) is None
    kept = tmp_path / "model.json"
    found = fitted_json("--model", str(kept))
    report = found["report"]
    assert found["installed"] == found["in_use"] != tried["in_use"]
    assert report["against"]["better"] and report["against"]["loss"] > 0
    assert report["models"]["new"]["log_loss"] < report["models"]["card"]["log_loss"]
    assert report["models"]["new"]["auc"] > 0.6 and report["models"]["new"]["ece"] < 0.06
    assert report["periods"] == PERIODS - 1  # before that nobody left, as far as is known
    assert report["learnt"]["complaint"] == ["d30"] and "detractor" in report["from_card"]
    assert report["rows_left"] >= 50 and report["left"] >= 20 and report["value"] > 0
    model = at_store(url, lambda store: in_use(store, "risk"))
    assert model is not None and model.body == kept.read_bytes()
    assert read_tables(kept).about["judged_left"] == report["left"]


def test_cards_say_from_the_first_day_how_the_model_came_out_in_the_later_period(url: str) -> None:
    fit()

    async def act(store: Store) -> None:
        desk = await make_desk(store, Path(url.removeprefix("sqlite:///")).parent / "exports", now=NOW)
        record = (await read_fitted(store, desk.rules.deciding.card)).record
        assert record is not None and record.seen is Seen.held_out and record.horizon_days == 90
        assert record.from_day == (NOW - timedelta(days=90)).date()
        assert sum(one.customers for one in record.groups) > 150
        assert record.groups[-1].left > 2 * record.groups[0].left

    at_store(url, act)


def test_nobody_is_written_to_because_of_a_new_model(url: str) -> None:
    fit()

    async def act(store: Store) -> None:
        before = await store.all("outbox.states")
        desk = await make_desk(store, Path(url.removeprefix("sqlite:///")).parent / "exports", now=NOW)
        await refresh_due(desk, most=CUSTOMERS, now=NOW + timedelta(minutes=20))
        assert desk.fitted.risk is not None
        decided = await store.all("customers.due_count", now=micros(NOW + timedelta(minutes=20)))
        assert decided[0][0] < CUSTOMERS
        assert await store.all("outbox.states") == before

    at_store(url, act)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        origins = {origin for (origin,) in database.execute("select origin from facts")}
    assert origins <= {Origin.refresh.value, Origin.first_import.value}


def test_the_same_again_is_no_better_and_the_way_back_leads_to_the_card(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "No risk model was installed yet: the points card counts" in fit("--list")
    first = fitted_json()["installed"]
    again = fit()
    assert "It is not better" in again and f"Model {first} stays in use" in again and "In use" in again
    listed = fit("--list")
    assert first in listed
    assert [one["in_use"] for one in json.loads(fit("--list", "--json"))] == [True]
    assert f"Model {first} is taken back. From now on the points card counts." in fit("--rollback")
    assert "None of them is in use: the points card counts" in fit("--list")
    assert "the points card is: there is nothing to take back" in refused(monkeypatch, capsys, "--rollback")


def test_a_model_edited_by_hand_is_judged_before_it_counts(url: str, tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    first = fitted_json("--model", str(file))["installed"]
    text = file.read_text("utf-8")
    model = read_tables(file)
    upside_down = json.loads(text)
    for table in upside_down["tables"]:
        table["entries"] = {band: -entry for band, entry in table["entries"].items()}
    file.write_text(json.dumps(upside_down), "utf-8")
    assert "It is not better" in fit("--from", str(file))
    forced = fitted_json("--from", str(file), "--anyway")
    assert forced["installed"] not in (None, first) and not forced["report"]["against"]["better"]
    back = json.loads(fit("--rollback", "--json"))
    assert back == {"taken_back": forced["installed"], "in_use": first}
    file.write_bytes(write_tables(model))
    assert "It is the model in use already" in fit("--from", str(file), "--anyway")


def test_with_too_little_history_it_says_how_much_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{tmp_path / 'empty.db'}")
    assert "there are no customers in the store: read them in first" in refused(monkeypatch, capsys)
    small = fill(tmp_path, company(40))
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{small}")
    said = refused(monkeypatch, capsys)
    assert "who left in the periods before" in said and "at least 50 are needed" in said
    assert "The points card stands" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--table", "a.csv"], "--table and --label belong together"),
        (["--table", "a.csv", "--label", "left", "--dry-run"], "a table is only judged"),
        (["--anyway"], "--anyway goes with --from"),
        (["--rollback", "--list"], "are two different things"),
        (["--from", "nowhere.json"], "there is no such file"),
        (["--rollback", "--dry-run"], "--rollback takes back what is in use; leave --dry-run out"),
        (["--list", "--model", "risk.json"], "leave --model out"),
    ],
)
def test_words_that_do_not_go_together_are_refused(
    words: list[str], said: str, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refused(monkeypatch, capsys, *words)
