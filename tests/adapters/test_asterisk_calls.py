"""What Asterisk's three ways of telling make of a call together, and what is not kept of it."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import msgspec
import pytest

from bridge.adapter.base import Adapter, Item
from bridge.errors import BadRequest, ConfigError
from bridge.intake.inbox import redact
from bridge.model import Direction, InteractionState
from tests.adapters.asterisk_server import NOW, adapter, calls, entries, event, read_all, record

FIXTURES = Path(__file__).resolve().parents[2] / "adapters" / "asterisk" / "fixtures"


async def _records(tmp_path: Path, *lines: str, **settings: object) -> tuple[Adapter, list[Item]]:
    file = tmp_path / "Master.csv"
    file.write_text("".join(f"{line}\n" for line in lines))
    os.utime(file, (0, 0))
    asterisk = adapter(cdr_file=str(file), **settings)
    items, _ = await read_all(asterisk, "cdr")
    return asterisk, items


def _fixture(asterisk: Adapter, name: str) -> list[Item]:
    body = msgspec.json.decode((FIXTURES / f"{name}.json").read_bytes())["body"]
    return list(asterisk.open(event(msgspec.json.encode(body))).items)


async def test_all_that_tells_of_one_call_is_one_interaction_in_whatever_order_it_comes() -> None:
    logs = FIXTURES / "logs"
    asterisk = adapter(cdr_file=str(logs / "Master.csv"), queue_log_file=str(logs / "queue_log"), numbers=["+4930555*"])
    names = ("a_call_comes_in", "the_menu_picks_up", "the_caller_comes_into_a_queue", "the_call_ends")
    told = [item for name in names for item in _fixture(asterisk, name)]
    for stream in ("cdr", "queue_log"):
        items, _ = await read_all(asterisk, stream)
        told += [item for item in items if "1772442000.40" in item.raw.values()]
    assert len(told) == 9
    found = {
        repr(calls(asterisk, list(order))) for order in itertools.islice(itertools.permutations(told), 0, None, 999)
    }
    assert len(found) == 1
    call = calls(asterisk, told)["1772442000.40"]
    assert (call.state, call.direction) == (InteractionState.ended, Direction.inbound)
    assert (call.queue, call.agent, call.wait_seconds) == ("technik", "Anna Berg", 32)
    assert (call.menu_path, call.abandoned, call.personal) == (("2", "1"), False, True)
    assert (call.customer_address, call.our_address) == ("+493055501234", "+493055510")
    assert call.disposition is None


async def test_who_spoke_with_an_employee_has_not_given_up_whoever_else_let_it_ring(tmp_path: Path) -> None:
    ring, end = "2026-03-02 09:00:30", "2026-03-02 09:03:00"
    rows = [
        record(other="PJSIP/bruno-00000001", app="Dial", end=ring, disposition="NO ANSWER"),
        record(other="PJSIP/anna-00000002", app="Dial", end=end),
    ]
    for order in (rows, rows[::-1]):
        call = calls(*await _records(tmp_path, *order))["1772442000.40"]
        assert (call.abandoned, call.agent, call.personal) == (False, "anna", True)


async def test_within_one_second_having_spoken_counts(tmp_path: Path) -> None:
    rows = [
        record(other="PJSIP/bruno-00000001", app="Dial", disposition="NO ANSWER"),
        record(other="PJSIP/anna-00000002", app="Dial"),
    ]
    assert not calls(*await _records(tmp_path, *rows))["1772442000.40"].abandoned


async def test_who_is_put_back_into_the_queue_and_hangs_up_there_has_given_up(tmp_path: Path) -> None:
    first = record(other="PJSIP/anna-00000002", app="Dial", end="2026-03-02 09:01:00")
    second = record(app="Queue", data="technik,t", end="2026-03-02 09:09:00")
    call = calls(*await _records(tmp_path, first, second))["1772442000.40"]
    assert (call.abandoned, call.agent, call.queue) == (True, "anna", "technik")


@pytest.mark.parametrize(
    ("given", "abandoned"),
    [
        ({"app": "VoiceMail"}, False),
        ({"app": "Queue", "data": "technik"}, True),
        ({"app": "Dial", "disposition": "NO ANSWER", "other": "PJSIP/anna-00000001"}, True),
        ({"app": "Dial", "disposition": "BUSY", "other": "PJSIP/anna-00000001"}, False),
        ({"app": "Dial", "disposition": "FAILED"}, False),
        ({"app": "Playback"}, False),
    ],
)
async def test_given_up_means_that_a_person_was_waited_for(
    tmp_path: Path, given: dict[str, str], abandoned: bool
) -> None:
    assert calls(*await _records(tmp_path, record(**given)))["1772442000.40"].abandoned is abandoned


async def test_a_call_to_a_customer_that_nobody_took_was_not_given_up_by_them(tmp_path: Path) -> None:
    row = record(
        channel="PJSIP/anna-00000001", other="PJSIP/provider-00000002", dst="0030 555 1234", disposition="NO ANSWER"
    )
    call = calls(*await _records(tmp_path, row, outside_prefix="0"))["1772442000.40"]
    assert (call.direction, call.abandoned, call.disposition) == (Direction.outbound, False, "no-answer")
    assert (call.customer_address, call.agent) == ("+49305551234", "anna")


async def test_calls_among_employees_are_not_kept(tmp_path: Path) -> None:
    row = record(channel="PJSIP/anna-00000001", other="PJSIP/bruno-00000002", src="101", dst="102")
    _, items = await _records(tmp_path, row)
    assert items == []


async def test_what_was_keyed_in_and_names_do_not_reach_the_disk(tmp_path: Path) -> None:
    pin, name = "472911", "Frieda Muster"
    row = record(dst=pin, app="Authenticate", data=pin, userfield=f"menu=2,{pin},service;pin={pin}", name=name)
    asterisk, items = await _records(tmp_path, row, numbers=["+4930555*"])
    kept = msgspec.json.encode(redact(items[0].raw, asterisk.manifest.redact)).decode()
    assert items[0].problem == "" and pin not in kept and name not in kept
    assert calls(asterisk, items)["1772442000.40"].menu_path == ("2", "service")
    for fixture in FIXTURES.glob("*.json"):
        if b'"webhook"' in fixture.read_bytes():
            for item in _fixture(asterisk, fixture.stem):
                text = msgspec.json.encode(redact(item.raw, asterisk.manifest.redact)).decode()
                assert pin not in text and "Erika" not in text, fixture.name


async def test_withheld_numbers_are_nobodys(tmp_path: Path) -> None:
    asterisk, items = await _records(
        tmp_path,
        *(
            record(src=one, call=f"177244200{place}.1")
            for place, one in enumerate(["anonymous", "", "Restricted", "unknown"])
        ),
    )
    found = entries(asterisk, items)
    assert len(found) == 4
    assert all(one.subject.keys == () for one in found)


async def test_older_call_records_do_and_those_that_name_no_call_say_what_to_set(tmp_path: Path) -> None:
    whole = record(call="pbx1-1772442000.3", other="PJSIP/anna-00000001").rsplit(",", 4)[0]
    without = whole.rsplit(",", 1)[0]
    asterisk, items = await _records(tmp_path, whole, without, without + ',"nur ein Benutzerfeld"')
    assert [bool(item.problem) for item in items] == [False, True, True]
    assert "loguniqueid" in items[1].problem and "loguniqueid" in items[2].problem
    assert all(item.raw == {} for item in items[1:])
    call = calls(asterisk, items[:1])["pbx1-1772442000.3"]
    assert call.started is not None and call.started.isoformat() == "2026-03-02T09:00:00+00:00"


async def test_columns_of_cdr_custom_are_named_in_the_settings(tmp_path: Path) -> None:
    columns = "linkedid start end channel dstchannel src disposition".split()
    times, sides = "2026-03-02 09:00:00,2026-03-02 09:01:00", "PJSIP/provider-00000001,PJSIP/anna-00000002"
    line = f"1772442000.9,{times},{sides},+493055501234,ANSWERED"
    asterisk, items = await _records(tmp_path, line, "too,few", cdr_columns=columns)
    call = calls(asterisk, [item for item in items if not item.problem])["1772442000.9"]
    assert (call.agent, call.customer_address) == ("anna", "+493055501234")
    assert len([item for item in items if item.problem]) == 1
    with pytest.raises(ConfigError, match="cdr_columns"):
        adapter(cdr_columns=["src", "dst"])


async def test_a_line_with_an_open_quote_is_a_dead_letter(tmp_path: Path) -> None:
    _, items = await _records(tmp_path, '"", "+4930', record())
    assert [bool(item.problem) for item in items] == [True, False]


async def test_our_own_callback_is_a_call_to_the_customer_by_the_employee_who_took_it(tmp_path: Path) -> None:
    local = "Local/technik@bridge-agents-00000002;"
    rows = [
        record(call="bridge-loop:17", channel=f"{local}1", other="PJSIP/provider-00000003", dst="+493055501299"),
        record(call="bridge-loop:17", channel=f"{local}2", other="PJSIP/anna-00000004", app="Queue", data="technik"),
        record(call="bridge-loop:18", channel=f"{local}1", app="AppDial2", disposition="NO ANSWER"),
    ]
    found = calls(*await _records(tmp_path, *rows))
    assert set(found) == {"bridge-loop:17"}
    call = found["bridge-loop:17"]
    assert (call.direction, call.agent, call.queue) == (Direction.outbound, "anna", "technik")
    assert (call.customer_address, call.abandoned) == ("+493055501299", False)


@pytest.mark.parametrize("body", [b"{}", b'{"type": 7}', b'{"channel": {}}'])
def test_a_delivery_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        adapter().open(event(body))


@pytest.mark.parametrize(
    "name", ["a_phone_rings_for_it", "a_call_among_employees", "we_call_a_customer", "a_key_is_pressed"]
)
def test_events_of_other_channels_and_pressed_keys_are_counted_and_left_alone(name: str) -> None:
    asterisk = adapter()
    body = msgspec.json.decode((FIXTURES / f"{name}.json").read_bytes())["body"]
    opened = asterisk.open(event(msgspec.json.encode(body)))
    assert (opened.items, opened.ignored) == ((), 1)


def test_trunks_may_be_patterns_and_end_where_the_name_does() -> None:
    asterisk = adapter(trunks=["PJSIP/prov*"])
    assert _fixture(asterisk, "a_call_comes_in")
    assert not _fixture(adapter(trunks=["PJSIP/prov"]), "a_call_comes_in")
    assert NOW.tzinfo is not None
