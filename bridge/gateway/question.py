"""Several people share the caller's number: what the phone system can ask to tell which of them it is, and the answer.

The answer can only choose among those who hold the number anyway. A wrong one gets the same reply as none, and only
so many different ones are tried for an interaction and for a number.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from time import perf_counter
from typing import Any, Final

import msgspec
from msgspec import Struct

from bridge import flat
from bridge.gateway.caller import Asked
from bridge.gateway.gate import Gate
from bridge.identity.rules import Question
from bridge.store import Row, Unit, find_answer, micros
from bridge.telemetry import log

TRIES: Final = 3
"""Different answers for one interaction; for a number, where there is no interaction."""
TRIES_OF_NUMBER: Final = 12
"""Different answers for one number in WINDOW, however many interactions: nobody guesses by calling again."""
WINDOW: Final = timedelta(hours=1)
MOST_CANDIDATES: Final = 50
_MOST_ROWS: Final = 500

_FACTS: Final = {
    "customer_number_last4": (
        4,
        {
            "de": "Bitte geben Sie die letzten vier Ziffern Ihrer Kundennummer ein.",
            "en": "Please enter the last four digits of your customer number.",
        },
    ),
    "contract_number_last4": (
        4,
        {
            "de": "Bitte geben Sie die letzten vier Ziffern Ihrer Vertragsnummer ein.",
            "en": "Please enter the last four digits of your contract number.",
        },
    ),
    "first_name_first3": (
        3,
        {
            "de": "Bitte geben Sie die ersten drei Buchstaben Ihres Vornamens über die Zifferntasten ein.",
            "en": "Please enter the first three letters of your first name on the keypad.",
        },
    ),
    "last_name_first3": (
        3,
        {
            "de": "Bitte geben Sie die ersten drei Buchstaben Ihres Nachnamens über die Zifferntasten ein.",
            "en": "Please enter the first three letters of your last name on the keypad.",
        },
    ),
}
"""How many digits, and the words. Of facts that tell equally many apart the first is asked for."""

_KEYPAD: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
"""Letters on the keys of a telephone, as ITU-T E.161 has them."""
_LETTERS: Final = str.maketrans({"ß": "s", "ø": "o", "ł": "l", "ı": "i", "đ": "d", "æ": "a", "œ": "o"})
_NOT_DIGITS: Final = re.compile(r"[^0-9]")
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_log = log("gateway")


class Fact(Struct, frozen=True):
    """What is asked for, and whom each possible answer means; an answer that would mean two people is left out."""

    code: str = ""
    means: Mapping[str, str] = {}


class Questions:
    """For the look-ups of one process."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._rules = gate.desk.rules.identity.question
        self._language = gate.settings.languages[0]

    async def narrow(self, asked: Asked, row: Row, now: datetime, until: float) -> tuple[Row, bytes]:
        """The row of the one whom the answer means, or `row` and the question as the end of an answer (b"": none).

        Whom the interaction was said to be before, it still is. `until` is a time of `perf_counter`; what cannot be
        found out until then is not asked.
        """
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + until - perf_counter()):
                return await self._narrow(asked, row, now)
        except Exception as problem:  # noqa: BLE001 - the look-up is answered without a question
            _log.warning("nothing could be asked", problem=type(problem).__name__)
            return row, b""

    async def _narrow(self, asked: Asked, row: Row, now: datetime) -> tuple[Row, bytes]:
        store = self._gate.store
        shared: tuple[str, str] | None = None
        others: set[str] = set()
        for kind, value in asked.keys:
            found = await find_answer(store, kind, value, asked.language)
            if found is not None and found[0] == "exact":
                others.add(found[1])
            elif found is not None and shared is None:
                shared = (kind, value)
        if shared is None or row[3] > MOST_CANDIDATES:
            return row, b""
        rows = await store.all("gateway.candidates", kind=shared[0], value=shared[1], most=_MOST_ROWS)
        candidates = {one[0] for one in rows}
        if asked.interaction and (known := await self._gate.customer_of(asked.interaction)):
            others.add(known)
        chosen = others & candidates
        fact = choose(rows, self._rules)
        if not chosen and fact.code and (code := read_answer(fact.code, asked.answer)):
            if not await self._may_try(asked.interaction, shared, code, now):
                return row, b""
            chosen = {fact.means[code]} if code in fact.means else set()
        if len(chosen) == 1:
            one = await store.one("gateway.answer_for_customer", customer=chosen.pop(), language=asked.language)
            return (row, b"") if one is None else (one, b"")
        return row, words(fact.code, asked.language or self._language) if fact.code else b""

    async def _may_try(self, interaction: str, shared: tuple[str, str], answer: str, now: datetime) -> bool:
        """Count this answer, and say whether that was not one too many. The same answer again is counted once."""
        number = f"number:{_hash(*shared)}"
        limits = {f"call:{interaction}": TRIES, number: TRIES_OF_NUMBER} if interaction else {number: TRIES}
        unit = Unit()
        tried = [{"subject": one, "answer": _hash(one, answer), "at": micros(now)} for one in limits]
        unit.many("gateway.try_answer", tried)
        await self._gate.store.write(unit)
        since = micros(now - WINDOW)
        for subject, most in limits.items():
            count = await self._gate.store.one("gateway.answers_tried", subject=subject, since=since)
            if count is None or count[0] > most:
                return False
        return True


