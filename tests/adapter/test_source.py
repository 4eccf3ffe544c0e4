"""A configured source: settings that may be left out, the first day, and errors that do not repeat the value."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from bridge.adapter.source import Source
from bridge.errors import ConfigError


def source(**settings: str | tuple[str, ...]) -> Source:
    return Source(name="desk", adapter="acme", settings=dict(settings))


def test_a_setting_that_is_left_out_is_empty_and_the_first_of_several_counts() -> None:
    assert source().optional("token") == ""
    assert source(token="  abc ").optional("token") == "abc"
    assert source(token=("", "new", "old")).optional("token") == "new"


def test_the_first_day_begins_at_midnight_where_the_source_is() -> None:
    assert source().since() is None
    assert source(since=" ").since() is None
    assert source(since="2024-07-01").since() == datetime(2024, 6, 30, 22, tzinfo=timezone.utc)


@pytest.mark.parametrize("written", ["yesterday", "31.01.2024", "2024-13-01", "0001-01-01"])
def test_a_first_day_that_is_none_is_named_without_its_value(written: str) -> None:
    with pytest.raises(ConfigError) as caught:
        source(since=written).since()
    assert str(caught.value) == "sources.yaml: sources.desk.settings.since: is not a date as 2024-01-31"
