"""What each phone system and desktop wants: its limits, its shapes, and what has to be set up on the other side.

The one room of the product that names vendors.
"""

from bridge.hosts.host import Host, Kind, Rule

__all__ = ["Host", "Kind", "Rule"]
