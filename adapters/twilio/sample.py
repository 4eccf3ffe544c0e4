"""The sample contact center as Twilio would tell of it: finished calls as the list gives them, and signed callbacks of
the queue, with the menu path in their URL as README.md describes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal, Protocol
from urllib.parse import quote, urlencode

from bridge.adapter.delivery import Item, Request
from bridge.adapter.source import Source

from .signature import HEADER, form_pairs, signature, signed_bytes


class Call(Protocol):
    """A call in neutral terms. `phone` is the customer's side, in E.164 or None where it was withheld."""

    @property
    def id(self) -> str: ...

    @property
    def customer_id(self) -> str | None: ...

    @property
    def phone(self) -> str | None: ...

    @property
    def our_number(self) -> str: ...

    @property
    def started(self) -> datetime: ...

    @property
    def answered(self) -> datetime | None: ...

    @property
    def ended(self) -> datetime: ...

    @property
    def wait_seconds(self) -> int | None: ...

    @property
    def abandoned(self) -> bool: ...

    @property
    def menu_path(self) -> tuple[str, ...]: ...

    @property
    def queue(self) -> str | None: ...

    @property
    def direction(self) -> Literal["inbound", "outbound"]: ...


class ContactCenter(Protocol):
    """What the sample has to tell."""

    @property
    def calls(self) -> Iterable[Call]: ...


def deliveries(contact_center: ContactCenter, source: Source, now: datetime) -> Iterator[Item | Request]:
    """Of each call that ended by `now` the row of the calls list, and the callback of its queue where it had one.

    The same contact center gives the same deliveries. Raises ConfigError without an auth token to sign with.
    """
    for call in contact_center.calls:
        if call.ended > now:
            continue
        yield Item(object="call", raw=_row(call, source), patch=True)
        if call.direction == "inbound" and (call.queue or call.menu_path):
            yield _queue_callback(call, source)


def _row(call: Call, source: Source) -> dict[str, Any]:
    sid, account = _sid(call), source.setting("account_sid")
    caller, called = _sides(call)
    picked_up = _was_picked_up(call)
    return {
        "sid": sid,
        "date_created": _rfc_2822(call.started),
        "date_updated": _rfc_2822(call.ended + timedelta(seconds=1)),
        "parent_call_sid": None,
        "account_sid": account,
        "to": called,
        "to_formatted": called,
        "from": caller,
        "from_formatted": caller,
        "status": "completed" if picked_up else "no-answer",
        "start_time": _rfc_2822(call.started),
        "end_time": _rfc_2822(call.ended),
        "duration": str(int((call.ended - call.started).total_seconds())) if picked_up else None,
        "price": None,
        "price_unit": "EUR",
        "direction": "inbound" if call.direction == "inbound" else "outbound-api",
        "answered_by": None,
        "api_version": "2010-04-01",
        "forwarded_from": None,
        "caller_name": None,
        "queue_time": "0",
        "uri": f"/2010-04-01/Accounts/{account}/Calls/{sid}.json",
    }


def _was_picked_up(call: Call) -> bool:
    """Incoming calls are picked up by the menu unless the caller hung up before, outgoing ones by the customer."""
    if call.direction == "inbound":
        return not call.abandoned or bool(call.queue or call.menu_path)
    return call.answered is not None


def _queue_callback(call: Call, source: Source) -> Request:
    """The request that `<Enqueue action="…">` causes when the call leaves the queue: the caller hung up, or talked."""
    caller, called = _sides(call)
    form = {
        "CallSid": _sid(call),
        "AccountSid": source.setting("account_sid"),
        "From": caller,
        "To": called,
        "CallStatus": "completed",
        "Direction": "inbound",
        "ApiVersion": "2010-04-01",
        "QueueResult": "hangup" if call.abandoned else "bridged" if call.answered else "leave",
        "QueueTime": str(call.wait_seconds or 0),
    }
    ours = {"menu": ",".join(call.menu_path), "queue": call.queue or ""}
    query = urlencode({name: value for name, value in ours.items() if value}, quote_via=quote, safe=",")
    url = f"https://localhost/webhooks/{source.name}?{query}"
    body = urlencode(form).encode()
    signed = signature(source.setting("auth_token").encode(), signed_bytes(url, form_pairs(body)))
    headers = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8", HEADER: signed.decode()}
    return Request(method="POST", url=url, headers=headers, body=body, received_at=call.ended)


def _sides(call: Call) -> tuple[str, str]:
    customer = call.phone or "anonymous"
    return (customer, call.our_number) if call.direction == "inbound" else (call.our_number, customer)


def _sid(call: Call) -> str:
    return "CA" + blake2b(f"call:{call.id}".encode(), digest_size=16).hexdigest()


def _rfc_2822(at: datetime) -> str:
    days, months = "Mon Tue Wed Thu Fri Sat Sun".split(), "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    return f"{days[at.weekday()]}, {at:%d} {months[at.month - 1]} {at:%Y %H:%M:%S} +0000"
