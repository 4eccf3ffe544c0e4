"""Any desktop that can hold a page in a frame."""

from __future__ import annotations

from typing import Final

from bridge.hosts.host import Host, Kind, Rule

HOST: Final = Host(
    name="iframe",
    title="A page of yours",
    kind=Kind.desktop,
    budget_ms=3000,
    rules=(
        Rule(
            code="framing",
            text="The page lets the configured origins hold it, and nobody else",
            source="https://www.w3.org/TR/CSP3/#directive-frame-ancestors",
        ),
        Rule(
            code="closed",
            text="A message names whom to show and opens nothing: without a ticket there is no card",
            source="https://html.spec.whatwg.org/multipage/web-messaging.html#security-postmsg",
        ),
        Rule(
            code="cookies",
            text="Browsers keep cookies from pages in frames: none is set",
            source="https://developer.mozilla.org/docs/Web/Privacy/Guides/Third-party_cookies",
        ),
    ),
)
