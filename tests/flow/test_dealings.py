"""Purchases and contracts read from the store: whose they are, and what is left out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bridge.flow import Desk
from bridge.flow.dealings import read_dealings
from bridge.model import Renewal
from bridge.scoring.fit.terms import Term
from bridge.worker import Worker
from tests.desks import NOW, read_exports

FILES = {
    "customers.csv": """Kundennummer;Name;E-Mail;Firmennummer;Widerspruch Profiling
1;Anna Albers;anna@example.org;;
2;Bernd Boehm;bernd@example.org;A1;
3;Carla Conrad;carla@example.org;A1;
4;Dora Demir;dora@example.org;;ja
5;Emil Ernst;emil@example.org;;
6;Fritz Fuchs;fritz@example.org;A2;ja
""",
    "accounts.csv": """Firmennummer;Firma;Segment
A1;Hafenwerk AG;Industrie
A2;Fuchs KG;Handwerk
""",
    "contracts.csv": """Vertragsnummer;Kundennummer;Firmennummer;Produkt;Status;Beginn;Ende;Verlaengerung;Gekuendigt am
V1;;A1;Netz;aktiv;2020-01-01;;automatisch;
V2;1;;Mobil;beendet;2023-01-01;2025-01-01;;
V3;1;;Mobil;beendet;2023-01-01;;;
V4;4;;Mobil;aktiv;2023-01-01;;;
V5;1;;Mobil;gekündigt;2023-01-01;2030-01-01;;
V6;1;;Mobil;gekündigt;2023-01-01;2026-01-01;;
V7;;A2;Netz;aktiv;2020-01-01;;;
V8;2;;Mobil;aktiv;2021-01-01;;;
V9;1;;Mobil;aktiv;;;;
V10;1;;Funk;gekündigt;2023-01-01;;;2025-06-01
V11;1;;Funk;gekündigt;2023-01-01;;;
""",
    "purchases.csv": """Bestellnummer;Kundennummer;Kaufdatum;Betrag;Waehrung
B1;1;2026-01-05;10,00;EUR
B2;2;2026-01-05;10,00;EUR
B3;5;2026-01-05;10,00;EUR
B4;5;2026-03-05;12,50 CHF;
B5;5;2026-04-05;10,00 SEK;
B6;5;2027-04-05;10,00;EUR
B7;4;2026-01-05;10,00;EUR
B8;3;2026-01-05;10,00;EUR
""",
}


@pytest.fixture
async def read(desk: Desk, tmp_path: Path) -> Desk:
    for name, text in FILES.items():
        (tmp_path / "exports" / name).write_text(text, "utf-8")
    await read_exports(Worker(desk=desk, clock=lambda: NOW))
    return desk


async def test_each_contract_counts_once_however_many_people_share_it(read: Desk) -> None:
    card = read.rules.deciding.card
    steps: list[tuple[int, int]] = []
    found = await read_dealings(read.store, card, NOW, lambda done, of_all: steps.append((done, of_all)))
    assert set(found.terms) == {
        Term(date(2020, 1, 1), None, "Netz", "Industrie", Renewal.automatic),
        Term(date(2023, 1, 1), date(2025, 1, 1), "Mobil"),
        Term(date(2023, 1, 1), None, "Mobil"),
        Term(date(2023, 1, 1), date(2026, 1, 1), "Mobil"),
        Term(date(2021, 1, 1), None, "Mobil", "Industrie"),
        Term(date(2023, 1, 1), date(2025, 6, 1), "Funk"),  # notice was given, and nobody says until when
    }
    assert len(found.terms) == 6
    assert found.as_of == NOW.date()
    assert steps[-1] == (19, 19)


async def test_purchases_are_of_those_who_neither_have_nor_share_a_contract(read: Desk) -> None:
    found = await read_dealings(read.store, read.rules.deciding.card, NOW)
    (owner,) = {owner for owner, _, _ in found.purchases}
    assert owner.startswith("c_")
    assert sorted((day, round(amount)) for _, day, amount in found.purchases) == [
        (date(2026, 1, 5), 1000),
        (date(2026, 3, 5), round(1250 * 1.05)),
    ]
    assert found.beside == 3


async def test_who_objects_is_left_out_with_their_account_and_what_cannot_be_read_is_counted(read: Desk) -> None:
    found = await read_dealings(read.store, read.rules.deciding.card, NOW)
    assert found.objecting == 3
    assert found.unreadable == 4
    assert not any(term.account == "Handwerk" for term in found.terms)
