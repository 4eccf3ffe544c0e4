"""Two thousand customers through the real adapters: nothing is lost, every answer keeps its form, scripts render."""

from __future__ import annotations

import asyncio
import fcntl
import re
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import date, datetime, timedelta, timezone
from multiprocessing import get_context

import httpx
import msgspec
import pytest

from bridge.access import SCOPES, mint_key
from bridge.adapter.delivery import Item, Opened
from bridge.adapter.registry import Registry, load_registry
from bridge.app import create_app
from bridge.flat import KEYS, NAMES, ROUTING_NAMES
from bridge.flow import Desk, open_desk
from bridge.flow.counting import count_customers
from bridge.flow.gathering import makeups, views
from bridge.flow.hindsight import Tally, looking_back
from bridge.flow.leaving import Became, By
from bridge.playbook import Situation, fill
from bridge.reports import retention
from bridge.reports.months import months_until
from bridge.sample import CUSTOMERS, Center, choose_sources, load_example, make_center
from bridge.sample.records import Agreement
from bridge.scoring import score
from bridge.scoring.view import View
from bridge.settings import Settings, read_settings
from bridge.store import Store, Unit, micros, open_store
from bridge.store.keys import keep_key
from bridge.worker import Worker
from tests.patience import slowness
from tests.playbook.faults import find_faults

pytestmark = pytest.mark.e2e

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=timezone.utc)
SECONDS = 30.0
FORMS = {
    "found": "true|false",
    "match": "exact|account|ambiguous|none",
    "candidates": r"\d+",
    "customer_id": "[A-Za-z0-9_-]*",
    "decision_id": "[A-Za-z0-9_-]*",
    "value_tier": "platinum|gold|silver|bronze|unknown",
    "priority": "[1-5]",
    "route_hint": "[a-z0-9_-]+",
    "risk_band": "critical|high|medium|low|unknown",
    "language": "[a-z]{2}|",
    "preferred_channel": "voice|email|sms|chat|letter|unknown",
    "open_case": "true|false",
    "risk_score": r"\d|[1-9]\d|100|",
    **{f"reason_{place}": "[a-z0-9_]*" for place in (1, 2, 3)},
    **{f"reason_{place}_text": ".{0,120}" for place in (1, 2, 3)},
    "script_id": "[a-z0-9_]*",
    "script_title": ".{0,80}",
    "script_line": ".{0,300}",
    "offer_ceiling": r"\d+\.\d\d [A-Z]{3}|",
    "owner": ".{0,80}",
    "consent_voice": "granted|denied|unknown|",
    "loop_due_in_min": r"-?\d*",
    "as_of_age_s": r"\d*",
    "degraded": "true|false",
    "missing_sources": "[a-z0-9_,-]*",
    "answer_ms": r"\d+",
    "schema": r"\d+",
    "ask": "[a-z0-9_]*",
    "ask_digits": r"\d*",
    "ask_text": ".{0,200}",
}
"""What each key may hold: the table of the product, written a second time."""


class Loaded(msgspec.Struct):
    """Where the loaded sample lies, what it took, and how slow the cores were."""

    url: str
    cpu_seconds: float
    slowness: float


def _settings(url: str) -> Settings:
    return read_settings(demo=True, database_url=url, ticket_secret="0123456789abcdef0123456789abcdef")


def _registry(settings: Settings) -> Registry:
    return load_registry(settings.adapters_dir, settings.mappings_dir, choose_sources(settings), {})


def load(url: str) -> Loaded:
    """Load the whole sample into an empty database."""
    before = slowness(time.process_time)
    seconds = asyncio.run(_load(url))
    return Loaded(url, seconds, max(before, slowness(time.process_time)))


