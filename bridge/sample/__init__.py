"""A made-up contact center to try the product on: the same for one day and seed, loaded through the real adapters."""

from bridge.sample.center import SEED, Center, callers, callers_at, make_center
from bridge.sample.demo import CUSTOMERS, Example, choose_sources, example_sources, guard_demo, load_example
from bridge.sample.effects import SCRIPTS, Approach
from bridge.sample.export import Written, write_sample
from bridge.sample.records import Caller, Cause, Fate

__all__ = [
    "CUSTOMERS",
    "SCRIPTS",
    "SEED",
    "Approach",
    "Caller",
    "Cause",
    "Center",
    "Example",
    "Fate",
    "Written",
    "callers",
    "callers_at",
    "choose_sources",
    "example_sources",
    "guard_demo",
    "load_example",
    "make_center",
    "write_sample",
]
