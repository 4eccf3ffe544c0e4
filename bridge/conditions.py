"""The one predicate language of playbooks, automations and segments.

A condition is data, as YAML or JSON gives it::

    all: [CONDITION, …]      every one holds             any: [CONDITION, …]      at least one holds
    not: CONDITION           it does not hold            several keys in one map: every one holds
    risk.band: high          a plain value: equals       value.tier: [gold, platinum]   a list: one of them
    risk.score: {at_least: 40, less_than: 60}            an operator, or several that all hold
    signal: contract_ending  the customer shows it       band: [d14, d30]    beside `signal`: in one of these bands

Which names there are, and which values and operators each takes, is declared in a `Vocabulary`; a name, operator or
value that is not in it is a ConfigError with the place and the nearest known one. A compiled condition never raises:
what is unknown, missing or of another type makes a comparison false (`not_in` too), and so `not` of it true.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeAlias, TypeGuard

from msgspec import Struct

from bridge.errors import ConfigError

Predicate: TypeAlias = Callable[[Mapping[str, Any]], bool]
"""A compiled condition, to be called on a mapping from the vocabulary's names to values."""

_Test: TypeAlias = Callable[[Any], bool]


class Kind(StrEnum):
    """What values a name can have."""

    ordered = "ordered"
    """One of `values`, lowest first; `beside` are values outside the order, such as `unknown`."""
    choice = "choice"
    """One of `values`."""
    number = "number"
    boolean = "boolean"
    text = "text"
    """Compared without regard to case."""
    texts = "texts"
    """A collection of texts."""
    day = "day"
    """A calendar date, written 2026-12-31."""
    instant = "instant"
    """An aware datetime, written 2026-12-31T08:00:00Z."""
    marks = "marks"
    """Codes that are there or not, each in one of its own bands: a mapping from code to band."""


class Field(Struct, frozen=True, kw_only=True):
    """One name of a vocabulary; `about` is what an editor shows beside it."""

    kind: Kind
    values: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    bands: dict[str, tuple[str, ...]] = {}
    """For marks: each code with its bands."""
    about: str = ""


Vocabulary: TypeAlias = Mapping[str, Field]

_COMPARED = ("at_least", "at_most", "more_than", "less_than")
OPERATORS: dict[Kind, tuple[str, ...]] = {
    Kind.ordered: ("is", "one_of", "not_in", *_COMPARED, "exists"),
    Kind.choice: ("is", "one_of", "not_in", "exists"),
    Kind.number: ("is", "one_of", "not_in", *_COMPARED, "exists"),
    Kind.boolean: ("is", "exists"),
    Kind.text: ("is", "one_of", "not_in", "contains", "exists"),
    Kind.texts: ("contains", "exists"),
    Kind.day: ("is", "one_of", "not_in", *_COMPARED, "exists"),
    Kind.instant: ("is", *_COMPARED, "exists"),
    Kind.marks: ("one_of", "exists"),
}
"""The operators that each kind of value takes. `contains`: a part of a text; any of the given texts among texts."""

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "at_least": operator.ge,
    "at_most": operator.le,
    "more_than": operator.gt,
    "less_than": operator.lt,
}
_DEEPEST = 20
_LONGEST_PLACE = 200
_MOST_NAMED = 40
"""Longer lists of names help nobody."""
_JOINTS = ("all", "any", "not")


def nearest(word: str, known: Collection[str]) -> str:
    """How an error message ends: the known name that was probably meant, else those there are (of many the nearest)."""
    word = word[:_LONGEST_PLACE]
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    if len(known) > _MOST_NAMED:
        return f"the nearest are {', '.join(get_close_matches(word, known, n=5, cutoff=0))}"
    return f"known: {', '.join(sorted(known))}"


def compile_condition(data: Any, vocabulary: Vocabulary, where: str) -> Predicate:
    """The condition in `data` as a function of facts. `where` is the file and path that errors start with.

    None, an empty map and an empty `all` always hold; an empty `any` never does. Raises ConfigError.
    """
    return _compile(data, vocabulary, where, 0)


def _compile(data: Any, vocabulary: Vocabulary, where: str, depth: int) -> Predicate:
    if data is None:
        return _always
    if depth > _DEEPEST:
        raise ConfigError(where[:_LONGEST_PLACE], "is nested too deeply")
    if not isinstance(data, dict):
        raise ConfigError(where, f"a condition is a map such as `{next(iter(vocabulary))}: …`, not {_found(data)}")
    parts: list[Predicate] = []
    for name, given in data.items():
        here = f"{where}.{name}"
        if name in ("all", "any"):
            if not isinstance(given, list):
                raise ConfigError(here, f"takes a list of conditions, not {_found(given)}")
            inner = [_compile(each, vocabulary, f"{here}[{index}]", depth + 1) for index, each in enumerate(given)]
            parts.append(_all_of(inner) if name == "all" else _any_of(inner))
        elif name == "not":
            parts.append(_none_of(_compile(given, vocabulary, here, depth + 1)))
        elif name == "band" and _marks_beside(data, vocabulary):
            continue
        elif name in vocabulary:
            parts.append(_compile_field(name, vocabulary[name], given, data.get("band"), where))
        elif name == "band":
            raise ConfigError(here, "stands beside `signal`, and there is none here")
        else:
            raise ConfigError(here, f"there is no such name; {nearest(str(name), [*vocabulary, *_JOINTS])}")
    return _all_of(parts)


