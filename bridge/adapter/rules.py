"""A mapping file as it is written (forms, of which its JSON Schema is made) and as it is checked (plans and rules)."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Mapping as Table
from datetime import date, datetime
from enum import StrEnum
from types import GenericAlias
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from bridge.adapter import convert, paths
from bridge.adapter.paths import Each, Path
from bridge.adapter.yamlfile import meant
from bridge.errors import ConfigError
from bridge.model import RECORDS, Channel, Consent, Money, Phone

As = Literal["text", "integer", "number", "boolean", "instant", "date", "money", "phone", "email", "duration"]
PathForm = Annotated[str | list[str], Meta(description="A path, or a list of paths: the first that is there wins.")]


class RuleForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one field is read."""

    from_: PathForm | UnsetType = field(default=UNSET, name="from")
    const: Any = UNSET
    as_: As | UnsetType = field(default=UNSET, name="as")
    values: str | UnsetType = UNSET
    default: Any = UNSET


class OrderForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What orders the versions of one record."""

    from_: PathForm = field(name="from")
    as_: Literal["instant", "integer"] = field(name="as")


class SubjectForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a record is about; `keys` holds `email`, `phone` and `id.<system>`."""

    customer: PathForm | None = None
    account: PathForm | None = None
    keys: dict[str, PathForm] = {}


class ObjectForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of vendor object."""

    to: Literal["customer", "account", "contract", "purchase", "ticket", "interaction", "survey_response", "usage"]
    id: PathForm
    order: OrderForm | None = None
    at: PathForm | None = None
    subject: SubjectForm | None = None
    fields: dict[str, str | list[str] | RuleForm] = {}
    ignore: list[str] = []


class MappingForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mappings/<vendor>.yaml`."""

    vendor: str
    objects: dict[str, ObjectForm] = {}
    values: dict[str, dict[str, Any]] = {}


class OverlayObjectForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one source changes of one kind of object; an object that the file does not have is given in full."""

    to: str | None = None
    id: PathForm | None = None
    order: OrderForm | None = None
    at: PathForm | None = None
    subject: SubjectForm | None = None
    fields: dict[str, str | list[str] | RuleForm] = {}
    ignore: list[str] = []


class OverlayForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mapping:` of one source in `config/sources.yaml`."""

    objects: dict[str, OverlayObjectForm] = {}
    values: dict[str, dict[str, Any]] = {}


class Rule(Struct, frozen=True, kw_only=True):
    """One checked rule: `target` in the body, where to look, which reader of `convert`, and what stands in.

    `table` maps a casefolded word to the value of the body, `unmapped` stands for words that it lacks. `const` and
    `default` are builtins of the body or UNSET. `omit` is the field's own default, which full bodies leave out.
    """

    target: tuple[str, ...]
    paths: tuple[Path, ...]
    reader: str
    many: bool = False
    distinct: bool = False
    table: dict[str, Any] | None = None
    unmapped: Any = None
    const: Any = UNSET
    default: Any = UNSET
    omit: Any = None


class KeyRule(Struct, frozen=True):
    """A key of the subject: `kind` is email, phone or id; `system` names the system of an id."""

    kind: str
    system: str
    paths: tuple[Path, ...]


class Plan(Struct, frozen=True, kw_only=True):
    """Everything checked that one kind of vendor object needs; rules stand in the order of the record's fields."""

    object: str
    to: str
    id: tuple[Path, ...]
    order: tuple[Path, ...] = ()
    order_as: str = ""
    at: tuple[Path, ...] = ()
    customer: tuple[Path, ...] = ()
    account: tuple[Path, ...] = ()
    keys: tuple[KeyRule, ...] = ()
    rules: tuple[Rule, ...] = ()
    ignore: tuple[tuple[Path, bool], ...] = ()
    """Paths that are known and not read; True with those that end in `.*`."""


_READERS: dict[str, dict[str, str]] = {
    "text": {"text": "text", "phone": "phone_text", "email": "email"},
    "id": {"text": "identifier"},
    "email": {"email": "email"},
    "phone": {"phone": "phone"},
    "word": {"text": "word"},
    "integer": {"integer": "integer", "duration": "duration"},
    "number": {"number": "number", "integer": "integer", "duration": "duration"},
    "boolean": {"boolean": "boolean"},
    "instant": {"instant": "instant"},
    "date": {"date": "date", "instant": "local_date"},
    "money": {"money": "money"},
}
"""Kind of field → `as` → reader; the first is taken when `as` is left out."""

