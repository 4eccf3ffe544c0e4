"""`bridge new-adapter`: what it writes runs, and the contract says what is still to do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.adapter.registry import load_registry
from bridge.adapter.yamlfile import read_yaml
from bridge.cli import cli
from bridge.cli.vendors import FILL_IN, Kind, still_to_do, write_adapter
from bridge.errors import BadRequest, Conflict

ROOT = Path(__file__).resolve().parents[2]
run = CliRunner()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the contract tests and no adapter."""
    for folder in ("adapters", "mappings"):
        (tmp_path / folder).mkdir()
    shutil.copytree(
        ROOT / "contract_tests",
        tmp_path / "contract_tests",
        ignore=lambda place, names: [name for name in names if place.endswith("fakes") and name != "__init__.py"],
    )
    for name in ("bridge", "config"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setenv("BRIDGE_ADAPTERS_DIR", str(tmp_path / "adapters"))
    monkeypatch.setenv("BRIDGE_MAPPINGS_DIR", str(tmp_path / "mappings"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def begin(name: str, kind: str, *more: str) -> str:
    result = run.invoke(cli, ["new-adapter", name, "--kind", kind, *more], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def tool(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BRIDGE_", "PYTEST"))}
    environment["PYTHONPATH"] = str(checkout)
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_written_loads_as_a_source(checkout: Path, kind: Kind) -> None:
    printed = begin("acme_desk", kind.value, "--title", "Acme Desk")
    source = read_yaml(checkout / "adapters" / "acme_desk" / "fixtures" / "settings.yaml")
    form = {"sources": {"acme": {"adapter": "acme_desk", **source}}}
    found = load_registry(checkout / "adapters", checkout / "mappings", form, {})
    manifest = found.adapter("acme").manifest
    assert (manifest.kind, manifest.title) == (kind.value, "Acme Desk")
    assert type(found.adapter("acme")).__name__ == "AcmeDeskAdapter"
    for path in (*checkout.glob("adapters/acme_desk/*.*"), checkout / "contract_tests" / "fakes" / "acme_desk.py"):
        assert str(path.relative_to(checkout)) in printed
    assert "adapters/acme_desk/manifest.yaml:5: where the vendor documents what this adapter uses" in printed
    assert "pytest contract_tests -q -k acme_desk" in printed


def test_the_command_explains_itself_with_an_example() -> None:
    result = run.invoke(cli, ["new-adapter", "--help"], catch_exceptions=False)
    assert "Example: bridge new-adapter acme_desk --kind helpdesk" in " ".join(result.output.split())


def test_the_marks_are_those_that_the_contract_looks_for(tmp_path: Path) -> None:
    assert f'MARK = "{FILL_IN}"' in (ROOT / "contract_tests" / "test_todo.py").read_text("utf-8")
    file = tmp_path / "one.md"
    file.write_text(f'a\n| `b` | {FILL_IN}: the rights. |\n"c": "{FILL_IN}: a row", "d": 1\n', "utf-8")
    assert list(still_to_do([file])) == [(file, 2, "the rights"), (file, 3, "a row")]


@pytest.mark.parametrize("name", ["Acme", "acme-desk", "9lives", "../acme", "class", ""])
def test_a_name_that_no_folder_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadRequest, match="a-z, 0-9 and _"):
        write_adapter(name, Kind.crm, "", adapters=tmp_path, mappings=tmp_path, fakes=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_is_there_is_written_over(checkout: Path) -> None:
    begin("acme", "crm")
    places = {"adapters": checkout / "adapters", "mappings": checkout / "mappings"}
    fakes = checkout / "contract_tests" / "fakes"
    with pytest.raises(Conflict, match="choose another name"):
        write_adapter("acme", Kind.ivr, "", **places, fakes=fakes)
    shutil.rmtree(checkout / "adapters" / "acme")
    with pytest.raises(Conflict, match=r"mappings/acme\.yaml|fakes/acme\.py"):
        write_adapter("acme", Kind.ivr, "", **places, fakes=fakes)


def test_without_a_kit_to_hold_it_no_adapter_is_begun(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="in a checkout, beside their contract tests"):
        write_adapter("acme", Kind.crm, "", adapters=tmp_path, mappings=tmp_path, fakes=tmp_path / "none")


@pytest.mark.e2e
def test_the_contract_asks_for_what_only_the_vendor_can_tell_and_nothing_else(checkout: Path) -> None:
    for kind in Kind:
        begin(f"my_{kind}", kind.value)
    written = ["adapters", "contract_tests/fakes"]
    assert tool(checkout, "ruff", "check", *written).stdout.strip() == "All checks passed!"
    assert tool(checkout, "ruff", "format", "--check", *written).returncode == 0
    types = tool(checkout, "mypy", "--strict", "--follow-imports=silent", *written)
    assert types.returncode == 0, types.stdout
    first = tool(checkout, "pytest", "-q", "-p", "no:cacheprovider", "contract_tests/test_mapping.py", "-k", "golden")
    assert (
        len(re.findall(r"^FAILED .*test_fixtures_become_what_the_golden", first.stdout, re.MULTILINE)) == len(Kind) - 1
    )
    tool(
        checkout,
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "contract_tests",
        "--update-golden",
        "-k",
        "golden or expected",
    )
    second = tool(checkout, "pytest", "-q", "-p", "no:cacheprovider", "contract_tests")
    failed = sorted(re.findall(r"^FAILED \S+::(\S+)", second.stdout, re.MULTILINE))
    assert failed == sorted(
        [f"test_nothing_is_left_to_fill_in[my_{kind}]" for kind in Kind]
        + [f"test_the_vendors_own_published_example_verifies[my_{kind}]" for kind in (Kind.ivr, Kind.survey)]
    ), second.stdout
