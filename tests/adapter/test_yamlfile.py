"""Configuration files mean what people mean, and their faults are named with file, line and path."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.errors import ConfigError


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "some.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_yes_no_on_off_and_dates_stay_text(tmp_path: Path) -> None:
    text = "a: yes\nno: off\non: 2026-12-31\nb: true\nc: FALSE\nd: 12\ne: 1.5\nf: ~\n"
    assert read_yaml(written(tmp_path, text)) == {
        "a": "yes",
        "no": "off",
        "on": "2026-12-31",
        "b": True,
        "c": False,
        "d": 12,
        "e": 1.5,
        "f": None,
    }


def test_a_byte_order_mark_and_an_empty_file_do_no_harm(tmp_path: Path) -> None:
    assert read_yaml(written(tmp_path, b"\xef\xbb\xbfa: 1\n")) == {"a": 1}
    assert read_yaml(written(tmp_path, "")) is None


def test_anchors_and_merged_keys_are_understood(tmp_path: Path) -> None:
    text = "base: &base {a: 1, b: 2}\nmore: {<<: *base, b: 3}\n"
    assert read_yaml(written(tmp_path, text))["more"] == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: [1, 2\n", 3, "expected"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' is given twice"),
        ("a:\n  ? [1, 2]\n  : x\n", 2, "a key is not plain text"),
        ("a: !!python/object:os.system x\n", 1, "could not determine a constructor"),
        ("a: b: c\n", 1, "mapping values are not allowed"),
    ],
)
def test_a_fault_in_the_yaml_names_the_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigError) as problem:
        read_yaml(file)
    assert problem.value.where == f"{file}, line {line}"
    assert what in problem.value.what


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a: \x07\n"])
def test_bytes_that_are_no_text_are_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError, match=r"some\.yaml"):
        read_yaml(written(tmp_path, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path)


class Colour(StrEnum):
    red = "red"
    green = "green"


class Wheel(Struct, frozen=True, forbid_unknown_fields=True):
    size: Annotated[int, Meta(ge=1)]
    colour: Colour = Colour.red


class Car(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    wheels: Annotated[tuple[Wheel, ...], Meta(max_length=4)] = ()
    spare: Wheel | str | None = None
    fuel: Literal["petrol", "diesel"] | None = None
    parts: dict[str, Wheel | list[Wheel]] = {}
    words: list[str] | None = None


def test_what_fits_becomes_the_form() -> None:
    data = {"name": "a", "wheels": [{"size": 1, "colour": "green"}], "spare": "none", "parts": {"x": [{"size": 2}]}}
    assert check(data, Car, "car.yaml") == Car(
        name="a", wheels=(Wheel(1, Colour.green),), spare="none", parts={"x": [Wheel(2)]}
    )


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ({"wheel": []}, "car.yaml: wheel", "did you mean 'wheels'"),
        ({"zzz": 1}, "car.yaml: zzz", "known are fuel, name"),
        ({"name": None}, "car.yaml: name", "Expected `str`"),
        ({"wheels": [{"size": 1}, {"size": 0}]}, "car.yaml: wheels[1].size", ">= 1"),
        ({"wheels": [{"size": 1, "colour": "gren"}]}, "car.yaml: wheels[0].colour", "did you mean 'green'"),
        ({"wheels": [{"size": 1, "colour": 5}]}, "car.yaml: wheels[0].colour", "Expected `str`"),
        ({"wheels": [{}]}, "car.yaml: wheels[0]", "'size' is missing"),
        ({"wheels": ["x"]}, "car.yaml: wheels[0]", "is text, but names and values belong here"),
        ({"wheels": [None]}, "car.yaml: wheels[0]", "is null"),
        ({"wheels": [[]]}, "car.yaml: wheels[0]", "is a list"),
        ({"wheels": [5]}, "car.yaml: wheels[0]", "is a number"),
        ({"wheels": [{"size": 1}] * 5}, "car.yaml", "length <= 4"),
        ({"wheels": {}}, "car.yaml: wheels", "array"),
        ({"spare": {"sise": 1}}, "car.yaml: spare.sise", "did you mean 'size'"),
        ({"fuel": "deasel"}, "car.yaml: fuel", "did you mean 'diesel'"),
        ({"parts": {"x": [{"sizes": 1}]}}, "car.yaml: parts.x[0].sizes", "did you mean 'size'"),
        ({"parts": {"x": 5}}, "car.yaml: parts.x", "Expected"),
        ({"words": [1]}, "car.yaml: words[0]", "Expected `str`"),
    ],
)
def test_what_does_not_fit_is_named_with_its_path_and_what_was_meant(change: Any, where: str, what: str) -> None:
    with pytest.raises(ConfigError) as problem:
        check({"name": "a"} | change, Car, "car.yaml")
    assert problem.value.where == where
    assert what in problem.value.what
