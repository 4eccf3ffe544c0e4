"""Zendesk: an app in the sidebar of a ticket, loaded by a signed address."""

from __future__ import annotations

from typing import Final

from bridge.hosts.host import Host, Kind, Rule

_FRAMEWORK = "https://developer.zendesk.com/documentation/apps/"
_SIGNED = (
    "https://developer.zendesk.com/documentation/apps/build-an-app/building-a-server-side-app/part-5-secure-the-app/"
)

HOST: Final = Host(
    name="zendesk",
    title="Zendesk",
    kind=Kind.desktop,
    budget_ms=3000,
    rules=(
        Rule(
            code="signed_post",
            text="The first request is a POST with the field token, and only that one",
            source=_SIGNED,
        ),
        Rule(
            code="forged_token",
            text="The token is RS256 and made out to this installation: any other is refused",
            source=_SIGNED,
        ),
        Rule(code="framing", text="The page lets this host hold it, and nobody else", source=_FRAMEWORK),
        Rule(code="cookies", text="Cookies of a page in a frame are unreliable: none is set", source=_FRAMEWORK),
        Rule(code="https", text="Apps are loaded over HTTPS only", source=_FRAMEWORK, sure=False),
    ),
)
