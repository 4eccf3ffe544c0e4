"""Salesforce's record ids: 15 characters in which case matters, or the same with three that say which are capitals."""

from __future__ import annotations

import re

_SUFFIXES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-5]{3})?")

CONTACT, LEAD, CASE, ACCOUNT = "003", "00Q", "500", "001"
"""The first three characters of an id tell what it is an id of."""
USERS_AND_QUEUES = ("005", "00G")


def full_id(text: str) -> str | None:
    """The one 18-character form of a record id, also where its case was lost on the way; None for what is no id.

    Each of the last three characters holds five bits: which of five characters are capitals.
    """
    if not _ID.fullmatch(text):
        return None
    if len(text) == 15:
        return text + "".join(_suffix(text[at : at + 5]) for at in (0, 5, 10))
    restored = ""
    for place, suffix in enumerate(text[15:].upper()):
        bits = _SUFFIXES.index(suffix)
        for offset, character in enumerate(text[place * 5 : place * 5 + 5]):
            capital = bool(bits >> offset & 1)
            if capital and not character.isalpha():
                return None
            restored += character.upper() if capital else character.lower()
    return restored + text[15:].upper()


def _suffix(five: str) -> str:
    return _SUFFIXES[sum(1 << offset for offset, character in enumerate(five) if character.isupper())]
