"""Reading all of a stream: it ends, brings every object, and goes on later where it stopped."""

from __future__ import annotations

import pytest

from bridge.adapter.base import Adapter, Item
from bridge.adapter.client import Client, open_client
from bridge.errors import VendorError
from bridge.model import Entry
from contract_tests.fakes import FakeVendor, Trouble
from contract_tests.fixtures import PageFixture
from contract_tests.transports import Wire
from contract_tests.vendors import MOST_PAGES, NOW, Vendor, said, stream, unused_client

_COUNTS = (0, 1, 3, 4, 7)
"""Around the page size of the fakes: none, some, exactly full pages, one more."""


def _wired(vendor: Vendor, fake: FakeVendor) -> tuple[Adapter, Client]:
    adapter = vendor.adapter()
    return adapter, open_client(adapter, transport=Wire(fake.answer))


def _ids(adapter: Adapter, items: list[Item]) -> set[str]:
    return {one.source_id for one in said(adapter, items) if isinstance(one, Entry)}


def _over_the_network(vendor: Vendor) -> None:
    if not vendor.manifest.base_url:
        pytest.skip(f"{vendor.name} asks no server")


@pytest.mark.clause("pagination", "sync")
async def test_every_object_comes_and_the_stream_ends(vendor: Vendor) -> None:
    """All objects changed in the same second, as after a bulk edit: a cursor that is only a time would lose some."""
    _over_the_network(vendor)
    for name in vendor.adapter().streams():
        for count in _COUNTS:
            fake = vendor.fake()
            made = fake.fill(name, count)
            adapter, client = _wired(vendor, fake)
            items = [item async for item in stream(adapter, client, name)]
            await client.close()
            assert _ids(adapter, items) == made, f"{name}: {count} objects"
            assert len(items) <= 2 * count, f"{name}: too many are read twice"


@pytest.mark.clause("resumption", "sync")
async def test_a_later_sync_goes_on_where_the_last_one_ended(vendor: Vendor) -> None:
    _over_the_network(vendor)
    for name in vendor.adapter().streams():
        fake = vendor.fake()
        fake.fill(name, 4)
        adapter, client = _wired(vendor, fake)
        cursor, more = "", True
        for _ in range(MOST_PAGES):
            page = await adapter.page(client, name, cursor, NOW)
            cursor, more = page.cursor, page.more
            if not more:
                break
        assert not more
        assert cursor, f"{name}: without a cursor everything would be read again and again"
        late = fake.fill(name, 1)
        items: list[Item] = []
        restarted = vendor.adapter()
        for _ in range(MOST_PAGES):
            page = await restarted.page(client, name, cursor, NOW)
            items += page.items
            cursor = page.cursor
            if not page.more:
                break
        await client.close()
        assert late <= _ids(restarted, items), f"{name}: what came later is missed"


@pytest.mark.clause("pagination_trouble", "sync")
@pytest.mark.parametrize("trouble", ["clamped", "stuck"])
async def test_a_server_that_never_says_the_end_is_left(vendor: Vendor, trouble: Trouble) -> None:
    _over_the_network(vendor)
    for name in vendor.adapter().streams():
        fake = vendor.fake()
        fake.fill(name, 7)
        fake.trouble = trouble
        adapter, client = _wired(vendor, fake)
        try:
            items = [item async for item in stream(adapter, client, name)]
        except VendorError:
            continue
        finally:
            await client.close()
        assert len(items) < MOST_PAGES, name


@pytest.mark.clause("files", "sync")
async def test_a_file_is_read_to_its_end_and_alike_from_any_cursor(vendor: Vendor) -> None:
    fixtures: list[PageFixture] = vendor.of(PageFixture)
    if not fixtures:
        pytest.skip(f"{vendor.name} reads no files")
    for fixture in fixtures:
        adapter = vendor.adapter(fixture.settings)
        client = unused_client(adapter)
        whole = [item async for item in stream(adapter, client, fixture.stream)]
        seen: list[Item] = []
        cursor = ""
        for _ in range(MOST_PAGES):
            again = vendor.adapter(fixture.settings)  # each page by a fresh process, as after a crash
            page = await again.page(client, fixture.stream, cursor, NOW)
            assert page.total is None or page.total >= len(page.items)
            seen += page.items
            cursor = page.cursor
            if not page.more:
                break
        assert [item.dedupe_key for item in seen] == [item.dedupe_key for item in whole], fixture.name
        assert all(item.place for item in whole), "an item says in which file and line it stood"


@pytest.mark.clause("unknown_stream", "sync")
async def test_a_stream_that_does_not_exist_is_refused(vendor: Vendor) -> None:
    fixture: list[PageFixture] = vendor.of(PageFixture)
    adapter = vendor.adapter(fixture[0].settings if fixture else None)
    with pytest.raises(VendorError):
        await adapter.page(unused_client(adapter), "zz_no_such_stream", "", NOW)
