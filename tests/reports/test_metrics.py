"""All figures over a real store: as they stood then, each customer once, kept until a worker makes them anew."""

from __future__ import annotations

import asyncio
import csv
from datetime import timedelta
from io import StringIO
from pathlib import Path

import msgspec
import pytest

from bridge.adapter.base import Item
from bridge.errors import ConfigError
from bridge.facts import Origin
from bridge.flow import Desk
from bridge.flow.counting import count_customers
from bridge.flow.models import install
from bridge.playbook.metering import Metering, load_metering
from bridge.reports.discretion import without_few
from bridge.reports.feelings import read_silent
from bridge.reports.groups import BYS
from bridge.reports.keeping import (
    FRESH,
    PATIENCE,
    keep_metrics,
    of_months,
    read_metrics,
    renew_metrics,
    want_metrics,
)
from bridge.reports.metrics_table import COLUMNS, TABLES, write_table
from bridge.reports.table import cell as cell_of
from bridge.store import Store, Unit, micros
from tests.desks import drain, feed, go_live, make_desk, user
from tests.reports.company import (
    NOW,
    cell,
    contract,
    made,
    many,
    one_of,
    person,
    purchase,
    survey,
    tell,
)

CONFIG = Path(__file__).resolve().parents[2] / "config"


@pytest.fixture
async def desk(store: Store, database_url: str, tmp_path: Path) -> Desk:
    return await make_desk(store, tmp_path / "exports", now=NOW, database_url=database_url)


async def test_what_was_paid_then_is_what_counts_for_then(desk: Desk) -> None:
    await tell(desk, person("K1"), contract("V1", "K1", monatsbetrag="20,00", geaendert_am="2024-01-10"))
    await tell(desk, contract("V1", "K1", monatsbetrag="35,00", geaendert_am="2026-08-14"))
    metrics = (await made(desk))["none"]
    july, august = cell(metrics, "2026-07").revenue, cell(metrics, "2026-08").revenue
    assert (july.start, july.end) == (2000, 2000)
    assert (august.start, august.expansion, august.end, august.net) == (2000, 1500, 3500, 1.75)


async def test_when_a_discount_ends_the_money_grows_in_the_month_after_its_last_day(desk: Desk) -> None:
    await tell(desk, person("K1"), contract("V1", "K1", rabatt_bis="2026-07-31", betrag_nach_rabatt="45,00"))
    metrics = (await made(desk))["none"]
    assert cell(metrics, "2026-07").revenue.end == 3000
    assert cell(metrics, "2026-08").revenue.expansion == 1500


async def test_a_customer_whom_two_systems_know_counts_once(desk: Desk) -> None:
    await tell(desk, person("K1", email="person1@example.de"), contract("V1", "K1"))
    await feed(desk, "helpdesk", [user(1)], now=NOW, origin=Origin.first_import)
    await drain(desk, now=NOW)
    metrics = (await made(desk))["none"]
    assert (metrics.basis.customers, cell(metrics, "2026-07").start) == (1, 1)


async def test_three_people_of_one_company_are_three_customers_who_pay_once(desk: Desk) -> None:
    people = [person(f"K{n}", firmennummer="F1", firma="Firma") for n in range(3)]
    company = Item(object="accounts", raw={"firmennummer": "F1", "name": "Firma", "segment": "business"})
    await tell(desk, company, *people, contract("V1", "", firmennummer="F1"))
    found = await made(desk)
    july = cell(found["none"], "2026-07")
    assert (july.start, july.revenue.start) == (3, 3000)
    assert cell(found["segment"], "2026-07", "business").revenue.start == 3000


async def test_who_never_had_a_contract_leaves_by_falling_silent(desk: Desk) -> None:
    days = ["2026-03-01", "2026-03-11", "2026-03-21", "2026-03-31"]
    await tell(desk, person("K1"), *(purchase(f"B{n}", "K1", one) for n, one in enumerate(days)))
    await tell(desk, person("K2"), purchase("B9", "K2", "2026-03-01"))
    metrics = (await made(desk))["none"]
    assert (cell(metrics, "2026-03").new, cell(metrics, "2026-04").left) == (1, 1)
    assert (metrics.basis.by_rhythm, metrics.basis.neither) == (1, 1)
    assert one_of(metrics.reasons, month="2026-04").reason == "silent"


async def test_a_contract_that_stopped_at_a_time_nobody_knows_is_left_out_and_told(desk: Desk) -> None:
    await tell(desk, person("K1"), contract("V1", "K1", status="beendet", vertragsbeginn="2024-01-10"))
    metrics = (await made(desk))["none"]
    assert (metrics.basis.unclear, cell(metrics, "2026-07").start) == (1, 0)


