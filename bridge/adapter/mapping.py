"""A vendor's mapping: loaded and checked, then read by generated code with a plain interpreter as its oracle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path as File
from typing import Any

from bridge.adapter.compiler import Reading, compile_plan
from bridge.adapter.delivery import Item
from bridge.adapter.interpreter import Interpreter
from bridge.adapter.paths import Each, Path, Unreadable, Where, leaves, scalar_text, write
from bridge.adapter.rules import MappingForm, OverlayForm, Plan, make_plan
from bridge.adapter.source import Source
from bridge.adapter.yamlfile import check, meant, read_yaml
from bridge.errors import ConfigError, MappingError
from bridge.model import Entry


class Mapping:
    """Reads a vendor's items as entries of the shared model. Keeps no state but its compiled code."""

    def __init__(self, vendor: str, plans: dict[str, Plan]) -> None:
        self.vendor = vendor
        self._plans = plans
        self._compiled: dict[tuple[str, bool], Reading] = {}

    @property
    def objects(self) -> tuple[str, ...]:
        """The vendor-side names of the objects that can be read."""
        return tuple(self._plans)

    def plan(self, object: str) -> Plan:
        """The checked rules of `object`. Raises MappingError for an object that is not mapped."""
        try:
            return self._plans[object]
        except KeyError:
            known = ", ".join(self._plans) or "nothing"
            raise MappingError(self.vendor, object[:80], f"is not mapped; mapped are {known}") from None

    def read(self, item: Item, source: Source) -> Entry:
        """The entry that `item` is. Raises MappingError naming vendor and path, nothing else."""
        key = item.object, item.patch
        reading = self._compiled.get(key)
        if reading is None:
            reading = self._compiled[key] = compile_plan(self.plan(item.object), patch=item.patch)
        try:
            return reading(item.raw, source)
        except Unreadable:
            return self.interpret(item, source)

    def interpret(self, item: Item, source: Source) -> Entry:
        """What `read` must answer, found rule by rule and without generated code."""
        return Interpreter(self.vendor, self.plan(item.object), item.raw, source).entry(patch=item.patch)

    def unread(self, object: str, raw: dict[str, Any]) -> list[str]:
        """The paths of `raw` that carry something and are neither read nor ignored, sorted."""
        plan = self.plan(object)
        read, told_apart = _read_paths(plan), _selectors(plan)
        found = (path for path, _ in leaves(raw, told_apart))
        return sorted({write(path) for path in found if not _known(path, read, plan.ignore)})


def load_mapping(path: File, overlay: dict[str, Any] | None = None, overlay_at: str = "overlay") -> Mapping:
    """Read and check one mapping file, with what one source lays over it.

    Raises ConfigError naming the file (or `overlay_at`), the path in it and the nearest valid name for a misspelt one.
    """
    mapping = build_mapping(read_yaml(path), str(path), overlay, overlay_at)
    if mapping.vendor != path.stem:
        raise ConfigError(f"{path}: vendor", f"is {mapping.vendor!r}, but the file is {path.name}")
    return mapping


def build_mapping(data: Any, where: str, overlay: dict[str, Any] | None = None, overlay_at: str = "overlay") -> Mapping:
    """The mapping that `data`, the content of a mapping file, describes. Raises ConfigError as `load_mapping` does."""
    data = _tidied(data)
    form = check(data, MappingForm, where)
    change: dict[str, Any] = {}
    if overlay:
        change = _tidied(overlay)
        check(change, OverlayForm, overlay_at)
        form = check(_overlaid(data, change, overlay_at), MappingForm, overlay_at)
    plans = {
        name: make_plan(name, one, form.values, _place(name, where, change, overlay_at))
        for name, one in form.objects.items()
    }
    return Mapping(form.vendor, plans)


def _tidied(data: Any) -> Any:
    """The file with every word of its tables as text, so that `1: low` and `true: granted` may be written bare."""
    if not isinstance(data, dict) or not isinstance(data.get("values"), dict):
        return data
    values = {
        name: {scalar_text(word) or "": ours for word, ours in table.items()} if isinstance(table, dict) else table
        for name, table in data["values"].items()
    }
    return {**data, "values": values}


def _place(name: str, file: str, overlay: dict[str, Any], overlay_at: str) -> Callable[[str], str]:
    """Says of a part of an object where it was written: in the overlay or in the file."""
    change = overlay.get("objects", {}).get(name, {})
    own = {*change, *(f"fields.{field}" for field in change.get("fields", {}))}
    return lambda part: f"{overlay_at if part in own else file}: objects.{name}.{part}"


def _overlaid(data: dict[str, Any], overlay: dict[str, Any], where: str) -> dict[str, Any]:
    """The file with the overlay's fields, ignored paths, words and other keys laid over its own."""
    objects = dict(data.get("objects") or {})
    for name, change in (overlay.get("objects") or {}).items():
        if name not in objects and "to" not in change:
            raise ConfigError(f"{where}: objects.{name}", f"the mapping has no such object{meant(name, objects)}")
        base = objects.get(name, {})
        objects[name] = base | change
        objects[name]["fields"] = base.get("fields", {}) | change.get("fields", {})
        objects[name]["ignore"] = [*base.get("ignore", []), *change.get("ignore", [])]
    values = dict(data.get("values") or {})
    for name, words in (overlay.get("values") or {}).items():
        values[name] = values.get(name, {}) | words
    return {**data, "objects": objects, "values": values}


def _read_paths(plan: Plan) -> list[Path]:
    """Every path that the plan reads, those of its selectors included."""
    groups = [plan.id, plan.order, plan.at, plan.customer, plan.account]
    groups += [key.paths for key in plan.keys] + [rule.paths for rule in plan.rules]
    read = [path for group in groups for path in group]
    for path in list(read):
        for index, step in enumerate(path):
            if isinstance(step, Where):
                read.append((*path[:index], Each(), *step.name))
    return read


def _selectors(plan: Plan) -> dict[Path, set[tuple[str, ...]]]:
    """By which names the elements of which lists are told apart."""
    found: dict[Path, set[tuple[str, ...]]] = {}
    for path in [*_read_paths(plan), *(path for path, _ in plan.ignore)]:
        shape: list[Any] = []
        for step in path:
            if isinstance(step, Where):
                found.setdefault(tuple(shape), set()).add(step.name)
            shape.append(step if isinstance(step, str) else Each())
    return found


def _known(leaf: Path, read: list[Path], ignore: tuple[tuple[Path, bool], ...]) -> bool:
    """Whether a leaf is read or ignored. What is empty or null above such a path is known with it."""
    if any(_fits(path[: len(leaf)], leaf[: len(path)]) for path in read):
        return True
    for path, below in ignore:
        reach = len(path) if below or (len(leaf) == len(path) + 1 and leaf[-1] == Each()) else len(leaf)
        if _fits(path[: len(leaf)], leaf[:reach]):
            return True
    return False


def _fits(pattern: Path, path: Path) -> bool:
    """Whether every step of `path` is what `pattern` says; `[*]` stands for any element."""
    return len(pattern) == len(path) and all(
        one == other or (isinstance(one, Each) and isinstance(other, Where))
        for one, other in zip(pattern, path, strict=True)
    )
