"""Where something stands in a YAML file, and what no honest file has: bombs, bottomless nesting, far too many bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from bridge.errors import ConfigError

LARGEST = 1_000_000
"""Bytes of a configuration file at the most; the largest that is shipped has 20,000."""
DEEPEST = 100
"""Levels of nesting at the most: libyaml's composer calls itself for each and would bring down the process."""
MOST_NODES = 200_000
"""Values at the most, each counted as often as it is referred to."""

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def guard(text: str, where: str, loader: Any) -> None:
    """Raises ConfigError at `where` for YAML that is read without end; what is no YAML at all is left to the reader.

    A file with anchors is measured as large as it is once every reference has been followed.
    """
    sizes: dict[str, int] = {}
    open_anchors: list[str | None] = []
    counts: list[int] = [0]
    try:
        for event in yaml.parse(text, loader):
            if isinstance(event, yaml.AliasEvent):
                if event.anchor in open_anchors:
                    raise ConfigError(_line(where, event), f"*{event.anchor} stands within what it refers to")
                counts[-1] += sizes.get(str(event.anchor), 1)
            elif isinstance(event, yaml.CollectionStartEvent):
                open_anchors.append(event.anchor)
                counts.append(1)
                if len(open_anchors) > DEEPEST:
                    raise ConfigError(_line(where, event), f"is nested more than {DEEPEST} levels deep")
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, count = open_anchors.pop(), counts.pop()
                if anchor:
                    sizes[anchor] = count
                counts[-1] += count
            elif isinstance(event, yaml.ScalarEvent):
                counts[-1] += 1
                if event.anchor:
                    sizes[event.anchor] = 1
            if counts[-1] > MOST_NODES:
                raise ConfigError(_line(where, event), f"stands for more than {MOST_NODES:,} values; write them out")
    except yaml.YAMLError:
        return


def _line(where: str, event: Any) -> str:
    return f"{where}, line {event.start_mark.line + 1}"


@contextmanager
def with_lines(path: Path) -> Iterator[None]:
    """Errors from within that start with `path: place` say the line too: `path, line 12: place`."""
    try:
        yield
    except ConfigError as problem:
        head, place = f"{path}: ", ""
        if problem.where.startswith(head):
            place = problem.where[len(head) :]
        elif problem.where != str(path):
            raise
        line = line_of(path, place)
        if line is None:
            raise
        where = f"{path}, line {line}"
        raise ConfigError(f"{where}: {place}" if place else where, problem.what) from None


def line_of(path: Path, place: str) -> int | None:
    """The line (from 1) of `place`, such as `when.any[0].signal`, or of what is nearest around it; None without one."""
    try:
        node = yaml.compose(path.read_text("utf-8-sig"), yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None
    if node is None:
        return None
    line = node.start_mark.line
    rest = place.replace(": ", ".")
    while rest:
        found = _into(node, rest)
        if found is None:
            break
        mark, node, rest = found
        line = mark.line
    return int(line) + 1


def _into(node: Any, rest: str) -> tuple[Any, Any, str] | None:
    """One step down: the mark of what was found, its node, and what is left of the place."""
    if isinstance(node, yaml.SequenceNode):
        step = _STEP.match(rest)
        if step and step[1] and int(step[1]) < len(node.value):
            inner = node.value[int(step[1])]
            return inner.start_mark, inner, rest[step.end() :].removeprefix(".")
        return None
    if isinstance(node, yaml.MappingNode):
        # keys may have dots in them (`risk.band`), so that the longest key that fits is the one
        for key, value in sorted(node.value, key=lambda pair: -len(str(pair[0].value))):
            name = str(key.value)
            if rest == name or rest.startswith((f"{name}.", f"{name}[")):
                return key.start_mark, value, rest[len(name) :].removeprefix(".")
    return None
