"""A host's published rules, replayed against a running gateway from where the host would call: over the network.

What a rule's `code` means is in CHECKS; each gives a verdict and, in words, what was seen. Nothing is changed at the
gateway, but that the interactions named `host-check-…` are remembered for a while where a known phone was given.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, Final, Literal

import httpx
import msgspec
from msgspec import Struct

from bridge.hosts.host import Host, Kind, Rule

Verdict = Literal["pass", "fail", "skipped"]
PATIENCE_S: Final = 15.0
"""When no answer has come by then, none is waited for."""

OURS: Final = (
    Rule(
        code="sources",
        text="Slow and broken sources cost no time, and an answer says which of them are missing",
        source="docs/HOSTS.md",
    ),
    Rule(code="withheld", text="Who hides the number is nobody, and no error", source="docs/HOSTS.md"),
    Rule(
        code="refusal",
        text="What is refused carries no key that a flow could take for a route",
        source="docs/HOSTS.md",
    ),
)
"""What we promise every phone system besides its own rules."""


class Finding(Struct, frozen=True, kw_only=True):
    """What became of one rule."""

    rule: Rule
    verdict: Verdict
    found: str


class Broken(Exception):
    """The rule does not hold; the message says what was seen."""


class Skipped(Exception):
    """The rule could not be looked at; the message says why."""


class Reply(Struct, frozen=True):
    """What came back, and after how long, as measured here."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def ms(self) -> int:
        return round(self.seconds * 1000)

    def flat(self) -> dict[str, str]:
        """The flat answer. Raises Broken where it is none."""
        if self.status != 200:
            raise Broken(f"answered {self.status} instead of 200")
        try:
            return msgspec.json.decode(self.body, type=dict[str, str])
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Broken("the answer is not one JSON object with strings as values") from None


class Gateway:
    """The gateway under test. `known` is a phone that it surely knows, "" where nobody gave one."""

    def __init__(self, client: httpx.AsyncClient, host: Host, *, url: str, key: str, known: str, unknown: str) -> None:
        self._client = client
        self._key = key
        self._unknown = unknown
        self.host = host
        self.url = url.rstrip("/")
        self.known = known

    def stranger(self) -> str:
        """A number that nobody has: one that was given, else each time another of those kept for films in Germany.

        bundesnetzagentur.de: 030 23125 000 to 999
        """
        return self._unknown or f"+493023125{secrets.randbelow(1000):03d}"

    def call(self) -> str:
        """The id of an interaction that never was."""
        return f"host-check-{secrets.token_hex(6)}"

    async def look_up(self, method: str = "GET", headers: Mapping[str, str] | None = None, **given: Any) -> Reply:
        """A look-up as this host, with the key; `given` goes to httpx (params, data, json)."""
        if not self._key:
            raise Skipped("needs --key: an access key with the scope ivr")
        own = {"authorization": f"Bearer {self._key}", "x-host": self.host.name}
        return await self.send(method, "/v1/lookup", headers=own | dict(headers or {}), **given)

    async def by_password(self, **given: Any) -> Reply:
        """A look-up whose key is the password of basic authentication."""
        if not self._key:
            raise Skipped("needs --key: an access key with the scope ivr")
        return await self.send("POST", "/v1/lookup", auth=httpx.BasicAuth(self.host.name, self._key), **given)

    async def page(self, method: str = "GET", query: str = "", **given: Any) -> Reply:
        """The page that this host holds. Raises Skipped where it is off."""
        reply = await self.send(method, f"/embed/{self.host.name}{query}", **given)
        if reply.status == 404:
            raise Skipped(f"the page is off: config/hosts.yaml, embeds.{self.host.name}")
        return reply

    async def send(self, method: str, path: str, **given: Any) -> Reply:
        """Any request. Raises Broken where no answer comes."""
        began = perf_counter()
        try:
            answer = await self._client.request(method, self.url + path, **given)
        except httpx.HTTPError as problem:
            raise Broken(f"no answer after {perf_counter() - began:.1f} s: {type(problem).__name__}") from None
        return Reply(answer.status_code, answer.headers, answer.content, perf_counter() - began)


Check = Callable[[Gateway, Rule], Awaitable[str]]
"""Says what was seen; raises Broken or Skipped."""


def rules_of(host: Host) -> tuple[Rule, ...]:
    """The rules that are replayed for `host`: its own, and for phone systems also OURS."""
    if host.kind is Kind.desktop:
        return host.rules
    return (*host.rules, *(rule for rule in OURS if host.rule(rule.code) is None))


async def check_host(
    host: Host,
    checks: Mapping[str, Check],
    *,
    url: str,
    key: str = "",
    known: str = "",
    unknown: str = "",
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Finding]:
    """One finding for each rule of `host`, as they come."""
    async with httpx.AsyncClient(transport=transport, timeout=PATIENCE_S, trust_env=False) as client:
        gateway = Gateway(client, host, url=url, key=key, known=known, unknown=unknown)
        for rule in rules_of(host):
            verdict: Verdict = "pass"
            try:
                found = await checks[rule.code](gateway, rule)
            except Broken as problem:
                verdict, found = "fail", str(problem)
            except Skipped as problem:
                verdict, found = "skipped", str(problem)
            yield Finding(rule=rule, verdict=verdict, found=found)
