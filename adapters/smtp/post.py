"""Handing one message to a mail server, and what to do next when it does not take it.

Until the server has been given the text, a failure surely means that nothing was sent. After that only its own refusal
does: a connection that is lost then leaves open whether the message is on its way.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import Literal

import aiosmtplib
from msgspec import Struct

from bridge.errors import VendorRefused, VendorRetryable

_STEP_SECONDS = 30.0
_LONGEST = 100.0
"""Shorter than the lease of the outbox."""
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


class Server(Struct, frozen=True, kw_only=True):
    """Where messages are handed in. `name` is what we call ourselves there; `trust` is None for no encryption."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    name: str
    trust: ssl.SSLContext | None = None
    username: str = ""
    password: str = ""


async def hand_in(source: str, server: Server, sender: str, recipient: str, message: bytes) -> None:
    """Give one message to the server. Raises VendorRefused when it will never take it, VendorRetryable when it may
    later; `undone` is true while it surely has not taken it. Neither repeats what the server said, but its code."""
    smtp = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        tls_context=server.trust,
        local_hostname=server.name,
        username=server.username or None,
        password=server.password if server.username else None,
        timeout=_STEP_SECONDS,
    )
    step = "connecting"
    try:
        async with asyncio.timeout(_LONGEST):
            await smtp.connect()
            step = "MAIL"
            await smtp.mail(sender)
            step = "RCPT"
            await smtp.rcpt(recipient)
            step = "DATA"
            await smtp.data(message)
    except aiosmtplib.SMTPResponseException as problem:
        raise _answered(source, step, problem) from None
    except ssl.SSLCertVerificationError:
        raise _not_trusted(source) from None
    except (aiosmtplib.SMTPException, OSError) as problem:
        raise _failed(source, step, problem) from None
    else:
        await _part(smtp)
    finally:
        smtp.close()


def _answered(source: str, step: str, problem: aiosmtplib.SMTPResponseException) -> VendorRefused | VendorRetryable:
    """The server said something else than yes."""
    code, enhanced = problem.code, _ENHANCED.match(problem.message)
    said = f"{step} was answered {code}" + (f" {enhanced[0]}" if enhanced else "")
    if 500 <= code < 600:  # before the recipient is named it is the sender who is not wanted
        return VendorRefused(source, said, status=code, about_us=step in ("connecting", "MAIL"))
    taken_perhaps = step == "DATA" and not 400 <= code < 500
    return VendorRetryable(source, said, status=code, undone=not taken_perhaps)


def _failed(source: str, step: str, problem: Exception) -> VendorRefused | VendorRetryable:
    """There was no answer at all."""
    if isinstance(problem.__cause__, ssl.SSLCertVerificationError):
        return _not_trusted(source)
    if (
        type(problem) is aiosmtplib.SMTPException and step == "connecting"
    ):  # it offers no STARTTLS, or no way to sign in
        wanted = "the mail server does not offer what the settings security and username ask for"
        return VendorRefused(source, wanted, about_us=True)
    what = "timed out" if isinstance(problem, TimeoutError) else "was cut off"
    return VendorRetryable(source, f"{step} {what}", undone=step != "DATA")


def _not_trusted(source: str) -> VendorRefused:
    return VendorRefused(source, "the mail server's certificate is not trusted; see the setting ca_file", about_us=True)


async def _part(smtp: aiosmtplib.SMTP) -> None:
    """Say goodbye. The message is taken; how this ends is no matter."""
    try:
        await smtp.quit(timeout=5)
    except (aiosmtplib.SMTPException, OSError):
        return
