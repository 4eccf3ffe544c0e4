"""Writes docs/VENDORS.md from manifests and mappings: what each vendor gives, and what the bridge can do there.

`python -m contract_tests.table` writes it anew, and fails where it was out of date, so that nobody overlooks the
change; with `--check` nothing is written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bridge.adapter.actions import ARGUMENTS
from bridge.adapter.registry import Vendor, load_vendors
from bridge.model import RECORDS
from contract_tests.shipped import ADAPTERS, ROOT

PAGE = ROOT / "docs" / "VENDORS.md"

_KINDS = {
    "crm": "CRM",
    "helpdesk": "Helpdesk",
    "ivr": "Phone system",
    "survey": "Surveys and signals",
    "files": "Files",
    "messages": "Messages",
}
_ORDERS = {
    "time": "the vendor's time of change",
    "sequence": "a counter of the vendor's",
    "rank": "how far along it is (ringing before answered before ended)",
    "none": "when it arrived",
}
_ACTIONS = {
    "add_note": "note",
    "create_task": "task",
    "create_ticket": "ticket",
    "schedule_callback": "callback",
    "send_sms": "text message",
    "send_email": "e-mail",
    "invite_survey": "survey",
    "erase": "erase",
    "export_list": "list",
}
_HEAD = """\
# Vendors

What each adapter reads, by what it is told, and what the bridge can do there. Written by `make docs` from
`adapters/*/manifest.yaml` and `mappings/*.yaml`: change those, not this page. What to click is in each adapter's
README; how to add a vendor is in [ADDING_A_VENDOR.md](ADDING_A_VENDOR.md).
"""


def render(vendors: Iterable[Vendor]) -> str:
    """The page, in Markdown; vendors in the order of their kinds, then by title."""
    kinds = list(_KINDS)
    known = sorted(vendors, key=lambda one: (kinds.index(one.manifest.kind), one.manifest.title.casefold()))
    parts = [_HEAD, "## How it comes in\n"]
    parts.append(
        _table(("Vendor", "Kind", "Push", "Poll", "Asked while a call waits", "Newer is told by"), map(_ways, known))
    )
    parts.append("## What comes in\n")
    parts.append("The vendor's objects, as the mapping calls them, by the record that they become.\n")
    parts.append(
        _table(("Vendor", *(name.replace("_", " ") for name in RECORDS)), filter(any_said, map(_objects, known)))
    )
    parts.append("## What the bridge can do there\n")
    parts.append(_table(("Vendor", *(_ACTIONS[one] for one in ARGUMENTS)), filter(any_said, map(_doings, known))))
    return "\n".join(parts)


def any_said(row: Sequence[str]) -> bool:
    """Whether a row says anything beside whom it is about."""
    return any(row[1:])


def main(arguments: Sequence[str], page: Path = PAGE) -> int:
    """Write the page, or only look at it. 0 where it was up to date."""
    wanted = render(load_vendors(ADAPTERS, ROOT / "mappings").values())
    if page.is_file() and page.read_text("utf-8") == wanted:
        return 0
    if "--check" in arguments:
        sys.stderr.write(f"{page.name} is out of date: run `make docs`\n")
        return 1
    page.write_text(wanted, "utf-8")
    sys.stderr.write(f"{page.name} was out of date and has been written anew: read the diff and commit it\n")
    return 1


def _ways(vendor: Vendor) -> tuple[str, ...]:
    manifest = vendor.manifest
    poll = ", ".join(manifest.streams).replace("_", " ") or "yes"
    return (
        _named(vendor),
        _KINDS[manifest.kind],
        "webhook" if "webhook" in manifest.capabilities else "",
        poll if "sync" in manifest.capabilities else "",
        ", ".join("e-mail" if one == "email" else one for one in manifest.lookup_kinds),
        _ORDERS[manifest.ordering] if {"webhook", "sync", "lookup"} & set(manifest.capabilities) else "",
    )


def _objects(vendor: Vendor) -> tuple[str, ...]:
    mapping = vendor.load_mapping()
    found: dict[str, list[str]] = {name: [] for name in RECORDS}
    for name in sorted(mapping.objects):
        found[mapping.plan(name).to].append(f"`{name}`")
    return (_named(vendor), *(" ".join(names) for names in found.values()))


def _doings(vendor: Vendor) -> tuple[str, ...]:
    return (_named(vendor), *("●" if one in vendor.manifest.actions else "" for one in ARGUMENTS))


def _named(vendor: Vendor) -> str:
    return f"[{vendor.manifest.title}](../adapters/{vendor.manifest.name}/README.md)"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def lines() -> Iterator[str]:
        yield _line(head)
        yield _line(["---"] * len(head))
        yield from map(_line, rows)

    return "".join(lines())


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
