"""One configured instance of an adapter, as `config/sources.yaml` names it."""

from __future__ import annotations

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

    def secrets(self, name: str) -> tuple[str, ...]:
        """All values that are valid for `name` now; empty ones do not count."""
        value = self.settings.get(name, ())
        values = value if isinstance(value, tuple) else (value,)
        return tuple(one for one in values if one)
