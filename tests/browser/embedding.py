"""A server that plays somebody else's desktop, and a bridge whose pages it may hold."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import msgspec
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.browser.running import Running, utc_now

FILES = Path(__file__).parent / "host"
CONFIG = Path(__file__).resolve().parents[2] / "config"
AUDIENCE = "https://example.zendesk.com/api/v2/apps/installations/17.json"
_KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css"}


class Desk:
    """The desktop's server. `name` is the host name it goes by: another name is another site to a browser."""

    def __init__(self, name: str = "localhost") -> None:
        self.ticket: Callable[[], str] = str
        """What the sign-in page hands over."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, self))
        self.origin = f"http://{name}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


class _Files(BaseHTTPRequestHandler):
    def __init__(self, desk: Desk, *rest: Any) -> None:
        self._desk = desk
        super().__init__(*rest)

    def do_GET(self) -> None:
        """A file of the desktop's, or the ticket of whoever is signed in."""
        path = urlsplit(self.path).path
        if path == "/ticket":
            kind, body = "application/json", msgspec.json.encode({"ticket": self._desk.ticket()})
        else:
            file = FILES / (path.strip("/") or "host.html")
            kind, body = _KINDS.get(file.suffix, "text/plain"), file.read_bytes() if file.is_file() else b""
        self.send_response(200 if body else 404)
        self.send_header("content-type", kind)
        self.send_header("cache-control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Zendesk:
    """Zendesk's half of the signature."""

    def __init__(self) -> None:
        key = rsa.generate_private_key(65537, 2048)
        self._private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def token(self, **other: Any) -> str:
        """A signed token for agent 4711, that is good for two minutes."""
        at = int(utc_now().timestamp())
        said = {
            "iss": "example.zendesk.com",
            "aud": AUDIENCE,
            "sub": "https://example.zendesk.com/api/v2/users/4711.json",
            "iat": at,
            "nbf": at,
            "exp": at + 120,
            "jti": f"{utc_now().timestamp()}",
        }
        return jwt.encode(said | other, self._private, "RS256")


def embedding(folder: Path, origin: str, zendesk: Zendesk, **other: Any) -> Running:
    """A bridge whose pages may stand in those of `origin`, not started yet."""
    config = folder / "config"
    shutil.copytree(CONFIG, config)
    signed_in = {"on": True, "origins": [origin], "sign_in": f"{origin}/sign-in.html"}
    embeds = {
        "zendesk": {
            "on": True,
            "origins": [origin],
            "audience": AUDIENCE,
            "public_key": zendesk.public,
            "key": "example",
            "source": "crm",
            "sdk": f"{origin}/zaf.js",
        },
        "genesys": signed_in,
        "amazon_connect": signed_in | {"sdk": f"{origin}/connect.js"},
        "chatwoot": signed_in | {"source": "crm"},
        "iframe": {"on": True, "origins": [origin]},
    }
    (config / "hosts.yaml").write_text(yaml.safe_dump({"embeds": embeds | other}), "utf-8")
    return Running(folder, config_dir=config)


def short_ticket(bridge: Running, seconds: float) -> str:
    """A ticket for pages of the bridge itself, as the company's sign-in gets one."""
    return bridge.ticket(bridge.base, minutes=seconds / 60)
