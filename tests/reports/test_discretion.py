"""Who may not know of single customers sees no figure that tells of a few, and can reckon none."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.flow import Desk
from bridge.reports.discretion import small_groups, without_few
from bridge.store import Store
from tests.desks import make_desk
from tests.reports.company import NOW, cell, contract, made, many, one_of, person, survey, tell


@pytest.fixture
async def desk(store: Store, database_url: str, tmp_path: Path) -> Desk:
    return await make_desk(store, tmp_path / "exports", now=NOW, database_url=database_url)


def groups(rows: Iterable[Any], month: str) -> set[str]:
    return {one.group for one in rows if one.month == month}


async def test_groups_of_few_customers_are_not_shown_and_cannot_be_reckoned_back(desk: Desk) -> None:
    found = await many(desk, A=9, B=6, C=2)
    shown = without_few(found["product"], 5)
    assert groups(shown.retention, "2026-07") == {"A"}
    assert (shown.hidden, shown.few) == (len(found["product"].retention) - len(shown.retention), 5)
    assert groups(without_few(found["product"], 7).retention, "2026-07") == {"A"}
    assert without_few(found["product"], 1).hidden == 0
    assert cell(without_few(found["none"], 5), "2026-07").start == 17


async def test_two_groups_of_one_do_not_hide_each_other(desk: Desk) -> None:
    found = await many(desk, A=9, B=6, C=1, D=1)
    assert groups(without_few(found["product"], 5).retention, "2026-07") == {"A"}


async def test_a_company_of_few_customers_is_shown_to_nobody_who_may_not_know_them(desk: Desk) -> None:
    found = await many(desk, A=3)
    for by in ("none", "product"):
        shown = without_few(found[by], 5)
        assert all(one.start + one.new == 0 for one in shown.retention)
        assert without_few(found[by], 3).hidden == 0


async def test_what_one_customer_answered_is_shown_neither_alone_nor_by_difference(desk: Desk) -> None:
    sizes = {"A": 9, "B": 8, "C": 7}
    await many(desk, **sizes)
    day = (NOW - timedelta(days=40)).date().isoformat()
    answers = [f"A{n}" for n in range(7)] + [f"B{n}" for n in range(6)] + ["C0"]
    await tell(desk, *(survey(f"S{one}", one, beantwortet_am=day, punkte="9") for one in answers))
    await tell(
        desk, survey("S0", "C1", beantwortet_am="2026-07-03", punkte="0", kommentar="Die Konkurrenz ist billiger")
    )
    found = await made(desk)
    shown = without_few(found["product"], 5)
    assert groups(found["product"].opinions, "2026-10") == {"A", "B", "C"}
    assert groups(shown.opinions, "2026-10") == {"A"}
    everybody = without_few(found["none"], 5)
    assert [one.month for one in everybody.opinions] == ["2026-10"]
    assert (len(found["none"].spoken), everybody.spoken, everybody.hidden) == (1, (), 2)


async def test_why_one_customer_left_is_shown_neither_alone_nor_by_difference(desk: Desk) -> None:
    await many(desk, A=9, B=8, C=7)
    gone = {"status": "beendet", "vertragsende": "2026-07-31", "kuendigungsgrund": "Umzug"}
    left = [("A", n) for n in range(6)] + [("B", n) for n in range(5)] + [("C", 0)]
    await tell(desk, *(contract(f"V{of}{n}", f"{of}{n}", tarif=of, **gone) for of, n in left))
    early = {**gone, "vertragsende": "2026-03-31", "kuendigungsgrund": "verstorben"}
    await tell(desk, person("K1"), contract("W1", "K1", **early))
    found = await made(desk)
    assert groups(without_few(found["product"], 5).reasons, "2026-07") == {"A"}
    assert one_of(without_few(found["none"], 5).reasons, month="2026-07").customers == 12
    assert {one.month for one in found["none"].reasons} == {"2026-03", "2026-07"}
    assert {one.month for one in without_few(found["none"], 5).reasons} == {"2026-07"}


SIZES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 12))


@given(SIZES, st.sets(st.sampled_from("abcdefgh")), st.integers(1, 6))
def test_what_is_left_out_of_a_kind_is_never_a_few(sizes: dict[str, int], others: set[str], few: int) -> None:
    kinds = (("m", group, size) for group, size in sizes.items())
    left_out = {group for _, group in small_groups(kinds, few, lambda _, group: group in others)}
    shown = {group for group, size in sizes.items() if size and group not in left_out}
    assert all(sizes[group] >= few and group not in others for group in shown)
    if left_out and shown:  # else the difference to everybody is everybody
        assert len(left_out) > 1
        assert sum(sizes[group] for group in left_out) >= few
