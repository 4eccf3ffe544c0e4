"""All hosts that we know the rules of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.hosts import amazon_connect, asterisk, chatwoot, genesys, iframe, twilio, zendesk
from bridge.hosts.host import Host

_MODULES: Final = (genesys, amazon_connect, twilio, asterisk, zendesk, chatwoot, iframe)

HOSTS: Final[Mapping[str, Host]] = {one.HOST.name: one.HOST for one in _MODULES}
"""By the name that a look-up gives as `host`."""

BUDGETS: Final[Mapping[str, int]] = {name: host.budget_ms for name, host in HOSTS.items()}
"""What a look-up may take for each of them, in milliseconds, where the request does not say otherwise."""
