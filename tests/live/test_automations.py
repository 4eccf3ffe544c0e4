"""Automations that act on real systems: a ticket and a note in Request Tracker, a call by Asterisk, a text message that
Twilio's published specification allows.
"""

from __future__ import annotations

import asyncio
import csv
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct

from bridge.acting.settling import FIRST, FOUND, SURE_AFTER, reconcile_due
from bridge.adapter.client import Client, open_client
from bridge.adapter.registry import load_registry
from bridge.automation import outbox
from bridge.automation.outreach import Hours, Outreach
from bridge.automation.register import save
from bridge.automation.rules import read_automation
from bridge.flow import Desk, open_desk
from bridge.intake import sync
from bridge.playbook.offers import Catalogue
from bridge.settings import read_settings
from bridge.store import open_store
from bridge.worker import Worker
from tests.automation.mailing import work
from tests.desks import SECRET, drain, feed, go_live, ticket, user
from tests.dump import query
from tests.live import asterisk, prism, request_tracker, sipp
from tests.live.conftest import Missing
from tests.live.test_asterisk import PATIENCE
from tests.live.test_request_tracker import add_customer, add_ticket
from tests.live.test_request_tracker import settings as tracker_settings
from tests.live.test_twilio_prism import ACCOUNT, SPECIFICATION

ROOT = Path(__file__).resolve().parents[2]
HELPDESK = {"subdomain": "acme", "client_id": "b", "client_secret": SECRET, "webhook_secret": SECRET}
_ALL_DAY = ("00:00", "23:59")
ALWAYS = Outreach(
    hours=Hours(monday_to_friday=_ALL_DAY, saturday=_ALL_DAY, sunday=_ALL_DAY),
    time_zone="Etc/GMT-12",  # its day ends by day where this runs: a day's last minute is quiet
)


class Office(Struct):
    """A bridge whose sources are real systems; every vendor's way may be `ways`' own."""

    desk: Desk
    url: str
    clients: dict[str, Client]

    def client(self, source: str) -> Client:
        return self.clients[source]

    async def work(self, after: timedelta = timedelta()) -> None:
        """Advance and send until nothing is left to do."""
        await work(self.desk, self.client, _now() + after)

    async def ask(self, question: str) -> list[Any]:
        return await query(self.url, question)


def _at(moment: datetime) -> datetime:
    return moment


def _now() -> datetime:
    return datetime.now(timezone.utc)


@pytest.fixture
async def offices(tmp_path: Path) -> AsyncIterator[Any]:
    """Makes an office with one automation, on since an hour ago."""
    made: list[Office] = []

    async def make(
        sources: dict[str, Any], steps: list[dict[str, Any]], ways: dict[str, httpx.AsyncBaseTransport] | None = None
    ) -> Office:
        chosen = read_settings()
        registry = load_registry(chosen.adapters_dir, chosen.mappings_dir, {"sources": sources}, {})
        url = f"sqlite:///{tmp_path / 'live.db'}"
        store = await open_store(url)
        began = _now() - timedelta(hours=1)
        await sync.register(store, registry.sources, began)
        desk = await open_desk(chosen, store, registry, began)
        desk.rules = msgspec.structs.replace(desk.rules, outreach=ALWAYS)
        await go_live(desk, began)
        form = {
            "id": "live",
            "title": {"de": "Echt", "en": "Real"},
            "when": {"fact": "ticket.opened"},
            "purpose": "service",
            "while_ticket_open": "allow",
            "do": steps,
        }
        await save(store, read_automation(form, "test", Catalogue(), {}), mode="on", by="test", now=began)
        await desk.look_up()
        clients = {
            name: open_client(adapter, transport=(ways or {}).get(name) or httpx.AsyncHTTPTransport(trust_env=False))
            for name, adapter in registry.sources.items()
        }
        made.append(Office(desk, url, clients))
        return made[-1]

    yield make
    for office in made:
        for client in office.clients.values():
            await client.close()
        await office.desk.store.close()


# Request Tracker


@pytest.fixture(scope="module")
def tracker(missing: Missing) -> Iterator[request_tracker.Server]:
    try:
        with request_tracker.running(bcrypt=4) as running:
            yield running
    except request_tracker.Unavailable as problem:
        missing(str(problem))


async def test_a_new_ticket_gets_a_note_and_a_ticket_of_its_own_once_and_what_was_lost_is_found_again(
    tracker: request_tracker.Server, offices: Any
) -> None:
    steps = [
        {"add_note": {"text": {"de": "Bitte heute noch anrufen.", "en": "Please call today."}}},
        {
            "create_ticket": {
                "subject": {
                    "de": ["Nachfassen: {{ customer }}", "Nachfassen"],
                    "en": ["Follow up: {{ customer }}", "Follow up"],
                },
                "text": {"de": "Nach der Lösung nachfragen.", "en": "Ask after it was solved."},
                "priority": "high",
            }
        },
    ]
    office = await offices({"rt": {"adapter": "request_tracker", "settings": tracker_settings(tracker)}}, steps)
    number, email = add_customer(tracker, ticket=False)
    await _read(office)
    cause = add_ticket(tracker, email)
    await _read(office)
    await office.work()
    rows = await office.ask("select action, state, error, reference, id from outbox order by id")
    assert [(action, state, error) for action, state, error, *_ in rows] == [
        ("add_note", "sent", None),
        ("create_ticket", "sent", None),
    ]
    (note,) = _comments(tracker, cause)
    assert note["Type"] == "Comment" and rows[0][3] == f"transaction/{note['id']}"
    mine = tracker.ask("GET", "tickets", params={"query": f"Requestor.id = {number}", "fields": "Subject,Priority"})
    assert {one["id"]: one["Subject"] for one in mine["items"]} == {
        cause: "Router offline",
        rows[1][3]: "Nachfassen: Nora Feld",
    }

    # The ticket that was opened comes back as news; it is our own, and nothing follows from it.
    await _read(office)
    await office.work()
    assert await office.ask("select state, reason from runs order by state") == [
        ("done", ""),
        ("stopped", "own_ticket"),
    ]
    assert len(_comments(tracker, cause)) == 1

    # As if the answers had been lost: the vendor is asked, and says what became of it.
    await office.ask("update outbox set state = 'uncertain', reference = null, finished_at = due_at returning 1")
    await office.ask("update outbox set dedupe_key = 'never-sent' where action = 'create_ticket' returning 1")
    for later in (_now() + FIRST * 2, _now() + SURE_AFTER * 2):
        await reconcile_due(office.desk, office.client, most=9, clock=partial(_at, later))
    found = await office.ask("select state, reference, error from outbox order by id")
    assert found[0] == ("sent", f"transaction/{note['id']}", FOUND)
    assert found[1][:2] == ("dead", None)