async def _load(url: str) -> float:
    """The seconds of processor time that it took."""
    settings = _settings(url)
    store = await open_store(url)
    try:
        begin = time.process_time()
        desk = await open_desk(settings, store, _registry(settings), NOW)
        await load_example(desk, Worker(desk=desk, clock=lambda: NOW).settle_all, now=NOW)
        return time.process_time() - begin
    finally:
        await store.close()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Loaded:
    """The sample, loaded once for all processes of the run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "whole_sample"
    folder.mkdir(exist_ok=True)
    took = folder / "loaded.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not took.exists():
            url = f"sqlite:///{folder / 'sample.db'}"
            # In a process of its own, where nothing watches which lines are run: that would be what is measured.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as aside:
                took.write_bytes(msgspec.json.encode(aside.submit(load, url).result()))
    return msgspec.json.decode(took.read_bytes(), type=Loaded)


@pytest.fixture(scope="module")
def center() -> Center:
    return make_center(now=NOW)


@pytest.fixture
async def store(loaded: Loaded) -> AsyncIterator[Store]:
    opened = await open_store(loaded.url)
    yield opened
    await opened.close()


@pytest.fixture
async def desk(loaded: Loaded, store: Store) -> Desk:
    settings = _settings(loaded.url)
    return await open_desk(settings, store, _registry(settings), NOW)


async def test_it_loads_in_under_half_a_minute(loaded: Loaded, store: Store) -> None:
    """Of processor time: what else the machine does is not its fault, nor that its cores are slow."""
    assert loaded.cpu_seconds < SECONDS * loaded.slowness
    assert (await store.all("customers.due_count", now=micros(NOW)))[0][0] == 0


async def test_every_record_is_traced(desk: Desk, center: Center) -> None:
    """What was sent is what was mapped, is in dead letters, or was ignored; and of the exports each row."""
    counted: dict[str, Counter[str]] = {}
    for source, state, count in await desk.store.all("inbox.states"):
        counted.setdefault(source, Counter())[state] += count
    assert set(counted) == set(desk.registry.sources)
    assert all(set(states) <= {"mapped", "dead", "ignored"} for states in counted.values())
    contracts = [*center.contracts, *center.former]
    exported = [center.accounts, center.customers, contracts, center.purchases, center.readings]
    silent = sum(one.answered is None and one.metric != "exit" for one in center.surveys)
    assert counted["crm"].total() == sum(map(len, exported)) + silent
    ids = [*(one.id for one in center.customers), *(one.id for one in contracts), *(one.id for one in center.purchases)]
    assert counted["crm"]["dead"] == sum(id in center.spoiled for id in ids)
    for name, adapter in desk.registry.sources.items():
        sample = desk.registry.sample(adapter.manifest.name)
        assert sample is not None
        if hasattr(sample, "export"):
            continue
        came, kept, repeated, not_ours = 0, set(), 0, 0
        for one in sample.deliveries(center, adapter.source, NOW):
            came += 1
            opened = Opened(items=(one,)) if isinstance(one, Item) else adapter.open(one)
            not_ours += opened.ignored
            for item in opened.items:
                repeated += item.dedupe_key in kept
                kept.add(item.dedupe_key)
        assert came == len(kept) + repeated + not_ours
        assert counted[name].total() == len(kept)
        assert counted[name]["dead"] == 0
        if name == "surveys":
            assert not_ours == sum(one.answered is None for one in center.surveys)


async def test_every_answer_keeps_to_the_table_of_keys(loaded: Loaded, desk: Desk, center: Center) -> None:
    assert set(FORMS) == set(NAMES)
    forms = {name: re.compile(form) for name, form in FORMS.items()}
    known = {one.phone for one in center.customers} | {one.phone for one in center.calls}
    phones = sorted({phone for phone in known if phone} | {one.phone for one in center.callers})
    assert len(phones) > 1500
    keys = [mint_key(scope, scopes, NOW) for scope, scopes in (("agent", SCOPES), ("ivr", frozenset({"ivr"})))]
    unit = Unit()
    for _, access in keys:
        keep_key(unit, access)
    await desk.store.write(unit)
    app = create_app(_settings(loaded.url), choose_sources(_settings(loaded.url)), clock=lambda: NOW)
    transport = httpx.ASGITransport(app)
    seen: Counter[str] = Counter()
    async with app.running(), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        for place, phone in enumerate(phones):
            secret, _ = keys[place % 10 == 0]
            answer = await client.get(
                "/v1/lookup", params={"phone": phone}, headers={"authorization": f"Bearer {secret}"}
            )
            assert answer.status_code == 200
            flat = answer.json()
            assert list(flat) == list(NAMES)
            for key in KEYS:
                value = flat[key.name]
                assert isinstance(value, str)
                assert len(value) <= key.limit
                assert forms[key.name].fullmatch(value), (key.name, value)
                assert place % 10 or key.name in ROUTING_NAMES or value == ""
            assert (flat["found"] == "true") is (flat["match"] == "exact")
            seen.update({f"match {flat['match']}", f"tier {flat['value_tier']}", f"risk {flat['risk_band']}"})
            seen.update({f"script {flat['script_id']}", f"route {flat['route_hint']}"})
    assert {"match exact", "match account", "match ambiguous", "match none"} <= set(seen)
    assert {f"tier {tier}" for tier in ("platinum", "gold", "silver", "bronze")} <= set(seen)
    assert {f"risk {band}" for band in ("critical", "high", "medium", "low")} <= set(seen)
    assert sum(name.startswith("script ") for name in seen) >= 6


async def test_every_playbook_renders_for_everybody_it_applies_to(desk: Desk) -> None:
    rules = desk.rules.deciding
    ids = sorted(row[0] for row in await desk.store.all("customers.due", now=2**62, after="", most=100_000))
    assert len(ids) >= CUSTOMERS
    rendered: Counter[str] = Counter()
    for begin in range(0, len(ids), 200):
        made = await makeups(desk.store, ids[begin : begin + 200])
        for view in (await views(desk.store, Unit(), made, {}, desk.rules.identity)).values():
            situation = Situation(view, score(rules.card, view, NOW, desk.fitted))
            for playbook in rules.playbooks.playbooks:
                if not playbook.when(situation.facts):
                    continue
                told = fill(playbook, situation)
                rendered[playbook.id] += 1
                own = _own(view)
                for language in ("de", "en"):
                    texts = [
                        told.title[language],
                        told.line[language],
                        *told.more[language],
                        *told.do_not_say[language],
                    ]
                    for text in texts:
                        assert not find_faults(text, language, own), playbook.id
                    assert len(told.title[language]) <= 80
                    assert len(told.line[language]) <= 300
    assert len(rendered) >= 4
    assert rendered["default"] == len(ids)


def _own(view: View) -> set[str]:
    """The customer's own words: names and products keep their language."""
    person = view.customer
    names = {person.name, person.given_name, person.family_name, person.owner}
    return {word for word in names | {held.record.product for held in view.contracts} if word}


