"""What customers answer by a link: looking changes nothing, doing happens once, and all that follows is there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.acting.advancing import advance_due
from bridge.acting.answering import answer, look
from bridge.acting.approaching import opt_out, opted_out
from bridge.automation import outbox
from bridge.automation.outreach import Outreach
from bridge.flow import Desk
from bridge.identity.suppression import suppression
from bridge.model import Channel
from bridge.store import Store, find_answer
from bridge.worker import Worker
from tests.automation.linked import (
    BASE,
    LATER,
    complain,
    linking,
    make_linked,
    offering,
    opened,
    says,
    settle_in,
    tokens,
)
from tests.automation.mailing import TUESDAY, Vendor, clients_of, rule, tell, work
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


async def test_a_message_carries_the_links_that_it_names_and_nothing_of_the_customer_is_in_them(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_linked(store, tmp_path, linking("renew"))
    await _written_to(desk, tmp_path, vendor)
    (sent,) = [body["data"] for _, body in vendor.done]
    assert tokens(vendor).keys() == {"renew"}
    assert sent["unsubscribe"].startswith(f"{BASE}/l/")
    rows = await query(
        database_url, "select purpose, automation, channel, contract, used_at from links order by purpose"
    )
    assert rows == [("renew", "sorry", "email", "crm/contract/V1", None), ("unsubscribe", "sorry", "email", "", None)]
    kept = str(await query(database_url, "select * from links"))
    assert "person1" not in kept and tokens(vendor)["renew"] not in kept


async def test_without_a_secret_or_an_address_of_ours_there_are_no_links(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_linked(store, tmp_path, linking("renew", "unsubscribe"), ticket_secret=None)
    await _written_to(desk, tmp_path, vendor)
    (sent,) = [body["data"] for _, body in vendor.done]
    assert sent["text"] == "Guten Tag Person 1,\n\nGuten Tag.\n\nFreundliche Grüße" and "unsubscribe" not in sent
    assert await query(database_url, "select * from links") == []
    desk.rules = msgspec.structs.replace(desk.rules, outreach=Outreach(unsubscribe="https://example.de/stop"))
    await tell(desk, [ticket(8, 1, at=SOON)], SOON)
    await work(desk, clients_of(desk, vendor), SOON)
    assert vendor.done[1][1]["data"]["text"].split("\n\n")[2] == "unsubscribe: https://example.de/stop"


@pytest.mark.parametrize("secret", [True, False])
async def test_advertising_without_a_way_out_is_not_sent(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor, secret: bool
) -> None:
    more: dict[str, Any] = {} if secret else {"ticket_secret": None}
    desk = await make_linked(store, tmp_path, linking(purpose="advertising"), **more)
    await settle_in(desk, tmp_path)
    (tmp_path / "exports" / "kunden.csv").write_text(
        "Kundennummer;E-Mail;Einwilligung E-Mail;Einwilligung E-Mail am;Einwilligung E-Mail Nachweis;Geändert am\n"
        "K1;person1@example.de;ja;01.11.2025;Formular 7;02.11.2026\n"
    )
    await Worker(desk=desk, clock=lambda: TUESDAY).poll_source("crm")
    await complain(desk)
    await work(desk, clients_of(desk, vendor), LATER)
    if secret:
        assert vendor.done[0][1]["data"]["unsubscribe"].startswith(f"{BASE}/l/")
    else:
        assert vendor.done == []
        assert await query(database_url, "select reason from run_steps") == [("no_unsubscribe",)]


async def test_looking_changes_nothing(store: Store, database_url: str, tmp_path: Path, vendor: Vendor) -> None:
    desk = await make_linked(store, tmp_path, linking("renew", "unsubscribe"))
    await _written_to(desk, tmp_path, vendor)
    before = await _everything(database_url)
    for token in tokens(vendor).values():
        for _ in range(3):
            assert (await look(desk, opened(token), SOON)).state == "open"
    assert await _everything(database_url) == before


async def test_who_wants_no_more_gets_nothing_that_is_ready_to_be_sent(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_linked(store, tmp_path, linking("unsubscribe"))
    await _written_to(desk, tmp_path, vendor)
    await tell(desk, [ticket(8, 1, at=LATER)], LATER)
    await advance_due(desk, most=9, now=LATER)
    assert await outbox.count(store) == {"due": 1, "sent": 1}
    token = opened(tokens(vendor)["unsubscribe"])
    said = await answer(desk, token, "channel", SOON)
    assert (said.state, said.how, said.just_now, said.used_at) == ("done", "email", True, SOON)
    await work(desk, clients_of(desk, vendor), SOON)
    assert len(vendor.done) == 1 and await outbox.count(store) == {"refused": 1, "sent": 1}
    assert ("refused", "opted_out") in await query(database_url, "select result, reason from run_steps")
    assert await query(database_url, "select channel from opt_outs") == [("email",)]
    facts = "select origin, data from facts where kind = 'customer.responded'"
    told = '{"answer":"unsubscribe","channel":"email","automation":"sorry"}'
    assert await query(database_url, facts) == [("live", told)]
    assert await query(database_url, "select actor, action from audit where action like 'link%'") == [
        ("customer", "link.unsubscribe")
    ]
    again = await answer(desk, token, "everything", SOON + timedelta(days=1))
    assert (again.state, again.how, again.just_now, again.used_at) == ("done", "email", False, SOON)
    assert len(await query(database_url, facts)) == 1
    assert await query(database_url, "select channel from opt_outs") == [("email",)]


async def test_nothing_at_all_means_every_address_and_every_channel_and_can_be_taken_back(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_linked(store, tmp_path, linking("unsubscribe"))
    await settle_in(desk, tmp_path)
    await complain(desk)
    (tmp_path / "exports" / "kunden.csv").write_text(
        "Kundennummer;E-Mail;Telefon;Geändert am\nK1;person1@example.de;030 23125042;02.11.2026\n"
    )
    await Worker(desk=desk, clock=lambda: TUESDAY).poll_source("crm")
    await tell(desk, [])
    await work(desk, clients_of(desk, vendor), LATER)
    await opt_out(desk, "phone:+493023125042", reason="said so on the phone", now=LATER)
    token = opened(tokens(vendor)["unsubscribe"])
    assert (await answer(desk, token, "everything", SOON)).how == "everything"
    rows = "select channel, reason from opt_outs order by channel"
    made = await query(database_url, rows)
    assert {channel for channel, _ in made} == {"email", "sms", "voice"}
    known_later = ["email:person1@example.de", "phone:+4915123456789"]
    assert await opted_out(desk, known_later) == {Channel.email, Channel.sms, Channel.voice}
    back = await answer(desk, token, "undo", SOON)
    assert (back.state, back.just_now) == ("undone", True)
    assert await query(database_url, rows) == [("sms", "said so on the phone"), ("voice", "said so on the phone")]
    assert (await look(desk, token, SOON)).state == "open"
    assert (await answer(desk, token, "undo", SOON)).state == "open"
    assert (await answer(desk, token, "channel", SOON + timedelta(hours=1))).just_now
    assert len(await query(database_url, "select id from facts where kind = 'customer.responded'")) == 2


async def test_a_renewal_reaches_a_person_sets_automations_off_and_stops_the_callback(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    call = {"schedule_callback": {"reason": {"de": "Nachfragen", "en": "Ask"}}}
    message = {"send_email": {"message": says("renew: {{ renew_link }}")}}
    waits = rule(id="waits", do=[message, {"wait": {"days": 3}}, {"stop_if": {"since.responded": True}}, call])
    where = {"fact.answer": "renew", "fact.product": {"contains": "DSL"}}
    note = {"add_note": {"text": {"de": "Verlängert", "en": "Renews"}, "through": "hook"}}
    thanks = rule(id="thanks", when={"fact": "customer.responded", "where": where}, do=[note])
    desk = await make_linked(store, tmp_path, waits, thanks)
    await _written_to(desk, tmp_path, vendor)
    token = opened(tokens(vendor)["renew"])
    shown = await look(desk, token, SOON)
    assert (shown.state, shown.terms.product, str(shown.terms.ends)) == ("open", "DSL 100", "2027-01-31")
    said = await answer(desk, token, "yes", SOON)
    assert (said.state, said.just_now, said.terms.product) == ("done", True, "DSL 100")
    assert not (await answer(desk, token, "yes", SOON)).just_now
    await work(desk, clients_of(desk, vendor), SOON)
    kinds = {body["type"]: body["data"] for _, body in vendor.done}
    assert sorted(kinds) == ["action.create_task", "action.send_email"]  # no note: the customer is unknown to `hook`
    task = kinds["action.create_task"]
    assert task["subject"] == "Person 1 möchte verlängern: DSL 100" and task["due"] == "2026-11-24"
    assert "Vertrag V1: DSL 100\nLäuft bis 31.1.2027" in task["text"]
    assert "am 24.11.2026 um 10:02 Uhr" in task["text"]
    runs = "select automation, state, reason from runs order by automation"
    assert await query(database_url, runs) == [("thanks", "refused", "no_address"), ("waits", "waiting", "")]
    await work(desk, clients_of(desk, vendor), TUESDAY + timedelta(days=3, hours=1))
    assert (await query(database_url, runs))[1] == ("waits", "stopped", "stop_if")
    assert len(vendor.done) == 2


async def test_who_does_not_answer_is_called(store: Store, tmp_path: Path, vendor: Vendor) -> None:
    call = {"schedule_callback": {"reason": {"de": "Nachfragen", "en": "Ask"}}}
    message = {"send_email": {"message": says("renew: {{ renew_link }}")}}
    waits = rule(id="waits", do=[message, {"wait": {"days": 3}}, {"stop_if": {"since.responded": True}}, call])
    desk = await make_linked(store, tmp_path, waits)
    await settle_in(desk, tmp_path)
    await tell(desk, [user(1, at=TUESDAY, phone="030 23125042"), ticket(1, 1, at=TUESDAY)])
    await work(desk, clients_of(desk, vendor), LATER)
    await work(desk, clients_of(desk, vendor), TUESDAY + timedelta(days=3, hours=1))
    assert [body["type"] for _, body in vendor.done] == ["action.send_email", "action.schedule_callback"]


async def test_an_offer_is_granted_once_and_counted(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_linked(store, tmp_path, offering())
    await _written_to(desk, tmp_path, vendor)
    await tell(desk, [ticket(8, 1, at=LATER)], LATER)
    await work(desk, clients_of(desk, vendor), LATER)
    first, second = opened(tokens(vendor, 0)["accept"]), opened(tokens(vendor, 1)["accept"])
    shown = await look(desk, first, SOON)
    assert (shown.state, shown.terms.offer, str(shown.terms.amount)) == ("open", "Gutschrift", "20.00 EUR")
    assert (await answer(desk, first, "yes", SOON)).just_now
    granted = await query(database_url, "select offer, amount_minor, currency from grants")
    assert granted == [("goodwill_credit", 2000, "EUR")]
    ((kind, decision, cost, actor),) = await query(
        database_url, "select kind, decision, cost_minor, actor from outcomes"
    )
    assert (kind, cost, actor) == ("granted", 2240, "customer") and decision
    assert await query(database_url, "select id from decisions where id = '" + decision + "'")
    late = await answer(desk, second, "yes", SOON)
    assert (late.state, late.reason) == ("refused", "granted_already")
    await work(desk, clients_of(desk, vendor), SOON)
    (task,) = [body["data"] for _, body in vendor.done if body["type"] == "action.create_task"]
    assert task["subject"] == "Person 1 nimmt das Angebot an: Gutschrift"
    assert "Angebot: Gutschrift, 20,00 €" in task["text"]
    assert len(await query(database_url, "select * from outcomes")) == 1
    after = SOON + timedelta(days=100)
    assert (await look(desk, second, after)).state == "expired"
    assert (await answer(desk, second, "yes", after)).state == "expired"


async def test_what_is_no_longer_offered_or_dearer_than_allowed_is_not_granted(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_linked(store, tmp_path, offering())
    await _written_to(desk, tmp_path, vendor)
    token = opened(tokens(vendor)["accept"])
    playbooks = desk.rules.deciding.playbooks
    whole = playbooks.catalogue
    credit = whole.offers["goodwill_credit"]
    assert credit.limits is not None
    cheap = msgspec.structs.replace(credit, limits=msgspec.structs.replace(credit.limits, agent=1, team_lead=19))
    most = msgspec.structs.replace(whole, most_at_once=0)
    for catalogue, reason in (
        (msgspec.structs.replace(whole, offers={}), "withdrawn"),
        (msgspec.structs.replace(whole, offers={"goodwill_credit": cheap}), "withdrawn"),
        (most, "granted_already"),
    ):
        changed = msgspec.structs.replace(playbooks, catalogue=catalogue)
        deciding = msgspec.structs.replace(desk.rules.deciding, playbooks=changed)
        desk.rules = msgspec.structs.replace(desk.rules, deciding=deciding)
        said = await answer(desk, token, "yes", SOON)
        assert (said.state, said.reason) == ("refused", reason)
    assert await query(database_url, "select * from grants") == []


async def test_more_than_may_be_granted_has_no_link(store: Store, tmp_path: Path, vendor: Vendor) -> None:
    desk = await make_linked(store, tmp_path, offering(301))
    await _written_to(desk, tmp_path, vendor)
    assert len(vendor.done) == 1 and tokens(vendor) == {}


async def test_a_contract_that_is_over_cannot_be_renewed_and_says_so(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_linked(store, tmp_path, linking("renew"))
    await _written_to(desk, tmp_path, vendor, ends="30.11.2026")
    token = opened(tokens(vendor)["renew"])
    assert (await look(desk, token, SOON)).state == "open"
    said = await answer(desk, token, "yes", SOON + timedelta(days=10))
    assert (said.state, said.reason) == ("refused", "over")
    assert await query(database_url, "select id from facts where kind = 'customer.responded'") == []


async def test_nothing_is_promised_that_nobody_is_told_of(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_linked(store, tmp_path, linking("renew"))
    await _written_to(desk, tmp_path, vendor)
    desk.rules = msgspec.structs.replace(desk.rules, outreach=Outreach(hand_over=()))
    said = await answer(desk, opened(tokens(vendor)["renew"]), "yes", SOON)
    assert (said.state, said.reason) == ("refused", "nobody")
    assert await query(database_url, "select used_at from links where purpose = 'renew'") == [(None,)]
    await tell(desk, [ticket(8, 1, at=SOON)], SOON)
    await work(desk, clients_of(desk, vendor), SOON)
    assert len(vendor.done) == 2 and tokens(vendor) == {}


def _hash(desk: Desk) -> str:
    return suppression(desk.salt, "email:person1@example.de")


async def _customer(store: Store) -> str:
    row = await find_answer(store, "email", "person1@example.de", None)
    assert row is not None
    return str(row[1])
