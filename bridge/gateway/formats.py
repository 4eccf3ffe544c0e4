"""The flat answer in the format a host can read: JSON, a form, or plain lines, chosen by `Accept`."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec

Format = Literal["json", "form", "text"]

CONTENT_TYPES: Final[dict[Format, bytes]] = {
    "json": b"application/json",
    "form": b"application/x-www-form-urlencoded",
    "text": b"text/plain; charset=utf-8",
}
_TYPES: Final[dict[str, Format]] = {
    "application/json": "json",
    "application/*": "json",
    "*/*": "json",
    "application/x-www-form-urlencoded": "form",
    "text/plain": "text",
}
_decode_flat = msgspec.json.Decoder(dict[str, str]).decode


@lru_cache(maxsize=256)
def choose(accept: bytes) -> Format:
    """The format that `accept` prefers; JSON where it names none of ours (a browser asking for HTML, for instance)."""
    best: Format = "json"
    weight = 0.0
    for part in accept.decode("latin-1").lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if name in _TYPES and quality > weight:
            best, weight = _TYPES[name], quality
    return best


def project(flat: bytes, format: Format) -> bytes:
    """`flat` (JSON) in `format`. As text each line is `key=value`; no value holds a line break."""
    if format == "json":
        return flat
    values = _decode_flat(flat)
    if format == "form":
        return urlencode(values).encode("ascii")
    return "".join(f"{name}={value}\n" for name, value in values.items()).encode()
