"""The whole report over a real store: counted, reckoned with real costs, said in words, never by agent."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta, timezone
from io import StringIO
from pathlib import Path

import msgspec
import pytest

from bridge.errors import NotFound
from bridge.flow import Desk, exposing
from bridge.playbook.experiment import NEUTRAL
from bridge.reports import Verdict, gather, make_uplift, write_csv
from bridge.reports.table import COLUMNS
from bridge.reports.uplift import Uplift
from bridge.sample import make_center
from bridge.sample.past import keep_past, make_past
from bridge.sample.records import Fate
from bridge.store import Store
from tests.desks import make_desk
from tests.dump import query

NOW = datetime(2026, 11, 22, 9, tzinfo=timezone.utc)
ONE_ENGINE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what is made of the rows: that both engines give the same rows, the other tests hold."""


@pytest.fixture(scope="module")
def fates() -> tuple[Fate, ...]:
    return make_center(now=NOW, customers=200).fates


@pytest.fixture
async def desk(store: Store, database_url: str, tmp_path: Path, fates: tuple[Fate, ...]) -> Desk:
    """A company with a year of trials behind it."""
    made = await make_desk(store, tmp_path / "exports", now=NOW, database_url=database_url, demo=True)
    await keep_past(made, fates, NOW)
    return made


async def report(desk: Desk, situation: str | None = None, since: datetime = exposing.EVER) -> Uplift:
    return make_uplift(
        desk, await gather(desk, situation=situation, since=since), now=NOW, situation=situation, since=since
    )


async def test_everything_shown_is_in_it_with_what_it_really_cost(desk: Desk, fates: tuple[Fate, ...]) -> None:
    rules, past = make_past(desk, fates, NOW)
    made = await report(desk)
    assert (made.shown, made.settled + made.open, made.not_judged) == (len(past), len(past), 0)
    settles = timedelta(days=rules.horizon_days) + exposing.GRACE
    settled = [one.exposure for one in past if one.at + settles <= NOW]
    assert made.settled == len(settled)
    by_name = {(one.situation, one.script): one for one in made.scripts}
    for (situation, arm), script in by_name.items():
        some = [one for one in settled if (one.situation, one.arm) == (situation, arm)]
        assert script.shown == len(some)
        assert script.used == sum(one.used for one in some)
        assert script.saved == sum(one.saved for one in some)
        assert script.stayed == sum(one.stayed for one in some)
        assert script.cost == pytest.approx(sum(one.cost for one in some), abs=0.05)
        assert script.neutral is (arm == NEUTRAL)
    assert by_name[("apology", "apology")].cost > 0
    offers = {one.offer: one for one in made.offers}
    granted = [one for one in past if one.offer == "apology" and one.at + settles <= NOW]
    assert offers["apology"].granted == len(granted)
    assert offers["apology"].cost == pytest.approx(1.2 * len(granted))  # two minutes at 36 an hour, and no amount
    assert sum(one.cost for one in made.offers) == pytest.approx(made.costs.cost, abs=0.1)
    assert made.costs.cost == pytest.approx(sum(one.cost for one in made.scripts), abs=0.1)


@ONE_ENGINE
async def test_what_helps_what_does_nothing_and_what_cannot_be_told_is_said_in_both_languages(desk: Desk) -> None:
    made = await report(desk)
    verdicts = {one.verdict for one in made.scripts if not one.neutral}
    assert Verdict.helps in verdicts
    for language, word in (("de", "von 100 Anrufern"), ("en", "of 100 callers")):
        assert word in made.summary[language][0]
        assert all("{" not in text and "default" not in text for text in made.summary[language])
    for script in made.scripts:
        assert set(script.said) == ({"de", "en"} if script.shown else set())
        if script.more_stay is not None:
            assert script.more_stay.low < script.more_stay.value < script.more_stay.high
            assert script.more_stay.smallest > 0
            assert script.more_stay.effective > 0
    stayed, money = made.policy
    assert (stayed.outcome, money.outcome) == ("stayed", "money")
    assert made.costs.saves is not None
    assert made.costs.saves.low < made.costs.saves.value
    assert made.made_up
    assert not made.trying


async def test_a_situation_and_a_day_narrow_it_and_what_does_not_exist_is_named(desk: Desk) -> None:
    whole, part = await report(desk), await report(desk, "contract_end")
    assert {one.situation for one in part.scripts} == {"contract_end"}
    assert part.shown == sum(one.shown + one.open for one in whole.scripts if one.situation == "contract_end")
    assert next(one for one in whole.scripts if one.situation == "contract_end").shown == part.scripts[0].shown
    since = NOW - timedelta(days=200)
    late = await report(desk, since=since)
    assert 0 < late.shown < whole.shown
    assert late.since == since.date()
    nothing = await report(desk, "contract_end", since=NOW)
    assert (nothing.shown, nothing.scripts) == (0, ())
    assert nothing.summary["en"] == ("Nothing that is being tried has been shown here yet.",)
    open_only = await report(desk, since=NOW - timedelta(days=60))
    assert open_only.settled == 0 < open_only.open
    assert "die ersten sind es am" in open_only.summary["de"][0]
    assert open_only.first_known is not None
    with pytest.raises(NotFound, match="did you mean contract_end"):
        await report(desk, "contract_ende")


@ONE_ENGINE
async def test_the_table_is_what_a_spreadsheet_of_that_language_reads(desk: Desk) -> None:
    made = await report(desk)
    english = list(csv.DictReader(StringIO(write_csv(made, "en"))))
    assert list(english[0]) == list(COLUMNS)
    assert len(english) == len(made.scripts)
    german = write_csv(made, "de")
    assert german.startswith("\ufeffsituation;script")
    rows = list(csv.DictReader(StringIO(german.removeprefix("\ufeff")), delimiter=";"))
    for script, one, other in zip(made.scripts, english, rows, strict=True):
        assert int(one["shown"]) == script.shown
        assert float(one["cost"]) == pytest.approx(script.cost, abs=0.01) == float(other["cost"].replace(",", "."))
        assert (one["more_stay"] == "") is (script.more_stay is None)
    dangerous = msgspec.structs.replace(made.scripts[0], title={"de": "=1+1", "en": "=1+1"})
    assert ",'=1+1," in write_csv(msgspec.structs.replace(made, scripts=(dangerous,)), "en")


@ONE_ENGINE
async def test_no_agent_is_in_any_report(desk: Desk) -> None:
    rows = await query(desk.settings.database_url, "select count(*) from outcomes where kind = 'accepted'")
    assert rows[0][0] > 0
    made = await report(desk)
    text = msgspec.json.encode(made).decode() + write_csv(made, "en")
    assert "agent" not in text


async def test_people_of_the_past_who_never_were_are_forgotten_when_their_time_comes(desk: Desk) -> None:
    made = await report(desk)
    assert made.open > 0
    await exposing.settle(desk, NOW + timedelta(days=400))
    assert (await report(desk)).open == 0
    assert (await report(desk)).settled == made.settled


async def test_the_past_is_the_same_however_often_it_is_kept(desk: Desk, fates: tuple[Fate, ...]) -> None:
    before = await report(desk)
    await keep_past(desk, fates, NOW)
    assert await report(desk) == before
