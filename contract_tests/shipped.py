"""What comes with the repository, read once: hundreds of tests stand on it, and none changes it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bridge.adapter import registry
from bridge.flow import Rules, load_rules
from bridge.settings import read_settings

ROOT = Path(__file__).resolve().parents[1]
ADAPTERS = ROOT / "adapters"


@cache
def vendors() -> dict[str, registry.Vendor]:
    """Every vendor in `adapters/`, found as the bridge finds them."""
    return registry.load_vendors(ADAPTERS, ROOT / "mappings")


@cache
def rules() -> Rules:
    """All of `config/`."""
    return load_rules(read_settings())
