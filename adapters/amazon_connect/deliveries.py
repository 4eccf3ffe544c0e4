"""Deliveries: what AWS posts, taken apart into contact records, contact events and events of a flow.

One JSON object alone, EventBridge's envelope, or a batch of Kinesis records as Firehose, a Lambda function or a pipe
hands it on, with the data in base64.
https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any

import msgspec

from bridge.adapter.delivery import Item, Opened, Reply, Request
from bridge.adapter.paths import scalar_text
from bridge.errors import BadRequest

_EVENT = "amazon connect contact event"
_LONGEST = 200
_NO_JSON = "its data is not JSON in base64"


def open_delivery(request: Request, kept: tuple[str, ...]) -> Opened:
    """The items of a verified request; `kept` are the names of the attributes that are not blanked.

    Raises BadRequest for what AWS does not send. A part of a batch that cannot be read is an item with that problem.
    Parts about other things (agents, other services' events) are counted and left alone.
    """
    body = _decoded(request.body)
    batch = _batch(body)
    if batch is None:
        if not isinstance(body, dict) or not ({"ContactId", "Details", "detail-type"} & body.keys()):
            raise BadRequest("neither a contact record nor an event of Amazon Connect's")
        found = _item(body, request, kept)
        return Opened(items=(found,)) if found else Opened(ignored=1)
    items: list[Item] = []
    ignored = 0
    for part in batch:
        for one in _objects(part):
            found = one if isinstance(one, Item) else _item(one, request, kept)
            items += [found] if found else []
            ignored += found is None
    return Opened(items=tuple(items), ignored=ignored, reply=_reply(body, request))


def _decoded(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("the body is not JSON") from None


def _batch(body: Any) -> list[Any] | None:
    """The data of each Kinesis record; None for a body that is no batch."""
    if isinstance(body, dict):
        rows = body.get("records", body.get("Records", [body] if "kinesisSchemaVersion" in body else None))
    else:
        rows = body
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or not rows:
        return None
    return [(row["kinesis"] if isinstance(row.get("kinesis"), dict) else row).get("data") for row in rows]


def _objects(data: Any) -> Iterator[dict[str, Any] | Item]:
    """The JSON objects in the data of one record: one, or several with or without anything between them."""
    try:
        text = base64.b64decode(data, validate=True).decode()
        decoder, at = json.JSONDecoder(), 0
        while (at := _past_blanks(text, at)) < len(text):
            one, at = decoder.raw_decode(text, at)
            yield one if isinstance(one, dict) else Item(object="contact_record", raw={"data": data}, problem=_NO_JSON)
    except (binascii.Error, TypeError, ValueError, RecursionError):
        yield Item(object="contact_record", raw={"data": data}, problem=_NO_JSON)


def _past_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _item(body: dict[str, Any], request: Request, kept: tuple[str, ...]) -> Item | None:
    """The item that one object is; None for what is not about a contact."""
    if (scalar_text(body.get("detail-type")) or "").casefold() == _EVENT:
        return Item(object="contact_event", raw=body, patch=True)
    if "ContactId" in body:
        return Item(object="contact_record", raw=_with(body, body.get("Attributes"), kept))
    details = body.get("Details")
    contact = details.get("ContactData") if isinstance(details, dict) else None
    if not isinstance(contact, dict):
        return None
    raw = _with(body, contact.get("Attributes"), kept)
    # When it arrived orders an event of a flow, which has no time of its own, but does not tell two apart.
    dedupe = Item(object="flow_event", raw=raw).dedupe_key
    ours = {**raw.get("bridge", {}), "received_at": msgspec.to_builtins(request.received_at)}
    return Item(object="flow_event", raw={**raw, "bridge": ours}, dedupe=dedupe, patch=True)


def _with(body: dict[str, Any], attributes: Any, kept: tuple[str, ...]) -> dict[str, Any]:
    """The body with those of its attributes that may be kept, which are blanked where they stand."""
    given = attributes if isinstance(attributes, dict) else {}
    named = {name: value[:_LONGEST] for name in kept if (value := scalar_text(given.get(name)))}
    return {**body, "bridge": {"attributes": named}} if named else body


def _reply(body: Any, request: Request) -> Reply:
    """Firehose takes for delivered only what is answered with its request's id."""
    number = body.get("requestId") if isinstance(body, dict) else None
    if not isinstance(number, str):
        return Reply()
    said = {"requestId": number, "timestamp": int(request.received_at.timestamp() * 1000)}
    return Reply(status=200, body=msgspec.json.encode(said), content_type="application/json")
