"""What the environment says: every `BRIDGE_…` variable, its default, and a check before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bridge.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    """The folder that came with the package: inside it where it is installed, beside it in a checkout."""
    inside = _PACKAGE / "shipped" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


class Settings(BaseSettings):
    """All settings of one process. Names of variables are `BRIDGE_` and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="BRIDGE_", frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: str = "sqlite:///.var/bridge.db"
    """`sqlite:///path` or `postgresql://…`."""
    config_dir: Path = _shipped("config")
    mappings_dir: Path = _shipped("mappings")
    adapters_dir: Path = _shipped("adapters")
    public_url: str = "http://127.0.0.1:8000"
    """The base URL that vendors call; signatures are over it."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    demo: bool = False
    languages: Annotated[tuple[str, ...], NoDecode] = ("de", "en")
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "DE"
    """Where a caller's number without country code is meant."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    lookup_budget_ms: Annotated[int, Field(ge=100, le=60_000)] = 1500
    live_reserve_ms: Annotated[int, Field(ge=0, le=5000)] = 100
    """Kept back from the budget for the way home when sources are asked live."""
    stale_after_s: Annotated[int, Field(ge=1)] = 3600
    """A failing source that was last seen longer ago counts as missing."""
    body_limit: Annotated[int, Field(ge=1024)] = 1_048_576
    """Largest request body in bytes."""
    ticket_secret: SecretStr | None = None
    """Signs browser tickets; at least 32 characters."""
    ticket_seconds: Annotated[int, Field(ge=30, le=3600)] = 600
    suppression_file: Path | None = None
    """Keeps the hashes of erased people apart from the database; beside it by default (SQLite)."""
    open_metrics: bool = False
    """`/metrics` without a key, where only the monitoring can reach it."""

    @field_validator("languages", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(one.strip() for one in value.split(",") if one.strip()) if isinstance(value, str) else value

    @field_validator("languages")
    @classmethod
    def _languages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or any(len(one) != 2 or not one.isascii() or not one.islower() for one in value):
            raise ValueError("a comma-separated list of two-letter languages, the preferred one first, such as de,en")
        return tuple(dict.fromkeys(value))

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql://", "postgres://")):
            raise ValueError("begins with sqlite:/// or postgresql://")
        return value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("begins with https:// (or http:// on your own machine)")
        return value.rstrip("/")

    @field_validator("ticket_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("needs at least 32 characters, for instance from: openssl rand -hex 32")
        return value

    @property
    def suppression_path(self) -> Path | None:
        """Where the hashes of erased people are kept besides the database; None for PostgreSQL unless it is set."""
        if self.suppression_file is not None or not self.database_url.startswith("sqlite:///"):
            return self.suppression_file
        return Path(self.database_url.removeprefix("sqlite:///") + ".erased")

    @model_validator(mode="after")
    def _budget_holds_the_reserve(self) -> Settings:
        if self.live_reserve_ms >= self.lookup_budget_ms:
            raise ValueError("LIVE_RESERVE_MS must be smaller than LOOKUP_BUDGET_MS")
        return self


def read_settings(**given: Any) -> Settings:
    """The settings of this process: `given`, else the environment, else defaults.

    Raises ConfigError that names the variable and what it must be; the value itself is not repeated.
    """
    try:
        return Settings(**given)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
        name = "_".join(str(part) for part in first["loc"][:1]).upper()
        raise ConfigError(f"BRIDGE_{name}" if name else "BRIDGE_", first["msg"]) from None