def choose(rows: Iterable[Row], rules: Question) -> Fact:
    """The fact that tells the most candidates apart; none where no fact does. `rows` are `gateway.candidates`."""
    codes: dict[str, defaultdict[str, set[str]]] = {name: defaultdict(set) for name in _FACTS}
    for row in rows:
        for name, code in _codes(row, rules):
            codes[name][row[0]].add(code)
    best = Fact()
    most = 0
    for name, by_customer in codes.items():
        shared = Counter(code for some in by_customer.values() for code in some)
        means = {code: one for one, some in by_customer.items() for code in some if shared[code] == 1}
        if len(told := set(means.values())) > most:
            best, most = Fact(name, means), len(told)
    return best


def _codes(row: Row, rules: Question) -> Iterable[tuple[str, str]]:
    _, system, person, kind, source, number, raw = row
    ids = [person] if system in rules.customer_number else []
    body = _decode(raw) if raw else {}
    if kind == "customer":
        ids += [id for name, id in (body.get("external_ids") or {}).items() if name in rules.customer_number]
        if rules.names:
            name = (body.get("name") or "").split()
            for fact, text in (
                ("first_name_first3", body.get("given_name") or (name[0] if len(name) > 1 else "")),
                ("last_name_first3", body.get("family_name") or (name[-1] if name else "")),
            ):
                if code := _first3(text):
                    yield fact, code
    elif kind == "contract" and source in rules.contract_number and (code := _last4(number)):
        yield "contract_number_last4", code
    for id in ids:
        if code := _last4(id):
            yield "customer_number_last4", code


def read_answer(fact: str, text: str) -> str:
    """What the caller entered or said, in the form of the codes of `fact`; "" where it cannot be one.

    The whole number or name will do as well. A placeholder that the host did not fill in is no answer.
    """
    if "{" in text:
        return ""
    return _last4(text) if fact.endswith("last4") else _first3(text)


def words(fact: str, language: str) -> bytes:
    """The end of an answer that asks for `fact`."""
    digits, texts = _FACTS[fact]
    return flat.question(fact, digits, texts.get(language, texts["en"]))


def _last4(text: str) -> str:
    digits = _NOT_DIGITS.sub("", text)
    return digits[-4:] if len(digits) >= 4 else ""


def _first3(name: str) -> str:
    digits = _NOT_DIGITS.sub("", _on_keypad(name))
    return digits[:3] if len(digits) >= 2 else ""


def _on_keypad(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS))
    return plain.translate(_KEYPAD)


def _hash(*parts: str) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()
