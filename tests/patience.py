"""Tests on any machine: waiting for what comes in its own time, and limits that hold where cores are slow or shared."""

from __future__ import annotations

import asyncio
import inspect
import time
import zlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, overload

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""Long enough for a small machine with much else to do: it is waited out only where something is broken."""
_ROUNDS = 60
_PIECE = bytes(number * number % 251 for number in range(100_000))
_QUIET_SECONDS = 0.037
"""What `_ROUNDS` pieces of work took on two quiet cores of the kind that the limits in the tests were set on."""


@overload
async def eventually(check: Callable[[], Awaitable[T]], what: str, seconds: float = ..., pause: float = ...) -> T: ...
@overload
async def eventually(check: Callable[[], T], what: str, seconds: float = ..., pause: float = ...) -> T: ...
async def eventually(
    check: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS, pause: float = 0.02
) -> Any:
    """What `check` gives once it is true, asked again and again; after `seconds` the test fails and says `what`."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        value = await found if inspect.isawaitable(found) else found
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds:g} s still not: {what} (last seen: {value!r})")
        await asyncio.sleep(pause)


def slowness(clock: Callable[[], float] = time.perf_counter) -> float:
    """How many times longer than on a quiet machine a piece of work takes here and now; never less than 1.

    By the processor's time as `clock` it tells of slow cores alone.
    """
    began = clock()
    for _ in range(_ROUNDS):
        zlib.compress(_PIECE, 6)  # C, without the interpreter's lock: neither coverage nor other threads slow it down
    return max(1.0, (clock() - began) / _QUIET_SECONDS)


def crowding() -> float:
    """The same of two pieces at once, the slower of them: for what keeps two processors busy, as a page and the bridge
    that serves it do."""
    with ThreadPoolExecutor(2) as both:
        return max(both.map(lambda _: slowness(), range(2)))
