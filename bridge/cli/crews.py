"""Processes that rehearse automations side by side, each at a desk of its own: a backtest uses every core it may."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Final

from bridge.acting.rehearsals import Part, Rehearsal

MOST: Final = 8
"""Processes at most: each holds a page of customers and everything that is imported, some 100 MB."""

Begin = Callable[[], Awaitable[Rehearsal]]
"""Opens a desk and sets up what is rehearsed. It is called in every process, so it must be possible to pickle it."""


def cores() -> int:
    """Processors that this process may use, up to MOST."""
    return min(MOST, len(os.sched_getaffinity(0)))


class Crew:
    """See `flow.backtesting.Crew`."""

    def __init__(self, pool: ProcessPoolExecutor, size: int) -> None:
        self._pool, self.at_once = pool, 2 * size

    async def part(self, ids: Sequence[str]) -> Part:
        """Looked at by whichever process is free."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, _part, list(ids))


@contextmanager
def crew(begin: Begin, size: int) -> Iterator[Crew]:
    """So many processes, which end with the block."""
    with ProcessPoolExecutor(size, get_context("spawn"), initializer=_sit_down, initargs=(begin,)) as pool:
        try:
            yield Crew(pool, size)
        finally:
            pool.shutdown(cancel_futures=True)


_seats: list[tuple[asyncio.AbstractEventLoop, Rehearsal]] = []


def _sit_down(begin: Begin) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who interrupts the command ends them through it
    gc.freeze()
    loop = asyncio.new_event_loop()

    async def rehearsal() -> Rehearsal:
        return await begin()

    _seats.append((loop, loop.run_until_complete(rehearsal())))


def _part(ids: Sequence[str]) -> Part:
    loop, rehearsal = _seats[0]
    return loop.run_until_complete(rehearsal.part(ids))
