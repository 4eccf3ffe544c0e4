"""The store in PostgreSQL, for several hosts: any number of gateways and workers.

Look-ups that wait at the same moment go to the server as one query on a fixed connection with a prepared statement: the
pool's reset after each query costs more than the query. Units with guards commit one after the other (an advisory
lock held for the length of the transaction), so that what a guard saw holds until the commit.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import asyncpg

from bridge.errors import ConfigError, Superseded
from bridge.store.base import Row, Step, Unit
from bridge.store.statements import Statement, migrations, statements

MIGRATION_LOCK = 7_263_001
GUARD_LOCK = 7_263_002
HOT_CONNECTIONS = 2
BATCH = 256

if TYPE_CHECKING:
    _Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

_Wanted = tuple[str, str, str | None, "asyncio.Future[Row | None]"]


class PostgresStore:
    """See `bridge.store.base.Store`."""

    engine: Literal["sqlite", "postgres"] = "postgres"

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], hot: list[_Connection], ears: _Connection) -> None:
        self._pool = pool
        self._statements = statements("postgres")
        self._hot = hot
        self._ears = ears
        self._wanted: list[_Wanted] = []
        self._free = list(hot)
        self._tasks: set[asyncio.Task[None]] = set()
        self._wakers: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._deaf: set[str] = set()

    @classmethod
    async def open(cls, url: str) -> PostgresStore:
        """Connect, migrate, and listen. Raises ConfigError when the server cannot be used."""
        opened: list[_Connection] = []
        pool: asyncpg.Pool[asyncpg.Record] | None = None
        try:
            pool = await asyncpg.create_pool(url, min_size=1, max_size=8)
            async with pool.acquire() as db:
                await _migrate(cast("_Connection", db))
            while len(opened) <= HOT_CONNECTIONS:
                opened.append(await asyncpg.connect(url))
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError, ConfigError) as problem:
            for connection in opened:
                await connection.close()
            if pool is not None:
                await pool.close()
            if isinstance(problem, ConfigError):
                raise
            raise ConfigError("BRIDGE_DATABASE_URL", f"cannot use this database: {problem}") from None
        return cls(pool, opened[1:], opened[0])

    def mark(self) -> int | None:
        return None

    async def all(self, statement: str, /, **params: Any) -> list[Row]:
        prepared = self._statements[statement]
        async with self._pool.acquire() as db:
            rows = await db.fetch(prepared.sql, *_bind(prepared, params))
        return [tuple(row) for row in rows]

    async def one(self, statement: str, /, **params: Any) -> Row | None:
        rows = await self.all(statement, **params)
        return rows[0] if rows else None

    async def change(self, statement: str, /, **params: Any) -> list[Row]:
        return await self.all(statement, **params)

    async def write(self, unit: Unit) -> float:
        started = time.perf_counter()
        async with self._pool.acquire() as db, db.transaction():
            if unit.guards:
                await db.execute("select pg_advisory_xact_lock($1)", GUARD_LOCK)
            for guard in unit.guards:
                prepared = self._statements[guard.statement]
                rows = await db.fetch(prepared.sql, *_bind(prepared, guard.params))
                if [tuple(row) for row in rows] != guard.expected:
                    raise Superseded(f"{guard.statement} no longer gives what was read")
            for step in unit.steps:
                changed = await _run(cast("_Connection", db), self._statements[step.statement], step)
                if step.expect is not None and changed != step.expect:
                    raise Superseded(f"{step.statement} changed {changed} rows instead of {step.expect}")
            for channel in unit.wake:
                await db.execute("select pg_notify($1, '')", f"bridge_{channel}")
        return time.perf_counter() - started

    async def answer(self, kind: str, value: str, language: str | None) -> Row | None:
        future: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
        self._wanted.append((kind, value, language, future))
        self._serve()
        return await future

    async def wait(self, channel: str, seconds: float, *, since: int | None = None) -> bool:
        name = f"bridge_{channel}"
        waker = self._wakers[name]
        if name not in self._deaf:
            self._deaf.add(name)
            await self._ears.add_listener(name, lambda *_: waker.set())
        try:
            await asyncio.wait_for(waker.wait(), seconds)
        except TimeoutError:
            return False
        waker.clear()
        return True

    async def close(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        for db in (*self._hot, self._ears):
            await db.close()
        await self._pool.close()

    def _serve(self) -> None:
        """Send what waits on a free connection; while none is free, look-ups gather and go together."""
        while self._wanted and self._free:
            batch, self._wanted = self._wanted[:BATCH], self._wanted[BATCH:]
            task = asyncio.create_task(self._fetch(self._free.pop(), batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _fetch(self, db: _Connection, batch: list[_Wanted]) -> None:
        try:
            rows = await db.fetch(
                self._statements["lookup.answer"].sql,
                [one[0] for one in batch],
                [one[1] for one in batch],
                [one[2] for one in batch],
            )
            found = {int(row[0]): tuple(row)[1:] for row in rows}
            for number, (*_, future) in enumerate(batch, 1):
                if not future.done():
                    future.set_result(found.get(number))
        except Exception as problem:  # noqa: BLE001 it is raised again where the look-ups wait
            for *_, future in batch:
                if not future.done():
                    future.set_exception(problem)
        finally:
            self._free.append(db)
            self._serve()


def _bind(statement: Statement, params: dict[str, Any]) -> list[Any]:
    return [params[name] for name in statement.parameters]


async def _run(db: _Connection, statement: Statement, step: Step) -> int:
    if step.expect is None and len(step.rows) > 1:
        await db.executemany(statement.sql, [_bind(statement, row) for row in step.rows])
        return 0
    changed = 0
    for row in step.rows:
        status = await db.execute(statement.sql, *_bind(statement, row))
        last = status.rsplit(" ", 1)[-1]
        changed += int(last) if last.isdigit() else 0
    return changed


async def _migrate(db: _Connection) -> None:
    async with db.transaction():
        await db.execute("select pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        await db.execute("create table if not exists meta (name text primary key, value text not null)")
        have = int(await db.fetchval("select value from meta where name = 'schema'") or 0)
        newest = migrations("postgres")[-1][0]
        if have > newest:
            raise ConfigError(
                "BRIDGE_DATABASE_URL",
                f"the database has schema {have}, this version knows {newest}: use a newer version",
            )
        for number, script in migrations("postgres"):
            if number > have:
                await db.execute(script)
        await db.execute(
            "insert into meta values ('schema', $1) on conflict (name) do update set value = excluded.value",
            str(newest),
        )
