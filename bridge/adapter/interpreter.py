"""The mapping language, rule by rule: slow, plain, the oracle of the compiled form. It alone words mapping errors."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from bridge.adapter import convert, paths
from bridge.adapter.order import by_sequence, by_time
from bridge.adapter.paths import MISSING, Path, Unreadable
from bridge.adapter.rules import READERS, KeyRule, Plan, Rule
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Entry, EntryKind, Key, KeyKind, Subject


class Interpreter:
    """Reads one vendor record by one plan."""

    def __init__(self, vendor: str, plan: Plan, raw: dict[str, Any], source: Source) -> None:
        self.vendor = vendor
        self.plan = plan
        self.raw = raw
        self.source = source

    def entry(self, *, patch: bool) -> Entry:
        """The entry that the record is. Raises MappingError naming vendor and path."""
        plan = self.plan
        source_id = self._required(plan.id, convert.identifier)
        order = ""
        if plan.order_as == "instant":
            order = by_time(self._required(plan.order, convert.moment))
        elif plan.order_as == "integer":
            order = by_sequence(self._required(plan.order, convert.counter))
        effective_at = self._first(plan.at, convert.moment)
        subject = Subject(
            customer=self._first(plan.customer, convert.identifier),
            account=self._first(plan.account, convert.identifier),
            keys=self._keys(),
        )
        body: dict[str, Any] = {}
        for rule in plan.rules:
            value = self._many(rule, patch=patch) if rule.many else self._single(rule, patch=patch)
            if value is not UNSET and (patch or (value is not None and value != rule.omit)):
                place(body, rule.target, value)
        return Entry(
            object=plan.to,
            source_id=source_id,
            order=order,
            kind=EntryKind.patch if patch else EntryKind.full,
            effective_at=effective_at,
            subject=subject,
            body=finish(body),
        )

    def _error(self, path: Path, what: str) -> MappingError:
        return MappingError(self.vendor, f"{self.plan.object}.{paths.write(path)}", what)

    def _walk(self, path: Path) -> Any:
        try:
            return paths.walk(self.raw, path)
        except Unreadable as problem:
            raise self._error(path, str(problem)) from None

    def _read(self, path: Path, reader: convert.Reader, value: Any) -> Any:
        try:
            return reader(value, self.source)
        except Unreadable as problem:
            raise self._error(path, str(problem)) from None

    def _first(self, wanted: tuple[Path, ...], reader: convert.Reader) -> Any:
        for path in wanted:
            value = self._walk(path)
            if value is not None and value is not MISSING:
                found = self._read(path, reader, value)
                if found is not None:
                    return found
        return None

    def _required(self, wanted: tuple[Path, ...], reader: convert.Reader) -> Any:
        found = self._first(wanted, reader)
        if found is None:
            raise self._error(wanted[0], "is missing")
        return found

    def _keys(self) -> tuple[Key, ...]:
        keys: dict[Key, None] = {}
        for rule in self.plan.keys:
            for path in rule.paths:
                value = self._walk(path)
                for one in value if isinstance(value, list) else [value]:
                    if one is not None and one is not MISSING:
                        key = make_key(rule, self._read(path, convert.text, one), self.source)
                        if key is not None:
                            keys[key] = None
        return tuple(keys)

    def _single(self, rule: Rule, *, patch: bool) -> Any:
        """The value of the body; None for null and for nothing; UNSET where a patch does not speak of the field."""
        if rule.const is not UNSET:
            return rule.const
        there = not patch
        for path in rule.paths:
            value = self._walk(path)
            if value is MISSING:
                continue
            there = True
            if value is not None:
                found = self._one(rule, path, value)
                if found is not None:
                    return found
        if not there:
            return UNSET
        return None if rule.default is UNSET else rule.default

    def _many(self, rule: Rule, *, patch: bool) -> Any:
        """As `_single`, for a field that holds a list."""
        if rule.const is not UNSET:
            return rule.const
        there, given, found = not patch, False, []
        for path in rule.paths:
            value = self._walk(path)
            if value is MISSING:
                continue
            there = True
            if value is None:
                continue
            given = True
            for one in value if isinstance(value, list) else [value]:
                read = None if one is None else self._one(rule, path, one)
                if read is not None and not (rule.distinct and read in found):
                    found.append(read)
        if not there:
            return UNSET
        if found:
            return found
        if rule.default is not UNSET:
            return rule.default
        return [] if given else None

    def _one(self, rule: Rule, path: Path, value: Any) -> Any:
        if rule.table is None:
            return self._read(path, READERS[rule.reader], value)
        word = self._read(path, convert.word, value)
        return None if word is None else rule.table.get(word, rule.unmapped)


def make_key(rule: KeyRule, text: str | None, source: Source) -> Key | None:
    """The key that `text` is by `rule`; None where it cannot be one."""
    if text is None:
        return None
    if rule.kind == "id":
        return Key(KeyKind.id, f"{rule.system}:{text}") if len(text) <= convert.MAX_ID else None
    value = convert.normalise_key(rule.kind, text, source.region)
    return None if value is None else Key(KeyKind(rule.kind), value)


def place(body: dict[str, Any], target: tuple[str, ...], value: Any) -> None:
    """Put `value` where a dotted field name says."""
    for name in target[:-1]:
        body = body.setdefault(name, {})
    body[target[-1]] = value


def finish(body: dict[str, Any]) -> dict[str, Any]:
    """Turn the consents, collected by channel, into the list that the record holds; without a status there is none."""
    collected = body.get("consents")
    if collected is not None:
        consents = [
            {"channel": channel, "status": parts.pop("status") or "unknown"}
            | {name: part for name, part in sorted(parts.items()) if part is not None}
            for channel, parts in collected.items()
            if "status" in parts
        ]
        if consents:
            body["consents"] = consents
        else:
            del body["consents"]
    return body
