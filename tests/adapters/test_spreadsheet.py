"""The spreadsheet adapter as the bridge uses it: streams, pages, cursors, and what becomes of files that change."""

from __future__ import annotations

import csv
import io
import os
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.spreadsheet import adapter as module
from adapters.spreadsheet import reading
from adapters.spreadsheet.adapter import Spreadsheet
from adapters.spreadsheet.folder import LARGEST
from bridge.adapter.base import Item, Page
from bridge.adapter.client import open_client
from bridge.adapter.manifest import load_manifest
from bridge.adapter.mapping import load_mapping
from bridge.adapter.source import Source
from bridge.errors import ConfigError, MappingError, VendorRefused, VendorRetryable
from bridge.model import Entry

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = load_manifest(ROOT / "adapters" / "spreadsheet" / "manifest.yaml")
MAPPING = load_mapping(ROOT / "mappings" / "spreadsheet.yaml")
LONG_AGO = 1_700_000_000
NOW = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)


def adapter(folder: Path, **settings: str | tuple[str, ...]) -> Spreadsheet:
    source = Source(name="akte", adapter="spreadsheet", settings={"folder": str(folder), **settings})
    return Spreadsheet(source, MANIFEST, MAPPING)


async def page(of: Spreadsheet, stream: str, cursor: str = "", now: datetime = NOW) -> Page:
    return await of.page(open_client(of), stream, cursor, now)


async def pages(of: Spreadsheet, stream: str, cursor: str = "") -> list[Page]:
    found = [await page(of, stream, cursor)]
    while found[-1].more:
        found.append(await page(of, stream, found[-1].cursor))
    return found


def ids(*found: Page) -> list[str]:
    return [item.raw["kundennummer"] for one in found for item in one.items]


def write(path: Path, count: int, *, first: int = 1, changed: int = LONG_AGO) -> Path:
    rows = "".join(f"{number};Name {number}\n" for number in range(first, first + count))
    path.write_text("Kundennummer;Name\n" + rows, "utf-8")
    os.utime(path, (changed, changed))
    return path


async def test_pages_give_every_row_once_and_end(tmp_path: Path) -> None:
    write(tmp_path / "kunden.csv", 1_201)
    found = await pages(adapter(tmp_path), "kunden.csv")
    assert [len(one.items) for one in found] == [500, 500, 201]
    assert ids(*found) == [str(number) for number in range(1, 1_202)]
    assert [one.total for one in found] == [1_201] * 3
    item = found[1].items[0]
    assert (item.object, item.place, item.problem, item.patch) == ("customers", "kunden.csv:502", "", False)
    assert len({one.dedupe_key for each in found for one in each.items}) == 1_201


async def test_a_file_that_has_not_changed_gives_nothing_more(tmp_path: Path) -> None:
    of = adapter(tmp_path)
    write(tmp_path / "kunden.csv", 3)
    (first,) = await pages(of, "kunden.csv")
    again = await page(of, "kunden.csv", first.cursor)
    assert (again.items, again.cursor, again.more, again.total) == ((), first.cursor, False, 3)


async def test_a_file_that_ends_with_a_page_ends(tmp_path: Path) -> None:
    write(tmp_path / "kunden.csv", reading.PAGE_ROWS)
    found = await pages(adapter(tmp_path), "kunden.csv")
    assert [len(one.items) for one in found] == [500, 0]


async def test_reading_a_file_anew_makes_the_same_deliveries(tmp_path: Path) -> None:
    write(tmp_path / "kunden.csv", 700)
    first, second = await pages(adapter(tmp_path), "kunden.csv"), await pages(adapter(tmp_path), "kunden.csv")
    assert [one.items for one in first] == [one.items for one in second]


async def test_another_process_goes_on_where_one_stopped(tmp_path: Path) -> None:
    write(tmp_path / "kunden.csv", 1_201)
    whole = await pages(adapter(tmp_path), "kunden.csv")
    for done in whole[:-1]:
        rest = await pages(adapter(tmp_path), "kunden.csv", done.cursor)
        assert [one.items for one in rest] == [one.items for one in whole[whole.index(done) + 1 :]]


