"""That a caller gave up is noticed once, whenever the source comes to tell it."""

from __future__ import annotations

from datetime import datetime, timezone

import msgspec
import pytest

from bridge.facts import Fact, FactKind, Origin
from bridge.flow.noticing import from_change
from bridge.intake.records import Current
from bridge.model import Channel, Interaction, InteractionState
from bridge.store import micros

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
RINGING = Interaction(channel=Channel.voice, state=InteractionState.ringing)
ENDED = Interaction(channel=Channel.voice, state=InteractionState.ended)
GIVEN_UP = msgspec.structs.replace(ENDED, abandoned=True, wait_seconds=300)


def stored(call: Interaction | None) -> Current | None:
    if call is None:
        return None
    return Current(
        source="ivr",
        object="interaction",
        source_id="call",
        ord="",
        hash="",
        effective_at=micros(NOW),
        known_at=micros(NOW),
        subject="",
        body=msgspec.json.encode(call).decode(),
    )


def noticed(before: Interaction | None, after: Interaction) -> list[Fact]:
    return list(from_change(stored(before), stored(after), customer="c_1", known_at=NOW, origin=Origin.live))


@pytest.mark.parametrize("before", [None, RINGING])
def test_an_end_by_giving_up_is_two_facts(before: Interaction | None) -> None:
    assert [fact.kind for fact in noticed(before, GIVEN_UP)] == [
        FactKind.interaction_ended,
        FactKind.interaction_abandoned,
    ]


def test_giving_up_that_is_told_after_the_end_is_noticed_all_the_same() -> None:
    [late] = noticed(ENDED, GIVEN_UP)
    assert (late.kind, late.data["wait"]) == (FactKind.interaction_abandoned, 300)
    assert late.id == noticed(RINGING, GIVEN_UP)[1].id


@pytest.mark.parametrize(("before", "after"), [(GIVEN_UP, GIVEN_UP), (ENDED, ENDED), (None, RINGING)])
def test_what_was_known_or_is_not_over_is_no_fact(before: Interaction | None, after: Interaction) -> None:
    assert noticed(before, after) == []
