"""The databases that the other tests stand on."""

from __future__ import annotations

import pytest

from bridge.store import Store


@pytest.mark.parametrize("round", [1, 2])
async def test_every_test_has_an_empty_database_of_its_own(store: Store, round: int) -> None:
    assert await store.all("sources.all") == []
    await store.change("sources.register", name="crm", adapter="spreadsheet", at=round, live_since=None)
    assert len(await store.all("sources.all")) == 1
