"""What nobody heard the end of: the vendor is asked, else a person says it; what was given up may be done again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.acting.advancing import advance_due
from bridge.acting.sending import send_due
from bridge.acting.settling import FIRST, FOUND, NOT_THERE, SURE_AFTER, reconcile_due, send_again, settle_doubt
from bridge.adapter.delivery import Action, Receipt
from bridge.automation import outbox
from bridge.errors import Conflict, NotFound, VendorRefused, VendorRetryable
from bridge.flow import Desk
from bridge.store import Store
from tests.automation.mailing import TUESDAY, Vendor, clients_of, make_office, people, rule, tell, work
from tests.desks import ticket
from tests.dump import query

LATER = TUESDAY + timedelta(minutes=1)
COST = 2


class Asked:
    """A vendor that can be asked what it did, put in place of the one that cannot."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[Receipt | Exception | None] = []
        self.asked: list[str] = []
        adapter = desk.registry.adapter("hook")
        monkeypatch.setattr(adapter, "can_find", frozenset({"send_email"}), raising=False)
        monkeypatch.setattr(adapter, "find_sent", self.find)

    async def find(self, client: Any, action: Action) -> Receipt | None:
        self.asked.append(action.idempotency_key)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def _in_doubt(store: Store, folder: Path, count: int = 1) -> tuple[Desk, Vendor]:
    """A desk with uncertain messages: the vendor took them and its answers were lost."""
    vendor = Vendor()

    def cut(request: httpx.Request) -> None:
        raise httpx.ReadTimeout("no answer", request=request)

    vendor.after = cut
    desk = await make_office(store, folder, rule(budget={"amount": 1}))
    await tell(desk, [*people(count), *(ticket(n, n, at=TUESDAY) for n in range(1, count + 1))])
    await work(desk, clients_of(desk, vendor), LATER)
    assert await outbox.count(store) == {"uncertain": count}
    return desk, vendor


async def _ask(desk: Desk, vendor: Vendor, after: timedelta) -> int:
    return await reconcile_due(desk, clients_of(desk, vendor), most=9, clock=lambda: LATER + after)


async def _one(url: str) -> tuple[Any, ...]:
    (row,) = await query(url, "select state, reference, error from outbox")
    return row


async def _spent(url: str) -> int:
    ((spent,),) = await query(url, "select spent_minor from automation_spending")
    return int(spent)


