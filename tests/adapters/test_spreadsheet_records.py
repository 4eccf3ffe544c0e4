"""What rows say between their columns, and the sample that is written as a German office would export it."""

from __future__ import annotations

import csv
from datetime import date, datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.spreadsheet.adapter import Spreadsheet
from adapters.spreadsheet.sample import amount, export, typed
from bridge.adapter.addresses import normalise_phone
from bridge.adapter.base import Item
from bridge.adapter.client import open_client
from bridge.adapter.convert import money
from bridge.adapter.manifest import load_manifest
from bridge.adapter.mapping import load_mapping
from bridge.adapter.source import Source
from bridge.errors import MappingError
from bridge.model import Channel, Consent, ConsentStatus, ContractStatus, Entry, EntryKind, Money

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = load_manifest(ROOT / "adapters" / "spreadsheet" / "manifest.yaml")
MAPPING = load_mapping(ROOT / "mappings" / "spreadsheet.yaml")
NOW = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)


def adapter(folder: Path = Path()) -> Spreadsheet:
    source = Source(name="akte", adapter="spreadsheet", settings={"folder": str(folder)})
    return Spreadsheet(source, MANIFEST, MAPPING)


def entries(object: str, raw: dict[str, Any]) -> list[Entry]:
    said = adapter().read(Item(object=object, raw=raw))
    assert all(isinstance(one, Entry) for one in said)
    return [one for one in said if isinstance(one, Entry)]


def body(object: str, **raw: Any) -> dict[str, Any]:
    (entry,) = entries(object, raw)
    return entry.body


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ({"vorname": "Jürgen", "name": "Müller"}, ("Jürgen Müller", "Jürgen", "Müller")),
        ({"vorname": "Jürgen", "name": "Jürgen Müller"}, ("Jürgen Müller", "Jürgen", None)),
        ({"vorname": "Jürgen", "name": "Müller, Jürgen"}, ("Müller, Jürgen", "Jürgen", None)),
        ({"vorname": "Jürgen", "nachname": "Müller"}, ("Jürgen Müller", "Jürgen", "Müller")),
        ({"vorname": "Jürgen", "nachname": "Müller", "name": "Müller KG"}, ("Müller KG", "Jürgen", "Müller")),
        ({"nachname": "Müller"}, ("Müller", None, "Müller")),
        ({"vorname": "Jürgen"}, ("Jürgen", "Jürgen", None)),
        ({"name": "Bäckerei Groß"}, ("Bäckerei Groß", None, None)),
        ({}, (None, None, None)),
    ],
)
def test_full_and_family_name_are_told_apart(row: dict[str, str], names: tuple[str | None, ...]) -> None:
    found = body("customers", kundennummer="1", **row)
    assert (found.get("name"), found.get("given_name"), found.get("family_name")) == names


@pytest.mark.parametrize(
    ("row", "salutation"),
    [
        ({"anrede": "Herrn", "titel": "Dr."}, "Herr Dr."),
        ({"anrede": "Frau"}, "Frau"),
        ({"anrede": "Frau Prof.", "titel": "Prof."}, "Frau Prof."),
        ({"anrede": "Firma", "titel": "Dr."}, None),
        ({"salutation": "Ms", "academic_title": "Dr"}, "Ms Dr"),
        ({"titel": "Dr."}, None),
        ({"anrede": "Frau", "titel": ["Dr."]}, "Frau"),
    ],
)
def test_a_title_goes_behind_the_salutation(row: dict[str, Any], salutation: str | None) -> None:
    assert body("customers", kundennummer="1", **row).get("salutation") == salutation


@pytest.mark.parametrize("object", ["customers", "tickets"])
def test_tags_in_one_cell_are_told_apart(object: str) -> None:
    assert body(object, id="1", schlagworte="VIP, Stammkunde;VIP | Messe")["tags"] == ["VIP", "Stammkunde", "Messe"]


