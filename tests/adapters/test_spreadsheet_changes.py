"""Files that come again: only what is new is delivered, what vanished from a full export is gone."""

from __future__ import annotations

import json
import os
import random
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.spreadsheet import memory, reading
from adapters.spreadsheet.adapter import Spreadsheet
from bridge.adapter.base import Page
from bridge.adapter.client import open_client
from bridge.adapter.manifest import load_manifest
from bridge.adapter.mapping import load_mapping
from bridge.adapter.source import Source
from bridge.errors import ConfigError, VendorRefused
from bridge.model import Entry, EntryKind

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = load_manifest(ROOT / "adapters" / "spreadsheet" / "manifest.yaml")
MAPPING = load_mapping(ROOT / "mappings" / "spreadsheet.yaml")
LONG_AGO = 1_700_000_000
NOW = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)


class Watched:
    """A folder that is read by one process after another, and what the bridge knows of it."""

    def __init__(self, folder: Path, **settings: str | tuple[str, ...]) -> None:
        self.folder = folder
        self.settings = settings
        self.cursors: dict[str, str] = {}
        self.known: dict[str, str | None] = {}
        self.delivered: list[str] = []
        self.keys: list[str] = []
        self._clock = LONG_AGO
        self._of: Spreadsheet | None = None

    def write(self, rows: dict[str, str], name: str = "kunden.csv", columns: str = "Kundennummer;Name") -> None:
        self.write_text("".join(f"{number};{what}\n" for number, what in rows.items()), name, columns)

    def write_text(self, text: str, name: str = "kunden.csv", columns: str = "Kundennummer;Name") -> None:
        path = self.folder / name
        path.write_text(f"{columns}\n{text}", "utf-8")
        self._clock += 60
        os.utime(path, (self._clock, self._clock))

    def restart(self) -> None:
        self._of = None

    @property
    def of(self) -> Spreadsheet:
        if self._of is None:
            source = Source(name="akte", adapter="spreadsheet", settings={"folder": str(self.folder), **self.settings})
            self._of = Spreadsheet(source, MANIFEST, MAPPING)
        return self._of

    async def page(self, stream: str = "kunden.csv") -> Page:
        page = await self.of.page(open_client(self.of), stream, self.cursors.get(stream, ""), NOW)
        self.cursors[stream] = page.cursor
        for item in page.items:
            self.keys.append(item.dedupe_key)
            if item.problem:
                self.delivered.append(f"!{item.place}")
                continue
            for entry in self.of.read(item):
                assert isinstance(entry, Entry)
                gone = entry.kind is EntryKind.deleted
                self.known[entry.source_id] = None if gone else entry.body.get("name") or ""
                self.delivered.append(f"-{entry.source_id}" if gone else entry.source_id)
        return page

    async def poll(self, stream: str = "kunden.csv") -> list[str]:
        """What is delivered until the stream has nothing more to say."""
        self.delivered = []
        while (await self.page(stream)).more:
            pass
        return self.delivered


