"""The example at work: which sources it has, how it is loaded, and why it never stands beside real ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bridge.access import SCOPES, hash_key, mint_key
from bridge.acting.catching_up import open_past
from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Item, Request
from bridge.adapter.yamlfile import read_yaml
from bridge.errors import ConfigError
from bridge.facts import Origin
from bridge.flow import Desk, fit_tiers
from bridge.intake import inbox, sync
from bridge.sample.center import Center, callers_at, make_center
from bridge.sample.past import keep_past
from bridge.sample.records import Caller
from bridge.settings import Settings
from bridge.store import Store, Unit
from bridge.store.keys import keep_key, stored_key

MARK = "example"
"""Name of the row in `meta` that says: this database holds made-up people."""


CUSTOMERS = 2000
"""How many people the example has, beside those of the told stories."""
LOOPS_OF = timedelta(days=5)
"""So far back complaints of the example have open loops, though they came with an import."""
_AT_ONCE = 1000


class Example(Struct, frozen=True, kw_only=True):
    """The key to try it with (all scopes, kept in a file, which only an example may do), and who may call."""

    key: str
    callers: tuple[Caller, ...]


def choose_sources(settings: Settings) -> Path | dict[str, Any]:
    """The configured sources, or those of the example in demo mode. Raises ConfigError where both would meet."""
    path = settings.config_dir / "sources.yaml"
    if not settings.demo:
        return path
    configured = (read_yaml(path) or {}).get("sources") or {} if path.exists() else {}
    if configured:
        raise ConfigError(
            "BRIDGE_DEMO",
            f"is on, but {path} has real sources ({', '.join(sorted(configured))}): made-up people must not stand "
            "beside real ones. Leave BRIDGE_DEMO out, or point BRIDGE_CONFIG_DIR elsewhere",
        )
    return example_sources(settings, example_folder(settings))


def example_sources(settings: Settings, folder: Path) -> dict[str, Any]:
    """The sources of the example, with `folder` as the place of its exports."""
    example: dict[str, Any] = read_yaml(settings.config_dir / "example.yaml")
    for source in example["sources"].values():
        for setting, value in source["settings"].items():
            if value == "${EXAMPLE_FOLDER}":
                source["settings"][setting] = str(folder)
    return example


def example_folder(settings: Settings) -> Path:
    """Where the example's exports are written: beside its database."""
    if settings.database_url.startswith("sqlite:///"):
        return Path(settings.database_url.removeprefix("sqlite:///")).resolve().parent / "example"
    return Path(".var").resolve() / "example"


async def guard_demo(store: Store, settings: Settings) -> None:
    """Raise ConfigError when the database and the mode do not go together."""
    marked = await store.one("meta.get", name=MARK) is not None
    if marked and not settings.demo:
        raise ConfigError(
            "BRIDGE_DATABASE_URL",
            "this database holds the example's made-up people: name another one for real sources, or set "
            "BRIDGE_DEMO=true",
        )
    if settings.demo and not marked:
        rows = await store.all("meta.records_there")
        if rows[0][0]:
            raise ConfigError(
                "BRIDGE_DEMO", "is on, but the database holds real records: leave it out, or name another database"
            )


async def load_example(
    desk: Desk,
    settle: Callable[[], Awaitable[None]],
    *,
    now: datetime,
    customers: int = CUSTOMERS,
    report: Callable[[int], None] | None = None,
) -> Example:
    """Load the example through its adapters unless it is there; `settle` works until nothing is left to do.

    `report` is told how many of the customers are made up, as they come.
    """
    marked = await desk.store.one("meta.get", name=MARK)
    if marked is None or marked[0] != "loaded":
        unit = Unit()
        unit.add("meta.put", name=MARK, value="begun")
        await desk.store.write(unit)
        center = make_center(now=now, customers=customers, report=report)
        for name, adapter in sorted(desk.registry.sources.items()):
            await _deliver(desk, name, adapter, center, now)
        await sync.register(desk.store, desk.registry.sources, now)
        await settle()
        await fit_tiers(desk, now)
        await settle()
        await keep_past(desk, center.fates, now)
        await open_past(_with_every_manager(desk), since=now - LOOPS_OF, now=now)
        unit = Unit()
        unit.add("meta.put", name=MARK, value="loaded")
        await desk.store.write(unit)
    return Example(key=await _key(desk, now), callers=callers_at(now))


def _with_every_manager(desk: Desk) -> Desk:
    """The example's account managers have loops without being named in the configuration."""
    loops = desk.rules.loops
    file = replace(loops.file, account_managers="all")
    return replace(desk, rules=replace(desk.rules, loops=replace(loops, file=file)))


async def _deliver(desk: Desk, name: str, adapter: Adapter, center: Center, now: datetime) -> None:
    """Write the source's exports, or keep what its vendor would have sent, a transaction a thousand."""
    sample = desk.registry.sample(adapter.manifest.name)
    if sample is None:
        raise ConfigError(f"adapters/{adapter.manifest.name}", "has no sample.py, which the example needs")
    if hasattr(sample, "export"):
        sample.export(center, adapter.source)
        return
    told = iter(sample.deliveries(center, adapter.source, now))
    while some := list(islice(told, _AT_ONCE)):
        items = [item for one in some for item in _items(adapter, one)]
        unit = Unit()
        inbox.keep(unit, name, adapter.manifest, items, via="sample", origin=Origin.first_import, now=now)
        await desk.store.write(unit)


async def _key(desk: Desk, now: datetime) -> str:
    """The example's key: the one in its file as long as it is valid, else a new one."""
    file = example_folder(desk.settings) / "key.txt"
    if file.exists():
        key = file.read_text("ascii").strip()
        row = await desk.store.one("access.by_hash", hash=hash_key(key.encode()))
        if row is not None and stored_key(row).valid_at(now):
            return key
    key, access = mint_key("example", SCOPES, now)
    unit = Unit()
    keep_key(unit, access)
    await desk.store.write(unit)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(key, "ascii")
    return key


def _items(adapter: Adapter, one: Item | Request) -> tuple[Item, ...]:
    if isinstance(one, Item):
        return (one,)
    adapter.verify(one, one.received_at)
    return adapter.open(one).items
