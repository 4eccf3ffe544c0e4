"""A body taken apart into events, each with the object of the mapping that it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from bridge.adapter import paths
from bridge.adapter.delivery import Item
from bridge.adapter.source import Source
from bridge.errors import BadRequest, ConfigError

IGNORED = "ignore"
DELETED = ".deleted"
"""Ends the name of an object that is gone at the sender."""

_ANY = "*"
_TYPES = ("type", "event_type", "event")
_LISTS = ("batch",)
_PARTIAL = ("identify", "group")
_UNSAID = "says nowhere what it is: no word at {}; see the settings type and objects"


class Taken(Struct, frozen=True):
    """What became of a body: items to keep, and how many events nobody wants."""

    items: tuple[Item, ...]
    ignored: int


class Events:
    """Takes bodies of one source apart, as its settings say. Making one raises ConfigError naming the setting."""

    def __init__(self, source: Source, objects: tuple[str, ...]) -> None:
        self._source = source.name
        self._types = self._paths("type", source.secrets("type") or _TYPES)
        self._lists = self._paths("lists", source.secrets("lists") or _LISTS)
        self._ids = self._paths("event_id", source.secrets("event_id"))
        names = {_word(name): name for one in objects for name in (one, one + DELETED)}
        said = dict(self._said(one, {*names.values(), IGNORED}) for one in source.secrets("objects"))
        self._any = said.pop(_ANY, None)
        self._tables = (said, names)
        """What an operator said comes before what words mean by themselves, wherever in the body they stand."""
        self._partial = frozenset(source.secrets("partial") or _PARTIAL)
        if unknown := sorted(self._partial - {*objects, *_PARTIAL}):
            raise self._wrong("partial", f"{unknown[0]} is no object; objects are {', '.join(objects)}")

    def take(self, body: bytes, known: dict[str, str]) -> Taken:
        """The events in a body, one item each. `known` is the signed `id` and `timestamp` of the delivery, if any: the
        mapping finds them under `webhook`.

        Raises BadRequest for a body that is no event. In a list, what is none goes to dead letters and the rest in.
        """
        items: list[Item] = []
        ignored = 0
        for place, event in self._events(_decoded(body)):
            item = self._item(place, event, known)
            if item is None:
                ignored += 1
            elif item.problem and not place:
                raise BadRequest(f"the body {item.problem}")
            else:
                items.append(item)
        return Taken(tuple(items), ignored)

    def meaning(self, raw: dict[str, Any]) -> str | None:
        """The object that an event is, with `.deleted` behind it where it says so, or `ignore`; None where it says
        nothing."""
        words = [word for path in self._types if (word := _text(raw, path))]
        for table in self._tables:
            for word in words:
                if found := table.get(_word(word)):
                    return found
        return self._any or (IGNORED if words else None)

    def _events(self, body: Any) -> Iterator[tuple[str, Any]]:
        """Each event with its place in a list, "" where it is the whole body. What surrounds a list counts for each."""
        around: dict[str, Any] = {}
        if isinstance(body, dict):
            for path in self._lists:
                found = paths.walk_quietly(body, path)
                if isinstance(found, list):
                    around, body = _without(body, path), found
                    break
            else:
                yield "", body
                return
        elif not body:
            raise BadRequest("the body is an empty list")
        for number, event in enumerate(body, 1):
            yield f"event {number}", {**around, **event} if isinstance(event, dict) else event

    def _item(self, place: str, event: Any, known: dict[str, str]) -> Item | None:
        if not isinstance(event, dict):
            found = paths.kind(event)
            return Item(object="", raw={"element": event}, place=place, problem=f"holds {found} instead of an event")
        name = self.meaning(event)
        if name is None:
            where = " or ".join(map(paths.write, self._types))
            return Item(object="", raw=event, place=place, problem=_UNSAID.format(where))
        if name == IGNORED:
            return None
        of = name.removesuffix(DELETED)
        dedupe = next(filter(None, (_text(event, path) for path in self._ids)), "")
        if signed := known.get("id", ""):
            signed = f"{signed}:{place.removeprefix('event ')}" if place else signed
            event = {"webhook": {**known, "id": signed}, **event}
        patch = of in self._partial and name == of
        return Item(object=of, raw=event, dedupe=dedupe or signed, place=place, patch=patch)

    def _said(self, text: str, names: set[str]) -> tuple[str, str]:
        word, equals, name = (part.strip() for part in text.rpartition("="))
        if not word or not equals or name not in names:
            plain = ", ".join(sorted(one for one in names if not one.endswith(DELETED)))
            raise self._wrong("objects", f"is no word=object; objects are {plain}")
        return _word(word), name

    def _paths(self, name: str, texts: tuple[str, ...]) -> list[tuple[str, ...]]:
        found = []
        for text in texts:
            try:
                path = paths.parse(text)
            except ValueError as problem:
                raise self._wrong(name, str(problem)) from None
            names = tuple(step for step in path if isinstance(step, str))
            if len(names) != len(path):
                raise self._wrong(name, "takes dotted names only, no [ ]")
            found.append(names)
        return found

    def _wrong(self, name: str, what: str) -> ConfigError:
        return ConfigError(f"sources.yaml: sources.{self._source}.settings.{name}", what)


def _decoded(body: bytes) -> dict[str, Any] | list[Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(found, dict | list):
        raise BadRequest("the body is no JSON object and no list of them")
    return found


def _word(text: str) -> str:
    return text.strip().casefold()


def _text(raw: dict[str, Any], path: tuple[str, ...]) -> str:
    """The text at `path` where it could be a word or an id, else ""."""
    found = paths.scalar_text(paths.walk_quietly(raw, path)) or ""
    return found if len(found) <= 255 else ""


def _without(body: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """A copy of `body` without what stands at `path`."""
    first, *rest = path
    if not rest:
        return {name: value for name, value in body.items() if name != first}
    return {**body, first: _without(body[first], tuple(rest))}
