"""Who was asked and who kept silent, as they stood then; and what became of what was said of the silent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.adapter.base import Item
from bridge.facts import Origin
from bridge.flow import Desk
from bridge.flow.hearing import WINDOW, MoodRecord, hear, mood_record
from bridge.flow.models import install, mood_body, roll_back
from bridge.scoring.mood import Known, MoodModel, Spread
from bridge.scoring.tables import CategoryTable, Tables
from bridge.store import Store
from tests.desks import NOW, drain, feed, go_live, make_desk

BEGIN = NOW - timedelta(days=700)


def model_of(**fields: Any) -> MoodModel:
    """Says 7.3, and 3.1 of who complains."""
    made: dict[str, Any] = {
        "metric": "nps",
        "lowest": 0.0,
        "scale": 10.0,
        "answers": 300,
        "tables": Tables(intercept=1.0, tables=(CategoryTable(name="complaint", entries={"open": -1.8}),)),
        "spreads": (Spread(upto=1.0, below=-0.21, above=0.21, answers=100),),
        "known": (Known(name="complaint", weight=1.0),),
    }
    return MoodModel(**made | fields)


@pytest.fixture
async def desk(store: Store, tmp_path: Path) -> Desk:
    desk = await make_desk(store, tmp_path / "exports", now=BEGIN)
    await go_live(desk, BEGIN)
    return desk


def person(number: int, at: datetime = BEGIN, **fields: Any) -> Item:
    row = {"kundennummer": f"K{number}", "name": f"Person {number}", "geaendert_am": at.isoformat(), "sprache": "de"}
    return Item(object="customers", raw=row | fields)


def asked(number: int, sent: datetime, score: int | None = None, days: float = 1, metric: str = "NPS") -> Item:
    answered = sent + timedelta(days=days)
    row = {
        "umfrage_id": f"U{number}-{sent:%y%m%d%H%M}",
        "kundennummer": f"K{number}",
        "metrik": metric,
        "gesendet_am": sent.isoformat(),
        "geaendert_am": (sent if score is None else answered).isoformat(),
    }
    more = {} if score is None else {"beantwortet_am": answered.isoformat(), "punkte": str(score)}
    return Item(object="surveys", raw=row | more)


def complaint(number: int, at: datetime) -> Item:
    row = {"ticketnummer": f"T{number}", "kundennummer": f"K{number}", "typ": "Beschwerde", "status": "offen"}
    return Item(object="tickets", raw=row | {"erstellt_am": at.isoformat(), "geaendert_am": at.isoformat()})


async def tell(desk: Desk, items: Iterable[Item], at: datetime) -> None:
    await feed(desk, "crm", items, now=at, origin=Origin.live)
    await drain(desk, now=at, refresh=False)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


async def test_everybody_is_seen_as_they_stood_when_they_were_asked(desk: Desk) -> None:
    await tell(desk, [person(one) for one in range(1, 6)], BEGIN)
    await tell(desk, [asked(1, ago(100)), asked(3, ago(100))], ago(100))
    await tell(desk, [asked(1, ago(100), 3)], ago(99))
    await tell(desk, [complaint(1, ago(60)), complaint(3, ago(160))], ago(60))
    await tell(desk, [asked(1, ago(50))], ago(50))
    await tell(desk, [asked(2, ago(400), 8), asked(4, ago(5)), asked(5, ago(30), 4, metric="CSAT")], ago(4))
    heard = await hear(desk, metric="nps", group_by="language", now=NOW)
    assert heard.invited
    by_day = sorted(heard.invitations, key=lambda one: (one.sent, one.score or 0))
    assert [(one.sent, one.score, one.counted) for one in by_day] == [
        (ago(400), 8.0, False),
        (ago(100), None, True),
        (ago(100), 3.0, True),
        (ago(50), None, True),
    ]
    assert {(one.scale, one.group) for one in by_day} == {(10.0, "de")}
    _, _, first, again = by_day
    assert first.customer == again.customer and again.sent == ago(50)
    assert "complaint" not in first.row and again.row["complaint"] == "open"
    assert not {"detractor", "promoter"} & again.row.keys()
    # the one of five days ago may still be answered, and the other metric is another matter


async def test_where_no_silence_is_on_record_who_never_answered_stands_for_it(desk: Desk) -> None:
    await tell(desk, [person(one) for one in range(1, 6)], BEGIN)
    over = {"vertragsnummer": "V5", "kundennummer": "K5", "status": "beendet", "vertragsende": "2026-01-31"}
    await tell(desk, [Item(object="contracts", raw=over)], BEGIN)  # who is gone is asked nothing
    await tell(desk, [asked(1, ago(20), 9), asked(2, ago(500), 5)], ago(10))
    heard = await hear(desk, metric="nps", group_by="segment", now=NOW)
    assert not heard.invited
    counted = [one for one in heard.invitations if one.counted]
    assert [one.score for one in counted if one.score is not None] == [9.0]
    quiet = [one for one in counted if one.score is None]
    assert len(quiet) == 2 and all(NOW - WINDOW <= one.sent <= NOW for one in quiet)
    assert [one.score for one in heard.invitations if not one.counted] == [5.0]
    assert heard == await hear(desk, metric="nps", group_by="segment", now=NOW)


async def test_later_answers_are_held_against_what_was_said_before(desk: Desk) -> None:
    await tell(desk, [person(one) for one in range(1, 8)], BEGIN)
    assert await mood_record(desk, now=NOW) is None
    await tell(desk, [complaint(2, ago(110)), asked(3, ago(300), 2), asked(5, ago(130), 1)], ago(105))
    version = await install(desk.store, "mood", mood_body(model_of()), {}, ago(100))
    assert await mood_record(desk, now=ago(99)) is None  # this desk does not know it yet
    await desk.look_up()
    empty = await mood_record(desk, now=ago(99))
    assert empty is not None and (empty.answers, empty.bias, empty.within) == (0, None, None)
    await tell(desk, [asked(1, ago(50), 9), asked(2, ago(50), 2), asked(3, ago(50), 9)], ago(49))
    await tell(desk, [asked(4, ago(40), 2), asked(1, ago(20), 1), complaint(4, ago(39))], ago(19))
    found = await mood_record(desk, now=NOW)
    # 1 says 9 (7.3), 2 says 2 (3.1), 4 says 2 before they complain (7.3); 3 and the second of 1 were not silent
    assert isinstance(found, MoodRecord) and found.version == version
    assert (found.answers, found.abstained, found.promised) == (3, 0, 0.9)
    errors = [7.31 - 9, 3.1 - 2, 7.31 - 2]
    assert found.bias == pytest.approx(sum(errors) / 3, abs=0.01)
    assert found.mae == pytest.approx(sum(map(abs, errors)) / 3, abs=0.01)
    assert found.within == pytest.approx(2 / 3)


async def test_what_was_not_said_is_counted_as_such(desk: Desk) -> None:
    await tell(desk, [person(1), asked(1, ago(50), 9)], ago(49))
    await install(desk.store, "mood", mood_body(model_of(widest=0.1)), {}, ago(100))
    await desk.look_up()
    found = await mood_record(desk, now=NOW)
    assert found is not None and (found.answers, found.abstained, found.mae) == (1, 1, None)


async def test_a_model_in_use_is_on_cards_and_can_be_taken_back(desk: Desk) -> None:
    version = await install(desk.store, "mood", mood_body(model_of()), {"why": "better"}, ago(3))
    await desk.look_up()
    fitted = desk.fitted
    assert fitted.mood is not None and fitted.mood.model == model_of() and fitted.versions["mood"] == version
    assert await roll_back(desk.store, "mood", ago(2)) is None
    await desk.look_up()
    assert desk.fitted.mood is None


def test_a_stored_model_is_plain_json() -> None:
    assert msgspec.json.decode(mood_body(model_of()))["metric"] == "nps"
