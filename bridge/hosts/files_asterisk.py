"""Asterisk and FreePBX: a dialplan that asks before it queues, and goes on whatever happens.

https://docs.asterisk.org/Latest_API/API_Documentation/Dialplan_Functions/CURLOPT/
"""

from __future__ import annotations

from typing import Final

from bridge.hosts.files import Files, Plan, readmes, render

_CONNECT_SECONDS: Final = 1
_WAIT_SECONDS: Final = 1.8
"""CURL blocks the call for so long at most: the preset of 1.5 s lies within, and a call is in its queue by 2.5 s."""


def make(plan: Plan) -> Files:
    """The files for Asterisk."""
    more = {"connect": _CONNECT_SECONDS, "wait": _WAIT_SECONDS}
    return {
        "extensions_retention_bridge.conf": render("asterisk/extensions_retention_bridge.conf.jinja", plan, **more),
        "extensions_retention_bridge_key.conf": render("asterisk/extensions_retention_bridge_key.conf.jinja", plan),
        "queues_retention_bridge.conf": render("asterisk/queues_retention_bridge.conf.jinja", plan),
        **readmes("asterisk", plan, **more),
    }