def test_columns_named_after_a_metric_are_answers_of_their_own() -> None:
    nps, csat = entries(
        "surveys", {"umfrage_id": "U1", "kundennummer": "7", "nps": "3", "csat": "2", "datum": "1.2.2026"}
    )
    assert (nps.source_id, nps.body["metric"], nps.body["score"], nps.body["scale"]) == ("U1:nps", "nps", 3, 10)
    assert (csat.source_id, csat.body["metric"], csat.body["score"], csat.body["scale"]) == ("U1:csat", "csat", 2, 5)
    (other,) = entries("surveys", {"umfrage_id": "U2", "kundennummer": "7", "nps": "3", "scale": "100"})
    assert other.body["scale"] == 100


def test_a_row_without_id_is_known_by_customer_and_day() -> None:
    row = {"kundennummer": "7", "datum": "28.02.2026", "kennzahl": "logins", "wert": "3"}
    (entry,) = entries("usage", row)
    assert [one.source_id for one in entries("usage", {**row, "wert": "4"})] == [entry.source_id]
    others = [{"kundennummer": "8"}, {"datum": "27.02.2026"}, {"kennzahl": "calls"}]
    assert (
        len({one.source_id for other in others for one in entries("usage", {**row, **other})} | {entry.source_id}) == 4
    )


@pytest.mark.parametrize(
    ("object", "row"),
    [
        ("usage", {"kennzahl": "logins", "datum": "28.02.2026", "wert": "3"}),
        ("usage", {"kundennummer": "7", "kennzahl": "logins", "wert": "3"}),
        ("surveys", {"kundennummer": "7", "punkte": "3"}),
        ("surveys", {"nps": "3", "datum": "28.02.2026"}),
    ],
)
def test_a_row_that_nothing_tells_from_others_is_a_named_error(object: str, row: dict[str, str]) -> None:
    with pytest.raises(MappingError, match=f"spreadsheet: {object}.row_id: has no id, and no customer and date"):
        entries(object, row)


def test_a_row_may_be_known_by_its_account_or_its_e_mail() -> None:
    row = {"datum": "28.02.2026", "kennzahl": "logins", "wert": "3"}
    ids = {entries("usage", {**row, **whom})[0].source_id for whom in ({"account_id": "7"}, {"e_mail": "a@b.example"})}
    assert len(ids) == 2


@pytest.mark.parametrize("object", ["customers", "accounts", "contracts", "purchases", "tickets"])
def test_other_rows_need_an_id(object: str) -> None:
    with pytest.raises(MappingError, match=f"spreadsheet: {object}"):
        entries(object, {"name": "Anna"})


CENTER = SimpleNamespace(
    accounts=[
        SimpleNamespace(id="F-1", name="Müller & Söhne KG", segment="Geschäftskunden", owner=None, prestige=True)
    ],
    customers=[
        SimpleNamespace(
            id="004711", name=None, given_name="Jürgen", family_name="Groß", salutation="Herr Dr.",
            email="jg@beispiel.example", phone="+493023125014", language="de", account_id="F-1",
            customer_since=date(2019, 3, 1),
            consents=[Consent(Channel.voice, ConsentStatus.granted, datetime(2026, 1, 4, 23, tzinfo=timezone.utc))],
            mobile=None, region="Köln", job_title="Inhaber", owner="Jana Brandt", preferred_channel=Channel.letter,
            communication_needs="Bitte schreiben", objects_to_profiling=True, deceased=False, tags=["VIP", "alt"],
        ),
        SimpleNamespace(
            id="004712", name="Anna Ohm", given_name=None, family_name=None, salutation=None, email=None,
            phone="+41446681800", language="en", account_id=None, customer_since=None,
            consents=[Consent(Channel.email, ConsentStatus.denied), Consent(Channel.sms, ConsentStatus.unknown)],
            mobile=None, region=None, job_title=None, owner=None, preferred_channel=Channel.unknown,
            communication_needs=None, objects_to_profiling=False, deceased=True, tags=[],
        ),
    ],
    contracts=[
        SimpleNamespace(
            id="V-1", customer_id="004711", account_id=None, product="Glasfaser; 250", status=ContractStatus.cancelled,
            starts=date(2024, 5, 1), ends=date(2026, 4, 30), notice_by=None, monthly_amount=Money(123456, "EUR"),
            discount_ends=date(2025, 4, 30), amount_after_discount=Money(4990, "CHF"), renewal="automatic",
            cancelled_at=date(2026, 1, 2), cancel_reason="Umzug", changed=date(2026, 1, 2),
        )
    ],
    former=[],
    purchases=[
        SimpleNamespace(
            id="B-1", customer_id="004711", at=datetime(2026, 2, 1, 8, 30, tzinfo=timezone.utc),
            amount=Money(-1990, "EUR"), margin=None, product="Router", refunded=True,
        )
    ],
    surveys=[
        SimpleNamespace(
            id="S-1", customer_id="004711", metric="nps", answered=None,
            sent=datetime(2026, 2, 1, 8, 30, tzinfo=timezone.utc),
        ),
        SimpleNamespace(id="S-2", customer_id="004711", metric="csat", answered=NOW, sent=NOW),
    ],
    readings=[SimpleNamespace(customer_id="004712", metric="data_gb", day=date(2026, 2, 1), value=1234.5)],
    spoiled=frozenset(),
)  # fmt: skip