async def test_deliveries_that_came_late_or_twice_left_each_ticket_once_and_as_it_stands(
    loaded: Loaded, desk: Desk, center: Center
) -> None:
    sample = desk.registry.sample("zendesk")
    assert sample is not None
    adapter = desk.registry.adapter("helpdesk")
    sent = list(sample.deliveries(center, adapter.source, NOW))
    items = [item for one in sent for item in ((one,) if isinstance(one, Item) else adapter.open(one).items)]
    assert len({item.dedupe_key for item in items}) < len(items)
    with closing(sqlite3.connect(loaded.url.removeprefix("sqlite:///"))) as database:
        rows = database.execute("select body from records where source = 'helpdesk' and object = 'ticket'").fetchall()
    stored = [msgspec.json.decode(row[0]) for row in rows]
    assert Counter(one["status"] for one in stored) == Counter(case.status for case in center.tickets)
    assert Counter(one["type"] for one in stored) == Counter(case.type for case in center.tickets)
    assert sum(one.get("reopened", 0) for one in stored) == sum(case.reopened for case in center.tickets)


async def test_looking_back_tells_who_left_as_it_was_and_knows_each_contract_as_it_stood(
    desk: Desk, center: Center
) -> None:
    """What the store can be asked of the past is what was lived, but for what is messy in it."""
    instants = (NOW - timedelta(days=400), NOW - timedelta(days=91))
    horizon = timedelta(days=90)
    fates = {fate.customer_id: fate for fate in center.fates}
    states: defaultdict[str, list[Agreement]] = defaultdict(list)
    for one in (*center.former, *center.contracts):
        states[one.id].append(one)
    asked: Counter[str] = Counter()
    tally = Tally()
    async for past in looking_back(desk, instants, horizon, now=NOW, tally=tally):
        contracts = [held for held in past.view.contracts if held.source_id in states]
        for held in contracts:
            stood = [one for one in states[held.source_id] if one.changed and one.changed <= past.at.date()]
            if stood:
                now_then = (held.record.status, held.record.ends, held.record.monthly_amount, held.record.cancelled_at)
                assert now_then == (
                    stood[-1].status, stood[-1].ends, stood[-1].monthly_amount, stood[-1].cancelled_at
                )  # fmt: skip
        signers = [states[held.source_id][-1].customer_id for held in contracts]
        if len(contracts) != 1 or past.outcome.by is not By.contract or signers[0] not in fates:
            continue
        noticed = fates[signers[0]].noticed
        until = (past.at + horizon).date()
        left = noticed is not None and past.at.date() < noticed <= until
        gone = noticed is not None and noticed <= past.at.date()
        became = Became.not_asked if gone else Became.left if left else Became.stayed
        assert past.outcome.became is became
        assert past.outcome.day == (noticed if left else None)
        asked[became] += 1
    assert asked[Became.left] > 60 and asked[Became.stayed] > 1500
    assert tally.rewound["contract"] < 0.05 * tally.records["contract"]
    assert not tally.rewound["interaction"] and tally.undated["purchase"] == tally.records["purchase"]


