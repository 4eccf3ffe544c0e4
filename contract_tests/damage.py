"""Damage to a vendor's record, one place at a time: what a release of the vendor's may do to it over night."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from itertools import cycle, islice
from typing import Any

MARK = "zz-4711@example.org"
"""Stands for a personal datum in damaged places: it must come back in no error."""

_MISTYPED: tuple[Any, ...] = (MARK, -1, 10**30, 1.5, float(2**53), True, [], [MARK], {}, {"zz": MARK}, "", "0000-00-00")
_AT_A_TIME = 4
"""So many values of other types a place is given; the next place gets the next ones, so that all have their turn."""
_GONE = object()


def damaged(raw: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each place in `raw` in turn removed, nulled and given values of other types, with the name of the damage."""
    turn = cycle(_MISTYPED)
    for path in _places(raw):
        shown = ".".join(map(str, path))
        yield f"without {shown}", _changed(raw, path, _GONE)
        yield f"{shown} null", _changed(raw, path, None)
        for value in islice(turn, _AT_A_TIME):
            yield f"{shown} = {value!r}", _changed(raw, path, deepcopy(value))


def reworded(raw: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each text in `raw` in turn replaced by a word that the vendor never used before."""
    for path in _places(raw):
        if isinstance(_at(raw, path), str):
            yield f"another word at {'.'.join(map(str, path))}", _changed(raw, path, "zz_never_heard_of")


def enlarged(raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` with a field that nobody knows in every object inside it."""

    def enlarge(value: Any) -> Any:
        if isinstance(value, dict):
            return {**{name: enlarge(inner) for name, inner in value.items()}, "zz_new_field": {"zz": [1, None]}}
        return [enlarge(inner) for inner in value] if isinstance(value, list) else value

    larger: dict[str, Any] = enlarge(raw)
    return larger


def leaves(value: Any) -> Iterator[Any]:
    """Every single value inside `value`."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield value


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(inner, (*path, name))


def _at(raw: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        raw = raw[step]
    return raw


def _changed(raw: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    copy = deepcopy(raw)
    parent = _at(copy, path[:-1])
    if value is _GONE:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return copy