async def test_the_sample_goes_through_the_adapter_as_it_was_told(tmp_path: Path) -> None:
    of = adapter(tmp_path / "exports")
    written = export(CENTER, of.source)
    assert (
        of.streams()
        == tuple(path.name for path in written)
        == ("firmen.csv", "kunden.csv", "vertraege.csv", "kaeufe.csv", "umfragen.csv", "nutzung.csv")
    )
    found: dict[str, Entry] = {}
    for stream in of.streams():
        for item in (await of.page(open_client(of), stream, "", NOW)).items:
            found |= {entry.source_id: entry for entry in of.read(item) if isinstance(entry, Entry)}
    assert found["F-1"].body == {"name": "Müller & Söhne KG", "segment": "Geschäftskunden", "prestige": True}
    gross, ohm, contract, purchase = (found[name] for name in ("004711", "004712", "V-1", "B-1"))
    assert gross.body["salutation"] == "Herr Dr."
    assert gross.body["phones"] == [{"raw": "0302/3125014", "e164": "+493023125014"}]
    assert gross.body["consents"] == [{"channel": "voice", "status": "granted", "at": "2026-01-04T23:00:00Z"}]
    assert (gross.body["accounts"], gross.body["customer_since"], gross.body["language"]) == (
        ["F-1"],
        "2019-03-01",
        "de",
    )
    assert (ohm.body["name"], ohm.body["language"]) == ("Anna Ohm", "en")
    assert ohm.body["consents"] == [{"channel": "email", "status": "denied"}]
    assert contract.subject.customer == purchase.subject.customer == "004711"
    assert contract.body == {
        "product": "Glasfaser; 250", "status": "cancelled", "starts": "2024-05-01", "ends": "2026-04-30",
        "monthly_amount": {"minor": 123456, "currency": "EUR"}, "discount_ends": "2025-04-30",
        "amount_after_discount": {"minor": 4990, "currency": "CHF"}, "renewal": "automatic",
        "cancelled_at": "2026-01-02", "cancel_reason": "Umzug",
    }  # fmt: skip
    assert purchase.body == {
        "at": "2026-02-01T08:30:00Z", "amount": {"minor": -1990, "currency": "EUR"}, "product": "Router",
        "refunded": True,
    }  # fmt: skip
    assert (gross.body["job_title"], gross.body["owner"], gross.body["preferred_channel"], gross.body["tags"]) == (
        "Inhaber", "Jana Brandt", "letter", ["VIP", "alt"],
    )  # fmt: skip
    assert (gross.body["objects_to_profiling"], gross.body["communication_needs"]) == (True, "Bitte schreiben")
    assert ohm.body["deceased"]
    assert found["S-1"].body == {"metric": "nps", "sent": "2026-02-01T08:30:00Z"}
    assert "S-2" not in found
    (used,) = [entry for entry in found.values() if entry.object == "usage"]
    assert used.body == {"metric": "data_gb", "day": "2026-02-01", "value": 1234.5}
    assert used.subject.customer == "004712"