async def test_retention_by_month_is_what_truly_became_of_everybody(desk: Desk, center: Center) -> None:
    """Counted from the lives themselves: who signed a contract, or belongs to a company that did, from its first day
    to the one on which they truly left. Left aside are those of whom a row is beyond reading."""
    months = months_until(NOW.date(), 36)
    found = retention.count(months)
    unreadable = {person.id for person in center.customers if person.id in center.spoiled}
    unreadable |= {one.customer_id for one in center.contracts if one.id in center.spoiled}
    async for page in count_customers(desk, now=NOW):
        numbers = await desk.store.all("customers.profiles", ids=[one.standing.customer for one in page])
        of_crm: defaultdict[str, set[str]] = defaultdict(set)
        for source, number, customer, _ in numbers:
            of_crm[customer] |= {number} if source == "crm" else set()
        for one in page:
            if of_crm[one.standing.customer] - unreadable:
                found.add(one.standing)
    fates = {fate.customer_id: fate for fate in center.fates}
    lives = []
    for person in center.customers:
        if person.same_as is not None or person.id in unreadable:
            continue
        own = [one for one in center.contracts if one.customer_id == person.id and one.account_id is None]
        own = own or [one for one in center.contracts if one.account_id and one.account_id == person.account_id]
        if own:
            left = fates[person.id].left if person.id in fates else None
            lives.append((min(one.starts for one in own), left))
    assert len(lives) > 1800
    for cell, month in zip(found.cells("none"), months.months, strict=True):
        before, last = date.fromordinal(month.begins - 1), date.fromordinal(month.last)
        start = [one for one in lives if one[0] <= before and (one[1] is None or one[1] > before)]
        end = [one for one in lives if one[0] <= last and (one[1] is None or one[1] > last)]
        gone = len(start) - sum(one[0] <= before for one in end)
        assert (cell.start, cell.end, cell.left) == (len(start), len(end), gone), cell.month
        assert cell.retention == (len(start) - gone) / len(start)
