"""What becomes of a message when a vendor refuses it, is busy or breaks, and when something is wrong here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs

from bridge.acting.advancing import PUT_OFF, advance_due
from bridge.acting.approaching import Known, person_of, read_known
from bridge.acting.sending import AGAIN, EXAMPLE, ROLLING_OUT, SILENT, send_due
from bridge.acting.settling import send_again
from bridge.automation import outbox
from bridge.errors import ConfigError, Superseded, VendorRefused
from bridge.facts import Origin
from bridge.flow import Desk, mark_due
from bridge.store import Store, Unit
from tests.automation.mailing import (
    APOLOGY,
    TUESDAY,
    Vendor,
    clients_of,
    customers_of,
    make_office,
    people,
    reasons_of,
    rule,
    tell,
    work,
)
from tests.desks import drain, stamp, ticket, user
from tests.dump import query

LATER = TUESDAY + timedelta(minutes=1)
CALL = {"schedule_callback": {"reason": {"de": "Nachfragen", "en": "Ask"}}}
AT_RISK = {"when": {"fact": "risk.rose"}, "at_most": None, "window": 30}


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


# What vendors answer


async def test_a_vendor_s_refusal_is_final_and_gives_the_money_back(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path, rule(budget={"amount": 1}))
    refusing = clients_of(desk, _Always(lambda request: httpx.Response(422)))
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await work(desk, refusing, LATER)
    await work(desk, refusing, LATER + timedelta(days=1))
    ((state, error),) = await query(database_url, "select state, error from outbox")
    assert state == "refused" and "422" in error and "example.de" not in error
    assert await query(database_url, "select spent_minor from automation_spending") == [(0,)]


async def test_a_vendor_that_is_busy_is_asked_again_not_before_it_said_ever_later_and_given_up_after_six_attempts(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path, rule(budget={"amount": 1}))
    asked: list[datetime] = []
    now = LATER

    def busy(request: httpx.Request) -> httpx.Response:
        asked.append(now)
        return httpx.Response(429, headers={"retry-after": "120"})

    clients = clients_of(desk, _Always(busy))
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    for minute in range(0, 440, 2):
        now = LATER + timedelta(minutes=minute)
        await work(desk, clients, now)
    assert [(one - LATER) / timedelta(minutes=1) for one in asked] == [0, 2, 4, 14, 74, 434]
    assert await outbox.count(store) == {"dead": 1}
    assert await query(database_url, "select attempts, spent_minor from outbox, automation_spending") == [(6, 0)]


async def test_while_a_vendor_takes_nothing_the_others_that_wait_for_it_are_not_tried(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path, rule())
    vendor = Vendor()
    asked: list[httpx.Request] = []

    def busy_at_first(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(429, headers={"retry-after": "60"}) if len(asked) == 1 else Vendor.answer(vendor, request)

    clients = clients_of(desk, _Always(busy_at_first))
    await tell(desk, [*people(3), *(ticket(n, n, at=TUESDAY) for n in (1, 2, 3))])
    await advance_due(desk, most=9, now=LATER)
    for second in (0, 1, 30, 59):
        await send_due(desk, clients, most=1, clock=_standing(LATER + timedelta(seconds=second)))
    assert len(asked) == 1
    assert await query(database_url, "select attempts from outbox order by attempts") == [(0,), (0,), (1,)]
    await work(desk, clients, LATER + timedelta(minutes=1))
    assert await outbox.count(store) == {"sent": 3} and len(vendor.done) == 3


async def test_a_vendor_that_does_not_answer_is_not_given_one_doubt_after_the_other(
    store: Store, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path, rule())
    vendor = Vendor()

    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("no answer", request=request)

    await tell(desk, [*people(5), *(ticket(n, n, at=TUESDAY) for n in range(1, 6))])
    await advance_due(desk, most=9, now=LATER)
    assert await send_due(desk, clients_of(desk, _Always(silent)), most=9, clock=lambda: LATER, at_once=1) == 5
    assert await outbox.count(store) == {"uncertain": 1, "due": 4}
    await work(desk, clients_of(desk, vendor), LATER)
    assert vendor.done == []
    await work(desk, clients_of(desk, vendor), LATER + SILENT)
    assert await outbox.count(store) == {"uncertain": 1, "sent": 4}


@pytest.mark.parametrize(
    ("problem", "state"),
    [
        (VendorRefused("hook", "no such mailbox", status=422), "refused"),
        (VendorRefused("hook", "the password is wrong", status=401), "dead"),
        (VendorRefused("hook", "the certificate is not trusted", about_us=True), "dead"),
        (VendorRefused("hook", "answered 200 with more than it may", status=200), "uncertain"),
        (ConfigError("sources.yaml: sources.hook.settings.token", "is missing"), "dead"),
    ],
)
async def test_what_is_refused_whoever_asks_is_left_for_who_mends_it(
    store: Store,
    database_url: str,
    tmp_path: Path,
    vendor: Vendor,
    monkeypatch: pytest.MonkeyPatch,
    problem: Exception,
    state: str,
) -> None:
    desk = await make_office(store, tmp_path, rule(budget={"amount": 1}))
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])

    async def refuses(*given: object) -> None:
        raise problem

    with monkeypatch.context() as patched:
        patched.setattr(desk.registry.adapter("hook"), "send_email", refuses)
        await work(desk, clients_of(desk, vendor), LATER)
    ((number, found, error),) = await query(database_url, "select id, state, error from outbox")
    assert (found, error) == (state, str(problem))
    spent = await query(database_url, "select spent_minor from automation_spending")
    assert spent == [(2 if state == "uncertain" else 0,)]
    if state == "dead":
        await send_again(desk, number, by="key:1", now=LATER)
        await work(desk, clients_of(desk, vendor), LATER)
        assert len(vendor.done) == 1 and await outbox.count(store) == {"sent": 1}


async def test_what_was_promised_to_somebody_is_shown_to_a_person_when_it_is_refused(
    store: Store, tmp_path: Path
) -> None:
    desk = await make_office(store, tmp_path)
    for key, source in (("l_1", "hook"), ("l_2", "gone")):
        unit = Unit()
        said = {"subject": "Person 1 möchte verlängern", "text": "Bitte eintragen."}
        outbox.enqueue(unit, dedupe_key=key, source=source, action="create_task", args=said, now=TUESDAY)
        await store.write(unit)
    refusing = clients_of(desk, _Always(lambda request: httpx.Response(422)))
    await work(desk, refusing, TUESDAY + ROLLING_OUT)
    assert await outbox.count(store) == {"dead": 2}


async def test_what_cannot_even_be_looked_at_is_given_up_and_does_not_come_back_for_ever(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await make_office(store, tmp_path, rule(budget={"amount": 1}))
    await tell(desk, [*people(2), ticket(8, 1, at=TUESDAY), ticket(9, 2, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)
    poisoned = (await customers_of(database_url))["1"]

    async def trouble(desk: Desk, unit: Unit, known: Known, *rest: Any) -> Any:
        if known.customer == poisoned:
            raise KeyError("odd")
        return await person_of(desk, unit, known, *rest)

    monkeypatch.setattr("bridge.acting.sending.person_of", trouble)
    with capture_logs() as logs:
        for _ in range(outbox.ATTEMPTS):
            await work(desk, clients_of(desk, vendor), LATER)
            await query(database_url, "update outbox set due_at = 0 where state = 'due' returning 1")
    assert [one["event"] for one in logs] == ["outbox.failed"] * outbox.ATTEMPTS
    rows = await query(database_url, "select state, error from outbox order by state")
    assert rows == [("dead", "KeyError before it was begun"), ("sent", None)]
    assert await query(database_url, "select spent_minor from automation_spending") == [(2,)]
    assert len(vendor.done) == 1


async def test_an_adapter_that_breaks_leaves_a_doubt_and_a_client_that_cannot_be_made_does_not(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await make_office(store, tmp_path, rule())
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)

    def nothing(source: str) -> Any:
        raise OSError("no certificates")

    with capture_logs() as logs:
        assert await send_due(desk, nothing, most=9, clock=lambda: LATER) == 1
    assert [one["event"] for one in logs] == ["outbox.failed"]
    assert await outbox.count(store) == {"due": 1}

    async def breaks(*given: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(desk.registry.adapter("hook"), "send_email", breaks)
    with capture_logs() as logs:
        await work(desk, clients_of(desk, vendor), LATER + AGAIN[0])
    assert [one["event"] for one in logs] == ["outbox.broke"]
    assert await query(database_url, "select state, error from outbox") == [("uncertain", "KeyError while it was done")]


async def test_a_source_that_is_configured_no_more_refuses_and_gives_the_money_back(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(budget={"amount": 1}))
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)
    hook = desk.registry.sources.pop("hook")
    await work(desk, clients_of(desk, vendor), LATER)
    assert await outbox.count(store) == {"due": 1}  # another process with a newer configuration may know it
    await work(desk, clients_of(desk, vendor), LATER + ROLLING_OUT)
    assert await outbox.count(store) == {"refused": 1}
    assert await query(database_url, "select spent_minor from automation_spending") == [(0,)]
    desk.registry.sources["hook"] = hook
    await work(desk, clients_of(desk, vendor), LATER + ROLLING_OUT * 2)
    assert vendor.done == []


async def test_from_an_example_nothing_is_sent(store: Store, database_url: str, tmp_path: Path, vendor: Vendor) -> None:
    desk = await make_office(store, tmp_path, rule())
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)
    adapter = desk.registry.sources["hook"]
    adapter.source = msgspec.structs.replace(adapter.source, demo=True)
    await work(desk, clients_of(desk, vendor), LATER)
    assert vendor.done == []
    assert await query(database_url, "select state, error from outbox") == [("refused", EXAMPLE)]


def _standing(at: datetime) -> Callable[[], datetime]:
    return lambda: at


class _Always(Vendor):
    """Answers everything alike."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        super().__init__()
        self._answer = answer

    def answer(self, request: httpx.Request) -> httpx.Response:
        return self._answer(request)