async def _read(office: Office) -> None:
    """Poll to the end, as if all of it had settled, and absorb what came."""
    await asyncio.sleep(1.1)  # records carry no more than their second
    worker = Worker(desk=office.desk, clock=lambda: _now() + timedelta(minutes=1), interval=timedelta(0))
    worker.clients.update(office.clients)
    for name in office.desk.registry.sources:
        await worker.poll_source(name)
    await drain(office.desk, now=_now())


def _comments(server: request_tracker.Server, number: str) -> list[Any]:
    query = f"ObjectType = 'RT::Ticket' AND ObjectId = {number} AND Type = 'Comment'"
    answer: dict[str, Any] = server.ask("GET", "transactions", params={"query": query, "fields": "Type,Subject"})
    return list(answer["items"])


# Asterisk


@pytest.fixture(scope="module")
def exchange(missing: Missing) -> Iterator[asterisk.Server]:
    """Asterisk, an agent's phone and a customer who picks up."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(asterisk.running())
        except asterisk.Unavailable as problem:
            missing(str(problem))
        stack.enter_context(sipp.answering(found.anna))
        stack.enter_context(sipp.answering(found.customer))
        yield found


async def test_a_callback_is_really_dialled(exchange: asterisk.Server, offices: Any) -> None:
    phone = {
        "trunks": "PJSIP/provider",
        "numbers": "+4930555*",
        "cdr_file": str(exchange.cdr),
        "ari_url": exchange.url,
        "ari_user": asterisk.USER,
        "ari_password": asterisk.PASSWORD,
        "callback_queue": "technik",
    }
    sources = {
        "helpdesk": {"adapter": "zendesk", "settings": HELPDESK},
        "phone": {"adapter": "asterisk", "settings": phone},
    }
    said = {"de": "Wegen der Störung", "en": "About the outage"}
    office = await offices(sources, [{"schedule_callback": {"reason": said, "after": {"minutes": 0}}}])
    await _tell(office, user(1, phone="+49 30 55501299"), ticket(9, 1, at=_now()))
    await office.work()
    ((state, reference, error),) = await office.ask("select state, reference, error from outbox")
    assert (state, error) == ("sent", None) and reference.startswith("bridge-a_")
    await office.work(timedelta(minutes=5))
    until = time.monotonic() + PATIENCE
    while not (dialled := _dialled(exchange, "+493055501299")) and time.monotonic() < until:
        await asyncio.sleep(0.2)
        await _hang_up(office, reference)
    assert dialled == {reference}


def _dialled(server: asterisk.Server, number: str) -> set[str]:
    """The calls to a number, each by the id that its legs share (the last column but one of the call records)."""
    if not server.cdr.exists():
        return set()
    with server.cdr.open(newline="") as file:
        return {row[-2] for row in csv.reader(file) if number in row[1:3]}


async def _hang_up(office: Office, channel: str) -> None:
    client = office.client("phone")
    channels = (await client.call("GET", "ari/channels")).data
    for one in channels:
        if one["id"] == channel and one["state"] == "Up":
            await client.call("DELETE", f"ari/channels/{channel}")


# Twilio


@pytest.fixture(scope="module")
def twilio(missing: Missing) -> Iterator[str]:
    if not SPECIFICATION.exists():
        pytest.skip("the published specification is not beside this checkout")
    try:
        prism.find()
    except prism.Unavailable as problem:
        missing(str(problem))
    with prism.serving(SPECIFICATION) as url:
        yield url


async def test_a_text_message_is_a_legal_request_and_too_many_of_them_wait(twilio: str, offices: Any) -> None:
    way = prism.Redirected(twilio)
    settings = {"account_sid": ACCOUNT, "auth_token": "tw-auth-token-41c7", "sms_from": "+4930555010"}
    sources = {
        "helpdesk": {"adapter": "zendesk", "settings": HELPDESK},
        "texts": {"adapter": "twilio", "settings": settings},
    }
    said = {"de": "Wir kümmern uns um Ihre Störung.", "en": "We are on your outage."}
    office = await offices(sources, [{"send_sms": {"text": said}}], {"texts": way})
    way.answer = "429"
    await _tell(office, user(1, phone="+49 151 23456789"), ticket(9, 1, at=_now()))
    await office.work()
    assert await outbox.count(office.desk.store) == {"due": 1}
    way.answer = ""
    await office.work(timedelta(seconds=prism.RETRY_SECONDS + 1))
    ((state, reference, attempts),) = await office.ask("select state, reference, attempts from outbox")
    assert (state, reference[:2], attempts) == ("sent", "SM", 2)


async def _tell(office: Office, *items: Any) -> None:
    await feed(office.desk, "helpdesk", items, now=_now())
    await drain(office.desk, now=_now())
