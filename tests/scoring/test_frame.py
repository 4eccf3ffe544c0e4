"""What a table of customers is taken for, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.errors import BadRequest
from bridge.scoring.fit.frame import Frame, make_frame, read_frame

ROWS = 60
LABEL = ["Yes", "No", "No"] * 20


def frame(label: list[str] | None = None, **columns: list[str]) -> Frame:
    return make_frame({**columns, "gone": label or LABEL}, "gone")


def said(found: Frame) -> str:
    return "\n".join(found.notes)


NUMBERS = [str(number % 7) for number in range(ROWS)]


def test_numbers_and_categories_are_told_apart() -> None:
    found = frame(age=NUMBERS, plan=["a", "b"] * 30)
    assert [(column.name, column.numbers is None) for column in found.columns] == [("age", False), ("plan", True)]
    assert found.row(3) == {"age": 3.0, "plan": "b"}
    assert len(found) == ROWS


def test_empty_cells_are_missing() -> None:
    found = frame(age=["", "NA", " ", *NUMBERS[3:]], plan=["?", "a", "b"] * 20)
    assert found.row(0) == {"age": None, "plan": None}
    assert found.row(2)["age"] is None


@pytest.mark.parametrize(
    ("written", "number"), [("1.234,5", 1234.5), ("12,5", 12.5), ("1,234", 1234.0), ("35 %", 35.0), ("€ 9.99", 9.99)]
)
def test_numbers_are_read_as_people_write_them(written: str, number: float) -> None:
    assert frame(amount=[written, *NUMBERS[1:]]).row(0)["amount"] == number


def test_a_few_words_among_numbers_count_as_missing_and_are_named() -> None:
    found = frame(age=["unknown", *NUMBERS[1:]])
    assert found.row(0)["age"] is None
    assert "'unknown' (1 rows) counts as missing" in said(found)


def test_what_says_nothing_is_left_out_and_said() -> None:
    found = frame(
        age=NUMBERS,
        same=["x"] * ROWS,
        empty=[""] * ROWS,
        customer_id=[str(90_000 + 7 * number) for number in range(ROWS)],
        CustomerID=[str(40_000 + 9 * number) for number in range(ROWS)],
        mail=[f"c{number}@example.org" for number in range(ROWS)],
    )
    assert [column.name for column in found.columns] == ["age"]
    for text in ("same was left out: it is the same", "empty was left out: it is empty", "customer_id was left out"):
        assert text in said(found)
    assert "CustomerID was left out: it numbers the rows" in said(found)
    assert "mail was left out: nearly every row has a value of its own" in said(found)


def test_an_amount_that_differs_in_every_row_is_no_identifier() -> None:
    found = frame(salary=[str(1000.5 + number) for number in range(ROWS)], income=[str(7 * n) for n in range(ROWS)])
    assert [column.name for column in found.columns] == ["salary", "income"]


def test_a_running_number_is_left_out_whatever_it_is_called() -> None:
    count = 1_200
    found = make_frame(
        {
            "zeile": [str(number) for number in range(count)],
            "age": [str(number % 50) for number in range(count)],
            "gone": ["1", "0", "0"] * (count // 3),
        },
        "gone",
    )
    assert [column.name for column in found.columns] == ["age"]


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (("Yes", "No"), "Yes"),
        (("1", "0"), "1"),
        (("True.", "False."), "True."),
        (("Attrited Customer", "Existing Customer"), "Attrited Customer"),
        (("Churned", "somebody"), "Churned"),
        (("departed", "Stayed"), "departed"),
        (("churner", "not a churner"), "churner"),
        (("ja", "nein"), "ja"),
        (("1", "-1"), "1"),
    ],
)
def test_the_word_for_leaving_is_known_however_often_it_occurs(words: tuple[str, str], left: str) -> None:
    for share in (20, 40):
        found = frame([words[0]] * share + [words[1]] * (ROWS - share), age=NUMBERS)
        assert found.left.sum() == share
        assert f"gone = {left!r} counts as left: {share} of 60" in said(found)


def test_of_two_words_that_nobody_knows_the_rarer_one_counts_and_that_is_said() -> None:
    found = frame(["red"] * 20 + ["blue"] * 40, age=NUMBERS)
    assert found.left.sum() == 20
    assert "'red' counts as left (the rarer of two words that are not known)" in said(found)


def test_rows_without_a_label_are_left_out() -> None:
    found = frame(["", "Yes", "No"] * 20, age=NUMBERS)
    assert len(found) == 40
    assert found.row(0) == {"age": 1.0}
    assert "20 rows without gone were left out" in said(found)


@pytest.mark.parametrize(
    ("label", "what"),
    [
        (["a", "b", "c"] * 20, "has 3 values ('a', 'b', 'c'); it needs two"),
        ([str(number) for number in range(ROWS)], "has 60 values"),
        (["a"] * ROWS, "has only 'a'"),
        ([""] * ROWS, "has only nothing"),
        (["Yes"] * 19 + ["No"] * 41, "19 rows have gone = 'Yes'; fewer than 20 say nothing"),
    ],
)
def test_a_label_that_cannot_be_learnt_is_refused(label: list[str], what: str) -> None:
    with pytest.raises(BadRequest) as refused:
        frame(label, age=NUMBERS)
    assert what in str(refused.value)


def test_a_table_of_nothing_but_its_label_is_refused() -> None:
    with pytest.raises(BadRequest, match="no column is left to learn from: .*the same in every row"):
        frame(same=["1"] * ROWS)


def test_a_column_that_gives_the_answer_away_is_named() -> None:
    found = frame(age=NUMBERS, refund=["paid" if word == "Yes" else "none of it" for word in LABEL])
    assert "refund alone nearly gives gone away (AUC 1.000)" in said(found)
    assert "age alone" not in said(found)
    numbers = frame(closed=["1" if word == "Yes" else "0" for word in LABEL])
    assert "closed alone nearly gives gone away" in said(numbers)


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_delimiter_will_do(tmp_path: Path, delimiter: str) -> None:
    lines = [delimiter.join(["age", "gone"])] + [delimiter.join(pair) for pair in zip(NUMBERS, LABEL, strict=True)]
    found = read_frame(write(tmp_path / "t.csv", "\n".join(lines)), "gone")
    assert np.array_equal(found.left, [1, 0, 0] * 20)
    assert found.row(4) == {"age": 4.0}


def test_files_of_older_windows_and_odd_lines_are_read_and_said(tmp_path: Path) -> None:
    lines = [f"{age},{'Köln' if age > '3' else 'Bonn'},{gone}" for age, gone in zip(NUMBERS, LABEL, strict=True)]
    found = read_frame(write(tmp_path / "t.csv", "\r\n".join(["age,city,gone", *lines, "1,2"]), "cp1252"), "gone")
    assert found.row(6) == {"age": 6.0, "city": "Köln"}
    assert "read as Windows-1252" in said(found)
    assert "1 rows have not the 3 columns" in said(found)


def test_a_column_of_row_numbers_without_a_name_does_no_harm(tmp_path: Path) -> None:
    lines = [f"{n},{age},{gone}" for n, (age, gone) in enumerate(zip(NUMBERS, LABEL, strict=True))]
    found = read_frame(write(tmp_path / "t.csv", "\n".join([",age,gone", *lines])), "gone")
    assert "age" in {column.name for column in found.columns}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("age,gone", "has no rows below its header"),
        ("age,age,gone\n1,2,Yes", "there are two columns 'age'"),
        ("age,gone\n1,Yes\n1\n2\n3", "3 rows have not the 2 columns"),
        ("age,churn\n1,Yes", "there is no column 'gone'"),
        ("PK\0\3", "is no text; save the table as CSV"),
    ],
)
def test_a_file_that_is_no_table_is_refused_by_name(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_frame(write(tmp_path / "t.csv", text), "gone")
    assert what in str(refused.value) and "t.csv" in str(refused.value)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="none.csv: cannot be read"):
        read_frame(tmp_path / "none.csv", "gone")
