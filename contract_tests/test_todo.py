"""What is still to do: the marks that `bridge new-adapter` leaves for whoever knows the vendor."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract_tests.fixtures import GOLDEN
from contract_tests.shipped import ROOT
from contract_tests.vendors import Vendor

MARK = "FILL IN"


def _files(vendor: Vendor) -> list[Path]:
    own = [path for path in vendor.folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    own = [path for path in own if not path.name.endswith(GOLDEN)]  # they say again what the fixture says
    others = [ROOT / "mappings" / f"{vendor.name}.yaml", ROOT / "contract_tests" / "fakes" / f"{vendor.name}.py"]
    return sorted(own) + [path for path in others if path.is_file()]


@pytest.mark.clause("filled_in")
def test_nothing_is_left_to_fill_in(vendor: Vendor) -> None:
    left = [
        f"{path.relative_to(ROOT)}:{number}: {line.partition(MARK)[2].lstrip(': ')}"
        for path in _files(vendor)
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if MARK in line
    ]
    assert left == [], "still to do:\n" + "\n".join(left)