async def test_a_contract_that_was_revoked_before_its_first_day_takes_nobody_out_of_the_figures(desk: Desk) -> None:
    gone = {"status": "beendet", "vertragsende": "2026-07-31"}
    revoked = {"status": "storniert", "vertragsbeginn": "2026-09-01", "gekuendigt_am": "2026-08-20"}
    await tell(desk, person("K1"), contract("V1", "K1", **gone), contract("V2", "K1", **revoked))
    await tell(desk, person("K2"), contract("V3", "K2", **revoked))
    metrics = (await made(desk))["none"]
    assert (metrics.basis.unclear, metrics.basis.by_contract, metrics.basis.neither) == (0, 1, 1)
    assert (cell(metrics, "2026-07").left, cell(metrics, "2026-09").new) == (1, 0)


async def test_a_contract_that_is_over_before_its_time_is_over(desk: Desk) -> None:
    term = {"vertragsende": "2027-05-31"}
    await tell(desk, person("K1"), contract("V1", "K1", **term, geaendert_am="2024-01-10"))
    await tell(desk, contract("V1", "K1", **term, status="beendet", geaendert_am="2026-08-14"))
    august = cell((await made(desk))["none"], "2026-08")
    assert (august.start, august.left, august.revenue.churn) == (1, 1, 3000)


async def test_a_contract_that_nobody_dates_began_when_it_was_told_of_or_before_all_figures(desk: Desk) -> None:
    await go_live(desk, NOW - timedelta(days=200))
    told = NOW - timedelta(days=40)
    await tell(desk, person("K1"), contract("V1", "K1", vertragsbeginn=""), at=told)
    metrics = (await made(desk))["none"]
    assert (cell(metrics, "2026-09").end, cell(metrics, "2026-10").new) == (0, 1)
    imported = NOW - timedelta(days=300)
    await tell(desk, person("K2"), contract("V2", "K2", vertragsbeginn=""), at=imported)
    metrics = (await made(desk))["none"]
    assert (cell(metrics, "2023-12").start, cell(metrics, "2026-10").new) == (1, 1)


async def test_a_company_pays_with_the_first_of_its_people_who_is_in_the_figures(desk: Desk) -> None:
    company = Item(object="accounts", raw={"firmennummer": "F1", "name": "Firma", "betreuer": "Petra Beispiel"})
    people = [person(f"K{n}", firmennummer="F1") for n in range(6)]
    over = {"firmennummer": "F1", "status": "beendet", "vertragsende": "2026-07-31"}
    lost = [contract(f"W{n}", f"K{n}", status="beendet") for n in range(5)]
    await tell(desk, company, *people, contract("V1", "", **over), *lost)
    found = await made(desk)
    june = cell(found["none"], "2026-06")
    assert (found["none"].basis.unclear, june.start, june.revenue.start) == (5, 1, 3000)
    assert cell(found["owner"], "2026-06", "Petra Beispiel").start == 1


async def test_money_of_a_currency_without_a_rate_is_left_out_and_told(desk: Desk) -> None:
    await tell(desk, person("K1"), contract("V1", "K1", monatsbetrag="30,00 SEK"))
    metrics = (await made(desk))["none"]
    assert (cell(metrics, "2026-07").start, cell(metrics, "2026-07").revenue.start) == (1, 0)
    assert metrics.basis.unpriced == 1


async def test_reasons_are_counted_by_where_they_were_told_and_never_kept_as_words(desk: Desk) -> None:
    gone = {"status": "beendet", "vertragsende": "2026-07-31", "gekuendigt_am": "2026-06-01"}
    await tell(
        desk,
        person("K1"),
        person("K2"),
        contract("V1", "K1", **gone, kuendigungsgrund="Zu teuer, sagt Frau Muster"),
        contract("V2", "K2", **gone),
        survey(
            "S1",
            "K1",
            metrik="exit",
            beantwortet_am="2026-08-03",
            kuendigungsgrund="Besseres Angebot vom Wettbewerb",
            frueherer_wechselgrund="Lange Wartezeiten",
        ),
    )
    metrics = (await made(desk))["none"]
    contracts = [one for one in metrics.reasons if one.origin == "contract"]
    assert {(one.month, one.reason, one.customers) for one in contracts} == {
        ("2026-07", "price", 1),
        ("2026-07", "unsaid", 1),
    }
    assert one_of(metrics.reasons, origin="exit_survey").reason == "competitor"
    assert {(one.about, one.topic) for one in metrics.spoken} == {
        ("drove_from_others", "waiting"),
        ("praised_elsewhere", "offer"),
    }
    assert b"Muster" not in msgspec.json.encode(metrics)
    german = list(csv.reader(StringIO(write_table(metrics, "reasons", "de")), delimiter=";"))
    assert {row[4] for row in german[1:]} == {"Preis", "nicht genannt", "Anderer Anbieter"}
    topics = list(csv.DictReader(StringIO(write_table(metrics, "topics", "en"))))
    assert {(row["about"], row["title"], row["customers"]) for row in topics} == {
        ("drove_from_others", "Waiting and reaching somebody", "1"),
        ("praised_elsewhere", "Offer and choice", "1"),
    }


