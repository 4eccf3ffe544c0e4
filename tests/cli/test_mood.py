"""`bridge fit mood`: three averages side by side, figures for programs, plain words where there is nothing to fit."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import cli, main
from bridge.scoring.mood import MoodScorer, parse_mood

pytest.importorskip("numpy")
run = CliRunner()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """900 made-up customers; those of one plan are less happy, and answer less often."""
    chance = random.Random(3)
    lines = ["plan,months,nps"]
    for number in range(900):
        plan, months = chance.choice(["fibre", "mobile"]), number % 60
        speaks = chance.random() < (0.4 if plan == "fibre" else 0.15)
        score = min(10, max(0, round(chance.gauss(8.3 if plan == "fibre" else 5.0, 1.5))))
        lines.append(f"{plan},{months},{score if speaks else ''}")
    path = tmp_path / "asked.csv"
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_three_averages_stand_side_by_side_and_the_limits_are_said(table: Path, tmp_path: Path) -> None:
    kept = tmp_path / "mood.json"
    words = ["fit", "mood", "--table", str(table), "--score", "nps", "--group", "plan", "--model", str(kept)]
    done = run.invoke(cli, words, catch_exceptions=False, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    for said in ("Answered", "Weighted", "Predicted", "less happy than those who speak", "no method here can see it"):
        assert said in " ".join(done.stdout.split())
    assert "NPS, -100 to 100" in done.stdout and "promised" in done.stdout
    model = parse_mood(kept.read_bytes(), str(kept))
    fibre, mobile = (MoodScorer(model).predict({"plan": plan, "months": 20.0}) for plan in ("fibre", "mobile"))
    assert fibre.predicted is not None and mobile.predicted is not None
    assert fibre.predicted > mobile.predicted + 1.5


def test_json_is_all_that_is_printed(table: Path) -> None:
    words = ["fit", "mood", "--table", str(table), "--score", "nps", "--json", "--seed", "1"]
    done = run.invoke(cli, words, catch_exceptions=False)
    found = json.loads(done.stdout)
    assert list(found) == ["metric", "lowest", "scale", "judged", "mean", "nps", "notes"]
    whole = found["mean"][0]
    assert whole["asked"] == 900 and whole["answered"]["value"] > whole["predicted"]["value"] + 0.3
    assert whole["predicted"]["low"] < 6.65 < whole["predicted"]["high"]
    csat = run.invoke(cli, [*words, "--metric", "csat", "--lowest", "0"], catch_exceptions=False)
    assert json.loads(csat.stdout)["nps"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--table", "{table}"], "--table needs --score"),
        (["--table", "{table}", "--score", "nsp"], "there is no column 'nsp'"),
        (["--table", "{table}", "--score", "nps", "--scale", "0"], "is not above the lowest answer"),
        (["--table", "{table}", "--score", "nps", "--dry-run"], "a table is only judged; leave --dry-run out"),
        (["--table", "{table}", "--score", "nps", "--model", "/"], "/: cannot be written"),
        (["--score", "nps"], "named with --table; leave --score out"),
        (["--scale", "5", "--lowest", "1"], "leave --scale and --lowest out"),
        (["--rollback", "--dry-run"], "--rollback takes back what is in use; leave --dry-run out"),
        (["--group", "shoe_size"], "customers are grouped by language, region, segment, product"),
        ([], "there are 0 answers to nps"),
        (["--rollback"], "no mood model is in use"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    table: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{tmp_path / 'bridge.db'}")
    monkeypatch.setattr("sys.argv", ["bridge", "fit", "mood", *(word.format(table=table) for word in words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err.replace("\n", " ")
