"""The command that writes the made-up contact center to disk."""

from __future__ import annotations

from datetime import datetime, time, timezone
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bridge.adapter.registry import load_registry
from bridge.cli.desks import out, progress
from bridge.sample import CUSTOMERS, SEED, example_sources, make_center, write_sample
from bridge.settings import read_settings
from bridge.worker import utc_now

commands = typer.Typer()


@commands.command(epilog="Example: `bridge sample --customers 500 --seed 3 --out /tmp/sample`")
def sample(
    out_dir: Annotated[Path, typer.Option("--out", help="Folder for the files; made if it is not there")],
    customers: Annotated[
        int, typer.Option(min=1, help="How many people, beside a dozen whose story is told")
    ] = CUSTOMERS,
    seed: Annotated[int, typer.Option(help="Another one makes other people and other fates")] = SEED,
    day: Annotated[
        datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="The day the three years lead up to: today")
    ] = None,
) -> None:
    """Write a made-up contact center: each system's exports and deliveries, and the truth about everybody.

    The same customers, seed and day give the same bytes. `truth.csv` says who leaves when and why, and what each script
    would have done; no system knows it. See docs/SAMPLE.md.
    """
    settings = read_settings()
    now = utc_now() if day is None else datetime.combine(day.date(), time(12), timezone.utc)
    registry = load_registry(settings.adapters_dir, settings.mappings_dir, example_sources(settings, out_dir), {})
    with progress() as bars:
        bar = bars.add_task("customers", total=customers)
        center = make_center(
            now=now, customers=customers, seed=seed, report=lambda ready: bars.update(bar, completed=ready)
        )
        files = bars.add_task("files", total=len(registry.sources))
        written = write_sample(center, registry, out_dir, now, lambda _: bars.advance(files))
    table = Table("File", "Rows", box=None, padding=(0, 2))
    for one in written:
        table.add_row(str(one.path), f"{one.rows:,}")
    out.print(table)
