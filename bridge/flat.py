"""The look-up's flat answer: which keys there are, in which order, who may see them, and the bytes they become.

Every value is a string and every key is always there, so that a dialplan never meets a missing field. Keys are only
ever added. An answer is put together from three pieces that are encoded beforehand, where nobody waits:

    {"found":"true",…,"open_case":"false"      `head`, or `neutral` where no single customer is known
    ,"risk_score":"62",…,"consent_voice":…     `detail` for agents, BLANK_DETAIL for the phone system
    ,"loop_due_in_min":"",…,"ask_text":""}     `tail`, made for each answer

All bytes are ASCII (other characters as JSON escapes), without control characters, below 8 KB.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii
from typing import Final, Literal

from msgspec import Struct

SCHEMA: Final = "1"
"""Version of the key table; raised only if a key would ever change its meaning."""

Match = Literal["exact", "account", "ambiguous", "none"]
Sight = Literal["routing", "agent"]


class FlatKey(Struct, frozen=True):
    """One key of the answer: its value where nothing is known, its longest value, and who sees it."""

    name: str
    blank: str = ""
    limit: int = 120
    sight: Sight = "agent"
    token: bool = False
    """Hosts branch on it: nothing but letters, digits and `_ - . : ,` remains."""


HEAD: Final[tuple[FlatKey, ...]] = (
    FlatKey("found", "false", sight="routing", token=True),
    FlatKey("match", "none", sight="routing", token=True),
    FlatKey("candidates", "0", sight="routing", token=True),
    FlatKey("customer_id", sight="routing", token=True),
    FlatKey("decision_id", sight="routing", token=True),
    FlatKey("value_tier", "unknown", sight="routing", token=True),
    FlatKey("priority", "3", sight="routing", token=True),
    FlatKey("route_hint", "general", sight="routing", token=True),
    FlatKey("risk_band", "unknown", sight="routing", token=True),
    FlatKey("language", sight="routing", token=True),
    FlatKey("preferred_channel", "unknown", sight="routing", token=True),
    FlatKey("open_case", "false", sight="routing", token=True),
)
"""What the phone system may see; `found` is true exactly when one customer is known (match = exact)."""

DETAIL: Final[tuple[FlatKey, ...]] = (
    FlatKey("risk_score", token=True),
    FlatKey("reason_1", token=True),
    FlatKey("reason_2", token=True),
    FlatKey("reason_3", token=True),
    FlatKey("reason_1_text"),
    FlatKey("reason_2_text"),
    FlatKey("reason_3_text"),
    FlatKey("script_id", token=True),
    FlatKey("script_title", limit=80),
    FlatKey("script_line", limit=300),
    FlatKey("offer_ceiling"),
    FlatKey("owner", limit=80),
    FlatKey("consent_voice"),
)
"""What only an agent may see; "" for everybody else."""

TAIL: Final[tuple[FlatKey, ...]] = (
    FlatKey("loop_due_in_min", token=True),
    FlatKey("as_of_age_s", sight="routing", token=True),
    FlatKey("degraded", "false", sight="routing", token=True),
    FlatKey("missing_sources", sight="routing", token=True),
    FlatKey("answer_ms", "0", sight="routing", token=True),
    FlatKey("schema", SCHEMA, sight="routing", token=True),
    FlatKey("ask", sight="routing", token=True),
    FlatKey("ask_digits", sight="routing", token=True),
    FlatKey("ask_text", limit=200, sight="routing"),
)
"""What is only known at the moment of answering."""

KEYS: Final[tuple[FlatKey, ...]] = HEAD + DETAIL + TAIL
NAMES: Final[tuple[str, ...]] = tuple(key.name for key in KEYS)
ROUTING_NAMES: Final[frozenset[str]] = frozenset(key.name for key in KEYS if key.sight == "routing")

_BREAKS = re.compile(r"\s+")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_NOT_TOKEN = re.compile(r"[^A-Za-z0-9_.:,-]")


def clean(text: str, limit: int) -> str:
    """`text` on one line without control or direction characters, cut at a word to `limit` characters with `…`."""
    if not text.isprintable() or "  " in text or "\u00ad" in text:
        text = _UNPRINTABLE.sub("", _BREAKS.sub(" ", text))
    text = text.strip()
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    space = cut.rfind(" ")
    if space >= limit // 2 and text[limit - 1] != " ":
        cut = cut[:space]
    return cut.rstrip(" ,;:-–") + "…"


def head(values: Mapping[str, str]) -> bytes:
    """The keys of HEAD, from `{` on, without the closing brace; what `values` leaves out has its blank value.

    Raises ValueError for a key that is not one of HEAD.
    """
    return _HEAD.encode(values)


def detail(values: Mapping[str, str]) -> bytes:
    """The keys of DETAIL, beginning with a comma. Raises ValueError for a key that is not one of DETAIL."""
    return b"," + _DETAIL.encode(values)[1:]


def neutral(
    *,
    match: Match = "none",
    candidates: int = 0,
    customer: str = "",
    tier: str = "unknown",
    priority: int = 3,
    route: str = "general",
    language: str = "",
) -> bytes:
    """Head of an answer without a prepared decision: nobody, several candidates, or one whose decision is not ready."""
    return head(
        {
            "found": "true" if match == "exact" else "false",
            "match": match,
            "candidates": str(candidates),
            "customer_id": customer,
            "value_tier": tier,
            "priority": str(priority),
            "route_hint": route,
            "language": language,
        }
    )


def tail(
    *,
    age_seconds: int | None,
    degraded: bool,
    missing: str,
    answer_ms: int,
    ask: bytes = b"",
    loop_minutes: int | None = None,
) -> bytes:
    """The keys of TAIL, beginning with a comma and ending with the closing brace.

    `age_seconds` is None where there are no data to be old; `missing` is a comma-separated list of source names; `ask`
    is what `question` gave. `loop_minutes` is until the next clock of the customer's open loop runs out, negative when
    it has; None where no clock runs, or nobody may see it.
    """
    return b',"loop_due_in_min":"%b","as_of_age_s":"%b","degraded":"%b","missing_sources":"%b","answer_ms":"%d",%b' % (
        b"" if loop_minutes is None else b"%d" % loop_minutes,
        b"" if age_seconds is None else b"%d" % max(0, age_seconds),
        b"true" if degraded else b"false",
        _NOT_TOKEN.sub("", missing).encode("ascii") if missing else b"",
        max(0, answer_ms),
        ask or _NOT_ASKED,
    )


def question(code: str, digits: int, text: str) -> bytes:
    """The end of a tail: what the caller can be asked, how many digits they then enter at most, and the words."""
    return b'"schema":"%b","ask":"%b","ask_digits":"%b","ask_text":%b}' % (
        SCHEMA.encode("ascii"),
        _NOT_TOKEN.sub("", code).encode("ascii"),
        b"%d" % digits if code else b"",
        encode_basestring_ascii(clean(text, 200)).encode("ascii"),
    )


_NOT_ASKED: Final = question("", 0, "")


class _Part:
    """Keys that are encoded together. Three of these are encoded for every customer in each language."""

    def __init__(self, keys: tuple[FlatKey, ...]) -> None:
        self._names = frozenset(key.name for key in keys)
        self._keys = [
            (key.name, f'"{key.name}":"', f'"{key.name}":"{key.blank}"', key.token, key.limit) for key in keys
        ]

    def encode(self, values: Mapping[str, str]) -> bytes:
        """From `{` on, without the closing brace; what `values` leaves out has its blank value."""
        if not values.keys() <= self._names:
            raise ValueError(f"no such key of the flat answer: {', '.join(sorted(values.keys() - self._names))}")
        pairs = []
        for name, label, blank, token, limit in self._keys:
            value = values.get(name)
            if value is None:
                pairs.append(blank)
            elif not token:
                pairs.append(label + encode_basestring_ascii(clean(value, limit))[1:])
            elif value.isalnum() and value.isascii():
                pairs.append(f'{label}{value[:limit]}"')
            else:
                pairs.append(f'{label}{_NOT_TOKEN.sub("", value)[:limit]}"')
        return ("{" + ",".join(pairs)).encode("ascii")


_HEAD, _DETAIL = _Part(HEAD), _Part(DETAIL)
BLANK_DETAIL: Final = detail({})
"""DETAIL for a scope that may not see it."""
