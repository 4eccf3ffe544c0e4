"""One number as people type it into Freshdesk, which compares phones as text."""

from __future__ import annotations

from collections.abc import Iterator

import phonenumbers

_LONGEST_QUERY = 512
"""https://developers.freshdesk.com/api/#filter_contacts"""


def spellings(e164: str) -> Iterator[str]:
    """The ways in which a number is typed, the most usual first, each once."""
    yield e164
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return
    abroad = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    home = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    code, _, local = abroad.partition(" ")
    digits = "".join(sign for sign in home if sign.isdigit())
    yield from dict.fromkeys(
        (
            abroad,
            digits,
            home,
            f"00{e164[1:]}",
            home.replace(" ", "/", 1),
            e164[1:],
            f"{code} (0) {local}",
            f"{code} (0){local}",
            f"00{code[1:]} {local}",
        )
    )


def query(e164: str) -> str:
    """The search for everybody with that number in one of its spellings, as many as a query may hold."""
    found = ""
    for spelling in spellings(e164):
        for field in ("phone", "mobile"):
            term = f"{' OR ' if found else ''}{field}:'{spelling}'"
            if len(found) + len(term) > _LONGEST_QUERY:
                return f'"{found}"'
            found += term
    return f'"{found}"'
