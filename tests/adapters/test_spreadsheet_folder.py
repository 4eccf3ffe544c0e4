"""The folder of exports: what is read of it, what it holds, in which order, and what is never opened."""

from __future__ import annotations

import os
from pathlib import Path

import openpyxl
import pytest

from adapters.spreadsheet.folder import UNCLEAR, Folder, fingerprint, object_of
from bridge.adapter.source import Source
from bridge.errors import ConfigError, VendorRetryable

OBJECTS = ("customers", "accounts", "contracts", "purchases", "tickets", "surveys", "usage")


def folder(root: Path, **settings: str | tuple[str, ...]) -> Folder:
    return Folder(Source(name="akte", adapter="spreadsheet", settings={"folder": str(root), **settings}), OBJECTS)


def put(root: Path, *names: str) -> None:
    for age, name in enumerate(reversed(names)):
        (root / name).write_text("id\n1\n", "utf-8")
        os.utime(root / name, (10**9 - age, 10**9 - age))


def book(path: Path, **sheets: str) -> None:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for name, state in sheets.items():
        sheet = workbook.create_sheet(name)
        sheet.append(["id"])
        sheet.sheet_state = state
    workbook.save(path)


def names(of: Folder) -> list[str]:
    return [table.name for table in of.tables()]


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("customers_2026", "customers"),
        ("Kunden", "customers"),
        ("Export Kundenliste 03-2026", "customers"),
        ("Verträge", "contracts"),
        ("Vertra\u0308ge", "contracts"),
        ("Kundenumfrage", "surveys"),
        ("Vertragskunden", "customers"),
        ("Käufe", "purchases"),
        ("bestellungen", "purchases"),
        ("Firmen", "accounts"),
        ("Kundenkonten", "accounts"),
        ("Nutzung", "usage"),
        ("Beschwerden", "tickets"),
        ("kunden_vertraege", ""),
        ("Tabelle1", ""),
        ("", ""),
    ],
)
def test_a_name_says_what_a_table_holds(name: str, holds: str) -> None:
    assert object_of(name) == holds


def test_whom_records_are_about_is_read_first_and_the_newest_file_last(tmp_path: Path) -> None:
    put(tmp_path, "usage.csv", "kunden_b.csv", "kunden_a.csv", "vertraege.tsv", "orders.csv", "firmen.CSV", "nps.txt")
    assert names(folder(tmp_path)) == [
        "firmen.CSV", "kunden_b.csv", "kunden_a.csv", "vertraege.tsv", "orders.csv", "nps.txt", "usage.csv",
    ]  # fmt: skip


def test_what_is_no_export_is_not_read(tmp_path: Path) -> None:
    put(tmp_path, ".kunden.csv", "~$kunden.xlsx", ".~lock.kunden.csv#", "kunden.csv.part", "kunden.pdf", "liesmich.txt")
    (tmp_path / "kunden.csv").mkdir()
    assert names(folder(tmp_path)) == []


def test_only_the_named_files_are_read(tmp_path: Path) -> None:
    put(tmp_path, "Kunden_a.csv", "kunden_b.csv", "vertraege.csv")
    assert names(folder(tmp_path, files=("kunden_*.csv",))) == ["Kunden_a.csv", "kunden_b.csv"]
    assert names(folder(tmp_path, files="vertraege.csv")) == ["vertraege.csv"]


def test_settings_say_what_a_name_does_not(tmp_path: Path) -> None:
    put(tmp_path, "liste.csv", "kunden_umfrage.csv", "sap.txt", "kunden_alt.csv")
    overrides = ("Liste.csv=accounts", "kunden_umfrage*=surveys", "sap=purchases", "*_alt.csv=ignore")
    found = {table.name: table.object for table in folder(tmp_path, objects=overrides).tables()}
    assert found == {"liste.csv": "accounts", "kunden_umfrage.csv": "surveys", "sap.txt": "purchases"}


@pytest.mark.parametrize("override", ["liste.csv", "=customers", "liste.csv=kunden", "liste.csv="])
def test_a_wrong_override_is_named_at_the_start(tmp_path: Path, override: str) -> None:
    with pytest.raises(ConfigError, match=r"sources.yaml: akte.settings.objects: is no name=object"):
        folder(tmp_path, objects=(override,))


def test_an_unclear_name_is_shown_and_not_guessed_at(tmp_path: Path) -> None:
    put(tmp_path, "liste.csv", "kunden_vertraege.csv")
    book(tmp_path / "mappe.xlsx", Tabelle1="visible")
    assert {table.name: table.problem for table in folder(tmp_path).tables()} == dict.fromkeys(
        ["liste.csv", "kunden_vertraege.csv", "mappe.xlsx"], UNCLEAR
    )


