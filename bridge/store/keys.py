"""Access keys as rows: the one place where a key's columns are spelt."""

from __future__ import annotations

from bridge.access import AccessKey
from bridge.store.base import Row, Unit, instant, micros


def keep_key(unit: Unit, key: AccessKey) -> None:
    """Add `key` to `unit`, or what changed of it (expiry, revocation)."""
    unit.add(
        "access.put",
        id=key.id,
        hash=key.hash,
        name=key.name,
        scopes=" ".join(sorted(key.scopes)),
        created_at=micros(key.created_at),
        expires_at=micros(key.expires_at) if key.expires_at else None,
        revoked_at=micros(key.revoked_at) if key.revoked_at else None,
    )


def stored_key(row: Row) -> AccessKey:
    """The key of a row of `access.keys` or `access.by_hash`."""
    number, digest, name, scopes, created_at, expires_at, revoked_at = row
    return AccessKey(
        id=number,
        hash=digest,
        name=name,
        scopes=frozenset(scopes.split()),
        created_at=instant(created_at),
        expires_at=None if expires_at is None else instant(expires_at),
        revoked_at=None if revoked_at is None else instant(revoked_at),
    )
