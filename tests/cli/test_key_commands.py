"""`bridge key console`: a link for one person, which rests on a key of its own."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.access import ROLES, read_session
from bridge.cli import cli
from bridge.errors import BadRequest, ConfigError

SECRET = "0123456789abcdef0123456789abcdef"
run = CliRunner()


@pytest.fixture(autouse=True)
def _away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{tmp_path / 'bridge.db'}")
    monkeypatch.setenv("BRIDGE_PUBLIC_URL", "https://bridge.example/")
    monkeypatch.setenv("BRIDGE_TICKET_SECRET", SECRET)
    monkeypatch.setenv("COLUMNS", "200")


def test_a_link_is_for_one_person_and_one_role_and_good_for_a_day() -> None:
    link = run.invoke(cli, ["key", "console", "Anna Brandt", "--role", "operator"], catch_exceptions=False).stdout
    page, _, token = link.strip().partition("#in=")
    assert page == "https://bridge.example/console"
    now = datetime.now(timezone.utc)
    session = read_session([SECRET], token, now)
    assert (session.name, session.role, session.origin) == ("Anna Brandt", "operator", "")
    assert timedelta(hours=23) < session.expires_at - now <= timedelta(days=1)
    listed = run.invoke(cli, ["key", "list"]).stdout
    assert session.key in listed
    assert "console: Anna Brandt" in listed
    assert " ".join(sorted(ROLES["operator"])) in listed
    assert "revoked" in run.invoke(cli, ["key", "revoke", session.key]).stdout


def test_a_link_for_nobody_for_no_role_or_without_a_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for words, said in ((["  "], "who it is for"), (["Anna", "--role", "queen"], "no role")):
        with pytest.raises(BadRequest, match=said):
            run.invoke(cli, ["key", "console", *words], catch_exceptions=False)
    monkeypatch.delenv("BRIDGE_TICKET_SECRET")
    with pytest.raises(ConfigError, match="BRIDGE_TICKET_SECRET"):
        run.invoke(cli, ["key", "console", "Anna"], catch_exceptions=False)
    assert "Anna" not in run.invoke(cli, ["key", "list"]).stdout


def test_a_key_is_not_made_for_no_days() -> None:
    """Once that was forever."""
    assert run.invoke(cli, ["key", "new", "x", "--scope", "ivr", "--days", "0"]).exit_code == 2
    odd = run.invoke(cli, ["key", "new", "[red]x", "--scope", "ivr"], catch_exceptions=False)
    assert odd.exit_code == 0
    assert "[red]x" in run.invoke(cli, ["key", "list"]).stdout