def _marks_beside(data: Mapping[str, Any], vocabulary: Vocabulary) -> bool:
    return any(name in vocabulary and vocabulary[name].kind is Kind.marks for name in data)


def _compile_field(name: str, field: Field, given: Any, band: Any, where: str) -> Predicate:
    here = f"{where}.{name}"
    if field.kind is Kind.marks and not isinstance(given, dict):
        return _marked(name, field, given, band, where)
    if field.kind is Kind.marks and band is not None:
        raise ConfigError(f"{where}.band", f"needs the codes beside it as a plain value: `{name}: code`")
    if isinstance(given, dict):
        if not given:
            raise ConfigError(here, f"says nothing; operators here are {', '.join(OPERATORS[field.kind])}")
        tests = [_compile_operator(field, word, value, f"{here}.{word}") for word, value in given.items()]
    else:
        word = "contains" if field.kind is Kind.texts else "one_of" if isinstance(given, list) else "is"
        tests = [_compile_operator(field, word, given, here)]
    if len(tests) == 1:
        only = tests[0]
        return lambda facts: only(facts.get(name))
    return lambda facts: all(test(facts.get(name)) for test in tests)


def _marked(name: str, field: Field, given: Any, band: Any, where: str) -> Predicate:
    codes = _each(given)
    for code in codes:
        if not isinstance(code, str) or code not in field.bands:
            raise ConfigError(f"{where}.{name}", f"there is no {name} {code!r}; {nearest(str(code), field.bands)}")
    wanted = frozenset(codes)
    if band is None:
        return lambda facts: _are_marks(held := facts.get(name)) and not wanted.isdisjoint(held)
    bands = _each(band)
    known = {each for code in codes for each in field.bands[code]}
    for each in bands:
        if not isinstance(each, str) or each not in known:
            raise ConfigError(f"{where}.band", f"{', '.join(codes)} has no band {each!r}; {nearest(str(each), known)}")
    return lambda facts: (
        _are_marks(held := facts.get(name))
        and not wanted.isdisjoint(held)
        and any(held.get(code) in bands for code in wanted)
    )


