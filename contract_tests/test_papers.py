"""The papers: what a vendor's folder says of itself agrees with what is in it."""

from __future__ import annotations

import re

import pytest

from contract_tests.fixtures import GOLDEN, ActionFixture, PageFixture, SignedFixture, WebhookFixture
from contract_tests.shipped import ROOT
from contract_tests.vendors import Vendor

_CLAUSE = re.compile(r'@pytest\.mark\.clause\("([a-z_]+)"')


def test_there_is_something_under_contract() -> None:
    from contract_tests.conftest import VENDORS

    assert VENDORS


@pytest.mark.clause("names")
def test_folder_manifest_and_mapping_carry_one_name(vendor: Vendor) -> None:
    adapter = vendor.adapter()
    assert vendor.folder.name == vendor.name == adapter.manifest.name == adapter.mapping.vendor


@pytest.mark.clause("settings_in_readme")
def test_every_setting_is_explained_in_the_readme(vendor: Vendor) -> None:
    readme = (vendor.folder / "README.md").read_text("utf-8")
    assert [one.name for one in vendor.manifest.settings if f"`{one.name}`" not in readme] == []
    assert [one.name for one in vendor.manifest.settings if len(one.description) < 10] == []


@pytest.mark.clause("capabilities")
def test_what_is_declared_is_there(vendor: Vendor) -> None:
    declared = vendor.manifest.capabilities
    kinds = {type(fixture) for fixture in vendor.fixtures}
    assert ("webhook" in declared) == (vendor.manifest.signature is not None)
    assert ("webhook" in declared) == (WebhookFixture in kinds)
    assert ("sync" in declared) == bool(vendor.adapter().streams())
    assert ("lookup" in declared) == bool(vendor.manifest.lookup_kinds)
    shown = {fixture.do for fixture in vendor.of(ActionFixture)}
    assert vendor.manifest.actions == shown if vendor.manifest.base_url else shown == set()
    assert [one for one in vendor.manifest.actions if not hasattr(vendor.adapter(), one)] == []


@pytest.mark.clause("exemptions")
def test_exemptions_name_clauses_and_give_reasons(vendor: Vendor) -> None:
    clauses = {
        name for file in ROOT.glob("contract_tests/test_*.py") for name in _CLAUSE.findall(file.read_text("utf-8"))
    }
    assert set(vendor.manifest.exempt) <= clauses
    assert [name for name, reason in vendor.manifest.exempt.items() if len(reason) < 15] == []


@pytest.mark.clause("vendor_stays_home")
def test_the_vendor_is_named_in_its_own_folder_only(vendor: Vendor) -> None:
    others = [path for path in ROOT.glob("bridge/**/*.py") if "hosts" not in path.parts]
    others += [path for path in ROOT.glob("adapters/*/*.py") if path.parent.name != vendor.name]
    word = re.compile(rf"\b{vendor.name}\b", re.IGNORECASE)
    allowed = {"spreadsheet", "webhook"}  # common words, and the names of what everybody calls such a thing
    found = [str(path.relative_to(ROOT)) for path in others if word.search(path.read_text("utf-8"))]
    assert vendor.name in allowed or found == []


@pytest.mark.clause("every_object_shown")
async def test_every_mapped_object_has_a_fixture(vendor: Vendor) -> None:
    shown = {item.object for fixture in vendor.fixtures for item in await vendor.items(fixture)}
    assert set(vendor.adapter().mapping.objects) - shown == set()


@pytest.mark.clause("no_file_unused")
def test_no_fixture_file_is_left_over(vendor: Vendor) -> None:
    folder = vendor.folder / "fixtures"
    golden = {fixture.golden for fixture in vendor.fixtures if not isinstance(fixture, SignedFixture)}
    pages = any(isinstance(fixture, PageFixture) for fixture in vendor.fixtures)
    known = golden | {fixture.path for fixture in vendor.fixtures} | {folder / "settings.yaml"}
    left = [
        path
        for path in folder.rglob("*")
        if path.is_file() and path not in known and not (pages and path.parent != folder)
    ]
    assert left == []
    assert all(path.name.endswith(GOLDEN) for path in golden)


@pytest.mark.clause("behaviours")
def test_fixtures_are_named_for_a_behaviour(vendor: Vendor) -> None:
    assert vendor.fixtures
    assert [one.name for one in vendor.fixtures if not re.fullmatch(r"[a-z][a-z0-9_]{4,}", one.name)] == []
