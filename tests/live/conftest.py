"""Live tests run when they are asked for by path (`make live`, `pytest tests/live`), never with all the others.

They install nothing. What they need and do not find they name: then they are skipped, and in CI they fail.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NoReturn, Protocol, TypeAlias

import httpx
import pytest

from bridge.adapter import registry
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client, open_client

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]

Missing: TypeAlias = Callable[[str], NoReturn]


class Connect(Protocol):
    """Makes the adapter `live` of a vendor, and its client, from settings."""

    def __call__(
        self, vendor: str, settings: dict[str, str], change: Callable[[httpx.URL], httpx.URL] = ...
    ) -> tuple[Adapter, Client]:
        """`change` is what happens to each URL on its way, where a test wants another page size or a wrong filter."""
        ...


class _Wire(httpx.AsyncHTTPTransport):
    """No proxy of this machine's stands between us and a server on it."""

    def __init__(self, change: Callable[[httpx.URL], httpx.URL]) -> None:
        super().__init__(trust_env=False)
        self._change = change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = self._change(request.url)
        return await super().handle_async_request(request)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "live: runs an adapter against the real system, started on this machine")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    asked = [Path(config.invocation_params.dir, one.split("::")[0]).resolve() for one in config.args]
    return None if any(one.is_relative_to(_HERE) for one in asked) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker("live")


@pytest.fixture(scope="session")
def missing() -> Missing:
    """Ends the test because of what this machine lacks, which the argument names."""

    def end(what: str) -> NoReturn:
        said = f"{what}; as root on Debian, make live installs it"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)

    return end


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Adapters and clients as the bridge makes them, over real sockets; the clients are closed afterwards."""
    clients: list[Client] = []

    def make(
        vendor: str, settings: dict[str, str], change: Callable[[httpx.URL], httpx.URL] = lambda url: url
    ) -> tuple[Adapter, Client]:
        form = {"sources": {"live": {"adapter": vendor, "settings": settings}}}
        adapter = registry.load_registry(_ROOT / "adapters", _ROOT / "mappings", form, {}).adapter("live")
        clients.append(open_client(adapter, transport=_Wire(change), timeout=30))
        return adapter, clients[-1]

    yield make
    for client in clients:
        await client.close()
