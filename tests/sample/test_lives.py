"""The process behind it: thresholds, competing causes, contracts that bind, scripts that work on causes."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from bridge.sample.effects import SCRIPTS, Approach, factor, under
from bridge.sample.habits import newsletters, sundays
from bridge.sample.leaving import HORIZON, State, chance, outlook, pulls
from bridge.sample.names import landline, switchboard
from bridge.sample.people import Temper
from bridge.sample.records import Cause
from bridge.sample.terms import Terms, rise, turn
from bridge.sample.world import WEEKS, make_world
from bridge.settings import read_settings

TODAY = date(2026, 11, 21)


def temper(**given: Any) -> Temper:
    usual: dict[str, Any] = {
        "fuse": 2.0, "thrift": 0.6, "voice": 0.5, "roots": 0.3, "memory": 0.95, "line": 1.0, "wordy": 1.0, "age": 45,
    }  # fmt: skip
    return Temper(**usual | given)


def terms(**given: Any) -> Terms:
    usual: dict[str, Any] = {
        "starts": date(2025, 1, 1), "ends": date(2027, 1, 1), "discount_ends": date(2026, 1, 1),
        "amount": 3990, "after": 5490,
    }  # fmt: skip
    return Terms(**usual | given)


def test_strain_does_nothing_until_the_fuse_is_through() -> None:
    below, above = (pulls(temper(), State(strain=strain)) for strain in (1.99, 2.01))
    assert Cause.service not in below
    assert above[Cause.service] > 0.05
    assert pulls(temper(), State(strain=9.0))[Cause.service] > 2 * above[Cause.service]
    assert Cause.service in pulls(temper(), State(strain=1.7, unsolved=3))


def test_a_price_moves_nobody_until_it_jumps_far_enough_for_their_thrift() -> None:
    at_the_end = State(jump=0.375, since_discount=1)
    assert Cause.price in pulls(temper(), at_the_end)
    assert Cause.price not in pulls(temper(thrift=0.2), at_the_end)
    assert Cause.price not in pulls(temper(), State(jump=0.1, since_discount=1))
    assert Cause.price not in pulls(temper(), State(jump=0.375, since_discount=40))
    letter = pulls(temper(), State(since_rise=2))[Cause.price]
    assert pulls(temper(), State(since_rise=2, strain=1.5))[Cause.price] == pytest.approx(2.5 * letter)


def test_a_rival_counts_for_more_once_there_is_strain_and_for_less_while_bound() -> None:
    free, bound, hurt = (
        pulls(temper(), State(courted=True, dsl=True, **more))[Cause.competitor]
        for more in ({}, {"bound": 20}, {"strain": 1.5})
    )
    assert bound < free < hurt
    assert Cause.competitor not in pulls(temper(thrift=0.1), State(courted=True))
    assert Cause.competitor not in pulls(temper(), State(courted=True, bound=60))


def test_a_bad_beginning_and_a_lost_interest_are_causes_of_their_own() -> None:
    assert Cause.onboarding in pulls(temper(), State(began_badly=True, tenure=3, strain=1.0))
    assert Cause.onboarding not in pulls(temper(), State(began_badly=True, tenure=12, strain=1.0))
    assert Cause.drift not in pulls(temper(), State(drifting=5))
    assert pulls(temper(), State(drifting=20))[Cause.drift] > pulls(temper(), State(drifting=20, bound=30))[Cause.drift]


def test_the_outlook_sees_dates_come_nearer_and_strain_fade() -> None:
    before = outlook(temper(), State(jump=0.375, since_discount=-12), (False,) * HORIZON)
    assert Cause.price in before
    faded = outlook(temper(memory=0.5), State(strain=2.2), (False,) * HORIZON)
    assert faded.get(Cause.service, 0.0) < outlook(temper(), State(strain=2.2), (False,) * HORIZON)[Cause.service]
    assert 0 < chance(before) < 1
    assert chance({}) == 0


def test_an_apology_is_for_those_who_spoke_up_money_does_not_replace_it() -> None:
    hurt = State(strain=2.5)
    assert factor(Approach.apology, Cause.service, temper(), hurt) < 0.5
    assert factor(Approach.apology, Cause.service, temper(voice=0.2), hurt) == 0.85
    assert factor(Approach.apology, Cause.service, temper(), State(strain=4.0)) == 0.75
    assert factor(Approach.discount, Cause.service, temper(), hurt) > 1


def test_a_friendly_call_wakes_sleeping_dogs() -> None:
    asleep = State(strain=0.0, bound=0)
    assert factor(Approach.check_in, Cause.price, temper(), asleep) == pytest.approx(1.3)
    assert factor(Approach.check_in, Cause.price, temper(), State(bound=30)) == 1
    assert factor(Approach.check_in, Cause.drift, temper(), State(drifting=20)) == 0.5


def test_who_has_decided_is_harder_to_turn() -> None:
    early = under({Cause.price: 0.5}, temper(), State())
    late = under({}, temper(), State(), decided=Cause.price)
    assert early["discount_end"] / early["default"] < late["discount_end"] / late["default"] < 1


def test_every_shipped_script_has_a_known_effect() -> None:
    shipped = {path.stem for path in (read_settings().config_dir / "playbooks").glob("*.yaml")}
    assert shipped <= set(SCRIPTS)


def test_notice_takes_effect_at_the_end_of_the_bond_unless_the_cause_frees_from_it() -> None:
    given = date(2026, 3, 1)
    assert terms().earliest_end(given, Cause.service, rise=False) == date(2027, 1, 1)
    assert terms(ends=None).earliest_end(given, Cause.service, rise=False) == given + timedelta(days=30)
    assert terms().earliest_end(given, Cause.moving, rise=False) == given + timedelta(days=30)
    assert terms().earliest_end(given, Cause.price, rise=True) == given + timedelta(days=30)
    assert terms().earliest_end(given, Cause.price, rise=False) == date(2027, 1, 1)
    assert terms().earliest_end(given, Cause.onboarding, rise=False) == given + timedelta(days=14)


def test_a_rise_is_felt_at_once_only_where_no_discount_runs() -> None:
    running, over = terms(), terms(discount_ends=None, amount=5490)
    assert not rise(running)
    assert (running.amount, running.after) == (3990, 5790)
    assert rise(over)
    assert over.amount == over.after == 5790


def test_discounts_run_out_and_bonds_end_and_the_content_bind_themselves_anew() -> None:
    one = terms()
    turn(Random(1), one, date(2026, 6, 1), content=False)
    assert (one.discount_ends, one.amount) == (None, 5490)
    ended = [terms() for _ in range(200)]
    for number, each in enumerate(ended):
        turn(Random(number), each, date(2027, 1, 1), content=number % 2 == 0)
    again = [each.ends is not None for each in ended]
    assert 40 < sum(again[::2]) < 70
    assert 5 < sum(again[1::2]) < 30


def test_the_world_has_faults_rises_and_campaigns_and_a_hotline_that_feels_them() -> None:
    world = make_world(Random("7:world"), TODAY)
    assert world == make_world(Random("7:world"), TODAY)
    assert len(world.load) == WEEKS
    calm = min(world.load)
    assert world.load[world.rises[0]] >= calm + 1.2
    big = max(world.outages, key=lambda one: one.hours)
    assert world.cut_off[(big.region, big.network, big.week)] >= big.hours
    assert world.load[big.week] > calm + 1
    assert ("Frankfurt", WEEKS - 1) in world.courted
    assert world.week_of(world.start) == 0
    assert world.week_of(world.start - timedelta(days=1)) == -1
    assert world.day(WEEKS) == TODAY


def test_numbers_of_people_end_where_the_ranges_do_and_never_meet_switchboards() -> None:
    own = [landline(number) for number in range(3750)]
    assert len({*own}) == 3750
    assert None not in own
    assert landline(3750) is None
    assert not {switchboard(number) for number in range(1000)} & set(own)


@pytest.mark.parametrize("day", [date(2026, 11, 21) + timedelta(days=step) for step in range(8)])
def test_measures_are_of_days_that_are_over(day: date) -> None:
    weeks, mails = sundays(day), newsletters(day)
    assert all(one.isoweekday() == 7 for one in weeks)
    assert max(weeks) < day <= max(weeks) + timedelta(days=7)
    assert max(mails) < day
    assert len(set(mails)) == len(mails) == 6
    assert list(weeks) == sorted(weeks)
