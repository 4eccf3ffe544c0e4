"""Invitations: a customer is added to a mailing list, and the list's mailer writes to that customer alone.

https://api.qualtrics.com/573e3f0a94888-create-distribution
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from bridge.adapter.actions import InviteSurvey, before_doing
from bridge.adapter.client import Client
from bridge.adapter.delivery import Receipt
from bridge.adapter.source import Source
from bridge.errors import ConfigError, VendorRefused, VendorRetryable

from .cursor import second

_NEEDED = {
    "directory": re.compile(r"POOL_[A-Za-z0-9]{1,40}"),
    "mailing_list": re.compile(r"CG_[A-Za-z0-9]{1,40}"),
    "message_library": re.compile(r"(GR|UR)_[A-Za-z0-9]{1,40}"),
    "message": re.compile(r"MS_[A-Za-z0-9]{1,40}"),
}
MARK = "bridge_invitation"
"""Embedded data that carries the idempotency key, for a person who looks whether an invitation was made."""


def check_invitation(source: Source) -> None:
    """Raise ConfigError for a setting of the invitations that is there and cannot be right."""
    for name, form in _NEEDED.items():
        value = source.setting(name, "").strip()
        if value and not form.fullmatch(value):
            raise _wrong(source, name, f"is no id such as {form.pattern.partition('[')[0]}1a2B3c")
    if not source.setting("invitation_days", "30").strip().isdecimal():
        raise _wrong(source, "invitation_days", "is no number of days")


async def invite(client: Client, source: Source, args: InviteSurvey, key: str) -> Receipt:
    """Invite one customer by e-mail; gives back the id of the distribution.

    The customer's `reference` becomes the external reference, which every response carries. Raises VendorRefused
    without an e-mail address or while a setting is missing, before anybody is called.
    """
    settings = {name: source.setting(name, "").strip() for name in (*_NEEDED, "subject", "sender_name")}
    missing = [name for name, value in settings.items() if not value]
    if missing:
        raise VendorRefused(source.name, f"invite_survey needs the settings {', '.join(missing)}")
    if args.email is None:
        raise VendorRefused(source.name, "invite_survey: the customer has no e-mail address to be invited by")
    headers = {"idempotency-key": key}
    now = client.now()
    listed = f"directories/{settings['directory']}/mailinglists/{settings['mailing_list']}/contacts"
    person = {
        "firstName": args.given_name,
        "lastName": args.family_name,
        "email": args.email,
        "phone": args.phone,
        "extRef": args.reference,
        "language": args.language.upper(),
        "embeddedData": {"crm_id": args.reference, "sent_at": second(now), MARK: key},
    }
    person = {name: value for name, value in person.items() if value}
    # Nobody is written to; a person who is in the list twice is one for the vendor's own merging of duplicates.
    with before_doing():
        added = await _made(client, source, listed, person, headers, "contactLookupId")
    sender = source.setting("sender_address", "")
    days = timedelta(days=int(source.setting("invitation_days", "30")))
    distribution = {
        "message": {"libraryId": settings["message_library"], "messageId": settings["message"]},
        "recipients": {"mailingListId": settings["mailing_list"], "contactId": added},
        "header": {
            "fromName": settings["sender_name"],
            "fromEmail": sender,
            "replyToEmail": source.setting("reply_to", sender),
            "subject": settings["subject"],
        },
        "surveyLink": {"surveyId": args.survey, "type": "Individual", "expirationDate": second(now + days)},
        "embeddedData": {MARK: key},
        "sendDate": second(now),
    }
    return Receipt(reference=await _made(client, source, "distributions", distribution, headers, "id"))


async def _made(
    client: Client, source: Source, path: str, form: dict[str, Any], headers: dict[str, str], name: str
) -> str:
    data = (await client.call("POST", path, json=form, headers=headers)).data
    result = data.get("result") if isinstance(data, dict) else None
    number = result.get(name) if isinstance(result, dict) else None
    if not isinstance(number, str) or not number:
        raise VendorRetryable(source.name, f"invite_survey: the answer has no {name}")
    return number


def _wrong(source: Source, name: str, what: str) -> ConfigError:
    return ConfigError(f"sources.yaml: sources.{source.name}.settings.{name}", what)
