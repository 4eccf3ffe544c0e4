"""A small contact center to try the product on: made up, the same every time, loaded through the real adapters."""

from bridge.sample.center import Center, make_center
from bridge.sample.demo import Example, choose_sources, guard_demo, load_example

__all__ = ["Center", "Example", "choose_sources", "guard_demo", "load_example", "make_center"]