async def test_only_new_and_changed_rows_are_delivered(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.write({"1": "Anna", "2": "Bert", "3": "Cara"})
    assert await watched.poll() == ["1", "2", "3"]
    watched.write({"3": "Cara", "1": "Anna", "2": "Berta", "4": "Doris"})
    assert await watched.poll() == ["2", "4"]
    watched.write({"3": "Cara", "1": "Anna", "2": "Bert"})
    watched.restart()
    assert await watched.poll() == ["2"]
    assert await watched.poll() == []
    assert len(set(watched.keys)) == len(watched.keys)


async def test_a_row_that_went_back_to_what_it_was_is_delivered_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    for name in ("Anna", "Berta", "Anna"):
        watched.write({"1": name})
        await watched.poll()
        assert watched.known == {"1": name}


async def test_of_rows_about_one_record_the_last_counts_however_the_file_changes(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.write_text("1;Anna\n1;Berta\n1;Anna\n")
    await watched.poll()
    assert watched.known == {"1": "Anna"}
    watched.write_text("1;Anna\n1;Berta\n")
    assert await watched.poll() == ["1"]
    assert watched.known == {"1": "Berta"}


async def test_a_row_nobody_can_read_is_reported_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.write_text("1;Anna\n2;Bert;too much\n;nobody\n")
    with pytest.raises(Exception, match="kundennummer"):
        await watched.poll()  # what has no number goes to dead letters
    watched.write_text("2;Bert;too much\n;nobody\n1;Anna\n3;Cara\n")
    assert await watched.poll() == ["3"]


async def test_what_is_never_kept_makes_no_row_a_changed_one(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    for iban, news in (("DE02", ["1"]), ("DE03", [])):
        watched.write_text(f"1;Anna;{iban}\n", columns="Kundennummer;Name;IBAN")
        assert await watched.poll() == news


async def test_a_state_that_was_read_in_part_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 1 was delivered of a state that nobody ever read to its end."""
    monkeypatch.setattr(reading, "PAGE_ROWS", 1)
    watched = Watched(tmp_path)
    watched.write({"1": "Anna", "2": "Bert"})
    await watched.poll()
    watched.write({"1": "Changed", "2": "Too"})
    assert [item.raw["name"] for item in (await watched.page()).items] == ["Changed"]
    watched.restart()
    watched.write({"1": "Anna", "2": "Bert"})
    assert await watched.poll() == ["1"]
    assert watched.known == {"1": "Anna", "2": "Bert"}


async def test_a_long_stretch_without_news_is_passed_over_page_by_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAGE_LOOKED_AT", 10)
    watched = Watched(tmp_path)
    rows = {str(number): "x" for number in range(35)}
    watched.write(rows)
    await watched.poll()
    watched.write({**rows, "34": "y"})
    found = [await watched.page() for _ in range(4)]
    assert [(len(page.items), page.more, page.total) for page in found] == [
        (0, True, 35), (0, True, 35), (0, True, 35), (1, False, 35),
    ]  # fmt: skip


async def test_beyond_what_can_be_remembered_rows_are_delivered_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST", 2)
    watched = Watched(tmp_path)
    watched.write({"1": "Anna", "2": "Bert", "3": "Cara"})
    await watched.poll()
    watched.write({"1": "Anna", "2": "Berta", "3": "Cara"})
    assert await watched.poll() == ["2", "3"]


async def test_the_cursor_names_nobody(tmp_path: Path) -> None:
    """Digests alone, packed: who was erased must not live on in it."""
    watched = Watched(tmp_path)
    watched.write({"K-10001": "Anna"})
    await watched.poll()
    kept = dict(memory._unpack(tuple(_blocks(watched.cursors["kunden.csv"]))))
    assert kept
    assert not any("K-10001" in name or "Anna" in name + content for name, content in kept.items())


def _blocks(cursor: str) -> list[str]:
    blocks: list[str] = json.loads(cursor)["told"]
    return blocks


async def test_what_vanishes_from_a_full_export_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE_ROWS", 2)
    watched = Watched(tmp_path, full=("kunden*",))
    watched.write({"1": "Anna", "2": "Bert", "3": "Cara", "4": "Doris", "5": "Emil"})
    await watched.poll()
    watched.write({"2": "Berta", "5": "Emil"})
    assert await watched.poll() == ["2", "-1", "-3", "-4"]
    assert await watched.poll() == []
    watched.write({"2": "Berta", "5": "Emil", "3": "Cara"})
    assert await watched.poll() == ["3"]
    assert watched.known == {"1": None, "2": "Berta", "3": "Cara", "4": None, "5": "Emil"}


async def test_without_being_told_so_nothing_is_taken_for_gone(tmp_path: Path) -> None:
    for chosen in ((), ("vertraege.csv",)):
        watched = Watched(tmp_path, full=chosen)
        watched.write({"1": "Anna", "2": "Bert"})
        await watched.poll()
        watched.write({"1": "Anna"})
        assert await watched.poll() == []


async def test_a_file_that_is_taken_away_deletes_nobody(tmp_path: Path) -> None:
    watched = Watched(tmp_path, full="kunden.csv")
    watched.write({"1": "Anna"})
    await watched.poll()
    (tmp_path / "kunden.csv").unlink()
    assert await watched.poll() == []


async def test_a_full_export_of_which_too_much_is_missing_deletes_nobody(tmp_path: Path) -> None:
    everybody = {str(number): f"Name {number}" for number in range(100)}
    watched = Watched(tmp_path, full="kunden.csv")
    watched.write(everybody)
    await watched.poll()
    cut = {number: name for number, name in everybody.items() if int(number) < 70}
    watched.write({**cut, "new": "Nora"})
    for _ in range(2):
        with pytest.raises(VendorRefused, match=r"kunden\.csv lacks 30 records that it had before, more than 20%"):
            await watched.poll()
    assert watched.known["new"] == "Nora"
    watched.settings = {"full": "kunden.csv", "most_vanished": "30"}
    watched.restart()
    assert len(await watched.poll()) == 30
    watched.write({**everybody, "new": "Nora"})
    assert len(await watched.poll()) == 30
    assert None not in watched.known.values()


async def test_a_complete_file_heals_what_an_incomplete_one_left(tmp_path: Path) -> None:
    everybody = {str(number): f"Name {number}" for number in range(100)}
    watched = Watched(tmp_path, full="kunden.csv")
    watched.write(everybody)
    await watched.poll()
    watched.write({"1": "Other"})
    with pytest.raises(VendorRefused):
        await watched.poll()
    watched.write({number: name for number, name in everybody.items() if number != "99"})
    assert await watched.poll() == ["1", "-99"]


async def test_a_table_too_long_to_tell_what_vanishes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST", 2)
    watched = Watched(tmp_path, full="kunden.csv")
    watched.write({"1": "Anna", "2": "Bert", "3": "Cara"})
    with pytest.raises(VendorRefused, match="leave it out of full"):
        await watched.poll()


async def test_an_export_that_becomes_a_full_one_deletes_nothing_at_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.write({"1": "Anna", "2": "Bert"})
    await watched.poll()
    watched.settings = {"full": "kunden.csv"}
    watched.restart()
    watched.write({"1": "Anna"})
    assert await watched.poll() == ["1"]
    watched.write({"9": "Zoe"})
    assert await watched.poll() == ["9", "-1"]


def save_book(path: Path, age: int, *numbers: int) -> None:
    made = openpyxl.Workbook()
    made.worksheets[0].title = "Kunden"
    made.worksheets[0].append(["Kundennummer", "Name"])
    for number in numbers:
        made.worksheets[0].append([number, "x"])
    made.save(path)
    os.utime(path, (LONG_AGO - age, LONG_AGO - age))


async def test_a_sheet_may_be_full_by_its_own_name(tmp_path: Path) -> None:
    watched = Watched(tmp_path, full="Kunden")
    save_book(tmp_path / "export.xlsx", 2, 1, 2)
    assert await watched.poll("export.xlsx#Kunden") == ["1", "2"]
    save_book(tmp_path / "export.xlsx", 1, 2)
    assert await watched.poll("export.xlsx#Kunden") == ["-1"]


async def test_answers_without_a_number_vanish_too(tmp_path: Path) -> None:
    watched = Watched(tmp_path, full="umfragen.csv")
    columns = "Kundennummer;Datum;NPS;CSAT"
    watched.write_text("1;01.03.2026;9;4\n2;01.03.2026;3;2\n", "umfragen.csv", columns)
    first = await watched.poll("umfragen.csv")
    watched.write_text("1;01.03.2026;9;4\n", "umfragen.csv", columns)
    gone = await watched.poll("umfragen.csv")
    assert sorted(gone) == sorted(f"-{number}" for number in first[2:])


async def test_a_series_is_one_export_of_which_the_newest_file_counts(tmp_path: Path) -> None:
    watched = Watched(tmp_path, series="Kunden_*.csv", full="kunden_*.csv")
    watched.write({"1": "Anna", "2": "Bert"}, "kunden_2026-02-28.csv")
    watched.write({"1": "Anna", "3": "Cara"}, "Kunden_2026-03-01.csv")
    watched.write({"7": "x"}, "vertraege.csv", "Vertragsnummer;Produkt")
    assert watched.of.streams() == ("kunden_*.csv", "vertraege.csv")
    assert await watched.poll("kunden_*.csv") == ["1", "3"]
    watched.write({"3": "Carla", "4": "Doris"}, "kunden_2026-03-02.csv")
    assert (await watched.page("kunden_*.csv")).items[0].place == "kunden_2026-03-02.csv:2"
    assert await watched.poll("kunden_*.csv") == ["-1"]
    assert watched.known == {"1": None, "3": "Carla", "4": "Doris"}


async def test_a_series_does_not_go_back_when_its_newest_file_is_tidied_away(tmp_path: Path) -> None:
    watched = Watched(tmp_path, series="kunden_*.csv")
    watched.write({"1": "Anna"}, "kunden_1.csv")
    watched.write({"1": "Berta"}, "kunden_2.csv")
    await watched.poll("kunden_*.csv")
    (tmp_path / "kunden_2.csv").unlink()
    assert await watched.poll("kunden_*.csv") == []
    assert watched.known == {"1": "Berta"}
    watched.write({"1": "Cara"}, "kunden_3.csv")
    assert await watched.poll("kunden_*.csv") == ["1"]


async def test_each_sheet_of_a_series_is_a_stream(tmp_path: Path) -> None:
    watched = Watched(tmp_path, series="export_*.xlsx")
    save_book(tmp_path / "export_1.xlsx", 2, 0)
    assert watched.of.streams() == ("export_*.xlsx#Kunden",)
    assert await watched.poll("export_*.xlsx#Kunden") == ["0"]
    save_book(tmp_path / "export_2.xlsx", 1, 0, 1)
    assert watched.of.streams() == ("export_*.xlsx#Kunden",)
    assert await watched.poll("export_*.xlsx#Kunden") == ["1"]


@pytest.mark.parametrize("text", ["101", "-1", "a fifth", "20.5", ""])
def test_a_part_that_is_no_percentage_is_named_at_the_start(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"settings\.most_vanished: is a whole percentage"):
        Watched(tmp_path, most_vanished=text).of.streams()


STATES = st.lists(
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["Anna", "Bert", "Cara"]), min_size=1),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(states=STATES, full=st.booleans(), size=st.integers(1, 4), seed=st.integers(0, 99))
async def test_whatever_happens_to_a_file_the_bridge_knows_its_last_state(
    states: list[dict[str, str]], full: bool, size: int, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Processes die between any two pages, and files are replaced while they are being read."""
    chance = random.Random(seed)
    chosen: dict[str, Any] = {"full": "kunden.csv", "most_vanished": "100"} if full else {}
    watched = Watched(tmp_path_factory.mktemp("folder"), **chosen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "PAGE_ROWS", size)
        for state in states:
            watched.write(state)
            for _ in range(chance.randrange(4)):
                await watched.page()
                if chance.random() < 0.5:
                    watched.restart()
        await watched.poll()
    ever = {name for state in states for name in state}
    assert {name: what for name, what in watched.known.items() if what is not None and name in states[-1]} == states[-1]
    if full:
        assert {name for name, what in watched.known.items() if what is None} <= ever - set(states[-1])
        assert {name for name, what in watched.known.items() if what is not None} == set(states[-1])
    assert len(set(watched.keys)) == len(watched.keys)
