"""The adapter against a real Request Tracker 5: what its documentation leaves open, and what it says wrongly."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import pytest

from bridge.adapter.base import Action, Adapter, Item
from bridge.adapter.client import Client
from bridge.errors import VendorRefused
from bridge.intake.live import checked
from bridge.model import Entry, Key, KeyKind
from tests.live import request_tracker

if TYPE_CHECKING:
    from tests.live.conftest import Connect, Missing

README = Path(__file__).resolve().parents[2] / "adapters" / "request_tracker" / "README.md"
SPELLINGS = ("+49 155 50001234", "0155/5000 12-34", "0049 (155) 50001234", "+49 (0) 155 50001234", "015550001234")
PHONE = Key(KeyKind.phone, "+4915550001234")
SMALL_PAGES = partial(httpx.URL.copy_set_param, key="per_page", value=5)


@pytest.fixture(scope="module")
def server(missing: Missing) -> Iterator[request_tracker.Server]:
    try:
        with request_tracker.running(bcrypt=4) as running:
            yield running
    except request_tracker.Unavailable as problem:
        missing(str(problem))


@pytest.fixture
def rt(server: request_tracker.Server, connect: Connect) -> tuple[Adapter, Client]:
    return connect("request_tracker", settings(server))


def settings(server: request_tracker.Server, **others: str) -> dict[str, str]:
    return {"url": server.url, "token": server.token, "queue": "Support", **others}


def soon() -> datetime:
    """A moment at which everything done so far has settled."""
    return datetime.now(timezone.utc) + timedelta(minutes=1)


def entries(adapter: Adapter, items: list[Item]) -> list[Entry]:
    return [one for item in items for one in adapter.read(item) if isinstance(one, Entry)]


async def read_on(
    server: request_tracker.Server, connect: Connect, stream: str, cursor: str = ""
) -> tuple[list[Item], str, int]:
    """What comes after `cursor`, the cursor then, and how many pages it took; each is read by another adapter."""
    items: list[Item] = []
    for pages in range(1, 60):
        adapter, client = connect("request_tracker", settings(server), SMALL_PAGES)
        page = await adapter.page(client, stream, cursor, soon())
        items += page.items
        cursor = page.cursor
        if not page.more:
            return items, cursor, pages
    raise AssertionError(f"{stream} has no end")


def add_customer(
    server: request_tracker.Server, *, ticket: bool = True, phones: dict[str, str] | None = None, comments: str = ""
) -> tuple[str, str]:
    """A customer of a test's own; gives back the id and the e-mail address."""
    email = f"{uuid4().hex}@example.org"
    said = {"Name": email, "EmailAddress": email, "RealName": "Nora Feld", "Comments": comments, **(phones or {})}
    server.ask("POST", "user", json=said)
    if ticket:
        add_ticket(server, email)
    return str(server.ask("GET", f"user/{email}")["id"]), email


def add_ticket(server: request_tracker.Server, email: str, **fields: str) -> str:
    body = {"Queue": "Support", "Subject": "Router offline", "Requestor": email, **fields}
    return str(server.ask("POST", "ticket", json=body)["id"])


def await_next_second() -> None:
    """Records carry no more than their second; what was read is told from what happens next."""
    time.sleep(1.1)


def test_the_rights_are_those_that_the_readme_names() -> None:
    readme = README.read_text("utf-8")
    assert [right for right in request_tracker.RIGHTS if right not in readme] == []


async def test_everything_comes_although_all_changed_in_one_second(
    server: request_tracker.Server, connect: Connect
) -> None:
    users, _, pages = await read_on(server, connect, "users")
    assert pages > 2
    adapter, _ = connect("request_tracker", settings(server))
    names = [entry.body.get("name") for entry in entries(adapter, users) if entry.kind == "full"]
    assert {f"Customer {number + 1}" for number in range(request_tracker.CUSTOMERS)} <= set(names)
    staff = {item.raw["Name"] for item in users if item.raw["Privileged"]}
    assert staff == {"root", "bridge", "newcomer"}
    assert len(users) == len({item.raw["id"] for item in users})
    tickets, _, pages = await read_on(server, connect, "tickets")
    assert pages > 4
    subjects = [entry.body["topic"] for entry in entries(adapter, tickets) if entry.kind == "full"]
    assert {f"Ticket {number + 1}" for number in range(request_tracker.TICKETS)} <= set(subjects)
    assert len(tickets) == len({item.raw["id"] for item in tickets})
    people = {str(item.raw["id"]) for item in users}
    assert {entry.subject.customer for entry in entries(adapter, tickets) if entry.kind == "full"} <= people


