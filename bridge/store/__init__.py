"""The store: one database, SQLite or PostgreSQL, behind one interface."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.errors import ConfigError
from bridge.store.base import Guard, Row, Step, Store, Unit, find_answer, instant, micros
from bridge.store.sqlite import SqliteStore, migrate

__all__ = ["Guard", "Row", "Step", "Store", "Unit", "find_answer", "instant", "micros", "open_store"]


async def open_store(url: str) -> Store:
    """Open (and migrate) the database at `sqlite:///path` or `postgresql://…`. Raises ConfigError with the reason."""
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        await asyncio.get_running_loop().run_in_executor(None, migrate, path)
        return SqliteStore(path)
    if url.startswith(("postgresql://", "postgres://")):
        try:
            from bridge.store.postgres import PostgresStore
        except ModuleNotFoundError:
            raise ConfigError(
                "BRIDGE_DATABASE_URL", "PostgreSQL needs the extra `postgres`: pip install 'retention-bridge[postgres]'"
            ) from None
        return await PostgresStore.open(url)
    raise ConfigError("BRIDGE_DATABASE_URL", "is neither sqlite:///path nor postgresql://…")
