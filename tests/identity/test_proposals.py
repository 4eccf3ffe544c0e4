"""Which records are proposed as one person's, and what is said for it; measured where the truth is known."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timezone
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.identity.partition import Pid
from bridge.identity.proposals import LEAST, Likeness, Portrait, Sign, blocks, compare, plain, portray
from bridge.identity.sounds import alike, sound
from bridge.model import Customer, Key, KeyKind, Phone
from bridge.sample import make_center

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=timezone.utc)
CROWD = 20


def anybody(_: Key) -> bool:
    return True


def record(source: str, number: str, name: str | None = None, **fields: Any) -> Portrait:
    phones = tuple(Phone(raw=one, e164=one) for one in fields.pop("phones", ()))
    return portray((source, number), Customer(name=name, phones=phones, **fields), anybody)


def test_one_person_in_two_systems_is_proposed_with_what_speaks_for_it() -> None:
    a = record("crm", "1", "Jürgen Müller", phones=("+493023125042",))
    b = record("helpdesk", "9", "Juergen Mueller", phones=("+493023125042",))
    found = compare(a, b)
    assert found is not None
    assert [(one.trait, one.how) for one in found.signs] == [
        ("family_name", "same"),
        ("given_name", "same"),
        ("phone", "same"),
    ]
    assert found.score == sum(one.points for one in found.signs) >= LEAST


def test_a_name_alone_is_never_enough() -> None:
    assert compare(record("crm", "1", "Eva Schmidt"), record("helpdesk", "9", "Eva Schmidt")) is None
    assert not blocks(record("crm", "1", "Eva Schmidt"))


def test_a_flatmate_with_the_same_family_name_is_another_person() -> None:
    a = record("crm", "1", "Eva Schmidt", phones=("+493023125042",), accounts=("H1",))
    b = record("crm", "2", "Karl Schmidt", phones=("+493023125042",), accounts=("H1",))
    assert compare(a, b, apart=frozenset({"crm"})) is None


def test_somebody_entered_twice_in_one_system_is_proposed_and_it_is_said() -> None:
    a = record("crm", "1", "Eva Schmidt", phones=("+493023125042",), emails=("eva@example.de",))
    b = record("crm", "2", "E. Schmidt", phones=("+493023125042",), emails=("eva@example.de",))
    found = compare(a, b, apart=frozenset({"crm"}))
    assert found is not None
    assert Sign("given_name", "initial", 1) in found.signs
    assert Sign("system", "differs", -2, "crm") in found.signs


def test_two_whom_two_systems_know_under_different_ids_are_two_people() -> None:
    a = record("crm", "1", "Eva Schmidt", emails=("eva@example.de",), phones=("+493023125042",))
    b = record("crm", "2", "Eva Schmidt", emails=("eva@example.de",), phones=("+493023125042",))
    assert compare(a, b, apart=frozenset({"crm"})) is not None
    assert compare(a, b, apart=frozenset({"crm", "billing"})) is None


@pytest.mark.parametrize(
    ("mine", "yours", "how"),
    [
        ("eva.schmidt@example.de", "eva.schmidt@example.de", "same"),
        ("eva.schmidt@example.de", "eva.schmidt@exampel.de", "close"),
        ("eva.schmidt@example.de", "evaschmidt+shop@mail.example.org", "local_part"),
        ("eva.schmidt@example.de", "schmidt@mail.example.org", "differs"),
    ],
)
def test_addresses_are_compared_as_people_mistype_and_change_them(mine: str, yours: str, how: str) -> None:
    a = record("crm", "1", "Eva Schmidt", emails=(mine,), phones=("+493023125042",))
    b = record("helpdesk", "9", "Eva Schmidt", emails=(yours,), phones=("+493023125042",))
    found = compare(a, b)
    assert found is not None
    assert [one.how for one in found.signs if one.trait == "email"] == [how]
    assert bool({one for one in blocks(a) & blocks(b) if not one.startswith("phone")}) is (how != "differs")


def test_a_number_with_another_prefix_and_a_shared_one_count_less() -> None:
    a = record("crm", "1", "Eva Schmidt", phones=("+493023125042",))
    ending = compare(a, record("helpdesk", "9", "Eva Schmidt", phones=("+494023125042",)))
    line = portray(
        ("helpdesk", "8"),
        Customer(name="Eva Schmidt", phones=(Phone(raw="x", e164="+493023125042", shared=True),)),
        anybody,
    )
    shared, same = compare(a, line), compare(a, record("helpdesk", "9", "Eva Schmidt", phones=("+493023125042",)))
    assert ending is not None
    assert shared is not None
    assert same is not None
    assert shared.score < ending.score < same.score


def test_what_identifies_nobody_or_is_shared_by_a_crowd_does_not_count() -> None:
    def no_role(key: Key) -> bool:
        return key != Key(KeyKind.email, "info@example.de")

    a = portray(("crm", "1"), Customer(name="Eva Schmidt", emails=("info@example.de",)), no_role)
    assert a.emails == frozenset()
    b, c = (record("crm", n, "Eva Schmidt", phones=("+493023125042",)) for n in "12")
    assert compare(b, c) is not None
    assert compare(b, c, crowded=frozenset({"phone 3125042"})) is None
    d, e = (record("crm", n, "Eva Schmidt", emails=("desk@example.de",), phones=("+49302312504" + n,)) for n in "12")
    assert compare(d, e) is not None
    assert compare(d, e, crowded=frozenset({"email desk@example.de"})) is None


def test_names_are_read_however_they_are_written() -> None:
    for name in ("Dr. Eva Schmidt", "Schmidt, Eva", "Frau Eva Maria Schmidt"):
        one = record("crm", "1", name)
        assert (one.given, one.family) == ("eva", "schmidt")
    assert record("crm", "1", "Schmidt").family == "schmidt"
    assert record("crm", "1", None).family == ""
    assert plain("Şahin-Weiß Łukasz Søren ıI") == "sahin-weiss lukasz soeren ii"
    double = record("crm", "1", "Eva Schmidt-Voss", phones=("+493023125042",))
    found = compare(double, record("helpdesk", "2", "Eva Schmidt", phones=("+493023125042",)))
    assert found is not None
    assert found.signs[0].how == "close"


@pytest.mark.parametrize(
    ("mine", "yours", "signs"),
    [
        ("Jogi Löw", "Jogi Low", ["family_name close", "given_name same"]),
        ("Hans-Peter Kohl", "Hans Kohl", ["family_name same", "given_name close"]),
        ("Hans-Peter Kohl", "Karl-Peter Kohl", ["family_name same", "given_name differs"]),
        ("Иван Иванов", "Ivan Ivanov", []),
        ("Иван Иванов", "Иван Петров", ["family_name differs", "given_name same"]),
        ("Vesna Đorđević", "Vesna Dordevic", ["family_name same", "given_name same"]),
        ("STRASSER, Ana", "Ana Straßer", ["family_name same", "given_name same"]),
        ("Sinéad O’Brien", "Sinead OBrien", ["family_name same", "given_name same"]),
        ("Ana Strauß -", "Ana Kohl -", ["family_name differs", "given_name same"]),
    ],
)
def test_names_are_compared_as_keyboards_spell_them_and_never_across_scripts(
    mine: str, yours: str, signs: list[str]
) -> None:
    sure: dict[str, Any] = {"emails": ("eva.schmidt@example.de",), "phones": ("+493023125042",)}
    found = compare(record("crm", "1", mine, **sure), record("helpdesk", "2", yours, **sure))
    told = [] if found is None else [f"{one.trait} {one.how}" for one in found.signs if "name" in one.trait]
    assert told == signs


def test_a_name_with_von_is_the_name_without() -> None:
    whole = portray(("crm", "1"), Customer(given_name="Anna", family_name="von der Heide"), anybody)
    assert (whole.family, record("crm", "2", "Anna von der Heide").family) == ("heide", "heide")
    assert portray(("crm", "3"), Customer(given_name="Thi", family_name="Le"), anybody).family == "le"


def test_the_sound_of_a_name_is_postels() -> None:
    told = {"muellerluedenscheidt": "65752682", "wikipedia": "3412", "breschnew": "17863"}
    assert {word: sound(word) for word in told} == told
    assert sound("meyer") == sound("maier")
    assert sound("philipp") == sound("filip")
    assert sound("xaver") == "4837"
    assert sound("äöü") == ""
    assert (sound("sachs"), sound("hacke"), sound("tzara"), sound("celik")) == ("848", "04", "87", "854")


def test_one_slip_of_the_hand_is_forgiven_in_longer_names_alone() -> None:
    for a, b in (("stein", "steni"), ("kowalski", "kowalsky"), ("krueger", "krueer"), ("becker", "beckker")):
        assert alike(a, b)
        assert alike(b, a)
    assert not alike("jan", "jana")
    assert not alike("stein", "braun")
    assert not alike("stein", "steinbach")


@given(st.builds(Customer, name=st.text(max_size=30) | st.none(), emails=st.lists(st.emails(), max_size=2).map(tuple)))
def test_comparing_does_not_depend_on_the_side(customer: Customer) -> None:
    a = portray(("crm", "1"), customer, anybody)
    b = record("helpdesk", "2", "Eva Schmidt", emails=("eva.schmidt@example.de",))
    assert _told(compare(a, b)) == _told(compare(b, a))
    assert _told(compare(a, a)) == _told(compare(a, portray(("helpdesk", "2"), customer, anybody)))


def _told(likeness: Likeness | None) -> Any:
    return None if likeness is None else (likeness.score, likeness.signs)


def test_of_ten_proposals_nine_are_right_and_of_ten_doubles_eight_are_found() -> None:
    people = make_center(now=NOW, customers=4000).customers
    portraits: dict[Pid, Portrait] = {}
    truth: dict[Pid, str] = {}
    for one in people:
        pid = ("crm", one.id)
        numbers = tuple(Phone(raw=number, e164=number) for number in (one.phone, one.mobile) if number)
        customer = Customer(
            name=one.name,
            given_name=one.given_name,
            family_name=one.family_name,
            language=one.language,
            emails=(one.email,) if one.email else (),
            phones=numbers,
            accounts=(one.account_id,) if one.account_id else (),
        )
        portraits[pid] = portray(pid, customer, anybody)
        truth[pid] = one.same_as or one.id
    held: defaultdict[str, list[Pid]] = defaultdict(list)
    for pid, portrait in portraits.items():
        for block in blocks(portrait):
            held[block].append(pid)
    crowded = frozenset(block for block, some in held.items() if len(some) > CROWD)
    pairs = {pair for block, some in held.items() if block not in crowded for pair in combinations(sorted(some), 2)}
    apart = frozenset({"crm"})
    proposed = [(a, b) for a, b in pairs if compare(portraits[a], portraits[b], apart=apart, crowded=crowded)]
    right = sum(truth[a] == truth[b] for a, b in proposed)
    twice = sum(one.same_as is not None for one in people)
    assert twice > 40
    assert right / len(proposed) > 0.9, (right, len(proposed))
    assert right / twice > 0.8, (right, twice)
    assert len(pairs) < len(people)  # what is compared grows with the people, not with their square