async def test_a_vendor_that_has_it_settles_the_doubt(
    store: Store, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, vendor = await _in_doubt(store, tmp_path)
    asked = Asked(desk, monkeypatch)
    asked.answers = [Receipt(reference="mail/7")]
    assert await _ask(desk, vendor, timedelta(seconds=30)) == 0
    assert await _ask(desk, vendor, FIRST) == 1
    assert await _one(database_url) == ("sent", "mail/7", FOUND)
    assert await _spent(database_url) == COST
    assert await query(database_url, "select actor, action from audit where action like 'outbox%'") == [
        ("worker", "outbox.settle")
    ]
    assert len(vendor.done) == 1 and await _ask(desk, vendor, timedelta(days=1)) == 0


async def test_a_vendor_is_asked_ever_later_and_what_it_has_not_after_an_hour_was_not_done(
    store: Store, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, vendor = await _in_doubt(store, tmp_path)
    asked = Asked(desk, monkeypatch)
    asked.answers = [
        None,
        VendorRetryable("hook", "busy"),
        VendorRefused("hook", "no"),
        RuntimeError("odd"),
        None,
        None,
    ]
    turns = [minute for minute in range(3 * 60) if await _ask(desk, vendor, timedelta(minutes=minute))]
    assert turns == [2, 4, 8, 16, 32, 64] and timedelta(minutes=turns[-1]) >= SURE_AFTER
    assert await _one(database_url) == ("dead", None, NOT_THERE)
    assert await _spent(database_url) == 0


async def test_nobody_is_asked_who_cannot_tell(store: Store, tmp_path: Path) -> None:
    desk, vendor = await _in_doubt(store, tmp_path)
    for _, adapter in sorted(desk.registry.sources.items()):
        if "send_email" in adapter.manifest.actions:
            with pytest.raises(VendorRefused):
                await adapter.find_sent(
                    clients_of(desk, vendor)("hook"), Action(do="send_email", args={}, idempotency_key="k")
                )
    assert await _ask(desk, vendor, timedelta(days=2)) == 0
    assert await outbox.count(store) == {"uncertain": 1}
    del desk.registry.sources["helpdesk"]  # the only one that can be asked about anything
    assert await _ask(desk, vendor, timedelta(days=2)) == 0


@pytest.mark.parametrize(("was_done", "state", "spent"), [(True, "sent", COST), (False, "refused", 0)])
async def test_a_person_settles_a_doubt_once(
    store: Store, database_url: str, tmp_path: Path, was_done: bool, state: str, spent: int
) -> None:
    desk, vendor = await _in_doubt(store, tmp_path)
    ((number,),) = await query(database_url, "select id from outbox")
    await settle_doubt(desk, number, was_done=was_done, by="key:1", now=LATER)
    assert await _one(database_url) == (state, None, "settled by key:1")
    assert await _spent(database_url) == spent
    with pytest.raises(Conflict):
        await settle_doubt(desk, number, was_done=not was_done, by="key:2", now=LATER)
    with pytest.raises(NotFound):
        await settle_doubt(desk, number + 1, was_done=True, by="key:1", now=LATER)
    with pytest.raises(Conflict):
        await send_again(desk, number, by="key:1", now=LATER)
    await work(desk, clients_of(desk, vendor), LATER + timedelta(hours=1))
    assert len(vendor.done) == 1


async def test_what_was_given_up_is_done_again_when_a_person_says_so_and_its_money_is_there(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    vendor = Vendor()

    def refuse(request: httpx.Request) -> None:
        raise httpx.ConnectError("no", request=request)

    vendor.before = refuse
    desk = await make_office(store, tmp_path, rule(budget={"amount": 0.02, "every": "ever"}))
    await tell(desk, [*people(2), ticket(1, 1, at=TUESDAY)])
    now = LATER
    clients = clients_of(desk, vendor)
    for _ in range(outbox.ATTEMPTS):
        await work(desk, clients, now)
        await query(database_url, "update outbox set due_at = 0 where state = 'due' returning 1")
    assert (await _one(database_url))[0] == "dead" and await _spent(database_url) == 0
    ((number,),) = await query(database_url, "select id from outbox")
    await tell(desk, [ticket(2, 2, at=now)], now)
    await advance_due(desk, most=9, now=now)
    with pytest.raises(Conflict, match="budget"):
        await send_again(desk, number, by="key:1", now=now)
    await query(database_url, "delete from outbox where state = 'due' returning id")
    await query(database_url, "update automation_spending set spent_minor = 0 returning 1")
    await send_again(desk, number, by="key:1", now=now)
    assert await _spent(database_url) == COST
    with pytest.raises(Conflict):
        await send_again(desk, number, by="key:1", now=now)
    vendor.before = lambda request: None
    await send_due(desk, clients, most=9, clock=lambda: now)
    assert (await _one(database_url))[0] == "sent" and len(vendor.done) == 1


async def test_what_is_done_again_weeks_later_waits_for_a_good_hour_and_is_paid_from_what_there_is_then(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk, vendor = await _in_doubt(store, tmp_path)
    await query(database_url, "update outbox set state = 'dead' returning 1")
    await query(database_url, "update automation_spending set spent_minor = 0 returning 1")
    ((number,),) = await query(database_url, "select id from outbox")
    night = TUESDAY + timedelta(days=21, hours=13)
    await send_again(desk, number, by="key:1", now=night)
    vendor.after = lambda request: None
    await work(desk, clients_of(desk, vendor), night)
    assert await outbox.count(store) == {"due": 1}
    await work(desk, clients_of(desk, vendor), night + timedelta(hours=9))
    assert await outbox.count(store) == {"sent": 1}
    spent = await query(database_url, "select period, spent_minor from automation_spending order by period")
    assert spent == [("2026-11", 0), ("2026-12", COST)]
