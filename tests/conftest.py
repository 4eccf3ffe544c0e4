"""What the tests of every room share: a store on both engines, the folder of recordings, fast tests first."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from bridge.store import Store, open_store
from tests import embedded_postgres

_FOLDER = "BRIDGE_TEST_POSTGRES"
"""Names the folder of the run's server to the worker processes of pytest-xdist."""
_TEMPLATE = "migrated"

settings.register_profile(
    "any machine",  # how long an example takes says more about the machine than about what is tested
    settings(deadline=None, suppress_health_check=(HealthCheck.too_slow,)),
)
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-screenshots", action="store_true", help="take the pictures in docs/screenshots anew")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[_FOLDER] = str(embedded_postgres.make_folder())


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        embedded_postgres.stop(Path(os.environ.pop(_FOLDER)))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast ones first: what needs nothing, then what needs a store, then what starts processes."""

    def cost(item: pytest.Item) -> tuple[bool, bool]:
        starts_processes = any(item.get_closest_marker(name) for name in ("e2e", "browser")) or "e2e" in item.path.parts
        return starts_processes, "database_url" in getattr(item, "fixturenames", ())

    items.sort(key=cost)


@pytest.fixture(scope="session")
def postgres() -> Path:
    """The folder of a running PostgreSQL; skips where there is none to be had, and fails in CI."""
    folder = Path(os.environ[_FOLDER])
    try:
        embedded_postgres.start(folder)
    except embedded_postgres.Unavailable as problem:
        if os.environ.get("CI"):
            pytest.fail(str(problem))
        pytest.skip(str(problem))
    return folder


@pytest.fixture(scope="session")
def postgres_template(postgres: Path, worker_id: str) -> str:
    """A migrated database without rows, to copy: each test gets its own in milliseconds."""
    name = f"{_TEMPLATE}_{worker_id}"

    async def make() -> None:
        await _administer(postgres, f"create database {name}")
        store = await open_store(embedded_postgres.url(postgres, name))
        await store.close()

    with ThreadPoolExecutor(1) as aside:  # a session fixture has no event loop of its own, and must not take the tests'
        aside.submit(asyncio.run, make()).result()
    return name


@pytest.fixture(params=["sqlite", "postgres"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty, migrated database of one engine, for this test alone."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bridge.db'}"
        return
    folder: Path = request.getfixturevalue("postgres")
    template: str = request.getfixturevalue("postgres_template")
    name = f"test_{uuid4().hex}"
    await _administer(folder, f"create database {name} template {template} strategy file_copy")
    yield embedded_postgres.url(folder, name)
    await _administer(folder, f"drop database {name} with (force)")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An empty store of each engine."""
    opened = await open_store(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def shared() -> Path:
    """The folder of vendors' recordings and public data sets beside the checkout; skips where there is none."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder.name} with recordings beside the checkout")
    return folder


async def _administer(folder: Path, statement: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(embedded_postgres.url(folder, "postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
