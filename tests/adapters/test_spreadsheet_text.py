"""CSV as people and programs write it: encodings, dialects, damage, and the physical lines of rows."""

from __future__ import annotations

import csv
import io
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.spreadsheet.form import codec, examine
from adapters.spreadsheet.headers import canonical
from adapters.spreadsheet.row import Row, Unusable
from adapters.spreadsheet.text import LONGEST_LINE, TextRows

COLUMNS = ("kundennummer", "name", "bemerkung", "betrag")
GERMAN = string.ascii_letters + string.digits + " äöüÄÖÜß€,;.'\"\n-_/|#é"


def read(content: bytes, encoding: str = "", delimiter: str = "") -> list[Row]:
    file = io.BytesIO(content)
    return list(TextRows(file, examine(file, encoding, delimiter)))


def good(content: bytes) -> list[tuple[int, dict[str, str]]]:
    rows = read(content)
    assert [row.problem for row in rows if row.problem] == []
    return [(row.line, row.fields) for row in rows]


tables = st.lists(
    st.fixed_dictionaries(
        {"kundennummer": st.integers(1, 10**9).map(str)},
        optional={name: st.text(GERMAN, max_size=30).map(str.strip) for name in COLUMNS[1:]},
    ).map(lambda row: {name: value for name, value in row.items() if value}),
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(
    rows=tables,
    delimiter=st.sampled_from(";,\t"),
    encoding=st.sampled_from(["cp1252", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    end=st.sampled_from(["\r\n", "\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_program_wrote_is_read_back(
    rows: list[dict[str, str]], delimiter: str, encoding: str, end: str, quoting: int
) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type] # typeshed wants a Literal
    writer.writeheader()
    writer.writerows(rows)
    written = text.getvalue()
    found = read(written.encode(encoding))
    assert [row.problem for row in found] == [""] * len(rows)
    assert [row.fields for row in found] == rows
    starts = [written.split("\n")[row.line - 1] for row in found]
    assert all(row["kundennummer"] in start for row, start in zip(rows, starts, strict=True))


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le"])
def test_umlauts_and_the_euro_sign_survive_every_encoding(encoding: str) -> None:
    content = "Kundennummer;Name;Betrag\r\n1;Jürgen Groß;1.234,56 €\r\n".encode(encoding)
    assert good(content) == [(2, {"kundennummer": "1", "name": "Jürgen Groß", "betrag": "1.234,56 €"})]


def test_an_umlaut_late_in_a_large_file_still_tells_the_encoding() -> None:
    head, plain = b"Kundennummer;Name\n", b"1;Anna Ohm\n" * 20_000
    last = read(head + plain + "2;Jürgen\n".encode("cp1252"))[-1]
    assert last.fields["name"] == "Jürgen"
    last = read(head + plain + "2;Jürgen\n".encode())[-1]
    assert last.fields["name"] == "Jürgen"


def test_a_stray_byte_in_utf8_costs_its_own_row_only() -> None:
    content = "Kundennummer;Name\n1;Jürgen\n".encode() + b"2;M\xfcller\n" + "3;Zoë Straßer\n".encode()
    first, second, third = read(content)
    assert first.fields["name"] == "Jürgen"
    assert (second.line, second.problem) == (3, "holds bytes that are not utf-8")
    assert third == Row(4, {"kundennummer": "3", "name": "Zoë Straßer"})


def test_bytes_that_windows_1252_does_not_have_are_a_problem_of_their_row() -> None:
    rows = read("Kundennummer;Name\n1;Müller\n".encode("cp1252") + b"2;x\x81\x8d\n")
    assert [row.problem for row in rows] == ["", "holds bytes that are not cp1252"]


def test_zero_bytes_are_a_problem_of_their_row_and_are_not_kept() -> None:
    rows = read(b"Kundennummer;Name\n1;Anna\n2;B\0\0\n3;Carla\n")
    assert [(row.line, bool(row.problem)) for row in rows] == [(2, False), (3, True), (4, False)]
    assert "\0" not in str(rows)


def test_an_encoding_that_is_given_is_believed() -> None:
    content = "Kundennummer;Name\n1;Jürgen\n".encode("cp850")
    assert read(content, encoding=codec("CP850"))[0].fields["name"] == "Jürgen"


@pytest.mark.parametrize("name", ["klingon", "cp500", "utf-32", "base64"])
def test_an_encoding_no_csv_can_have_is_refused(name: str) -> None:
    with pytest.raises(LookupError):
        codec(name)


@pytest.mark.parametrize(
    ("name", "meant"), [("Windows-1252", "cp1252"), ("UTF-8-SIG", "utf-8"), ("utf-16", "utf-16-le")]
)
def test_encodings_may_be_named_as_people_do(name: str, meant: str) -> None:
    assert codec(name) == meant


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("Kundennummer;Name;Betrag\n1;Müller, Hans;1.234,56\n2;Ohm, Anna;2,50\n", ";"),
        ('id,name,note\n1,Anna,"a;b;c"\n2,Bernd,"d;e"\n', ","),
        ("Kundennummer\tName\n1\tMüller; Söhne, Co\n", "\t"),
        ('"Name, Vorname";Kundennummer\n"Müller, Hans";5\n', ";"),
        ("Kundennummer\n5\n6\n", ";"),
        ("sep=|\nKundennummer|Name\n5|Anna\n", "|"),
        ("SEP=;\r\nKundennummer;Name\r\n5;Anna\r\n", ";"),
    ],
)
def test_the_delimiter_is_found_out(content: str, delimiter: str) -> None:
    assert examine(io.BytesIO(content.encode())).delimiter == delimiter
    assert all("kundennummer" in fields or "id" in fields for _, fields in good(content.encode()))


def test_a_delimiter_that_is_given_is_believed() -> None:
    assert read(b"id|name\n1|Anna\n", delimiter="|") == [Row(2, {"id": "1", "name": "Anna"})]


def test_the_delimiter_of_a_file_larger_than_the_sample_is_found_out() -> None:
    text = "id,name\n" + "".join(f"{number},{'x' * 2000}\n" for number in range(60))
    assert len(read(text.encode())) == 60


def test_a_cell_of_several_lines_is_one_row_and_lines_are_counted_as_an_editor_does() -> None:
    content = b'Kundennummer;Notiz\r\n1;"eins\r\nzwei\r\n\r\nvier"\r\n\r\n2;x\r\n;\r\n3;"a\nb"\r\n4;'
    assert [(row.line, row.fields["kundennummer"]) for row in read(content)] == [
        (2, "1"),
        (7, "2"),
        (9, "3"),
        (11, "4"),
    ]
    assert read(content)[0].fields["notiz"] == "eins\r\nzwei\r\n\r\nvier"


def test_lone_carriage_returns_end_lines_too() -> None:
    assert good(b"Kundennummer;Name\r1;Anna\r2;Bernd\r") == [
        (2, {"kundennummer": "1", "name": "Anna"}),
        (3, {"kundennummer": "2", "name": "Bernd"}),
    ]


def test_a_short_row_has_empty_cells_and_a_long_one_may_end_in_empty_cells() -> None:
    assert good(b"id;name;note\n1\n2;Bernd;;;  ;\n") == [(2, {"id": "1"}), (3, {"id": "2", "name": "Bernd"})]


def test_a_value_beyond_the_named_columns_is_a_problem() -> None:
    (row,) = read(b"id;name;;\n1;Anna;;x\n")
    assert row == Row(2, {"cells": ["1", "Anna", "", "x"]}, "has a value in column D, but only 2 columns are named")


def test_what_excel_writes_where_a_formula_fails_says_nothing() -> None:
    assert good(b'id;name;betrag\n1;#NV;#BEZUG!\n2;#WERT!;"#DIV/0!"\n#NV;;\n3;# 7;#1\n') == [
        (2, {"id": "1"}),
        (3, {"id": "2"}),
        (5, {"id": "3", "name": "# 7", "betrag": "#1"}),
    ]


def test_quotation_marks_within_a_cell_are_taken_as_they_are() -> None:
    assert good(b'id;name;note\n1;Doris "Dodo" Hain;x\n2;"Hain" GmbH;y\n') == [
        (2, {"id": "1", "name": 'Doris "Dodo" Hain', "note": "x"}),
        (3, {"id": "2", "name": "Hain GmbH", "note": "y"}),
    ]


@pytest.mark.parametrize("closed_later", [b"", b'4;"Dora"\n', b'4;Dora "Do" Hain\n'])
def test_a_mark_that_is_never_closed_costs_its_own_line_only(closed_later: bytes) -> None:
    rows = read(b'id;name\n1;Anna\n2;"Bernd\n3;Carla\n' + closed_later + b"5;Emil\n")
    bad = [(row.line, row.problem) for row in rows if row.problem]
    assert bad == [(3, "has quotation marks that do not pair up")]
    assert rows[1].fields == {"cells": ['2;"Bernd']}
    assert [row.fields["id"] for row in rows if not row.problem] == ["1", "3", *(["4"] if closed_later else []), "5"]


def test_a_mark_that_swallows_more_than_a_cell_can_hold_costs_its_own_line_only() -> None:
    rows = read(b'id;name\n1;"Anna\n' + b"2;Bernd\n" * 30_000)
    assert [row.line for row in rows if row.problem] == [2]
    assert len(rows) == 30_001


def test_a_mark_in_the_last_line_that_is_not_closed_costs_that_line_only() -> None:
    rows = read(b'id;name\n1;Anna\n2;"Bernd')
    assert [(row.line, bool(row.problem)) for row in rows] == [(2, False), (3, True)]


def test_a_cell_larger_than_any_cell_is_a_problem_of_its_row() -> None:
    rows = read(b"id;name\n1;" + b"x" * 200_000 + b"\n2;Bernd\n")
    assert [bool(row.problem) for row in rows] == [True, False]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_line_without_end_is_passed_over_in_flat_memory(encoding: str) -> None:
    content = ("id;name\n1;" + "x" * (3 * LONGEST_LINE) + "\n2;Bernd\n").encode(encoding)
    rows = read(content)
    assert rows[0].problem == f"is a line of more than {LONGEST_LINE} bytes"
    assert sum(len(cell) for cell in rows[0].fields["cells"]) <= 4000
    assert rows[-1] == Row(3, {"id": "2", "name": "Bernd"})
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            b"id;name;Name \n1;a;b\n",
            "columns B and C have the same name in the first row; rename or delete one of them",
        ),
        (b";name\n1;a\n", "column A has no name in the first row; name or delete it"),
        (b"id;%;name\n1;a\n", "column B has no name in the first row; name or delete it"),
        (b"\n;;\n", "has no row"),
        (b'id;"name\n', "the first row has quotation marks that do not pair up"),
        (b"i\0d;name\n", "the first row holds zero bytes: the file was damaged"),
        (b"---;***\n1;2\n", "the first row names no column"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused_without_quoting_it(content: bytes, reason: str) -> None:
    with pytest.raises(Unusable) as refusal:
        read(content)
    assert str(refusal.value) == reason


def test_columns_beyond_z_are_named_as_spreadsheets_do() -> None:
    header = ";".join(f"c{number}" for number in range(700)) + ";;x"
    with pytest.raises(Unusable, match="column ZY has no name"):
        read(header.encode() + b"\n1\n")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Kunden-Nr.", "kunden_nr"),
        ("\ufeffKUNDEN  NR ", "kunden_nr"),
        ("KundenNr", "kunden_nr"),
        ("CustomerID", "customer_id"),
        ("Straße/Hausnr.", "strasse_hausnr"),
        ("Ku\u0308ndigung bis", "kuendigung_bis"),
        ("MÜLLER", "mueller"),
        ("Monatsbetrag (€)", "monatsbetrag"),
        ("a.b[c]", "a_b_c"),
        ("Prénom", "prenom"),
        ("Имя", "имя"),
        ("%", ""),
    ],
)
def test_headers_have_one_canonical_form(written: str, name: str) -> None:
    assert canonical(written) == name


