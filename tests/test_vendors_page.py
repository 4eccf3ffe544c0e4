"""The page that says what each vendor gives, and the one that says how to add another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.adapter.actions import ARGUMENTS
from bridge.adapter.registry import load_vendors
from contract_tests.table import PAGE, main, render

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs" / "ADDING_A_VENDOR.md").read_text("utf-8")


def test_the_page_of_vendors_is_what_manifests_and_mappings_say() -> None:
    vendors = load_vendors(ROOT / "adapters", ROOT / "mappings")
    assert PAGE.read_text("utf-8") == render(vendors.values()), "run `make docs` and commit docs/VENDORS.md"


def test_the_page_names_every_vendor_object_and_action() -> None:
    vendors = load_vendors(ROOT / "adapters", ROOT / "mappings")
    page = render(vendors.values())
    comes, _, does = page.partition("## What the bridge can do there")
    for vendor in vendors.values():
        link = f"[{vendor.manifest.title}](../adapters/{vendor.manifest.name}/README.md)"
        rows = [line for line in comes.splitlines() if link in line]
        assert rows
        assert [one for one in vendor.load_mapping().objects if not any(f"`{one}`" in row for row in rows)] == []
        done = [line.count("●") for line in does.splitlines() if link in line]
        assert sum(done) == len(vendor.manifest.actions)
    assert len({len(line.split(" | ")) for line in does.splitlines() if line.startswith("| [")}) == 1
    assert len(ARGUMENTS) == does.splitlines()[2].count(" | ")


def test_a_page_that_is_out_of_date_fails_and_is_written_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "VENDORS.md"
    assert main(["--check"], page) == 1
    assert not page.exists()
    assert "run `make docs`" in capsys.readouterr().err
    assert main([], page) == 1
    assert "written anew" in capsys.readouterr().err
    assert (main([], page), main(["--check"], page)) == (0, 0)
    assert capsys.readouterr().err == ""


def test_the_guide_explains_every_clause_of_the_contract_and_no_other() -> None:
    files = [path.read_text("utf-8") for path in ROOT.glob("contract_tests/test_*.py")]
    clauses = {name for text in files for name in re.findall(r'@pytest\.mark\.clause\("([a-z_]+)"', text)}
    table = GUIDE.partition("## The contract")[2]
    explained = {name for line in table.splitlines() for name in re.findall(r"`([a-z_]+)`", line.split(" | ")[0])}
    assert explained == clauses


def test_the_guide_sends_nobody_to_an_adapter_that_is_not_there() -> None:
    table = GUIDE.partition("## Which adapter to copy")[2].partition("##")[0]
    named = set(re.findall(r"`([a-z_]+)`", table))
    assert named
    assert [name for name in sorted(named) if not (ROOT / "adapters" / name / "manifest.yaml").is_file()] == []
