"""What each code of a rule means, as it can be seen from outside."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from bridge import flat
from bridge.hosts.checking import Broken, Check, Gateway, Reply, Skipped
from bridge.hosts.host import Rule

HIDDEN: Final = ("anonymous", "Restricted", "unavailable", "+266696687", "sip:anonymous@anonymous.invalid", "")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_VALUE: Final = re.compile(r"[A-Za-z0-9_-]*")
_TAKEN: Final = frozenset({"orgId", "integrationId", "rawRequest", "method"})
_BRANCHED_ON: Final = tuple(key.name for key in flat.HEAD)
_TICKET: Final = re.compile(rb'"ticket":"([^"]*)"')
_FORM: Final = "application/x-www-form-urlencoded"
_WRONG_KEY: Final = "rb_000000000000_0000000000000000000000000000000000000000000"
_AT_HOME: Final = frozenset({"127.0.0.1", "localhost", "::1"})


async def deadline(gateway: Gateway, rule: Rule) -> str:
    """Strangers (so that sources are asked), hidden numbers and the known one, each within the budget."""
    phones = [gateway.stranger() for _ in range(5)] + ["anonymous", ""] + [gateway.known] * (5 if gateway.known else 0)
    replies = [await gateway.look_up(params={"phone": phone, "interaction": gateway.call()}) for phone in phones]
    return _in_time(replies, min(gateway.host.budget_ms, rule.limit or gateway.host.budget_ms))


async def crowd(gateway: Gateway, rule: Rule) -> str:
    count = int(rule.limit or 50)
    replies = await asyncio.gather(*(gateway.look_up(params={"phone": gateway.stranger()}) for _ in range(count)))
    return _in_time(replies, gateway.host.budget_ms)


def _in_time(replies: Iterable[Reply], budget_ms: float) -> str:
    slowest = 0
    replies = list(replies)
    for reply in replies:
        reply.flat()
        slowest = max(slowest, reply.ms)
    said = f"slowest of {len(replies)}: {slowest} ms; budget {budget_ms:.0f} ms"
    if slowest > budget_ms:
        raise Broken(said)
    return said


async def sources(gateway: Gateway, rule: Rule) -> str:
    """Little time and a stranger: sources that are slow are cut off and named."""
    budget = min(400, gateway.host.budget_ms)
    said = ""
    for _ in range(3):
        reply = await gateway.look_up(params={"phone": gateway.stranger(), "budget_ms": str(budget)})
        answer = reply.flat()
        if reply.ms > budget:
            raise Broken(f"took {reply.ms} ms with a budget of {budget} ms")
        if (missing := answer.get("missing_sources", "")) and answer.get("degraded") != "true":
            raise Broken(f"{missing} did not answer, and degraded is {answer.get('degraded')}")
        said = f"missing: {missing or 'none'}; {reply.ms} ms of {budget}"
    return said


async def size(gateway: Gateway, rule: Rule) -> str:
    replies = [await gateway.look_up(params={"phone": phone}) for phone in _both(gateway)]
    largest = max(len(reply.body) for reply in replies)
    if rule.limit is not None and largest > rule.limit:
        raise Broken(f"{largest} bytes, more than {rule.limit:.0f}")
    return f"{largest} bytes"


async def flatness(gateway: Gateway, rule: Rule) -> str:
    answers = [(await gateway.look_up(params={"phone": phone})).flat() for phone in _both(gateway)]
    return f"{len(answers[0])} keys, all values strings"


async def names(gateway: Gateway, rule: Rule) -> str:
    answer = (await gateway.look_up(params={"phone": gateway.stranger()})).flat()
    if bad := [name for name in answer if not _NAME.fullmatch(name) or name in _TAKEN]:
        raise Broken(f"not allowed: {', '.join(bad)}")
    return f"{len(answer)} names"


async def values(gateway: Gateway, rule: Rule) -> str:
    for phone in _both(gateway):
        answer = (await gateway.look_up(params={"phone": phone})).flat()
        if bad := [name for name in _BRANCHED_ON if not _VALUE.fullmatch(answer.get(name, ""))]:
            raise Broken(f"other characters in: {', '.join(bad)}")
    return f"{len(_BRANCHED_ON)} values that flows branch on"


async def every_key(gateway: Gateway, rule: Rule) -> str:
    seen = [tuple((await gateway.look_up(params={"phone": phone})).flat()) for phone in (*_both(gateway), *HIDDEN)]
    if len(set(seen)) != 1:
        raise Broken(f"answers differ in their keys: {', '.join(sorted(set(seen[0]) ^ set().union(*seen)))}")
    if lacking := [name for name in flat.NAMES if name not in seen[0]]:
        raise Broken(f"missing: {', '.join(lacking)}")
    return f"{len(seen[0])} keys in {len(seen)} answers"


async def found_or_not(gateway: Gateway, rule: Rule) -> str:
    answer = (await gateway.look_up(params={"phone": gateway.stranger()})).flat()
    if answer["found"] != "false":
        raise Broken("somebody has this number: give one that nobody has with --unknown-phone")
    return "200, found false"


async def withheld(gateway: Gateway, rule: Rule) -> str:
    for number in HIDDEN:
        answer = (await gateway.look_up("POST", data={"phone": number})).flat()
        if answer["match"] != "none":
            raise Broken(f"{number or 'an empty number'} is {answer['match']}")
    return f"{len(HIDDEN)} forms"


async def correlation(gateway: Gateway, rule: Rule) -> str:
    id = f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-{secrets.token_hex(6)}"
    reply = await gateway.look_up(headers={"ININ-Correlation-Id": id}, params={"phone": ""})
    if reply.headers.get("x-request-id") != id:
        raise Broken("it does not come back as X-Request-Id")
    return "comes back as X-Request-Id, and is in the log"


async def as_json(gateway: Gateway, rule: Rule) -> str:
    return await _understood(gateway, "POST", json=_fields(gateway, "phone", "interaction"))


async def as_form(gateway: Gateway, rule: Rule) -> str:
    pairs = (("phone", "interaction"), ("From", "CallSid"), ("Caller", "CallSid"))
    said = [await _understood(gateway, "POST", data=_fields(gateway, *pair)) for pair in pairs]
    return said[-1]


async def as_event(gateway: Gateway, rule: Rule) -> str:
    fields = _fields(gateway, "phone", "interaction")
    data = {
        "ContactId": fields["interaction"],
        "InitialContactId": fields["interaction"],
        "PreviousContactId": None,
        "Channel": "VOICE",
        "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": fields["phone"]},
        "SystemEndpoint": None,
        "Queue": None,
        "Attributes": {},
        "SomethingNew": {"of": ["theirs"]},
    }
    event = {"Name": "ContactFlowEvent", "Details": {"ContactData": data, "Parameters": {}}}
    return await _understood(gateway, "POST", json=event)


async def by_password(gateway: Gateway, rule: Rule) -> str:
    (await gateway.by_password(data=_fields(gateway, "From", "CallSid"))).flat()
    return "200 with the key as password"


async def json_answer(gateway: Gateway, rule: Rule) -> str:
    for accept in ("*/*", "application/json", "text/html"):
        reply = await gateway.look_up(headers={"accept": accept}, params={"phone": gateway.stranger()})
        if not reply.headers.get("content-type", "").startswith("application/json"):
            raise Broken(f"{reply.headers.get('content-type')} for Accept: {accept}")
        reply.flat()
    return "application/json, an object"


async def form_answer(gateway: Gateway, rule: Rule) -> str:
    reply = await gateway.look_up(headers={"accept": _FORM}, params={"phone": gateway.stranger()})
    pairs = parse_qsl(reply.body.decode("ascii", "replace"), keep_blank_values=True, strict_parsing=False)
    if tuple(name for name, _ in pairs) != flat.NAMES:
        raise Broken("the answer is no form with every key")
    return f"{len(pairs)} fields"


async def retries(gateway: Gateway, rule: Rule) -> str:
    fields = {"phone": gateway.known or gateway.stranger(), "interaction": gateway.call()}
    answers = [(await gateway.look_up("POST", json=fields)).flat() for _ in range(int(rule.limit or 3))]
    answer = answers[0]
    if any(one[name] != answer[name] for one in answers for name in _BRANCHED_ON):
        raise Broken("the same request got different answers")
    if not gateway.known or answer["match"] != "exact":
        return "the same answer; --known-phone would also show that it stays one interaction"
    again = (await gateway.look_up(params={"interaction": fields["interaction"]})).flat()
    if again["customer_id"] != answer["customer_id"]:
        raise Broken("the interaction is not remembered as this customer's")
    return "the same answer, one interaction"


async def placeholders(gateway: Gateway, rule: Rule) -> str:
    for token in ("{{pcConversationId}}", "${input.conversationId}"):
        answer = (await gateway.look_up(params={"interaction": token})).flat()
        if answer["match"] != "none":
            raise Broken(f"{token} is {answer['match']}")
    return "nobody, and no error"


async def refusal(gateway: Gateway, rule: Rule) -> str:
    """A wrong key and none, in all formats in which a body could be read."""
    for headers in ({"authorization": f"Bearer {_WRONG_KEY}"}, {"x-api-key": _WRONG_KEY}, {}):
        for accept in ("application/json", _FORM, "text/plain"):
            reply = await gateway.send("GET", "/v1/lookup?phone=anonymous", headers=headers | {"accept": accept})
            if reply.status != 401:
                raise Broken(f"a wrong key is answered {reply.status}")
            if found := _keys(reply.body) & set(flat.NAMES):
                raise Broken(f"the refusal holds {', '.join(sorted(found))}")
    return "401 without any key of the answer"


def _keys(body: bytes) -> set[str]:
    """All that any reader of `body` could take for a key."""
    text = body.decode("utf-8", "replace")
    found = {name for name, _ in parse_qsl(text, keep_blank_values=True)}
    found |= {line.partition("=")[0].strip() for line in text.splitlines() if "=" in line}
    try:
        return found | _nested(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return found


def _nested(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in _nested(inner)}
    return set()


async def framing(gateway: Gateway, rule: Rule) -> str:
    reply = await gateway.page()
    policy = reply.headers.get("content-security-policy", "")
    allowed = next((one.split()[1:] for one in policy.split(";") if one.split()[:1] == ["frame-ancestors"]), None)
    if not allowed:
        raise Broken("no Content-Security-Policy with frame-ancestors: anybody could hold the page")
    if open_to := {"*", "https:", "http:", "'none'"} & set(allowed):
        raise Broken(f"frame-ancestors {', '.join(sorted(open_to))}")
    if barred := reply.headers.get("x-frame-options"):
        raise Broken(f"X-Frame-Options: {barred} keeps the host out as well")
    return f"frame-ancestors {' '.join(allowed)}"


async def cookies(gateway: Gateway, rule: Rule) -> str:
    reply = await gateway.page()
    if "set-cookie" in reply.headers:
        raise Broken("the page sets a cookie")
    return "none"


async def https(gateway: Gateway, rule: Rule) -> str:
    parts = urlsplit(gateway.url)
    if parts.scheme == "https":
        return "https"
    if parts.hostname in _AT_HOME:
        raise Skipped("this is the machine itself: check the address that the host will call")
    raise Broken("the address begins with http://")


async def closed(gateway: Gateway, rule: Rule) -> str:
    _no_ticket(await gateway.page())
    reply = await gateway.send("POST", "/v1/assist", json={"phone": gateway.known or gateway.stranger()})
    if reply.status != 401:
        raise Broken(f"a card is asked for without a ticket, and answered {reply.status}")
    return "no ticket in the page, 401 for a card"


async def signed_post(gateway: Gateway, rule: Rule) -> str:
    for method, fields in (("GET", None), ("POST", None), ("POST", {"token": ""})):
        reply = await gateway.page(method, data=fields)
        if reply.status != 401:
            raise Broken(f"{method} without a token is answered {reply.status}")
        _no_ticket(reply)
    return "401 without a token"


async def forged_token(gateway: Gateway, rule: Rule) -> str:
    now = datetime.now(timezone.utc)
    claims = {"iss": "x.zendesk.com", "aud": "x", "sub": "https://x.zendesk.com/api/v2/users/1.json"}
    times = {"iat": now, "nbf": now, "exp": now + timedelta(minutes=1)}
    key = generate_private_key(public_exponent=65537, key_size=2048)
    tokens = {
        "another key": jwt.encode(claims | times, key, algorithm="RS256"),
        "HS256": jwt.encode(claims | times, "0" * 32, algorithm="HS256"),
        "no signature": jwt.encode(claims | times, "", algorithm="none"),
        "nonsense": "a.b.c",
    }
    for what, token in tokens.items():
        reply = await gateway.page("POST", data={"token": token})
        if reply.status != 401:
            raise Broken(f"a token with {what} is answered {reply.status}")
        _no_ticket(reply)
    return f"401 for {', '.join(tokens)}"


def _no_ticket(reply: Reply) -> None:
    if any(_TICKET.findall(reply.body)):
        raise Broken("the page holds a ticket that nobody signed in for")


def _both(gateway: Gateway) -> tuple[str, ...]:
    return (gateway.stranger(), gateway.known) if gateway.known else (gateway.stranger(),)


def _fields(gateway: Gateway, caller: str, id: str) -> dict[str, str]:
    return {caller: gateway.known or gateway.stranger(), id: gateway.call()}


async def _understood(gateway: Gateway, method: str, **given: Any) -> str:
    """200; and where a known phone was given, it is found."""
    answer = (await gateway.look_up(method, **given)).flat()
    if gateway.known and answer["match"] == "none":
        raise Broken("the known phone is not found this way")
    return f"200, match {answer['match']}"


CHECKS: Final[Mapping[str, Check]] = {
    "basic": by_password,
    "closed": closed,
    "cookies": cookies,
    "correlation": correlation,
    "crowd": crowd,
    "deadline": deadline,
    "event": as_event,
    "every_key": every_key,
    "flat": flatness,
    "forged_token": forged_token,
    "form": as_form,
    "form_answer": form_answer,
    "framing": framing,
    "https": https,
    "json": as_json,
    "json_answer": json_answer,
    "names": names,
    "ok": found_or_not,
    "placeholders": placeholders,
    "refusal": refusal,
    "retries": retries,
    "signed_post": signed_post,
    "size": size,
    "sources": sources,
    "values": values,
    "withheld": withheld,
}
"""By the code of a rule."""
