"""Fixtures: what a vendor really sends, one file a behaviour, in `adapters/<vendor>/fixtures/<behaviour>.json`.

    {"kind": "item", "object": "user", "raw": {…}, "patch": false}          one object, as a sync brings it
    {"kind": "webhook", "body": {…}}                                         a delivery; the kit signs it
    {"kind": "webhook", "raw_body": "a=1&b=2", "headers": {…}}               … whose body is not JSON
    {"kind": "webhook", "method": "GET", "query": "a=1", "raw_body": ""}     … that is all in the URL
    {"kind": "page", "stream": "customers"}                                  a whole stream (of a files adapter)
    {"kind": "signed", "source": "https://…", "at": "2024-04-17T17:18:10Z",  the vendor's own published example
     "secret": "…", "url": "https://…", "headers": {…}, "raw_body": "…"}
    {"kind": "action", "do": "add_note", "args": {…},                        something to do, and what the vendor says
     "answers": [{"status": 201, "body": {…}}]}                              to each request but those for a token

`settings` in a fixture overlays those of `fixtures/settings.yaml`: one source as in `config/sources.yaml`, in which
`{fixtures}` stands for the fixtures' folder. Beside each fixture but `signed` lies `<behaviour>.expected.json`:
what the adapter makes of it. `make golden` writes it; people read it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from bridge.adapter.base import Action, Refetch
from bridge.model import Entry

GOLDEN = ".expected.json"
_EMPTY: tuple[Any, ...] = (None, "", {}, [])

Setting: TypeAlias = str | tuple[str, ...]


class _Fixture(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    settings: dict[str, Setting] = {}
    path: Path = Path()
    """Where it was read from."""

    @property
    def name(self) -> str:
        """The behaviour it shows."""
        return self.path.stem

    @property
    def golden(self) -> Path:
        """The file that holds what the adapter should make of it."""
        return self.path.with_name(self.name + GOLDEN)


class ItemFixture(_Fixture, frozen=True, tag="item"):
    object: str
    raw: dict[str, Any]
    patch: bool = False


class WebhookFixture(_Fixture, frozen=True, tag="webhook"):
    body: Any = None
    raw_body: str | None = None
    headers: dict[str, str] = {}
    method: str = "POST"
    query: str = ""
    """What stands behind the `?` of the URL, as it is sent."""

    @property
    def content(self) -> bytes:
        """The bytes of the request."""
        return msgspec.json.encode(self.body) if self.raw_body is None else self.raw_body.encode()


class PageFixture(_Fixture, frozen=True, tag="page"):
    stream: str


class SignedFixture(_Fixture, frozen=True, tag="signed"):
    source: str
    at: datetime
    secret: Setting
    headers: dict[str, str]
    raw_body: str
    url: str = ""
    method: str = "POST"


class VendorAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the vendor answered, as its documentation shows it or as it was recorded."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = {}


class ActionFixture(_Fixture, frozen=True, tag="action"):
    do: str
    args: dict[str, Any]
    answers: tuple[VendorAnswer, ...] = ()

    @property
    def action(self) -> Action:
        """What the bridge asks the adapter to do."""
        return Action(do=self.do, args=self.args, idempotency_key=f"key-of-{self.name}")


Fixture: TypeAlias = ItemFixture | WebhookFixture | PageFixture | SignedFixture | ActionFixture


def read_fixtures(folder: Path) -> tuple[Fixture, ...]:
    """All fixtures of one vendor, by name. Raises ValueError naming the file that is none."""
    fixtures: list[Fixture] = []
    for path in sorted(folder.glob("*.json")):
        if not path.name.endswith(GOLDEN):
            try:
                fixture: Fixture = msgspec.json.decode(path.read_bytes(), type=Fixture)
            except msgspec.DecodeError as problem:
                raise ValueError(f"{path.parent.parent.name}/fixtures/{path.name}: {problem}") from None
            fixtures.append(msgspec.structs.replace(fixture, path=path))
    return tuple(fixtures)


def show(found: list[Entry | Refetch] | list[str], place: str) -> list[dict[str, Any]]:
    """What an adapter made of one item, as the golden file shows it: plain JSON without what is empty.

    The fields of an entry's body are kept as they are: in a patch, null is something that was said. A text is the
    reason for which the item goes to dead letters.
    """
    shown: list[dict[str, Any]] = []
    for one in found:
        if isinstance(one, str):
            shown.append({"dead": one} | ({"place": place} if place else {}))
            continue
        plain = msgspec.to_builtins(one)
        kept = {name: value for name, value in plain.items() if name == "body" or value not in _EMPTY}
        shown.append({"refetch": kept} if isinstance(one, Refetch) else kept)
    return shown


def write_golden(path: Path, shown: list[dict[str, Any]]) -> None:
    """Write a golden file, indented for reading."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(shown, order="sorted"), indent=2) + b"\n")
