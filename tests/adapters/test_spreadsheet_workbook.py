"""XLSX: what cells become, and that no workbook can take more than its share."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.spreadsheet import workbook
from adapters.spreadsheet.row import Row, Unusable
from adapters.spreadsheet.sheet import DAMAGED, main, plain, trimmed, write
from adapters.spreadsheet.workbook import Incomplete, SheetRows, sheet_names, spool

Cell = str | int | float | bool | datetime | date | time | timedelta | None


def at(text: str) -> datetime:
    """A moment without a zone, as Excel has them."""
    return datetime.fromisoformat(text)


def book(path: Path, *rows: list[Cell], sheet: str = "Kunden") -> Path:
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    page = made.create_sheet(sheet)
    for row in rows:
        page.append(row)
    made.save(path)
    return path


def rows(path: Path, sheet: str = "Kunden") -> list[Row]:
    with spool(path, sheet) as file:
        return list(SheetRows(file))


def packed(path: Path, **parts: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return path


def test_cells_come_as_what_a_person_sees(tmp_path: Path) -> None:
    path = book(
        tmp_path / "kunden.xlsx",
        ["Kunden-Nr.", "Name", "Kunde seit", "Zuletzt", "Umsatz", "VIP", "Dauer", "Uhr"],
        [
            4711,
            " Jürgen Groß ",
            date(2019, 3, 1),
            at("2026-02-01T09:30"),
            1234.56,
            True,
            timedelta(hours=26),
            time(8, 5),
        ],
        [None],
        ["004712", None, at("2022-11-15"), None, 12.0],
    )
    assert rows(path) == [
        Row(
            2,
            {
                "kunden_nr": 4711, "name": "Jürgen Groß", "kunde_seit": "2019-03-01", "zuletzt": "2026-02-01T09:30:00",
                "umsatz": 1234.56, "vip": True, "dauer": "26:00:00", "uhr": "08:05:00",
            },
        ),
        Row(4, {"kunden_nr": "004712", "kunde_seit": "2022-11-15", "umsatz": 12}),
    ]  # fmt: skip


def test_rows_are_counted_as_excel_shows_them(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", [], [None, "Kundennummer", "Name"], [], [None, 1, "Anna"], [None, 2])
    assert [(row.line, row.fields["kundennummer"]) for row in rows(path)] == [(4, 1), (5, 2)]


def test_a_value_beyond_the_named_columns_is_a_problem(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["id", "name"], [1, "Anna", None, "x"], [2, "Bernd"])
    first, second = rows(path)
    assert first.problem == "has a value in column D, but only 2 columns are named"
    assert second == Row(3, {"id": 2, "name": "Bernd"})


def test_errors_and_formulas_without_result_say_nothing(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["id", "name", "betrag"], [1, "=1/0", "#NV"], [2, "#BEZUG!", 0])
    assert [row.fields for row in rows(path)] == [{"id": 1}, {"id": 2, "betrag": 0}]


def test_an_empty_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="has no row"):
        rows(book(tmp_path / "a.xlsx", [], []))


def test_a_stray_cell_far_away_costs_its_file_and_not_the_process(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    page = made.create_sheet("Kunden")
    page["A1"], page["XFD500000"] = "id", "x"
    made.save(tmp_path / "a.xlsx")
    with pytest.raises(Unusable, match=r"takes more than 2048 MB to read; most often a cell far to the right"):
        spool(tmp_path / "a.xlsx", "Kunden")


def test_reading_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = book(tmp_path / "a.xlsx", ["id"], [1])
    monkeypatch.setattr(workbook, "SECONDS", 0.001)
    with pytest.raises(Unusable, match="takes more than"):
        spool(path, "Kunden")


def test_a_workbook_that_is_large_when_unpacked_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "a.xlsx", xl__workbook_xml="<workbook/>", xl__bomb_xml="0" * 3_000_000)
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(workbook, "LARGEST", 2 << 20)
    with pytest.raises(Unusable, match="is larger than 2 MB when unpacked"):
        sheet_names(path)


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]><workbook/>', "declares a document type, which no Excel workbook does"),
        ("<workbook><sheets>", "is damaged: its list of sheets cannot be read"),
        ("<workbook><sheets><sheet/></sheets></workbook>", "is damaged: its list of sheets cannot be read"),
    ],
)
def test_a_list_of_sheets_that_excel_would_not_write_is_refused(tmp_path: Path, listed: str, reason: str) -> None:
    with pytest.raises(Unusable) as refusal:
        sheet_names(packed(tmp_path / "a.xlsx", xl__workbook_xml=listed))
    assert str(refusal.value) == reason


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="is not an Excel workbook"):
        sheet_names(packed(tmp_path / "a.xlsx", readme_xml="<x/>"))


def test_a_workbook_that_is_cut_off_is_not_whole(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ["id"], [1])
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Incomplete):
        sheet_names(path)


def test_damaged_packing_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.xlsx", xl__workbook_xml="<workbook>" + "<x/>" * 500 + "</workbook>")
    content = bytearray(path.read_bytes())
    content[45:60] = b"\xff" * 15
    path.write_bytes(content)
    with pytest.raises((Unusable, Incomplete)):
        sheet_names(path)


def test_a_workbook_without_its_parts_is_called_damaged(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.xlsx", xl__workbook_xml='<workbook><sheets><sheet name="Kunden"/></sheets></workbook>')
    with pytest.raises(Unusable, match="is damaged, or not an Excel workbook"):
        spool(path, "Kunden")


def test_reasons_are_told_apart(tmp_path: Path) -> None:
    assert "damaged" in workbook._reason(DAMAGED)
    assert "2048 MB" in workbook._reason(-6)


def test_hidden_sheets_are_not_listed(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.create_sheet("Kunden & Käufe")
    made.create_sheet("weg").sheet_state = "hidden"
    made.create_sheet("ganz weg").sheet_state = "veryHidden"
    made.save(tmp_path / "a.xlsx")
    assert sheet_names(tmp_path / "a.xlsx") == ["Sheet", "Kunden & Käufe"]


@settings(max_examples=15, deadline=None)
@given(
    table=st.lists(
        st.tuples(
            st.integers(1, 10**9),
            st.one_of(st.none(), st.text("abcäöüß€ 0123", min_size=1, max_size=10).filter(lambda cell: cell.strip())),
            st.one_of(st.none(), st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6).map(lambda cell: round(cell, 4))),
            st.one_of(st.none(), st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.booleans()),
        ),
        max_size=20,
    )
)
def test_what_excel_holds_is_read_back(table: list[tuple[Cell, ...]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = book(tmp_path_factory.mktemp("book") / "a.xlsx", ["id", "name", "betrag", "tag"], *map(list, table))
    out = io.BytesIO()
    write(str(path), "Kunden", out)
    expected = [
        {
            name: cell.isoformat() if isinstance(cell, date) else cell.strip() if isinstance(cell, str) else cell
            for name, cell in zip(("id", "name", "betrag", "tag"), row, strict=True)
            if cell is not None
        }
        for row in table
    ]
    assert [row.fields for row in SheetRows(out)] == expected


def test_reading_goes_on_at_any_row(tmp_path: Path) -> None:
    rows_: list[list[Cell]] = [[number] if number % 3 else [] for number in range(40)]
    path = book(tmp_path / "a.xlsx", ["id"], *rows_)
    whole = rows(path)
    first = SheetRows(spool(path, "Kunden"))
    for done in range(len(whole)):
        second = SheetRows(spool(path, "Kunden")) if done % 9 == 0 else first
        second.go_to(first.offset, first.line)
        assert next(second) == whole[done]
        if second is not first:
            second.close()
            next(first)
    assert list(first) == []
    first.close()


def test_the_process_answers_by_its_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the process does it, but here: limits would be this process's own."""
    limits: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr("resource.setrlimit", lambda what, limit: limits.append((what, limit)))
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr("sys.stdout", out)
    assert main(str(book(tmp_path / "a.xlsx", ["id"], [1])), "Kunden", "1000", "7") == 0
    assert out.buffer.getvalue() == b'["id"]\n[1]\n'
    (tmp_path / "b.xlsx").write_bytes(b"x")
    assert main(str(tmp_path / "b.xlsx"), "Kunden", "1000", "7") == DAMAGED
    assert sorted(limit for _, limit in limits[:3]) == [(0, 0), (7, 7), (1000, 1000)]


def test_only_the_cells_that_are_there_are_kept() -> None:
    assert list(trimmed([["a", "", ""], ["", ""], ["", "b"]])) == [["a"], [], ["", "b"]]
    assert plain(date(2026, 12, 31)) == "2026-12-31"
    assert plain(at("2026-12-31")) == "2026-12-31"
    assert plain(at("2026-12-31T14:05")) == "2026-12-31T14:05:00"
    assert plain(4711.5) == 4711.5
    assert plain(True) is True
    assert plain(timedelta(seconds=59.6)) == "0:01:00"
