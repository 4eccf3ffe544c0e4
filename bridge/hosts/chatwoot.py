"""Chatwoot: a dashboard app, a page in a tab beside the conversation that gets a message which nobody signed."""

from __future__ import annotations

from typing import Final

from bridge.hosts.host import Host, Kind, Rule

_GUIDE = "https://www.chatwoot.com/hc/user-guide/articles/1677691702"
_UNSIGNED = "https://github.com/chatwoot/chatwoot/issues/13791"

HOST: Final = Host(
    name="chatwoot",
    title="Chatwoot",
    kind=Kind.desktop,
    budget_ms=3000,
    rules=(
        Rule(
            code="closed",
            text="Whoever has the address can load the page and forge the message: without a ticket there is no card",
            source=_UNSIGNED,
        ),
        Rule(code="framing", text="The page lets this host hold it, and nobody else", source=_GUIDE, sure=False),
        Rule(
            code="cookies",
            text="The page is loaded anew with each tab, and its cookies are third-party ones: none is set",
            source="https://github.com/chatwoot/chatwoot/issues/7251",
        ),
    ),
)
