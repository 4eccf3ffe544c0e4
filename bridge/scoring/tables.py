"""The one model form: additive tables and a few pair tables, kept as JSON that a person can read, diff and edit.

A score is a sum in log-odds, and every term of it is an entry of a table: nothing is left to explain.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import exp
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct

from bridge.errors import ConfigError
from bridge.scoring.forms import decode_form

MOST_PAIRS = 10
FORM = 1
"""The version of the form; a file of another one is refused."""

Cell: TypeAlias = float | str | None
"""A number (a bool counts as one), a category, or nothing. What is not a number is "missing" to a table of numbers."""
Row: TypeAlias = Mapping[str, Cell]
"""A customer's features by name."""

_NUMERIC = (float, int)
_CONTAINERS = (list, tuple, dict)
_SHARE = itemgetter(1)
_Name = Annotated[str, Meta(min_length=1)]


class NumberTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="numbers"):
    """`entries[i]` counts from `cuts[i - 1]`, which it includes, up to `cuts[i]`: one more entry than cuts."""

    name: _Name
    cuts: tuple[float, ...]
    entries: tuple[float, ...]
    missing: float = 0.0


class CategoryTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="categories"):
    """An entry per category; `unseen` for every other one, the rare ones of the fit among them."""

    name: _Name
    entries: dict[str, float]
    missing: float = 0.0
    unseen: float = 0.0


class NumberSide(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="numbers"):
    """One side of a pair: line 0 is for missing, line i + 1 from `cuts[i - 1]` up to `cuts[i]`."""

    name: _Name
    cuts: tuple[float, ...]

    @property
    def lines(self) -> int:
        return len(self.cuts) + 2


class CategorySide(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="categories"):
    """One side of a pair: line 0 is for missing, line 1 for categories that are not listed, then one per category."""

    name: _Name
    categories: tuple[str, ...]

    @property
    def lines(self) -> int:
        return len(self.categories) + 2


class PairTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What two features together add to what each adds alone: `entries[line of first][line of second]`."""

    first: NumberSide | CategorySide
    second: NumberSide | CategorySide
    entries: tuple[tuple[float, ...], ...]


class Calibration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Log-odds = `offset` + `slope` × the sum of the tables and the intercept."""

    offset: float = 0.0
    slope: Annotated[float, Meta(gt=0)] = 1.0