def _are_marks(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return type(value) is dict or isinstance(value, Mapping)  # the second alone takes ten times as long


def _each(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _compile_operator(field: Field, word: str, given: Any, where: str) -> _Test:
    operators = OPERATORS[field.kind]
    if word not in operators:
        raise ConfigError(where, f"no operator of {field.kind.value} values; {nearest(str(word), operators)}")
    if word == "exists":
        if not isinstance(given, bool):
            raise ConfigError(where, f"takes true or false, not {_found(given)}")
        return lambda value: (value is not None and value not in ((), {}, [])) is given
    if field.kind is Kind.marks:
        raise ConfigError(where, "give the codes as a plain value or list")
    if word in ("one_of", "not_in") or field.kind is Kind.texts:
        if not isinstance(given, list) and word != "contains":
            raise ConfigError(where, f"takes a list, not {_found(given)}")
        wanted = frozenset(_value(field, each, where) for each in _each(given))
        return _membership(field, word, wanted)
    wanted_value = _value(field, given, where)
    read = _READERS[field.kind]
    if word == "is":
        return lambda value: read(value) == wanted_value
    if word == "contains":
        return lambda value: (found := read(value)) is not None and wanted_value in found
    compare = _COMPARE[word]
    if field.kind is Kind.ordered:
        rank = {each: place for place, each in enumerate(field.values)}
        if wanted_value not in rank:
            raise ConfigError(where, f"{wanted_value} is outside the order {' < '.join(field.values)}")
        limit = rank[wanted_value]
        return lambda value: (found := read(value)) in rank and compare(rank[found], limit)
    return lambda value: (found := read(value)) is not None and compare(found, wanted_value)


def _membership(field: Field, word: str, wanted: frozenset[Any]) -> _Test:
    read = _READERS[field.kind]
    if field.kind is Kind.texts:
        return lambda value: not wanted.isdisjoint(read(value) or ())
    if word == "one_of":
        return lambda value: read(value) in wanted
    known = frozenset((*field.values, *field.beside))
    return lambda value: (found := read(value)) is not None and found not in wanted and (not known or found in known)


def _value(field: Field, given: Any, where: str) -> Any:
    """One value out of a condition, checked and in the form that facts are compared in."""
    kind = field.kind
    if kind in (Kind.ordered, Kind.choice):
        known = (*field.values, *field.beside)
        if given not in known:
            raise ConfigError(where, f"there is no value {given!r}; {nearest(str(given), known)}")
    read = _READERS[kind](_parsed(kind, given, where) if kind in (Kind.day, Kind.instant) else _listed(kind, given))
    if read is None:
        raise ConfigError(where, f"takes {_EXPECTED[kind]}, not {_found(given)}")
    return next(iter(read)) if kind is Kind.texts else read


def _listed(kind: Kind, given: Any) -> Any:
    return (given,) if kind is Kind.texts and isinstance(given, str) else None if kind is Kind.texts else given


def _parsed(kind: Kind, given: Any, where: str) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return date.fromisoformat(given) if kind is Kind.day else datetime.fromisoformat(given)
    except ValueError:
        raise ConfigError(where, f"takes {_EXPECTED[kind]}, not {given!r}") from None


def _found(given: Any) -> str:
    kinds = {dict: "a map", list: "a list", type(None): "nothing", bool: "true or false"}
    return kinds.get(type(given), repr(given))


def _read_word(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _read_text(value: Any) -> str | None:
    return value.casefold() if isinstance(value, str) else None


def _read_texts(value: Any) -> frozenset[str] | None:
    if not isinstance(value, list | tuple | set | frozenset):
        return None
    return frozenset(each.casefold() for each in value if isinstance(each, str))


def _read_number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _read_boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _read_day(value: Any) -> date | None:
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _read_instant(value: Any) -> datetime | None:
    return value if isinstance(value, datetime) and value.tzinfo is not None else None


_READERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.ordered: _read_word,
    Kind.choice: _read_word,
    Kind.number: _read_number,
    Kind.boolean: _read_boolean,
    Kind.text: _read_text,
    Kind.texts: _read_texts,
    Kind.day: _read_day,
    Kind.instant: _read_instant,
}
_EXPECTED: dict[Kind, str] = {
    Kind.ordered: "one of the values",
    Kind.choice: "one of the values",
    Kind.number: "a number",
    Kind.boolean: "true or false",
    Kind.text: "a text",
    Kind.texts: "a text or a list of texts",
    Kind.day: "a date such as 2026-12-31",
    Kind.instant: "an instant with its zone such as 2026-12-31T08:00:00Z",
}


def _always(facts: Mapping[str, Any]) -> bool:
    return True


def _all_of(parts: list[Predicate]) -> Predicate:
    if not parts:
        return _always
    if len(parts) == 1:
        return parts[0]

    def holds(facts: Mapping[str, Any]) -> bool:
        for part in parts:  # noqa: SIM110 a loop is twice as fast as all() over a generator, and this runs per customer
            if not part(facts):
                return False
        return True

    return holds


def _any_of(parts: list[Predicate]) -> Predicate:
    def holds(facts: Mapping[str, Any]) -> bool:
        for part in parts:  # noqa: SIM110 as above
            if part(facts):
                return True
        return False

    return holds


def _none_of(part: Predicate) -> Predicate:
    return lambda facts: not part(facts)


def condition_schema(vocabulary: Vocabulary) -> dict[str, Any]:
    """The language over `vocabulary` as the JSON Schema definition `condition`, for editors to complete and check."""
    again = {"$ref": "#/$defs/condition"}
    several = {"type": "array", "items": again}
    properties: dict[str, Any] = {"all": several, "any": several, "not": again}
    for name, field in vocabulary.items():
        properties[name] = _field_schema(field) | ({"description": field.about} if field.about else {})
        if field.kind is Kind.marks:
            bands = sorted({band for bands in field.bands.values() for band in bands})
            properties["band"] = _one_or_many({"enum": bands})
    return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}


def _field_schema(field: Field) -> dict[str, Any]:
    if field.kind is Kind.marks:
        codes = _one_or_many({"enum": list(field.bands)})
        exists = {"type": "object", "properties": {"exists": {"type": "boolean"}}, "additionalProperties": False}
        return {"anyOf": [*codes["anyOf"], exists]}
    one: dict[str, Any] = {
        Kind.number: {"type": "number"},
        Kind.boolean: {"type": "boolean"},
        Kind.day: {"type": "string", "format": "date"},
        Kind.instant: {"type": "string", "format": "date-time"},
    }.get(field.kind, {"type": "string"})
    if field.values:
        one = {"enum": [*field.values, *field.beside]}
    many = {"type": "array", "items": one}
    forms: dict[str, Any] = {"exists": {"type": "boolean"}, "one_of": many, "not_in": many}
    if field.kind is Kind.texts:
        forms["contains"] = _one_or_many(one)
    operators = {
        "type": "object",
        "properties": {word: forms.get(word, one) for word in OPERATORS[field.kind]},
        "minProperties": 1,
        "additionalProperties": False,
    }
    takes_many = "one_of" in OPERATORS[field.kind] or field.kind is Kind.texts
    return {"anyOf": [one, *([many] if takes_many else []), operators]}


def _one_or_many(one: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [one, {"type": "array", "items": one}]}
