"""`bridge report metrics`: what a person reads, what a program reads, what a spreadsheet opens."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from bridge.cli import cli
from bridge.errors import BadRequest
from bridge.reports.metrics import Metrics
from bridge.reports.metrics_table import COLUMNS
from bridge.worker import utc_now

run = CliRunner()


@pytest.fixture(autouse=True)
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{tmp_path / 'bridge.db'}")
    monkeypatch.setenv("BRIDGE_DEMO", "true")
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.parametrize(("lang", "words"), [("de", ("geblieben", "erfunden")), ("en", ("stayed", "made up"))])
def test_a_person_reads_the_months_and_the_formula(lang: str, words: tuple[str, ...]) -> None:
    for by in ("none", "segment"):
        said = run.invoke(cli, ["report", "metrics", "--lang", lang, "--by", by])
        assert said.exit_code == 0, said.output
        assert all(word in said.output for word in words)
        assert by != "none" or f"{utc_now():%Y-%m} (" in said.output


def test_a_program_reads_json_and_a_spreadsheet_the_table(tmp_path: Path) -> None:
    file = tmp_path / "saves.csv"
    said = run.invoke(cli, ["report", "metrics", "--json", "--csv", str(file), "--table", "saves", "--lang", "en"])
    assert said.exit_code == 0, said.output
    told = msgspec.json.decode(said.output[said.output.index("{") :], type=Metrics)
    assert len(told.months) == 36
    lines = file.read_text("utf-8").splitlines()
    assert tuple(lines[0].split(",")) == COLUMNS["saves"]
    assert len(lines) == 37


@pytest.mark.parametrize(
    "wrong", [["--by", "agent"], ["--table", "agents"], ["--lang", "fr"], ["--since", "March"], ["--until", "2026-13"]]
)
def test_what_there_is_not_is_refused_with_what_there_is(wrong: list[str]) -> None:
    said = run.invoke(cli, ["report", "metrics", *wrong])
    assert isinstance(said.exception, BadRequest)
    assert wrong[0] in str(said.exception)
