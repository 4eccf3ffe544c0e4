"""One message as bytes: headers that nothing can be slipped into, and plain text in any language.

RFC 5322 (message), 2047 (words in headers), 2369 and 8058 (unsubscribing), 3834 (automatic messages).
"""

from __future__ import annotations

import re
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from hashlib import blake2b

from msgspec import Struct

_POLICY = SMTP.clone(cte_type="7bit")
_MOST_LINK = 900
"""A header line may have 998 characters."""


class Party(Struct, frozen=True):
    """An address as it goes over the wire, in ASCII, and the name beside it."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.address.rpartition("@")[2]


class Letter(Struct, frozen=True, kw_only=True):
    """What a message says. `unsubscribe` is an https or mailto address, or ""; `one_click`: a POST to it is enough."""

    sender: Party
    recipient: Party
    reply_to: str = ""
    subject: str
    text: str
    unsubscribe: str = ""
    one_click: bool = False


def party(address: str, name: str = "") -> Party:
    """An address whose domain is written as the mail system needs it (IDNA), and a name without control characters.

    Raises ValueError for what cannot be an address, and for a local part beyond ASCII: few servers take those.
    """
    local, at, domain = address.strip().rpartition("@")
    wire = f"{local}@{domain.encode('idna').decode('ascii')}"
    if not at or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}", wire):
        raise ValueError("not an address")
    return Party(wire, _printable(name))


def message_id(key: str, domain: str) -> str:
    """The Message-ID of everything that is sent under `key`: the same message sent again is known by it."""
    return f"<{blake2b(key.encode(), digest_size=16).hexdigest()}@{domain}>"


def compose(letter: Letter, number: str, now: datetime) -> bytes:
    """The message with the Message-ID `number`, lines ending in CRLF, all ASCII.

    Raises ValueError for an address to unsubscribe at that cannot stand in a header.
    """
    headers = [
        ("From", _who(letter.sender)),
        ("To", _who(letter.recipient)),
        ("Subject", _words(letter.subject, "Subject")),
        ("Date", format_datetime(now)),
        ("Message-ID", number),
        ("Auto-Submitted", "auto-generated"),  # so that no absence note answers it
    ]
    if letter.reply_to:
        headers.append(("Reply-To", letter.reply_to))
    if letter.unsubscribe:
        headers.append(("List-Unsubscribe", f"<{_link(letter.unsubscribe)}>"))
        if letter.one_click and letter.unsubscribe.startswith("https://"):
            headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    # Written by hand: the library folds long links into encoded words, which mail programs do not follow.
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return head.encode("ascii") + _body(letter.text)


def _body(text: str) -> bytes:
    """The text with the headers that say how it is written."""
    part = EmailMessage(policy=_POLICY)
    foreign = sum(sign > "\x7f" for sign in text) * 4 > len(text)
    part.set_content(text, charset="utf-8", cte="base64" if foreign else "quoted-printable")
    return part.as_bytes()


def _who(who: Party) -> str:
    if not who.name:
        return who.address
    if who.name.isascii() and "=?" not in who.name:
        return formataddr((who.name, who.address))
    return f"{_words(who.name, 'Reply-To')} <{who.address}>"


def _words(text: str, header: str) -> str:
    """Text in a header: as it is, or in encoded words of at most 75 characters, folded."""
    said = _printable(text)
    plain = said.isascii() and "=?" not in said
    return Header(said, "us-ascii" if plain else "utf-8", header_name=header).encode(linesep="\r\n")


def _printable(text: str) -> str:
    """One line: what could end it, and what is no sign at all, becomes a blank."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _link(address: str) -> str:
    if not re.fullmatch(r"[!-~]+", address) or len(address) > _MOST_LINK:
        raise ValueError("not a link")
    return address.replace("<", "%3C").replace(">", "%3E")
