"""`bridge fit value`: a forecast held against what was then bought, and plain words where there is nothing to fit."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import cli, main

np = pytest.importorskip("numpy")
run = CliRunner()


@pytest.fixture
def purchases(tmp_path: Path) -> Path:
    """Two years of 300 made-up customers of whom some stop."""
    chance = np.random.default_rng(3)
    rows = ["customer,date,amount"]
    for number in range(300):
        at, rate, stops = chance.uniform(0, 120), chance.gamma(1.2, 0.01), chance.beta(0.8, 2.5)
        while at < 730:
            rows.append(f"k{number},{date(2024, 1, 1) + timedelta(days=int(at))},{chance.gamma(5, 8):.2f}")
            if chance.random() < stops:
                break
            at += chance.exponential(1 / max(rate, 1e-4))
    file = tmp_path / "purchases.csv"
    file.write_text("\n".join([*rows, "k1,never,1"]), "utf-8")
    return file


def test_a_forecast_is_held_against_what_was_bought(purchases: Path) -> None:
    shown = run.invoke(cli, ["fit", "value", "--transactions", str(purchases)], catch_exceptions=False)
    assert shown.exit_code == 0, shown.output
    assert "BG/NBD of all" in shown.output
    words = ["fit", "value", "--transactions", str(purchases), "--json", "--held-out-from", "2025-03-01"]
    plain = run.invoke(cli, words, catch_exceptions=False)
    found = json.loads(plain.stdout)
    record = found["record"]
    assert record["from_day"] == "2025-03-02"
    assert 0.5 < record["forecast"] / record["actual"] < 2
    assert record["mae"] < record["rmse"] < 10
    assert found["left_out"] == 1
    assert found["buying"]["n"] >= record["customers"]


def test_a_history_that_is_too_short_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "few.csv"
    file.write_text("customer,date,amount\na,2025-01-01,5\nb,2025-01-20,7\n", "utf-8")
    monkeypatch.setattr("sys.argv", ["bridge", "fit", "value", "--transactions", str(file)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "too short" in capsys.readouterr().err
