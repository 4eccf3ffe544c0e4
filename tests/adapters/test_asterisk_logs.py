"""Files that Asterisk appends to and that are rotated: each line comes once, in its order, wherever it went."""

from __future__ import annotations

import gzip
import os
import random
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.errors import VendorRefused, VendorRetryable
from tests.adapters.asterisk_server import NOW, adapter, client, read_all, record


def _append(file: Path, *calls: int, end: str = "\n") -> None:
    with file.open("a") as text:
        text.write("\n".join(record(call=f"17724420{one:02}.{one}") for one in calls) + end)
    _age(file)


def _age(file: Path, seconds: float = 3600) -> None:
    """The file was changed so long before NOW."""
    at = NOW.timestamp() - seconds
    os.utime(file, (at, at))


def _numbers(items: object) -> list[str]:
    assert isinstance(items, list)
    return [item.raw["uniqueid"].partition(".")[2] for item in items]


async def test_only_what_was_appended_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    asterisk = adapter(cdr_file=str(file))
    _append(file, 1, 2)
    first, cursor = await read_all(asterisk, "cdr")
    again, cursor = await read_all(asterisk, "cdr", cursor)
    _append(file, 3)
    new, _ = await read_all(adapter(cdr_file=str(file)), "cdr", cursor)
    assert (_numbers(first), _numbers(again), _numbers(new)) == (["1", "2"], [], ["3"])
    assert [item.place for item in new] == ["Master.csv:3"]


