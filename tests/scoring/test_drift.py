"""Whether scores hold: how far they moved, which signals moved them, and what chance allows."""

from __future__ import annotations

from datetime import date
from math import log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.scoring.drift import Kept, Spread, Verdict, check, compare, nobody_yet, wilson
from bridge.scoring.record import FEWEST_ALIKE, Alike, RiskRecord, Seen, group


def spread(probabilities: list[float], signals: str = "", edges: tuple[float, ...] | None = None) -> Spread:
    said = nobody_yet()
    for probability in probabilities:
        said.add(probability, signals)
    return said.spread(edges)


def test_groups_are_tenths_where_scores_differ() -> None:
    found = spread([place / 1000 for place in range(1000)])
    assert len(found.edges) == 9
    assert found.shares == pytest.approx([0.1] * 10)


def test_customers_who_are_scored_the_same_are_in_one_group() -> None:
    found = spread([0.05] * 700 + [0.2] * 200 + [0.6] * 100)
    assert found.edges == (0.05, 0.2)
    assert found.shares == pytest.approx((0.7, 0.2, 0.1))
    assert spread([0.05] * 700).shares == (1.0,)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_everybody_is_in_one_group(probabilities: list[float]) -> None:
    then = spread(probabilities)
    assert sum(then.shares) == pytest.approx(1)
    assert list(then.edges) == sorted(set(then.edges)) and len(then.shares) == len(then.edges) + 1
    assert spread(probabilities, edges=then.edges) == then


def test_the_same_customers_have_not_moved() -> None:
    one = spread([place / 1000 for place in range(1000)], "complaint:open")
    moved = compare(one, one)
    assert moved is not None
    assert (moved.index, moved.verdict, moved.shifts) == (0.0, Verdict.steady, ())


def test_other_customers_of_the_same_kind_are_steady() -> None:
    dice = Random(3)
    then = spread([dice.betavariate(1, 9) for _ in range(2000)])
    now = spread([dice.betavariate(1, 9) for _ in range(1000)], edges=then.edges)
    moved = compare(then, now)
    assert moved is not None and moved.verdict is Verdict.steady


def test_the_index_is_the_population_stability_index() -> None:
    then = Spread(customers=1000, edges=(0.1,), shares=(0.8, 0.2), signals={})
    for share, verdict in ((0.75, Verdict.steady), (0.65, Verdict.moving), (0.5, Verdict.moved)):
        now = Spread(customers=1000, edges=(0.1,), shares=(share, 1 - share), signals={})
        moved = compare(then, now)
        assert moved is not None
        index = (share - 0.8) * log(share / 0.8) + (0.8 - share) * log((1 - share) / 0.2)
        assert moved.index == pytest.approx(index)
        assert moved.verdict is verdict


def test_a_group_that_nobody_is_in_any_more_counts_as_half_a_customer() -> None:
    then = Spread(customers=1000, edges=(0.1,), shares=(0.5, 0.5), signals={})
    now = Spread(customers=1000, edges=(0.1,), shares=(0.0, 1.0), signals={})
    moved = compare(then, now)
    assert moved is not None
    assert moved.index == pytest.approx(-0.4995 * log(0.0005 / 0.5) + 0.5 * log(2))


def test_signals_that_moved_beyond_chance_are_named_strongest_first() -> None:
    signals = {"complaint:open": 0.1, "detractor:d90": 0.3, "long_tenure:y10": 0.5}
    then = Spread(customers=1000, edges=(), shares=(1.0,), signals=signals)
    now = Spread(
        customers=1000,
        edges=(),
        shares=(1.0,),
        signals={"complaint:open": 0.4, "detractor:d90": 0.38, "long_tenure:y10": 0.51, "moving:d30": 0.05},
    )
    moved = compare(then, now)
    assert moved is not None
    assert [(one.code, one.band) for one in moved.shifts] == [
        ("complaint", "open"),
        ("moving", "d30"),
        ("detractor", "d90"),
    ]
    assert (moved.shifts[1].then, moved.shifts[1].now) == (0.0, 0.05)


def test_of_too_few_nothing_is_said() -> None:
    many, few = spread([0.1] * 500), spread([0.1] * 499)
    assert compare(many, few) is compare(few, many) is None
    assert compare(many, many) is not None


def test_wilsons_interval_is_the_published_one() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857-872, table I: 81 of 263 and 15 of 148, 95 %
    assert wilson(81 / 263, 263, 1.959964) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(15 / 148, 148, 1.959964) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    low, high = wilson(0.0, 20)
    assert low == 0.0 and 0 < high < 0.15


def test_ninety_of_a_hundred_intervals_hold_the_truth() -> None:
    dice = Random(11)
    held = 0
    for _ in range(2000):
        left = sum(dice.random() < 0.2 for _ in range(150))
        low, high = wilson(left / 150, 150)
        held += low <= 0.2 <= high
    assert 0.88 <= held / 2000 <= 0.93


def record(*groups: Alike) -> RiskRecord:
    return RiskRecord(
        seen=Seen.lived, from_day=date(2026, 1, 1), to_day=date(2026, 1, 31), horizon_days=90, groups=groups
    )


@pytest.mark.parametrize(("left", "verdict"), [(0.2, Kept.holds), (0.35, Kept.too_low), (0.1, Kept.too_high)])
def test_what_was_said_is_judged_by_what_chance_allows(left: float, verdict: Kept) -> None:
    whole, (only,) = check(record(Alike(most=1.0, customers=200, said=0.2, left=left)))
    assert whole == only
    assert (only.verdict, only.low < left < only.high) == (verdict, True)


def test_all_together_may_hold_where_groups_do_not() -> None:
    low, high = (
        Alike(most=0.2, customers=300, said=0.05, left=0.15),
        Alike(most=1.0, customers=300, said=0.45, left=0.35),
    )
    whole, groups = check(record(low, high))
    assert (whole.customers, whole.said, whole.left) == pytest.approx((600, 0.25, 0.25))
    assert whole.verdict is Kept.holds
    assert [one.verdict for one in groups] == [Kept.too_low, Kept.too_high]


def test_a_record_of_nobody_cannot_be_checked() -> None:
    with pytest.raises(ValueError, match="nobody"):
        check(record())


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=150), st.integers(1, 10))
def test_every_customer_is_in_the_group_that_they_find_themselves_in(
    scored: list[tuple[float, bool]], most: int
) -> None:
    told = record(*group(scored, most))
    assert sum(one.customers for one in told.groups) == len(scored)
    assert len(told.groups) <= most
    assert all(one.customers >= FEWEST_ALIKE for one in told.groups[:-1])
    for one in told.groups:
        bounds = [each.most for each in told.groups]
        inside = [pair for pair in scored if bounds[sum(pair[0] > bound for bound in bounds)] == one.most]
        assert len(inside) == one.customers
        assert one.left == pytest.approx(sum(left for _, left in inside) / len(inside))
        assert one.said == pytest.approx(sum(p for p, _ in inside) / len(inside))
        for probability, _ in inside:
            assert told.alike(probability) == (one if one.customers >= FEWEST_ALIKE else None)
