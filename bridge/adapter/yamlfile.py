"""Configuration files in YAML, read strictly: errors name file, line and path, and suggest the name that was meant."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable
from difflib import get_close_matches
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
import yaml
from msgspec import Struct

from bridge.adapter.paths import kind
from bridge.adapter.yamlplaces import LARGEST, guard
from bridge.errors import ConfigError

T = TypeVar("T")


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]  # alike in use
    """YAML as people mean it: `no`, `on` and dates stay text, and a key that is given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool | None):
                raise yaml.constructor.ConstructorError(None, None, "a key is not plain text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", key_node.start_mark)
            seen.add(key)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


_KEPT_AS_TEXT = {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"}
_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag not in _KEPT_AS_TEXT]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def read_yaml(path: Path) -> Any:
    """What the file says, as builtins; None for an empty file. Raises ConfigError naming file and line.

    Refused are files that are read without end (see `yamlplaces`).
    Unlike plain YAML 1.1 the words `yes`, `no`, `on`, `off` and dates stay text, and no key may be given twice.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ConfigError(str(path), f"is larger than {LARGEST // 1000:,} kilobytes; no configuration is that long")
        text = path.read_text("utf-8-sig")
        guard(text, str(path), _Loader)
        loader = _Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except FileNotFoundError:
        raise ConfigError(str(path), "there is no such file") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(str(path), f"cannot be read: {problem}") from None
    except yaml.MarkedYAMLError as problem:
        line = f", line {problem.problem_mark.line + 1}" if problem.problem_mark else ""
        raise ConfigError(f"{path}{line}", f"is not YAML: {problem.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise ConfigError(str(path), f"is not YAML: {problem}") from None


def meant(word: object, names: Iterable[str]) -> str:
    """The end of an error about an unknown name: the nearest valid one, else all of them."""
    known = sorted(names)
    near = get_close_matches(str(word), known, 1, 0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {', '.join(known)}" if known else ""


def check(data: Any, form: type[T], where: str, path: str = "") -> T:
    """`data` as a `form` (a msgspec type). Raises ConfigError naming `where`, the path and the name that was meant."""
    _walk(data, form, where, path)
    try:
        return msgspec.convert(data, form)
    except msgspec.ValidationError as problem:
        raise ConfigError(_at(where, path), str(problem)) from None


def _at(where: str, path: str) -> str:
    return f"{where}: {path}" if path else where


def _walk(data: Any, form: Any, where: str, path: str) -> None:
    """Go down `data` beside its type and raise at the first thing that does not fit."""
    if get_origin(form) is Annotated:
        inner = get_args(form)[0]
        if get_origin(inner) in (dict, list, tuple):
            form = inner
    if get_origin(form) in (Union, types.UnionType):
        form = _arm(data, get_args(form)) or form
    if isinstance(form, type) and issubclass(form, Struct):
        _walk_struct(data, form, where, path)
    elif get_origin(form) is dict and isinstance(data, dict):
        for key, value in data.items():
            _walk(value, get_args(form)[1], where, f"{path}.{key}" if path else str(key))
    elif get_origin(form) in (list, tuple) and isinstance(data, list):
        for index, value in enumerate(data):
            _walk(value, get_args(form)[0], where, f"{path}[{index}]")
    else:
        _leaf(data, form, where, path)


def _arm(data: Any, arms: tuple[Any, ...]) -> Any:
    """The arm of a union that a container can only be meant for."""
    for arm in arms:
        if isinstance(data, dict) and (get_origin(arm) is dict or (isinstance(arm, type) and issubclass(arm, Struct))):
            return arm
        if isinstance(data, list) and get_origin(arm) in (list, tuple):
            return arm
    return None


def _walk_struct(data: Any, form: type[Struct], where: str, path: str) -> None:
    if not isinstance(data, dict):
        raise ConfigError(_at(where, path), f"is {kind(data)}, but names and values belong here")
    fields = _fields(form)
    for key, value in data.items():
        here = f"{path}.{key}" if path else str(key)
        if key not in fields:
            raise ConfigError(_at(where, here), f"is not known here{meant(key, fields)}")
        _walk(value, fields[key].type, where, here)
    for name, field in fields.items():
        if field.required and name not in data:
            raise ConfigError(_at(where, path), f"{name!r} is missing")


@cache  # msgspec finds out the annotations of a type each time it is asked
def _fields(form: type[Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(form)}


def _leaf(data: Any, form: Any, where: str, path: str) -> None:
    try:
        msgspec.convert(data, form)
    except msgspec.ValidationError as problem:
        words = _words(form)
        what = f"{data!r} is not known here{meant(data, words)}" if words and isinstance(data, str) else str(problem)
        raise ConfigError(_at(where, path), what) from None


def _words(form: Any) -> list[str]:
    """The closed vocabulary of a Literal or Enum, else nothing."""
    if get_origin(form) in (Union, types.UnionType):
        return [word for arm in get_args(form) for word in _words(arm)]
    if get_origin(form) is Literal:
        return [str(word) for word in get_args(form)]
    if isinstance(form, type) and issubclass(form, Enum):
        return [str(member.value) for member in form]
    return []