async def test_a_line_that_is_still_being_written_waits_for_its_end(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    asterisk = adapter(cdr_file=str(file))
    _append(file, 1)
    whole = record(call="1772442002.2")
    file.write_text(file.read_text() + whole[:50])
    _age(file)
    first, cursor = await read_all(asterisk, "cdr")
    file.write_text(file.read_text() + whole[50:] + "\n")
    _age(file)
    second, _ = await read_all(asterisk, "cdr", cursor)
    assert (_numbers(first), _numbers(second)) == (["1"], ["2"])


@pytest.mark.parametrize("how", ["renamed", "dated", "copied and emptied", "compressed"])
async def test_a_rotated_file_is_read_to_its_end_before_the_new_one(tmp_path: Path, how: str) -> None:
    file = tmp_path / "Master.csv"
    asterisk = adapter(cdr_file=str(file))
    _append(file, 1, 2)
    first, cursor = await read_all(asterisk, "cdr")
    _append(file, 3)
    if how == "copied and emptied":
        (tmp_path / "Master.csv.1").write_bytes(file.read_bytes())
        file.write_bytes(b"")
    elif how == "compressed":
        (tmp_path / "Master.csv.1.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    else:
        file.rename(tmp_path / ("Master.csv-20260302" if how == "dated" else "Master.csv.1"))
    for one in tmp_path.iterdir():
        _age(one, 7200)
    _append(file, 4)
    second, cursor = await read_all(asterisk, "cdr", cursor)
    third, _ = await read_all(asterisk, "cdr", cursor)
    assert (_numbers(first), _numbers(second), _numbers(third)) == (["1", "2"], ["3", "4"], [])


async def test_nothing_is_read_twice_between_a_rotation_and_the_next_call(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    asterisk = adapter(cdr_file=str(file))
    _append(file, 1)
    _, cursor = await read_all(asterisk, "cdr")
    file.rename(tmp_path / "Master.csv.1")
    for empty in (False, True):  # some systems make the new file at once, Asterisk at the next call
        if empty:
            file.touch()
        none, cursor = await read_all(asterisk, "cdr", cursor)
        assert none == []
    _append(file, 2)
    new, _ = await read_all(asterisk, "cdr", cursor)
    assert _numbers(new) == ["2"]


async def test_the_first_reading_brings_what_was_rotated_away_before(tmp_path: Path) -> None:
    file = tmp_path / "queue_log"
    for age, name in ((300, "queue_log.2.gz"), (200, "queue_log.1"), (100, "queue_log")):
        line = f"17724420{age}|17724420{age}.{age}|technik|NONE|ENTERQUEUE||+493055501234|1\n".encode()
        (tmp_path / name).write_bytes(gzip.compress(line) if name.endswith("gz") else line)
        _age(tmp_path / name, age)
    (tmp_path / "queue_log.bak").write_text("not Asterisk's\n")
    items, _ = await read_all(adapter(queue_log_file=str(file)), "queue_log")
    assert [item.raw["call"].partition(".")[2] for item in items] == ["300", "200", "100"]
    assert [item.place for item in items] == ["queue_log.2.gz:1", "queue_log.1:1", "queue_log:1"]


async def test_where_the_file_that_was_read_is_gone_all_that_is_left_is_read(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    asterisk = adapter(cdr_file=str(file))
    _append(file, 1)
    _, cursor = await read_all(asterisk, "cdr")
    file.unlink()
    _append(file, 2, 3)
    items, _ = await read_all(asterisk, "cdr", cursor)
    assert _numbers(items) == ["2", "3"]


async def test_a_line_keeps_its_identity_wherever_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    asterisk = adapter(cdr_file=str(file))
    _append(file, 1, 2)
    first, _ = await read_all(asterisk, "cdr")
    file.rename(tmp_path / "Master.csv.1")
    again, _ = await read_all(asterisk, "cdr")
    assert [item.dedupe_key for item in again] == [item.dedupe_key for item in first]


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_happens_to_the_file_each_call_comes_exactly_once(tmp_path: Path, seed: int) -> None:
    """Processes die between pages, the file is rotated at any time, and it is longer than a page."""
    chance = random.Random(seed)
    file = tmp_path / "Master.csv"
    written, seen, cursor, rotated = 0, [], "", 0
    file.touch()
    asterisk = adapter(cdr_file=str(file))  # it keeps nothing between pages
    network = client(asterisk)
    for _ in range(40):
        match chance.choice(["append", "append", "rotate", "read", "read"]):
            case "append":
                count = chance.choice([1, 3, 700])
                with file.open("a") as text:
                    text.writelines(record(call=f"1772442000.{written + one}") + "\n" for one in range(count))
                written += count
            case "rotate" if file.stat().st_size:
                rotated += 1
                file.rename(tmp_path / f"Master.csv.{rotated}")
                file.touch()
            case "read":
                page = await asterisk.page(network, "cdr", cursor, NOW)
                if chance.random() < 0.8:  # else the process died before the page was stored
                    seen += _numbers(list(page.items))
                    cursor = page.cursor
        for age, one in enumerate(sorted(tmp_path.iterdir(), key=lambda path: -_age_of(path))):
            _age(one, 9000 - age)
    rest, _ = await read_all(asterisk, "cdr", cursor)
    assert [*seen, *_numbers(rest)] == [str(one) for one in range(written)]


def _age_of(path: Path) -> float:
    """Rotated later is younger; the file itself is the youngest."""
    number = path.suffix[1:]
    return -float(number) if number.isdigit() else -1e9


async def test_records_of_a_call_that_has_just_ended_are_read_together(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    asterisk = adapter(cdr_file=str(file))
    lines = [record(call="1772442001.1"), record(call="1772442002.2", other="PJSIP/anna-00000001")]
    file.write_text("".join(f"{line}\n" for line in lines))
    _age(file, 0.2)
    early, cursor = await read_all(asterisk, "cdr")
    late, _ = await read_all(asterisk, "cdr", cursor, NOW + timedelta(seconds=5))
    assert (_numbers(early), _numbers(late)) == (["1"], ["2"])


async def test_records_of_one_call_are_not_torn_apart_between_pages(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    lines = [record(call=f"1772442000.{min(number, 499)}", userfield=f"menu={number % 90}") for number in range(502)]
    file.write_text("".join(f"{line}\n" for line in lines))
    _age(file)
    asterisk = adapter(cdr_file=str(file))
    first = await asterisk.page(client(asterisk), "cdr", "", NOW)
    second = await asterisk.page(client(asterisk), "cdr", first.cursor, NOW)
    assert (len(first.items), first.more, len(second.items), second.more) == (499, True, 3, False)


async def test_a_call_longer_than_a_page_does_not_stop_the_reading(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    file.write_text("".join(f"{record(userfield=f'menu={number % 90}')}\n" for number in range(750)))
    _age(file)
    items, _ = await read_all(adapter(cdr_file=str(file)), "cdr")
    assert len(items) == 750


async def test_names_in_any_encoding_break_no_line(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    line = record(app="Dial", data="Müller").encode("cp1252")
    file.write_bytes(line + b"\r\n")
    _age(file)
    items, _ = await read_all(adapter(cdr_file=str(file)), "cdr")
    assert items[0].raw["lastdata"] == "Müller"


async def test_a_missing_file_says_so_and_is_asked_for_again(tmp_path: Path) -> None:
    asterisk = adapter(cdr_file=str(tmp_path / "Master.csv"), queue_log_file=str(tmp_path / "none" / "queue_log"))
    with pytest.raises(VendorRetryable, match="is not there"):
        await read_all(asterisk, "cdr")
    with pytest.raises(VendorRetryable, match="cannot be read"):
        await read_all(asterisk, "queue_log")


async def test_only_files_that_are_configured_are_streams(tmp_path: Path) -> None:
    asterisk = adapter(queue_log_file=str(tmp_path / "queue_log"))
    assert asterisk.streams() == ("queue_log",)
    with pytest.raises(VendorRefused):
        await read_all(asterisk, "cdr")


async def test_a_cursor_of_another_version_starts_anew(tmp_path: Path) -> None:
    file = tmp_path / "Master.csv"
    _append(file, 1)
    items, _ = await read_all(adapter(cdr_file=str(file)), "cdr", '{"offset": "many"}')
    assert _numbers(items) == ["1"]
