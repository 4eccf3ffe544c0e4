"""A real mail server on loopback for the tests beside this file, and a source that hands its messages in there."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bridge.adapter.base import Adapter
from bridge.adapter.client import open_client
from bridge.adapter.delivery import Action, Receipt
from bridge.adapter.registry import load_registry

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
PASSWORD = "a-password-of-ours"
LETTER: dict[str, Any] = {"to": "frieda.muster@example.org", "subject": "Ihr Vertrag", "text": "Guten Tag!"}

Step = Callable[[SMTP], Awaitable[str]]


class Mailbox:
    """What a server does at each step, and what it took. A step may say anything, or cut the connection."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.envelopes: list[tuple[str | None, list[str]]] = []
        self.signed_in: list[bytes] = []
        self.encrypted: list[bool] = []
        self.steps: dict[str, Step] = {}

    async def handle_MAIL(  # noqa: N802 the server calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.steps:
            return await self.steps["MAIL"](server)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 the same
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.steps:
            return await self.steps["RCPT"](server)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 the same
        if "DATA" in self.steps:
            return await self.steps["DATA"](server)
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        self.raw.append(raw)
        self.letters.append(email.message_from_bytes(raw, EmailMessage, policy=email.policy.default))
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        transport = server.transport
        self.encrypted.append(transport is not None and transport.get_extra_info("ssl_object") is not None)
        return "250 2.0.0 taken"

    def sign_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """Whoever knows the password."""
        good = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
        if good:
            self.signed_in.append(data.login)
        return AuthResult(success=good, handled=False)


def says(answer: str) -> Step:
    """The server answers so."""

    async def step(server: SMTP) -> str:
        return answer

    return step


async def cuts(server: SMTP) -> str:
    """The connection is lost before there is an answer."""
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()
    return "250 never heard"


@asynccontextmanager
async def serving(mailbox: Mailbox, *, implicit: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[int]:
    """The server, on a port of its own. `implicit` encrypts from the first byte."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="mail.example.org", loop=loop, authenticator=mailbox.sign_in, **options),
        "127.0.0.1",
        0,
        ssl=implicit,
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0)


def certificate(folder: Path, address: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """A server's encryption with a certificate that it signed itself, and the file that makes it trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.org")])
    today = datetime.now(timezone.utc)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "server.pem", folder / "server.key"
    public.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public


def make(at: int, **settings: Any) -> Adapter:
    """The adapter of a source `mail` at that port, with `settings` over the usual ones."""
    usual = {"host": "127.0.0.1", "port": at, "security": "none", "sender": "service@telekom.example"}
    sources = {"sources": {"mail": {"adapter": "smtp", "settings": usual | settings}}}
    return load_registry(ROOT / "adapters", ROOT / "mappings", sources, {}).adapter("mail")


async def send(adapter: Adapter, key: str = "a-key", **args: Any) -> Receipt:
    """Send the usual letter, with `args` over it."""
    client = open_client(adapter, clock=NOW.timestamp)
    return await adapter.perform(client, Action(do="send_email", args=LETTER | args, idempotency_key=key))
