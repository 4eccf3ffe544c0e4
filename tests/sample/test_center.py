"""The made-up contact center: plausible, the same every time, and nobody's real number in it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from random import Random
from statistics import mean, median

import msgspec
import phonenumbers
import pytest

from bridge.model import ContractStatus
from bridge.sample import SCRIPTS, Center, Fate, callers, callers_at, make_center
from bridge.sample.center import SEED
from bridge.sample.names import RANGES
from bridge.sample.records import Agreement, Cause
from bridge.sample.world import make_world

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=timezone.utc)
TODAY = NOW.date()
BEGIN = TODAY - timedelta(days=3 * 365)


@cache
def center(customers: int = 2000, seed: int = SEED) -> Center:
    return make_center(now=NOW, customers=customers, seed=seed)


@cache
def lived() -> tuple[tuple[Agreement, Fate, float], ...]:
    """Of everybody who signed a contract (the told stories left out) that contract, the fate and the years lived."""
    fates = {one.customer_id: one for one in center().fates}
    found = []
    for contract in center().contracts:
        fate = fates.get(contract.customer_id)
        if fate is not None:
            years = ((fate.left or TODAY) - max(contract.starts, BEGIN)).days / 365
            found.append((contract, fate, years))
    return tuple(found)


YEARS = 365.0


def test_the_same_day_and_seed_make_the_same_center_and_another_seed_another_one() -> None:
    again = make_center(now=NOW + timedelta(hours=3), customers=60)
    assert again.customers == center(60).customers
    assert again.calls[:-3] == center(60).calls[:-3]
    assert again.fates == center(60).fates
    assert center(60, 8).customers[20:] != again.customers[20:]


def test_a_larger_sample_begins_with_the_people_and_the_lives_of_the_smaller_one() -> None:
    few = {one.customer_id: one for one in center(60).fates}
    many = {one.customer_id: one for one in center().fates}
    whole = [name for name in few if int(name) < 20_050]  # the last home of the smaller sample may be cut
    assert whole
    assert all(many[name] == few[name] for name in whole)


def test_there_are_as_many_people_as_were_asked_for_besides_the_stories() -> None:
    told = len(center().callers) - 1 + 1  # the unknown caller is nobody; of the household two people are told
    assert len(center().fates) == 2000
    assert sum(one.same_as is None for one in center().customers) == 2000 + told
    tiny = center(1)
    assert len(tiny.fates) == 1


def test_between_one_in_seven_and_one_in_five_leaves_a_year_for_reasons_of_every_kind() -> None:
    years = sum(years for _, _, years in lived())
    left = [fate for _, fate, _ in lived() if fate.left]
    assert 0.13 < len(left) / years < 0.20
    causes = Counter(fate.cause for fate in left)
    assert set(causes) == set(Cause)
    assert causes[Cause.service] == max(causes.values())
    assert max(causes.values()) < 0.5 * len(left)


@pytest.mark.parametrize("seed", [1, 2])
def test_other_seeds_are_as_plausible(seed: int) -> None:
    other = make_center(now=NOW, customers=600, seed=seed)
    fates = {one.customer_id: one for one in other.fates}
    signed = [(one, fates[one.customer_id]) for one in other.contracts if one.customer_id in fates]
    years = sum(((fate.left or TODAY) - max(one.starts, BEGIN)).days / 365 for one, fate in signed)
    assert 0.10 < sum(fate.left is not None for _, fate in signed) / years < 0.24


def test_who_leaves_decides_first_gives_notice_then_and_goes_last() -> None:
    for fate in center().fates:
        days = [day for day in (fate.decided, fate.noticed, fate.left) if day]
        assert all(before <= after for before, after in pairwise(days))
        assert (fate.cause is None) is (fate.decided is None)
        assert not (fate.noticed and not fate.decided)
        assert fate.left is None or fate.noticed


def test_calls_and_tickets_are_as_many_as_at_a_telecom() -> None:
    years = sum(years for _, _, years in lived())
    calls = [one for one in center().calls if one.direction == "inbound"]
    assert 1.1 < len(calls) / years < 1.9
    assert 0.07 < mean(one.abandoned for one in calls) < 0.2
    assert 60 < median(one.wait_seconds for one in calls) < 240
    assert 0.02 < mean(one.phone is None for one in calls) < 0.10
    assert 0.6 < len(center().tickets) / years < 1.3
    kinds = Counter(one.type for one in center().tickets)
    assert 0.03 < kinds["complaint"] / years < 0.16
    done = Counter(one.status in ("resolved", "closed") for one in center().tickets)
    assert done[False] < 0.05 * done[True]
    assert 0.03 < mean(one.reopened > 0 for one in center().tickets) < 0.12


def test_one_in_five_answers_and_the_unhappy_answer_differently() -> None:
    recent = [one for one in center().surveys if one.sent.date() > TODAY - timedelta(days=380)]
    nps = [one for one in recent if one.metric == "nps"]
    answered = [one for one in nps if one.answered]
    assert 0.15 < len(answered) / len(nps) < 0.3
    scores = [one.score for one in center().surveys if one.metric == "nps" and one.score is not None]
    assert -20 < 100 * (mean(one > 8 for one in scores) - mean(one < 7 for one in scores)) < 40
    csat = [one for one in recent if one.metric == "csat"]
    assert 0.15 < mean(one.answered is not None for one in csat) < 0.45
    causes = {one.customer_id: one.cause for one in center().fates}
    drifting = [one for one in nps if causes.get(one.customer_id) is Cause.drift]
    hurt = [one for one in nps if causes.get(one.customer_id) is Cause.service]
    assert mean(one.answered is not None for one in drifting) < 0.75 * mean(one.answered is not None for one in hurt)


def test_how_everybody_feels_is_known_asked_or_not() -> None:
    told = {one.customer_id for one in center().fates}
    asked = [one for one in center().surveys if one.metric != "exit" and one.customer_id in told]
    assert all(one.felt is not None and one.score in (None, one.felt) for one in asked)
    today = [one for one in center().fates if one.left is None]
    moods = [one.mood for one in today if one.mood is not None]
    assert len(moods) == len(today) and set(moods) <= set(range(11)) and len(set(moods)) > 8
    assert all(one.mood is None for one in center().fates if one.left is not None)
    hurt = mean(one.mood for one in today if one.mood is not None and one.strain > one.fuse)
    calm = mean(one.mood for one in today if one.mood is not None and one.strain < 0.2 * one.fuse)
    assert calm > hurt + 2


def test_exit_surveys_say_why_and_sometimes_what_drove_them_from_others_before() -> None:
    told = [one for one in center().surveys if one.metric == "exit" and one.answered]
    assert told
    assert all(one.reason_for_leaving and one.score is None for one in told)
    assert 0.2 < mean(one.left_others_because is not None for one in told) < 0.6


def test_use_falls_before_those_go_who_drift_away_and_not_before_others() -> None:
    causes = {one.customer_id: one for one in center().fates if one.left is None}
    weeks: dict[str, list[float]] = {}
    for reading in center().readings:
        if reading.metric == "data_gb" and reading.customer_id in causes:
            weeks.setdefault(reading.customer_id, []).append(reading.value)
    fell = {name: mean(values[-3:]) / mean(values[:6]) for name, values in weeks.items() if _whole(values)}
    assert 0.9 < median(share for name, share in fell.items() if causes[name].cause is None) < 1.1
    assert median(share for name, share in fell.items() if causes[name].cause is Cause.drift) < 0.75


def _whole(values: list[float]) -> bool:
    return len(values) == 14 and min(values[:6]) > 0


def test_leaving_does_not_follow_from_what_can_be_seen() -> None:
    """Of those who looked the same a year ago some have left since and some have not, whatever they looked like."""
    until = TODAY - timedelta(days=365)
    there = [fate for _, fate, _ in lived() if fate.noticed is None or fate.noticed > until]
    complained = {one.customer_id for one in center().tickets if one.type == "complaint" and one.opened.date() < until}
    hung_up = {one.customer_id for one in center().calls if one.abandoned and one.started.date() < until}
    detractors = {one.customer_id for one in center().surveys if one.score is not None and one.sent.date() < until}
    alike: dict[tuple[bool, ...], list[bool]] = {}
    for fate in there:
        signs = tuple(fate.customer_id in some for some in (complained, hung_up, detractors))
        alike.setdefault(signs, []).append(fate.noticed is not None)
    cells = [left for left in alike.values() if len(left) >= 20]
    assert len(cells) >= 4
    assert all(0.04 < mean(left) < 0.6 for left in cells)
    without = alike[(False, False, False)]
    assert sum(without) > 0.3 * sum(map(sum, alike.values()))


def test_the_true_risk_is_what_comes_true() -> None:
    """Who would leave is as many as the risks say, and the risk tells them apart."""
    open_fates = [fate for _, fate, _ in lived() if not fate.noticed]
    risk = sum(fate.risk for fate in open_fates)
    assert abs(sum(fate.would_leave for fate in open_fates) - risk) < 4 * risk**0.5
    assert len({round(fate.risk, 3) for fate in open_fates}) > 20


def test_every_script_has_a_known_effect_on_everybody_who_has_not_given_notice() -> None:
    for fate in center().fates:
        assert set(fate.under) == (set() if fate.noticed else set(SCRIPTS))
        assert all(0 <= chance <= 1 for chance in fate.under.values())
        if fate.under:
            assert fate.under["default"] == fate.risk
            better = [script for script, chance in fate.under.items() if chance < fate.risk]
            assert all(fate.would_leave or not fate.leaves_under[script] for script in better)


def test_the_right_script_helps_the_right_people_and_the_wrong_one_can_do_harm() -> None:
    open_fates = [fate for fate in center().fates if not fate.noticed]

    def gain(script: str, some: list[Fate]) -> float:
        return mean(fate.risk - fate.under[script] for fate in some)

    hurt = [fate for fate in open_fates if fate.strain > fate.fuse and fate.voice > 0.35 and fate.decided is None]
    assert gain("apology", hurt) > 3 * max(0.0, gain("discount_end", hurt))
    thrifty = [fate for fate in open_fates if fate.decided is None and fate.risk - fate.under["discount_end"] > 0.05]
    assert thrifty
    assert gain("apology", thrifty) < gain("discount_end", thrifty)
    assert any(fate.under["neglected"] > fate.risk + 0.001 for fate in open_fates)
    best = {max(SCRIPTS, key=lambda script: fate.risk - fate.under[script]) for fate in open_fates}
    assert len({SCRIPTS[script] for script in best}) >= 4


def test_numbers_are_kept_free_for_fiction_and_domains_for_examples() -> None:
    phones = {one.phone for one in center().customers} | {one.phone for one in center().calls}
    phones |= {one.phone for one in center().users} | {one.our_number for one in center().calls}
    for phone in phones - {None}:
        assert phone is not None
        assert phone.startswith(RANGES)
        assert phonenumbers.is_valid_number(phonenumbers.parse(phone))
    domains = {one.email.partition("@")[2] for one in center().customers if one.email}
    assert domains == {"example.de", "example.com", "example.org"}
    assert all(re.fullmatch(r"[a-z0-9.\-]+@[a-z.]+", one.email) for one in center().customers if one.email)


def test_all_that_happened_happened_before_now_and_to_somebody_who_is_there() -> None:
    whole = center()
    people = {one.id for one in whole.customers}
    users = {one.id for one in whole.users}
    assert len(people) == len(whole.customers)
    assert len(users) == len(whole.users)
    for call in whole.calls:
        assert call.started < (call.answered or call.ended) <= call.ended <= NOW
        assert (call.answered is None) == call.abandoned
        assert call.customer_id is None or call.customer_id in people
    for case in whole.tickets:
        assert case.opened <= (case.first_reply or NOW) <= NOW
        assert case.first_reply is None or case.first_reply <= (case.settled or NOW) <= NOW
        assert case.user_id in users
    for survey in whole.surveys:
        assert survey.sent <= (survey.answered or NOW) <= NOW
    assert all(reading.day < TODAY for reading in whole.readings)
    assert all(sale.at < NOW for sale in whole.purchases)
    for kind in (whole.contracts, whole.purchases, whole.tickets, whole.surveys, whole.calls):
        ids = [one.id for one in kind]
        assert len(set(ids)) == len(ids)
    accounts = {one.id for one in whole.accounts}
    assert all(one.account_id is None or one.account_id in accounts for one in whole.customers)


def test_contracts_stand_as_their_signers_left_them() -> None:
    for contract, fate, _ in lived():
        expected = (
            ContractStatus.ended if fate.left else ContractStatus.cancelled if fate.noticed else ContractStatus.active
        )
        assert contract.status is expected
        assert contract.cancelled_at == fate.noticed
        assert (contract.cancel_reason is None) is (fate.noticed is None)
        assert (contract.discount_ends is None) is (contract.amount_after_discount is None)
        assert contract.discount_ends is None or contract.discount_ends >= TODAY
        if fate.left:
            assert contract.ends == fate.left


def test_the_crm_remembers_how_each_contract_stood_and_since_when() -> None:
    former: defaultdict[str, list[Agreement]] = defaultdict(list)
    for one in center().former:
        former[one.id].append(one)
    happened: Counter[str] = Counter()
    first = make_world(Random(0), TODAY).start
    for contract, fate, _ in lived():
        states = [*former[contract.id], contract]
        days = [one.changed for one in states if one.changed]
        assert len(days) == len(states) <= 9
        assert days == sorted(days)
        assert days[0] == max(contract.starts, first)
        assert days[-1] <= TODAY
        assert all(msgspec.structs.replace(a, changed=None) != msgspec.structs.replace(b, changed=None)
                   for a, b in pairwise(states))  # fmt: skip
        for state, day in zip(states, days, strict=True):
            assert (state.cancelled_at is None) is (fate.noticed is None or day < fate.noticed)
            assert (state.status is ContractStatus.ended) is (fate.left is not None and day >= fate.left)
            assert state.discount_ends is None or state.discount_ends >= day
        for before, after in pairwise(states):
            happened["dearer"] += before.monthly_amount.minor < after.monthly_amount.minor
            happened["bound anew"] += before.ends is not None and after.ends is not None and before.ends < after.ends
            happened["bond ran out"] += before.ends is not None and after.ends is None
            if before.discount_ends and not after.discount_ends:
                assert after.monthly_amount.minor >= before.monthly_amount.minor
                happened["on the day"] += after.changed == before.discount_ends + timedelta(days=1)
    assert min(happened[name] for name in ("dearer", "bound anew", "bond ran out", "on the day")) > 50
    assert 2 < len(center().former) / len(center().contracts) < 5


def test_reality_is_messy() -> None:
    whole = center()
    twice = [one for one in whole.customers if one.same_as]
    assert 10 < len(twice) < 60
    holders = Counter(one.phone for one in whole.customers if one.phone and not one.same_as)
    assert sum(count > 1 for count in holders.values()) > 60
    assert max(holders.values()) > 5  # a switchboard
    assert sum(one.deleted is not None for one in whole.users) > 20
    assert any(one.crm_id is None for one in whole.users)
    assert sum(one.late for one in whole.tickets) > 20
    assert sum(one.repeated for one in whole.tickets) > 20
    assert 4 <= len(whole.spoiled) < 20
    assert any(one.deceased for one in whole.customers)


def test_callers_have_a_story_in_both_languages_and_a_number_that_reaches_them() -> None:
    whole = center(1)
    assert callers(whole) == callers_at(NOW) == whole.callers
    assert len(whole.callers) >= 10
    people = {one.id: one for one in whole.customers}
    assert len({one.phone for one in whole.callers}) == len(whole.callers)
    for one in whole.callers:
        assert set(one.about) == {"de", "en"}
        assert all(one.about.values())
        assert not one.customer_id or people[one.customer_id].phone == one.phone
    assert [one.customer_id for one in whole.callers].count("") == 1


def test_the_center_tells_how_far_it_has_come() -> None:
    ready: list[int] = []
    make_center(now=NOW, customers=20, report=ready.append)
    assert ready == sorted(ready)
    assert ready[-1] == 20


def test_it_can_be_made_for_any_day() -> None:
    for day in (date(2024, 2, 29), date(2026, 1, 1), date(2026, 3, 29)):
        at = datetime(day.year, day.month, day.day, 0, 0, 1, tzinfo=timezone.utc)
        made = make_center(now=at, customers=40)
        assert all(call.ended <= at for call in made.calls)
