"""Models as JSON that a person may have edited: what is wrong is said with its place."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from bridge.errors import ConfigError

T = TypeVar("T")


def decode_form(text: bytes, where: str, kind: type[T], form: int | None = None) -> T:
    """`text` as a `kind`. Raises ConfigError naming `where` and the path in it; with `form`, also for a file that says
    it has another one."""
    try:
        data: Any = msgspec.json.decode(text)
    except msgspec.DecodeError as problem:
        raise ConfigError(where, f"is not JSON: {problem}") from None
    if form is not None and isinstance(data, dict) and data.get("form", form) != form:
        raise ConfigError(f"{where}: form", f"is {data['form']!r}, and this version reads {form}; fit it anew")
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as problem:
        what, _, path = str(problem).partition(" - at ")
        path = path.strip("`").removeprefix("$").removeprefix(".")
        raise ConfigError(f"{where}: {path}" if path else where, what) from None
