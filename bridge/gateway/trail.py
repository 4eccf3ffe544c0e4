"""What is written behind an answer: which interaction was whose, who saw which card. Buffered, so that nobody waits."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

from bridge.store import Store, Unit, micros
from bridge.telemetry import METRICS, log

FLUSH_SECONDS: Final = 0.25
MOST: Final = 20_000
"""Rows held while the store cannot be written; beyond, the newest are dropped and counted."""

_log = log("gateway")


class Trail:
    """Three lists and the one unit they become."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._dips: dict[str, dict[str, Any]] = {}
        self._shown: list[dict[str, Any]] = []
        self._audit: list[dict[str, Any]] = []
        self._writing = asyncio.Lock()

    def dip(self, interaction: str, customer: str, decision: str, at: int) -> None:
        """Remember that the host's `interaction` is `customer`'s, who got `decision`; the last one counts."""
        if len(self._dips) < MOST:
            self._dips[interaction] = {
                "interaction": interaction,
                "customer": customer,
                "decision": decision,
                "at": at,
            }
        else:
            METRICS.dips_dropped.inc()

    def customer_of(self, interaction: str) -> str | None:
        """Whose `interaction` is, as long as that is not written yet."""
        row = self._dips.get(interaction)
        return None if row is None else str(row["customer"])

    def shown(self, decision: str, now: datetime) -> None:
        """Mark `decision` as shown to an agent: it is then kept for good."""
        if len(self._shown) < MOST:
            self._shown.append({"id": decision, "at": micros(now)})

    def audit(self, actor: str, action: str, subject: str, now: datetime, detail: str = "") -> None:
        """Remember who did or saw what."""
        if len(self._audit) < MOST:
            self._audit.append(
                {"at": micros(now), "actor": actor, "action": action, "subject": subject, "detail": detail}
            )

    async def flush(self) -> None:
        """Write all of it in one transaction; what could not be written is tried again with the next flush.

        Whatever was noted before the call is written when it returns, also by another flush that was under way.
        """
        async with self._writing:
            await self._flush()

    async def _flush(self) -> None:
        dips, shown, audit = self._dips, self._shown, self._audit
        if not (dips or shown or audit):
            return
        self._dips, self._shown, self._audit = {}, [], []
        unit = Unit()
        unit.many("gateway.put_dip", list(dips.values()))
        unit.many("gateway.mark_shown", shown)
        unit.many("gateway.mark_shown_log", shown)
        unit.many("access.audit", audit)
        if dips:
            unit.wake.add("customers")  # a card may be open that waits to hear whose call it is
        try:
            await self._store.write(unit)
        except BaseException:
            self._dips, self._shown, self._audit = dips | self._dips, shown + self._shown, audit + self._audit
            raise
