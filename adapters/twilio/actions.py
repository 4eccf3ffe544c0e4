"""What is asked of Twilio: one text message, one call.

Twilio keeps no idempotency keys for either. So the key goes along as a header and in the addresses that Twilio calls
back, where its Request Inspector shows it to a person who has to find out whether something was done.

https://www.twilio.com/docs/messaging/api/message-resource, https://www.twilio.com/docs/voice/api/call-resource
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from bridge.adapter.actions import ScheduleCallback, SendSms, check_due
from bridge.adapter.client import Client
from bridge.adapter.delivery import Receipt
from bridge.adapter.source import Source
from bridge.errors import ConfigError, VendorRefused, VendorRetryable

_KEY_HEADER = "I-Twilio-Idempotency-Token"
_ADDRESS = re.compile(r"https?://[^\s#]+")


class Actions:
    """Sends for one account. Raises VendorRefused, before anybody is called, where a setting is missing."""

    def __init__(self, source: Source, account: str) -> None:
        self._source = source
        self._path = f"2010-04-01/Accounts/{account}"
        for name in ("status_callback", "callback_url"):
            if (address := self._setting(name)) and not _ADDRESS.fullmatch(address):
                raise ConfigError(f"sources.yaml: sources.{source.name}.settings.{name}", "is no http address")

    async def send_sms(self, client: Client, args: SendSms, key: str) -> Receipt:
        """The message's SID. Twilio queues it and cuts what is long into parts."""
        sender = self._needed("send_sms", "sms_from")
        form = {"To": args.to, "Body": args.text}
        form["MessagingServiceSid" if re.fullmatch("MG[0-9a-fA-F]{32}", sender) else "From"] = sender
        return await self._post(client, "Messages.json", form, key)

    async def schedule_callback(self, client: Client, args: ScheduleCallback, key: str) -> Receipt:
        """The call's SID. The customer is called, and what they meet is up to the TwiML of `callback_url`.

        Twilio keeps no calls for later: before `at` this raises VendorRetryable with how long it
        still is, long after it VendorRefused.
        """
        caller = self._needed("schedule_callback", "callback_from")
        flow = self._needed("schedule_callback", "callback_url")
        check_due(self._source.name, args, client.now())
        said = {"key": key, "queue": args.queue} if args.queue else {"key": key}
        return await self._post(client, "Calls.json", {"To": args.phone, "From": caller, "Url": _with(flow, said)}, key)

    async def _post(self, client: Client, resource: str, form: dict[str, Any], key: str) -> Receipt:
        if status := self._setting("status_callback"):
            form["StatusCallback"] = _with(status, {"key": key})
        answer = await client.call("POST", f"{self._path}/{resource}", form=form, headers={_KEY_HEADER: _plain(key)})
        sid = answer.data.get("sid") if isinstance(answer.data, dict) else None
        if not isinstance(sid, str) or not sid:
            raise VendorRetryable(
                self._source.name, f"{resource}: the answer names no SID, so it is not known what was done"
            )
        return Receipt(reference=sid)

    def _setting(self, name: str) -> str:
        return self._source.optional(name)

    def _needed(self, action: str, name: str) -> str:
        if value := self._setting(name):
            return value
        raise VendorRefused(self._source.name, f"{action}: set {name} in sources.yaml first", about_us=True)


def _with(address: str, said: dict[str, str]) -> str:
    """An address with more parameters."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(said))))))


def _plain(key: str) -> str:
    """A key as a header can carry it."""
    return re.sub(r"[^\x21-\x7e]", "_", key)
