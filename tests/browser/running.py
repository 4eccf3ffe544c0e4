"""A gateway and a worker in a thread, as two processes would run them, and a host's page on another origin."""

from __future__ import annotations

import asyncio
import hmac
import sqlite3
import threading
import time
from collections.abc import Coroutine
from contextlib import closing
from datetime import datetime, timedelta, timezone
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import uvicorn
from pydantic import SecretStr

from bridge.access import SCOPES, mint_key, mint_ticket
from bridge.app import App, create_app
from bridge.gateway.gate import Gate
from bridge.settings import Settings
from bridge.store import Unit
from bridge.store.keys import keep_key
from bridge.worker import Worker
from tests.patience import PATIENCE_SECONDS
from tests.places import Place

T = TypeVar("T")
SECRET = "whsec-of-acme"
TICKETS = "0123456789abcdef0123456789abcdef"
SOURCES = {"sources": {"crm": {"adapter": "acme", "settings": {"webhook_secret": SECRET}}}}

MANIFEST = """\
name: acme
title: Acme
kind: crm
docs: https://acme.example/docs
capabilities: [webhook]
settings:
  - {name: webhook_secret, description: signs deliveries, secret: true, many: true}
base_url: https://acme.example
signature: {scheme: hmac, header: x-acme-signature, encoding: hex}
"""

MAPPING = """\
vendor: acme
objects:
  person:
    to: customer
    id: id
    fields:
      name: name
      given_name: given_name
      family_name: family_name
      salutation: salutation
      language: language
      owner: owner
      job_title: job_title
      phones: "phones[*]"
      accounts: "accounts[*]"
      preferred_channel: preferred_channel
      communication_needs: needs
      objects_to_profiling: objects
      deceased: deceased
      customer_since: since
  company: {to: account, id: id, fields: {name: name}}
  contract:
    to: contract
    id: id
    subject: {customer: person}
    fields:
      product: product
      status: status
      starts: starts
      ends: ends
      monthly_amount: monthly
      discount_ends: discount_ends
      amount_after_discount: after
  case:
    to: ticket
    id: id
    at: opened
    subject: {customer: person}
    fields: {type: type, status: status, topic: topic, text: topic, opened: opened, reopened: reopened}
  answer:
    to: survey_response
    id: id
    at: answered
    subject: {customer: person}
    fields: {metric: metric, sent: answered, answered: answered, score: score, scale: scale, comment: comment}
"""

ADAPTER = '''\
"""Acme: a list of objects a delivery."""

from bridge.adapter.base import Adapter, Item, Opened, Reply, json_body


class Acme(Adapter):
    def open(self, request):
        items = [Item(object=one["object"], raw=one["raw"]) for one in json_body(request)["items"]]
        return Opened(items=tuple(items), reply=Reply(status=202, body=b"kept"))
'''


def write_vendor(folder: Path) -> None:
    """The made-up vendor's files."""
    (folder / "vendors" / "acme").mkdir(parents=True)
    (folder / "mappings").mkdir()
    (folder / "vendors" / "acme" / "manifest.yaml").write_text(MANIFEST, "utf-8")
    (folder / "vendors" / "acme" / "adapter.py").write_text(ADAPTER, "utf-8")
    (folder / "mappings" / "acme.yaml").write_text(MAPPING, "utf-8")


def utc_now() -> datetime:
    """The real time: browsers know no other."""
    return datetime.now(timezone.utc)