async def test_a_spoiled_row_cannot_be_read_and_a_companys_contract_is_the_companys(tmp_path: Path) -> None:
    of = adapter(tmp_path)
    business = SimpleNamespace(**{**vars(CENTER.contracts[0]), "account_id": "F-1"})
    center = SimpleNamespace(**{**vars(CENTER), "contracts": [business], "spoiled": frozenset({"004711", "B-1"})})
    export(center, of.source)
    for stream, faulty in (("kunden.csv", 1), ("kaeufe.csv", 1), ("vertraege.csv", 0)):
        items = (await of.page(open_client(of), stream, "", NOW)).items
        unread = 0
        for item in items:
            try:
                entries = of.read(item)
            except MappingError:
                unread += 1
            else:
                assert all(isinstance(one, Entry) for one in entries)
        assert unread == faulty
    (contract,) = of.read((await of.page(open_client(of), "vertraege.csv", "", NOW)).items[0])
    assert isinstance(contract, Entry)
    assert (contract.subject.customer, contract.subject.account) == (None, "F-1")


async def test_a_contract_of_the_sample_has_a_row_for_each_state_and_the_present_one_last(tmp_path: Path) -> None:
    of = adapter(tmp_path)
    today = vars(CENTER.contracts[0])
    before = {"status": ContractStatus.active, "cancelled_at": None, "cancel_reason": None, "discount_ends": None}
    first = SimpleNamespace(**{**today, **before, "changed": date(2024, 5, 1)})
    second = SimpleNamespace(**{**today, **before, "changed": None, "monthly_amount": Money(4990, "EUR")})
    export(SimpleNamespace(**{**vars(CENTER), "former": [first, second]}), of.source)
    items = (await of.page(open_client(of), "vertraege.csv", "", NOW)).items
    told = [entry for item in items for entry in of.read(item) if isinstance(entry, Entry)]
    assert {(one.source_id, one.kind, one.order) for one in told} == {("V-1", EntryKind.full, "")}
    assert [one.body["status"] for one in told] == ["active", "active", "cancelled"]
    assert [one.effective_at for one in told] == [
        datetime(2024, 4, 30, 22, tzinfo=timezone.utc), None, datetime(2026, 1, 1, 23, tzinfo=timezone.utc)
    ]  # fmt: skip


def test_the_sample_is_windows_1252_where_that_has_all_letters(tmp_path: Path) -> None:
    of = adapter(tmp_path)
    _, _, contracts, purchases, *_ = export(CENTER, of.source)
    assert "Kündigung bis" in contracts.read_bytes().decode("cp1252")
    polish = SimpleNamespace(
        **{
            **vars(CENTER),
            "accounts": [SimpleNamespace(id="F", name="Łódź", segment=None, owner=None, prestige=False)],
            "purchases": [],
        }
    )
    purchases.unlink()
    first, *_ = export(polish, of.source)
    assert first.read_bytes().startswith(b"\xef\xbb\xbf")
    with first.open(encoding="utf-8-sig", newline="") as file:
        assert next(csv.DictReader(file, delimiter=";"))["Firma"] == "Łódź"
    assert not purchases.exists()


@given(st.integers(-(10**9), 10**9), st.sampled_from(["EUR", "CHF", "JPY"]))
def test_amounts_are_read_as_they_are_written(minor: int, currency: str) -> None:
    source = Source(name="akte", adapter="spreadsheet")
    assert money(amount(Money(minor, currency)), source) == {"minor": minor, "currency": currency}


@given(st.integers(10**7, 10**8 - 1), st.integers(0, 7))
def test_however_a_number_is_typed_it_is_the_same_number(digits: int, way: int) -> None:
    phone = f"+4930{digits}"
    assert normalise_phone(typed(phone, way), "DE") == phone


def test_what_is_no_german_number_is_written_as_it_is() -> None:
    assert [typed(phone, 1) for phone in ("+41446681800", "", "+49115")] == ["+41446681800", "", "+49115"]
