"""One configured instance of an adapter, as `config/sources.yaml` names it."""

from __future__ import annotations

from datetime import date, datetime, time, timezone
from zoneinfo import ZoneInfo

from msgspec import Struct

from bridge.errors import ConfigError


class Source(Struct, frozen=True, kw_only=True):
    """Name, settings and the habits of the place: what a naive time, a bare amount and a local phone number mean there.

    `settings` holds what the adapter's manifest declares; a value may be a list where several are valid at once (a
    secret being rotated).
    """

    name: str
    adapter: str
    settings: dict[str, str | tuple[str, ...]] = {}
    region: str = "DE"
    currency: str = "EUR"
    time_zone: str = "Europe/Berlin"
    language: str = "de"
    demo: bool = False

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which the source's naive times are meant."""
        return ZoneInfo(self.time_zone)

    def setting(self, name: str, default: str | None = None) -> str:
        """The setting `name`; the first value where several are valid. Raises ConfigError when it is missing."""
        value = self.settings.get(name, default)
        if isinstance(value, tuple):
            value = value[0] if value else default
        if value is None:
            raise ConfigError(f"sources.yaml: {self.name}.settings.{name}", "is missing")
        return value

    def optional(self, name: str) -> str:
        """The setting `name`, trimmed; "" where it is left out."""
        return next(iter(self.secrets(name)), "").strip()

    def since(self) -> datetime | None:
        """The start of the day in the setting `since`, in the source's time zone; None without. Raises ConfigError."""
        text = self.optional("since")
        try:
            day = datetime.combine(date.fromisoformat(text), time(), self.zone) if text else None
            if day is not None:
                day.astimezone(timezone.utc)  # the first day there is lies before the first instant in some zones
            return day
        except (ValueError, OverflowError):
            raise self.wrong("since", "is not a date as 2024-01-31") from None

    def wrong(self, name: str, what: str) -> ConfigError:
        """The error about a setting of this source: `what` says what is wrong with it, and never its value."""
        return ConfigError(f"sources.yaml: sources.{self.name}.settings.{name}", what)

    def secrets(self, name: str) -> tuple[str, ...]:
        """All values that are valid for `name` now; empty ones do not count."""
        value = self.settings.get(name, ())
        values = value if isinstance(value, tuple) else (value,)
        return tuple(one for one in values if one)