async def test_a_cursor_may_be_asked_again(tmp_path: Path) -> None:
    """The page was given, but the transaction that would have kept it failed."""
    write(tmp_path / "kunden.csv", 1_201)
    of = adapter(tmp_path)
    first = await page(of, "kunden.csv")
    second = await page(of, "kunden.csv", first.cursor)
    assert await page(of, "kunden.csv", first.cursor) == second
    assert await page(of, "kunden.csv") == first


async def test_of_a_changed_file_only_what_is_new_is_delivered(tmp_path: Path) -> None:
    of = adapter(tmp_path)
    write(tmp_path / "kunden.csv", 3)
    (before,) = await pages(of, "kunden.csv")
    write(tmp_path / "kunden.csv", 4, changed=LONG_AGO + 60)
    (after,) = await pages(of, "kunden.csv", before.cursor)
    assert (ids(after), after.total) == (["4"], 4)
    assert not {item.dedupe_key for item in before.items} & {item.dedupe_key for item in after.items}


async def test_a_file_replaced_between_two_pages_is_read_from_its_start(tmp_path: Path) -> None:
    of = adapter(tmp_path)
    write(tmp_path / "kunden.csv", 1_201)
    first = await page(of, "kunden.csv")
    write(tmp_path / "new", 600, first=9_001, changed=LONG_AGO + 60).replace(tmp_path / "kunden.csv")
    rest = await pages(of, "kunden.csv", first.cursor)
    assert ids(*rest) == [str(number) for number in range(9_001, 9_601)]


async def test_an_older_state_that_comes_back_is_delivered_again(tmp_path: Path) -> None:
    of = adapter(tmp_path)
    write(tmp_path / "kunden.csv", 3)
    (first,) = await pages(of, "kunden.csv")
    write(tmp_path / "kunden.csv", 3, first=7, changed=LONG_AGO + 60)
    (second,) = await pages(of, "kunden.csv", first.cursor)
    write(tmp_path / "kunden.csv", 3)
    (third,) = await pages(of, "kunden.csv", second.cursor)
    assert ids(third) == ids(first)
    assert not {item.dedupe_key for item in first.items} & {item.dedupe_key for item in third.items}


async def test_reading_it_in_another_way_reads_it_again(tmp_path: Path) -> None:
    path = tmp_path / "kunden.csv"
    path.write_bytes("Kundennummer;Name\n1;Jürgen\n".encode("cp850"))
    os.utime(path, (LONG_AGO, LONG_AGO))
    wrong = await page(adapter(tmp_path), "kunden.csv")
    right = await page(adapter(tmp_path, encoding="cp850"), "kunden.csv", wrong.cursor)
    assert wrong.items[0].problem == "holds bytes that are not cp1252"
    assert right.items[0].raw["name"] == "Jürgen"


async def test_a_cursor_nobody_can_read_starts_anew(tmp_path: Path) -> None:
    write(tmp_path / "kunden.csv", 3)
    assert ids(await page(adapter(tmp_path), "kunden.csv", '{"row": 7}')) == ["1", "2", "3"]


async def test_a_file_that_was_read_may_be_tidied_away(tmp_path: Path) -> None:
    of = adapter(tmp_path)
    path = write(tmp_path / "kunden.csv", 3)
    (first,) = await pages(of, "kunden.csv")
    path.unlink()
    assert of.streams() == ()
    assert (await page(of, "kunden.csv", first.cursor)).more is False


async def test_a_file_that_vanished_before_its_end_is_asked_for_again(tmp_path: Path) -> None:
    of = adapter(tmp_path)
    path = write(tmp_path / "kunden.csv", 700)
    first = await page(of, "kunden.csv")
    path.unlink()
    for cursor in (first.cursor, ""):
        with pytest.raises(VendorRetryable, match=r"akte: kunden\.csv is not in the folder"):
            await page(of, "kunden.csv", cursor)