async def test_who_is_happy_with_us_praises_nobody_else_by_naming_them(desk: Desk) -> None:
    answered = {"beantwortet_am": "2026-08-03"}
    await tell(
        desk,
        *(person(f"K{n}") for n in range(3)),
        survey("S1", "K0", **answered, punkte="10", kommentar="Ihr Service ist besser als der der Konkurrenz"),
        survey(
            "S2",
            "K1",
            **answered,
            punkte="2",
            kommentar="Bei der Konkurrenz ist der Service besser, und es ist billiger",
        ),
        survey("S3", "K2", **answered, punkte="3", kommentar="Die Konkurrenz hat den besseren Service"),
    )
    spoken = (await made(desk))["none"].spoken
    assert {(one.topic, one.customers, one.speakers) for one in spoken} == {("service", 2, 2), ("price", 1, 2)}


async def test_answers_are_told_as_they_came_and_put_right_for_who_answers(desk: Desk) -> None:
    items: list[Item] = []
    for number in range(12):
        items.append(person(f"K{number}"))
        answered = {"beantwortet_am": "2026-09-05", "punkte": "10" if number % 2 else "3"} if number < 6 else {}
        items.append(survey(f"S{number}", f"K{number}", gesendet_am="2026-09-03", **answered))
    items.append(survey("S99", "K1", gesendet_am="2026-11-20", beantwortet_am="2026-11-21", punkte="9"))
    items.append(survey("S98", "K2", gesendet_am="2026-11-20"))
    await tell(desk, *items)
    metrics = (await made(desk))["none"]
    september, november = (one_of(metrics.opinions, month=month) for month in ("2026-09", "2026-11"))
    assert (september.asked, september.answered, september.response_rate) == (12, 6, 0.5)
    assert (september.plain.value, september.weighted.value) == (0, 0)
    assert september.plain.low < 0 < september.plain.high
    assert (november.asked, november.answered, november.response_rate, november.weighted) == (1, 1, None, None)
    assert november.plain.value == 100


async def test_how_the_silent_feel_is_what_the_mood_model_in_use_found(desk: Desk) -> None:
    average = {
        "group": None, "asked": 100, "responses": 16, "response_rate": 0.16, "effective": 12.0, "clipped": 0,
        "answered": {"value": 20.0, "se": 1.0, "low": 10.0, "high": 30.0},
        "weighted": {"value": 15.0, "se": 1.0, "low": 4.0, "high": 26.0},
        "predicted": {"value": 12.0, "se": 1.0, "low": 2.0, "high": 22.0},
        "silent_one_lower": 7.0,
    }  # fmt: skip
    report = {
        "metric": "nps",
        "lowest": 0,
        "scale": 10,
        "nps": [average, average | {"group": "business", "responses": 3}],
        "judged": {"abstained": 0.1, "coverage": 0.9},
    }
    await install(desk.store, "mood", b"{}", report, NOW)
    metrics = (await made(desk))["none"]
    silent = metrics.silent
    assert silent is not None
    shown = without_few(metrics, 5).silent
    assert shown is not None and [one.group for one in shown.averages] == [None]
    assert (silent.figure, silent.averages[0].predicted.value, silent.abstained) == ("nps", 12.0, 0.1)
    assert read_silent(b'{"metric": "nps"}', NOW) is None
    assert read_silent(b"[]", NOW) is None


async def test_figures_are_kept_and_made_anew_when_a_day_is_over_or_somebody_wants_it(desk: Desk) -> None:
    assert await read_metrics(desk.store, "none") is None
    assert await renew_metrics(desk, NOW)
    assert not await renew_metrics(desk, NOW + timedelta(minutes=10))
    kept = await read_metrics(desk.store, "segment")
    assert kept is not None and (kept.by, kept.made_at) == ("segment", NOW)
    later = NOW + timedelta(hours=1)
    await want_metrics(desk.store, later)
    assert await renew_metrics(desk, later)
    assert await renew_metrics(desk, later + FRESH)
    night = later + FRESH + timedelta(hours=15)
    assert await renew_metrics(desk, night)  # another day, though not a day old


async def test_nobody_begins_while_somebody_is_at_it(desk: Desk) -> None:
    unit = Unit()
    unit.add("meta.put", name="metrics.begun", value=str(micros(NOW)))
    await desk.store.write(unit)
    assert not await renew_metrics(desk, NOW + PATIENCE / 2)
    assert await renew_metrics(desk, NOW + PATIENCE * 2)