async def test_a_later_sync_brings_exactly_what_happened_since(
    server: request_tracker.Server, connect: Connect
) -> None:
    number, email = add_customer(server)
    left, leaver = add_customer(server, ticket=False)
    spam, loser, winner, old = (add_ticket(server, email) for _ in range(4))
    _, users, _ = await read_on(server, connect, "users")
    _, tickets, _ = await read_on(server, connect, "tickets")
    adapter, _ = connect("request_tracker", settings(server))
    assert entries(adapter, (await read_on(server, connect, "users", users))[0]) == []
    assert entries(adapter, (await read_on(server, connect, "tickets", tickets))[0]) == []

    await_next_second()
    server.ask("PUT", f"user/{email}", json={"MobilePhone": "0155 500 04711"})
    server.ask("PUT", f"user/{leaver}", json={"Disabled": 1})
    server.ask("PUT", f"ticket/{spam}", json={"Status": "deleted"})
    server.ask("PUT", f"ticket/{loser}", json={"MergeInto": int(winner)})
    server.ask("PUT", f"ticket/{old}", json={"Status": "resolved"})
    fresh = add_ticket(server, email, Queue="Beschwerden")

    people = {one.source_id: one for one in entries(adapter, (await read_on(server, connect, "users", users))[0])}
    assert {name: one.kind.value for name, one in people.items()} == {number: "full", left: "deleted"}
    assert people[number].body["phones"][0]["e164"] == "+4915550004711"
    found = {one.source_id: one for one in entries(adapter, (await read_on(server, connect, "tickets", tickets))[0])}
    assert {name: one.kind.value for name, one in found.items()} == {
        spam: "deleted",
        loser: "deleted",
        winner: "full",
        old: "full",
        fresh: "full",
    }
    assert found[old].body["status"] == "resolved" and found[old].body["resolved"]
    assert found[fresh].body["type"] == "complaint"
    assert found[fresh].subject.customer == number


async def look_up(adapter: Adapter, client: Client, key: Key) -> dict[str, list[str]]:
    """The ids of the people and of their tickets that remain once each answer was checked, as the bridge checks it."""
    found = entries(adapter, checked(adapter, await adapter.lookup(client, key), key))
    return {kind: [one.source_id for one in found if one.object == kind] for kind in ("customer", "ticket")}


@pytest.mark.parametrize("field", ["MobilePhone", "WorkPhone", "HomePhone", "PagerPhone"])
@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_a_caller_is_found_by_phone_however_it_was_typed(
    server: request_tracker.Server, rt: tuple[Adapter, Client], field: str, spelling: str
) -> None:
    number, email = add_customer(server, phones={field: spelling})
    try:
        found = await look_up(*rt, PHONE)
        assert found["customer"] == [number]
        assert len(found["ticket"]) == 1
    finally:
        server.ask("PUT", f"user/{email}", json={field: ""})


async def test_a_customer_is_found_by_email_and_id_without_any_ticket(
    server: request_tracker.Server, rt: tuple[Adapter, Client]
) -> None:
    number, email = add_customer(server, ticket=False)
    nobody_yet = {"customer": [number], "ticket": list[str]()}
    assert await look_up(*rt, Key(KeyKind.email, email)) == nobody_yet
    assert await look_up(*rt, Key(KeyKind.id, f"live:{number}")) == nobody_yet
    ticket = add_ticket(server, email)
    assert await look_up(*rt, Key(KeyKind.id, f"live:{number}")) == {"customer": [number], "ticket": [ticket]}


