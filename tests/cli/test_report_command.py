"""`bridge report uplift`: what a person reads, what a program reads, what a spreadsheet opens."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from bridge.cli import cli
from bridge.cli.desks import with_desk
from bridge.errors import BadRequest, NotFound
from bridge.flow import Desk
from bridge.reports.uplift import Uplift
from bridge.sample import make_center
from bridge.sample.demo import MARK
from bridge.sample.past import keep_past
from bridge.store import Unit
from bridge.worker import utc_now

run = CliRunner()


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A made-up company without anything shown."""
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{tmp_path / 'bridge.db'}")
    monkeypatch.setenv("BRIDGE_DEMO", "true")
    monkeypatch.setenv("COLUMNS", "200")

    async def mark(desk: Desk) -> None:
        unit = Unit()
        unit.add("meta.put", name=MARK, value="loaded")
        await desk.store.write(unit)

    asyncio.run(with_desk(mark))


@pytest.fixture
def tried(company: None) -> None:
    """The same with a year of trials behind it."""
    now = utc_now()
    fates = make_center(now=now, customers=200).fates

    async def keep(desk: Desk) -> None:
        await keep_past(desk, fates, now)

    asyncio.run(with_desk(keep))


def test_where_nothing_was_shown_that_is_what_it_says(company: None) -> None:
    assert "noch nichts gezeigt" in run.invoke(cli, ["report", "uplift"]).output
    said = run.invoke(cli, ["report", "uplift", "--language", "en"])
    assert said.exit_code == 0, said.output
    assert "Nothing that is being tried has been shown" in said.output


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "de",
            ("Vertrag läuft aus", "Maßstab", "Von 100 Anrufern bleiben", "Entschuldigung", "neutraler Text für alle"),
        ),
        ("en", ("Contract runs out", "yardstick", "Of 100 callers stay", "apology", "neutral script for everybody")),
    ],
)
def test_scripts_offers_and_policy_are_shown_with_ranges_in_both_languages(
    tried: None, lang: str, words: tuple[str, ...]
) -> None:
    said = run.invoke(cli, ["report", "uplift", "--lang", lang])
    assert said.exit_code == 0, said.output
    for word in words:
        assert word in said.output


def test_a_program_reads_json_and_a_spreadsheet_the_table(tried: None, tmp_path: Path) -> None:
    file = tmp_path / "scripts.csv"
    arguments = ["report", "uplift", "--json", "--csv", str(file), "--situation", "contract_end", "--lang", "en"]
    said = run.invoke(cli, [*arguments, "--since", "2020-01-01"])
    assert said.exit_code == 0, said.output
    report = msgspec.json.decode(said.output, type=Uplift)
    assert {one.situation for one in report.scripts} == {"contract_end"} == {report.situation}
    with file.open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    assert [row["script"] for row in rows] == [one.script for one in report.scripts]


def test_what_it_does_not_know_it_names(company: None) -> None:
    wrong = run.invoke(cli, ["report", "uplift", "--lang", "fr"])
    assert isinstance(wrong.exception, BadRequest)
    unknown = run.invoke(cli, ["report", "uplift", "--situation", "contract_ende"])
    assert isinstance(unknown.exception, NotFound)
    assert "contract_end" in str(unknown.exception)
    assert "uplift" in run.invoke(cli, ["report", "--help"]).output
