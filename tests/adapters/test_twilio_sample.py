"""The sample as Twilio would tell of it: deliveries that the real adapter verifies, opens and reads."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest

from adapters.twilio.sample import deliveries
from bridge.adapter.delivery import Item, Request
from tests.adapters.twilio_account import NOW, known, make


@dataclass
class Call:
    id: str = "k1"
    customer_id: str | None = "c1"
    phone: str | None = "+493023125101"
    our_number: str = "+493023125900"
    started: datetime = NOW - timedelta(days=3, minutes=20)
    answered: datetime | None = NOW - timedelta(days=3, minutes=16)
    ended: datetime = NOW - timedelta(days=3)
    wait_seconds: int | None = 200
    abandoned: bool = False
    menu_path: tuple[str, ...] = ("2", "1")
    queue: str | None = "Technik & Störung"
    direction: Literal["inbound", "outbound"] = "inbound"


@dataclass
class Center:
    calls: list[Call] = field(default_factory=lambda: [Call()])


def told(call: Call) -> dict[str, Any]:
    """The record that becomes of one call."""
    found: dict[str, Any] = json.loads(known(*deliveries(Center([call]), make().source, NOW)))
    return found


def test_a_call_arrives_whole() -> None:
    assert told(Call()) == {
        "channel": "voice",
        "direction": "inbound",
        "state": "ended",
        "started": "2026-05-01T11:40:00Z",
        "ended": "2026-05-01T12:00:00Z",
        "customer_address": "+493023125101",
        "our_address": "+493023125900",
        "queue": "Technik & Störung",
        "menu_path": ["2", "1"],
        "wait_seconds": 200,
    }


@pytest.mark.parametrize(("menu", "queue"), [((), "Technik"), (("2",), None), ((), None)])
def test_whoever_hangs_up_while_waiting_has_abandoned(menu: tuple[str, ...], queue: str | None) -> None:
    found = told(replace(Call(), answered=None, abandoned=True, menu_path=menu, queue=queue))
    assert found["abandoned"] is True
    assert found.get("wait_seconds") == (200 if menu or queue else None)


def test_a_caller_who_withheld_the_number_has_none() -> None:
    assert "customer_address" not in told(replace(Call(), phone=None, customer_id=None))


def test_our_own_call_is_outgoing_and_may_reach_nobody() -> None:
    outgoing = replace(Call(), direction="outbound", queue=None, menu_path=(), wait_seconds=None)
    reached, missed = told(outgoing), told(replace(outgoing, answered=None))
    assert (reached["direction"], reached["customer_address"]) == ("outbound", "+493023125101")
    assert "disposition" not in reached
    assert (missed["disposition"], missed.get("abandoned")) == ("no-answer", None)


def test_a_caller_served_by_the_menu_alone_neither_waited_nor_gave_up() -> None:
    found = told(replace(Call(), answered=None, queue=None, wait_seconds=None))
    assert (found.get("abandoned"), found["wait_seconds"], found["menu_path"]) == (None, 0, ["2", "1"])


def test_the_same_contact_center_gives_the_same_deliveries_and_the_future_none() -> None:
    center = Center([Call(), replace(Call(), id="k2", ended=NOW + timedelta(minutes=1))])
    once, again = (list(deliveries(center, make().source, NOW)) for _ in range(2))
    assert once == again
    assert [type(one) for one in once] == [Item, Request]
