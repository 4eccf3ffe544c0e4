"""Looking back: a view as of an instant is blind to all that came after, an outcome sees all that is known now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from bridge.adapter.base import Item
from bridge.facts import Origin
from bridge.flow import Desk
from bridge.flow.hindsight import Past, Tally, looking_back
from bridge.flow.leaving import Became, By, Outcome, Why
from bridge.intake.records import Version, fold
from bridge.model import ContractStatus
from bridge.store import Store, Unit, micros
from tests.desks import drain, feed, make_desk, user
from tests.desks import ticket as helpdesk_ticket

AT = datetime(2026, 3, 2, 10, tzinfo=timezone.utc)
NOW = datetime(2026, 11, 2, 10, tzinfo=timezone.utc)
HORIZON = timedelta(days=90)
IMPORT = NOW - timedelta(days=2)
"""The first import, after the instant looked back from."""
EARLY = AT - timedelta(days=200)
"""The first import, before it."""


def on(days: int) -> str:
    return (AT + timedelta(days=days)).isoformat()


def row(object: str, number: str, customer: str = "K1", **fields: Any) -> Item:
    name = {"contracts": "vertragsnummer", "purchases": "bestellnummer", "tickets": "ticketnummer",
            "surveys": "umfrage_id", "usage": "nutzung_id"}[object]  # fmt: skip
    return Item(object=object, raw={name: number, "kundennummer": customer} | fields)


def person(number: str = "K1", **fields: Any) -> Item:
    return Item(object="customers", raw={"kundennummer": number, "name": f"Person {number}"} | fields)


def contract(number: str = "V1", customer: str = "K1", **fields: Any) -> Item:
    return row("contracts", number, customer, **{"status": "aktiv", "vertragsbeginn": "2024-01-10"} | fields)


async def live(desk: Desk, at: datetime) -> None:
    unit = Unit()
    for name in desk.registry.sources:
        unit.add("sources.go_live", name=name, at=micros(at))
    await desk.store.write(unit)
    await desk.look_up()


async def tell(desk: Desk, items: Iterable[Item], at: datetime, source: str = "crm") -> None:
    await feed(desk, source, items, now=at, origin=Origin.first_import)
    await drain(desk, now=at, refresh=False)


async def look(desk: Desk, *instants: datetime, **more: Any) -> list[Past]:
    return [one async for one in looking_back(desk, instants or (AT,), HORIZON, now=NOW, **more)]


async def only(desk: Desk, **more: Any) -> Past:
    (found,) = await look(desk, **more)
    return found


EVERYTHING = [
    person(position="Leiterin", kunde_seit="2020-01-01"),
    contract(monatsbetrag="39,90", rabatt_bis="2026-04-01"),
    row("purchases", "B1", bestelldatum=on(-20), betrag="10,00"),
    row("purchases", "B2", bestelldatum=on(-50), betrag="10,00"),
    row("tickets", "T1", erstellt_am=on(-9), status="offen", typ="Beschwerde", betreff="Rechnung"),
    row("surveys", "S1", metrik="nps", gesendet_am=on(-8), beantwortet_am=on(-7), punkte="3"),
    row("usage", "N1", kennzahl="data_gb", tag=on(-5)[:10], wert="12"),
]


def dated(items: Iterable[Item], day: str) -> list[Item]:
    return [msgspec.structs.replace(one, raw=one.raw | {"geaendert_am": day}) for one in items]


def planted(dice: Random, live_since: datetime, count: int = 60) -> list[Version]:
    """Facts of any kind that came to be known, or happened, after AT: news of the records that are there, and records
    that are not."""
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "contract": ("V1", {"status": "cancelled", "cancelled_at": "2026-03-20", "starts": "2024-01-10"}),
        "purchase": ("B1", {"at": on(3), "refunded": True}),
        "ticket": ("T1", {"opened": on(5), "resolved": on(6), "status": "closed", "type": "cancellation"}),
        "survey_response": ("S1", {"metric": "nps", "sent": on(1), "answered": on(2), "score": 0}),
        "interaction": ("A1", {"channel": "voice", "started": on(4), "ended": on(4), "abandoned": True}),
        "usage": ("N1", {"metric": "data_gb", "day": on(2)[:10], "value": 0}),
        "customer": ("K1", {"name": "Geändert", "tags": ["geht"], "job_title": "Rentner", "language": "en"}),
    }  # fmt: skip
    found = []
    for number in range(count):
        kind = dice.choice(sorted(kinds))
        known_one, fields = kinds[kind]
        new = kind == "interaction" or (kind != "customer" and dice.random() < 0.4)
        how = "full" if new else dice.choice(["full", "patch", "deleted"])
        effective = None if dice.random() < 0.3 else AT + timedelta(days=dice.randrange(1, 200))
        known = max(AT, live_since) + timedelta(days=dice.randrange(1, 200), seconds=number)
        if new and live_since > AT and dice.random() < 0.7:
            known = live_since - timedelta(seconds=number)  # by import: only its own dates keep it out of the view
        if new and kind == "contract":
            fields = fields | {"starts": "2026-03-03"}
        found.append(
            Version(
                source="crm",
                object=kind,
                source_id=f"new-{number}" if new else known_one,
                ord=f"z{number:06d}" if dice.random() < 0.7 or new else f"0{number:06d}",
                hash={"full": "0", "patch": "2", "deleted": "3"}[how] + f"{number:x}",
                kind=how,
                effective_at=None if effective is None else micros(effective),
                known_at=micros(known),
                subject="id:crm:K1",
                body="{}" if how == "deleted" else msgspec.json.encode(fields, order="deterministic").decode(),
            )
        )
    return found


async def plant(store: Store, versions: Sequence[Version]) -> None:
    unit = Unit()
    unit.many("records.add_version", [msgspec.structs.asdict(one) for one in versions])
    await store.write(unit)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("how", ["live", "imported", "imported with a day"])
async def test_no_planted_future_fact_changes_what_was_known(store: Store, tmp_path: Path, how: str, seed: int) -> None:
    desk = await make_desk(store, tmp_path / "exports", now=EARLY)
    since = EARLY if how == "live" else IMPORT
    items = dated(EVERYTHING, on(-3)) if how == "imported with a day" else EVERYTHING
    await tell(desk, items, EARLY if how == "live" else IMPORT)
    await live(desk, since)
    before = await only(desk)
    assert len(before.view.purchases) == 2 and before.view.contracts and before.view.tickets and before.view.usage
    news = planted(Random(seed), since)
    if how != "live":  # a record that is rewound is read from what was told of it first
        folded = ("customer", "contract", "ticket") if how == "imported with a day" else ()
        news = [one for one in news if one.ord[0] == "z" or one.object in folded]
    await plant(store, news)
    after = await only(desk)
    assert msgspec.json.encode(after.view) == msgspec.json.encode(before.view)
    assert len({one.name for one in news}) > 5


async def test_the_planted_facts_are_seen_once_they_were_known(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path / "exports", now=EARLY)
    await tell(desk, EVERYTHING, EARLY)
    await live(desk, EARLY)
    news = planted(Random(1), EARLY)
    await plant(store, news)
    later = NOW - HORIZON
    early, late = await look(desk, AT, later)
    assert msgspec.json.encode(early.view) != msgspec.json.encode(late.view)
    held: list[Any] = [
        *late.view.purchases,
        *late.view.interactions,
        *late.view.tickets,
        *late.view.surveys,
        *late.view.usage,
    ]
    expected = [
        current
        for name in {one.name for one in news if one.source_id.startswith("new")}
        if (current := fold([one for one in news if one.name == name and one.known_at <= micros(later)]))
    ]
    assert {one.source_id for one in expected if one.object != "contract"} <= {one.source_id for one in held}


async def test_a_live_history_is_seen_as_it_was_told_and_out_of_order(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path / "exports", now=EARLY)
    await live(desk, EARLY)
    await tell(desk, [user(1)], EARLY + timedelta(days=1), "helpdesk")
    opened, urgent, late = (AT - timedelta(days=one) for one in (9, 5, 7))
    await tell(desk, [helpdesk_ticket(5, 1, at=opened)], opened, "helpdesk")
    await tell(desk, [helpdesk_ticket(5, 1, at=urgent, priority="urgent")], urgent, "helpdesk")
    # told after AT of what was before the last word: a late correction
    await tell(desk, [helpdesk_ticket(5, 1, at=late, priority="low")], AT + timedelta(days=1), "helpdesk")
    await tell(
        desk, [helpdesk_ticket(5, 1, at=AT + timedelta(days=2), status="solved")], AT + timedelta(days=2), "helpdesk"
    )
    instants = (opened - timedelta(hours=1), opened, urgent, AT, AT + timedelta(days=2))
    seen = [past.view.tickets for past in await look(desk, *instants)]
    assert [len(some) for some in seen] == [0, 1, 1, 1, 1]
    assert [some[0].record.priority for some in seen[1:]] == ["normal", "urgent", "urgent", "normal"]
    assert [some[0].record.status for some in seen[1:]] == ["open", "open", "open", "resolved"]


async def test_an_import_without_days_is_rewound_and_counted(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path / "exports", now=EARLY)
    await tell(
        desk, [*EVERYTHING, *dated([contract("V2"), contract("V3", vertragsbeginn="2026-03-03")], on(9))], IMPORT
    )
    await live(desk, IMPORT)
    tally = Tally()
    steps: list[tuple[int, int]] = []
    past = await only(desk, tally=tally, report=lambda done, of: steps.append((done, of)))
    view = past.view
    assert (view.customer.name, view.customer.job_title) == ("Person K1", None)
    assert {held.source_id for held in view.contracts} == {"V1", "V2"}
    first = view.contracts[0].record
    assert (first.status, first.monthly_amount, first.discount_ends) == (ContractStatus.active, None, None)
    assert (tally.customers, tally.left_out) == (1, 0)
    assert tally.records == tally.rewound == {
        "customer": 1, "contract": 2, "purchase": 2, "ticket": 1, "survey_response": 1, "usage": 1,
    }  # fmt: skip
    assert tally.undated == dict(tally.rewound) | {"contract": 1}
    assert steps == [(1, 1)]


async def test_an_imported_history_with_days_is_folded_as_of_each_instant(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path / "exports", now=EARLY)
    states = [
        contract(geaendert_am=on(-90), monatsbetrag="39,90", rabatt_bis=on(-60)[:10]),
        contract(geaendert_am=on(-59), monatsbetrag="54,90"),
        contract(geaendert_am=on(20), monatsbetrag="54,90", status="gekündigt", gekuendigt_am=on(20)[:10]),
    ]
    await tell(desk, [person()], IMPORT)
    for state in states:  # a sheet has no order: what is read last counts
        await tell(desk, [state], IMPORT)
    await live(desk, IMPORT)
    tally = Tally()
    instants = (AT - timedelta(days=80), AT, AT + timedelta(days=20))
    pasts = await look(desk, *instants, tally=tally)
    assert [past.at for past in pasts] == list(instants)
    shown = [past.view.contracts[0].record for past in pasts]
    assert [one.monthly_amount.minor if one.monthly_amount else None for one in shown] == [3990, 5490, 5490]
    assert [one.discount_ends is None for one in shown] == [False, True, True]
    assert [one.status for one in shown] == ["active", "active", "cancelled"]
    assert [past.outcome.became for past in pasts] == [Became.stayed, Became.left, Became.not_asked]
    assert pasts[1].outcome.day == (AT + timedelta(days=20)).date()
    assert tally.rewound["contract"] == 0


async def test_what_became_of_them_is_read_from_what_is_known_now(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path / "exports", now=EARLY)
    monthly = [row("purchases", f"B{one}", "K5", bestelldatum=on(-one * 30), betrag="1,00") for one in range(1, 6)]
    buyer = [row("purchases", f"C{one}", "K6", bestelldatum=on(-one * 30), betrag="1,00") for one in range(-4, 6)]
    await tell(
        desk,
        [
            *(person(f"K{one}") for one in range(1, 9)),
            contract("V1", "K1", status="beendet", gekuendigt_am=on(9)[:10], vertragsende=on(39)[:10]),
            contract("V2", "K2", status="beendet", vertragsende=on(39)[:10]),
            contract("V3", "K3", status="gekündigt", gekuendigt_am=on(99)[:10]),
            contract("V4", "K4", status="beendet", gekuendigt_am=on(9)[:10], vertragsende=on(39)[:10]),
            contract("V4b", "K4", vertragsbeginn=on(40)[:10]),
            *monthly,
            *buyer,
            contract("V7", "K7", status="beendet", gekuendigt_am=on(-9)[:10], vertragsende=on(9)[:10]),
        ],
        IMPORT,
    )
    await live(desk, IMPORT)
    pasts = await look(desk)
    name = {past.customer: past.view.customer.name for past in pasts}
    found = {name[past.customer]: past.outcome for past in pasts}
    day = {offset: (AT + timedelta(days=offset)).date() for offset in (9, 39, 60)}
    assert found == {
        "Person K1": Outcome(became=Became.left, by=By.contract, day=day[9]),
        "Person K2": Outcome(became=Became.left, by=By.contract, day=day[39]),
        "Person K3": Outcome(became=Became.stayed, by=By.contract),
        "Person K4": Outcome(became=Became.stayed, by=By.contract),
        "Person K5": Outcome(became=Became.left, by=By.rhythm, day=day[60]),
        "Person K6": Outcome(became=Became.stayed, by=By.rhythm),
        "Person K7": Outcome(became=Became.not_asked, by=By.contract, why=Why.gone),
        "Person K8": Outcome(became=Became.not_asked, why=Why.no_rhythm),
    }
    patient = {name[past.customer]: past.outcome for past in await look(desk, factor=9.0)}
    assert patient["Person K5"] == Outcome(became=Became.not_asked, by=By.rhythm, why=Why.slow)


async def test_a_company_is_looked_back_at_with_its_people(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path / "exports", now=EARLY)
    firm = Item(object="accounts", raw={"firmennummer": "F1", "firma": "Ohm KG", "segment": "A"})
    theirs = Item(object="contracts", raw={"vertragsnummer": "V1", "firmennummer": "F1", "status": "beendet",
                                           "vertragsbeginn": "2024-01-01", "gekuendigt_am": on(5)[:10]})  # fmt: skip
    await tell(desk, [firm, person("K1", firmennummer="F1"), person("K2", firmennummer="F1"), theirs], IMPORT)
    await live(desk, IMPORT)
    pasts = await look(desk, chunk=1)
    assert len(pasts) == 2
    for past in pasts:
        assert [held.record.name for held in past.view.accounts] == ["Ohm KG"]
        assert past.outcome.became is Became.left


async def test_who_objects_has_died_or_is_gone_is_not_read(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path / "exports", now=EARLY)
    await tell(
        desk, [person("K1"), person("K2"), person("K3"), *(contract(f"V{one}", f"K{one}") for one in (1, 2, 3))], EARLY
    )
    await live(desk, EARLY)
    await tell(desk, [user(1, at=EARLY), user(2, at=EARLY)], EARLY, "helpdesk")
    assert len(await look(desk)) == 5
    await tell(desk, [person("K2", widerspruch_profiling="x"), person("K3", verstorben="ja")], NOW - timedelta(days=1))
    await tell(desk, [user(2, active=False, at=NOW - timedelta(days=1))], NOW - timedelta(days=1), "helpdesk")
    tally = Tally()
    names = {past.view.customer.name for past in await look(desk, tally=tally)}
    assert names == {"Person K1", "Person 1"}
    assert (tally.customers, tally.left_out) == (2, 3)


async def test_an_instant_whose_horizon_is_not_over_is_refused(store: Store, tmp_path: Path) -> None:
    desk = await make_desk(store, tmp_path / "exports", now=EARLY)
    assert await look(desk, NOW - HORIZON) == []
    with pytest.raises(ValueError, match="is not over before"):
        await look(desk, AT, NOW - HORIZON + timedelta(seconds=1))