_KINDS: dict[Any, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    datetime: "instant",
    date: "date",
    Money: "money",
    Phone: "phone",
}
_OWN_KIND = {"emails": "email", "accounts": "id", "linked": "id"}


class _Target(Struct, frozen=True):
    path: tuple[str, ...]
    kind: str
    type: Any
    many: bool = False
    omit: Any = None


def make_plan(name: str, form: ObjectForm, values: Table[str, Table[str, Any]], where: Callable[[str], str]) -> Plan:
    """The checked plan of one object. Raises ConfigError; `where` names file and path of a part of the object."""
    if form.to == "customer" and form.subject is not None:
        raise ConfigError(where("subject"), "a customer record is about itself; remove it")
    subject = form.subject or SubjectForm()
    rules = [
        make_rule(target, rule, RECORDS[form.to], values, where(f"fields.{target}"))
        for target, rule in form.fields.items()
    ]
    rank = {one.name: index for index, one in enumerate(msgspec.structs.fields(RECORDS[form.to]))}
    rules.sort(key=lambda rule: (rank[rule.target[0]], rule.target))
    return Plan(
        object=name,
        to=form.to,
        id=_paths(form.id, where("id")),
        order=_paths(form.order.from_, f"{where('order')}.from") if form.order else (),
        order_as=form.order.as_ if form.order else "",
        at=_paths(form.at, where("at")),
        customer=_paths(subject.customer, f"{where('subject')}.customer"),
        account=_paths(subject.account, f"{where('subject')}.account"),
        keys=tuple(_key(kind, paths_, f"{where('subject')}.keys.{kind}") for kind, paths_ in subject.keys.items()),
        rules=tuple(rules),
        ignore=tuple(_ignored(text, where("ignore")) for text in form.ignore),
    )


def make_rule(
    name: str, form: str | list[str] | RuleForm, record: type, values: Table[str, Table[str, Any]], where: str
) -> Rule:
    """The checked rule of one field. Raises ConfigError at `where`."""
    if not isinstance(form, RuleForm):
        form = RuleForm(from_=form)
    target = _target(name, record, where)
    if (form.const is UNSET) == (form.from_ is UNSET):
        raise ConfigError(where, "needs either 'from' or 'const'")
    if form.const is not UNSET and not (form.as_ is form.values is form.default is UNSET):
        raise ConfigError(where, "'const' stands alone: nothing is read")
    if form.as_ is not UNSET and form.values is not UNSET:
        raise ConfigError(where, "'values' already says how the word is read; remove 'as'")
    readers = _READERS[target.kind]
    if form.as_ is not UNSET and form.as_ not in readers:
        raise ConfigError(f"{where}.as", f"{form.as_!r} does not fit this field{meant(form.as_, readers)}")
    rule = Rule(
        target=target.path,
        paths=() if form.from_ is UNSET else _paths(form.from_, f"{where}.from", many=target.many),
        reader=readers[next(iter(readers)) if form.as_ is UNSET else form.as_],
        many=target.many,
        distinct=target.many and target.kind in ("email", "phone"),
        const=_value(form.const, target, f"{where}.const"),
        default=_value(form.default, target, f"{where}.default"),
        omit=target.omit,
    )
    return _with_table(rule, form, target, values, where)


def _with_table(rule: Rule, form: RuleForm, target: _Target, values: Table[str, Table[str, Any]], where: str) -> Rule:
    if form.values is UNSET:
        if target.kind != "word":
            return rule
        words: dict[str, Any] = {member.value: member.value for member in target.type}
    elif form.values in values:
        words = _words(form.values, values[form.values], target, f"{where}.values")
    else:
        raise ConfigError(f"{where}.values", f"there is no table {form.values!r}{meant(form.values, values)}")
    unmapped = "unknown" if target.kind == "word" else None
    if rule.default is not UNSET and not target.many:
        unmapped = rule.default
    return msgspec.structs.replace(rule, reader="word", table=words, unmapped=unmapped)


def _words(table: str, words: Table[str, Any], target: _Target, where: str) -> dict[str, Any]:
    """A table as it is looked up: casefolded words, and the values as the body holds them."""
    found: dict[str, Any] = {}
    one = _Target(target.path, target.kind, target.type)
    for word, ours in words.items():
        if not word.strip():
            raise ConfigError(where, f"the table {table} has a blank word; use 'default' for nothing")
        value = _value(ours, one, f"{where}: {table}.{word}")
        if found.setdefault(word.strip().casefold(), value) != value:
            raise ConfigError(f"{where}: {table}.{word}", "is there twice, with two meanings")
    return found


