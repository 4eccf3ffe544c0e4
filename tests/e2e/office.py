"""A company to feed an installation with: a CRM's exports, and a helpdesk's signed events about the same people."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import msgspec

from bridge.adapter.manifest import load_manifest
from contract_tests.signing import sign
from tests.e2e.site import ROOT, Site

SECRET = "a-helpdesk-secret-nobody-may-see"
FIRST = 23_000_000_000_000
"""Zendesk's ids have fourteen digits."""
_DAY = "01.11.2026"


def sources(exports: Path) -> dict[str, Any]:
    """A CRM whose customers carry the helpdesk's number, and the helpdesk, of which only the webhooks are real."""
    return {
        "crm": {
            "adapter": "spreadsheet",
            "settings": {"folder": str(exports)},
            "mapping": {"objects": {"customers": {"fields": {"external_ids.helpdesk": "helpdesk_nr"}}}},
        },
        "helpdesk": {
            "adapter": "zendesk",
            "demo": True,
            "settings": {"subdomain": "acme", "webhook_secret": SECRET},
        },
    }


def write_exports(exports: Path, customers: int, chance: random.Random) -> None:
    """kunden.csv, vertraege.csv and kaeufe.csv, as a German Excel writes them."""
    exports.mkdir()
    names = ["Ayşe", "Jörg", "Maria", "Tom"]
    people = [
        f"{one};{chance.choice(names)};Beispiel-{one};p{one}@example.de;030 23125 {one % 1000:03d};{FIRST + one};{_DAY}"
        for one in range(customers)
    ]
    contracts = [
        f"V{one};{one};Glasfaser 500;aktiv;01.03.2024;{_any_day(chance)}.02.2027;{chance.randint(20, 90)},90 €;{_DAY}"
        for one in range(customers)
        if chance.random() < 0.7
    ]
    sales = [
        f"B{one};{chance.randrange(customers)};{_any_day(chance)}.0{chance.randint(1, 9)}.2026;{9 + one % 90},00 €"
        for one in range(customers * 2)
    ]
    for name, header, rows in (
        ("kunden.csv", "Kundennummer;Vorname;Nachname;E-Mail;Telefon;Helpdesk-Nr;Geändert am", people),
        (
            "vertraege.csv",
            "Vertragsnummer;Kundennummer;Tarif;Status;Vertragsbeginn;Vertragsende;Monatsbetrag;Geändert am",
            contracts,
        ),
        ("kaeufe.csv", "Bestellnummer;Kundennummer;Datum;Betrag", sales),
    ):
        (exports / name).write_bytes("\r\n".join([header, *rows, ""]).encode("cp1252", "replace"))


def _any_day(chance: random.Random) -> int:
    return chance.randint(1, 28)


def events(tickets: int, customers: int, chance: random.Random) -> list[bytes]:
    """Bodies of events: tickets that are opened, tagged, solved and deleted, and people whose names change."""
    found = [body for number in range(tickets) for body in _ticket(number, chance.randrange(customers), chance)]
    found += [_renamed(number, version) for number in range(0, customers, 7) for version in range(2)]
    found += chance.sample(found, len(found) // 10)
    chance.shuffle(found)
    return found


def _ticket(number: int, of: int, chance: random.Random) -> Iterator[bytes]:
    opened = datetime(2026, 9, 1, tzinfo=timezone.utc) + timedelta(hours=number)
    detail = {
        "id": str(FIRST + number),
        "created_at": _stamp(opened),
        "subject": "Anschluss",
        "description": "Der Anschluss geht nicht.",
        "type": "PROBLEM",
        "priority": "NORMAL",
        "requester_id": str(FIRST + of),
        "organization_id": None,
        "via": {"channel": "email"},
    }
    steps: list[tuple[str, dict[str, Any]]] = [("ticket.created", {"status": "NEW", "tags": []})]
    if chance.random() < 0.5:
        steps.append(("ticket.tags_changed", {"status": "OPEN", "tags": ["beschwerde"]}))
    if chance.random() < 0.6:
        steps.append(("ticket.status_changed", {"status": "SOLVED", "tags": []}))
    if chance.random() < 0.1:
        steps.append(("ticket.soft_deleted", {"status": "DELETED", "tags": []}))
    for place, (name, more) in enumerate(steps):
        at = opened + timedelta(minutes=20 * place)
        yield _event(name, f"ticket-{number}-{place}", at, {**detail, **more, "updated_at": _stamp(at)}, more["status"])


def _renamed(number: int, version: int) -> bytes:
    at = datetime(2026, 10, 1 + version, tzinfo=timezone.utc) + timedelta(minutes=number)
    detail = {
        "id": str(FIRST + number),
        "email": f"p{number}@example.de",
        "external_id": None,
        "role": "end-user",
        "created_at": _stamp(at - timedelta(days=200)),
        "updated_at": _stamp(at),
    }
    return _event("user.name_changed", f"user-{number}-{version}", at, detail, f"Neuer Name {number}.{version}")


def _event(name: str, number: str, at: datetime, detail: dict[str, Any], current: str) -> bytes:
    return msgspec.json.encode(
        {
            "type": f"zen:event-type:{name}",
            "account_id": 1,
            "id": number,
            "time": _stamp(at),
            "zendesk_event_version": "2022-11-06",
            "subject": f"zen:{name.partition('.')[0]}:{detail['id']}",
            "detail": detail,
            "event": {"meta": {"sequence": {"id": number, "position": 1}}, "current": current},
        }
    )


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


async def deliver(
    client: httpx.AsyncClient, site: Site, body: bytes, *, secret: str = SECRET, at: datetime | None = None
) -> httpx.Response:
    """Send one event as the helpdesk does, signed at this moment, or `at` another."""
    url = f"{site.url}/webhooks/helpdesk"
    stamp = at or datetime.now(timezone.utc)
    headers = sign(_MANIFEST, secret, method="POST", url=url, body=body, at=stamp, id="")
    return await client.post(url, content=body, headers=headers | {"content-type": "application/json"})


_MANIFEST = load_manifest(ROOT / "adapters" / "zendesk" / "manifest.yaml")
