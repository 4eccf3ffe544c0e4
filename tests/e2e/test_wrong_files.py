"""Whatever file an operator breaks, the start stops and names the file and the place in it; nothing starts half."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.app import create_app
from bridge.errors import ConfigError
from bridge.settings import read_settings
from tests.e2e.site import ROOT

pytestmark = pytest.mark.e2e


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copies of everything an operator may edit."""
    for name in ("config", "mappings", "adapters"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("fixtures", "__pycache__"))
    sources = f"sources:\n  crm:\n    adapter: spreadsheet\n    settings: {{folder: '{tmp_path}'}}\n"
    (tmp_path / "config" / "sources.yaml").write_text(sources, "utf-8")
    return tmp_path


def _swapped(old: str, new: str) -> Callable[[str], str]:
    def swap(text: str) -> str:
        assert re.search(old, text, re.MULTILINE), old
        return re.sub(old, new, text, count=1, flags=re.MULTILINE)

    return swap


BROKEN: dict[str, tuple[str, Callable[[str], str], str]] = {
    "a source without its setting": (
        "config/sources.yaml",
        _swapped("folder: .*}", "}"),
        "sources.crm.settings.folder",
    ),
    "a setting that is misspelt": ("config/sources.yaml", _swapped("folder:", "folder: x, fodler:"), "settings.fodler"),
    "an adapter that is not there": (
        "config/sources.yaml",
        _swapped("spreadsheet", "spreadshet"),
        "sources.crm.adapter",
    ),
    "a variable that is not set": ("config/sources.yaml", _swapped("'.*'", "'${NOT_SET_HERE}'"), "settings.folder"),
    "a source of a wrong form": ("config/sources.yaml", _swapped("adapter:", "adaptor:"), "sources.crm"),
    "points that are no number": (
        "config/scoring.yaml",
        _swapped(r"open: 28", "open: viele"),
        "signals.cancellation_intent",
    ),
    "a share beyond one": (
        "config/scoring.yaml",
        _swapped(r"base_probability: 0.06", "base_probability: 6"),
        "base_probability",
    ),
    "a missing English text": (
        "config/playbooks/apology.yaml",
        _swapped("^  en: Apologise, then resolve\n", ""),
        "title",
    ),
    "an unknown signal in a playbook": (
        "config/playbooks/apology.yaml",
        _swapped("signal: detractor", "signal: detracter"),
        "when",
    ),
    "an unknown fact in a script": (
        "config/playbooks/apology.yaml",
        _swapped(r"\{\{ customer \}\}", "{{ custmer }}"),
        "line",
    ),
    "a priority beyond five": ("config/routing.yaml", _swapped("priority: 2", "priority: 7"), "rules[0].priority"),
    "a block list of the wrong form": ("config/identity.yaml", _swapped("^  email:", "  emial:"), "block"),
    "a target that the model lacks": (
        "mappings/spreadsheet.yaml",
        _swapped("to: customer", "to: custmer"),
        "objects.customers.to",
    ),
    "a field that the model lacks": (
        "mappings/spreadsheet.yaml",
        _swapped("^      given_name: ", "      givn_name: "),
        "objects.customers.fields.givn_name",
    ),
    "a capability that nobody knows": (
        "adapters/zendesk/manifest.yaml",
        _swapped("webhook, sync, lookup", "webhook, synch, lookup"),
        "capabilities",
    ),
    "a signature of no known scheme": (
        "adapters/zendesk/manifest.yaml",
        _swapped("scheme: hmac", "scheme: hmca"),
        "signature.scheme",
    ),
    "no YAML at all": ("config/routing.yaml", lambda _: "rules: [\n", "line"),
    "something else than a mapping": ("config/scoring.yaml", lambda _: "- a list\n", ""),
}


@pytest.mark.parametrize("damage", BROKEN)
async def test_a_broken_file_stops_the_start_and_is_named_with_the_path_in_it(tree: Path, damage: str) -> None:
    name, breaks, path = BROKEN[damage]
    file = tree / name
    file.write_text(breaks(file.read_text("utf-8")), "utf-8")
    database = tree / "bridge.db"
    settings = read_settings(
        database_url=f"sqlite:///{database}",
        config_dir=tree / "config",
        mappings_dir=tree / "mappings",
        adapters_dir=tree / "adapters",
    )
    with pytest.raises(ConfigError) as stopped:
        async with create_app(settings).running():
            raise AssertionError("it started")
    said = str(stopped.value)
    assert Path(name).name in said
    assert path in said


async def test_the_unbroken_tree_starts(tree: Path) -> None:
    settings = read_settings(
        database_url=f"sqlite:///{tree / 'bridge.db'}",
        config_dir=tree / "config",
        mappings_dir=tree / "mappings",
        adapters_dir=tree / "adapters",
    )
    async with create_app(settings).running() as gate:
        assert set(gate.registry.sources) == {"crm"}
