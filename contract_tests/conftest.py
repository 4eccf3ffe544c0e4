"""Runs each clause for each vendor whose capabilities call for it; what is skipped says why."""

from __future__ import annotations

import pytest

from bridge.adapter.manifest import Capability
from contract_tests.vendors import Vendor, discover

VENDORS = {vendor.name: vendor for vendor in discover()}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write *.expected.json anew; read the diff")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "clause(name, *capabilities): a clause of the contract and what calls for it")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vendor" in metafunc.fixturenames:
        metafunc.parametrize("vendor", VENDORS.values(), ids=VENDORS.keys(), indirect=True)


@pytest.fixture(autouse=True)
def _answers_need_not_be_that_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """An oversize answer is oversize with two megabytes, too; sending sixteen each time takes the kit minutes."""
    monkeypatch.setattr("bridge.adapter.client.MAX_ANSWER", 2 * 1024 * 1024)


@pytest.fixture
def vendor(request: pytest.FixtureRequest) -> Vendor:
    """The vendor under contract; skips where the clause does not apply to it."""
    under: Vendor = request.param
    clause = request.node.get_closest_marker("clause")
    name, needed = clause.args[0], clause.args[1:]
    missing: list[Capability] = [one for one in needed if one not in under.manifest.capabilities]
    if missing:
        pytest.skip(f"{under.name} does not offer {', '.join(missing)}")
    if name in under.manifest.exempt:
        pytest.skip(f"{under.name} is exempt from {name}: {under.manifest.exempt[name]}")
    return under


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written anew."""
    return bool(request.config.getoption("--update-golden"))
