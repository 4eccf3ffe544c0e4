"""Commands about API keys."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from bridge.access import ROLES, SCOPES, Session, mint_key, mint_session
from bridge.cli.desks import out, with_store
from bridge.errors import BadRequest, ConfigError, NotFound
from bridge.settings import read_settings
from bridge.store import Store, Unit, micros
from bridge.store.keys import keep_key, stored_key
from bridge.worker import utc_now

LINK: Final = timedelta(days=1)
"""How long a link to sign in with is good."""
commands = typer.Typer(no_args_is_help=True, help="API keys: make, list, revoke.")


@commands.command("new", epilog="Example: `bridge key new ivr-frankfurt --scope ivr`")
def new_key(
    name: Annotated[str, typer.Argument(help="What the key is for")],
    scope: Annotated[list[str], typer.Option(help=f"{', '.join(SCOPES)}; may be repeated")],
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Valid for so many days; left out: until it is revoked")
    ] = None,
) -> None:
    """Make a key and print it: this once, it is stored as a hash only."""
    lifetime = timedelta(days=days) if days else None
    key, stored = mint_key(name, scope, utc_now(), lifetime=lifetime)

    async def act(store: Store) -> None:
        unit = Unit()
        keep_key(unit, stored)
        await store.write(unit)

    asyncio.run(with_store(act))
    out.print(key, soft_wrap=True, highlight=False)


@commands.command("console", epilog="Example: `bridge key console 'Anna Brandt' --role manager`")
def console_link(
    name: Annotated[str, typer.Argument(help="Who it is for, as the audit trail will name them")],
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}")] = "manager",
    days: Annotated[int, typer.Option(min=1, max=3650, help="For how long; then a new link is needed")] = 90,
) -> None:
    """Make a link by which one person signs in at the console: good once, within a day.

    It rests on a key of its own: `bridge key revoke` ends what the person may do, at once.
    """
    if not name.strip():
        raise BadRequest("name: says who it is for")
    if role not in ROLES:
        raise BadRequest(f"there is no role {role!r}; there are {', '.join(ROLES)}")
    settings = read_settings()
    if settings.ticket_secret is None:
        raise ConfigError("BRIDGE_TICKET_SECRET", "is needed to sign the link; for instance: openssl rand -hex 32")
    now = utc_now()
    _, stored = mint_key(f"console: {name}", ROLES[role], now, lifetime=timedelta(days=days))

    async def act(store: Store) -> None:
        unit = Unit()
        keep_key(unit, stored)
        await store.write(unit)

    asyncio.run(with_store(act))
    session = Session(name=name, role=role, origin="", key=stored.id, expires_at=now + LINK)
    token = mint_session(settings.ticket_secret.get_secret_value(), session, now)
    out.print(f"{settings.public_url}/console#in={token}", soft_wrap=True, highlight=False)


@commands.command("list", epilog="Example: `bridge key list`")
def list_keys() -> None:
    """List the keys, without their secrets."""

    async def act(store: Store) -> list[Any]:
        return await store.all("access.keys")

    table = Table("Id", "Name", "Scopes", "Made", "Until")
    for row in asyncio.run(with_store(act)):
        key = stored_key(row)
        until: datetime | None = key.revoked_at or key.expires_at
        table.add_row(
            key.id,
            escape(key.name),
            " ".join(sorted(key.scopes)),
            f"{key.created_at:%Y-%m-%d}",
            f"{until:%Y-%m-%d %H:%M}{' revoked' if key.revoked_at else ''}" if until else "",
        )
    out.print(table)


@commands.command("revoke", epilog="Example: `bridge key revoke 1a2b3c4d5e6f`")
def revoke_key(number: Annotated[str, typer.Argument(help="The key's id, as `bridge key list` shows it")]) -> None:
    """Revoke a key; it stops within five seconds."""

    async def act(store: Store) -> list[Any]:
        return await store.change("access.revoke", id=number, at=micros(utc_now()))

    if not asyncio.run(with_store(act)):
        raise NotFound("there is no such key, or it was revoked before")
    out.print("revoked")
