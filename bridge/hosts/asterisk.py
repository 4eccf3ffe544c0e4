"""Asterisk and FreePBX: the CURL function of a dialplan, which blocks the call and reads any body as text."""

from __future__ import annotations

from typing import Final

from bridge.hosts.host import Host, Kind, Rule

_CURL = "https://docs.asterisk.org/Latest_API/API_Documentation/Dialplan_Functions/CURL/"
_CURLOPT = "https://docs.asterisk.org/Latest_API/API_Documentation/Dialplan_Functions/CURLOPT/"

HOST: Final = Host(
    name="asterisk",
    title="Asterisk",
    kind=Kind.ivr,
    budget_ms=1500,
    rules=(
        Rule(
            code="deadline",
            text="CURL blocks the call until CURLOPT(httptimeout) is over; our dialplan sets 1.8 s (ms)",
            limit=1800,
            source=_CURLOPT,
        ),
        Rule(
            code="form_answer",
            text="hashcompat makes a hash of key=value&key=value, and each key becomes a field",
            source=_CURLOPT,
            sure=False,
        ),
        Rule(code="form", text="The second argument of CURL is posted as a form", source=_CURL),
        Rule(
            code="size",
            text="The body becomes one variable of the channel (bytes)",
            limit=8192,
            source=_CURL,
            sure=False,
        ),
        Rule(code="names", text="Names of fields: letters, digits, - and _", source=_CURL, sure=False),
        Rule(code="values", text="Values a dialplan branches on: letters, digits, - and _", source=_CURL, sure=False),
        Rule(
            code="refusal",
            text="The body of a 401 or 500 is read like any other: there is no field in it that could be a route",
            source=_CURL,
        ),
        Rule(code="ok", text="Nobody found is 200 with every field", source=_CURL),
        Rule(code="every_key", text="A field that is missing is empty: every field is always there", source=_CURL),
        Rule(code="retries", text="A request that is repeated gets the same answer", source=_CURL, sure=False),
    ),
)