# What has waited


async def test_a_call_whose_hour_went_by_waits_for_the_next_good_one_and_is_wanted_then(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(do=[CALL]))
    await tell(desk, [user(1, phone="030 23125042"), ticket(9, 1, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)
    clients = clients_of(desk, vendor)
    night, morning = TUESDAY + timedelta(hours=13), TUESDAY + timedelta(hours=24)
    await work(desk, clients, night)  # nobody was at work until now
    assert vendor.done == [] and await outbox.count(store) == {"due": 1}
    await work(desk, clients, morning)
    ((_, body),) = vendor.done
    assert msgspec.convert(body["data"]["at"], datetime) == morning


async def test_what_waited_longer_than_patience_because_nobody_was_at_work_is_not_made_up_for(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(budget={"amount": 1}))
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    await advance_due(desk, most=9, now=LATER)
    await work(desk, clients_of(desk, vendor), LATER + timedelta(days=desk.rules.outreach.patience_days, hours=1))
    assert vendor.done == [] and await outbox.count(store) == {"refused": 1}
    assert await query(database_url, "select spent_minor from automation_spending") == [(0,)]
    assert await query(database_url, "select reason from run_steps where result = 'refused'") == [("gave_up_waiting",)]


async def test_what_was_settled_while_a_call_waited_for_its_hour_is_not_called_about(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    settled = {"stop_if": {"since.resolved": {"at_least": 1}}}
    late = {"schedule_callback": CALL["schedule_callback"] | {"after": {"hours": 3}}}
    desk = await make_office(store, tmp_path, rule(do=[settled, late], budget={"amount": 9}))
    await tell(desk, [user(1, phone="030 23125042"), ticket(9, 1, at=TUESDAY)])
    await work(desk, clients_of(desk, vendor), LATER)
    assert await outbox.count(store) == {"due": 1}
    solved = LATER + timedelta(hours=1)
    done = ticket(9, 1, at=TUESDAY, status="solved", updated_at=stamp(solved))
    await tell(desk, [done], solved)
    await work(desk, clients_of(desk, vendor), LATER + timedelta(hours=4))
    assert vendor.done == [] and await outbox.count(store) == {"refused": 1}
    assert await reasons_of(database_url) == [("enqueued", ""), ("refused", "stop_if")]


# What goes wrong in the bridge itself


async def test_a_run_that_something_is_wrong_with_waits_and_the_others_go_on(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await make_office(store, tmp_path, rule())
    await tell(desk, [*people(2), ticket(8, 1, at=TUESDAY), ticket(9, 2, at=TUESDAY)])
    troubles = [RuntimeError("odd"), Superseded("changed")]

    async def trouble(*given: Any) -> Any:
        if troubles:
            raise troubles.pop(0)
        return await person_of(*given)

    monkeypatch.setattr("bridge.acting.advancing.person_of", trouble)
    with capture_logs() as logs:
        await work(desk, clients_of(desk, vendor), LATER)
    assert [one["event"] for one in logs if one["log_level"] == "error"] == ["run.failed"]
    assert len(vendor.done) == 1
    await work(desk, clients_of(desk, vendor), LATER + PUT_OFF)
    assert len(vendor.done) == 2


async def test_a_message_that_changed_while_it_was_looked_at_is_looked_at_again(
    store: Store, tmp_path: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await make_office(store, tmp_path, rule())
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    troubles = [Superseded("changed")]

    async def trouble(*given: Any) -> Any:
        if troubles:
            raise troubles.pop(0)
        return await read_known(*given)

    monkeypatch.setattr("bridge.acting.sending.read_known", trouble)
    await work(desk, clients_of(desk, vendor), LATER)
    assert len(vendor.done) == 1


async def test_a_long_run_goes_on_after_a_rest(
    store: Store, tmp_path: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = {"stop_if": {"since.resolved": {"at_least": 5}}}
    desk = await make_office(store, tmp_path, rule(do=[*([never] * 12), *APOLOGY["do"]]))
    await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY)])
    monkeypatch.setattr("bridge.acting.advancing._AT_ONCE", 5)
    await advance_due(desk, most=9, now=LATER)
    assert await outbox.count(store) == {}
    await work(desk, clients_of(desk, vendor), LATER)
    assert len(vendor.done) == 1


async def test_no_origin_but_what_happens_now_sets_anything_off(
    store: Store, database_url: str, tmp_path: Path, vendor: Vendor
) -> None:
    desk = await make_office(store, tmp_path, rule(), rule(id="danger", **AT_RISK))
    await tell(desk, people(3))
    await mark_due(desk, list((await customers_of(database_url)).values()), Origin.remap)
    await drain(desk, now=LATER)
    await work(desk, clients_of(desk, vendor), LATER)
    assert vendor.done == [] and await query(database_url, "select id from runs") == []