class Running:
    """The bridge, from `start` to `stop`. Its methods may be called from any thread."""

    gate: Gate
    app: App
    key: str

    def __init__(self, folder: Path, **settings: Any) -> None:
        write_vendor(folder)
        self._place = Place()
        self._database = folder / "bridge.db"
        self.base = f"http://127.0.0.1:{self._place.port}"
        self.settings = Settings(
            database_url=f"sqlite:///{self._database}",
            adapters_dir=folder / "vendors",
            mappings_dir=folder / "mappings",
            ticket_secret=SecretStr(TICKETS),
            public_url=self.base,
            **settings,
        )
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._ended: asyncio.Event | None = None
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), daemon=True)

    def start(self) -> Running:
        """Return when it answers."""
        self._thread.start()
        if not self._ready.wait(PATIENCE_SECONDS):
            raise RuntimeError("the bridge did not start")
        return self

    def stop(self) -> None:
        """End everything."""
        if self._ended is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` where the bridge runs."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)

    async def _run(self) -> None:
        self._ended = asyncio.Event()
        stop = asyncio.Event()
        self.app = create_app(self.settings, SOURCES)
        async with self.app.running() as gate:
            self.gate = gate
            self.key, stored = mint_key("example", SCOPES, utc_now())
            unit = Unit()
            keep_key(unit, stored)
            unit.add("sources.go_live", name="crm", at=0)
            await gate.store.write(unit)
            await gate.refresh()
            worker = asyncio.create_task(Worker(desk=gate.desk).run(stop))
            await self._open()
            self._ready.set()
            await self._ended.wait()
            await self._close()
            stop.set()
            await worker

    async def _open(self) -> None:
        config = uvicorn.Config(
            self.app, port=self._place.port, lifespan="off", log_config=None, access_log=False, http="httptools"
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve())
        while not self._server.started:  # noqa: ASYNC110 - uvicorn says it in no other way
            await asyncio.sleep(0.01)

    async def _close(self) -> None:
        if self._server is not None and self._serving is not None:
            self._server.should_exit = self._server.force_exit = True
            await self._serving
            for one in list(self._server.server_state.connections):
                one.transport.abort()  # as the end of a process does

    def close_door(self) -> None:
        """The gateway can no longer be reached; the worker goes on."""
        self.do(self._close())

    def open_door(self) -> None:
        """It can be reached again, at the same place."""
        self.do(self._open())

    def deliver(self, *items: tuple[str, dict[str, Any]]) -> None:
        """A signed delivery of the vendor's."""
        body = msgspec.json.encode({"items": [{"object": kind, "raw": raw} for kind, raw in items]})
        signature = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        headers = {"x-acme-signature": signature, "content-type": "application/json"}
        answer = httpx.post(f"{self.base}/webhooks/crm", content=body, headers=headers, timeout=PATIENCE_SECONDS)
        assert answer.status_code == 202, answer.text

    def know(self, *items: tuple[str, dict[str, Any]]) -> None:
        """Deliver, and wait until the worker has digested it."""
        self.deliver(*items)
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            states = self.do(self.gate.store.all("inbox.states"))
            due = self.do(self.gate.store.all("customers.due_count", now=int(utc_now().timestamp() * 1e6)))
            if not any(row[2] for row in states if row[1] in ("new", "waiting")) and not due[0][0]:
                assert not any(row[2] for row in states if row[1] == "dead"), states
                return
            assert time.monotonic() < end, f"the worker did not come to an end: {states}, {due[0][0]} due"
            time.sleep(0.02)

    def ticket(self, origin: str, minutes: float = 10, secret: str = TICKETS) -> str:
        """A ticket for pages of `origin`; with negative minutes one that has ended."""
        key = self.key.split("_")[1]
        lifetime = timedelta(minutes=minutes)
        return mint_ticket(secret, agent="a-17", origin=origin, key=key, now=utc_now(), lifetime=lifetime)

    def call(self, phone: str, interaction: str) -> None:
        """The phone system looks a caller up."""
        params = {"phone": phone, "interaction": interaction}
        headers = {"authorization": f"Bearer {self.key}"}
        answer = httpx.get(f"{self.base}/v1/lookup", params=params, headers=headers, timeout=PATIENCE_SECONDS)
        assert answer.status_code == 200, answer.text

    def outcomes(self, phone: str) -> list[tuple[Any, ...]]:
        """Kind, result and note of all outcomes with the customer who calls from `phone`, in their order."""
        return self._outcomes(phone, "kind, result, note", "")

    def grants(self, phone: str) -> list[tuple[Any, ...]]:
        """Offer, amount and currency of all that was granted to the customer who calls from `phone`."""
        return self._outcomes(phone, "offer, amount_minor, currency", "and outcomes.kind = 'granted'")

    def _outcomes(self, phone: str, columns: str, where: str) -> list[tuple[Any, ...]]:
        ordered = f"select outcomes.* from outcomes join keys using (customer) where keys.kind = 'phone' {where}"
        with closing(sqlite3.connect(self._database)) as db:
            found = db.execute(f"select {columns} from ({ordered} and keys.value = ?) order by at", [phone])
            return [tuple(row) for row in found.fetchall()]


HOST_PAGE = """\
<!doctype html><html lang="de"><head><meta charset="utf-8"><title>Host</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/host.css">
<script type="module" src="{base}/widget/retention-card.js"></script>
<script type="module" src="/host.js"></script></head>
<body><main><h1>Host</h1><div id="place"></div><p id="below">Below</p></main></body></html>
"""

HOST_SCRIPT = """\
window.heard = [];
window.moved = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const name = (node) => node?.className || node?.id || node?.nodeName;
    window.moved.push(...entry.sources.map((one) => `${name(one.node)} ${one.previousRect.y} ${one.currentRect.y}`));
  }
}).observe({ type: 'layout-shift', buffered: true });
for (const name of ['ready', 'outcome', 'insert', 'ticket-expired'])
  document.addEventListener(`retention-card:${name}`, (event) => {
    window.heard.push([name, event.detail]);
    if (name === 'ready') requestAnimationFrame(() => setTimeout(() => (window.readyAt ??= performance.now())));
  });
const { attributes, ticket, width } = window.setup;
const place = document.querySelector('#place');
if (width) place.style.width = `${width}px`;
const card = document.createElement('retention-card');
card.ticket = ticket === null ? (why) => window.renew(why) : ticket;
for (const [name, value] of Object.entries(attributes)) card.setAttribute(name, value);
window.began = performance.now();
place.append(card);
window.card = card;
"""

HOST_STYLE = """\
body { margin: 0; padding: 16px; font: 16px system-ui; background: #e9edf1 }
#place { width: 340px; min-height: 1300px }
h1 { margin: 0 0 16px; font-size: 16px }
"""


class Host:
    """A helpdesk's page with a strict policy of its own, on an origin of its own."""

    def __init__(self, base: str) -> None:
        policy = f"default-src 'none'; script-src 'self' {base}; connect-src {base}; style-src 'self'; img-src data:"
        files = {
            "/": ("text/html; charset=utf-8", HOST_PAGE.format(base=base)),
            "/host.js": ("text/javascript", HOST_SCRIPT),
            "/host.css": ("text/css", HOST_STYLE),
        }
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, files, policy))
        self.origin = f"http://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


class _Files(BaseHTTPRequestHandler):
    def __init__(self, files: dict[str, tuple[str, str]], policy: str, *rest: Any) -> None:
        self._files = files
        self._policy = policy
        super().__init__(*rest)

    def do_GET(self) -> None:
        """Send one of the three files."""
        kind, text = self._files.get(self.path, ("text/plain", ""))
        self.send_response(200 if text else 404)
        self.send_header("content-type", kind)
        self.send_header("content-security-policy", self._policy)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
