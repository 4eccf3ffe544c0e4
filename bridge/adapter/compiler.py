"""A checked plan as Python source, compiled once: the fast way through well-formed records.

The code reads shared parts of paths once and gives what the interpreter gives, or raises Unreadable; then the
interpreter is asked, which alone words errors. Every text of the mapping file enters the source through `repr`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import UNSET, Struct

from bridge.adapter import convert
from bridge.adapter.interpreter import finish, make_key, place
from bridge.adapter.order import by_sequence, by_time
from bridge.adapter.paths import MISSING, Each, Path, Unreadable, Where, find
from bridge.adapter.rules import READERS, Plan, Rule
from bridge.adapter.source import Source
from bridge.model import Entry, EntryKind, Subject

Reading = Callable[[dict[str, Any], Source], Entry]


def compile_plan(plan: Plan, *, patch: bool) -> Reading:
    """The function that reads a full record or a patch by `plan`, or raises Unreadable for what is not well-formed."""
    source, names = write_source(plan, patch=patch)
    code = compile(source, f"<mapping of {plan.object}>", "exec")
    exec(code, names)  # noqa: S102  # written below from checked rules, every literal through repr
    reading: Reading = names["read"]
    return reading


def write_source(plan: Plan, *, patch: bool) -> tuple[str, dict[str, Any]]:
    """The Python source of the function `read` and the names that it uses."""
    writer = _Writer(patch)
    writer.write(plan)
    return "\n".join(writer.lines) + "\n", writer.names


class _Null:
    """An object all of whose fields are null: what is below null."""

    def get(self, name: str, default: object = None) -> None:
        return None


_NULL = _Null()
_NONE_AT_ALL: dict[str, Any] = {}


def _inside(value: Any) -> Any:
    """`value` as something that fields can be got from."""
    if value is None:
        return _NULL
    if value is MISSING or value == []:
        return _NONE_AT_ALL
    raise Unreadable


def _seek(value: Any, name: tuple[str, ...], wanted: str) -> Any:
    """The element of the list `value` that a selector means."""
    if value.__class__ is list:
        return find(value, name, wanted)
    if value is None or value is MISSING:
        return value
    raise Unreadable


def _translate(value: Any, table: dict[str, Any], unmapped: Any, source: Source) -> Any:
    word = convert.word(value, source)
    return None if word is None else table.get(word, unmapped)


_NAMES: dict[str, Any] = {
    **READERS,
    "Entry": Entry,
    "MISSING": MISSING,
    "NOBODY": Subject(),
    "Subject": Subject,
    "Unreadable": Unreadable,
    "by_sequence": by_sequence,
    "by_time": by_time,
    "counter": convert.counter,
    "finish": finish,
    "identifier": convert.identifier,
    "inside": _inside,
    "make_key": make_key,
    "moment": convert.moment,
    "place": place,
    "seek": _seek,
    "translate": _translate,
}


class _Scope(Struct):
    """A variable that holds an object, and the variables already read from it, by path."""

    root: str
    known: dict[Path, str]


class _Writer:
    def __init__(self, patch: bool) -> None:
        self.patch = patch
        self.lines = ["def read(raw, source):"]
        self.names = {**_NAMES, "KIND": EntryKind.patch if patch else EntryKind.full}
        self.depth = 1
        self.count = 0

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.line(head)
        self.depth += 1
        yield
        self.depth -= 1

    def variable(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def constant(self, value: object) -> str:
        self.count += 1
        name = f"K{self.count}"
        self.names[name] = value
        return name

    def write(self, plan: Plan) -> None:
        top = _Scope("raw", {})
        groups = [plan.id, plan.order, plan.at, plan.customer, plan.account]
        groups += [key.paths for key in plan.keys] + [rule.paths for rule in plan.rules]
        for path in (path for group in groups for path in group):
            self.expression(_until_each(path)[0], top)
        source_id = self.first(plan.id, "identifier", top, required=True)
        order, effective_at = "''", "None"
        if plan.order:
            at = self.first(plan.order, "moment" if plan.order_as == "instant" else "counter", top, required=True)
            order = f"by_time({at})" if plan.order_as == "instant" else f"by_sequence({at})"
            if plan.at == plan.order and plan.order_as == "instant":
                effective_at = at
        if plan.at and effective_at == "None":
            effective_at = self.first(plan.at, "moment", top)
        subject = self.subject(plan, top)
        self.line("body = {}")
        for rule in plan.rules:
            if rule.const is not UNSET:
                if self.patch or rule.const != rule.omit:
                    self.put(rule, repr(rule.const))
            elif rule.many:
                self.many(rule, top)
            else:
                self.single(rule, top)
        if any(rule.target[0] == "consents" for rule in plan.rules):
            self.line("finish(body)")
        self.line(
            f"return Entry(object={plan.to!r}, source_id={source_id}, order={order}, kind=KIND,"
            f" effective_at={effective_at}, subject={subject}, body=body)"
        )

    def container(self, path: Path, scope: _Scope) -> str:
        """A variable that holds the object at `path`, read once."""
        if not path:
            return scope.root
        if path not in scope.known:
            expression = self.expression(path, scope, missing=self.patch and scope.root == "raw")
            scope.known[path] = name = self.variable()
            self.line(f"{name} = {expression}")
            self.line(f"if {name}.__class__ is not dict: {name} = inside({name})")
        return scope.known[path]

    def expression(self, path: Path, scope: _Scope, *, missing: bool = False) -> str:
        """What stands at a path without `[*]`; where nothing does, MISSING if `missing`, else None."""
        if not path:
            return scope.root
        before, last = path[:-1], path[-1]
        if isinstance(last, Where):
            found = f"seek({self.expression(before, scope, missing=missing)}, {last.name!r}, {last.value!r})"
            return found if missing else f"({found} or None)"
        return f"{self.container(before, scope)}.get({last!r}{', MISSING' if missing else ''})"

    def first(self, paths: tuple[Path, ...], reader: str, scope: _Scope, *, required: bool = False) -> str:
        """A variable that holds the first that is there, read; None where nothing is."""
        name = self.variable()
        for index, path in enumerate(paths):
            with self.otherwise(name, index):
                self.line(f"{name} = {self.expression(path, scope)}")
                self.line(f"if {name} is not None: {name} = {reader}({name}, source)")
        if required:
            self.line(f"if {name} is None: raise Unreadable")
        return name

    @contextmanager
    def otherwise(self, name: str, index: int) -> Iterator[None]:
        """A block for what is tried while the variable `name` holds nothing; the first attempt needs none."""
        if index == 0:
            yield
        else:
            with self.block(f"if {name} is None:"):
                yield

    def subject(self, plan: Plan, scope: _Scope) -> str:
        if not (plan.customer or plan.account or plan.keys):
            return "NOBODY"
        customer = self.first(plan.customer, "identifier", scope) if plan.customer else "None"
        account = self.first(plan.account, "identifier", scope) if plan.account else "None"
        if not plan.keys:
            return f"Subject({customer}, {account})"
        self.line("keys = {}")
        for rule in plan.keys:
            constant = self.constant(rule)
            for path in rule.paths:

                def keep(one: str, constant: str = constant) -> None:
                    self.line(f"{one} = make_key({constant}, text({one}, source), source)")
                    self.line(f"if {one} is not None: keys[{one}] = None")

                self.each(path, scope, keep)
        return f"Subject({customer}, {account}, tuple(keys))"

    def single(self, rule: Rule, scope: _Scope) -> None:
        value = self.variable()
        default = None if rule.default is UNSET else repr(rule.default)
        if self.patch:
            self.line(f"there = False; {value} = None")
        for index, path in enumerate(rule.paths):
            with self.otherwise(value, index):
                if self.patch:
                    one = self.variable()
                    self.line(f"{one} = {self.expression(path, scope, missing=True)}")
                    with self.block(f"if {one} is not MISSING:"):
                        self.line("there = True")
                        with self.block(f"if {one} is not None:"):
                            self.read(rule, one)
                            self.line(f"{value} = {one}")
                else:
                    self.line(f"{value} = {self.expression(path, scope)}")
                    with self.block(f"if {value} is not None:"):
                        self.read(rule, value)
        if default is not None:
            self.line(f"if {value} is None: {value} = {default}")
        condition = "there" if self.patch else f"{value} is not None"
        if not self.patch and rule.omit is not None:
            condition += f" and {value} != {rule.omit!r}"
        with self.block(f"if {condition}:"):
            self.put(rule, value)

    def many(self, rule: Rule, scope: _Scope) -> None:
        out = self.variable()
        self.line(f"{out} = []")
        if self.patch:
            self.line("there = given = False")

        def keep(one: str) -> None:
            self.read(rule, one)
            self.line(f"if {one} is not None{f' and {one} not in {out}' if rule.distinct else ''}: {out}.append({one})")

        for path in rule.paths:
            self.each(path, scope, keep)
        if self.patch:
            otherwise = "([] if given else None)" if rule.default is UNSET else repr(rule.default)
            with self.block("if there:"):
                self.put(rule, f"{out} or {otherwise}")
        else:
            with self.block(f"if {out}:"):
                self.put(rule, out)
            if rule.default is not UNSET and rule.default != rule.omit:
                with self.block("else:"):
                    self.put(rule, repr(rule.default))

    def each(self, path: Path, scope: _Scope, keep: Callable[[str], None], *, top: bool = True) -> None:
        """Go through all that is at `path`; `keep` writes what is done with a variable that holds one value."""
        plain, rest = _until_each(path)
        missing = self.patch and top
        found = self.variable()
        self.line(f"{found} = {self.expression(plain, scope, missing=missing)}")
        if missing:
            self.line(f"if {found} is not MISSING: there = True")
            condition = f"if {found} is not MISSING and {found} is not None:"
        else:
            condition = f"if {found} is not None:"
        with self.block(condition):
            if missing:
                self.line("given = True")
            if rest is None and not top:
                keep(found)
                return
            one = self.variable()
            if rest is None:
                self.line(f"if {found}.__class__ is not list: {found} = ({found},)")
            else:
                self.line(f"if {found}.__class__ is not list: raise Unreadable")
            with self.block(f"for {one} in {found}:"):
                if not rest:
                    with self.block(f"if {one} is not None:"):
                        keep(one)
                else:
                    if isinstance(rest[0], str):
                        self.line(f"if {one}.__class__ is not dict: {one} = inside({one})")
                    self.each(rest, _Scope(one, {}), keep, top=False)

    def read(self, rule: Rule, name: str) -> None:
        """Replace the raw value in the variable `name` by what the rule makes of it."""
        if rule.table is None:
            self.line(f"{name} = {rule.reader}({name}, source)")
            return
        table, word = self.constant(rule.table), self.variable()
        self.line(f"{word} = {table}.get({name}) if {name}.__class__ is str else None")
        self.line(f"{name} = translate({name}, {table}, {rule.unmapped!r}, source) if {word} is None else {word}")

    def put(self, rule: Rule, expression: str) -> None:
        if len(rule.target) == 1:
            self.line(f"body[{rule.target[0]!r}] = {expression}")
        else:
            self.line(f"place(body, {rule.target!r}, {expression})")


def _until_each(path: Path) -> tuple[Path, Path | None]:
    """The path up to its first `[*]`, and what follows behind it; None where there is no `[*]`."""
    for index, step in enumerate(path):
        if isinstance(step, Each):
            return path[:index], path[index + 1 :]
    return path, None
