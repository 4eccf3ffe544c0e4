"""The environment is read once, and what is wrong in it is said by the variable's name."""

from __future__ import annotations

import pytest

from bridge.errors import ConfigError
from bridge.settings import read_settings


def test_nothing_has_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read_settings()
    assert settings.database_url == "sqlite:///.var/bridge.db"
    assert settings.languages == ("de", "en")
    assert (settings.config_dir / "scoring.yaml").is_file()
    assert settings.adapters_dir.is_dir()


def test_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_LANGUAGES", "en, de,en")
    monkeypatch.setenv("BRIDGE_PUBLIC_URL", "https://bridge.example/base/")
    monkeypatch.setenv("BRIDGE_PORT", "")
    settings = read_settings()
    assert settings.languages == ("en", "de")
    assert settings.public_url == "https://bridge.example/base"
    assert settings.port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://user:hunter2@host/db"),
        ("PORT", "70000"),
        ("LANGUAGES", "german"),
        ("LANGUAGES", ","),
        ("PUBLIC_URL", "bridge.example"),
        ("TICKET_SECRET", "hunter2"),
        ("LOG_LEVEL", "loud"),
        ("LOOKUP_BUDGET_MS", "soon"),
        ("REGION", "Germany"),
    ],
)
def test_a_wrong_value_is_named_by_its_variable_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"BRIDGE_{name}", value)
    with pytest.raises(ConfigError) as wrong:
        read_settings()
    assert wrong.value.where == f"BRIDGE_{name}"
    assert "hunter2" not in str(wrong.value)


def test_a_reserve_larger_than_the_budget_is_refused() -> None:
    with pytest.raises(ConfigError, match="LIVE_RESERVE_MS"):
        read_settings(lookup_budget_ms=200, live_reserve_ms=200)


def test_the_secret_is_not_shown() -> None:
    assert "0123456789" not in repr(read_settings(ticket_secret="0123456789" * 4))
