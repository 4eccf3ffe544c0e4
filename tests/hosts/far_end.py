"""What may be at the other end of the line: nobody, somebody who says nothing, and somebody who answers nonsense."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

from bridge import flat
from bridge.hosts.files import neutral

PHONE, HOME = "+493023125001", "+493023125077"
"""Of one customer whom the running gateway knows, and of two."""


class Liar(BaseHTTPRequestHandler):
    """Answers as `manner` says, and remembers what it was sent."""

    manner: ClassVar[str] = ""
    seen: ClassVar[list[dict[str, Any]]] = []

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        """Any of the ways in which an answer can be none."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.seen.append({"path": self.path, "headers": dict(self.headers), "body": body})
        good = neutral("general") | {"route_hint": "retention", "found": "true"}
        status, said = {
            "ok": (200, json.dumps(good | {"new_key": "x", "number": 3}).encode()),
            "huge": (200, json.dumps(good | {"script_line": "x" * 40_000}).encode()),
            "endless": (200, b"[" + b" " * 200_000),
            "list": (200, b"[1]"),
            "part": (200, b'{"route_hint": "retention"}'),
            "nested": (200, json.dumps({name: {"a": 1} for name in flat.NAMES}).encode()),
            "html": (200, b"<html>route_hint=retention</html>"),
            "refusal": (401, json.dumps(good).encode()),
            "error": (500, json.dumps(good).encode()),
            "redirect": (302, b""),
            "slow": (200, json.dumps(good).encode()),
        }[self.manner]
        self.send_response(status)
        if self.manner == "redirect":
            self.send_header("Location", f"http://127.0.0.1:{self.connection.getsockname()[1]}/elsewhere")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        try:
            for byte in said:
                self.wfile.write(bytes([byte]))
                if self.manner == "slow":  # each byte comes in time, the whole never
                    self.wfile.flush()
                    time.sleep(0.2)
        except OSError:
            return  # hung up on, as it should be

    def do_GET(self) -> None:
        """Where a redirect leads, or the extension that keeps secrets."""
        self.seen.append({"path": self.path, "headers": dict(self.headers), "body": b""})
        said = json.dumps({"SecretString": "rb_from_the_vault\n"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


@contextmanager
def hung() -> Iterator[str]:
    """Somebody who picks up and says nothing."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen(20)
        yield f"http://127.0.0.1:{one.getsockname()[1]}"


def dead() -> str:
    """An address at which nobody is."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"
