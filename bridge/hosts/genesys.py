"""Genesys Cloud: a data action of the flow, and a widget beside the interaction."""

from __future__ import annotations

from typing import Final

from bridge.hosts.host import Host, Kind, Rule

_DATA_ACTIONS = "https://help.mypurecloud.com/articles/call-data-action/"
_CONTRACTS = "https://help.mypurecloud.com/?p=141876"
_RESPONSES = "https://rubydoc.info/gems/purecloudplatformclientv2"
_LIMITS = "https://help.mypurecloud.com/articles/data-actions-integration-performance-analysis/"
_WIDGETS = "https://developer.genesys.cloud/platform/integrations/client-apps"

HOST: Final = Host(
    name="genesys",
    title="Genesys Cloud",
    kind=Kind.both,
    budget_ms=1000,
    rules=(
        Rule(
            code="deadline",
            text="A data action waits for 1 to 60 s, as configured; after 1 s the caller hears a filler prompt (ms)",
            limit=1000,
            source=_DATA_ACTIONS,
        ),
        Rule(
            code="crowd",
            text="Some 50 data actions run at once, and what is beyond is rejected: slow answers cost all callers",
            limit=50,
            source=_LIMITS,
            sure=False,
        ),
        Rule(
            code="size",
            text="An answer stays below 256 KB (said of functions; bytes)",
            limit=262_144,
            source="https://developer.genesys.cloud/blog/",
            sure=False,
        ),
        Rule(code="flat", text="The answer is one object and has no nested arrays", source=_CONTRACTS),
        Rule(
            code="names",
            text="Names begin with a letter; then letters, digits, - and _; orgId, integrationId, rawRequest are taken",
            source=_CONTRACTS,
        ),
        Rule(
            code="every_key",
            text="A missing value without a default fails the action: every key is in every answer",
            source=_RESPONSES,
        ),
        Rule(
            code="ok", text="Whatever is no 2xx takes the Failure exit: nobody found is 200 too", source=_DATA_ACTIONS
        ),
        Rule(
            code="correlation",
            text="ININ-Correlation-Id is accepted and comes back, so that both logs can be laid side by side",
            source="https://developer.genesys.cloud/blog/",
            sure=False,
        ),
        Rule(code="json", text="A request by POST with a JSON body is understood", source=_DATA_ACTIONS),
        Rule(code="retries", text="A request that is repeated gets the same answer", source=_DATA_ACTIONS, sure=False),
        Rule(
            code="placeholders",
            text="A token that was not replaced arrives as {{pcConversationId}}: it names nobody",
            source=_WIDGETS,
        ),
        Rule(code="https", text="Widgets are loaded over HTTPS only", source=_WIDGETS),
        Rule(code="framing", text="The page lets this host hold it, and nobody else", source=_WIDGETS),
    ),
)
"""The prompt after a second is what makes the budget: below it nobody waits in silence or listens to a filler."""
