"""The real application on each engine, with a made-up vendor, a clock that the test moves, and keys of every scope."""

from __future__ import annotations

import hmac
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import yaml
from pydantic import SecretStr

from bridge.access import SCOPES, mint_key
from bridge.app import App, create_app
from bridge.flow import absorb, refresh_due
from bridge.gateway.gate import Gate
from bridge.intake.inbox import take
from bridge.settings import Settings, read_settings
from bridge.store import Row, Store, Unit
from bridge.store.keys import keep_key
from contract_tests import shipped

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
SECRET = "whsec-of-acme"

MANIFEST = """\
name: acme
title: Acme CRM
kind: crm
docs: https://acme.example/docs
capabilities: [webhook, lookup]
settings:
  - {name: webhook_secret, description: signs deliveries, secret: true, many: true}
lookup_kinds: [phone, email]
base_url: https://acme.example
signature: {scheme: hmac, header: x-acme-signature, encoding: hex}
redact: [pin]
"""

MAPPING = """\
vendor: acme
objects:
  person:
    to: customer
    id: id
    order: {from: version, as: integer}
    fields:
      name: name
      language: language
      owner: owner
      emails: "emails[*]"
      phones: "phones[*]"
      accounts: "accounts[*]"
    ignore: [pin]
  case:
    to: ticket
    id: id
    order: {from: version, as: integer}
    at: opened
    subject: {customer: person}
    fields: {type: {from: type, values: type}, status: {from: status, values: status}, topic: topic, opened: opened}
values:
  type: {complaint: complaint, question: question}
  status: {open: open, closed: closed}
"""

ADAPTER = '''\
"""Acme: a list of objects a delivery."""

from bridge.adapter.base import Adapter, Item, Opened, Reply, json_body


class Acme(Adapter):
    def open(self, request):
        body = json_body(request)
        items = [Item(object=one["object"], raw=one["raw"], problem=one.get("problem", "")) for one in body["items"]]
        return Opened(items=tuple(items), ignored=body.get("ignored", 0), reply=Reply(status=202, body=b"kept"))

    async def lookup(self, client, key):
        answer = await client.call("GET", "people", params={key.kind.value: key.value})
        return [Item(object="person", raw=one) for one in answer.data]
'''


class Clock:
    """Now, as the test says it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


class Gateway:
    """A running application and what a test does with it."""

    def __init__(self, app: App, gate: Gate, client: httpx.AsyncClient, clock: Clock, keys: dict[str, str]) -> None:
        self.app = app
        self.gate = gate
        self.client = client
        self.clock = clock
        self.keys = keys

    @property
    def store(self) -> Store:
        """The store behind it."""
        return self.gate.store

    def bearer(self, *scopes: str) -> dict[str, str]:
        """The header of a key with exactly these scopes (one, or all of them)."""
        return {"authorization": f"Bearer {self.keys['+'.join(scopes)]}"}

    async def lookup(self, *scopes: str, **params: str) -> dict[str, str]:
        """A flat answer; by default with an agent's key."""
        response = await self.client.get("/v1/lookup", params=params, headers=self.bearer(*(scopes or ("agent",))))
        assert response.status_code == 200, response.text
        found: dict[str, str] = response.json()
        return found

    async def get(self, path: str, *scopes: str, **params: str) -> httpx.Response:
        """GET with a key."""
        return await self.client.get(path, params=params, headers=self.bearer(*scopes))

    async def post(self, path: str, *scopes: str, json: Any = None, **headers: str) -> httpx.Response:
        """POST with a key."""
        return await self.client.post(
            path,
            json=json,
            headers=self.bearer(*scopes) | {name.replace("_", "-"): text for name, text in headers.items()},
        )

    async def deliver(self, *items: dict[str, Any], ignored: int = 0, secret: str = SECRET) -> httpx.Response:
        """A signed delivery of Acme's."""
        body = msgspec.json.encode({"items": items, "ignored": ignored})
        signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
        return await self.client.post(
            "/webhooks/crm", content=body, headers={"x-acme-signature": signature, "content-type": "application/json"}
        )

    async def digest(self) -> None:
        """What the worker does: drain the inbox, decide what is due."""
        while True:
            owner, deliveries = await take(self.store, most=100, now=self.clock())
            if not deliveries:
                break
            await absorb(self.gate.desk, owner, deliveries, self.clock())
        await refresh_due(self.gate.desk, most=1000, now=self.clock())

    async def know(self, *items: dict[str, Any]) -> None:
        """Deliver and digest."""
        assert (await self.deliver(*items)).status_code == 202
        await self.digest()

    async def rows(self, table: str, columns: str = "*", where: str = "1 = 1") -> list[Row]:
        """Rows of a table, whatever the engine."""
        return await read_rows(self.store, f"select {columns} from {table} where {where}")


