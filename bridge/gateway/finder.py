"""Whom a request means: in the store, and where the store does not know, at the sources, in the time that is left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from time import perf_counter
from typing import Final, cast

from bridge.gateway.caller import Asked
from bridge.gateway.gate import Gate, Miss
from bridge.store import Row
from bridge.telemetry import log

SHORTEST_LIVE_S: Final = 0.02
"""With less time than this left, no source is asked."""

_log = log("gateway")


class Finder:
    """Times (`until`) are those of `time.perf_counter`."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._answer = gate.store.answer
        self._at_once = gate.store.engine == "sqlite"
        self._most_reserved = gate.settings.live_reserve_ms / 1000

    def _reserve(self, until: float) -> float:
        """What is kept of the time that is left for the way home; of little time, little."""
        return min(self._most_reserved, max(0.0, until - perf_counter()) / 2.5)

    async def find(self, asked: Asked, until: float) -> tuple[Row | None, str, bool]:
        """The row of whom `asked` means, the sources that could not be asked, and whether time cut the search."""
        if self._at_once:
            if not asked.customer:
                for kind, value in asked.keys:
                    row = cast("Row | None", self._answer(kind, value, asked.language))
                    if row is not None:
                        return row, "", False
            if asked.keys and not asked.customer and self._gate.miss is None:
                return None, "", False
        until -= self._reserve(until)
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + until - perf_counter()):
                row = await self._search(asked)
        except TimeoutError:
            return None, "", True
        if row is None and asked.keys and self._gate.miss is not None:
            return await self._ask(self._gate.miss, asked, until)
        return row, "", False

    async def _search(self, asked: Asked) -> Row | None:
        """In the store alone: by customer, by each key, and last by the host's interaction."""
        if asked.customer:
            return await self._of_customer(asked.customer, asked.language)
        if not self._at_once:
            for kind, value in asked.keys:
                row = await cast("Awaitable[Row | None]", self._answer(kind, value, asked.language))
                if row is not None:
                    return row
        if asked.interaction and not asked.keys:
            customer = await self._gate.customer_of(asked.interaction)
            if customer:
                return await self._of_customer(customer, asked.language)
        return None

    async def _of_customer(self, customer: str, language: str | None) -> Row | None:
        return await self._gate.store.one("gateway.answer_for_customer", customer=customer, language=language)

    async def _ask(self, miss: Miss, asked: Asked, until: float) -> tuple[Row | None, str, bool]:
        """Ask the sources live, for all keys at once; what does not come in time goes on alone into the store."""
        left = until - perf_counter()
        if left < SHORTEST_LIVE_S:
            return None, ",".join(miss.sources), True
        tasks = [asyncio.create_task(miss(kind, value, asked.language, left)) for kind, value in asked.keys]
        self._gate.late.update(tasks)
        for task in tasks:
            task.add_done_callback(self._settle)
        await asyncio.wait(tasks, timeout=left)
        missing: dict[str, None] = {}
        for task in tasks:
            if not task.done() or task.exception() is not None:
                missing.update(dict.fromkeys(miss.sources))
                continue
            row, without = task.result()
            if row is not None:
                return row, ",".join(without), False
            missing.update(dict.fromkeys(without))
        return None, ",".join(missing), bool(missing)

    def _settle(self, task: asyncio.Task[tuple[Row | None, tuple[str, ...]]]) -> None:
        self._gate.late.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            _log.error("asking the sources failed", problem=type(problem).__name__)
