"""All figures over a real store: as they stood then, each customer once, kept, hidden where they tell of too few."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.adapter.base import Item
from bridge.errors import ConfigError
from bridge.facts import Origin
from bridge.flow import Desk
from bridge.flow.counting import count_customers
from bridge.flow.models import install
from bridge.playbook.metering import Metering, load_metering
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
    without_few,
)
from bridge.reports.metrics import Metrics, make_metrics
from bridge.reports.metrics_table import COLUMNS, TABLES, write_table
from bridge.store import Store, Unit, micros
from tests.desks import drain, feed, make_desk, user

NOW = datetime(2026, 11, 22, 9, tzinfo=timezone.utc)
CONFIG = Path(__file__).resolve().parents[2] / "config"


def person(number: str, **fields: Any) -> Item:
    return Item(object="customers", raw={"kundennummer": number, "name": f"Person {number}"} | fields)


def contract(number: str, customer: str, **fields: Any) -> Item:
    plain = {"vertragsnummer": number, "kundennummer": customer, "status": "aktiv", "vertragsbeginn": "2024-01-10"}
    return Item(object="contracts", raw=plain | {"monatsbetrag": "30,00", "tarif": "DSL"} | fields)


def survey(number: str, customer: str, **fields: Any) -> Item:
    return Item(object="surveys", raw={"umfrage_id": number, "kundennummer": customer, "metrik": "nps"} | fields)


def purchase(number: str, customer: str, day: str) -> Item:
    raw = {"bestellnummer": number, "kundennummer": customer, "bestelldatum": day, "betrag": "10,00"}
    return Item(object="purchases", raw=raw)


@pytest.fixture
async def desk(store: Store, database_url: str, tmp_path: Path) -> Desk:
    return await make_desk(store, tmp_path / "exports", now=NOW, database_url=database_url)


async def tell(desk: Desk, *items: Item, at: datetime = NOW, source: str = "crm") -> None:
    await feed(desk, source, items, now=at, origin=Origin.first_import)
    await drain(desk, now=at)


async def made(desk: Desk) -> dict[Any, Metrics]:
    return await make_metrics(desk, now=NOW)


def cell(metrics: Metrics, month: str, group: str = "") -> Any:
    return next(one for one in metrics.retention if (one.month, one.group) == (month, group))


def one_of(rows: Iterable[Any], **fields: Any) -> Any:
    (found,) = [row for row in rows if all(getattr(row, name) == value for name, value in fields.items())]
    return found


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
        "nps": [average],
        "judged": {"abstained": 0.1, "coverage": 0.9},
    }
    await install(desk.store, "mood", b"{}", report, NOW)
    silent = (await made(desk))["none"].silent
    assert silent is not None
    assert (silent.figure, silent.averages[0].predicted.value, silent.abstained) == ("nps", 12.0, 0.1)
    assert read_silent(b'{"metric": "nps"}', NOW) is None
    assert read_silent(b"[]", NOW) is None


async def outcome(desk: Desk, key: str, at: datetime, **fields: Any) -> None:
    unit = Unit()
    plain: dict[str, Any] = {"decision": "d1", "customer": "c1", "kind": "result", "agent": "a", "actor": "key:1"}
    empty = "result offer amount_minor currency note disposition cost_minor cost_currency epoch situation".split()
    plain |= dict.fromkeys(empty)
    unit.add("gateway.add_outcome", **(plain | {"key": key, "at": micros(at)} | fields))
    await desk.store.write(unit)


async def test_saves_stand_beside_what_they_cost_and_what_new_customers_cost(desk: Desk) -> None:
    desk.rules = msgspec.structs.replace(
        desk.rules,
        metering=msgspec.structs.replace(
            desk.rules.metering, acquisition_cost=100, acquisition_spent={"2026-10": 5000.0}
        ),
    )
    await tell(desk, person("K1"), contract("V1", "K1", vertragsbeginn="2026-09-10"))
    september = datetime(2026, 9, 10, 12, tzinfo=timezone.utc)
    await outcome(desk, "1", september, customer="c1", result="pending")
    await outcome(desk, "2", september + timedelta(days=3), customer="c1", result="saved")
    await outcome(desk, "3", september, customer="c2", result="lost", disposition="Zu teuer")
    await outcome(desk, "4", september, customer="c1", offer="x", cost_minor=3000, cost_currency="EUR")
    await outcome(desk, "5", september, customer="c1", offer="x", cost_minor=900, cost_currency="SEK")
    metrics = (await made(desk))["none"]
    one = one_of(metrics.saves, month="2026-09")
    assert (one.saved, one.lost, one.pending, one.save_rate) == (1, 1, 0, 0.5)
    assert (one.granted, one.retention_cost, one.cost_per_save) == (3000, 3000, 3000.0)
    assert (one.new, one.acquisition_cost, one.cost_per_new) == (1, 10_000, 10_000.0)
    assert metrics.worth is not None and one.break_even == pytest.approx(1500 / metrics.worth)
    assert one_of(metrics.saves, month="2026-10").acquisition_cost == 500_000
    assert metrics.basis.left_out == {"SEK": 1}
    assert one_of(metrics.reasons, origin="disposition").reason == "price"


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


async def many(desk: Desk, **sizes: int) -> dict[Any, Metrics]:
    items: list[Item] = []
    for product, size in sizes.items():
        for number in range(size):
            items += [
                person(f"{product}{number}"),
                contract(f"V{product}{number}", f"{product}{number}", tarif=product),
            ]
    await tell(desk, *items)
    return await made(desk)


async def test_groups_of_few_customers_are_not_shown_and_cannot_be_reckoned_back(desk: Desk) -> None:
    found = await many(desk, A=9, B=6, C=2)
    shown = without_few(found["product"], 5)
    assert {one.group for one in shown.retention if one.month == "2026-07"} == {"A"}
    assert shown.hidden > 0
    assert without_few(found["none"], 50) == found["none"]
    both = without_few(found["product"], 7)
    assert {one.group for one in both.retention if one.month == "2026-07"} == {"A"}
    assert without_few(found["product"], 1).hidden == 0


async def test_months_can_be_chosen(desk: Desk) -> None:
    metrics = of_months((await many(desk, A=1))["none"], "2026-03", "2026-05")
    assert metrics.months == ("2026-03", "2026-04", "2026-05")
    assert tuple(one.month for one in metrics.retention) == metrics.months
    assert tuple(one.month for one in metrics.saves) == metrics.months


async def test_every_table_has_its_columns_in_both_languages(desk: Desk) -> None:
    await tell(desk, person("K1"), contract("V1", "K1"), survey("S1", "K1", gesendet_am="2026-09-03"))
    unit = Unit()
    await desk.store.write(unit)
    metrics = (await made(desk))["none"]
    for table in TABLES:
        english = list(csv.reader(StringIO(write_table(metrics, table, "en"))))
        german = list(csv.reader(StringIO(write_table(metrics, table, "de").removeprefix("\ufeff")), delimiter=";"))
        assert tuple(english[0]) == tuple(german[0]) == COLUMNS[table]
        assert len(english) == len(german)
        assert all(len(row) == len(COLUMNS[table]) for row in english)
    last = list(csv.DictReader(StringIO(write_table(metrics, "retention", "en"))))[-1]
    assert (last["month"], last["start"], last["revenue_start"], last["retention"]) == ("2026-11", "1", "30", "1")


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


LOOP: dict[str, Any] = {
    "customer": "c1", "matter": "feedback", "opener": "bad_nps", "cause": "", "records": "[]", "state": "closed",
    "owner": "team", "round": 1, "answers": 1, "reply_due": None, "resolve_due": None, "reply_left": None,
    "resolve_left": None, "waits_since": None, "waits_until": None, "resolve_escalated": 0, "check_at": None,
    "closed_by": "", "reason": "", "done": "",
}  # fmt: skip
SENT: dict[str, Any] = {
    "source": "mail", "action": "send_email", "args": "{}", "customer": "c1", "fact": "f", "run": "r",
    "automation": "bad_nps", "step": 1, "channel": "email", "address": "", "purpose": "", "apology": 0,
}  # fmt: skip


async def test_loops_and_what_automations_spent_are_told_by_their_month(desk: Desk) -> None:
    noon = datetime(2026, 9, 15, 10, tzinfo=timezone.utc)
    later, end = noon + timedelta(hours=1), noon + timedelta(hours=3)
    unit = Unit()
    for number, replied in enumerate((later, None)):
        unit.add(
            "loops.put",
            **LOOP,
            id=f"l{number}",
            opened_at=micros(noon),
            asked_at=micros(noon),
            replied_at=replied and micros(replied),
            reply_escalated=int(replied is None),
            closed_at=replied and micros(end),
        )
        times: dict[str, Any] = {"created_at": micros(noon), "due_at": micros(noon)}
        unit.add("outbox.put", **SENT, **times, dedupe_key=f"k{number}", cost_minor=50)
    await desk.store.write(unit)
    metrics = (await made(desk))["none"]
    september = one_of(metrics.loops, month="2026-09")
    assert (september.opened, september.open) == (2, 1)
    assert (september.reply.median, september.reply.in_time, september.resolution.median) == (1.0, 1.0, 3.0)
    assert one_of(metrics.saves, month="2026-09").outreach == 0  # nothing of it has been sent yet
    (given,) = csv.DictReader(StringIO(write_table(metrics, "loops", "en")))
    assert (given["reply_median_h"], given["closed"]) == ("1", "1")
