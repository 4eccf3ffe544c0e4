"""Amazon Connect: a function that the flow invokes, and an app of the agent workspace."""

from __future__ import annotations

from typing import Final

from bridge.hosts.host import Host, Kind, Rule

_BLOCK = "https://docs.aws.amazon.com/connect/latest/adminguide/invoke-lambda-function-block.html"
_INVOKE = "https://docs.aws.amazon.com/connect/latest/APIReference/interactions-invokelambdafunction.html"
_FUNCTIONS = "https://docs.aws.amazon.com/connect/latest/adminguide/connect-lambda-functions.html"
_WORKSPACE = "https://docs.aws.amazon.com/agentworkspace/latest/devguide/"

HOST: Final = Host(
    name="amazon_connect",
    title="Amazon Connect",
    kind=Kind.both,
    budget_ms=1500,
    rules=(
        Rule(
            code="deadline",
            text="The flow waits for 1 to 8 s, retries included, and the caller hears nothing meanwhile (ms)",
            limit=8000,
            source=_BLOCK,
        ),
        Rule(code="size", text="An answer has less than 32 KB of UTF-8 (bytes)", limit=32_767, source=_INVOKE),
        Rule(code="flat", text="STRING_MAP: one flat object, all values strings", source=_INVOKE),
        Rule(code="names", text="Keys of letters, digits, - and _", source=_FUNCTIONS),
        Rule(
            code="values",
            text="Values that flows branch on are of letters, digits, - and _ (their own example has spaces)",
            source=_FUNCTIONS,
            sure=False,
        ),
        Rule(
            code="event",
            text="The event of a flow is understood as it is, unknown fields and nulls included",
            source=_FUNCTIONS,
        ),
        Rule(
            code="retries",
            text="A request is repeated up to three times: the same answer, and one interaction",
            limit=3,
            source=_BLOCK,
        ),
        Rule(code="ok", text="An error takes the Error branch: nobody found is 200 too", source=_BLOCK),
        Rule(
            code="every_key",
            text="$.External.name is empty where it is missing: every key is always there",
            source=_FUNCTIONS,
        ),
        Rule(code="framing", text="The page lets this host hold it, never X-Frame-Options: DENY", source=_WORKSPACE),
    ),
)
