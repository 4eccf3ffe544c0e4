"""Paths are written in one way, and what cannot be one is refused with the position."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.adapter.paths import MISSING, Each, Unreadable, Where, kind, parse, scalar_text, walk, write


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a.b c.d-e", ("a", "b c", "d-e")),
        ("tags[*]", ("tags", Each())),
        ("a[*][*].b", ("a", Each(), Each(), "b")),
        ("f[id=12].value", ("f", Where(("id",), "12"), "value")),
        ("f[a.b=x y]", ("f", Where(("a", "b"), "x y"))),
        ('"Kd.-Nr.".x', ("Kd.-Nr.", "x")),
        ('f["a.b"="]="].c', ("f", Where(("a.b",), "]="), "c")),
        ("f[id=]", ("f", Where(("id",), ""))),
    ],
)
def test_a_path_is_its_steps(text: str, path: tuple[object, ...]) -> None:
    assert parse(text) == path
    assert parse(write(parse(text))) == path


@pytest.mark.parametrize(
    "text", ["", ".", ".a", "a.", "a..b", "[*]", "[a=1]", "a[", "a[]", "a[1]", "a]b", "a[b.=1]", 'a"b']
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a path"):
        parse(text)


names = st.text(min_size=1, max_size=5).filter(lambda name: '"' not in name)
paths = st.tuples(names, st.lists(names | st.just(Each()) | st.builds(Where, st.tuples(names), names), max_size=4))


@given(paths)
def test_every_path_can_be_written_and_read(path: tuple[str, list[str | Each | Where]]) -> None:
    steps = (path[0], *path[1])
    assert parse(write(steps)) == steps


@pytest.mark.parametrize("value", [{}, {"a": {}}, {"a": None}, {"a": {"b": None}}, {"a": []}])
def test_what_is_not_there_is_null_or_missing(value: object) -> None:
    assert not walk(value, ("a", "b"))
    assert walk({}, ("a",)) is MISSING
    assert walk({"a": None}, ("a", "b")) is None
    assert repr(MISSING) == "MISSING"


def test_an_error_tells_the_kind_and_not_the_value() -> None:
    kinds: list[tuple[object, str]] = [(1, "a number"), (True, "a boolean"), ("geheim", "text"), ([1], "a list")]
    for value, word in [*kinds, (b"", "something else")]:
        with pytest.raises(Unreadable, match=f"^found {word} where an object belongs$"):
            walk({"a": value}, ("a", "b"))
    assert kind(None) == "null"


def test_plain_values_are_compared_as_text() -> None:
    words: list[object] = [" a ", True, False, 1, 1.0, 1.5]
    assert [scalar_text(word) for word in words] == ["a", "true", "false", "1", "1", "1.5"]
    others: list[object] = [None, [], {}, 1 << 300]
    assert [scalar_text(other) for other in others] == [None] * 4
