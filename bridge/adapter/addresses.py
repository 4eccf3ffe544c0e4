"""E-mail addresses and phone numbers in the one form in which they can be keys, however people and hosts write them."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from urllib.parse import unquote

import phonenumbers

from bridge.model import KeyKind

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_WITHHELD_NUMBERS = frozenset("+266696687 +7378742833 +2562533 +8656696 +86282452253".split())
"""What phone services send for callers without a number: anonymous, restricted, blocked … as the keys of a phone."""
_WITHHELD_WORDS = frozenset(
    "anonymous anonym restricted blocked private privat withheld unavailable unknown unbekannt unterdrückt "
    "no-caller-id nobody asserted-identity".split()
)
_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+)*"
    r"@(?:[a-z0-9\u0080-\U0010ffff](?:[a-z0-9\-\u0080-\U0010ffff]{0,61}[a-z0-9\u0080-\U0010ffff])?\.)+"
    r"[a-z\u0080-\U0010ffff][a-z0-9\-\u0080-\U0010ffff]{0,61}[a-z0-9\u0080-\U0010ffff]"
)
_MAX_EMAIL = 254
_MAX_PHONE = 200


def normalise_phone(text: str, region: str) -> str | None:
    """`text` in E.164, read as someone in `region` (ISO 3166, two letters) would dial it; None where it is no number.

    Understands `tel:` and `sip:` addresses, a `+` that arrived as a space or as `00`, and the forms in which hosts say
    that the caller withheld the number: those are None.
    """
    if _E164.fullmatch(text) and text not in _WITHHELD_NUMBERS:
        return text
    return _parsed(text[:_MAX_PHONE], region)


@lru_cache(maxsize=65_536)
def _parsed(text: str, region: str) -> str | None:
    spaced = text.startswith(" ")
    number = _bare_number(text)
    if number is None:
        return None
    number, words = _WORDS.subn(" ", number)
    if words and not _PLAIN.fullmatch(number):
        return None
    if (e164 := _with_trunk_zero(number, region)) is not None:
        return _checked(e164)
    attempts = [number]
    if spaced and re.match(r"[1-9]", number):
        attempts.insert(0, "+" + number)
    for attempt in attempts:
        try:
            parsed = phonenumbers.parse(attempt, region)
        except phonenumbers.NumberParseException:
            continue
        if not phonenumbers.is_possible_number(parsed):
            continue
        return _checked(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    return None


def is_withheld(text: str) -> bool:
    """Whether `text`, a number or an address, is one of the forms in which phone systems say that the caller hid it."""
    return _means_nobody(_dialled_part(text))


def _checked(e164: str) -> str | None:
    return e164 if e164 not in _WITHHELD_NUMBERS and _E164.fullmatch(e164) else None


_WORDS = re.compile(r"(?i)\b(?!ext)[^\W\d_]{2,}\b[.:]?")
"""What people write beside a number ("0172 … zu Hause"). The library would dial its letters as on a keypad."""
_PLAIN = re.compile(r"[\d\s()+./:,\-]*")
_SEPARATORS = str.maketrans("", "", " ()/.-")
_TRUNK_ZERO = re.compile(r"0[1-9][0-9]{3,14}")


def _with_trunk_zero(number: str, region: str) -> str | None:
    """A number as it is dialled inside its country, in E.164, where a 0 in front is all that makes the difference.

    The library gives the same in ten times the time; None for whatever has to be left to it.
    """
    digits = number.translate(_SEPARATORS)
    plan = _trunk_zero_plan(region) if _TRUNK_ZERO.fullmatch(digits) else None
    if plan is None or len(digits) - 1 not in plan[1]:
        return None
    return plan[0] + digits[1:]


@cache
def _trunk_zero_plan(region: str) -> tuple[str, frozenset[int]] | None:
    """Country code and possible lengths of national numbers; None where other prefixes than 0 and 00 are dialled."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.general_desc is None:
        return None
    if (metadata.national_prefix_for_parsing, metadata.international_prefix) != ("0", "00"):
        return None
    return f"+{metadata.country_code}", frozenset(metadata.general_desc.possible_length)


def _bare_number(text: str) -> str | None:
    """The dialled part of a number or address; None where it was withheld or holds no digit."""
    text = _dialled_part(text)
    return None if _means_nobody(text) or not re.search(r"\d", text) else text


def _means_nobody(dialled: str) -> bool:
    number = f"+{dialled[2:]}" if dialled.startswith("00") else dialled
    return not dialled or dialled.lower() in _WITHHELD_WORDS or number in _WITHHELD_NUMBERS


_NAMED = re.compile(r"[^<>]*<((?:sips?:|tel:|\+)[^<>]+)>.*", re.IGNORECASE)
"""A name and an address, as switches write it: `"Ada Kaya" <sip:+4930901820@example.org>;tag=1`."""


def _dialled_part(text: str) -> str:
    """What would be dialled of a number, a `tel:` or a `sip:` address (RFC 3966, RFC 3261), with a name or without."""
    text = unquote(text).strip()
    if (named := _NAMED.fullmatch(text)) is not None:
        text = named[1]
    text = text.strip("<>")
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower() in ("tel", "sip", "sips"):
        text, _, parameters = rest.partition(";")
        if scheme.lower() == "tel" and not text.startswith("+"):
            context = re.search(r"phone-context=(\+[\d.\-]+)", parameters)
            text = (context[1] if context else "") + text
        text = text.partition("@")[0].partition(":")[0] if scheme.lower() != "tel" else text  # a password may follow
    elif "@" in text:
        text = text.partition("@")[0]
    return text.strip()


def normalise_email(text: str) -> str | None:
    """`text` trimmed and in lower case, without `mailto:` or a display name; None where it cannot be an address."""
    text = text.strip()
    if text.endswith(">") and "<" in text:
        text = text[text.rindex("<") + 1 : -1]
    text = text.strip().lower().removeprefix("mailto:")
    local = text.rpartition("@")[0]
    if len(text) > _MAX_EMAIL or len(local) > 64 or not _EMAIL.fullmatch(text):
        return None
    return text


def normalise_key(kind: KeyKind | str, text: str, region: str) -> str | None:
    """The value under which `text` would be kept as a key of `kind`; None where it cannot be one.

    An id is `system:id`: the system's name in lower case, the id as it is.
    """
    kind = KeyKind(kind)
    if kind is KeyKind.phone:
        return normalise_phone(text, region)
    if kind is KeyKind.email:
        return normalise_email(text)
    system, _, value = (part.strip() for part in text.partition(":"))
    return f"{system.lower()}:{value}" if system and value else None
