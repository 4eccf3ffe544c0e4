"""One vendor under contract: its folder, its fixtures, and adapters made from them as the bridge makes them."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

import msgspec
import yaml

from bridge.adapter import registry
from bridge.adapter.base import Adapter, Item, Opened, Refetch, Request, Source
from bridge.adapter.client import Client, open_client
from bridge.adapter.manifest import Manifest
from bridge.errors import MappingError, Rejected
from bridge.model import Entry
from contract_tests import shipped
from contract_tests.fakes import FakeVendor
from contract_tests.fixtures import (
    ActionFixture,
    Fixture,
    ItemFixture,
    PageFixture,
    Setting,
    SignedFixture,
    WebhookFixture,
    read_fixtures,
)
from contract_tests.signing import sign
from contract_tests.transports import Wire

NOW = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
MOST_PAGES = 200
"""No fixture and no fake has more pages; whoever asks for more does not find the end."""

T = TypeVar("T")


@dataclass
class Vendor:
    """What the clauses ask of one vendor."""

    manifest: Manifest
    folder: Path
    fixtures: tuple[Fixture, ...] = field(init=False)
    _made: dict[bytes, Adapter] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.fixtures = read_fixtures(self.folder / "fixtures")

    @property
    def name(self) -> str:
        return self.manifest.name

    def adapter(self, settings: dict[str, Setting] | None = None) -> Adapter:
        """A fresh adapter, made as the bridge does, of `fixtures/settings.yaml` with `settings` over it."""
        key = msgspec.json.encode(settings)
        if key not in self._made:
            file = self.folder / "fixtures" / "settings.yaml"
            text = file.read_text("utf-8").replace("{fixtures}", str(file.parent)) if file.is_file() else "{}"
            form = yaml.safe_load(text) or {}
            over = {name: list(one) if isinstance(one, tuple) else one for name, one in (settings or {}).items()}
            form = {"adapter": self.name, **form, "settings": {**form.get("settings", {}), **over}}
            found = registry.set_up(shipped.vendors(), {"sources": {self.name: form}}, {})
            self._made[key] = found.adapter(self.name)
        made = self._made[key]
        return type(made)(made.source, made.manifest, made.mapping)

    def source(self, settings: dict[str, Setting] | None = None) -> Source:
        """The configured source that `adapter` is made for."""
        return self.adapter(settings).source

    def fake(self) -> FakeVendor:
        """A fresh, empty server of the vendor's."""
        return cast(FakeVendor, self._fakes().Fake())

    def _fakes(self) -> ModuleType:
        """What imitates the vendor: its server `Fake`, and `sign` or `seal` where it signs in a way of its own."""
        return importlib.import_module(f"contract_tests.fakes.{self.name}")

    def request(
        self,
        fixture: WebhookFixture,
        secret: str | None = None,
        *,
        at: datetime = NOW,
        content: bytes | None = None,
    ) -> Request:
        """The delivery of a fixture, signed as the vendor signs; by default with the first secret of the source."""
        source = self.source(fixture.settings)
        body = fixture.content if content is None else content
        headers = {name.lower(): value for name, value in fixture.headers.items()}
        key = source.setting(self.secret) if secret is None else secret
        query = fixture.query
        if self.manifest.signature is not None and self.manifest.signature.scheme == "query":
            query += ("&" if query else "") + urlencode({self.manifest.signature.parameter: key})
        url = f"https://bridge.example.org/webhooks/{source.name}" + (f"?{query}" if query else "")
        if self.manifest.signature is not None and self.manifest.signature.scheme == "own":
            fakes = self._fakes()
            if hasattr(fakes, "seal"):
                body = fakes.seal(key, body)
            else:
                headers |= fakes.sign(key, method=fixture.method, url=url, headers=headers, body=body)
        else:
            headers |= sign(self.manifest, key, method=fixture.method, url=url, body=body, at=at, id=fixture.name)
        return Request(method=fixture.method, url=url, headers=headers, body=body, received_at=at)

    @property
    def secret(self) -> str:
        """The name of the setting that holds the secret of its deliveries."""
        return self.manifest.signature.setting if self.manifest.signature else ""

    def of(self, kind: type[T]) -> list[T]:
        """The fixtures of one form."""
        return [one for one in self.fixtures if isinstance(one, kind)]

    async def items(self, fixture: Fixture) -> list[Item]:
        """What the bridge would keep of a fixture."""
        adapter = self.adapter(fixture.settings)
        match fixture:
            case ItemFixture():
                return [Item(object=fixture.object, raw=fixture.raw, patch=fixture.patch)]
            case WebhookFixture():
                return list(open_delivery(adapter, self.request(fixture)).items)
            case PageFixture():
                return [item async for item in stream(adapter, unused_client(adapter), fixture.stream)]
            case SignedFixture() | ActionFixture():
                return []


def open_delivery(adapter: Adapter, request: Request) -> Opened:
    """Verify a delivery and take it apart, as the gateway does."""
    adapter.verify(request, request.received_at)
    return adapter.open(request)


def said(adapter: Adapter, items: list[Item]) -> list[Entry | Refetch]:
    """What an adapter says of items, in their order; those that cannot be read say nothing."""
    return [one for item in items for one in outcome(adapter, item) if not isinstance(one, str)]


def outcome(adapter: Adapter, item: Item) -> list[Entry | Refetch] | list[str]:
    """What an adapter makes of one item, or the reason for which it goes to dead letters."""
    if item.problem:
        return [item.problem]
    try:
        return adapter.read(item)
    except MappingError as problem:
        return [str(problem)]


def unused_client(adapter: Adapter) -> Client:
    """The client of an adapter that reads no network; any request fails the test."""

    def nobody(request: object) -> Any:
        raise AssertionError("a files adapter does not call anybody")

    return open_client(adapter, transport=Wire(nobody))


async def stream(adapter: Adapter, client: Client, name: str) -> AsyncIterator[Item]:
    """Every item of a stream, read as the bridge does: to its end, or to a cursor that stands still."""
    cursor = ""
    for _ in range(MOST_PAGES):
        page = await adapter.page(client, name, cursor, NOW)
        for item in page.items:
            yield item
        if not page.more or page.cursor == cursor:
            return
        cursor = page.cursor
    raise AssertionError(f"{name} has no end after {MOST_PAGES} pages")


def leaks(source: Source, text: str) -> list[str]:
    """The names of the source's secrets whose values stand in `text`."""
    manifest = shipped.vendors()[source.adapter].manifest
    secret = {setting.name for setting in manifest.settings if setting.secret}
    return [name for name in secret for one in source.secrets(name) if len(one) > 7 and one in text]


def refused(adapter: Adapter, request: Request) -> Rejected | None:
    """The refusal of a delivery, or None where it was accepted. Any other exception is a fault of the adapter."""
    try:
        open_delivery(adapter, request)
    except Rejected as refusal:
        return refusal
    return None


def discover() -> Iterator[Vendor]:
    """Every vendor under contract."""
    for found in shipped.vendors().values():
        yield Vendor(found.manifest, found.folder)
