"""What became of customers: each way to leave, to stay, and not to be asked about."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.flow.leaving import SUCCESSOR_DAYS, Became, By, Outcome, Pact, Why, outcome, pact, purchase_days
from bridge.flow.rewinding import Point, point, told
from bridge.intake.records import Name, Version
from bridge.model import Contract, ContractStatus, Customer, Purchase
from bridge.scoring.view import Held, View
from bridge.store import micros

UTC = timezone.utc
AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
NOW = datetime(2026, 11, 1, 10, tzinfo=UTC)
HORIZON = timedelta(days=90)
POINT, UNTIL, TODAY = (point(one, UTC) for one in (AT, AT + HORIZON, NOW))


def day(offset: int) -> date:
    return AT.date() + timedelta(days=offset)


def held(record: Any, kind: str, number: str) -> Held[Any]:
    return Held(source="crm", object=kind, source_id=number, at=AT, known_at=AT, record=record)


def seen(*contracts: str, bought: tuple[int, ...] = (), **fields: Any) -> View:
    """A view with contracts that go on (or are as `fields` say), and purchases so many days from AT."""
    running = Contract(**{"status": ContractStatus.active, **fields})
    return View(
        id="c1",
        customer=Customer(),
        contracts=tuple(held(running, "contract", one) for one in contracts),
        purchases=tuple(held(Purchase(at=AT + timedelta(days=one)), "purchase", str(one)) for one in bought),
    )


def version(
    number: int, *, effective: int | None = None, known: datetime = NOW, how: str = "full", **fields: Any
) -> Version:
    rank = {"full": "0", "patch": "2", "deleted": "3"}[how]
    body = {name: value.isoformat() if isinstance(value, date) else value for name, value in fields.items()}
    return Version(
        source="crm",
        object="contract",
        source_id="V1",
        ord=f"{number:03d}",
        hash=f"{rank}{number}",
        kind=how,
        effective_at=None if effective is None else micros(AT + timedelta(days=effective)),
        known_at=micros(known),
        subject="id:crm:1",
        body=msgspec.json.encode(body).decode(),
    )


def now_known(*versions: Version, live: datetime | None = NOW) -> Pact | None:
    return pact(told(versions, None if live is None else micros(live)), TODAY, UTC)


def became(view: View, pacts: dict[str, Pact], at: Point = POINT, until: Point = UNTIL) -> Outcome:
    named: dict[Name, Pact] = {("crm", "contract", number): one for number, one in pacts.items()}
    return outcome(view, at, until, named, [], fewest=4, factor=3.0)


def stopping(offset: int | None, *, over: int | None = None, begins: int = -300, known: bool = True) -> Pact:
    stops = date.max if offset is None else day(offset)
    return Pact(begins=day(begins), stops=stops, over=stops if over is None else day(over), known=known)


STAYED = Outcome(became=Became.stayed, by=By.contract)


def left(offset: int) -> Outcome:
    return Outcome(became=Became.left, by=By.contract, day=day(offset))


def not_asked(why: Why, by: By | None = By.contract) -> Outcome:
    return Outcome(became=Became.not_asked, by=by, why=why)


@pytest.mark.parametrize(
    ("offset", "expected"),
    [(1, left(1)), (90, left(90)), (91, STAYED), (None, STAYED), (0, not_asked(Why.gone)), (-5, not_asked(Why.gone))],
)
def test_who_gives_notice_within_the_horizon_has_left(offset: int | None, expected: Outcome) -> None:
    assert became(seen("V1"), {"V1": stopping(offset)}) == expected


def test_who_had_left_or_given_notice_is_not_asked_about() -> None:
    for fields in (
        {"status": ContractStatus.ended},
        {"status": ContractStatus.cancelled},
        {"cancelled_at": day(-3)},
        {"ends": day(-1), "renewal": "none"},
        {"ends": day(-1), "renewal": "manual"},
    ):
        view = msgspec.convert(msgspec.to_builtins(seen("V1", **fields)), View)
        assert became(view, {"V1": stopping(5)}) == not_asked(Why.gone)
    renewed = msgspec.convert(msgspec.to_builtins(seen("V1", ends=day(-1), renewal="automatic")), View)
    assert became(renewed, {"V1": stopping(5)}) == left(5)


def test_of_several_contracts_the_last_one_counts() -> None:
    assert became(seen("V1", "V2"), {"V1": stopping(5), "V2": stopping(None)}) == STAYED
    assert became(seen("V1", "V2"), {"V1": stopping(5), "V2": stopping(120)}) == STAYED
    assert became(seen("V1", "V2"), {"V1": stopping(5), "V2": stopping(40)}) == left(40)


def test_a_contract_that_follows_another_is_no_leaving() -> None:
    old = stopping(5, over=60)
    after = 60 + SUCCESSOR_DAYS
    assert became(seen("V1"), {"V1": old, "V2": stopping(None, begins=after)}) == STAYED
    assert became(seen("V1"), {"V1": old, "V2": stopping(None, begins=after + 1)}) == left(5)
    assert became(seen("V1"), {"V1": old, "V2": stopping(80, begins=40)}) == left(80)
    chain = {"V1": old, "V2": stopping(80, over=85, begins=61), "V3": stopping(None, begins=100)}
    assert became(seen("V1"), chain) == STAYED
    assert became(seen("V1"), {"V1": old, "V0": stopping(-900, begins=-1500)}) == left(5)


def test_what_stopped_nobody_knows_when_is_not_guessed_at() -> None:
    unknown = stopping(None, known=False)
    assert became(seen("V1"), {"V1": unknown}) == not_asked(Why.unknown)
    assert became(seen("V1", "V2"), {"V1": unknown, "V2": stopping(5)}) == not_asked(Why.unknown)
    assert became(seen("V1", "V2"), {"V1": unknown, "V2": stopping(None)}) == STAYED
    assert became(seen("V1"), {"V1": stopping(5), "V0": unknown}) == left(5)  # was over before
    follows = stopping(None, begins=6, known=False)
    assert became(seen("V1"), {"V1": stopping(5), "V2": follows}) == not_asked(Why.unknown)
    assert became(seen("V1"), {}) == not_asked(Why.unknown)


def test_a_contract_stops_on_the_day_of_notice_else_at_its_end() -> None:
    begun: dict[str, Any] = {"starts": day(-300)}
    going = now_known(version(0, status="active", **begun))
    assert going == Pact(begins=day(-300), stops=date.max, over=date.max)
    noticed = now_known(version(0, status="ended", cancelled_at=day(3), ends=day(33), **begun))
    assert noticed == Pact(begins=day(-300), stops=day(3), over=day(33))
    assert now_known(version(0, status="ended", ends=day(33), **begun)) == Pact(
        begins=day(-300), stops=day(33), over=day(33)
    )
    for renewal in ("none", "manual"):
        ran_out = now_known(version(0, status="active", ends=day(33), renewal=renewal))
        assert ran_out is not None and (ran_out.stops, ran_out.begins) == (day(33), date.min)
    for renewal in ("automatic", "unknown"):
        goes_on = now_known(version(0, status="active", ends=day(33), renewal=renewal))
        assert goes_on is not None and goes_on.stops == date.max


def test_where_the_record_does_not_say_when_the_first_version_that_no_longer_goes_on_does() -> None:
    history = [
        version(0, effective=-200, status="active"),
        version(1, effective=5, how="patch", status="cancelled"),
        version(2, effective=50, how="patch", status="ended"),
    ]
    found = now_known(*history)
    assert found is not None and (found.stops, found.known) == (day(5), True)
    ended = now_known(*history, version(3, effective=51, how="patch", ends=day(48)))
    assert ended is not None and (ended.stops, ended.over) == (day(5), day(48))
    taken_back = now_known(*history[:2], version(3, effective=20, how="patch", status="active"))
    assert taken_back is not None and taken_back.stops == date.max
    again = now_known(*history[:2], version(3, effective=20, how="patch", status="active"),
                      version(4, effective=30, how="patch", status="cancelled"))  # fmt: skip
    assert again is not None and again.stops == day(30)
    for unsaid in (
        version(0, status="ended"),
        version(0, status="cancelled"),
        version(0, status="ended", ends=day(900)),
    ):
        found = now_known(unsaid)
        assert found is not None and not found.known


def test_a_contract_deleted_while_it_went_on_may_have_been_tidied_away() -> None:
    deleted = version(9, how="deleted")
    found = now_known(version(0, effective=-9, status="active", ends=day(3)), deleted)
    assert found is not None and not found.known
    cases: tuple[dict[str, Any], ...] = (
        {"status": "ended", "ends": day(3)},
        {"status": "cancelled", "cancelled_at": day(3)},
    )
    for said in cases:
        found = now_known(version(0, effective=-9, **said), deleted)
        assert found is not None and found.known and found.stops == day(3)
    turned = now_known(version(0, effective=-9, status="active"), version(1, effective=4, status="ended"), deleted)
    assert turned is not None and turned.stops == day(4)


def test_what_is_told_after_now_is_not_known() -> None:
    later = NOW + timedelta(days=1)
    assert now_known(version(0, known=later, status="active"), live=AT) is None
    cancelled = version(1, known=later, status="cancelled", cancelled_at=day(1))
    found = now_known(version(0, status="active"), cancelled, live=AT)
    assert found is not None and found.stops == date.max


MONTHLY = (-120, -90, -60, -30)


def silence(bought: tuple[int, ...], after: tuple[int, ...] = (), horizon: int = 90, factor: float = 3.0) -> Outcome:
    days = sorted(purchase_days(seen(bought=(*bought, *after)).purchases))
    until = point(AT + timedelta(days=horizon), UTC)
    return outcome(seen(bought=bought), POINT, until, {}, days, fewest=4, factor=factor)


def test_who_has_no_contract_has_left_when_silent_for_three_of_their_own_gaps() -> None:
    stayed = Outcome(became=Became.stayed, by=By.rhythm)
    assert silence(MONTHLY) == Outcome(became=Became.left, by=By.rhythm, day=day(60))
    assert silence(MONTHLY, (20,)) == stayed
    assert silence(MONTHLY, (-10, 0)) == Outcome(became=Became.left, by=By.rhythm, day=day(90))
    assert silence(MONTHLY, (1,)) == stayed
    assert silence(MONTHLY, (91,)) == Outcome(became=Became.left, by=By.rhythm, day=day(60))  # came back too late
    assert silence(MONTHLY, factor=2.0).day == day(30)


def test_who_has_no_rhythm_or_lost_it_before_or_is_too_slow_is_not_asked_about() -> None:
    assert silence(MONTHLY[1:]) == not_asked(Why.no_rhythm, None)
    assert silence((-30, -30, -30, -30)) == not_asked(Why.no_rhythm, None)
    assert silence(tuple(one - 60 for one in MONTHLY)) == not_asked(Why.gone, By.rhythm)
    assert silence((-190, -130, -70, -10), horizon=90) == not_asked(Why.slow, By.rhythm)
    assert silence((-190, -130, -70, -10), horizon=170).became is Became.left
    assert silence((-4, -3, -2, -1), horizon=19) == not_asked(Why.slow, By.rhythm)  # a week is the shortest gap
    assert silence((-4, -3, -2, -1), horizon=20).day == day(20)


def test_a_refunded_purchase_is_none() -> None:
    bought = [held(Purchase(at=AT, refunded=True), "purchase", "1"), held(Purchase(), "purchase", "2")]
    assert purchase_days(bought) == [AT.toordinal()]
    assert purchase_days(bought[:1]) == []


@given(
    st.lists(st.integers(-900, 0), min_size=4, max_size=12, unique=True),
    st.lists(st.integers(1, 400), max_size=6),
    st.integers(30, 200),
)
def test_an_outcome_by_rhythm_is_what_the_days_say(before: list[int], after: list[int], horizon: int) -> None:
    found = silence(tuple(before), tuple(after), horizon)
    if found.became is Became.not_asked:
        return
    last = max(one for one in (*before, *after) if one <= horizon)
    ordered = sorted(before)
    gaps = sorted(right - left for left, right in pairwise(ordered))
    gap = max(7.0, (gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]) / 2)
    assert (found.became is Became.left) is (horizon - last >= 3 * gap)
    assert max(before) + 3 * gap > 0
    if found.day is not None:
        assert 0 < (found.day - AT.date()).days <= horizon


def test_who_ever_had_a_contract_is_not_judged_by_rhythm() -> None:
    view = seen("V1", bought=MONTHLY, status=ContractStatus.ended)
    assert became(view, {"V1": stopping(-50)}) == not_asked(Why.gone)
