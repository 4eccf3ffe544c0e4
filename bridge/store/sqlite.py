"""The store in one SQLite file (WAL): reads on the event loop only for the hot look-up, all writes in one thread.

Units that wait at the same moment are committed together: one fsync for all of them, each in its own savepoint. The
lock is asked for again every millisecond instead of with SQLite's growing pauses, so that a gateway gets its turn
between two transactions of a busy worker.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import msgspec

from bridge.errors import ConfigError, Superseded
from bridge.store.base import Row, Step, Unit
from bridge.store.statements import Statement, migrations, statements

LOCK_SECONDS = 30.0
GROUP = 64
POLL_SECONDS = 0.02

_Result = list[Row]
_Job = tuple[Callable[[sqlite3.Connection], _Result], asyncio.AbstractEventLoop, "asyncio.Future[_Result]"]


class SqliteStore:
    """See `bridge.store.base.Store`."""

    engine: Literal["sqlite", "postgres"] = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._statements = statements("sqlite")
        self._hot = _connect(path, read_only=True)
        self._watch = _connect(path, read_only=True)
        self._answer = self._statements["lookup.answer"].sql
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(2, "store-read")
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_all, name="store-write", daemon=True)
        self._writer.start()

    def mark(self) -> int | None:
        return int(self._watch.execute("pragma data_version").fetchone()[0])

    async def all(self, statement: str, /, **params: Any) -> list[Row]:
        prepared = self._statements[statement]
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, prepared, params)

    async def one(self, statement: str, /, **params: Any) -> Row | None:
        rows = await self.all(statement, **params)
        return rows[0] if rows else None

    async def change(self, statement: str, /, **params: Any) -> list[Row]:
        prepared = self._statements[statement]
        return await self._submit(lambda db: _execute(db, prepared, params))

    async def write(self, unit: Unit) -> float:
        held = await self._submit(lambda db: self._apply(db, unit))
        return float(held[0][0])

    def answer(self, kind: str, value: str, language: str | None) -> Row | None:
        row: Row | None = self._hot.execute(self._answer, (kind, value, language)).fetchone()
        return row

    async def wait(self, channel: str, seconds: float, *, since: int | None = None) -> bool:
        before = self.mark() if since is None else since
        if self.mark() != before:
            return True
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(POLL_SECONDS, left))
            if self.mark() != before:
                return True
        return False

    async def close(self) -> None:
        self._jobs.put(None)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._writer.join)
        await loop.run_in_executor(None, self._readers.shutdown)
        for db in (self._hot, self._watch, *self._opened):
            db.close()

    def _read(self, statement: Statement, params: dict[str, Any]) -> list[Row]:
        db = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = _connect(self._path, read_only=True)
            self._opened.append(db)
        return _execute(db, statement, params)

    async def _submit(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = loop.create_future()
        self._jobs.put((work, loop, future))
        return await future

    def _apply(self, db: sqlite3.Connection, unit: Unit) -> _Result:
        started = time.perf_counter()
        unmoved = unit.since is not None and unit.since == self.mark()
        for guard in () if unmoved else unit.guards:
            if _execute(db, self._statements[guard.statement], guard.params) != guard.expected:
                raise Superseded(f"{guard.statement} no longer gives what was read")
        for step in unit.steps:
            changed = _run(db, self._statements[step.statement], step)
            if step.expect is not None and changed != step.expect:
                raise Superseded(f"{step.statement} changed {changed} rows instead of {step.expect}")
        return [(time.perf_counter() - started,)]

    def _write_all(self) -> None:
        db = _connect(self._path, read_only=False)
        while (job := self._jobs.get()) is not None:
            jobs = [job]
            stop = False
            while len(jobs) < GROUP:
                try:
                    following = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    stop = True
                    break
                jobs.append(following)
            _commit_together(db, jobs)
            if stop:
                break
        db.close()


def _commit_together(db: sqlite3.Connection, jobs: list[_Job]) -> None:
    done: list[tuple[_Job, _Result | BaseException]] = []
    try:
        _begin(db)
        for job in jobs:
            db.execute("savepoint unit")
            try:
                done.append((job, job[0](db)))
            except Exception as problem:  # noqa: BLE001 it is raised again where the unit came from
                db.execute("rollback to unit")
                done.append((job, problem))
            db.execute("release unit")
        db.execute("commit")
    except Exception as problem:  # noqa: BLE001 it is raised again where the units came from
        if db.in_transaction:
            db.execute("rollback")
        done = [(job, problem) for job in jobs]
    for (_, loop, future), result in done:
        try:
            loop.call_soon_threadsafe(_resolve, future, result)
        except RuntimeError:
            continue  # the loop that asked has ended; nobody is left to hear the answer


def _resolve(future: asyncio.Future[_Result], result: _Result | BaseException) -> None:
    if future.cancelled():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)


def _begin(db: sqlite3.Connection) -> None:
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            db.execute("begin immediate")
            return
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.001)


def _bind(statement: Statement, params: dict[str, Any]) -> dict[str, Any]:
    if not statement.lists:
        return params
    return {
        name: msgspec.json.encode(value).decode() if name in statement.lists else value
        for name, value in params.items()
    }


def _execute(db: sqlite3.Connection, statement: Statement, params: dict[str, Any]) -> _Result:
    return db.execute(statement.sql, _bind(statement, params)).fetchall()


def _run(db: sqlite3.Connection, statement: Statement, step: Step) -> int:
    if len(step.rows) == 1:
        cursor = db.execute(statement.sql, _bind(statement, step.rows[0]))
        return len(cursor.fetchall()) if statement.returns else cursor.rowcount
    if statement.lists:
        return db.executemany(statement.sql, [_bind(statement, row) for row in step.rows]).rowcount
    return db.executemany(statement.sql, step.rows).rowcount


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    # A small page cache and no mmap: measured, a larger cache makes single look-ups ten times slower beside a writer.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    db.execute("pragma busy_timeout = 0" if not read_only else "pragma busy_timeout = 2000")
    db.execute("pragma mmap_size = 0")
    db.execute("pragma cache_size = -2000" if read_only else "pragma cache_size = -32000")
    db.execute("pragma synchronous = full")
    if read_only:
        db.execute("pragma query_only = on")
    return db


def migrate(path: Path) -> None:
    """Bring the file to the newest schema. Raises ConfigError when it was made by a newer bridge, or is not a
    database."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, isolation_level=None, timeout=LOCK_SECONDS)
    except (OSError, sqlite3.Error) as problem:
        raise ConfigError("BRIDGE_DATABASE_URL", f"cannot open {path}: {problem}") from None
    try:
        db.execute("pragma journal_mode = wal")
        db.execute("begin immediate")
        db.execute("create table if not exists meta (name text primary key, value text not null)")
        row = db.execute("select value from meta where name = 'schema'").fetchone()
        have = int(row[0]) if row else 0
        newest = migrations("sqlite")[-1][0]
        if have > newest:
            raise ConfigError(
                "BRIDGE_DATABASE_URL", f"{path} has schema {have}, this version knows {newest}: use a newer version"
            )
        for number, script in migrations("sqlite"):
            if number > have:
                for statement in script.split(";"):
                    db.execute(statement)
        db.execute(
            "insert into meta values ('schema', ?) on conflict (name) do update set value = excluded.value",
            (str(newest),),
        )
        db.execute("commit")
    except sqlite3.DatabaseError as problem:
        raise ConfigError("BRIDGE_DATABASE_URL", f"{path} cannot be used: {problem}") from None
    finally:
        db.close()
