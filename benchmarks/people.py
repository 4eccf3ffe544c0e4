"""Made-up customers in any number, as a German office would export them. Number i is the same person every time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

FIRST = 10_000_000
"""Customer i has the Berlin number `+4930` and FIRST + i."""

_WOMEN = "Katrin Sabine Aylin Monika Julia Petra Fatma Anna Lena Birgit Claudia Elif Svenja Ute Marta Nadine".split()
_MEN = "Jens Mehmet Thomas Stefan Uwe Paul Jan Andreas Emre Klaus Lukas Tobias Piotr Dirk Felix Norbert Ali".split()
_NAMES = (
    "Albers Yilmaz Krüger Weiß Schröder Demir Hoffmann Petersen Nowak Böhm Lindner Öztürk Jansen Fuchs Vogt Pohl "
    "Schäfer Kaya Busch Wendt Lorenz Thiel Sommer Brandt Möller Groß Kraft Ebert Seidel"
).split()
_STREETS = ("Hauptstraße", "Gartenweg", "Schillerplatz", "Am Markt", "Lindenallee", "Bahnhofstraße")
_TARIFFS = (
    ("Glasfaser 250", "29,90 €", "44,90 €"),
    ("Glasfaser 500", "1.039,90 €", "1.054,90 €"),
    ("DSL 100", "24,90 €", ""),
)
_HABITS = ("030/{}", "030 {}", "+49 30 {}", "0049 30 {}", "(030) {}", "+4930{}")
"""Phone numbers as people type them."""

_CUSTOMERS = "Kundennummer;Anrede;Vorname;Nachname;Straße;PLZ;Ort;E-Mail;Telefon;Sprache;Newsletter;Kunde seit"
_CONTRACTS = (
    "Vertragsnummer;Kundennummer;Produkt;Status;Vertragsbeginn;Vertragsende;Monatsbetrag;Rabatt bis;Betrag nach Rabatt"
)


def write_customers(folder: Path, count: int) -> None:
    """Write `kunden.csv` as Excel does in Germany: semicolons, Windows-1252, CRLF."""
    _write(folder / "kunden.csv", _CUSTOMERS, (_customer(number) for number in range(count)))


def write_contracts(folder: Path, count: int, today: date) -> None:
    """Write `vertraege.csv`: a contract each for the first `count` customers, ending at some time after `today`."""
    _write(folder / "vertraege.csv", _CONTRACTS, (_contract(number, today) for number in range(count)))


def name(number: int) -> tuple[str, str, str]:
    """Salutation, given and family name of one customer."""
    woman = number % 2 == 0
    given = (_WOMEN if woman else _MEN)[number // 2 % 16]
    return "Frau" if woman else "Herr", given, _NAMES[number // 32 % len(_NAMES)]


def email(number: int) -> str:
    """The address of one customer."""
    return f"kunde.{number}@example.de"


def phone(number: int) -> str:
    """The phone number of one customer, in E.164."""
    return f"+4930{FIRST + number}"


def _customer(number: int) -> tuple[str, ...]:
    salutation, given, family = name(number)
    return (
        str(number),
        salutation,
        given,
        family,
        f"{_STREETS[number % len(_STREETS)]} {number % 180 + 1}",
        f"{10_000 + number % 4000}",
        "Berlin",
        email(number),
        _HABITS[number % len(_HABITS)].format(f"{FIRST + number}"),
        "en" if number % 12 == 0 else "de",
        "ja" if number % 3 else "nein",
        _german(date(2002, 1, 1) + timedelta(days=number % 8000)),
    )


def _contract(number: int, today: date) -> tuple[str, ...]:
    product, monthly, after = _TARIFFS[number % len(_TARIFFS)]
    return (
        f"V{number}",
        str(number),
        product,
        "aktiv",
        _german(today - timedelta(days=100 + number % 2500)),
        _german(today + timedelta(days=5 + number * 7 % 720)),
        monthly,
        _german(today + timedelta(days=5 + number * 11 % 300)) if after else "",
        after,
    )


def _german(day: date) -> str:
    return f"{day:%d.%m.%Y}"


def _write(path: Path, header: str, rows: Iterable[tuple[str, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="cp1252", newline="\r\n") as file:
        file.write(header + "\n")
        file.writelines(";".join(row) + "\n" for row in rows)
