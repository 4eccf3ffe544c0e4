"""Links that are pressed twice, at once, after a merge, by nobody any more: it is done once or not at all."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.acting.answering import Choice, Terms, answer, look
from bridge.errors import NotFound
from bridge.flow import Desk, merge
from bridge.flow.desk import open_desk
from bridge.identity.suppression import suppression
from bridge.privacy import erase, export
from bridge.store import Store, find_answer, open_store
from bridge.worker import Worker
from tests.automation.linked import (
    LATER,
    complain,
    linking,
    make_linked,
    offering,
    opened,
    settle_in,
    tokens,
)
from tests.automation.mailing import TUESDAY, Vendor, clients_of, tell, work
from tests.desks import ticket, user
from tests.dump import query

SOON = LATER + timedelta(minutes=1)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


async def _written_to(desk: Desk, folder: Path, vendor: Vendor, count: int = 1, **known: Any) -> None:
    await settle_in(desk, folder, count, **known)
    await complain(desk, count)
    await work(desk, clients_of(desk, vendor), LATER)


async def _everything(url: str) -> str:
    tables = "links facts outbox runs run_steps opt_outs outcomes grants audit customers".split()
    return str([(table, sorted(map(str, await query(url, f"select * from {table}")))) for table in tables])


@pytest.mark.parametrize("what", ["unsubscribe", "renew", "accept"])
async def test_pressed_at_the_same_moment_it_is_done_once(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor, what: str
) -> None:
    made = offering() if what == "accept" else linking("unsubscribe", "renew")
    desk = await make_linked(store, tmp_path, made)
    await _written_to(desk, tmp_path, vendor)
    token = opened(tokens(vendor)[what])
    choice: Choice = "channel" if what == "unsubscribe" else "yes"
    other = await open_desk(desk.settings, store, desk.registry, TUESDAY, desk.rules)
    said = await asyncio.gather(*(answer(one, token, choice, SOON) for one in (desk, other) * 4))
    assert [one.state for one in said] == ["done"] * 8
    assert sum(one.just_now for one in said) == 1
    assert len(await query(database_url, "select id from facts where kind = 'customer.responded'")) == 1
    handed = await query(database_url, "select action from outbox where dedupe_key like 'l\\_%' escape '\\'")
    assert handed == ([] if what == "unsubscribe" else [("create_task",)])


async def test_a_link_follows_its_customer_over_merges(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_linked(store, tmp_path, linking("renew", "unsubscribe"))
    await _written_to(desk, tmp_path, vendor, 2)
    links = [opened(tokens(vendor, which)["renew"]) for which in (0, 1)]
    ids = []
    for number in (1, 2):
        row = await find_answer(store, "email", f"person{number}@example.de", None)
        assert row is not None
        ids.append(str(row[1]))
    await merge(desk, ids[0], ids[1], by="key:1", evidence={}, now=SOON)
    assert [(await look(desk, one, SOON)).state for one in links] == ["open", "open"]
    assert (await answer(desk, links[1], "yes", SOON)).just_now
    (fact,) = await query(database_url, "select customer from facts where kind = 'customer.responded'")
    assert fact[0] in await _living(database_url)


async def _living(url: str) -> set[str]:
    return {row[0] for row in await query(url, "select id from customers where merged_into is null")}


async def test_an_address_that_is_not_theirs_any_more_renews_nothing(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_linked(store, tmp_path, linking("renew", "unsubscribe"))
    await _written_to(desk, tmp_path, vendor)
    (tmp_path / "exports" / "kunden.csv").write_text("Kundennummer;E-Mail;Geändert am\nK1;neu@example.de;25.11.2026\n")
    later = SOON + timedelta(days=2)
    await tell(desk, [user(1, at=later, email="neu@example.de")], later)
    await Worker(desk=desk, clock=lambda: later).poll_source("crm")
    await tell(desk, [], later)
    said = await answer(desk, opened(tokens(vendor)["renew"]), "yes", later)
    assert (said.state, said.reason) == ("refused", "moved")
    out = await answer(desk, opened(tokens(vendor)["unsubscribe"]), "everything", later)
    channels = await query(database_url, "select channel from opt_outs order by channel")
    assert out.just_now and channels == [("email",), ("sms",), ("voice",)]


async def test_who_has_not_the_address_any_more_is_shown_nothing_of_the_contract(
    store: Store, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_linked(store, tmp_path, linking("renew"))
    await _written_to(desk, tmp_path, vendor)
    token = opened(tokens(vendor)["renew"])
    assert (await answer(desk, token, "yes", SOON)).terms.product == "DSL 100"
    assert (await look(desk, token, SOON)).terms.product == "DSL 100"
    (tmp_path / "exports" / "kunden.csv").write_text("Kundennummer;E-Mail;Geändert am\nK1;neu@example.de;25.11.2026\n")
    later = SOON + timedelta(days=2)
    await tell(desk, [user(1, at=later, email="neu@example.de")], later)
    await Worker(desk=desk, clock=lambda: later).poll_source("crm")
    await tell(desk, [], later)
    after = await look(desk, token, later)
    assert (after.state, after.terms) == ("done", Terms())


async def test_two_links_that_were_pressed_are_taken_back_by_either(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_linked(store, tmp_path, linking("unsubscribe"))
    await settle_in(desk, tmp_path)
    await tell(desk, [ticket(number, 1, at=TUESDAY) for number in (1, 2)])
    await work(desk, clients_of(desk, vendor), LATER)
    first, second = (opened(tokens(vendor, which)["unsubscribe"]) for which in (0, 1))
    assert (await answer(desk, first, "channel", SOON)).just_now
    assert (await answer(desk, second, "channel", SOON)).just_now
    assert (await answer(desk, second, "undo", SOON)).state == "undone"
    assert await query(database_url, "select channel from opt_outs") == []


async def test_links_go_with_an_erased_person(store: Store, database_url: str, tmp_path: Path, vendor: Vendor) -> None:
    desk = await make_linked(store, tmp_path, linking("unsubscribe"), suppression_file=tmp_path / "erased.txt")
    await _written_to(desk, tmp_path, vendor)
    row = await find_answer(store, "email", "person1@example.de", None)
    assert row is not None
    held = await export(desk, str(row[1]))
    assert [one["purpose"] for one in held["links"]] == ["unsubscribe"]
    receipt = await erase(desk, str(row[1]), by="key:1", now=SOON)
    assert receipt["counts"]["links"] == 1
    assert await query(database_url, "select * from links") == []
    with pytest.raises(NotFound):
        await answer(desk, opened(tokens(vendor)["unsubscribe"]), "channel", SOON)


async def test_a_dry_run_keeps_no_links(store: Store, database_url: str, tmp_path: Path, vendor: Vendor) -> None:
    desk = await make_linked(store, tmp_path, linking("unsubscribe"), mode="dry")
    await _written_to(desk, tmp_path, vendor)
    assert await query(database_url, "select result from run_steps") == [("would",)]
    assert await query(database_url, "select * from links") == []


@given(st.lists(st.sampled_from(("look", *get_args(Choice))), max_size=12))
@settings(max_examples=10)
async def test_whatever_is_pressed_in_whatever_order_the_last_word_counts(
    tmp_path_factory: pytest.TempPathFactory, pressed: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("pressed")
    store = await open_store(f"sqlite:///{folder}/bridge.db")
    try:
        vendor = Vendor()
        desk = await make_linked(store, folder, linking("unsubscribe"))
        await _written_to(desk, folder, vendor)
        token = opened(tokens(vendor)["unsubscribe"])
        out, times = "", 0
        for minute, one in enumerate(pressed):
            now = SOON + timedelta(minutes=minute)
            said = await (look(desk, token, now) if one == "look" else answer(desk, token, one, now))
            acts = one == "undo" if out else one in ("channel", "everything", "yes")
            if acts:
                out = "" if out else "everything" if one == "everything" else "email"
                times += bool(out)
            assert said.just_now is acts
            assert said.state == ("done" if out else "undone" if acts else "open")
            assert said.how == out
            assert bool(await store.all("automations.opted_out", hashes=[_hash(desk)])) is bool(out)
        facts = await store.all("links.responded", customers=[await _customer(store)])
        assert len(facts) == times
    finally:
        await store.close()


def _hash(desk: Desk) -> str:
    return suppression(desk.salt, "email:person1@example.de")


async def _customer(store: Store) -> str:
    row = await find_answer(store, "email", "person1@example.de", None)
    assert row is not None
    return str(row[1])