class Tables(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model: everything that is needed to score a row, and what it was fitted on."""

    form: int = FORM
    about: dict[str, str | int | float] = {}
    """Where it comes from and how good it was there; scoring does not read it."""
    intercept: float
    calibration: Calibration = Calibration()
    tables: tuple[NumberTable | CategoryTable, ...]
    pairs: Annotated[tuple[PairTable, ...], Meta(max_length=MOST_PAIRS)] = ()


class Scored(Struct, frozen=True):
    """`base` and all `parts` add up to `log_odds`; parts are (name, share), largest first, pairs as `a × b`."""

    log_odds: float
    base: float
    parts: tuple[tuple[str, float], ...]

    @property
    def probability(self) -> float:
        if self.log_odds >= 0:
            return 1 / (1 + exp(-self.log_odds))
        odds = exp(self.log_odds)
        return odds / (1 + odds)


def read_tables(path: Path) -> Tables:
    """The model in `path`. Raises ConfigError naming the file and the path in it."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(str(path), "there is no such file") from None
    except OSError as problem:
        raise ConfigError(str(path), f"cannot be read: {problem.strerror}") from None
    return parse_tables(text, str(path))


def parse_tables(text: bytes, where: str) -> Tables:
    """The model in `text`. Raises ConfigError naming `where` and the path in it."""
    model = decode_form(text, where, Tables, FORM)
    check_tables(model, where)
    return model


def write_tables(model: Tables) -> bytes:
    """`model` as JSON, one list a line where it is short enough to read, the same bytes for the same model."""
    return _laid_out(msgspec.to_builtins(model)).encode() + b"\n"


def _laid_out(value: Any, depth: int = 0) -> str:
    flat = msgspec.json.encode(value).decode()
    if not isinstance(value, _CONTAINERS) or not value:
        return flat
    if not isinstance(value, dict) and not any(isinstance(one, _CONTAINERS) for one in value):
        return flat
    indent = "  " * (depth + 1)
    if isinstance(value, dict):
        inner = [f"{msgspec.json.encode(key).decode()}: {_laid_out(one, depth + 1)}" for key, one in value.items()]
    else:
        inner = [_laid_out(one, depth + 1) for one in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    return f"{start}\n{indent}" + f",\n{indent}".join(inner) + f"\n{'  ' * depth}{end}"


def check_tables(model: Tables, where: str) -> None:
    """Raise ConfigError at `where` for what the form alone does not forbid: cuts that fall, entries that lack."""
    seen: set[str] = set()
    for place, table in enumerate(model.tables):
        here = f"{where}: tables[{place}]"
        if table.name in seen:
            raise ConfigError(f"{here}.name", f"{table.name!r} has a table already")
        seen.add(table.name)
        if isinstance(table, NumberTable):
            _check_cuts(table.cuts, f"{here}.cuts")
            if len(table.entries) != len(table.cuts) + 1:
                what = f"has {len(table.entries)} entries; {len(table.cuts)} cuts need {len(table.cuts) + 1}"
                raise ConfigError(f"{here}.entries", what)
    sides: dict[str, NumberSide | CategorySide] = {}
    for place, pair in enumerate(model.pairs):
        here = f"{where}: pairs[{place}]"
        for name, side in (("first", pair.first), ("second", pair.second)):
            if isinstance(side, NumberSide):
                _check_cuts(side.cuts, f"{here}.{name}.cuts")
            elif len(set(side.categories)) < len(side.categories):
                raise ConfigError(f"{here}.{name}.categories", "names a category twice")
            if sides.setdefault(side.name, side) != side:
                raise ConfigError(
                    f"{here}.{name}", f"{side.name!r} is cut differently in another pair; make both alike"
                )
        if len(pair.entries) != pair.first.lines:
            raise ConfigError(
                f"{here}.entries", f"has {len(pair.entries)} lines; its first side needs {pair.first.lines}"
            )
        for line, entries in enumerate(pair.entries):
            if len(entries) != pair.second.lines:
                what = f"has {len(entries)} entries; the second side needs {pair.second.lines}"
                raise ConfigError(f"{here}.entries[{line}]", what)


def _check_cuts(cuts: tuple[float, ...], where: str) -> None:
    for place, (low, high) in enumerate(pairwise(cuts), 1):
        if low >= high:
            raise ConfigError(f"{where}[{place}]", f"is {high!r}, which is not above the cut before it, {low!r}")


class Scorer:
    """A model made ready: calibration is folded into the entries, so that they add up to the calibrated score."""

    def __init__(self, model: Tables) -> None:
        slope = model.calibration.slope
        numbers = [one for one in model.tables if isinstance(one, NumberTable)]
        categories = [one for one in model.tables if isinstance(one, CategoryTable)]
        sides = {side.name: side for pair in model.pairs for side in (pair.first, pair.second)}
        self.model = model
        self.base = model.calibration.offset + slope * model.intercept
        self._numbers = [(one.name, one.cuts, _scaled(one.entries, slope), slope * one.missing) for one in numbers]
        self._categories: list[tuple[str, dict[Cell, float], float, float]] = [
            (
                one.name,
                dict(zip(one.entries, _scaled(one.entries.values(), slope), strict=True)),
                slope * one.missing,
                slope * one.unseen,
            )
            for one in categories
        ]
        self._number_sides = [(name, side.cuts) for name, side in sides.items() if isinstance(side, NumberSide)]
        self._category_sides: list[tuple[str, dict[Cell, int]]] = [
            (name, {category: line for line, category in enumerate(side.categories, 2)})
            for name, side in sides.items()
            if isinstance(side, CategorySide)
        ]
        self._pairs = [
            (
                f"{one.first.name} × {one.second.name}",
                one.first.name,
                one.second.name,
                [_scaled(line, slope) for line in one.entries],
            )
            for one in model.pairs
        ]

    def score(self, row: Row) -> Scored:
        """The score of `row`. A feature that it lacks is missing; one that no table knows is not read."""
        get = row.get
        parts = []
        for name, cuts, entries, missing in self._numbers:
            cell = get(name)
            if isinstance(cell, _NUMERIC) and cell - cell == 0:  # neither NaN nor infinite
                parts.append((name, entries[bisect_right(cuts, cell)]))
            else:
                parts.append((name, missing))
        for name, known, missing, unseen in self._categories:
            cell = get(name)
            parts.append((name, missing if cell is None else known.get(cell, unseen)))
        if self._pairs:
            parts += self._score_pairs(row)
        parts.sort(key=_SHARE, reverse=True)
        total = self.base
        for _, share in parts:
            total += share
        return Scored(total, self.base, tuple(parts))

    def _score_pairs(self, row: Row) -> list[tuple[str, float]]:
        get, line = row.get, {}
        for name, cuts in self._number_sides:
            cell = get(name)
            line[name] = bisect_right(cuts, cell) + 1 if isinstance(cell, _NUMERIC) and cell - cell == 0 else 0
        for name, lines in self._category_sides:
            cell = get(name)
            line[name] = 0 if cell is None else lines.get(cell, 1)
        return [(name, entries[line[first]][line[second]]) for name, first, second, entries in self._pairs]


def _scaled(entries: Iterable[float], slope: float) -> list[float]:
    return [slope * entry for entry in entries]
