"""The example at work: loaded once through the real adapters, never beside real customers, and written to disk."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.adapter.registry import load_registry
from bridge.cli import cli
from bridge.errors import ConfigError
from bridge.flow import Desk, open_desk
from bridge.sample import (
    SCRIPTS,
    callers_at,
    choose_sources,
    example_sources,
    guard_demo,
    load_example,
    make_center,
    write_sample,
)
from bridge.settings import Settings, read_settings
from bridge.store import Store, find_answer
from bridge.worker import Worker
from tests.desks import drain, feed, go_live, make_desk, user

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=timezone.utc)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return read_settings(demo=True, database_url=f"sqlite:///{tmp_path / 'example.db'}")


async def demo_desk(store: Store, settings: Settings) -> Desk:
    registry = load_registry(settings.adapters_dir, settings.mappings_dir, choose_sources(settings), {})
    return await open_desk(settings, store, registry, NOW)


async def test_every_caller_of_the_day_is_known_as_told(store: Store, settings: Settings) -> None:
    desk = await demo_desk(store, settings)
    ready: list[int] = []
    loaded = await load_example(
        desk, Worker(desk=desk, clock=lambda: NOW).settle_all, now=NOW, customers=30, report=ready.append
    )
    assert ready[-1] == 30
    assert loaded.callers == callers_at(NOW)
    found = {one.customer_id: await find_answer(store, "phone", one.phone) for one in loaded.callers}
    assert found.pop("") is None
    household = found.pop(next(one.customer_id for one in loaded.callers if "zwei Menschen" in one.about["de"]))
    assert household is not None
    assert household[11] is None  # the household is known, which of the two is calling is not
    known = {name: json.loads(row[11] + row[12] + b"}") for name, row in found.items() if row is not None}
    assert len(known) == len(loaded.callers) - 2
    assert all(answer["found"] == "true" for answer in known.values())
    assert known["1001"]["risk_band"] in ("high", "critical")
    assert known["1003"]["language"] == "en"
    assert len({answer["script_id"] for answer in known.values()}) >= 4


async def test_a_second_start_loads_nothing_and_keeps_the_key(store: Store, settings: Settings) -> None:
    desk = await demo_desk(store, settings)
    worker = Worker(desk=desk, clock=lambda: NOW)
    first = await load_example(desk, worker.settle_all, now=NOW, customers=1)
    states = await store.all("inbox.states")

    async def nothing_to_do() -> None:
        raise AssertionError("the example was loaded again")

    again = await load_example(desk, nothing_to_do, now=NOW)
    assert again.key == first.key
    assert await store.all("inbox.states") == states
    await guard_demo(store, settings)
    (Path.cwd() / "example" / "key.txt").unlink()
    anew = await load_example(desk, nothing_to_do, now=NOW)
    assert anew.key != first.key


async def test_made_up_people_never_stand_beside_real_ones(store: Store, settings: Settings, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path / "exports")
    await go_live(desk)
    await guard_demo(store, settings)  # still empty
    await feed(desk, "helpdesk", [user(4711)])
    await drain(desk)
    with pytest.raises(ConfigError, match="holds real records"):
        await guard_demo(store, settings)
    await store.change("meta.put", name="example", value="loaded")
    with pytest.raises(ConfigError, match="made-up people"):
        await guard_demo(store, settings.model_copy(update={"demo": False}))


def test_demo_mode_refuses_configured_sources(tmp_path: Path, settings: Settings) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "sources.yaml").write_text("sources: {crm: {adapter: spreadsheet}}", "utf-8")
    with pytest.raises(ConfigError, match="must not stand"):
        choose_sources(settings.model_copy(update={"config_dir": config}))
    real = settings.model_copy(update={"demo": False})
    assert choose_sources(real) == real.config_dir / "sources.yaml"


async def test_a_source_without_a_sample_cannot_be_part_of_the_example(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    bare = tmp_path / "vendors"
    shutil.copytree(
        settings.adapters_dir / "spreadsheet", bare / "spreadsheet", ignore=shutil.ignore_patterns("sample.py")
    )
    sources = {"sources": {"crm": {"adapter": "spreadsheet", "settings": {"folder": str(tmp_path)}}}}
    registry = load_registry(bare, settings.mappings_dir, sources, {})
    desk = await open_desk(settings, store, registry, NOW)
    with pytest.raises(ConfigError, match=r"has no sample\.py"):
        await load_example(desk, Worker(desk=desk).settle_all, now=NOW, customers=1)
    only_truth = write_sample(make_center(now=NOW, customers=1), registry, tmp_path / "out", NOW)
    assert [one.path.name for one in only_truth] == ["truth.csv"]


def test_the_sample_on_disk_is_the_same_byte_for_byte_and_says_the_truth(settings: Settings, tmp_path: Path) -> None:
    center = make_center(now=NOW, customers=150)
    written = []
    for name in ("once", "again"):
        registry = load_registry(
            settings.adapters_dir, settings.mappings_dir, example_sources(settings, tmp_path / name), {}
        )
        steps: list[str] = []
        written.append(write_sample(center, registry, tmp_path / name, NOW, steps.append))
        assert steps == sorted(registry.sources)
    for once, again in zip(*written, strict=True):
        assert (once.path.name, once.rows) == (again.path.name, again.rows)
        assert once.path.read_bytes() == again.path.read_bytes()
    rows = {one.path.name: one.rows for one in written[0]}
    assert rows["kunden.csv"] == len(center.customers)
    assert rows["umfragen.csv"] == sum(one.answered is None and one.metric != "exit" for one in center.surveys)
    for name in ("helpdesk.jsonl", "phone.jsonl"):
        lines = [json.loads(line) for line in (tmp_path / "once" / name).read_text("utf-8").splitlines()]
        assert len(lines) == rows[name]
        assert {*Counter(next(iter(line)) for line in lines)} == {"item", "request"}
    with (tmp_path / "once" / "truth.csv").open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    assert [one["customer_id"] for one in told] == [fate.customer_id for fate in center.fates]
    for row, fate in zip(told, center.fates, strict=True):
        assert row["left"] == (fate.left.isoformat() if fate.left else "")
        assert row["cause"] == (fate.cause or "")
        for script in SCRIPTS:
            assert (row[f"{script}_risk"] == "") is (fate.noticed is not None)
            assert re.fullmatch(r"(yes|no)?", row[f"{script}_leaves"])


def test_the_command_writes_the_sample_of_any_day(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "sample"
    arguments = ["sample", "--customers", "25", "--seed", "3", "--out", str(out), "--day", "2025-05-01"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} >= {"kunden.csv", "helpdesk.jsonl", "phone.jsonl", "truth.csv"}
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert CliRunner().invoke(cli, ["sample", "--customers", "5", "--out", str(out)]).exit_code == 0
    assert (out / "truth.csv").read_bytes() != before["truth.csv"]