async def test_of_two_workers_who_begin_at_once_one_does(desk: Desk) -> None:
    begun = await asyncio.gather(renew_metrics(desk, NOW), renew_metrics(desk, NOW), renew_metrics(desk, NOW))
    assert sorted(begun) == [False, False, True]


async def test_an_import_that_goes_on_is_not_left_at_half(desk: Desk) -> None:
    await renew_metrics(desk, NOW)
    await tell(desk, *(person(f"K{n}") for n in range(3)))
    assert not await renew_metrics(desk, NOW + timedelta(minutes=1))
    assert await renew_metrics(desk, NOW + timedelta(minutes=6))


async def test_what_another_version_kept_is_made_anew(desk: Desk) -> None:
    unit = Unit()
    unit.add("metrics.keep", part="none", body='{"made_at": 1}', at=1)
    await desk.store.write(unit)
    assert await read_metrics(desk.store, "none") is None
    assert await renew_metrics(desk, NOW)


async def test_months_can_be_chosen(desk: Desk) -> None:
    metrics = of_months((await many(desk, A=1))["none"], "2026-03", "2026-05")
    assert metrics.months == ("2026-03", "2026-04", "2026-05")
    assert tuple(one.month for one in metrics.retention) == metrics.months
    assert tuple(one.month for one in metrics.saves) == metrics.months


async def test_every_table_has_its_columns_in_both_languages(desk: Desk) -> None:
    await tell(desk, person("K1"), contract("V1", "K1"), survey("S1", "K1", gesendet_am="2026-09-03"))
    metrics = (await made(desk))["none"]
    for table in TABLES:
        english = list(csv.reader(StringIO(write_table(metrics, table, "en"))))
        german = list(csv.reader(StringIO(write_table(metrics, table, "de").removeprefix("\ufeff")), delimiter=";"))
        assert tuple(english[0]) == tuple(german[0]) == COLUMNS[table]
        assert len(english) == len(german)
        assert all(len(row) == len(COLUMNS[table]) for row in english)
    last = list(csv.DictReader(StringIO(write_table(metrics, "retention", "en"))))[-1]
    assert (last["month"], last["start"], last["revenue_start"], last["retention"]) == ("2026-11", "1", "30", "1")


def test_a_table_opens_as_numbers_and_nothing_in_it_is_reckoned() -> None:
    for value, english, german in (
        (1234.5, "1234.5", "1234,5"),
        (-0.25, "-0.25", "-0,25"),
        (-0.0000001, "0", "0"),
        (-7, "-7", "-7"),
        (None, "", ""),
        ("Glasfaser", "Glasfaser", "Glasfaser"),
    ):
        assert (cell_of(value, german=False), cell_of(value, german=True)) == (english, german)
    for name in ('=HYPERLINK("https://example.org")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"):
        assert cell_of(name, german=True) == f"'{name}"


async def test_erased_customers_are_in_no_figure(desk: Desk) -> None:
    await many(desk, A=2)
    pages = [page async for page in count_customers(desk, now=NOW)]
    assert sum(map(len, pages)) == 2
    assert set((await made(desk)).keys()) == set(BYS)
    await keep_metrics(desk.store, await made(desk), NOW)


def test_a_file_that_is_wrong_says_where(tmp_path: Path) -> None:
    path = tmp_path / "metrics.yaml"
    assert load_metering(path) == Metering()
    for text, place in (
        ("topics: {price: {title: {de: Preis}, phrases: [x]}}", "topics.price.title.en"),
        ("reasons: {price: {title: {de: Preis, en: Price}, phrases: ['*']}}", "reasons.price.phrases[0]"),
        ("acquisition_spent: {'2026-13': 1}", "acquisition_spent"),
        ("months: 1", "months"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(ConfigError, match=place.replace("[", r"\[").replace("]", r"\]")):
            load_metering(path)


def test_the_shipped_file_finds_what_people_say() -> None:
    metering = load_metering(CONFIG / "metrics.yaml")
    for text, reason in (
        ("Das ist mir zu teuer", "price"),
        ("I am moving abroad", "moving"),
        ("Brauche es nicht mehr", "no_need"),
        ("Ihr Service ist schlecht", "service"),
        ("Wechsel zu anderem Anbieter", None),
    ):
        assert next(iter(metering.named.find(text)), None) == reason
    for text, topics in (
        ("Woanders ist es billiger", {"price"}),
        ("They billed me twice", {"billing"}),
        ("Fast alle Nachbarn sind dort", set()),
        ("Their line is faster", {"quality"}),
    ):
        assert set(metering.spoken_of.find(text)) == topics
