"""The sample on disk: what each system would hand over, file by file, and the truth beside it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Item, Request
from bridge.adapter.registry import Registry
from bridge.adapter.source import Source
from bridge.sample.center import Center
from bridge.sample.effects import SCRIPTS
from bridge.sample.records import Fate

TRUTH = "truth.csv"


class Written(Struct, frozen=True, kw_only=True):
    """One file and how many rows or deliveries are in it (a header does not count)."""

    path: Path
    rows: int


def write_sample(
    center: Center, registry: Registry, folder: Path, now: datetime, report: Callable[[str], None] | None = None
) -> list[Written]:
    """Write the exports of each file source, `<source>.jsonl` for each other source of `registry`, and truth.csv.

    A line of a `.jsonl` is one delivery in the order in which it arrives: `{"item": …}` as a sync's page has it, or
    `{"request": …}`, the signed webhook with method, url, headers and body. The same center gives the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Written] = []
    for name, adapter in sorted(registry.sources.items()):
        sample = registry.sample(adapter.manifest.name)
        if sample is None:
            continue
        if report is not None:
            report(name)
        if hasattr(sample, "export"):
            paths = sample.export(center, _into(adapter, folder))
            written += [Written(path=path, rows=_lines(path)) for path in paths]
        else:
            path = folder / f"{name}.jsonl"
            with path.open("wb") as file:
                rows = 0
                for one in sample.deliveries(center, adapter.source, now):
                    file.write(msgspec.json.encode(_line(one)) + b"\n")
                    rows += 1
            written.append(Written(path=path, rows=rows))
    return [*written, _write_truth(folder / TRUTH, center)]


def _into(adapter: Adapter, folder: Path) -> Source:
    """The source as it is, but with `folder` as the place of its exports."""
    return msgspec.structs.replace(adapter.source, settings={**adapter.source.settings, "folder": str(folder)})


def _lines(path: Path) -> int:
    """How many rows stand under the header of an export without line breaks in its cells."""
    content = path.read_bytes()
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    return len(content.decode("utf-16" if wide else "latin-1").splitlines()) - 1


def _line(one: Item | Request) -> Mapping[str, object]:
    if isinstance(one, Item):
        return {"item": one}
    body = one.body.decode("utf-8")
    return {"request": {"method": one.method, "url": one.url, "headers": one.headers, "body": body}}


def _write_truth(path: Path, center: Center) -> Written:
    """Who leaves when and why, what nobody sees of them, and what each script would have done."""
    plain = [name for name in Fate.__struct_fields__ if name not in ("under", "leaves_under")]
    scripts = sorted(SCRIPTS)
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow([*plain, *(f"{name}_risk" for name in scripts), *(f"{name}_leaves" for name in scripts)])
        for fate in center.fates:
            values = [getattr(fate, name) for name in plain]
            risks = [_shown(fate.under.get(name)) for name in scripts]
            leaves = [_shown(fate.leaves_under.get(name)) for name in scripts]
            out.writerow([*map(_shown, values), *risks, *leaves])
    return Written(path=path, rows=len(center.fates))


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4f}"
        case _:
            return str(value)
