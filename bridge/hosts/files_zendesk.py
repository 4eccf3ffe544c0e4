"""Zendesk: an app for the sidebar of a ticket, as a folder and as the zip that is uploaded.

https://developer.zendesk.com/documentation/apps/app-developer-guide/manifest/
"""

from __future__ import annotations

import struct
import zlib
from functools import cache
from typing import Any, Final

from bridge import __version__
from bridge.hosts.files import Files, Plan, as_json, as_zip, readmes

_TEXTS: Final = {
    "de": {
        "name": "Retention Bridge",
        "short_description": "Wer da schreibt, wie wahrscheinlich er geht und was ihn hält.",
        "long_description": "Zeigt zum Ticket, wie hoch das Risiko einer Kündigung ist und warum, was der Kunde wert "
        "ist, was Sie sagen und was Sie anbieten können.",
        "installation_instructions": "Die Schritte stehen in der Datei README.de.md neben dieser App.",
    },
    "en": {
        "name": "Retention Bridge",
        "short_description": "Who is writing, how likely they leave, and what keeps them.",
        "long_description": "Shows beside the ticket how likely the customer leaves and why, what they are worth, what "
        "to say and what may be offered.",
        "installation_instructions": "The steps are in the file README.en.md beside this app.",
    },
}


def make(plan: Plan) -> Files:
    """The files for Zendesk."""
    app = {
        "manifest.json": as_json(_manifest(plan)),
        "assets/logo.png": logo(320),
        "assets/logo-small.png": logo(128),
        "assets/logo.svg": _SVG,
        **{f"translations/{language}.json": as_json({"app": texts}) for language, texts in _TEXTS.items()},
    }
    return {
        **{f"app/{name}": body for name, body in app.items()},
        "retention-bridge-zendesk.zip": as_zip(app),
        **readmes("zendesk", plan),
    }


def _manifest(plan: Plan) -> dict[str, Any]:
    return {
        "name": "Retention Bridge",
        "author": {"name": "Retention Bridge", "email": "retention-bridge@example.com", "url": plan.url},
        "defaultLocale": plan.language,
        "private": True,
        "location": {
            "support": {"ticket_sidebar": {"url": f"{plan.url}/embed/zendesk", "flexible": True, "autoLoad": True}}
        },
        "signedUrls": True,
        "version": __version__,
        "frameworkVersion": "2.0",
    }


_INK, _PAPER = (21, 94, 117), (255, 255, 255)
_SVG: Final = b"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">
<rect width="100" height="100" fill="#155e75"/>
<path fill="#fff" d="M14 64h72v9H14zM20 64a30 30 0 0 1 60 0h-9a21 21 0 0 0-42 0z"/>
</svg>
"""


@cache
def logo(size: int) -> bytes:
    """The drawing of `_SVG` as a PNG of `size` pixels square: an arch on a beam.

    Not compressed, for compressors differ between machines; with five colours it is small all the same.
    """
    shades = [
        tuple((ink * (4 - n) + paper * n) // 4 for ink, paper in zip(_INK, _PAPER, strict=True)) for n in range(5)
    ]
    rows = b"".join(b"\0" + _row(row, size) for row in range(size))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, body)
        for kind, body in (
            (b"IHDR", struct.pack(">IIBBBBB", size, size, 4, 3, 0, 0, 0)),
            (b"PLTE", b"".join(map(bytes, shades))),
            (b"IDAT", b"\x78\x01\x01" + struct.pack("<HH", len(rows), len(rows) ^ 0xFFFF) + rows + _adler(rows)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _adler(rows: bytes) -> bytes:
    return struct.pack(">I", zlib.adler32(rows))


def _row(row: int, size: int) -> bytes:
    """Two pixels a byte, each the number of its four samples that are drawn, so that the arch has no steps."""
    ys = [(row + part) * 100 / size for part in (0.25, 0.75)]
    if ys[1] < 34 or ys[0] > 73:
        return bytes(size // 2)
    covered = [
        sum(_drawn((column + part) * 100 / size, y) for part in (0.25, 0.75) for y in ys) for column in range(size)
    ]
    return bytes(left << 4 | right for left, right in zip(covered[::2], covered[1::2], strict=True))


def _drawn(x: float, y: float) -> bool:
    beam = 14 <= x <= 86 and 64 <= y <= 73
    return beam or (y < 64 and 21**2 <= (x - 50) ** 2 + (y - 64) ** 2 <= 30**2)
