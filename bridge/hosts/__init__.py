"""What each phone system and desktop wants: its limits, its shapes, and what has to be set up on the other side.

The one room of the product that names vendors.
"""

from bridge.hosts.config import Embed, EmbedsForm, HostsFile, Trust, load_hosts
from bridge.hosts.host import Host, Kind, Rule
from bridge.hosts.zendesk_token import Admitted, Refused, read_token

__all__ = [
    "Admitted",
    "Embed",
    "EmbedsForm",
    "Host",
    "HostsFile",
    "Kind",
    "Refused",
    "Rule",
    "Trust",
    "load_hosts",
    "read_token",
]
