"""The list of those who get nothing more, as the command line keeps it: those who said so by telephone or letter."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from bridge.acting.approaching import CHANNELS_OF, opt_in, opt_out
from bridge.adapter.addresses import normalise_email, normalise_phone
from bridge.cli.desks import out, with_desk
from bridge.errors import BadRequest
from bridge.flow import Desk
from bridge.model import Channel
from bridge.worker import utc_now

commands = typer.Typer()

_BY: Final = "command line"
_AT_ONCE: Final = 500


class _Way(StrEnum):
    email = "email"
    sms = "sms"
    voice = "voice"


@commands.command(
    name="suppress",
    epilog="Examples: `bridge automation suppress rosa@example.org '030 1234567'`; "
    "`bridge automation suppress --file robinson.txt --channel email` for a list, one address a line; "
    "`bridge automation suppress rosa@example.org --lift` when she changed her mind",
)
def suppress_command(
    addresses: Annotated[list[str] | None, typer.Argument(help="E-mail addresses and phone numbers")] = None,
    file: Annotated[Path | None, typer.Option(help="A list, one a line; what begins with # is skipped")] = None,
    channel: Annotated[
        _Way | None, typer.Option(help="This channel alone; left out: every one that reaches the address")
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Take it back, also what they said by a link")] = False,
) -> None:
    """Let automations write to these addresses no more, and call these numbers no more.

    It holds at once, also for what is ready to be sent, and outlives an erasure: only keyed hashes are kept.
    """
    given = [*_listed("argument", enumerate(addresses or (), 1)), *(_read(file) if file is not None else ())]
    if not given:
        raise BadRequest("name at least one e-mail address or phone number, or a --file of them")

    async def act(desk: Desk) -> int:
        channels = None if channel is None else (Channel(channel.value),)
        keys = sorted({_key(place, text, desk.settings.region, channels) for place, text in given})
        for first in range(0, len(keys), _AT_ONCE):
            some, now = keys[first : first + _AT_ONCE], utc_now()
            if lift:
                await opt_in(desk, *some, now=now, channels=channels, by=_BY)
            else:
                await opt_out(desk, *some, reason=_BY, now=now, channels=channels, by=_BY)
        return len(keys)

    count: int = asyncio.run(with_desk(act))
    many = "1 address" if count == 1 else f"{count:,} addresses"
    out.print(f"{many} may be written to again." if lift else f"{many}: nothing more goes there.", highlight=False)


def _listed(what: str, lines: Iterable[tuple[int, str]]) -> list[tuple[str, str]]:
    """Every address with the place where it stands: what is wrong is named by that, since it may be somebody's."""
    return [(f"{what} {place}", line.strip()) for place, line in lines if line.strip() and not line.startswith("#")]


def _read(file: Path) -> list[tuple[str, str]]:
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BadRequest(f"{file} cannot be read as text (UTF-8)") from None
    return _listed(f"{file}: line", enumerate(lines, 1))


def _key(place: str, text: str, region: str, channels: tuple[Channel, ...] | None) -> str:
    """The key string of an address. Raises BadRequest naming its place, for one that `channels` do not reach too."""
    email = normalise_email(text) if "@" in text else None
    phone = None if "@" in text else normalise_phone(text, region)
    if email is None and phone is None:
        raise BadRequest(f"{place} is neither an e-mail address nor a phone number; nothing was changed")
    kind, value = ("phone", phone) if email is None else ("email", email)
    if channels is not None and not set(channels) & set(CHANNELS_OF[kind]):
        raise BadRequest(f"{place} is no address that {channels[0].value} reaches; nothing was changed")
    return f"{kind}:{value}"
