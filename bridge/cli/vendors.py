"""The command that begins a new adapter."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from msgspec import Struct

from bridge.cli.desks import out
from bridge.errors import BadRequest, Conflict
from bridge.settings import read_settings

commands = typer.Typer()

FILL_IN = "FILL IN"
"""Marks what only somebody who knows the vendor can write; the kit fails while it stands anywhere."""

_TEMPLATES = Path(__file__).with_name("new_adapter")


class Kind(StrEnum):
    crm = "crm"
    helpdesk = "helpdesk"
    ivr = "ivr"
    survey = "survey"
    files = "files"
    messages = "messages"


class Start(Struct, frozen=True):
    """With what an adapter of one kind begins: the shape of its code (a template), its capabilities, the vendor's
    object, the model's record, the fixture's name."""

    shape: str
    can: tuple[str, ...]
    object: str = ""
    record: str = ""
    fixture: str = ""


STARTS = {
    Kind.crm: Start("sync", ("sync", "lookup"), "person", "customer", "person_with_phone_and_email"),
    Kind.helpdesk: Start("sync", ("sync",), "case", "ticket", "case_that_is_open"),
    Kind.ivr: Start("webhook", ("webhook",), "call", "interaction", "call_that_ended"),
    Kind.survey: Start("webhook", ("webhook",), "answer", "survey_response", "answer_of_a_detractor"),
    Kind.files: Start("files", ("sync",), "person", "customer", "people_in_a_file"),
    Kind.messages: Start("action", ("send_email",), fixture="email_with_an_address_for_replies"),
}
"""Each is whole and runs against a made-up vendor: what is filled in replaces something that works."""

_STREAMS = {"person": "people", "case": "cases"}


@commands.command(name="new-adapter", epilog="Example: `bridge new-adapter acme_desk --kind helpdesk`")
def new_adapter(
    name: Annotated[str, typer.Argument(help="Name of the folder: a-z, 0-9 and _, as in `acme_desk`")],
    kind: Annotated[Kind, typer.Option(help="What the vendor's system is")],
    title: Annotated[str, typer.Option(help="The vendor's name as it writes it; left out, made of NAME")] = "",
) -> None:
    """Begin an adapter: manifest, mapping, code, README, a fake server and a first fixture, and what is still to do.

    What is written runs, against a made-up vendor. Replace it piece by piece; docs/ADDING_A_VENDOR.md says how, and the
    contract tests say what is missing.
    """
    settings = read_settings()
    root = settings.adapters_dir.resolve().parent
    made = write_adapter(
        name,
        kind,
        title,
        adapters=settings.adapters_dir,
        mappings=settings.mappings_dir,
        fakes=root / "contract_tests" / "fakes",
    )
    out.print(f"Written for {name}:")
    for path in made:
        out.print(f"  {_shown(path, root)}", highlight=False)
    out.print("\nStill to do, as the contract tests say too:")
    for path, line, what in still_to_do(made):
        out.print(f"  {_shown(path, root)}:{line}: {what}", highlight=False, soft_wrap=True)
    out.print("\nThe way is in docs/ADDING_A_VENDOR.md. Again and again:\n  make golden, and read what it wrote")
    out.print(f"  .venv/bin/python -m pytest contract_tests -q -k {name}", highlight=False, soft_wrap=True)


def write_adapter(name: str, kind: Kind, title: str, *, adapters: Path, mappings: Path, fakes: Path) -> list[Path]:
    """Write the files of a new adapter and give back their paths. Nothing that is there is touched.

    Raises BadRequest for a name that cannot be one, and where there is no kit to hold it; Conflict where there is an
    adapter of that name.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise BadRequest("an adapter's name is made of a-z, 0-9 and _, and begins with a letter")
    if not fakes.is_dir():
        raise BadRequest(f"there is no folder {fakes}: adapters are written in a checkout, beside their contract tests")
    start = STARTS[kind]
    folder = adapters / name
    files = {
        folder / "manifest.yaml": "manifest.yaml",
        folder / "adapter.py": f"adapter_{start.shape}.py",
        folder / "README.md": "README.md",
        folder / "fixtures" / "settings.yaml": "settings.yaml",
        folder / "fixtures" / f"{start.fixture}.json": "fixture.json",
        fakes / f"{name}.py": "fake_sync.py" if start.shape == "sync" else "fake_plain.py",
    }
    if start.record:
        files[mappings / f"{name}.yaml"] = "mapping.yaml"
    if start.shape == "files":
        files[folder / "fixtures" / "files" / "people.jsonl"] = "people.jsonl"
    if folder.exists() or (there := next((path for path in files if path.exists()), None)):
        raise Conflict(f"there is something at {folder if folder.exists() else there} already; choose another name")
    known = _known(name, kind, title, start)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for path, template in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(environment.get_template(f"{template}.jinja").render(known), "utf-8")
    return list(files)


def still_to_do(files: list[Path]) -> Iterator[tuple[Path, int, str]]:
    """Every mark in `files`: where it stands, and what it asks for."""
    for path in files:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            _, mark, what = line.partition(FILL_IN)
            if mark:
                yield path, number, what.partition('"')[0].strip(" :|.")


def _known(name: str, kind: Kind, title: str, start: Start) -> dict[str, Any]:
    words = name.split("_")
    return {
        "name": name,
        "kind": kind.value,
        "title": title.strip() or " ".join(word.capitalize() for word in words),
        "class_name": "".join(word.capitalize() for word in words) + "Adapter",
        "shape": start.shape,
        "can": start.can,
        "lookup": "lookup" in start.can,
        "object": start.object,
        "record": start.record,
        "stream": _STREAMS.get(start.object, ""),
    }


def _shown(path: Path, root: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