def _target(name: str, record: type, where: str) -> _Target:
    """Which field of the record `name` means, and what it holds."""
    first, *rest = name.split(".")
    fields = {one.name: one for one in msgspec.structs.fields(record)}
    if first not in fields:
        raise ConfigError(where, f"a {record.__name__.lower()} has no field {first!r}{meant(first, fields)}")
    if first == "external_ids":
        if len(rest) != 1 or not rest[0]:
            raise ConfigError(where, "name the system behind a dot, such as external_ids.crm")
        return _Target((first, rest[0]), "id", str)
    if first == "consents":
        return _consent(first, rest, where)
    if rest:
        raise ConfigError(where, f"{first} has no parts")
    info = fields[first]
    inner, many = _inner(info.type)
    if isinstance(inner, type) and issubclass(inner, StrEnum):
        return _Target((first,), "word", inner, many, info.default.value)
    kind = _OWN_KIND.get(first, _KINDS[inner])
    return _Target((first,), kind, inner, many, [] if many else info.default)


def _consent(first: str, rest: list[str], where: str) -> _Target:
    channels = [channel.value for channel in Channel]
    if not 1 <= len(rest) <= 2 or rest[0] not in channels:
        raise ConfigError(where, f"name the channel behind a dot, such as consents.email{meant(rest[:1], channels)}")
    part = rest[1] if len(rest) == 2 else "status"
    kinds = {one.name: _inner(one.type)[0] for one in msgspec.structs.fields(Consent) if one.name != "channel"}
    if part not in kinds:
        raise ConfigError(where, f"a consent has no part {part!r}{meant(part, kinds)}")
    kind = "word" if part == "status" else _KINDS[kinds[part]]
    return _Target((first, rest[0], part), kind, kinds[part])


def _inner(type_: Any) -> tuple[Any, bool]:
    """The type inside `X | None` or `tuple[X, ...]`, and whether it is the latter."""
    if get_origin(type_) is tuple:
        return get_args(type_)[0], True
    arms = [arm for arm in get_args(type_) if arm is not type(None)]
    return (arms[0], False) if arms else (type_, False)


def _value(value: Any, target: _Target, where: str) -> Any:
    """A value written in the file, as the body holds it. Raises ConfigError where the field cannot hold it."""
    if value is UNSET:
        return UNSET
    form: Any = GenericAlias(tuple, (target.type, ...)) if target.many else target.type
    try:
        found = msgspec.convert(value, form)
    except msgspec.ValidationError as problem:
        words = [member.value for member in target.type] if target.kind == "word" else []
        what = f"{value!r} is not one of ours{meant(value, words)}" if words else str(problem)
        raise ConfigError(where, what) from None
    if isinstance(found, float) and not math.isfinite(found):
        raise ConfigError(where, "a number has an end")
    if isinstance(found, datetime) and found.tzinfo is None:
        raise ConfigError(where, "an instant needs its offset, such as 2026-12-31T13:05:00Z")
    plain = msgspec.to_builtins(found)
    return list(plain) if isinstance(plain, tuple) else plain


def _paths(form: PathForm | None, where: str, *, many: bool = False) -> tuple[Path, ...]:
    found = []
    for text in [form] if isinstance(form, str) else form or []:
        try:
            path = paths.parse(text)
        except ValueError as problem:
            raise ConfigError(where, str(problem)) from None
        if not many and any(isinstance(step, Each) for step in path):
            raise ConfigError(where, f"{text!r} finds many values, but there is room for one; use [name=value]")
        found.append(path)
    if form is not None and not found:
        raise ConfigError(where, "names no path")
    return tuple(found)


def _key(name: str, form: PathForm, where: str) -> KeyRule:
    kind, dot, system = name.partition(".")
    if kind not in ("email", "phone", "id") or (kind == "id") != bool(system) or (dot and not system):
        raise ConfigError(where, "a key is email, phone or id.<system>")
    return KeyRule(kind, system.lower(), _paths(form, where, many=True))


def _ignored(text: str, where: str) -> tuple[Path, bool]:
    below = text.endswith(".*")
    try:
        return paths.parse(text[:-2] if below else text), below
    except ValueError as problem:
        raise ConfigError(where, str(problem)) from None


READERS: dict[str, convert.Reader] = {
    name: getattr(convert, name) for names in _READERS.values() for name in names.values()
}
"""Reader name → the function of `convert`."""
