"""The sample contact center as a German office exports it: `;`, Windows-1252, 31.12.2026, 1.234,56 € from Excel, survey
invitations as Excel's "Unicode text", usage as a program writes it; here and there a row that nobody can read."""

from __future__ import annotations

import csv
import io
import os
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
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
    mobile: str | None
    region: str | None
    job_title: str | None
    owner: str | None
    preferred_channel: Channel
    communication_needs: str | None
    customer_since: date | None
    consents: Sequence[Consent]
    objects_to_profiling: bool
    deceased: bool
    tags: Sequence[str]


class Company(Protocol):
    """An account in neutral terms."""

    id: str
    name: str
    segment: str | None
    owner: str | None
    prestige: bool


class Agreement(Protocol):
    """A contract in neutral terms, as it stands since `changed`; where `account_id` is given, it is the company's."""

    id: str
    customer_id: str
    account_id: str | None
    product: str
    status: ContractStatus
    starts: date
    ends: date | None
    notice_by: date | None
    monthly_amount: Money
    discount_ends: date | None
    amount_after_discount: Money | None
    renewal: str
    cancelled_at: date | None
    cancel_reason: str | None
    changed: date | None


class Sale(Protocol):
    """A purchase in neutral terms."""

    id: str
    customer_id: str
    at: datetime
    amount: Money
    margin: Money | None
    product: str | None
    refunded: bool


class Survey(Protocol):
    """An invitation to a survey; only those without an answer are told here, the others by the survey tool."""

    id: str
    customer_id: str
    metric: str
    sent: datetime
    answered: datetime | None


class Reading(Protocol):
    """One measure of one day in neutral terms."""

    customer_id: str
    metric: str
    day: date
    value: float


class ContactCenter(Protocol):
    """What the sample has to tell. `spoiled`: ids of customers, contracts and purchases whose rows cannot be read.

    `former` are the contracts as they stood before, each one's oldest first.
    """

    accounts: Iterable[Company]
    customers: Iterable[Person]
    contracts: Iterable[Agreement]
    former: Iterable[Agreement]
    purchases: Iterable[Sale]
    surveys: Iterable[Survey]
    readings: Iterable[Reading]
    spoiled: Container[str]


_LANGUAGES = {"de": "Deutsch", "en": "Englisch", "fr": "Französisch", "tr": "Türkisch", "pl": "Polnisch"}
_STATUSES = {ContractStatus.active: "aktiv", ContractStatus.cancelled: "gekündigt", ContractStatus.ended: "beendet"}
_CONSENTS = {ConsentStatus.granted: "ja", ConsentStatus.denied: "nein"}
_PREFERRED = {Channel.voice: "Telefon", Channel.email: "E-Mail", Channel.sms: "SMS", Channel.letter: "Brief"}
_RENEWALS = {"automatic": "automatisch", "manual": "manuell"}
_CHANNELS = {Channel.voice: "Telefon", Channel.email: "E-Mail", Channel.sms: "SMS"}


def export(contact_center: ContactCenter, source: Source) -> tuple[Path, ...]:
    """Write firmen, kunden, vertraege, kaeufe, umfragen and nutzung (.csv) into the source's folder; returns the paths.

    A contract has a row for each state that it was in, the present one last. The same contact center gives the same
    bytes. Each file appears at once, so that no half of it is ever read; a table without rows is not written.
    """
    folder = Path(source.setting("folder")).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    bad = contact_center.spoiled
    people = enumerate(contact_center.customers)
    asked = [one for one in contact_center.surveys if one.answered is None and one.metric != "exit"]
    tables = {
        "firmen.csv": [_company(one) for one in contact_center.accounts],
        "kunden.csv": [_spoil(_person(one, index, source), one.id, bad, "Kunde seit") for index, one in people],
        "vertraege.csv": [_spoil(_agreement(one), one.id, bad, "Vertragsbeginn") for one in _states(contact_center)],
        "kaeufe.csv": [_spoil(_sale(one, source), one.id, bad, "Bestelldatum") for one in contact_center.purchases],
    }
    written = [_write(folder / name, rows) for name, rows in tables.items() if rows]
    if invited := [_invitation(one, source) for one in asked]:
        written.append(_write(folder / "umfragen.csv", invited, delimiter="\t", encoding="utf-16"))
    if used := [_reading(one) for one in contact_center.readings]:
        written.append(_write(folder / "nutzung.csv", used, delimiter=",", encoding="utf-8"))
    return tuple(written)


