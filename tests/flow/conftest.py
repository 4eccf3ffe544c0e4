"""A desk over a fresh store, with a CRM of spreadsheets and a Zendesk helpdesk."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.flow import Desk
from bridge.store import Store
from tests.desks import NOW, make_desk


@pytest.fixture
async def desk(store: Store, tmp_path: Path) -> Desk:
    return await make_desk(store, tmp_path / "exports", now=NOW)
