"""Lists that are written: whole or not at all, once, as spreadsheets open them, and never as a formula."""

from __future__ import annotations

import csv
import io
import os
import stat
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from adapters.spreadsheet.adapter import Spreadsheet
from adapters.spreadsheet.exports import harmless
from adapters.spreadsheet.sheetfile import LONGEST_CELL
from bridge.adapter.client import open_client
from bridge.adapter.delivery import Action
from bridge.adapter.manifest import load_manifest
from bridge.adapter.mapping import load_mapping
from bridge.adapter.source import Source
from bridge.errors import ConfigError, VendorRefused, VendorRetryable

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = load_manifest(ROOT / "adapters" / "spreadsheet" / "manifest.yaml")
MAPPING = load_mapping(ROOT / "mappings" / "spreadsheet.yaml")
ROWS = [["Müller, Jürgen", "+493023125001", "sagte:\n„Nie wieder“; geht"], ["Ohm", "-12,50", ""]]
ARGS: dict[str, Any] = {"name": "rueckrufe-03", "columns": ["Name", "Telefon", "Grund"], "rows": ROWS}


def adapter(tmp_path: Path, **settings: str) -> Spreadsheet:
    for name in ("in", "out"):
        (tmp_path / name).mkdir(exist_ok=True)
    usual = {"folder": str(tmp_path / "in"), "export_folder": str(tmp_path / "out")}
    return Spreadsheet(Source(name="akte", adapter="spreadsheet", settings={**usual, **settings}), MANIFEST, MAPPING)


def written(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "out").iterdir())


async def write(of: Spreadsheet, key: str = "cause-1", **args: Any) -> str:
    done = await of.perform(open_client(of), Action(do="export_list", args={**ARGS, **args}, idempotency_key=key))
    return done.reference


async def test_a_list_becomes_a_file_that_excel_opens_by_double_click(tmp_path: Path) -> None:
    name = await write(adapter(tmp_path))
    content = (tmp_path / "out" / name).read_bytes()
    assert name.startswith("rueckrufe-03.")
    assert content.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert read == [ARGS["columns"], *ROWS]


@pytest.mark.parametrize(("delimiter", "mark"), [(",", ","), ("tab", "\t"), (";", ";")])
async def test_the_delimiter_is_the_one_of_the_settings(tmp_path: Path, delimiter: str, mark: str) -> None:
    name = await write(adapter(tmp_path, export_delimiter=delimiter))
    text = (tmp_path / "out" / name).read_text("utf-8-sig")
    assert text.splitlines()[0] == mark.join(['"Name"', '"Telefon"', '"Grund"'])


async def test_a_workbook_holds_the_same_as_text(tmp_path: Path) -> None:
    rows = [["=1+1", "+4930", ' a <b> & "c" '], ["0049", "1,5", "x\ny"]]
    name = await write(adapter(tmp_path, export_format="xlsx"), rows=rows)
    path = tmp_path / "out" / name
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert sheet.title == "rueckrufe-03"
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [ARGS["columns"], *rows]
    assert {(cell.data_type, cell.number_format) for row in sheet.iter_rows() for cell in row} == {("s", "@")}
    assert CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python() == [ARGS["columns"], *rows]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_the_same_cause_makes_one_file_and_another_cause_another(tmp_path: Path, form: str) -> None:
    of = adapter(tmp_path, export_format=form)
    first = await write(of)
    path = tmp_path / "out" / first
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    assert await write(adapter(tmp_path, export_format=form)) == first
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    second = await write(of, key="cause-2")
    assert written(tmp_path) == sorted([first, second])
    assert (tmp_path / "out" / second).read_bytes() == before[0]


async def test_nobody_sees_half_a_list_and_a_failure_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int) -> None:
        assert not [name for name in written(tmp_path) if not name.startswith(".")]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(VendorRetryable, match="No space left on device") as problem:
        await write(adapter(tmp_path))
    assert problem.value.undone
    assert written(tmp_path) == []


