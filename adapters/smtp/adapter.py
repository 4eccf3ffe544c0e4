"""E-mail by SMTP. See README.md for what an operator does."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Final, Literal

from bridge.adapter.actions import SendEmail
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Receipt
from bridge.adapter.manifest import Manifest
from bridge.adapter.mapping import Mapping
from bridge.adapter.source import Source
from bridge.errors import VendorRefused

from .message import Letter, Party, compose, message_id, party
from .post import Server, hand_in

_PORTS: Final[dict[str, int]] = {"starttls": 587, "tls": 465, "none": 25}
_SECURITY: Final[tuple[Literal["starttls", "tls", "none"], ...]] = ("starttls", "tls", "none")


class SmtpAdapter(Adapter):
    """One mail server, and the address that messages come from."""

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        super().__init__(source, manifest, mapping)
        self._sender = self._party("sender", source.setting("sender_name", ""))
        self._reply_to = self._party("reply_to").address if source.setting("reply_to", "") else ""
        self._server = self._configured()

    async def send_email(self, client: Client, args: SendEmail, key: str) -> Receipt:
        """Send one message; gives back its Message-ID, which is the same for every attempt under `key`."""
        number = message_id(key, self._sender.domain)
        try:
            letter = Letter(
                sender=self._sender,
                recipient=party(args.to, args.name),
                reply_to=party(args.reply_to).address if args.reply_to else self._reply_to,
                subject=args.subject,
                text=args.text,
                unsubscribe=args.unsubscribe or "",
                one_click=args.one_click,
            )
            message = compose(letter, number, client.now())
        except ValueError:
            raise VendorRefused(self.source.name, "send_email: an address cannot be written in a message") from None
        await hand_in(self.source.name, self._server, self._sender.address, letter.recipient.address, message)
        return Receipt(reference=number)

    def _configured(self) -> Server:
        said = self.source.setting("security", "starttls").strip().lower()
        security = next((one for one in _SECURITY if one == said), None)
        if security is None:
            raise self.source.wrong("security", "is neither starttls, tls nor none")
        host = self.source.setting("host").strip()
        if not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", host):
            raise self.source.wrong("host", "is no name of a server, such as mail.example.org")
        port = self.source.setting("port", "").strip() or str(_PORTS[security])
        if not port.isdecimal() or not 0 < int(port) < 65_536:
            raise self.source.wrong("port", "is no port, such as 587")
        username, password = self.source.setting("username", ""), self.source.setting("password", "")
        if password and not username:
            raise self.source.wrong("username", "is missing beside the password")
        if username and security == "none":
            raise self.source.wrong("security", "none would send the password in the clear; take starttls or tls")
        return Server(
            host=host,
            port=int(port),
            security=security,
            name=self._sender.domain,
            trust=None if security == "none" else self._trust(),
            username=username,
            password=password,
        )

    def _trust(self) -> ssl.SSLContext:
        file = self.source.setting("ca_file", "").strip()
        try:
            return ssl.create_default_context(cafile=str(Path(file).expanduser()) if file else None)
        except (OSError, ValueError):
            raise self.source.wrong("ca_file", "is no readable file of certificates (PEM)") from None

    def _party(self, name: str, called: str = "") -> Party:
        try:
            return party(self.source.setting(name), called)
        except ValueError:
            raise self.source.wrong(name, "is no address, such as service@example.org") from None
