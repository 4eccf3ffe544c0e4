"""YAML that nobody wrote by hand is refused at once, and errors name the line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.adapter.yamlfile import read_yaml
from bridge.adapter.yamlplaces import DEEPEST, LARGEST, line_of, with_lines
from bridge.errors import ConfigError

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} [{', '.join(['*' + chr(97 + level)] * 10)}]\n" for level in range(9)
)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (LAUGHS, "stands for more than"),
        ("a: &a [*a]\n", "stands within what it refers to"),
        ("a: &a {b: {c: *a}}\n", "stands within what it refers to"),
        ("[" * 200_000, "nested more than"),
        ("{a: " * 200_000, "nested more than"),
        ("- " * 200_000, "nested more than"),
        ("a: " + "x" * 10_000_000, "is larger than"),
        ("x\n" * 5_000_000, "is larger than"),
        ("a: *nobody\n", "is not YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "is not YAML"),
    ],
    ids=["laughs", "loop", "deep loop", "lists", "maps", "dashes", "10 MB", "many lines", "alias", "object"],
)
def test_what_is_read_without_end_is_refused_in_no_time(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(text, "utf-8")
    began = time.perf_counter()
    with pytest.raises(ConfigError, match=what) as caught:
        read_yaml(path)
    assert time.perf_counter() - began < 5
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 1_000


def test_an_anchor_that_is_used_as_people_do_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text("a: &text hello\nb: *text\nc: &map {x: 1}\nd: {<<: *map, y: 2}\n", "utf-8")
    assert read_yaml(path) == {"a": "hello", "b": "hello", "c": {"x": 1}, "d": {"x": 1, "y": 2}}


def test_nesting_and_length_up_to_the_limit_are_read(tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text("[" * DEEPEST + "]" * DEEPEST, "utf-8")
    assert isinstance(read_yaml(path), list)
    path.write_text("a: " + "x" * (LARGEST - 10), "utf-8")
    assert len(read_yaml(path)["a"]) == LARGEST - 10


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("", 1),
        ("when", 2),
        ("when.any[0].signal", 4),
        ("when.any[1].risk.band.at_least", 7),
        ("when.any[1].risk.band", 6),
        ("when.any[9]", 3),
        ("line.de[1]", 10),
        ("line.fr", 8),
        ("nowhere", 1),
    ],
)
def test_the_line_is_that_of_the_place_or_of_what_is_nearest_around_it(tmp_path: Path, place: str, line: int) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(
        "id: x\nwhen:\n  any:\n    - signal: left\n    -\n      risk.band:\n        at_least: high\n"
        "line:\n  de: [a,\n       b]\n",
        "utf-8",
    )
    assert line_of(path, place) == line


def test_errors_get_their_line_once_and_others_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("a: 1\nb: 2\n", "utf-8")
    for where, said in (
        (f"{path}: b", f"{path}, line 2: b: no"),
        (str(path), f"{path}, line 1: no"),
        (f"{path}, line 7", f"{path}, line 7: no"),
        ("elsewhere: b", "elsewhere: b: no"),
    ):
        with pytest.raises(ConfigError) as caught, with_lines(path):
            raise ConfigError(where, "no")
        assert str(caught.value) == said
    for text in ("", "a: [", "[" * 100_000):
        path.write_text(text, "utf-8")
        assert line_of(path, "a") in (None, 1)
    assert line_of(tmp_path / "missing.yaml", "a") is None


@given(st.text(max_size=60))
def test_any_place_in_any_file_has_a_line_or_none(place: str) -> None:
    path = Path(__file__).resolve().parents[2] / "config" / "playbooks" / "default.yaml"
    found = line_of(path, place)
    assert found is not None
    assert 1 <= found <= len(path.read_text("utf-8").splitlines())