@given(st.text(max_size=40))
def test_the_canonical_form_is_its_own_and_can_be_a_path(written: str) -> None:
    name = canonical(written)
    assert canonical(name) == name
    assert not set(name) & set('.[]"= \n')


@settings(max_examples=60, deadline=None)
@given(rows=tables, stop=st.integers(0, 30), encoding=st.sampled_from(["cp1252", "utf-8-sig", "utf-16"]))
def test_reading_goes_on_at_any_row(rows: list[dict[str, str]], stop: int, encoding: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue().encode(encoding)
    form = examine(io.BytesIO(content))
    whole = list(TextRows(io.BytesIO(content), form))
    first = TextRows(io.BytesIO(content), form)
    before = [row for row, _ in zip(first, range(stop), strict=False)] if stop else []
    second = TextRows(io.BytesIO(content), form)
    if before:
        first = TextRows(io.BytesIO(content), form)
        for _ in before:
            next(first)
        second.go_to(first.offset, first.line)
    assert before + list(second) == whole


scraps = st.lists(
    st.sampled_from(
        [b";", b'"', b"\n", b"\r\n", b"\r", b"\0", b"a", b"1,5", b"\xfc", "ü€".encode(), b"\xff\xfe", b"#NV"]
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(scraps.map(b"".join), st.booleans())
def test_no_bytes_bring_the_reader_down_or_lose_their_line(scrap: bytes, header: bool) -> None:
    content = b"id;name;note\n" + scrap if header else scrap
    try:
        rows = read(content)
    except Unusable:
        return
    lines = [row.line for row in rows]
    assert lines == sorted(set(lines))
    assert all(1 < line <= max(content.count(b"\n"), content.count(b"\r")) + 1 for line in lines)
    assert "\0" not in str([row.fields for row in rows])


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    peaks = []
    for count in (2_000, 40_000):
        path = tmp_path / f"{count}.csv"
        path.write_bytes(b"id;name;note\n" + b"4711;Anna Ohm;ruft montags an\n" * count)
        tracemalloc.start()
        with path.open("rb") as file:
            assert sum(1 for _ in TextRows(file, examine(file))) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 3_000_000


def test_letters_whose_bytes_look_like_a_line_end_do_not_end_a_line() -> None:
    """U+0A05 and U+0100 are 05 0A 00 01 in UTF-16: the line feed 0A 00 in their middle is none."""
    assert good("id;name\n1;\u0a05\u0100 x\n".encode("utf-16-le")) == [(2, {"id": "1", "name": "\u0a05\u0100 x"})]