async def test_a_growing_file_is_left_alone_until_it_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "kunden.csv", 3)
    os.utime(path)
    now = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)

    def grow(seconds: float) -> None:
        assert seconds == module.GLANCE
        with path.open("a") as file:
            file.write("4;Doris\n")

    monkeypatch.setattr("adapters.spreadsheet.adapter.time.sleep", grow)
    with pytest.raises(VendorRetryable, match="is still being written") as waiting:
        await page(adapter(tmp_path), "kunden.csv", now=now)
    monkeypatch.undo()
    assert waiting.value.retry_after == module.SETTLED
    found = await page(adapter(tmp_path), "kunden.csv", now=now)
    assert ids(found) == ["1", "2", "3", "4"]


async def test_a_file_that_changes_while_it_is_read_is_not_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "kunden.csv", 3)
    read = reading.Reading.page

    def page_and_write(self: reading.Reading) -> tuple[Item, ...]:
        items = read(self)
        write(path, 5, first=50, changed=LONG_AGO + 60)
        return items

    monkeypatch.setattr(reading.Reading, "page", page_and_write)
    with pytest.raises(VendorRetryable, match="was changed while it was read"):
        await page(adapter(tmp_path), "kunden.csv")


@pytest.mark.parametrize(("name", "content"), [("kunden.csv", b""), ("kunden.xlsx", b"PK\x03\x04")])
async def test_an_unfinished_file_is_waited_for_and_then_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    with pytest.raises(VendorRetryable, match=r"is empty|is not a whole workbook"):
        await page(adapter(tmp_path), name)
    with pytest.raises(VendorRefused, match=r"is empty|is not a whole workbook"):
        await page(adapter(tmp_path), name, now=NOW + timedelta(minutes=5))


async def test_a_file_the_system_cannot_read_now_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "kunden.csv", 1)

    def locked(*_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "fingerprint", locked)
    with pytest.raises(VendorRetryable, match=r"kunden\.csv cannot be read: Permission denied"):
        await page(adapter(tmp_path), "kunden.csv")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("liste.csv", "id\n1\n", "does not say by its name what it holds"),
        ("kunden.csv", "Kundennummer;Name;name\n", "columns B and C have the same name"),
        ("kunden.csv", "Müller;Jürgen;030 1\nOhm;Anna;030 2\n", "has no column that is known for customers"),
        ("kunden.csv", "Name;Telefon\nAnna;030 1\n", "has no column for the id of its customers: name it kundennummer"),
        ("vertraege.csv", "Kundennummer;Tarif\n1;M\n", "has no column for the id of its contracts"),
    ],
)
async def test_a_file_that_cannot_be_used_is_refused_with_its_reason(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(VendorRefused, match=re.escape(f"akte: {name} {reason}")) as refusal:
        await page(adapter(tmp_path), name)
    assert not {"Müller", "Jürgen", "Anna"} & set(re.findall(r"\w+", str(refusal.value)))


async def test_a_file_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "kunden.csv", 200_000)
    monkeypatch.setitem(LARGEST, ".csv", 1 << 20)
    with pytest.raises(VendorRefused, match=r"kunden\.csv is larger than 1 MB; split it"):
        await page(adapter(tmp_path), "kunden.csv")


async def test_a_page_of_large_rows_is_short(tmp_path: Path) -> None:
    rows = "".join(f"{number};{'x' * 100_000}\n" for number in range(100))
    (tmp_path / "kunden.csv").write_text("Kundennummer;Notiz\n" + rows, "utf-8")
    found = await pages(adapter(tmp_path), "kunden.csv")
    assert max(len(one.items) for one in found) == 42
    assert len(ids(*found)) == 100


async def test_tables_beyond_the_few_that_are_kept_open_are_read_all_the_same(tmp_path: Path) -> None:
    of = adapter(tmp_path)
    names = [f"kunden_{number}.csv" for number in range(module.OPEN + 3)]
    for name in names:
        write(tmp_path / name, 700)
    cursors = {name: (await page(of, name)).cursor for name in names}
    assert [len((await page(of, name, cursors[name])).items) for name in names] == [200] * len(names)


