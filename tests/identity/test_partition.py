"""Who belongs together is a pure function: order does not matter, a split undoes its merge, nothing is guessed."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from bridge.identity.keys import Holder, Standing, key_row
from bridge.identity.partition import Assertion, Group, Pid, Profile, partition
from bridge.model import Key, KeyKind

NOBODY: frozenset[Key] = frozenset()


def email(text: str) -> Key:
    return Key(KeyKind.email, f"{text}@example.de")


def phone(text: str) -> Key:
    return Key(KeyKind.phone, f"+4930{text}")


def system_id(system: str, number: str) -> Key:
    return Key(KeyKind.id, f"{system}:{number}")


def profile(source: str, number: str, *keys: Key, seen: int = 0, shared: tuple[Key, ...] = ()) -> Profile:
    own = system_id(source, number)
    return Profile(
        pid=(source, number), first_seen=seen, keys={own: False} | {key: key in shared for key in (*keys, *shared)}
    )


def group(*profiles: Profile, assertions: list[Assertion] | None = None, most: int = 5) -> set[frozenset[Pid]]:
    return {
        one.members
        for one in partition({one.pid: one for one in profiles}, assertions or [], unlinked=NOBODY, max_holders=most)
    }


def test_a_common_email_joins_two_systems_records_of_one_person() -> None:
    crm, desk = profile("crm", "1", email("a")), profile("desk", "9", email("a"))
    assert group(crm, desk) == {frozenset({crm.pid, desk.pid})}


def test_an_id_in_another_system_joins() -> None:
    crm, desk = profile("crm", "1"), profile("desk", "9", system_id("crm", "1"))
    assert group(crm, desk) == {frozenset({crm.pid, desk.pid})}


def test_two_people_of_one_system_never_merge_by_a_common_key() -> None:
    one, other = profile("crm", "1", phone("1")), profile("crm", "2", phone("1"))
    assert group(one, other) == {frozenset({one.pid}), frozenset({other.pid})}


def test_a_third_record_is_not_guessed_to_be_either_of_them() -> None:
    one, other = profile("crm", "1", phone("1")), profile("crm", "2", phone("1"))
    third = profile("desk", "9", phone("1"))
    assert len(group(one, other, third)) == 3


def test_a_chain_that_would_join_two_people_of_one_system_drops_its_weakest_links() -> None:
    one = profile("crm", "1", email("a"))
    desk = profile("desk", "9", email("a"), phone("1"))
    other = profile("crm", "2", phone("1"))
    assert group(one, desk, other) == {frozenset({one.pid, desk.pid}), frozenset({other.pid})}


def test_a_key_that_the_vendor_calls_shared_joins_nobody() -> None:
    one, other = profile("crm", "1", phone("1")), profile("desk", "9", shared=(phone("1"),))
    assert len(group(one, other)) == 2


def test_a_key_on_too_many_records_joins_nobody() -> None:
    many = [profile(f"s{number}", "1", phone("1")) for number in range(6)]
    assert len(group(*many)) == 6
    assert len(group(*many[:5])) == 1


def test_what_is_asserted_to_be_the_same_is_even_within_one_system() -> None:
    one, other = profile("crm", "1", phone("1")), profile("crm", "2", phone("1"))
    desk = profile("desk", "9", phone("1"))
    same = [Assertion(one.pid, other.pid, True)]
    assert group(one, other, desk, assertions=same) == {frozenset({one.pid, other.pid, desk.pid})}


def test_what_is_asserted_to_differ_is_kept_apart_although_keys_agree() -> None:
    crm, desk = profile("crm", "1", email("a"), phone("1")), profile("desk", "9", email("a"), phone("1"))
    assert len(group(crm, desk, assertions=[Assertion(crm.pid, desk.pid, False)])) == 2


def test_of_contradicting_assertions_the_newest_holds() -> None:
    a, b, c = profile("crm", "1"), profile("crm", "2"), profile("crm", "3")
    older = [Assertion(a.pid, b.pid, True), Assertion(b.pid, c.pid, True)]
    groups = group(a, b, c, assertions=[*older, Assertion(a.pid, c.pid, False)])
    assert groups == {frozenset({a.pid}), frozenset({b.pid, c.pid})}


_pids = st.tuples(st.sampled_from(["crm", "desk", "shop"]), st.sampled_from("12345"))
_keys = st.one_of(
    st.sampled_from("abc").map(email),
    st.sampled_from("123").map(phone),
    st.tuples(st.sampled_from(["crm", "desk"]), st.sampled_from("12")).map(lambda pair: system_id(*pair)),
)


@st.composite
def _worlds(draw: st.DrawFn) -> list[Profile]:
    pids = draw(st.lists(_pids, min_size=2, max_size=8, unique=True))
    return [
        profile(
            *pid,
            *draw(st.lists(_keys, max_size=3)),
            seen=draw(st.integers(0, 3)),
            shared=tuple(draw(st.lists(_keys, max_size=1))) if draw(st.booleans()) else (),
        )
        for pid in pids
    ]


def _groups(profiles: list[Profile], assertions: list[Assertion]) -> set[Group]:
    return set(partition({one.pid: one for one in profiles}, assertions, unlinked=NOBODY, max_holders=4))


@st.composite
def _asserted(draw: st.DrawFn) -> tuple[list[Profile], list[Assertion]]:
    world = draw(_worlds())
    pids = st.sampled_from([one.pid for one in world])
    return world, draw(st.lists(st.builds(Assertion, pids, pids, st.booleans()), max_size=4))


@given(_asserted(), st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(
    asserted: tuple[list[Profile], list[Assertion]], chance: random.Random
) -> None:
    world, assertions = asserted
    shuffled = world.copy()
    chance.shuffle(shuffled)
    assert _groups(world, assertions) == _groups(shuffled, assertions)


@given(_asserted(), st.data())
def test_a_split_undoes_its_merge_exactly(asserted: tuple[list[Profile], list[Assertion]], data: st.DataObject) -> None:
    world, assertions = asserted
    a, b = (data.draw(st.sampled_from(world)).pid for _ in range(2))
    before = _groups(world, assertions)
    merged = _groups(world, [*assertions, Assertion(a, b, True)])
    assert any({a, b} <= one.members for one in merged)
    assert _groups(world, assertions) == before


@given(_asserted())
def test_everybody_is_in_exactly_one_group_and_the_oldest_gives_it_its_name(
    asserted: tuple[list[Profile], list[Assertion]],
) -> None:
    world, assertions = asserted
    groups = _groups(world, assertions)
    assert sorted(pid for one in groups for pid in one.members) == sorted(one.pid for one in world)
    by_pid = {one.pid: one for one in world}
    for one in groups:
        assert one.customer == min((by_pid[pid].first_seen, by_pid[pid].leaf) for pid in one.members)[1]


@given(_asserted())
def test_nobody_asserted_to_differ_last_is_in_one_group(asserted: tuple[list[Profile], list[Assertion]]) -> None:
    world, assertions = asserted
    if assertions and not assertions[-1].same and assertions[-1].a != assertions[-1].b:
        last = assertions[-1]
        assert not any({last.a, last.b} <= one.members for one in _groups(world, assertions))


@given(_worlds())
def test_without_assertions_no_group_holds_two_people_of_one_system(world: list[Profile]) -> None:
    for one in _groups(world, []):
        sources = [pid[0] for pid in one.members]
        assert len(sources) == len(set(sources))


def _holder(customer: str, *accounts: str, shared: bool = False) -> Holder:
    return Holder(customer, frozenset(accounts), shared)


def test_a_key_of_one_customer_is_exact() -> None:
    row = key_row(phone("1"), [_holder("c_1"), _holder("c_1")], unlinked=False, standing={})
    assert row and (row["match"], row["customer"], row["candidates"]) == ("exact", "c_1", 1)


def test_a_switchboard_of_one_company_answers_with_the_account_and_its_best_customer() -> None:
    standing = {"c_1": Standing("silver", 4, "service", "de"), "c_2": Standing("gold", 2, "retention", "de")}
    row = key_row(
        phone("1"),
        [_holder("c_1", "account:crm:7"), _holder("c_2", "account:crm:7")],
        unlinked=False,
        standing=standing,
    )
    assert row is not None
    assert (row["match"], row["account"], row["customer"], row["candidates"]) == ("account", "account:crm:7", "", 2)
    assert (row["tier"], row["priority"], row["route_hint"], row["language"]) == ("gold", 2, "retention", "de")


def test_a_number_of_strangers_is_ambiguous_and_names_nobody() -> None:
    row = key_row(phone("1"), [_holder("c_1", "account:crm:7"), _holder("c_2")], unlinked=False, standing={})
    assert row and (row["match"], row["customer"], row["account"]) == ("ambiguous", "", "")


def test_a_shared_or_blocked_key_is_never_exact_even_with_one_holder() -> None:
    for shared, unlinked in ((True, False), (False, True)):
        row = key_row(phone("1"), [_holder("c_1", shared=shared)], unlinked=unlinked, standing={})
        assert row and row["match"] == "ambiguous"


def test_a_key_nobody_holds_has_no_answer() -> None:
    assert key_row(phone("1"), [], unlinked=False, standing={}) is None
