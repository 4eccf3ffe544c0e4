"""`bridge fit`: figures for people and for programs, and plain words where there is nothing to fit."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import cli, fits, main
from bridge.scoring.tables import Scorer, read_tables

run = CliRunner()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """300 made-up customers; short tenure and monthly plans leave."""
    chance = random.Random(3)
    lines = ["customer;tenure;plan;site;left"]
    for number in range(300):
        tenure, plan = chance.randrange(60), chance.choice(["monthly", "yearly"])
        leaves = chance.random() < (0.75 if tenure < 15 else 0.1) + (0.15 if plan == "monthly" else 0)
        lines.append(f"c{number};{tenure};{plan};main;{'ja' if leaves else 'nein'}")
    path = tmp_path / "customers.csv"
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_json_is_all_that_is_printed_and_remarks_go_aside(table: Path) -> None:
    done = run.invoke(
        cli, ["fit", "risk", "--table", str(table), "--label", "left", "--folds", "3", "--json"], catch_exceptions=False
    )
    assert done.exit_code == 0
    figures = json.loads(done.stdout)
    assert list(figures) == ["auc", "pr_auc", "top_decile_lift", "brier", "ece", "n"]
    assert figures["auc"] > 0.75 and figures["n"] == 300 and figures["brier"] < 0.2
    assert "left = 'ja' counts as left" in done.stderr
    assert "site was left out: it is the same in every row" in done.stderr


def test_the_report_names_what_matters_and_the_model_can_be_kept(table: Path, tmp_path: Path) -> None:
    kept = tmp_path / "model.json"
    words = ["fit", "risk", "--table", str(table), "--label", "left", "--folds", "2", "--model", str(kept)]
    done = run.invoke(cli, words, catch_exceptions=False, env={"COLUMNS": "140"})
    assert done.exit_code == 0
    assert "300 customers, out-of-fold" in done.stdout
    assert "calibration error" in done.stdout
    first = done.stdout.partition("What matters most")[2].splitlines()[2]
    assert first.startswith("tenure")
    model = read_tables(kept)
    assert model.about["rows"] == 300 and 0.5 < float(model.about["auc"]) < 1
    young, old = (Scorer(model).score({"tenure": tenure, "plan": "monthly"}).probability for tenure in (2, 50))
    assert young > old + 0.3


def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr("sys.argv", ["bridge", "fit", "risk", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    return capsys.readouterr().err.replace("\n", " ")


def test_a_label_that_is_not_there_is_answered_with_the_one_that_was_meant(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(monkeypatch, capsys, "--table", str(table), "--label", "lef")
    assert "there is no column 'lef'" in said and "left" in said


def test_without_the_extra_it_says_what_to_install(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fits, "find_spec", lambda name: None)
    said = refused(monkeypatch, capsys, "--table", str(table), "--label", "left")
    assert "needs numpy and scipy; install them: pip install 'retention-bridge[fit]'" in said


def test_everything_else_runs_without_the_extra() -> None:
    program = (
        "import sys\n"
        "sys.modules['numpy'] = sys.modules['scipy'] = None\n"
        "import bridge.cli, bridge.app, bridge.worker, bridge.scoring.tables\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
