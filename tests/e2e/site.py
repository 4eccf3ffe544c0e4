"""A whole installation in a folder of its own: configuration, environment, real processes, and what they wrote."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

import httpx
import yaml

from bridge.access import SCOPES, mint_key
from bridge.adapter.registry import Registry, load_registry
from bridge.settings import Settings, read_settings
from bridge.store import Store, Unit, open_store
from bridge.store.keys import keep_key
from tests.dump import query
from tests.patience import PATIENCE_SECONDS
from tests.places import Place

ROOT = Path(__file__).resolve().parents[2]
Role = Literal["web", "worker"]
START_SECONDS = 120.0
SETTLE_SECONDS = 120.0
"""Both are waited out only where something is broken."""


class Site:
    """One installation. `sources` is what its sources.yaml holds; `more` are further variables of its environment."""

    def __init__(self, folder: Path, database_url: str, sources: dict[str, Any], **more: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.config = folder / "config"
        self.sources = {"sources": sources}
        shutil.copytree(ROOT / "config", self.config)
        (self.config / "sources.yaml").write_text(yaml.safe_dump(self.sources, allow_unicode=True), "utf-8")
        self._place = Place()
        self.port = self._place.port
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")} | {
            "BRIDGE_DATABASE_URL": database_url,
            "BRIDGE_CONFIG_DIR": str(self.config),
            "BRIDGE_PORT": str(self._place.port),
            "BRIDGE_PUBLIC_URL": self.url,
            "PYTHONUNBUFFERED": "1",
            **more,
        }
        self._running: dict[Role, subprocess.Popen[bytes]] = {}
        self._starts = 0

    @property
    def settings(self) -> Settings:
        """What the processes read from their environment."""
        given = {name.removeprefix("BRIDGE_").lower(): value for name, value in self.environment.items()}
        return read_settings(**{name: value for name, value in given.items() if name in Settings.model_fields})

    @property
    def registry(self) -> Registry:
        """The configured sources, as the processes have them."""
        settings = self.settings
        return load_registry(settings.adapters_dir, settings.mappings_dir, self.sources, self.environment)

    @property
    def logs(self) -> str:
        """All that the processes ever wrote."""
        return "".join(path.read_text("utf-8", "replace") for path in sorted(self.folder.glob("*.log")))

    def start(self, *roles: Role) -> None:
        """Start processes; returns at once."""
        for role in roles:
            self._starts += 1
            with (self.folder / f"{self._starts:03d}-{role}.log").open("wb") as log:
                self._running[role] = subprocess.Popen(
                    [sys.executable, "-m", "bridge", role],
                    env=self.environment,
                    cwd=self.folder,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )

    async def opened(self, role: Role) -> None:
        """Wait until the process has begun its work: a gateway answers, a worker has said that it is open."""
        end = time.monotonic() + START_SECONDS
        log = max(self.folder.glob(f"*-{role}.log"))
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
            while time.monotonic() < end:
                assert self._running[role].poll() is None, log.read_text("utf-8")
                if role == "worker":
                    if b'"open"' in log.read_bytes():
                        return
                else:
                    try:
                        if (await client.get(f"{self.url}/healthz")).status_code == 200:
                            return
                    except httpx.TransportError:
                        pass
                await asyncio.sleep(0.02)
        raise AssertionError(f"{role} did not open:\n{log.read_text('utf-8')}")

    def kill(self, role: Role) -> None:
        """End a process as a power cut would: it gets no word in."""
        process = self._running.pop(role)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def signal(self, role: Role, number: signal.Signals) -> None:
        """Send a signal: SIGSTOP, and it hangs; SIGCONT, and it goes on."""
        self._running[role].send_signal(number)

    async def let_leases_run_out(self) -> None:
        """As if the minutes had passed for which a dead worker's leases hold."""
        for table in ("deliveries", "cursors", "outbox"):
            await query(self.database_url, f"update {table} set lease_until = 0 where lease_until > 0 returning 1")

    def stop(self, seconds: float = PATIENCE_SECONDS) -> dict[Role, int]:
        """Ask all processes to end, and give their exit codes; one that does not is killed, and its code says so."""
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        codes: dict[Role, int] = {}
        for role, process in self._running.items():
            try:
                codes[role] = process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                codes[role] = process.wait()
        self._running.clear()
        return codes

    async def make_keys(self, *scopes: Iterable[str]) -> list[str]:
        """API keys, one for each set of scopes; by default one with all of them."""
        made: list[str] = []
        store = await open_store(self.database_url)
        unit = Unit()
        for some in scopes or (SCOPES,):
            key, stored = mint_key("test", list(some), datetime.now(timezone.utc))
            keep_key(unit, stored)
            made.append(key)
        await store.write(unit)
        await store.close()
        return made

    async def settled(self, store: Store, seconds: float = SETTLE_SECONDS) -> None:
        """Wait until every stream was read to its end, nothing waits in the inbox and no customer is due."""
        end = time.monotonic() + seconds
        while True:
            streams = await store.all("sources.streams", source=None)
            waiting = (await store.all("inbox.waiting_count"))[0][0]
            now = int(time.time() * 1_000_000)
            due = (await store.all("customers.due_count", now=now))[0][0]
            if all(row[5] for row in streams) and not waiting and not due:
                return
            assert time.monotonic() < end, f"{waiting} waiting, {due} due, {streams}\n{self.logs[-3000:]}"
            await asyncio.sleep(0.1)
