"""Questions for a person, while a caller waits. HubSpot's search index lags behind: a miss proves nothing.

https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
"""

from __future__ import annotations

import re
from typing import Any

import phonenumbers
from phonenumbers import PhoneNumberFormat

from bridge.adapter.mapping import Mapping
from bridge.model import Key, KeyKind

_MOST = 20


def question(key: Key, mapping: Mapping) -> dict[str, Any] | None:
    """What to search for; None where no property of this source holds such an id."""
    if key.kind is KeyKind.phone:
        return _any_of(_phone(key.value))
    if key.kind is KeyKind.email:
        primary = {"propertyName": "email", "operator": "EQ", "value": key.value}
        return _any_of(
            [primary, {"propertyName": "hs_additional_emails", "operator": "CONTAINS_TOKEN", "value": key.value}]
        )
    system, _, number = key.value.partition(":")
    for rule in mapping.plan("contact").rules:
        if rule.target == ("external_ids", system):
            names = [path[1] for path in rule.paths if len(path) == 2 and path[0] == "properties"]
            return _any_of([{"propertyName": name, "operator": "EQ", "value": number} for name in names[:5]])
    return None


def _phone(e164: str) -> list[dict[str, Any]]:
    """Both numbers of a contact, in the spellings that occur, and as HubSpot indexes them: digits without the country's
    code, with or without what is dialled before."""
    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        national, written = re.sub(r"\D", "", e164), [e164]
    else:
        national = phonenumbers.national_significant_number(parsed)
        forms = (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL)
        written = [phonenumbers.format_number(parsed, form) for form in forms]
    digits = re.sub(r"\D", "", e164)
    indexed = list(dict.fromkeys((national, f"0{national}", digits)))
    typed = list(dict.fromkeys((*written, digits, f"00{digits}", f"0{national}")))
    return [
        {"propertyName": name, "operator": "IN", "values": values}
        for name, values in (
            ("hs_searchable_calculated_phone_number", indexed),
            ("hs_searchable_calculated_mobile_number", indexed),
            ("phone", typed),
            ("mobilephone", typed),
        )
    ]


def _any_of(filters: list[dict[str, Any]]) -> dict[str, Any] | None:
    groups = [{"filters": [one]} for one in filters]
    return {"filterGroups": groups, "limit": _MOST} if groups else None
