"""A desk whose automations really send: a fake vendor takes in every action over HTTP and remembers it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import msgspec

from bridge.acting.advancing import advance_due
from bridge.acting.sending import send_due
from bridge.adapter.base import Item
from bridge.adapter.client import Client, open_client
from bridge.adapter.registry import set_up
from bridge.automation.forms import Mode
from bridge.automation.register import save
from bridge.automation.rules import Automation, read_automation
from bridge.flow import Desk, open_desk
from bridge.intake import sync
from bridge.playbook.offers import Catalogue
from bridge.settings import read_settings
from bridge.store import Store
from contract_tests import shipped
from tests.desks import NOW, SECRET, drain, feed, go_live, user
from tests.dump import query

TUESDAY = datetime(2026, 11, 24, 9, tzinfo=timezone.utc)
HOOK = "https://hooks.example.org/in"

APOLOGY: dict[str, Any] = {
    "id": "sorry",
    "title": {"de": "Entschuldigung", "en": "Apology"},
    "when": {"fact": "ticket.opened", "where": {"fact.type": "problem"}},
    "purpose": "service",
    "while_ticket_open": "allow",
    "do": [
        {
            "send_email": {
                "message": {
                    "subject": {"de": "Es tut uns leid", "en": "We are sorry"},
                    "lines": {"de": ["Wir kümmern uns."], "en": ["We are on it."]},
                },
            }
        }
    ],
}


def rule(**changes: Any) -> Automation:
    """The apology with `changes`."""
    return read_automation(APOLOGY | changes, "test", Catalogue(), {})


class Vendor:
    """The far side: every request is one action done, by its idempotency key."""

    def __init__(self) -> None:
        self.done: list[tuple[str, dict[str, Any]]] = []
        self.before: Callable[[httpx.Request], None] = lambda request: None
        self.after: Callable[[httpx.Request], None] = lambda request: None

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.before(request)
        body = msgspec.json.decode(request.content)
        self.done.append((_key(request, body), body))
        self.after(request)
        return httpx.Response(200, json={"id": str(len(self.done))})


def _key(request: httpx.Request, body: dict[str, Any]) -> str:
    return request.headers.get("webhook-id") or str(body["id"])


async def make_office(
    store: Store,
    folder: Path,
    *automations: Automation,
    mode: Mode = "on",
    now: datetime = TUESDAY,
    exports: Path | None = None,
    beside: dict[str, Any] | None = None,
    **settings: Any,
) -> Desk:
    """A live desk with a helpdesk, and `hook` that does every action; `automations` are switched on. With `exports`
    there is a `crm` that reads this folder; `beside` are further sources."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = read_settings(**settings)
    zendesk = {"subdomain": "acme", "client_id": "b", "client_secret": SECRET, "webhook_secret": SECRET}
    sources: dict[str, Any] = {
        "sources": {
            "helpdesk": {"adapter": "zendesk", "settings": zendesk},
            "hook": {
                "adapter": "webhook",
                "settings": {
                    "url": HOOK,
                    "webhook_secret": SECRET,
                    "outgoing_secret": "whsec_" + base64.b64encode(b"an-outbound-key-of-30-bytes-01").decode(),
                    "private_hosts": "hooks.example.org",
                },
            },
        }
    }
    sources["sources"] |= beside or {}
    if exports is not None:
        exports.mkdir()
        sources["sources"]["crm"] = {"adapter": "spreadsheet", "settings": {"folder": str(exports)}}
    registry = set_up(shipped.vendors(), sources, {})
    began = now - timedelta(days=1)
    await sync.register(store, registry.sources, began)
    desk = await open_desk(chosen, store, registry, began, shipped.rules())
    await go_live(desk, began)
    for one in automations:
        await save(store, one, mode=mode, by="test", now=began)
    await desk.look_up()
    return desk


async def work(desk: Desk, clients: Callable[[str], Client], now: datetime) -> None:
    """Advance and send until there is nothing left to do at `now`."""
    while await advance_due(desk, most=50, now=now) or await send_due(desk, clients, most=50, clock=lambda: now):
        pass


def clients_of(desk: Desk, vendor: Vendor) -> Callable[[str], Client]:
    """One client a source, all to `vendor`."""
    made: dict[str, Client] = {}

    def client(source: str) -> Client:
        if source not in made:
            made[source] = open_client(desk.registry.adapter(source), transport=httpx.MockTransport(vendor.answer))
        return made[source]

    return client


async def tell(desk: Desk, items: Sequence[Item], now: datetime = TUESDAY, most: int = 50) -> None:
    """Deliver `items` and absorb them."""
    await feed(desk, "helpdesk", items, now=now)
    await drain(desk, now=now, most=most)


def people(count: int, at: datetime = NOW) -> list[Item]:
    """Customers 1 to `count`, known before anything happened."""
    return [user(number, at=at) for number in range(1, count + 1)]


async def customers_of(url: str) -> dict[str, str]:
    """Customer by their number at the helpdesk."""
    return dict(await query(url, "select source_id, customer from profiles where source = 'helpdesk'"))


async def reasons_of(url: str) -> list[tuple[str, str]]:
    """Result and reason of every step there was."""
    return await query(url, "select result, reason from run_steps order by run, number")


def sent_to(vendor: Vendor) -> list[str]:
    """Whom the vendor wrote to."""
    return sorted(body["data"]["to"] for _, body in vendor.done)
