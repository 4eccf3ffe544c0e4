"""Measured figures, their limits, and how both are shown and kept."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

VAR = Path(__file__).resolve().parent.parent / ".var" / "bench"
"""Where results, caches and the files of a run lie."""

RESULTS = VAR / "results.json"


class Void(Exception):
    """What was measured says nothing: the message says why."""


class Figure(Struct, frozen=True, kw_only=True):
    """One measured number. With `most` or `least` it is a gate, else it is there to be read."""

    bench: str
    name: str
    measured: float
    unit: str
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def gated(self) -> bool:
        return self.most is not None or self.least is not None

    @property
    def held(self) -> bool:
        """Whether the limit holds; True where there is none."""
        return (self.most is None or self.measured <= self.most) and (self.least is None or self.measured >= self.least)

    @property
    def limit(self) -> str:
        if self.most is not None:
            return f"≤ {_number(self.most)} {self.unit}"
        return f"≥ {_number(self.least)} {self.unit}" if self.least is not None else ""

    @property
    def bar(self) -> str:
        """How much of the limit is used up, ten characters wide."""
        if not self.gated or not self.measured:
            return ""
        used = self.measured / self.most if self.most else (self.least or 0) / self.measured
        full = min(10, round(used * 10))
        return "█" * full + "·" * (10 - full)


def conclude(measure: Callable[[], list[Figure]], *, quick: bool = False) -> int:
    """Measure, print, keep what was not measured in a hurry; the exit status: 1 for a limit missed, 2 for no figure."""
    try:
        figures = measure()
    except Void as problem:
        Console(stderr=True).print(f"[bold red]nothing measured:[/] {problem}", highlight=False)
        return 2
    if not quick:
        keep(figures)
    return 0 if show(figures, f"{machine()}; {load()}") else 1


def show(figures: Iterable[Figure], title: str) -> bool:
    """Print `figures` as a table; True when every limit holds."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for head in ("bench", "what"):
        table.add_column(head)
    for head in ("limit", "measured"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("of the limit")
    table.add_column("verdict")
    table.add_column("note", style="dim")
    bench, held = "", True
    for one in figures:
        verdict = "" if not one.gated else "[green]held[/]" if one.held else "[bold red]missed[/]"
        table.add_row(
            one.bench if one.bench != bench else "",
            one.name,
            one.limit,
            f"{_number(one.measured)} {one.unit}",
            one.bar,
            verdict,
            one.note,
        )
        bench, held = one.bench, held and one.held
    out = Console()
    # In a file or a pipe there is no width to fit into, and a cut figure is none.
    (out if out.is_terminal else Console(width=200)).print(table)
    return held


def keep(figures: Iterable[Figure]) -> None:
    """Write `figures` to RESULTS, in place of those that were measured under the same name before."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    new = list(figures)
    names = {one.bench for one in new}
    old = []
    if RESULTS.exists():
        old = [one for one in msgspec.json.decode(RESULTS.read_bytes())["figures"] if one["bench"] not in names]
    now = datetime.now(timezone.utc)
    about = {"at": now, "machine": machine(), "load": load()}
    rows = [msgspec.to_builtins(one) | {"held": one.held, **about} for one in new]
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode({"figures": [*old, *rows]}), indent=2))


def machine() -> str:
    """The machine in one line."""
    system = f"{platform.system()} {platform.machine()}"
    return f"{len(os.sched_getaffinity(0))} cores, {system}, Python {platform.python_version()}"


def load() -> str:
    """The load average of the last minute, as it is now: how busy others kept the machine."""
    return f"load {os.getloadavg()[0]:.1f}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"
