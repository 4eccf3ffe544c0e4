"""`bridge loop`: what is open, and what happened to one."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import cli
from bridge.store import open_store
from tests.automation.mailing import TUESDAY, make_office, people, tell
from tests.desks import ticket


async def _complain(url: str, folder: Path) -> None:
    store = await open_store(url)
    try:
        desk = await make_office(store, folder)
        await tell(desk, [*people(1), ticket(9, 1, at=TUESDAY, tags=["beschwerde"])])
    finally:
        await store.close()


def test_what_is_open_is_listed_and_shown_with_its_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'bridge.db'}"
    asyncio.run(_complain(url, tmp_path))
    monkeypatch.setenv("BRIDGE_DATABASE_URL", url)
    run = CliRunner()
    listed = run.invoke(cli, ["loop", "list"]).stdout
    found = re.search(r"l_[0-9a-f]{24}", listed)
    assert found is not None, listed
    shown = run.invoke(cli, ["loop", "show", found[0]]).stdout
    assert "opened" in shown
    assert "complaint" in shown
    assert run.invoke(cli, ["loop", "list", "--owner", "nobody"]).stdout == "No loop is open.\n"
    assert run.invoke(cli, ["loop", "open-past"]).stdout == "Opened 0 loops.\n"
