"""The model form: what a row scores, what it refuses, and that it can be read and written."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigError
from bridge.scoring.tables import Cell, Scorer, Tables, parse_tables, read_tables, write_tables

MODEL: dict[str, Any] = {
    "form": 1,
    "intercept": -1.5,
    "calibration": {"offset": 0.1, "slope": 0.8},
    "tables": [
        {"kind": "numbers", "name": "tenure", "cuts": [6.0, 24.0], "entries": [0.9, 0.1, -0.7], "missing": 0.2},
        {
            "kind": "categories",
            "name": "plan",
            "entries": {"monthly": 0.5, "yearly": -0.4},
            "missing": 0.05,
            "unseen": 0.3,
        },
    ],
    "pairs": [
        {
            "first": {"kind": "numbers", "name": "tenure", "cuts": [24.0]},
            "second": {"kind": "categories", "name": "plan", "categories": ["monthly", "yearly"]},
            "entries": [[0.0, 0.0, 0.01, 0.02], [0.0, 0.0, 0.25, -0.05], [0.0, 0.0, -0.2, 0.15]],
        }
    ],
}


def model(**changed: Any) -> Tables:
    return parse_tables(msgspec.json.encode(MODEL | changed), "model.json")


def shares(row: dict[str, Cell]) -> dict[str, float]:
    return dict(Scorer(model()).score(row).parts)


def test_a_row_scores_the_entries_it_falls_into() -> None:
    scored = Scorer(model()).score({"tenure": 3, "plan": "monthly"})
    assert dict(scored.parts) == pytest.approx({"tenure": 0.72, "plan": 0.4, "tenure × plan": 0.2})
    assert scored.base == pytest.approx(0.1 - 1.2)
    assert scored.log_odds == pytest.approx(0.1 + 0.8 * (-1.5 + 0.9 + 0.5 + 0.25), abs=1e-12)


def test_a_cut_belongs_to_what_lies_above_it() -> None:
    assert shares({"tenure": 5.999})["tenure"] == pytest.approx(0.72)
    assert shares({"tenure": 6})["tenure"] == pytest.approx(0.08)
    assert shares({"tenure": 24.0})["tenure"] == pytest.approx(-0.56)


@pytest.mark.parametrize("cell", [None, math.nan, math.inf, -math.inf, "many"])
def test_what_is_no_number_is_missing_to_a_table_of_numbers(cell: Cell) -> None:
    assert shares({"tenure": cell, "plan": "yearly"}) == pytest.approx(
        {"tenure": 0.16, "plan": -0.32, "tenure × plan": 0.016}
    )


def test_a_category_never_seen_is_not_a_missing_one() -> None:
    assert shares({"plan": "weekly"})["plan"] == pytest.approx(0.24)
    assert shares({"plan": None})["plan"] == pytest.approx(0.04)
    assert shares({})["plan"] == pytest.approx(0.04)


def test_parts_come_with_the_largest_first() -> None:
    values = [share for _, share in Scorer(model()).score({"tenure": 30, "plan": "monthly"}).parts]
    assert values == sorted(values, reverse=True)


@given(
    tenure=st.none() | st.floats() | st.integers(-100, 100) | st.booleans(),
    plan=st.none() | st.sampled_from(["monthly", "yearly", "weekly"]),
    slope=st.floats(0.1, 5),
    offset=st.floats(-5, 5),
)
def test_base_and_parts_add_up_to_the_score(tenure: Cell, plan: Cell, slope: float, offset: float) -> None:
    row = {"tenure": tenure, "plan": plan}
    scored = Scorer(model(calibration={"offset": offset, "slope": slope})).score(row)
    assert math.fsum([scored.base, *(share for _, share in scored.parts)]) == pytest.approx(scored.log_odds, abs=1e-9)
    raw = Scorer(model(calibration={})).score(row).log_odds
    assert scored.log_odds == pytest.approx(offset + slope * raw, abs=1e-9)


@pytest.mark.parametrize(("intercept", "probability"), [(-800.0, 0.0), (800.0, 1.0), (0.0, 0.5)])
def test_no_score_is_too_large_for_a_probability(intercept: float, probability: float) -> None:
    only = model(intercept=intercept, calibration={}, tables=[], pairs=[])
    assert Scorer(only).score({}).probability == probability


def test_what_is_written_is_read_again_as_the_same_model(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(write_tables(model()))
    assert read_tables(path) == model()
    assert write_tables(read_tables(path)) == path.read_bytes()


def test_a_table_takes_few_lines_so_that_a_change_is_easy_to_find() -> None:
    lines = write_tables(model()).decode().splitlines()
    assert '      "cuts": [6.0,24.0],' in lines
    assert '      "entries": [0.9,0.1,-0.7],' in lines
    assert '        "monthly": 0.5,' in lines


def broken(change: dict[str, Any], table: int | None = None) -> str:
    data: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(MODEL))
    (data if table is None else data["tables"][table]).update(change)
    with pytest.raises(ConfigError) as refused:
        parse_tables(msgspec.json.encode(data), "model.json")
    return str(refused.value)


def pair(**change: Any) -> dict[str, Any]:
    return {"pairs": [MODEL["pairs"][0] | change]}


def test_every_fault_names_file_and_path() -> None:
    assert "tables[0].entries: has 2 entries; 2 cuts need 3" in broken({"entries": [1, 2]}, 0)
    assert "tables[0].cuts[1]: is 6.0" in broken({"cuts": [6.0, 6.0]}, 0)
    assert "tables[1].name: 'tenure' has a table already" in broken({"name": "tenure"}, 1)
    assert "model.json: tables[0].kind: Invalid value 'curves'" in broken({"kind": "curves"}, 0)
    assert "model.json: form: is 2" in broken({"form": 2})
    assert "unknown field `intercpt`" in broken({"intercpt": 1.0})
    assert "model.json: calibration.slope: Expected" in broken({"calibration": {"slope": -1.0}})
    assert "pairs[0].entries: has 1 lines; its first side needs 3" in broken(pair(entries=[[1, 2, 3, 4]]))
    assert "pairs[0].entries[0]: has 1 entries; the second side needs 4" in broken(pair(entries=[[1], [2], [3]]))
    twice = {"kind": "categories", "name": "plan", "categories": ["a", "a"]}
    assert "pairs[0].second.categories: names a category twice" in broken(pair(second=twice))
    falling = {"kind": "numbers", "name": "tenure", "cuts": [3.0, 2.0]}
    assert "pairs[0].first.cuts[1]" in broken(pair(first=falling))
    assert "pairs" in broken({"pairs": MODEL["pairs"] * 11})


def test_a_feature_is_cut_alike_in_all_pairs() -> None:
    other = MODEL["pairs"][0] | {"first": {"kind": "numbers", "name": "tenure", "cuts": [9.0]}}
    assert "pairs[1].first: 'tenure' is cut differently" in broken({"pairs": [*MODEL["pairs"], other]})


def test_a_file_that_is_no_model_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        read_tables(tmp_path / "none.json")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_tables(tmp_path)
    with pytest.raises(ConfigError, match="model.json: is not JSON"):
        parse_tables(b"{", "model.json")
    with pytest.raises(ConfigError, match="model.json"):
        parse_tables(b"[]", "model.json")
