"""`bridge survey`: which surveys there are, and whom the next tranche would ask."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import cli, main
from bridge.settings import read_settings

run = CliRunner()
SHIPPED = read_settings().config_dir


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped configuration over one CRM with two customers, and a plan that asks everybody within a week."""
    exports, config = tmp_path / "exports", tmp_path / "config"
    exports.mkdir()
    shutil.copytree(SHIPPED, config)
    (config / "sources.yaml").write_text(
        f"sources:\n  crm: {{adapter: spreadsheet, settings: {{folder: '{exports}'}}}}\n", "utf-8"
    )
    (config / "surveys" / "often.yaml").write_text(
        "id: often\ntitle: {de: Oft, en: Often}\nmetric: nps\npurpose: service\n"
        "when: {after: schedule.due, schedule: {}}\ninvite: {survey: s1}\n",
        "utf-8",
    )
    (exports / "kunden.csv").write_text(
        "Kundennummer;Vorname;Nachname;E-Mail\n1;Ada;Albers;ada@example.de\n2;Ben;Busch;ben@example.de\n", "utf-8"
    )
    monkeypatch.setenv("BRIDGE_CONFIG_DIR", str(config))
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{tmp_path / 'bridge.db'}")
    monkeypatch.delenv("BRIDGE_DEMO", raising=False)
    monkeypatch.setenv("COLUMNS", "180")
    return config


def ask(*words: str) -> str:
    result = run.invoke(cli, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_every_plan_is_listed_with_what_keeps_it_from_asking() -> None:
    said = ask("survey", "list")
    assert "after contract.cancelled" in said and "every 182 days" in said
    assert said.count("no source can send it") == 4


def test_a_preview_says_how_many_and_why_the_others_are_left_in_peace() -> None:
    ask("sync")
    said = ask("survey", "preview", "often")
    assert "0 of 0 who may be asked would be." in said
    assert "2 may not be asked: no_source" in said
    told = json.loads(ask("survey", "preview", "often", "--json"))
    assert (told["came_up"], told["barred"], told["sizing"]["ready"]) == (2, {"no_source": 2}, 0)


def test_a_preview_shows_who_has_time_and_the_chance_of_each_group(config: Path) -> None:
    hook = "{adapter: webhook, settings: {url: 'https://hooks.example.org/in', webhook_secret: secret-of-ours, "
    hook += "outgoing_secret: whsec_YW4tb3V0Ym91bmQta2V5LW9mLTMwLWJ5dGVzLTAx}}"
    path = config / "sources.yaml"
    path.write_text(path.read_text("utf-8") + f"  hook: {hook}\n", "utf-8")
    ask("sync", "crm")
    said = ask("survey", "preview", "often")
    assert "2 of 2 who may be asked would be." in said
    assert "Retention team" in said and "1.000" in said


def test_a_plan_that_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bridge", "survey", "preview", "oft"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "did you mean often?" in capsys.readouterr().err