async def test_a_folder_that_is_not_there_now_is_tried_again(tmp_path: Path) -> None:
    of = adapter(tmp_path)
    (tmp_path / "out").rmdir()
    with pytest.raises(VendorRetryable, match="export_folder: No such file") as problem:
        await write(of)
    assert problem.value.undone


async def test_only_owner_and_group_may_read_a_list(tmp_path: Path) -> None:
    path = tmp_path / "out" / await write(adapter(tmp_path))
    assert stat.S_IMODE(path.stat().st_mode) & 0o137 == 0


async def test_a_source_without_a_folder_for_lists_says_so(tmp_path: Path) -> None:
    with pytest.raises(VendorRefused, match="the setting export_folder is empty"):
        await write(adapter(tmp_path, export_folder=""))


async def test_a_list_that_no_table_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VendorRefused, match="row 2 has not one value for each column"):
        await write(adapter(tmp_path), rows=[["a", "b", "c"], ["a", "b"]])
    with pytest.raises(VendorRefused, match="more than 32,767 characters"):
        await write(adapter(tmp_path), rows=[["a", "b", "x" * (LONGEST_CELL + 1)]])


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"export_format": "ods"}, "export_format"),
        ({"export_delimiter": "|"}, "export_delimiter"),
        ({"export_folder": "{in}"}, "export_folder"),
        ({"export_folder": "{in}/../in"}, "export_folder"),
    ],
)
def test_a_setting_that_cannot_work_is_named_at_the_start(tmp_path: Path, settings: dict[str, str], name: str) -> None:
    chosen = {key: value.replace("{in}", str(tmp_path / "in")) for key, value in settings.items()}
    with pytest.raises(ConfigError, match=rf"sources\.akte\.settings\.{name}: "):
        adapter(tmp_path, **chosen)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("  =cmd|' /C calc'!A0", "  '=cmd|' /C calc'!A0"),
        ("@SUM(1)", "'@SUM(1)"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("-1,5+cmd|' /C calc'!A0", "'-1,5+cmd|' /C calc'!A0"),
        ("\t=1", "\t'=1"),
        ("a\n=1", "a\n'=1"),
        ("x,=HYPERLINK(1)", "x,'=HYPERLINK(1)"),
        ("x;=1", "x;'=1"),
        ("＝1", "'＝1"),
        ("- Punkt eins", "'- Punkt eins"),
        ("+493023125001", "+493023125001"),
        ("-12,50", "-12,50"),
        ("-1.234,50", "-1.234,50"),
        ("+49 (0)30 123", "+49 (0)30 123"),
        ("a=b, c-d, e@f.example", "a=b, c-d, e@f.example"),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_would_calculate_is_text(cell: str, written: str) -> None:
    assert harmless(cell) == written
    assert harmless(written) == written


@given(st.text(alphabet="=+-@ab1 ,;\t\n|'\"!.()", max_size=12), st.sampled_from([",", ";", "\t"]))
def test_in_whatever_way_a_list_is_opened_no_cell_begins_with_a_call(cell: str, mark: str) -> None:
    """A semicolon file that is opened with commas as delimiters is split elsewhere than it was meant."""
    for part in harmless(cell).replace("\n", mark).split(mark):
        bare = part.lstrip(" \t")
        assert not bare.startswith(("=", "@"))
        assert not (bare[:1] in ("+", "-") and any(sign in bare[1:] for sign in "=+-@|!ab"))


async def test_signs_that_no_cell_can_hold_are_left_out(tmp_path: Path) -> None:
    rows = [["a\x00b\x1b", "\ufeff=1", "\u200b=2"]]
    for form in ("csv", "xlsx"):
        name = await write(adapter(tmp_path, export_format=form), rows=rows)
        if form == "xlsx":
            cells = [
                [cell.value for cell in row] for row in openpyxl.load_workbook(tmp_path / "out" / name).worksheets[0]
            ]
            assert cells[1] == ["ab", "=1", "=2"]
        else:
            assert (tmp_path / "out" / name).read_text("utf-8-sig").splitlines()[1] == '"ab";"\'=1";"\'=2"'
