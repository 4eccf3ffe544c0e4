"""A database of many customers for the benchmarks that need one: imported once through the product, then copied."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, timezone
from hashlib import blake2b
from pathlib import Path

from benchmarks import people
from benchmarks.figures import VAR, Void
from benchmarks.imports import run_import
from benchmarks.processes import SERVER, aside, make_config, scratch, settings
from bridge import flat
from bridge.flow import load_rules
from bridge.store.statements import migrations

CONTRACTS = 0.25
"""Share of the customers with a contract, so that answers have reasons to give."""
_KEEP = timedelta(days=7)
"""Decisions age: an older database is made anew."""


def prepare(customers: int, *, fresh: bool = False) -> Path:
    """A file with `customers` customers: that of an earlier run with the same schema and rules, else a new one."""
    with scratch() as folder:
        config = make_config(folder, {})
        path = VAR / f"{customers}-{_version(folder / 'none.db', config)}.db"
        if not fresh and path.exists() and _age(path) < _KEEP:
            return path
        for old in VAR.glob(f"{customers}-*.db"):
            old.unlink()
        contracts = int(customers * CONTRACTS)
        people.write_customers(folder / "export", customers)
        people.write_contracts(folder / "export", contracts, datetime.now(timezone.utc).date())
        print(f"importing {customers:,} customers and {contracts:,} contracts, once …")
        with aside(SERVER) as process:
            done = process.call(run_import, folder / "export", folder / "bridge.db", config, customers + contracts)
        if done.mapped != customers + contracts:
            raise Void(f"of {customers + contracts} rows {done.mapped} were mapped and {done.dead} were not")
        (folder / "bridge.db").rename(path)
    return path


def copy(path: Path, folder: Path) -> Path:
    """A copy to write to, in `folder`."""
    return Path(shutil.copyfile(path, folder / "bridge.db"))


def _age(path: Path) -> timedelta:
    return datetime.now(timezone.utc) - datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)


def _version(database: Path, config: Path) -> str:
    own = settings(database, config)
    said = blake2b(f"{flat.NAMES} {migrations('sqlite')}".encode(), digest_size=8)
    said.update((own.mappings_dir / "spreadsheet.yaml").read_bytes())
    said.update(load_rules(own).deciding.version.encode())
    return said.hexdigest()
