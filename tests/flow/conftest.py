"""A desk over a fresh store, with a CRM of spreadsheets and a Zendesk helpdesk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.flow import Desk
from bridge.store import Store
from tests.desks import NOW, make_desk


@pytest.fixture
async def desk(store: Store, tmp_path: Path) -> AsyncIterator[Desk]:
    yield await make_desk(store, tmp_path / "exports", now=NOW)
