"""An office whose messages carry links, and customers with a contract who get them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bridge.automation.links import Token, read_token
from bridge.automation.rules import Automation, read_automation
from bridge.flow import Desk
from bridge.store import Store
from bridge.worker import Worker
from contract_tests import shipped
from tests.automation.mailing import APOLOGY, TUESDAY, Vendor, make_office, people, rule, tell
from tests.desks import drain, read_exports, ticket

TICKETS = "0123456789abcdef0123456789abcdef"
BASE = "https://bridge.example"
LATER = TUESDAY + timedelta(minutes=1)
_LINK = re.compile(rf"{BASE}/l/([\w-]+)")


def says(*lines: str) -> dict[str, Any]:
    """A message of `lines`, the same in both languages."""
    return {"subject": {"de": "Hallo", "en": "Hello"}, "lines": {"de": list(lines), "en": list(lines)}}


def linking(*names: str, **changes: Any) -> Automation:
    """An automation whose message names the links `names`."""
    lines = ("Guten Tag.", *(f"{name}: {{{{ {name}_link }}}}" for name in names))
    return rule(do=[{"send_email": {"message": says(*lines)}}], **changes)


async def make_linked(store: Store, folder: Path, *automations: Automation, **settings: Any) -> Desk:
    """The office, reachable at BASE, with a CRM of exports."""
    wanted: dict[str, Any] = {"public_url": BASE, "ticket_secret": SecretStr(TICKETS)} | settings
    return await make_office(store, folder / "office", *automations, exports=folder / "exports", **wanted)


async def settle_in(desk: Desk, folder: Path, count: int = 1, *, ends: str = "31.01.2027") -> None:
    """Customers 1 to `count` with a contract each, known before anything happened."""
    early = TUESDAY - timedelta(days=2)
    exports = folder / "exports"
    rows = [
        (f"K{n};Person;{n};person{n}@example.de;Jana Brandt;01.11.2026", f"V{n};K{n};DSL 100;aktiv;{ends};01.11.2026")
        for n in range(1, count + 1)
    ]
    head = "Kundennummer;Vorname;Nachname;E-Mail;Betreuer;Geändert am\n"
    (exports / "kunden.csv").write_text(head + "\n".join(row for row, _ in rows))
    head = "Vertragsnummer;Kundennummer;Tarif;Status;Vertragsende;Geändert am\n"
    (exports / "vertraege.csv").write_text(head + "\n".join(row for _, row in rows))
    await tell(desk, people(count, at=early), early)
    await read_exports(Worker(desk=desk, clock=lambda: early))
    await drain(desk, now=early)


async def complain(desk: Desk, count: int = 1, now: datetime = TUESDAY) -> None:
    """Customers 1 to `count` open a ticket each."""
    await tell(desk, [ticket(number, number, at=now) for number in range(1, count + 1)], now)


def tokens(vendor: Vendor, which: int = -1) -> dict[str, str]:
    """The tokens in the text of a message, by what stands before them."""
    text = vendor.done[which][1]["data"]["text"]
    return {line.partition(":")[0]: found[1] for line in text.split("\n") if (found := _LINK.search(line))}


def opened(token: str) -> Token:
    """The token as the gateway reads it."""
    return read_token([TICKETS], token)


def offering(amount: int = 20) -> Automation:
    """An automation that offers a goodwill credit of `amount` by a link."""
    offer = {"id": "goodwill_credit", "amount": amount, "message": says("accept: {{ accept_link }}")}
    catalogue = shipped.rules().deciding.playbooks.catalogue
    return read_automation(APOLOGY | {"do": [{"offer": offer}]}, "test", catalogue, {})