def _spoil(row: dict[str, str], id: str, spoiled: Container[str], column: str) -> dict[str, str]:
    """The row as it is, or with a date that no calendar has, if it is one of the spoiled."""
    return row | {column: "31.02.2O23"} if id in spoiled else row


def _company(one: Company) -> dict[str, str]:
    return {
        "Firmennummer": one.id,
        "Firma": one.name,
        "Segment": one.segment or "",
        "Betreuer": one.owner or "",
        "Prestige": "x" if one.prestige else "",
    }


def _person(one: Person, index: int, source: Source) -> dict[str, str]:
    row = {
        "Kundennummer": one.id,
        "Anrede": one.salutation or "",
        "Vorname": one.given_name or "",
        "Nachname": one.family_name or one.name or "",
        "E-Mail": one.email or "",
        "Telefon": typed(one.phone or "", index),
        "Mobil": typed(one.mobile or "", index + 2),
        "Ort": one.region or "",
        "Sprache": _LANGUAGES.get(one.language or "", one.language or ""),
        "Firmennummer": one.account_id or "",
        "Position": one.job_title or "",
        "Betreuer": one.owner or "",
        "Bevorzugter Kanal": _PREFERRED.get(one.preferred_channel, ""),
        "Besondere Bedürfnisse": one.communication_needs or "",
        "Kunde seit": _day(one.customer_since),
        "Widerspruch Profiling": "x" if one.objects_to_profiling else "",
        "Verstorben": "x" if one.deceased else "",
        "Merkmale": ", ".join(one.tags),
    }
    given = {consent.channel: consent for consent in one.consents}
    for channel, name in _CHANNELS.items():
        consent = given.get(channel)
        row[f"Einwilligung {name}"] = _CONSENTS.get(consent.status, "") if consent else ""
        row[f"Einwilligung {name} am"] = _day(consent.at.astimezone(source.zone)) if consent and consent.at else ""
    return row


def _states(contact_center: ContactCenter) -> Iterator[Agreement]:
    """Contract after contract, the states of each in their order."""
    former: defaultdict[str, list[Agreement]] = defaultdict(list)
    for one in contact_center.former:
        former[one.id].append(one)
    for one in contact_center.contracts:
        yield from former[one.id]
        yield one


def _agreement(one: Agreement) -> dict[str, str]:
    return {
        "Vertragsnummer": one.id,
        "Kundennummer": "" if one.account_id else one.customer_id,
        "Firmennummer": one.account_id or "",
        "Tarif": one.product,
        "Status": _STATUSES.get(one.status, ""),
        "Vertragsbeginn": _day(one.starts),
        "Vertragsende": _day(one.ends),
        "Kündigung bis": _day(one.notice_by),
        "Monatsbetrag": amount(one.monthly_amount),
        "Rabatt bis": _day(one.discount_ends),
        "Betrag nach Rabatt": amount(one.amount_after_discount),
        "Verlängerung": _RENEWALS.get(one.renewal, ""),
        "Gekündigt am": _day(one.cancelled_at),
        "Kündigungsgrund": one.cancel_reason or "",
        "Geändert am": _day(one.changed),
    }


def _sale(one: Sale, source: Source) -> dict[str, str]:
    return {
        "Bestellnummer": one.id,
        "Kundennummer": one.customer_id,
        "Bestelldatum": f"{one.at.astimezone(source.zone):%d.%m.%Y %H:%M}",
        "Betrag": amount(one.amount),
        "Deckungsbeitrag": amount(one.margin),
        "Artikel": one.product or "",
        "Erstattet": "ja" if one.refunded else "",
    }


def _invitation(one: Survey, source: Source) -> dict[str, str]:
    return {
        "Umfrage-ID": one.id,
        "Kundennummer": one.customer_id,
        "Metrik": one.metric.upper(),
        "Gesendet am": f"{one.sent.astimezone(source.zone):%d.%m.%Y %H:%M}",
        "Beantwortet am": "",
    }


def _reading(one: Reading) -> dict[str, str]:
    return {
        "customer_number": one.customer_id,
        "metric": one.metric,
        "day": one.day.isoformat(),
        "value": f"{one.value:.1f}",
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


def _write(path: Path, rows: Sequence[dict[str, str]], *, delimiter: str = ";", encoding: str = "cp1252") -> Path:
    """Write one file; in UTF-8 with a mark, as Excel does, where a name has letters that `encoding` has not."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    try:
        content = text.getvalue().encode(encoding)
    except UnicodeEncodeError:
        content = text.getvalue().encode("utf-8-sig")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)
    return path
