"""What commands share: a desk over the configured store, and bars that show how far long work has come."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from bridge.adapter.registry import load_registry
from bridge.flow import Desk, open_desk
from bridge.intake import sync as syncing
from bridge.sample import choose_sources, guard_demo
from bridge.settings import read_settings
from bridge.store import Store, micros, open_store
from bridge.worker import Worker, utc_now

out = Console()


async def take_desk() -> Desk:
    """A desk over the configured store, which whoever asks for it closes."""
    settings = read_settings()
    registry = load_registry(settings.adapters_dir, settings.mappings_dir, choose_sources(settings), os.environ)
    store = await open_store(settings.database_url)
    try:
        await guard_demo(store, settings)
        return await open_desk(settings, store, registry, utc_now())
    except BaseException:
        await store.close()
        raise


async def with_desk(act: Callable[[Desk], Awaitable[Any]]) -> Any:
    """`act` at a desk over the configured store, which is closed afterwards."""
    desk = await take_desk()
    try:
        return await act(desk)
    finally:
        await desk.store.close()


async def with_store(act: Callable[[Store], Awaitable[Any]]) -> Any:
    """`act` with the configured store alone."""
    store = await open_store(read_settings().database_url)
    try:
        return await act(store)
    finally:
        await store.close()


async def finish(at_work: Worker, bars: Progress) -> None:
    """Work until nothing is left in the inbox and nobody is due, with a bar for each."""
    waiting = (await at_work.desk.store.all("inbox.waiting_count"))[0][0]
    bar = bars.add_task("records", total=waiting or None)
    while done := await at_work.drain_once():
        bars.advance(bar, done)
    due = (await at_work.desk.store.all("customers.due_count", now=micros(utc_now())))[0][0]
    bar = bars.add_task("decisions", total=due or None)
    while done := await at_work.refresh_once():
        bars.advance(bar, done)


def progress() -> Progress:
    """Bars that vanish when the work is done."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=out,
        transient=True,
    )


def reporter(bars: Progress) -> syncing.Report:
    """A bar for each stream that is polled."""
    tasks: dict[tuple[str, str], TaskID] = {}

    async def report(step: syncing.Progress) -> None:
        name = (step.source, step.stream)
        if name not in tasks:
            tasks[name] = bars.add_task(f"{step.source} {step.stream}", total=step.total)
        bars.update(tasks[name], completed=step.items, total=step.total)

    return report
