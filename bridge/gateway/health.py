"""Which sources are missing right now: read every few seconds, so that an answer can say it without asking."""

from __future__ import annotations

from datetime import datetime, timedelta

from bridge.store import Store, micros


class SourceHealth:
    """A source is missing when its last attempt failed and it was last well longer ago than `stale_after`."""

    def __init__(self, store: Store, stale_after: timedelta) -> None:
        self._store = store
        self._stale_after = stale_after
        self.missing = ""
        """Their names, sorted, with commas between."""

    async def refresh(self, now: datetime) -> None:
        """Read the sources' state again."""
        before = micros(now - self._stale_after)
        rows = await self._store.all("gateway.failing_sources", before=before)
        self.missing = ",".join(name for (name,) in rows)
