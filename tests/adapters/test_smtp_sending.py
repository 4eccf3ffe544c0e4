"""Handing in: encryption, signing in, and what each failure means for sending again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from adapters.smtp import post
from bridge.errors import ConfigError, VendorRefused, VendorRetryable
from tests.adapters.smtp_server import PASSWORD, Mailbox, certificate, cuts, make, says, send, serving
from tests.places import Place


async def test_with_starttls_nothing_is_said_in_the_clear(tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    box = Mailbox()
    async with serving(box, tls_context=context, require_starttls=True, auth_required=True) as port:
        adapter = make(port, security="starttls", ca_file=str(trusted), username="bridge", password=PASSWORD)
        await send(adapter)
    assert (box.encrypted, box.signed_in) == ([True], [b"bridge"])


async def test_with_tls_it_is_encrypted_from_the_first_byte(tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    box = Mailbox()
    async with serving(box, implicit=context, auth_require_tls=False) as port:
        await send(make(port, security="tls", ca_file=str(trusted), username="bridge", password=PASSWORD))
    assert (box.encrypted, box.signed_in) == ([True], [b"bridge"])


async def test_a_relay_inside_the_house_needs_neither() -> None:
    box = Mailbox()
    async with serving(box) as port:
        await send(make(port))
    assert (box.encrypted, box.signed_in) == ([False], [])


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path, security: str) -> None:
    context, _ = certificate(tmp_path)
    box = Mailbox()
    options: dict[str, Any] = {"implicit": context} if security == "tls" else {"tls_context": context}
    async with serving(box, **options) as port:
        with pytest.raises(VendorRefused, match="ca_file") as caught:
            await send(make(port, security=security))
    assert box.raw == [] and caught.value.about_us


async def test_a_certificate_of_another_server_is_not_trusted(tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path, "127.0.0.9")
    async with serving(Mailbox(), tls_context=context) as port:
        with pytest.raises(VendorRefused, match="certificate"):
            await send(make(port, security="starttls", ca_file=str(trusted)))


async def test_a_server_without_encryption_gets_nothing() -> None:
    box = Mailbox()
    async with serving(box) as port:
        with pytest.raises(VendorRefused, match="security") as caught:
            await send(make(port, security="starttls"))
    assert box.raw == [] and caught.value.about_us


async def test_a_wrong_password_is_refused_and_not_repeated(tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    async with serving(Mailbox(), tls_context=context, auth_required=True) as port:
        wrong = make(port, security="starttls", ca_file=str(trusted), username="bridge", password="not-the-password")
        with pytest.raises(VendorRefused, match="535") as caught:
            await send(wrong)
    assert "not-the-password" not in str(caught.value) and caught.value.about_us


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
async def test_a_5xx_is_refused_for_good_with_its_code_and_without_the_address(step: str) -> None:
    box = Mailbox()
    box.steps[step] = says("550 5.1.1 <frieda.muster@example.org> is unknown here")
    async with serving(box) as port:
        with pytest.raises(VendorRefused) as caught:
            await send(make(port))
    assert str(caught.value) == f"mail: {step} was answered 550 5.1.1"
    assert caught.value.status == 550
    assert caught.value.about_us is (step == "MAIL")  # before a recipient is named it is the sender who is not wanted


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
async def test_a_4xx_was_surely_not_sent_and_may_be_tried_again(step: str) -> None:
    box = Mailbox()
    box.steps[step] = says("451 4.7.1 greylisted, come back later")
    async with serving(box) as port:
        with pytest.raises(VendorRetryable) as caught:
            await send(make(port))
        assert (caught.value.undone, caught.value.status) == (True, 451)
        del box.steps[step]
        await send(make(port))
    assert len(box.letters) == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
async def test_a_connection_that_is_lost_before_the_text_was_given_sent_nothing(step: str) -> None:
    box = Mailbox()
    box.steps[step] = cuts
    async with serving(box) as port:
        with pytest.raises(VendorRetryable) as caught:
            await send(make(port))
    assert caught.value.undone


async def test_a_connection_that_is_lost_after_the_text_was_given_leaves_it_open() -> None:
    box = Mailbox()
    box.steps["DATA"] = cuts
    async with serving(box) as port:
        with pytest.raises(VendorRetryable, match="DATA was cut off") as caught:
            await send(make(port))
    assert not caught.value.undone


async def test_an_answer_to_the_text_that_is_none_leaves_it_open() -> None:
    box = Mailbox()
    box.steps["DATA"] = says("299 perhaps")
    async with serving(box) as port:
        with pytest.raises(VendorRetryable) as caught:
            await send(make(port))
    assert not caught.value.undone


async def test_a_server_that_does_not_answer_in_time_leaves_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: dict[float, asyncio.Timeout] = {}
    begin = asyncio.timeout
    monkeypatch.setattr(asyncio, "timeout", lambda seconds: limits.setdefault(seconds, begin(seconds)))
    asleep = asyncio.Event()

    async def sleeps(server: object) -> str:
        limits[post._LONGEST].reschedule(asyncio.get_running_loop().time())  # the time is up
        await asleep.wait()
        return "250 late"

    box = Mailbox()
    box.steps["DATA"] = sleeps
    async with serving(box) as port:
        with pytest.raises(VendorRetryable, match="DATA timed out") as caught:
            await send(make(port))
        asleep.set()
    assert not caught.value.undone


async def test_where_nobody_listens_nothing_was_sent() -> None:
    nobodys = Place()
    with pytest.raises(VendorRetryable, match="connecting") as caught:
        await send(make(nobodys.port))
    assert caught.value.undone


async def test_what_speaks_no_smtp_was_given_nothing() -> None:
    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(http, "127.0.0.1", 0)
    async with server:
        with pytest.raises(VendorRetryable) as caught:
            await send(make(server.sockets[0].getsockname()[1]))
    assert caught.value.undone


async def test_how_the_goodbye_ends_is_no_matter() -> None:
    box = Mailbox()

    async def taken_and_gone(server: Any) -> str:
        server.transport.write(b"250 taken\r\n")
        asyncio.get_running_loop().call_soon(server.transport.close)
        await asyncio.sleep(0.1)
        return "250 never heard"

    box.steps["DATA"] = taken_and_gone
    async with serving(box) as port:
        assert (await send(make(port))).reference


@pytest.mark.parametrize(
    "wrong",
    [
        {"security": "ssl"},
        {"host": "mail example"},
        {"port": "smtp"},
        {"port": "99999"},
        {"sender": "service"},
        {"reply_to": "nobody"},
        {"ca_file": "no/such/file.pem", "security": "tls"},
        {"password": "a-password-without-user"},
        {"username": "bridge", "password": "a-password-in-the-clear", "security": "none"},
    ],
)
def test_a_setting_that_cannot_be_right_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        make(25, **wrong)
    assert "sources.mail.settings." in caught.value.where
    assert wrong.get("password", "zz") not in str(caught.value)


def test_the_port_follows_from_the_encryption() -> None:
    found = {kind: make(1, port="", security=kind) for kind in ("starttls", "tls", "none")}
    assert {kind: vars(adapter)["_server"].port for kind, adapter in found.items()} == {
        "starttls": 587,
        "tls": 465,
        "none": 25,
    }