async def test_a_key_that_cannot_exist_finds_nobody(server: request_tracker.Server, rt: tuple[Adapter, Client]) -> None:
    add_customer(server, phones={"MobilePhone": SPELLINGS[0]})
    keys = {KeyKind.phone: "+4915500009999", KeyKind.email: "nobody.at.all@example.org", KeyKind.id: "live:999999"}
    for kind, value in keys.items():
        assert await rt[0].lookup(rt[1], Key(kind, value)) == []


async def test_an_unknown_filter_is_answered_with_everybody_and_caught(
    server: request_tracker.Server, connect: Connect
) -> None:
    """Users can be searched by some fields only; a filter on another one is ignored, with status 200."""

    misspelt = list[httpx.URL]()

    def misspell(url: httpx.URL) -> httpx.URL:
        query = url.params.get("query", "")
        if "EmailAddress" in query:
            url = url.copy_set_param("query", query.replace("EmailAddress", "MobilePhone"))
            misspelt.append(url)
        return url

    number, email = add_customer(server, phones={"MobilePhone": "0155 500 08888"})
    asked = {"query": '[{"field": "MobilePhone", "value": "0155 500 08888"}]'}
    assert server.ask("GET", "users", params=asked)["total"] > request_tracker.CUSTOMERS
    adapter, client = connect("request_tracker", settings(server), misspell)
    for address, people in (("nobody.at.all@example.org", []), (email, [number])):
        assert (await look_up(adapter, client, Key(KeyKind.email, address)))["customer"] == people
    assert len(misspelt) == 2


async def test_custom_fields_stand_under_their_names_in_a_list_and_on_the_page_of_a_user(
    server: request_tracker.Server, connect: Connect, rt: tuple[Adapter, Client]
) -> None:
    number, email = add_customer(server)
    server.ask("PUT", f"user/{email}", json={"CustomFields": {"Kundennummer": "K-20017"}})
    listed, _, _ = await read_on(server, connect, "users")
    found = await rt[0].lookup(rt[1], Key(KeyKind.email, email))
    for items in (listed, found):
        (user,) = [item.raw for item in items if item.object == "user" and str(item.raw["id"]) == number]
        assert user["CustomFields"] == {"Kundennummer": "K-20017"}
    assert {str(item.raw["id"]): item.raw for item in listed}[number] == found[0].raw


async def test_a_user_without_the_rights_is_told_which_one_is_missing(
    server: request_tracker.Server, connect: Connect
) -> None:
    """Without AdminUsers most filters are ignored and most fields empty, and a list looks as good as any."""
    number, _ = add_customer(server)
    newcomer = settings(server, token="", user="newcomer", password="newcomer-password")
    adapter, client = connect("request_tracker", newcomer)
    with pytest.raises(VendorRefused, match="withheld.*right AdminUsers"):
        await adapter.page(client, "users", "", soon())
    with pytest.raises(VendorRefused, match="right AdminUsers"):
        await adapter.lookup(client, Key(KeyKind.id, f"live:{number}"))


async def test_a_user_whose_dates_would_be_misread_is_told_to_use_utc(
    server: request_tracker.Server, connect: Connect
) -> None:
    server.ask("PUT", "user/bridge", json={"Timezone": "America/New_York"})
    try:
        adapter, client = connect("request_tracker", settings(server))
        with pytest.raises(VendorRefused, match="UTC"):
            await adapter.page(client, "tickets", "", soon())
    finally:
        server.ask("PUT", "user/bridge", json={"Timezone": "UTC"})


async def test_only_tickets_since_the_first_day_come(server: request_tracker.Server, connect: Connect) -> None:
    adapter, client = connect("request_tracker", settings(server, since="2026-03-03"))
    page = await adapter.page(client, "tickets", "", soon())
    assert [item for item in page.items if item.raw["Subject"] == "Ticket 1"] == []


async def test_a_wrong_token_and_a_wrong_password_are_refused(server: request_tracker.Server, connect: Connect) -> None:
    for wrong in ({"token": "1-14-0000000000000000"}, {"token": "", "user": "bridge", "password": "wrong"}):
        adapter, client = connect("request_tracker", settings(server, **wrong))
        with pytest.raises(VendorRefused) as caught:
            await adapter.lookup(client, PHONE)
        assert caught.value.status == 401


