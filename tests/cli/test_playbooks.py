"""`bridge playbook`: what is wrong with the files, and who would get them now."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import cli, main

run = CliRunner()
SHIPPED = Path(__file__).resolve().parents[2] / "config"
DRAFT = """\
id: welcome_back
priority: 990
when: {customer.known: true, contract.count: {at_least: 1}}
title: {de: Hallo, en: Hello}
line: {de: ["{{ customer }}, hallo.", Hallo.], en: ["{{ customer }}, hello.", Hello.]}
offer: {offers: [apology, goodwill_credit], uplift: 0.2}
"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped configuration over one CRM with two customers."""
    exports, config = tmp_path / "exports", tmp_path / "config"
    exports.mkdir()
    shutil.copytree(SHIPPED, config)
    (config / "sources.yaml").write_text(
        f"sources:\n  crm: {{adapter: spreadsheet, settings: {{folder: '{exports}'}}}}\n", "utf-8"
    )
    monkeypatch.setenv("BRIDGE_CONFIG_DIR", str(config))
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{tmp_path / 'bridge.db'}")
    monkeypatch.delenv("BRIDGE_DEMO", raising=False)
    monkeypatch.setenv("COLUMNS", "180")
    (exports / "kunden.csv").write_text(
        "Kundennummer;Vorname;Nachname;Anrede;Telefon\n1;Ada;Albers;Frau;030 23125001\n2;Ben;Busch;Herr;030 23125002\n",
        "utf-8",
    )
    (exports / "vertraege.csv").write_text(
        "Vertragsnummer;Kundennummer;Produkt;Status;Vertragsbeginn;Vertragsende;Monatsbetrag;Währung\n"
        "v1;1;Glasfaser 250;aktiv;01.01.2020;31.12.2099;89,90;EUR\n",
        "utf-8",
    )
    return config


def ask(*words: str, code: int = 0) -> str:
    result = run.invoke(cli, ["playbook", *words], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr("sys.argv", ["bridge", "playbook", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    return capsys.readouterr().err.replace("\n", " ")


def known() -> None:
    assert run.invoke(cli, ["sync"], catch_exceptions=False).exit_code == 0


@pytest.mark.parametrize("command", [["check"], ["preview"]])
def test_each_command_explains_itself_with_examples(command: list[str]) -> None:
    text = ask(*command, "--help")
    assert "Example" in text
    assert f"bridge playbook {command[0]}" in text


def test_the_shipped_playbooks_are_right() -> None:
    text = ask("check")
    assert "21 playbooks, 12 offers" in text
    assert "error" not in text
    ask("check", "--strict")


def test_what_is_wrong_is_said_with_file_line_and_the_nearest_name(config: Path) -> None:
    path = config / "playbooks" / "apology.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("signal: ticket_reopened", "signal: ticket_reopend"), "utf-8")
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "signal: ticket_reopened" in each)
    said = ask("check", code=1)
    assert f"apology.yaml, line {line}: when.any[2].signal: " in said
    assert "did you mean ticket_reopened?" in said
    found = json.loads(ask("check", "--json", code=1))
    assert [(one["severity"], one["line"]) for one in found if one["severity"] == "error"] == [("error", line)]


def test_warnings_count_where_they_are_asked_to(config: Path) -> None:
    path = config / "playbooks" / "apology.yaml"
    path.write_text(path.read_text("utf-8").replace("priority: 760", "priority: 780"), "utf-8")
    assert "complaint" in ask("check", str(config / "playbooks"))
    ask("check", str(config / "playbooks"), "--strict", code=1)


def test_everybody_is_counted_once() -> None:
    known()
    answer = json.loads(ask("preview", "--json"))
    assert sum(one["customers"] for one in answer["scripts"]) == 2
    assert answer["customers"] is None
    assert "default" in ask("preview")


def test_a_segment_is_a_condition_or_a_file_with_one(tmp_path: Path) -> None:
    known()
    file = tmp_path / "segment.yaml"
    file.write_text("contract.count: {at_least: 1}\n", "utf-8")
    for segment in ("{contract.count: {at_least: 1}}", str(file)):
        answer = json.loads(ask("preview", "--segment", segment, "--script", "default", "--json"))
        assert [(one["customer"][:2], one["script"]) for one in answer["customers"]] == [("c_", "default")]
    assert json.loads(ask("preview", "--segment", "{customer.deceased: true}", "--json"))["scripts"] == []


def test_a_draft_is_tried_on_those_who_are_there_without_being_in_force(tmp_path: Path, config: Path) -> None:
    known()
    draft = tmp_path / "new idea.yaml"
    draft.write_text(DRAFT, "utf-8")
    before = sorted(path.name for path in (config / "playbooks").iterdir())
    answer = json.loads(ask("preview", "--script", str(draft), "--json"))
    (line,) = answer["scripts"]
    assert (line["script"], line["customers"], line["offered"]) == ("welcome_back", 1, 1)
    assert line["campaign"]["cost"]["minor"] > 0
    assert 0 < line["campaign"]["break_even"] < 0.2
    assert sorted(path.name for path in (config / "playbooks").iterdir()) == before
    (someone,) = answer["customers"]
    shown = ask("preview", "--script", str(draft), "--customer", someone["customer"], "--lang", "en")
    assert "Ms Albers, hello." in shown
    assert "goodwill credit" in shown
    assert someone["customer"] in ask("preview", "--script", str(draft))


def test_one_customer_is_shown_what_the_agent_would_see() -> None:
    known()
    who = json.loads(ask("preview", "--script", "default", "--json"))["customers"][0]["customer"]
    shown = ask("preview", "--customer", who)
    assert "default" in shown
    assert "schön, dass Sie sich melden" in shown
    answer = json.loads(ask("preview", "--customer", who, "--json", "--lang", "en"))
    assert answer["script"]["id"] == "default"
    assert answer["offer"]["offers"] == []


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["preview", "--customer", "c_nobody"], "there is no customer c_nobody"),
        (["preview", "--script", "complant"], "did you mean complaint?"),
        (["preview", "--lang", "fr"], "--lang: is de or en"),
        (["preview", "--segment", "{risk.bnd: high}"], "did you mean risk.band?"),
        (["preview", "--segment", "{risk.band: ["], "is not a condition"),
        (["preview", "--segment", "just words"], "a condition is a map"),
        (["preview", "--segment", "a: &a [*a]"], "stands within what it refers to"),
        (["preview", "--segment", "[" * 5_000], "nested more than"),
        (["preview", "--script", "missing.yaml"], "there is no such file"),
    ],
)
def test_what_cannot_be_meant_is_said_in_plain_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], what: str
) -> None:
    assert what in fails(monkeypatch, capsys, *words)


def test_the_example_in_the_guide_is_right_and_so_is_the_slip_it_shows(config: Path) -> None:
    guide = (SHIPPED.parent / "docs" / "PLAYBOOKS.md").read_text("utf-8")
    example = guide.split("```yaml\n")[1].split("```")[0]
    path = config / "playbooks" / "discount_talk.yaml"
    path.write_text(example, "utf-8")
    ask("check", "--strict")
    path.write_text(example.replace("signal: discount_ending,", "signal: discount_endin,", 1), "utf-8")
    slip = next(line for line in guide.splitlines() if line.startswith("error  "))
    assert slip.partition("playbooks/")[2] in ask("check", code=1).replace(str(config), "")
