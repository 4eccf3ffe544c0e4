"""Paths into a vendor's record: dotted names, `[*]` for each element of a list, `[name=value]` for the first such."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from msgspec import Struct


class Each(Struct, frozen=True):
    """`[*]`: every element of a list."""


class Where(Struct, frozen=True):
    """`[name=value]`: the first element of a list whose (dotted) `name`, read as text, equals `value`."""

    name: tuple[str, ...]
    value: str


Step: TypeAlias = str | Each | Where
Path: TypeAlias = tuple[Step, ...]


class Missing:
    """The type of MISSING, which is false."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()
"""Nothing is there, not even null."""


class Unreadable(Exception):
    """A value that cannot be read. The text says what was found and what was wanted, never the value itself."""


_QUOTED = r'"[^"]*"'
_NAME = rf'(?:{_QUOTED}|[^."\[\]]+)'
_KEY = rf'(?:{_QUOTED}|[^="\[\]])+'
_STEP = re.compile(rf"(?P<dot>\.)?(?P<name>{_NAME})|(?P<each>\[\*\])|\[(?P<key>{_KEY})=(?P<value>{_QUOTED}|[^\]]*)\]")


def parse(text: str) -> Path:
    """The path that `text` writes. Raises ValueError saying what is wrong with it.

    A name that itself contains a dot, bracket or quote stands in double quotes: `"Kd.-Nr."`.
    """
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or (found["name"] is not None and bool(found["dot"]) != bool(steps)):
            raise ValueError(f"{text!r} is not a path: it cannot be read from position {at + 1} on")
        if found["name"] is not None:
            steps.append(_bare(found["name"]))
        elif found["each"]:
            steps.append(Each())
        else:
            name = tuple(step for step in parse(found["key"]) if isinstance(step, str))
            steps.append(Where(name, _bare(found["value"])))
        at = found.end()
    if not steps or not isinstance(steps[0], str):
        raise ValueError(f"{text!r} is not a path: it begins with a name")
    return tuple(steps)


def _bare(name: str) -> str:
    return name[1:-1] if len(name) > 1 and name[0] == name[-1] == '"' else name.strip()


def write(path: Iterable[Step]) -> str:
    """The text of a path, as `parse` reads it."""
    text = ""
    for step in path:
        if isinstance(step, Each):
            text += "[*]"
        elif isinstance(step, Where):
            text += f"[{'.'.join(map(_quoted, step.name))}={_quoted(step.value, '[]')}]"
        else:
            text += ("." if text else "") + _quoted(step)
    return text


def _quoted(name: str, marks: str = '."[]=') -> str:
    return f'"{name}"' if name != name.strip() or not name or any(mark in name for mark in marks) else name


def kind(value: object) -> str:
    """What a raw value is, for error texts that must not show it."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "something else"


def scalar_text(value: object) -> str | None:
    """A plain value as the text that tables and selectors compare; None for anything else and for absurd numbers."""
    match value:
        case str():
            return value.strip()
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if value.bit_length() <= 256 else None
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case _:
            return None


def find(items: list[Any], name: tuple[str, ...], value: str) -> Any:
    """The first object among `items` whose `name` equals `value`, else MISSING."""
    for item in items:
        inner = item
        for part in name:
            inner = inner.get(part) if isinstance(inner, dict) else None
        if inner is not None and scalar_text(inner) == value:
            return item
    return MISSING


def walk(value: Any, path: Path) -> Any:
    """What stands at `path`: a value, null, or MISSING; for a path with `[*]` a list of all that is there.

    Below null everything is null. An empty list where an object belongs is an empty object (PHP writes it so). Raises
    Unreadable where the value has another shape than the path.
    """
    for index, step in enumerate(path):
        if value is None or value is MISSING:
            return value
        if isinstance(step, str):
            if isinstance(value, dict):
                value = value.get(step, MISSING)
            elif value == []:
                return MISSING
            else:
                raise Unreadable(f"found {kind(value)} where an object belongs")
            continue
        if not isinstance(value, list):
            raise Unreadable(f"found {kind(value)} where a list belongs")
        if isinstance(step, Where):
            value = find(value, step.name, step.value)
            continue
        found: list[Any] = []
        rest = path[index + 1 :]
        flatten = any(isinstance(one, Each) for one in rest)
        for element in value:
            inner = walk(element, rest)
            if flatten and isinstance(inner, list):
                found.extend(inner)
            elif inner is not None and inner is not MISSING:
                found.append(inner)
        return found
    return value


def leaves(value: Any, selectors: dict[Path, set[tuple[str, ...]]]) -> Iterator[tuple[Path, Any]]:
    """Every leaf of `value` with its path: plain values, null, empty lists and objects.

    `selectors` says by which names the lists at some paths are told apart; their elements are written `[name=value]`.
    """
    yield from _leaves(value, (), (), selectors)


def _leaves(
    value: Any, path: Path, shape: Path, selectors: dict[Path, set[tuple[str, ...]]]
) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)), (*shape, str(key)), selectors)
    elif isinstance(value, list) and value:
        names = sorted(selectors.get(shape, ()))
        for element in value:
            step: Step = Each()
            for name in names:
                word = scalar_text(walk_quietly(element, name))
                if word is not None:
                    step = Where(name, word)
                    break
            yield from _leaves(element, (*path, step), (*shape, Each()), selectors)
    else:
        yield path, value


def walk_quietly(value: Any, name: tuple[str, ...]) -> Any:
    """What stands at a plain dotted name; None where nothing does or the shape is another."""
    for part in name:
        value = value.get(part) if isinstance(value, dict) else None
    return value
