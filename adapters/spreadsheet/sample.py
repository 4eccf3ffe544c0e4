"""The sample contact center as a German office exports it from Excel: `;`, Windows-1252, 31.12.2026, 1.234,56 €."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from bridge.adapter.source import Source
from bridge.model import Channel, Consent, ConsentStatus, ContractStatus, Money


class Person(Protocol):
    """A customer in neutral terms; `phone` in E.164."""

    id: str
    name: str | None
    given_name: str | None
    family_name: str | None
    salutation: str | None
    email: str | None
    phone: str | None
    language: str | None
    account_id: str | None
    customer_since: date | None
    consents: Sequence[Consent]


class Company(Protocol):
    """An account in neutral terms."""

    id: str
    name: str
    segment: str | None
    owner: str | None


class Agreement(Protocol):
    """A contract in neutral terms."""

    id: str
    customer_id: str
    product: str
    status: ContractStatus
    starts: date
    ends: date | None
    notice_by: date | None
    monthly_amount: Money
    discount_ends: date | None
    amount_after_discount: Money | None


class Sale(Protocol):
    """A purchase in neutral terms."""

    id: str
    customer_id: str
    at: datetime
    amount: Money
    margin: Money | None


class ContactCenter(Protocol):
    """What the sample has to tell."""

    accounts: Iterable[Company]
    customers: Iterable[Person]
    contracts: Iterable[Agreement]
    purchases: Iterable[Sale]


_LANGUAGES = {"de": "Deutsch", "en": "Englisch", "fr": "Französisch", "tr": "Türkisch", "pl": "Polnisch"}
_STATUSES = {ContractStatus.active: "aktiv", ContractStatus.cancelled: "gekündigt", ContractStatus.ended: "beendet"}
_CONSENTS = {ConsentStatus.granted: "ja", ConsentStatus.denied: "nein"}
_CHANNELS = {Channel.voice: "Telefon", Channel.email: "E-Mail", Channel.sms: "SMS"}


def export(contact_center: ContactCenter, source: Source) -> tuple[Path, ...]:
    """Write firmen.csv, kunden.csv, vertraege.csv and kaeufe.csv into the source's folder, and say where they are.

    The same contact center gives the same bytes. Each file appears at once, so that no half of it is ever read; a table
    without rows is not written.
    """
    folder = Path(source.setting("folder")).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "firmen.csv": [_company(one) for one in contact_center.accounts],
        "kunden.csv": [_person(one, index, source) for index, one in enumerate(contact_center.customers)],
        "vertraege.csv": [_agreement(one) for one in contact_center.contracts],
        "kaeufe.csv": [_sale(one, source) for one in contact_center.purchases],
    }
    return tuple(_write(folder / name, rows) for name, rows in tables.items() if rows)


def _company(one: Company) -> dict[str, str]:
    return {"Firmennummer": one.id, "Firma": one.name, "Segment": one.segment or "", "Betreuer": one.owner or ""}


def _person(one: Person, index: int, source: Source) -> dict[str, str]:
    row = {
        "Kundennummer": one.id,
        "Anrede": one.salutation or "",
        "Vorname": one.given_name or "",
        "Nachname": one.family_name or one.name or "",
        "E-Mail": one.email or "",
        "Telefon": typed(one.phone or "", index),
        "Sprache": _LANGUAGES.get(one.language or "", one.language or ""),
        "Firmennummer": one.account_id or "",
        "Kunde seit": _day(one.customer_since),
    }
    given = {consent.channel: consent for consent in one.consents}
    for channel, name in _CHANNELS.items():
        consent = given.get(channel)
        row[f"Einwilligung {name}"] = _CONSENTS.get(consent.status, "") if consent else ""
        row[f"Einwilligung {name} am"] = _day(consent.at.astimezone(source.zone)) if consent and consent.at else ""
    return row


def _agreement(one: Agreement) -> dict[str, str]:
    return {
        "Vertragsnummer": one.id,
        "Kundennummer": one.customer_id,
        "Tarif": one.product,
        "Status": _STATUSES.get(one.status, ""),
        "Vertragsbeginn": _day(one.starts),
        "Vertragsende": _day(one.ends),
        "Kündigung bis": _day(one.notice_by),
        "Monatsbetrag": amount(one.monthly_amount),
        "Rabatt bis": _day(one.discount_ends),
        "Betrag nach Rabatt": amount(one.amount_after_discount),
    }


def _sale(one: Sale, source: Source) -> dict[str, str]:
    return {
        "Bestellnummer": one.id,
        "Kundennummer": one.customer_id,
        "Bestelldatum": f"{one.at.astimezone(source.zone):%d.%m.%Y %H:%M}",
        "Betrag": amount(one.amount),
        "Deckungsbeitrag": amount(one.margin),
    }


def _day(day: date | None) -> str:
    return f"{day:%d.%m.%Y}" if day else ""


def amount(money: Money | None) -> str:
    """`money` as a German Excel shows it: `1.234,56 €`; other currencies by their code."""
    if money is None:
        return ""
    digits = f"{money.amount:,}".translate(str.maketrans(",.", ".,"))
    return f"{digits} {'€' if money.currency == 'EUR' else money.currency}"


def typed(phone: str, index: int) -> str:
    """A German number in one of the ways in which people type it, by turns; any other as it is."""
    if not phone.startswith("+49") or len(phone) < 9:
        return phone
    area, number = phone[3:6], phone[6:]
    pairs = " ".join(number[at : at + 2] for at in range(0, len(number), 2))
    ways = (
        f"0{area}/{number}",
        f"+49 (0){area} {number}",
        f"0{area} {pairs}",
        f"0049 {area} {number}",
        f"0{area}-{number}",
    )
    return ways[index % len(ways)]


def _write(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    """Write one file in Windows-1252, or, where a name needs more than that, in UTF-8 with a mark, as Excel does."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    try:
        content = text.getvalue().encode("cp1252")
    except UnicodeEncodeError:
        content = text.getvalue().encode("utf-8-sig")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)
    return path