def test_each_sheet_that_says_what_it_holds_is_a_table(tmp_path: Path) -> None:
    book(tmp_path / "export.xlsx", Notizen="visible", Kunden="visible", Umfragen="hidden", Verträge="visible")
    tables = folder(tmp_path).tables()
    assert [(table.name, table.sheet, table.object) for table in tables] == [
        ("export.xlsx#Kunden", "Kunden", "customers"),
        ("export.xlsx#Verträge", "Verträge", "contracts"),
    ]


def test_the_first_sheet_counts_where_only_the_file_says_what_it_holds(tmp_path: Path) -> None:
    book(tmp_path / "kunden.xlsx", Stand="hidden", Tabelle1="visible", Tabelle2="visible")
    assert [(table.name, table.sheet) for table in folder(tmp_path).tables()] == [("kunden.xlsx", "Tabelle1")]


def test_a_sheet_may_be_left_out_or_named_by_the_settings(tmp_path: Path) -> None:
    book(tmp_path / "export.xlsx", Kunden="visible", Blatt="visible")
    of = folder(tmp_path, objects=("export.xlsx#kunden=ignore", "Blatt=usage"))
    assert [(table.name, table.object) for table in of.tables()] == [("export.xlsx#Blatt", "usage")]
    assert names(folder(tmp_path, objects=("export.xlsx=ignore",))) == []


@pytest.mark.parametrize(
    ("content", "problem", "cut"),
    [
        (b"PK\x03\x04 and then nothing", "is not a whole workbook", True),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old",
            "is protected by a password or in the old .xls form; save it as .xlsx",
            False,
        ),
    ],
)
def test_a_workbook_that_cannot_be_opened_is_a_table_that_says_why(
    tmp_path: Path, content: bytes, problem: str, cut: bool
) -> None:
    (tmp_path / "kunden.xlsx").write_bytes(content)
    (table,) = folder(tmp_path).tables()
    assert (table.name, table.object, table.problem, table.cut) == ("kunden.xlsx", "customers", problem, cut)


def test_a_workbook_that_is_locked_is_a_table_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book(tmp_path / "kunden.xlsx", Kunden="visible")

    def locked(path: Path) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("adapters.spreadsheet.folder.sheet_names", locked)
    (table,) = folder(tmp_path).tables()
    assert (table.name, table.problem, table.cut) == ("kunden.xlsx", "cannot be opened: Permission denied", True)


def test_no_name_and_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    put(outside, "kunden.csv")
    put(inside, "kunden_da.csv")
    (inside / "kunden_weg.csv").symlink_to(outside / "kunden.csv")
    (inside / "kunden_kreis.csv").symlink_to(inside / "kunden_kreis.csv")
    (inside / "kunden_hier.csv").symlink_to(inside / "kunden_da.csv")
    of = folder(inside)
    assert sorted(names(of)) == ["kunden_da.csv", "kunden_hier.csv"]
    for name in (
        "../out/kunden.csv",
        "kunden\0.csv",
        str(outside / "kunden.csv"),
        "kunden_weg.csv",
        "..",
        "",
        "x/../kunden_da.csv",
    ):
        assert of.table(name) is None
    assert of.table("kunden_da.csv#Tabelle1") is None


def test_names_may_have_the_mark_that_parts_file_and_sheet(tmp_path: Path) -> None:
    put(tmp_path, "kunden#1.csv")
    book(tmp_path / "a#b.xlsx", **{"Kunden #2": "visible"})
    of = folder(tmp_path)
    assert sorted(names(of)) == ["a#b.xlsx#Kunden #2", "kunden#1.csv"]
    assert [table.name for name in names(of) if (table := of.table(name))] == names(of)


def test_a_file_whose_name_is_no_text_is_left_alone(tmp_path: Path) -> None:
    put(tmp_path, "kunden.csv")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/kunden_M\xfcller.csv")).write_bytes(b"id\n1\n")
    assert names(folder(tmp_path)) == ["kunden.csv"]


def test_a_folder_that_is_not_there_is_asked_again(tmp_path: Path) -> None:
    of = folder(tmp_path / "unmounted")
    with pytest.raises(VendorRetryable, match="cannot be listed: No such file"):
        of.tables()
    with pytest.raises(VendorRetryable, match="cannot be listed"):
        of.table("kunden.csv")


def test_the_fingerprint_tells_every_change(tmp_path: Path) -> None:
    path = tmp_path / "kunden.csv"
    put(tmp_path, "kunden.csv")
    first = fingerprint(path, "x")
    assert fingerprint(path, "x") == first
    assert fingerprint(path, "y") != first
    path.write_text("id\n2\n", "utf-8")
    os.utime(path, (10**9, 10**9))
    assert fingerprint(path, "x") != first
