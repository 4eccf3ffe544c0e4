"""Words for Salesforce's two query languages: SOQL (exact) and SOSL (its search index).

https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/
"""

from __future__ import annotations

import re
from datetime import datetime, timezone

import phonenumbers
from phonenumbers import PhoneNumberFormat

_RESERVED = re.compile(r"""([?&|!{}\[\]()^~*:\\"'+\-])""")


def soql(select: list[str], object: str, where: str, limit: int, order: str = "") -> str:
    """A query. `where` and `order` are SOQL already."""
    ordered = ["ORDER BY", order] if order else []
    return " ".join(["SELECT", ", ".join(select), "FROM", object, "WHERE", where, *ordered, "LIMIT", str(limit)])


def quoted(value: str) -> str:
    """A text of SOQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def instant(at: datetime) -> str:
    """An instant of SOQL, to the millisecond."""
    return at.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """The aware instant that Salesforce writes as `2026-03-02T09:00:00.000+0000`. Raises ValueError."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("without an offset")
    return found


def phone_search(e164: str) -> str:
    """A SOSL search for a number however it was typed: digits alone, and with the gaps that people usually leave.

    The index ignores signs, but it finds words from their beginning only: the forms that begin differently (with
    country code, with 00, with the 0 that is dialled at home, with neither, and with both) are asked for by name.
    """
    digits = e164.lstrip("+")
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return f"{{{digits}}}"
    country, bare = str(number.country_code), phonenumbers.national_significant_number(number)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    abroad = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    at_home = re.sub(r"\D", "", national)
    words = [digits, f"00{digits}", at_home, bare, country + at_home]
    phrases = [f'"{_RESERVED.sub(_ESCAPED, text)}"' for text in (abroad, national)]
    return "{" + " OR ".join(dict.fromkeys(words + phrases)) + "}"


_ESCAPED = r"\\\1"