async def test_a_bad_row_goes_its_own_way_and_the_rest_goes_in(tmp_path: Path) -> None:
    (tmp_path / "kunden.csv").write_text("Kundennummer;Name;E-Mail\n1;Anna;a@b.example;x\n2;B;nix\n;C\n4;D\n", "utf-8")
    of = adapter(tmp_path)
    one, two, three, four = (await page(of, "kunden.csv")).items
    assert (one.place, one.problem) == ("kunden.csv:2", "has a value in column D, but only 3 columns are named")
    for item, where in ((two, "e_mail"), (three, "kundennummer")):
        with pytest.raises(MappingError, match=where):
            of.read(item)
    assert [entry.source_id for entry in of.read(four) if isinstance(entry, Entry)] == ["4"]
    assert [item.place for item in (two, three, four)] == ["kunden.csv:3", "kunden.csv:4", "kunden.csv:5"]


async def test_nothing_is_kept_of_a_bad_row_beside_a_column_that_is_to_be_hidden(tmp_path: Path) -> None:
    (tmp_path / "kunden.csv").write_text("Kundennummer;IBAN\n1;DE02;DE03\n2;DE04\n", "utf-8")
    bad, good = (await page(adapter(tmp_path), "kunden.csv")).items
    assert (bool(bad.problem), bad.raw) == (True, {})
    assert good.raw == {"kundennummer": "2", "iban": "DE04"}


async def test_a_workbook_is_read_sheet_by_sheet_and_page_by_page(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    for name, column in (("Kunden", "Kundennummer"), ("Käufe", "Bestellnummer")):
        sheet = made.create_sheet(name)
        sheet.append([column, "Name"])
        for number in range(1, 601):
            sheet.append([number, "x"])
    made.save(tmp_path / "export.xlsx")
    of = adapter(tmp_path)
    assert of.streams() == ("export.xlsx#Kunden", "export.xlsx#Käufe")
    found = await pages(of, "export.xlsx#Kunden")
    assert [(len(one.items), one.total) for one in found] == [(500, 600), (100, 600)]
    assert found[1].items[0].place == "export.xlsx#Kunden:502"
    elsewhere = await pages(adapter(tmp_path), "export.xlsx#Kunden", found[0].cursor)
    assert elsewhere[0].items == found[1].items
    other = await pages(of, "export.xlsx#Käufe")
    assert {item.object for one in other for item in one.items} == {"purchases"}


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.text("abc äöü;\"\n'", max_size=12), max_size=40),
    size=st.integers(1, 7),
    fresh=st.booleans(),
    encoding=st.sampled_from(["cp1252", "utf-8-sig", "utf-16"]),
)
async def test_resuming_at_any_page_gives_the_rows_of_one_go(
    rows: list[str], size: int, fresh: bool, encoding: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("folder")
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(
        [["Kundennummer", "Name"], *([str(i), row] for i, row in enumerate(rows))]
    )
    path = folder / "kunden.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    os.utime(path, (LONG_AGO, LONG_AGO))
    (whole,) = await pages(adapter(folder), "kunden.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "PAGE_ROWS", size)
        of, cursor, items, more = adapter(folder), "", list[Item](), True
        while more:
            of = adapter(folder) if fresh else of
            one = await page(of, "kunden.csv", cursor)
            cursor, more = one.cursor, one.more
            items += one.items
    assert tuple(items) == whole.items
    assert [item.raw.get("name", "") for item in items] == [row.strip() for row in rows]


@pytest.mark.parametrize(
    ("name", "value", "where"),
    [("encoding", "klingon", "encoding"), ("encoding", "a\0b", "encoding"), ("delimiter", ";;", "delimiter")],
)
def test_a_wrong_setting_is_named_at_the_start(tmp_path: Path, name: str, value: str, where: str) -> None:
    with pytest.raises(ConfigError, match=rf"sources\.yaml: akte\.settings\.{where}"):
        adapter(tmp_path, **{name: value})


async def test_the_delimiter_may_be_given_as_a_word(tmp_path: Path) -> None:
    (tmp_path / "kunden.csv").write_text("Kundennummer\tName;x\n1\tAnna\n", "utf-8")
    assert (await page(adapter(tmp_path, delimiter="tab"), "kunden.csv")).items[0].raw == {
        "kundennummer": "1",
        "name_x": "Anna",
    }


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(VendorRetryable, match="cannot be listed"):
        adapter(tmp_path / "unmounted").streams()
