"""Made-up facts for which a condition holds: to find out whether a script can ever be suggested, and beside which.

The ways are found in the condition itself, name by name, and each is tried on the compiled condition before it counts.
What is found is true; that nothing is found means that nothing was found, not that there is nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timezone
from itertools import islice, product
from typing import Any, TypeAlias

from bridge.conditions import Field, Kind, compile_condition
from bridge.errors import ConfigError
from bridge.playbook.situation import SCRIPT_VOCABULARY

Facts: TypeAlias = dict[str, Any]

MOST = 400
"""Ways that are tried of one condition."""
_PER_NAME = 12
_SOMEBODY: Facts = {"customer.known": True}


def witnesses(condition: Any, *, most: int = MOST) -> list[Facts]:
    """Facts for which `condition` (as YAML gives it) holds, fewest first; none for one that cannot hold."""
    holds = compile_condition(condition, SCRIPT_VOCABULARY, "")
    found = [facts for way in islice(_ways(condition), most) if holds(facts := merge(_SOMEBODY, way) or way)]
    return sorted(found, key=lambda facts: len(facts) + len(facts.get("signal", ())))


def denials(condition: Any) -> list[Facts]:
    """Facts that keep `condition` from holding, each by one name of it."""
    return list(islice(_denied(condition), MOST))


def merge(one: Facts, other: Facts) -> Facts | None:
    """Both at once; None where they contradict each other."""
    merged = dict(one)
    for name, value in other.items():
        if name not in merged:
            merged[name] = value
        elif isinstance(value, dict) and isinstance(merged[name], dict):
            if any(merged[name].get(code, band) != band for code, band in value.items()):
                return None
            merged[name] = merged[name] | value
        elif isinstance(value, tuple) and isinstance(merged[name], tuple):
            merged[name] = tuple(dict.fromkeys(merged[name] + value))
        elif merged[name] != value:
            return None
    return merged


def _ways(data: Any) -> Iterator[Facts]:
    if not data:
        yield {}
        return
    parts: list[list[Facts]] = []
    for name, given in data.items():
        if name == "all":
            parts += [list(islice(_ways(each), _PER_NAME)) for each in given]
        elif name == "any":
            parts.append([way for each in given for way in islice(_ways(each), _PER_NAME)])
        elif name == "not":
            parts.append([{}, *islice(_denied(given), _PER_NAME)])
        elif name in SCRIPT_VOCABULARY:
            parts.append(_values(name, given, data.get("band"), holding=True))
    for combination in product(*parts):
        merged: Facts | None = {}
        for part in combination:
            merged = None if merged is None else merge(merged, part)
        if merged is not None:
            yield merged


def _denied(data: Any) -> Iterator[Facts]:
    for name, given in (data or {}).items():
        if name in ("all", "any"):
            for each in given:
                yield from _denied(each)
        elif name == "not":
            yield from islice(_ways(given), _PER_NAME)
        elif name in SCRIPT_VOCABULARY:
            yield from _values(name, given, data.get("band"), holding=False)


def _values(name: str, given: Any, band: Any, *, holding: bool) -> list[Facts]:
    """Values of `name` for which this part holds, or does not; {} is: not known."""
    field = SCRIPT_VOCABULARY[name]
    part = {name: given} | ({"band": band} if band is not None and field.kind is Kind.marks else {})
    try:
        holds = compile_condition(part, SCRIPT_VOCABULARY, "")
    except ConfigError:
        return []
    tried: list[Facts] = [{name: value} for value in _candidates(field, given)]
    found = [facts for facts in (*tried, {}) if holds(facts) is holding]
    return found[:_PER_NAME]


def _candidates(field: Field, given: Any) -> Iterable[Any]:
    said = list(_leaves(given))
    match field.kind:
        case Kind.ordered | Kind.choice:
            # the middle first: most other conditions leave room there
            return sorted((*field.values, *field.beside), key=lambda value: value in field.beside)
        case Kind.boolean:
            return (True, False)
        case Kind.number:
            numbers = [one for one in said if isinstance(one, int | float) and not isinstance(one, bool)]
            return [each for one in numbers for each in (one, one + 1, one - 1)] or [1, 0]
        case Kind.text:
            return [*(one for one in said if isinstance(one, str)), "—"]
        case Kind.texts:
            return [*((one,) for one in said if isinstance(one, str)), ("—",)]
        case Kind.marks:
            codes = [one for one in said if one in field.bands] or list(field.bands)
            return [{code: band} for code in codes for band in field.bands[code]]
        case Kind.day:
            return [date(2026, 12, 31)]
        case Kind.instant:
            return [datetime(2026, 12, 31, tzinfo=timezone.utc)]


def _leaves(given: Any) -> Iterator[Any]:
    if isinstance(given, dict):
        for each in given.values():
            yield from _leaves(each)
    elif isinstance(given, list):
        for each in given:
            yield from _leaves(each)
    else:
        yield given
