"""What the tests of every room share: a store on both engines, the folder of recordings, fast tests first."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest
import structlog
from hypothesis import HealthCheck, settings

from bridge.store import Store, open_store
from bridge.store.sqlite import migrate
from bridge.store.statements import migrations
from tests import embedded_postgres

_FOLDER = "BRIDGE_TEST_POSTGRES"
"""Names the folder of the run's server to the worker processes of pytest-xdist."""
_MIGRATED = "migrated"

settings.register_profile(
    "any machine",  # how long an example takes says more about the machine than about what is tested
    settings(deadline=None, suppress_health_check=(HealthCheck.too_slow,)),
)
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-screenshots", action="store_true", help="take the pictures in docs/screenshots anew")


def pytest_configure(config: pytest.Config) -> None:
    *processors, _ = structlog.get_config()["processors"]
    # The default one draws every local variable of a traceback: where a desk is among them, that takes a minute.
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*processors, plain])
    if not hasattr(config, "workerinput"):
        os.environ[_FOLDER] = str(embedded_postgres.make_folder())


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        embedded_postgres.stop(Path(os.environ.pop(_FOLDER)))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Fast ones first: what needs nothing, then what needs a store, what starts processes, and what opens a browser.

    Where several share the work, what starts processes comes before all: one test of it can take a minute, and nobody
    should be left alone with it at the end. Browsers stay last, for their bridge runs in this process until it ends.
    """
    shared = hasattr(config, "workerinput")

    def turn(item: pytest.Item) -> int:
        if item.get_closest_marker("browser"):
            return 3
        if item.get_closest_marker("e2e") or "e2e" in item.path.parts:
            return -1 if shared else 2
        return int("database_url" in getattr(item, "fixturenames", ()))

    items.sort(key=turn)


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
def postgres_database(postgres: Path, worker_id: str) -> str:
    """A migrated database of this process of the run: emptied after each test, which is quicker than making one."""
    name = f"{_MIGRATED}_{worker_id}"

    async def make() -> None:
        db = await asyncpg.connect(embedded_postgres.url(postgres, "postgres"))
        await db.execute(f"create database {name}")
        await db.close()
        store = await open_store(embedded_postgres.url(postgres, name))
        await store.close()

    with ThreadPoolExecutor(1) as aside:  # a session fixture has no event loop of its own, and must not take the tests'
        aside.submit(asyncio.run, make()).result()
    return embedded_postgres.url(postgres, name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file without rows, to copy: making its tables takes longer than most tests."""
    path = tmp_path_factory.mktemp(_MIGRATED) / "bridge.db"
    migrate(path)
    return path


@pytest.fixture(params=["sqlite", "postgres"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty, migrated database of one engine, for this test alone."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "bridge.db")
        yield f"sqlite:///{tmp_path / 'bridge.db'}"
        return
    url: str = request.getfixturevalue("postgres_database")
    yield url
    await _empty(url)


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


async def _empty(url: str) -> None:
    """Make the database what it was after its migration: nobody is connected, there are no rows, counters begin."""
    db = await asyncpg.connect(url)
    try:
        await db.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        tables = await db.fetch(
            "select oid::regclass::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
            " and relname <> 'meta' and pg_relation_size(oid) > 0"
        )
        if tables:
            await db.execute(f"truncate {', '.join(row[0] for row in tables)} restart identity")
        await db.execute("delete from meta where name <> 'schema'")
        await db.execute("update meta set value = $1", str(migrations("postgres")[-1][0]))
    finally:
        await db.close()
