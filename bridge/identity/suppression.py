"""What is left of an erased person: keyed hashes of their keys, by which a later sync recognises and refuses them."""

from __future__ import annotations

from hashlib import blake2b


def suppression(salt: str, key: str) -> str:
    """The hash under which the key string `key` (such as `email:a@b.de`) is suppressed; worthless without the salt."""
    return blake2b(key.encode(), key=salt.encode()[:64], digest_size=16).hexdigest()
