"""Outbound messages: the SOAP body by which a flow or workflow rule says that records changed.

Of a message only the ids are read: it carries what the admin chose to send, unsigned, and in no order. What the records
are now is fetched. https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging.htm
"""

from __future__ import annotations

from xml.parsers import expat

from msgspec import Struct

from bridge.adapter.delivery import Reply
from bridge.errors import BadRequest

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/ "
_OUTBOUND = "http://soap.sforce.com/2005/09/outbound "
_RECORD = "urn:sobject.enterprise.soap.sforce.com "
_TYPE = "http://www.w3.org/2001/XMLSchema-instance type"
_HEAD = (f"{_SOAP}Envelope", f"{_SOAP}Body", f"{_OUTBOUND}notifications")
_ORGANIZATION = (*_HEAD, f"{_OUTBOUND}OrganizationId")
_NOTIFICATION = (*_HEAD, f"{_OUTBOUND}Notification")
_NOTIFICATION_ID = (*_NOTIFICATION, f"{_OUTBOUND}Id")
_OBJECT = (*_NOTIFICATION, f"{_OUTBOUND}sObject")
_OBJECT_ID = (*_OBJECT, f"{_RECORD}Id")
_READ = frozenset({_ORGANIZATION, _NOTIFICATION_ID, _OBJECT_ID})
_MOST = 100
"""Notifications in one message, as its schema says."""
_DEEPEST = 16

ACKNOWLEDGED = Reply(
    status=200,
    body=(
        b'<?xml version="1.0" encoding="UTF-8"?>'
        b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
        b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
        b"</soapenv:Body></soapenv:Envelope>"
    ),
    content_type="text/xml; charset=utf-8",
)
"""Without exactly this Salesforce sends the message again, for a day."""


class Notification(Struct):
    """One record that changed: the notification's own id, the record's type (`Contact`) and its id."""

    id: str = ""
    type: str = ""
    record: str = ""


class Message(Struct):
    """Who sends, and what changed."""

    organization: str
    notifications: list[Notification]


def read_message(body: bytes) -> Message:
    """Take a message apart. Raises BadRequest for what is none, and for any document type or entity."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _no_document_type
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise BadRequest("the body is not XML") from None
    if not reader.message.notifications:
        raise BadRequest("the body is not an outbound message")
    return reader.message


def _no_document_type(name: str, system: str | None, public: str | None, internal: bool) -> None:
    """Entities are declared in a document type: without one there is none to expand, and no file to fetch."""
    raise BadRequest("the body declares a document type, which no outbound message has")


class _Reader:
    """Keeps the wanted texts and nothing else: what stands in SessionId is a key to the whole org."""

    def __init__(self) -> None:
        self.message = Message("", [])
        self._path: tuple[str, ...] = ()
        self._said = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._path += (name,)
        self._said = ""
        if len(self._path) > _DEEPEST:
            raise BadRequest("the body is nested too deep for an outbound message")
        if self._path == _NOTIFICATION:
            if len(self.message.notifications) == _MOST:
                raise BadRequest(f"the body holds more than {_MOST} notifications")
            self.message.notifications.append(Notification())
        elif self._path == _OBJECT:
            self.message.notifications[-1].type = attributes.get(_TYPE, "").rpartition(":")[2]

    def text(self, data: str) -> None:
        if self._path in _READ:
            self._said += data

    def end(self, name: str) -> None:
        said = self._said.strip()
        if self._path == _ORGANIZATION:
            self.message.organization = said
        elif self._path == _NOTIFICATION_ID:
            self.message.notifications[-1].id = said
        elif self._path == _OBJECT_ID:
            self.message.notifications[-1].record = said
        self._path = self._path[:-1]
        self._said = ""
