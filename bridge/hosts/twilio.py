"""Twilio: the widget of Studio that makes a request, and TwiML that is fetched by a form."""

from __future__ import annotations

from typing import Final

from bridge.hosts.host import Host, Kind, Rule

_WIDGET = "https://www.twilio.com/docs/studio/widget-library/http-request"
_RESERVED = "https://www.twilio.com/docs/api/errors/81014"

HOST: Final = Host(
    name="twilio",
    title="Twilio",
    kind=Kind.ivr,
    budget_ms=2000,
    rules=(
        Rule(code="deadline", text="The widget waits for 10 s (older pages say 5 s; ms)", limit=5000, source=_WIDGET),
        Rule(code="size", text="An answer has at most 64 kB (bytes)", limit=64_000, source=_WIDGET),
        Rule(
            code="form", text="The body is a form unless the flow says otherwise, with From or Caller", source=_WIDGET
        ),
        Rule(
            code="basic", text="User name and password of the address are sent as basic authentication", source=_WIDGET
        ),
        Rule(code="json_answer", text="Only application/json with an object at the top is parsed", source=_WIDGET),
        Rule(code="flat", text="One flat object, all values strings: parsed.key needs no path", source=_WIDGET),
        Rule(code="names", text="method is a reserved name", source=_RESERVED),
        Rule(code="ok", text="4xx and 5xx take the Failed exit: nobody found is 200 too", source=_WIDGET),
        Rule(code="retries", text="A request that is repeated gets the same answer", source=_WIDGET, sure=False),
        Rule(code="every_key", text="A missing key is empty text in a flow: every key is always there", source=_WIDGET),
    ),
)
