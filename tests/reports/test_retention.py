"""Retention, churn and money that stayed: the formulas' pieces add up, and nobody is counted twice."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.flow.leaving import By
from bridge.flow.standing import (
    FOREVER,
    Line,
    Span,
    Standing,
    bridged,
    contract_spans,
    rhythm_spans,
)
from bridge.reports.groups import BYS
from bridge.reports.months import Months, months_until
from bridge.reports.retention import MOST_GROUPS, OTHER, Cell, Retention, count

TODAY = date(2026, 11, 21)
MONTHS = months_until(TODAY, 6)


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def line(begins: str, ends: str | None = None, *, amount: int = 1000, **more: Any) -> Line:
    over = FOREVER if ends is None else day(ends)
    return Line(
        **{
            "subject": "id:crm:1",
            "begins": day(begins),
            "ends": over,
            "stops": over,
            "amounts": ((day(begins), amount),),
            **more,
        }
    )


def customer(*lines: Line, **more: Any) -> Standing:
    return Standing(
        **{
            "customer": "c1",
            "by": By.contract,
            "spans": contract_spans(lines),
            "lines": lines,
            "pays": bridged(lines),
            **more,
        }
    )


def counted(*standings: Standing, months: Months = MONTHS) -> Retention:
    retention = count(months)
    for one in standings:
        retention.add(one)
    return retention


def of(retention: Retention, month: str) -> Cell:
    return next(cell for cell in retention.cells("none") if cell.month == month)


def test_months_are_whole_but_for_the_one_that_goes_on() -> None:
    assert MONTHS.names == ("2026-06", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11")
    assert [date.fromordinal(one).isoformat() for one in MONTHS.closes] == [
        "2026-05-31", "2026-06-30", "2026-07-31", "2026-08-31", "2026-09-30", "2026-10-31", "2026-11-21",
    ]  # fmt: skip
    assert (MONTHS.of(day("2026-05-31")), MONTHS.of(day("2026-06-01")), MONTHS.of(day("2026-06-30"))) == (None, 0, 0)
    assert (MONTHS.of(day("2026-11-21")), MONTHS.of(day("2026-11-22"))) == (5, None)


def test_a_contract_from_the_first_to_the_last_of_a_month_began_and_ended_in_it() -> None:
    june = of(counted(customer(line("2026-06-01", "2026-06-30"))), "2026-06")
    assert (june.start, june.new, june.left, june.end, june.came_and_went) == (0, 0, 0, 0, 1)
    july = counted(customer(line("2026-06-01", "2026-07-31")))
    assert (of(july, "2026-06").new, of(july, "2026-07").start, of(july, "2026-07").left) == (1, 1, 1)
    assert of(july, "2026-08").start == 0


def test_the_retention_rate_is_of_those_who_were_there_and_not_of_those_who_came() -> None:
    stay = [customer(line("2020-01-01"), customer=f"s{n}") for n in range(8)]
    go = [customer(line("2020-01-01", "2026-07-15"), customer=f"g{n}") for n in range(2)]
    come = [customer(line("2026-07-10"), customer=f"n{n}") for n in range(5)]
    july = of(counted(*stay, *go, *come), "2026-07")
    assert (july.start, july.new, july.left, july.end) == (10, 5, 2, 13)
    assert (july.retention, july.churn) == (0.8, 0.2)


def test_of_nobody_there_is_no_rate() -> None:
    cell = of(counted(), "2026-07")
    assert (cell.start, cell.retention, cell.churn, cell.revenue.net) == (0, None, None, None)


def test_one_of_two_contracts_that_ends_is_less_money_and_no_leaving() -> None:
    cell = of(counted(customer(line("2020-01-01"), line("2021-01-01", "2026-07-15", amount=500))), "2026-07")
    assert (cell.start, cell.left, cell.end) == (1, 0, 1)
    assert (cell.revenue.start, cell.revenue.contraction, cell.revenue.churn, cell.revenue.end) == (1500, 500, 0, 1000)
    assert (cell.revenue.net, cell.revenue.gross) == (1000 / 1500, 1000 / 1500)


def test_a_contract_that_follows_within_a_month_is_no_leaving_and_its_money_has_no_gap() -> None:
    moved = counted(customer(line("2020-01-01", "2026-07-31"), line("2026-08-20", amount=1200)))
    july, august = of(moved, "2026-07"), of(moved, "2026-08")
    assert (july.left, july.revenue.contraction, july.revenue.churn) == (0, 0, 0)
    assert (august.new, august.revenue.expansion, august.revenue.end) == (0, 200, 1200)


def test_a_contract_that_takes_over_on_the_day_of_the_end_is_not_paid_beside_the_old_one() -> None:
    moved = customer(line("2020-01-01", "2026-07-10"), line("2026-07-10", amount=1200), line("2026-08-05", amount=500))
    assert [of(counted(moved), month).revenue.end for month in ("2026-06", "2026-07", "2026-08")] == [1000, 1200, 1700]


def test_the_reason_is_the_one_that_was_given_whichever_contract_it_stands_on() -> None:
    both = [line("2020-01-01", "2026-07-31", reason="price"), line("2021-01-01", "2026-07-31")]
    assert [span.reason for span in contract_spans(both)] == ["price"]
    later = [line("2020-01-01", "2026-07-31", reason="price"), line("2021-01-01", "2026-08-31")]
    assert [span.reason for span in contract_spans(later)] == [None]


def test_who_comes_back_later_has_left_and_returned() -> None:
    back = counted(customer(line("2020-01-01", "2026-07-15"), line("2026-09-10")))
    assert (of(back, "2026-07").left, of(back, "2026-09").new, of(back, "2026-09").returned) == (1, 1, 1)
    assert of(back, "2026-09").revenue.new == 1000


def test_notice_is_told_in_its_month_and_leaving_in_that_of_the_end() -> None:
    told = counted(customer(line("2020-01-01", "2026-10-31", stops=day("2026-07-03"))))
    assert [cell.noticed for cell in told.cells("none")] == [0, 1, 0, 0, 0, 0]
    assert [cell.left for cell in told.cells("none")] == [0, 0, 0, 0, 1, 0]


def test_a_price_that_changed_counts_from_its_day_on() -> None:
    rising = line(
        "2020-01-01", amounts=((day("2020-01-01"), 1000), (day("2026-07-31"), 1300), (day("2026-09-01"), 900))
    )
    cells = counted(customer(rising)).cells("none")
    assert [cell.revenue.end for cell in cells] == [1000, 1300, 1300, 900, 900, 900]
    assert [cell.revenue.expansion for cell in cells] == [0, 300, 0, 0, 0, 0]
    assert [cell.revenue.contraction for cell in cells] == [0, 0, 0, 400, 0, 0]


def test_who_moves_to_another_segment_counts_in_the_one_of_the_months_start() -> None:
    moved = customer(line("2020-01-01"), segments=((day("2020-01-01"), "small"), (day("2026-07-10"), "large")))
    cells = {(cell.month, cell.group): cell for cell in counted(moved).cells("segment")}
    assert {group for month, group in cells if month <= "2026-07"} == {"small"}
    assert {group for month, group in cells if month >= "2026-08"} == {"large"}


def test_the_smallest_of_very_many_groups_are_told_together() -> None:
    many = [customer(line("2020-01-01"), customer=f"c{n}", owner=f"Owner {n:03}") for n in range(MOST_GROUPS + 20)]
    cells = [cell for cell in counted(*many).cells("owner") if cell.month == "2026-07"]
    assert len(cells) == MOST_GROUPS + 1
    assert {cell.group: cell.start for cell in cells}[OTHER] == 20


def test_a_rhythm_makes_a_customer_and_three_gaps_of_silence_end_it() -> None:
    days = [day("2026-06-01") + 10 * step for step in range(4)]
    begun = days[-1]
    assert rhythm_spans(days, begun + 29, fewest=4, factor=3.0) == (Span(begins=begun, ends=FOREVER),)
    (over,) = rhythm_spans(days, begun + 30, fewest=4, factor=3.0)
    assert (over.begins, over.ends, over.stops) == (begun, begun + 30, begun + 30)
    again = rhythm_spans([*days, begun + 50], begun + 60, fewest=4, factor=3.0)
    assert [(span.begins, span.ends) for span in again] == [(begun, begun + 30), (begun + 50, FOREVER)]
    assert rhythm_spans(days[:3], begun + 60, fewest=4, factor=3.0) == ()


DAYS = st.integers(day("2026-03-01"), TODAY.toordinal() + 90)
AMOUNTS = st.lists(st.tuples(DAYS, st.integers(0, 5000)), min_size=1, max_size=4).map(
    lambda steps: tuple(sorted(dict(steps).items()))
)


@st.composite
def standings(draw: st.DrawFn) -> list[Standing]:
    found = []
    for number in range(draw(st.integers(0, 8))):
        groups: dict[str, Any] = {
            "customer": f"c{number}",
            "tier": draw(st.sampled_from(["gold", "bronze"])),
            "owner": draw(st.sampled_from(["", "A", "B"])),
            "segments": draw(
                st.sampled_from([(), ((day("2026-01-01"), "x"),), ((day("2026-01-01"), "x"), (day("2026-08-09"), "y"))])
            ),
        }
        if draw(st.booleans()):
            bought = sorted(set(draw(st.lists(DAYS, max_size=30))))
            bought = [one for one in bought if one <= TODAY.toordinal()]
            spans = rhythm_spans(bought, TODAY.toordinal(), fewest=4, factor=3.0)
            found.append(Standing(by=By.rhythm if spans else None, spans=spans, **groups))
            continue
        lines = []
        for _ in range(draw(st.integers(1, 4))):
            begins, ends = draw(DAYS), draw(st.one_of(DAYS, st.just(FOREVER)))
            if begins < ends:
                stops = min(ends, draw(DAYS)) if ends < FOREVER else FOREVER
                lines.append(
                    Line(subject="s", begins=begins, ends=ends, stops=stops, amounts=draw(AMOUNTS),
                         product=draw(st.sampled_from(["", "P", "Q"])))
                )  # fmt: skip
        found.append(customer(*lines, **groups))
    return found


@given(standings())
def test_in_every_month_and_group_the_pieces_add_up(some: list[Standing]) -> None:
    retention = counted(*some)
    for by in BYS:
        for cell in retention.cells(by):
            assert cell.start + cell.new - cell.left == cell.end
            assert cell.returned <= cell.new
            money = cell.revenue
            assert money.start + money.new + money.expansion - money.contraction - money.churn == money.end
            if cell.start:
                assert cell.retention is not None and cell.churn is not None
                assert cell.retention == (cell.end - cell.new) / cell.start
                assert abs(cell.retention + cell.churn - 1) < 1e-12
            if money.start:
                assert money.net == (money.start + money.expansion - money.contraction - money.churn) / money.start


@given(standings())
def test_groups_together_are_everybody_and_a_month_begins_as_the_one_before_ended(some: list[Standing]) -> None:
    retention = counted(*some)
    everybody = retention.cells("none")
    for before, after in pairwise(everybody):
        assert (before.end, before.revenue.end) == (after.start, after.revenue.start)
    for by in BYS:
        cells = retention.cells(by)
        for total in everybody:
            parts = [cell for cell in cells if cell.month == total.month]
            for name in ("start", "new", "returned", "left", "came_and_went", "end", "noticed"):
                assert sum(getattr(part, name) for part in parts) == getattr(total, name)
            for name in ("start", "new", "expansion", "contraction", "churn", "end"):
                assert sum(getattr(part.revenue, name) for part in parts) == getattr(total.revenue, name)


@given(standings())
def test_what_is_counted_of_a_close_is_who_is_there_on_that_day(some: list[Standing]) -> None:
    cells = counted(*some).cells("none")
    for place, close in enumerate(MONTHS.closes[1:]):
        there = [one for one in some if any(span.begins <= close < span.ends for span in one.spans)]
        assert cells[place].end == len(there)


@given(st.lists(st.integers(0, 400), max_size=25), st.integers(0, 400))
def test_what_was_said_of_a_rhythm_never_changes_by_what_was_bought_later(bought: list[int], until: int) -> None:
    days = sorted(set(bought))
    early = rhythm_spans([one for one in days if one <= until], until, fewest=4, factor=3.0)
    late = rhythm_spans(days, 400, fewest=4, factor=3.0)

    def there(spans: tuple[Span, ...], on: int) -> bool:
        return any(span.begins <= on < span.ends for span in spans)

    assert [there(early, on) for on in range(until + 1)] == [there(late, on) for on in range(until + 1)]