async def test_a_password_does_instead_of_a_token(server: request_tracker.Server, connect: Connect) -> None:
    number, _ = add_customer(server)
    adapter, client = connect("request_tracker", settings(server, token="", user="bridge", password="bridge-password"))
    assert (await look_up(adapter, client, Key(KeyKind.id, f"live:{number}")))["customer"] == [number]


async def test_a_note_on_a_ticket_is_a_comment_and_written_once(
    server: request_tracker.Server, rt: tuple[Adapter, Client]
) -> None:
    _, email = add_customer(server, ticket=False)
    ticket = add_ticket(server, email)
    action = Action(do="add_note", args={"text": "Rückruf bis Freitag.", "ticket": ticket}, idempotency_key=uuid4().hex)
    first, second = [await rt[0].perform(rt[1], action) for _ in range(2)]
    assert first == second and first.reference.startswith("transaction/")
    history = server.ask("GET", f"ticket/{ticket}/history", params={"fields": "Type,Data", "per_page": 100})["items"]
    assert [one["Data"].strip() for one in history if one["Type"] == "Comment"] == [
        f"Retention Bridge {action.idempotency_key}"
    ]
    assert [one for one in history if one["Type"] == "Correspond"] == []


async def test_a_note_on_a_customer_stands_below_what_stood_there_once(
    server: request_tracker.Server, rt: tuple[Adapter, Client]
) -> None:
    number, _ = add_customer(server, ticket=False, comments="Zieht im Sommer um.")
    action = Action(do="add_note", args={"text": "Wünscht Anruf.", "customer": number}, idempotency_key=uuid4().hex)
    for _ in range(2):
        assert (await rt[0].perform(rt[1], action)).reference == f"user/{number}"
    kept = server.ask("GET", f"user/{number}")["Comments"]
    assert kept == f"Zieht im Sommer um.\n\n[Retention Bridge {action.idempotency_key}]\nWünscht Anruf."


async def test_a_ticket_is_opened_once_for_the_customer(
    server: request_tracker.Server, rt: tuple[Adapter, Client]
) -> None:
    number, _ = add_customer(server, ticket=False)
    args = {"subject": "Rückruf", "text": "Wie am Telefon besprochen.", "customer": number, "priority": "urgent"}
    action = Action(do="create_ticket", args=args, idempotency_key=f"decision {uuid4().hex}'")
    first, second = [await rt[0].perform(rt[1], action) for _ in range(2)]
    assert first == second
    fields = {"fields": "Subject,Priority,Queue,Requestor", "fields[Requestor]": "id", "fields[Queue]": "Name"}
    (made,) = server.ask("GET", "tickets", params={"query": f"Requestor.id = {number}", **fields})["items"]
    assert made["id"] == first.reference
    assert (made["Subject"], made["Priority"], made["Queue"]["Name"]) == ("Rückruf", "100", "Support")


async def test_a_ticket_is_opened_for_an_address_and_for_a_caller_without_one(
    server: request_tracker.Server, rt: tuple[Adapter, Client]
) -> None:
    email = f"{uuid4().hex}@example.org"
    said = {"subject": "Callback", "text": "About the new tariff."}
    for args, requestors in (({**said, "email": email}, [email]), ({**said, "phone": "+4915550007777"}, [])):
        action = Action(do="create_ticket", args=args, idempotency_key=uuid4().hex)
        reference = (await rt[0].perform(rt[1], action)).reference
        assert [one["id"] for one in server.ask("GET", f"ticket/{reference}")["Requestor"]] == requestors


async def test_what_is_not_there_or_not_allowed_is_refused(server: request_tracker.Server, connect: Connect) -> None:
    _, email = add_customer(server, ticket=False)
    args = {"subject": "Callback", "text": "About the new tariff.", "email": email}
    for setting, do, given in (
        ({"queue": "Nowhere"}, "create_ticket", args),
        ({}, "add_note", {"text": "Hello", "ticket": "999999"}),
        ({}, "add_note", {"text": "Hello", "customer": "999999"}),
    ):
        adapter, client = connect("request_tracker", settings(server, **setting))
        with pytest.raises(VendorRefused):
            await adapter.perform(client, Action(do=do, args=given, idempotency_key=uuid4().hex))
