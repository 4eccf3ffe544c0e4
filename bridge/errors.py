"""Every error the bridge raises on purpose, grouped by what the one who catches it does next.

BridgeError
├── ConfigError            fix the named file or setting and start again; never swallowed with the rest
├── Rejected               answer the caller; nothing was kept
│   ├── BadRequest         400  the request cannot be understood
│   ├── NotAuthentic       401  no key, a wrong key, a forged or stale signature
│   ├── NotAllowed         403  a good key without the scope
│   ├── NotFound           404  no such source, customer, decision
│   ├── Conflict           409  it was already done differently
│   └── TooLarge           413  more bytes than the limit
├── MappingError           park the delivery in dead letters; mend the mapping and replay it
├── VendorError            the other system
│   ├── VendorRetryable    ask again later (rate limit, time-out, 5xx, garbage)
│   └── VendorRefused      do not ask again; a person has to look
└── Superseded             somebody else changed what was read: read again
"""

from __future__ import annotations

from typing import ClassVar, Final

_TO_WHOEVER_ASKS: Final = frozenset((301, 307, 308, 401, 402, 403, 407))


class BridgeError(Exception):
    """Root of the tree above. The message is written for the person who has to act on it."""


class ConfigError(BridgeError):
    """A file or setting is wrong. `where` is the file (or variable) and the path inside it."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


class Rejected(BridgeError):
    """A request that is answered with `status`; `code` is stable and machine-readable."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "rejected"


class BadRequest(Rejected):
    """The request cannot be understood as it stands."""

    status = 400
    code = "bad_request"


class NotAuthentic(Rejected):
    """Nobody vouches for this request: key or signature is missing, wrong or too old."""

    status = 401
    code = "not_authentic"


class NotAllowed(Rejected):
    """The key is good, but its scopes do not cover this."""

    status = 403
    code = "not_allowed"


class NotFound(Rejected):
    """There is nothing of that name here."""

    status = 404
    code = "not_found"


class Conflict(Rejected):
    """The same thing was already recorded with another content."""

    status = 409
    code = "conflict"


class TooLarge(Rejected):
    """The body is larger than the limit."""

    status = 413
    code = "too_large"


class MappingError(BridgeError):
    """A vendor's record does not fit the mapping. Names vendor, path and the kind of value found, never the value."""

    def __init__(self, vendor: str, path: str, what: str) -> None:
        super().__init__(f"{vendor}: {path}: {what}")
        self.vendor = vendor
        self.path = path
        self.what = what


class VendorError(BridgeError):
    """Another system did not do what was asked. Carries neither secret nor personal datum."""

    def __init__(self, source: str, what: str, *, status: int | None = None) -> None:
        super().__init__(f"{source}: {what}")
        self.source = source
        self.status = status


class VendorRetryable(VendorError):
    """Worth asking again, after `retry_after` seconds where the vendor named them.

    `undone` is true where the vendor surely did nothing of what was asked; else an action may have been done.
    """

    def __init__(
        self,
        source: str,
        what: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        undone: bool = False,
    ) -> None:
        super().__init__(source, what, status=status)
        self.retry_after = retry_after
        self.undone = undone


class VendorRefused(VendorError):
    """The vendor understood and said no.

    `about_us` is true where the no is not to what was asked but to whoever asks: a wrong password, a setting that is
    missing, an address that has moved. Once that is mended the same may be asked again.
    """

    def __init__(self, source: str, what: str, *, status: int | None = None, about_us: bool | None = None) -> None:
        super().__init__(source, what, status=status)
        self.about_us = status in _TO_WHOEVER_ASKS if about_us is None else about_us


class Superseded(BridgeError):
    """What was read has been changed meanwhile by another writer."""
