"""`bridge automation`: what the past says of a draft, and every switch."""

from __future__ import annotations

import asyncio
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.acting.approaching import opted_out
from bridge.automation.register import adopt
from bridge.cli import cli, main
from bridge.cli.desks import with_desk
from bridge.flow import Desk
from bridge.worker import utc_now

run = CliRunner()
SHIPPED = Path(__file__).resolve().parents[2] / "config"
DRAFT = """\
id: two_weeks
title: {de: "Zwei Wochen dabei", en: "Two weeks with us"}
when: {fact: onboarding.day, day: 14}
purpose: service
while_ticket_open: allow
budget: {amount: 0.03}
do:
  - send_email: {message: welcome_check}
  - wait: {days: 2}
  - schedule_callback: {reason: {de: Nachfragen, en: Ask}}
"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped configuration over one CRM with three customers who came a month ago."""
    exports, config = tmp_path / "exports", tmp_path / "config"
    exports.mkdir()
    shutil.copytree(SHIPPED, config)
    (config / "sources.yaml").write_text(
        f"sources:\n  crm: {{adapter: spreadsheet, settings: {{folder: '{exports}'}}}}\n", "utf-8"
    )
    monkeypatch.setenv("BRIDGE_CONFIG_DIR", str(config))
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{tmp_path / 'bridge.db'}")
    monkeypatch.delenv("BRIDGE_DEMO", raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    came = utc_now().date() - timedelta(days=40)
    rows = "".join(f"{n};P;{n};p{n}@example.org;{came:%d.%m.%Y}\n" for n in range(1, 4))
    (exports / "kunden.csv").write_text(f"Kundennummer;Vorname;Nachname;E-Mail;Kunde seit\n{rows}", "utf-8")
    (config / "draft.yaml").write_text(DRAFT, "utf-8")
    assert run.invoke(cli, ["sync"], catch_exceptions=False).exit_code == 0

    async def bring_in(desk: Desk) -> None:
        await adopt(desk.store, desk.rules.automations, utc_now())

    asyncio.run(with_desk(bring_in))
    return config


def ask(*words: str, code: int = 0) -> str:
    result = run.invoke(cli, ["automation", *words], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr("sys.argv", ["bridge", "automation", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_a_draft_is_told_in_words_with_what_it_costs_and_what_stops_it(config: Path) -> None:
    said = ask("preview", str(config / "draft.yaml"), "--lang", "de")
    assert "Zwei Wochen dabei" in said and "set off 3 times, begun 3, 1 customer reached with 1 message" in said
    assert "2 the budget is spent" in said and "3 no address known" in said
    assert "The budget of 0.03 EUR a month was spent in 1 period" in said
    assert "do[0]: no source can do this today" in said
    assert "Messages by week" in said


def test_a_program_reads_the_same(config: Path) -> None:
    found = json.loads(ask("preview", str(config / "draft.yaml"), "--json", "--thorough"))
    assert (found["matched"], found["reached"], found["cost"]["total"]) == (3, 1, 0.02)
    assert len(found["examples"]) == 1
    whole = json.loads(ask("preview", "first_weeks", "--since", "2020-01-01", "--json"))
    assert whole["automation"] == "first_weeks" and whole["matched"] == 3


def test_several_processes_say_what_one_says(config: Path) -> None:
    today = f"{utc_now():%Y-%m-%d}"
    words = ("preview", str(config / "draft.yaml"), "--since", "2026-01-01", "--until", today, "--json")
    alone, together = (json.loads(ask(*words, "--processes", size)) for size in ("1", "2"))
    assert alone["reached"] == 1
    assert {**together, "seconds": alone["seconds"]} == alone


def test_an_effect_is_told_of_those_who_were_set_off(config: Path) -> None:
    assert "0 treated, 0 held out, 0 not over yet" in ask("effect", "first_weeks")
    assert json.loads(ask("effect", "first_weeks", "--since", "2026-01-01", "--json"))["treated"] == 0


def test_what_cannot_be_is_said(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "there is no automation 'nobody'" in fails(monkeypatch, capsys, "preview", "nobody")
    (config / "draft.yaml").write_text(DRAFT.replace("welcome_check", "welcom_check"), "utf-8")
    said = fails(monkeypatch, capsys, "preview", str(config / "draft.yaml"))
    assert "draft.yaml, line 8: do[0].send_email.message" in said and "welcome_check" in said
    assert "--since" in fails(monkeypatch, capsys, "preview", "first_weeks", "--since", "2999-01-01")
    assert "there is no automation" in fails(monkeypatch, capsys, "on", "nobody")
    assert "there is no automation" in fails(monkeypatch, capsys, "effect", "nobody")


def test_automations_are_switched_held_and_taken_back() -> None:
    assert "bad_nps is on." in ask("on", "bad_nps")
    assert "bad_nps is dry." in ask("dry", "bad_nps")
    assert "Everything is held" in ask("pause")
    assert "Everything is held" in ask("list")
    assert "It goes on." in ask("resume")
    listed = json.loads(ask("list", "--json"))
    assert not listed["paused"]
    assert {one["id"]: one["mode"] for one in listed["automations"]}["bad_nps"] == "dry"
    assert "Bad rating" in ask("list") and "bad_nps is off." in ask("off", "bad_nps")
    assert "No run within 30 days." in ask("runs", "bad_nps") and json.loads(ask("runs", "bad_nps", "--json")) == []
    assert "in use" in ask("rollback", "bad_nps")


def _closed(*addresses: str) -> list[str]:
    """The channels on which one of `addresses` gets nothing more."""
    return sorted(asyncio.run(with_desk(lambda desk: opted_out(desk, addresses))))


def test_who_wants_nothing_more_is_kept_and_may_change_their_mind(config: Path) -> None:
    said = ask("suppress", " P1@Example.org", "030 23125042")
    assert "2 addresses: nothing more goes there." in said
    assert _closed("email:p1@example.org") == ["email"] and _closed("phone:+493023125042") == ["sms", "voice"]
    assert "1 address may be written to again." in ask("suppress", "030 23125042", "--channel", "sms", "--lift")
    assert _closed("email:p1@example.org", "phone:+493023125042") == ["email", "voice"]


def test_a_list_is_kept_whole_or_not_at_all_and_names_nobody(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    robinson = config / "robinson.txt"
    robinson.write_text("﻿# wants no mail\np2@example.org\n\nrosa at example.org\n", "utf-8")
    said = fails(monkeypatch, capsys, "suppress", "--file", str(robinson))
    assert "robinson.txt: line 4 is neither" in said and "rosa" not in said
    assert _closed("email:p2@example.org") == []
    assert "argument 1 is no address that sms reaches" in fails(
        monkeypatch, capsys, "suppress", "p2@example.org", "--channel", "sms"
    )
    assert "name at least one" in fails(monkeypatch, capsys, "suppress")
    assert "cannot be read" in fails(monkeypatch, capsys, "suppress", "--file", str(config))
    robinson.write_text("p2@example.org\nP2@example.org\n", "utf-8")
    assert "1 address: nothing more goes there." in ask("suppress", "--file", str(robinson))
    assert _closed("email:p2@example.org") == ["email"]