async def read_rows(store: Store, sql: str) -> list[Row]:
    """What a test asks of the database itself."""
    raw: Any = store
    if store.engine == "sqlite":
        return [tuple(row) for row in raw._hot.execute(sql).fetchall()]
    async with raw._pool.acquire() as db:
        return [tuple(row) for row in await db.fetch(sql)]


def person(number: str, version: Any = 1, **fields: Any) -> dict[str, Any]:
    """One person of Acme's."""
    return {"object": "person", "raw": {"id": number, "version": version, **fields}}


def case(number: str, of: str, version: int = 1, **fields: Any) -> dict[str, Any]:
    """One case of Acme's."""
    return {"object": "case", "raw": {"id": number, "version": version, "person": of, **fields}}


async def store_keys(store: Store, wanted: Iterable[tuple[str, ...]], now: datetime) -> dict[str, str]:
    """Mint and store keys; by their scopes joined with `+`."""
    keys: dict[str, str] = {}
    unit = Unit()
    for scopes in wanted:
        keys["+".join(scopes)], stored = mint_key("test", scopes, now)
        keep_key(unit, stored)
    await store.write(unit)
    return keys


@pytest.fixture
def vendors(tmp_path: Path) -> Path:
    """The folders of the made-up vendor."""
    folder = tmp_path / "vendors" / "acme"
    folder.mkdir(parents=True)
    (folder / "manifest.yaml").write_text(MANIFEST, "utf-8")
    (folder / "adapter.py").write_text(ADAPTER, "utf-8")
    mappings = tmp_path / "mappings"
    mappings.mkdir()
    (mappings / "acme.yaml").write_text(MAPPING, "utf-8")
    return tmp_path


@pytest.fixture
def make_settings(database_url: str, vendors: Path) -> Callable[..., Settings]:
    """Settings of the application under test, with what a test wants different."""

    def make(**given: Any) -> Settings:
        return Settings(
            database_url=database_url,
            adapters_dir=vendors / "vendors",
            mappings_dir=vendors / "mappings",
            public_url="https://bridge.example",
            ticket_secret=SecretStr("0123456789abcdef0123456789abcdef"),
            **given,
        )

    return make


SOURCES = {"sources": {"crm": {"adapter": "acme", "settings": {"webhook_secret": SECRET}}}}


@pytest.fixture
def limits() -> dict[str, Any]:
    """Further settings of `gateway`, for tests to parametrize."""
    return {}


@pytest.fixture
async def gateway(make_settings: Callable[..., Settings], limits: dict[str, Any]) -> AsyncIterator[Gateway]:
    """The application, started. It takes its time: what is answered is one thing, how fast is for few tests to see."""
    clock = Clock(NOON)
    settings = make_settings(**{"lookup_budget_ms": 10_000} | limits)
    app = create_app(settings, SOURCES, clock=clock, rules=shipped.rules())
    async with (
        app.running() as gate,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://bridge.example") as client,
    ):
        keys = await store_keys(gate.store, [*((scope,) for scope in SCOPES), SCOPES], clock())
        yield Gateway(app, gate, client, clock, keys)


@pytest.fixture
async def trying(make_settings: Callable[..., Settings], tmp_path: Path) -> AsyncIterator[Gateway]:
    """A company that tries, with open complaints, whether an apology helps."""
    config = tmp_path / "config"
    shutil.copytree(read_settings().config_dir, config)
    rules = yaml.safe_load((config / "choice.yaml").read_text("utf-8"))
    rules |= {"begins": NOON.date(), "hold_out": 0.3, "explore": 0.4}
    (config / "choice.yaml").write_text(yaml.safe_dump(rules), "utf-8")
    playbook = config / "playbooks" / "complaint.yaml"
    playbook.write_text(playbook.read_text("utf-8").replace("hold_out: never\n", ""), "utf-8")
    clock = Clock(NOON)
    app = create_app(make_settings(config_dir=config), SOURCES, clock=clock)
    async with (
        app.running() as gate,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://bridge.example") as client,
    ):
        keys = await store_keys(gate.store, [*((scope,) for scope in SCOPES), SCOPES], clock())
        await gate.refresh()
        yield Gateway(app, gate, client, clock, keys)
