"""What commands print is as wide as each test says, whatever ran before in the same process."""

from __future__ import annotations

import pytest

from bridge.cli.desks import out


@pytest.fixture(autouse=True)
def _width_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(out, "_width", None)  # a console that was once as wide as it was told stays so
