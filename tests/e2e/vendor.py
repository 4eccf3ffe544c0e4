"""A vendor on the loopback: an adapter for it, and a server that answers late, not at all, or with everybody."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

MANIFEST = """\
name: acme
title: Acme CRM
kind: crm
docs: https://acme.example/docs
capabilities: [webhook, lookup]
settings:
  - {name: address, description: where it answers, required: true}
  - {name: webhook_secret, description: signs deliveries, secret: true, many: true}
lookup_kinds: [phone]
base_url: "{address}"
signature: {scheme: hmac, header: x-acme-signature, encoding: hex}
"""

MAPPING = """\
vendor: acme
objects:
  person:
    to: customer
    id: id
    order: {from: version, as: integer}
    fields: {name: name, phones: "phones[*]"}
"""

ADAPTER = '''\
"""Acme: asks for people by a filter that its server may or may not know."""

from bridge.adapter.base import Adapter, Item


class Acme(Adapter):
    async def lookup(self, client, key):
        answer = await client.call("GET", "people", params={key.kind.value: key.value})
        return [Item(object="person", raw=one) for one in answer.data]
'''

Manner = Literal["filters", "gives everybody", "hangs", "is late"]
LATE_SECONDS = 0.8
HANG_SECONDS = 8.0


def install(adapters: Path, mappings: Path) -> None:
    """Put the adapter's folder and mapping beside those that are there."""
    (adapters / "acme").mkdir(parents=True)
    (adapters / "acme" / "manifest.yaml").write_text(MANIFEST, "utf-8")
    (adapters / "acme" / "adapter.py").write_text(ADAPTER, "utf-8")
    mappings.mkdir(exist_ok=True)
    (mappings / "acme.yaml").write_text(MAPPING, "utf-8")


class Vendor:
    """The server. `manner` and `people` can be changed at any time; `asked` is what it was asked for."""

    def __init__(self) -> None:
        self.manner: Manner = "filters"
        self.people: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self._over = threading.Event()
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wanted = parse_qs(urlsplit(self.path).query)["phone"][0]
                vendor.asked.append(wanted)
                self._send(vendor.answer(wanted))

            def _send(self, found: list[dict[str, Any]]) -> None:
                body = json.dumps(found).encode()
                try:
                    self.send_response(200)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except ConnectionError:
                    return  # whoever asked has stopped listening

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, wanted: str) -> list[dict[str, Any]]:
        """The people it gives for a number, in its present manner."""
        if self.manner == "hangs":
            self._over.wait(HANG_SECONDS)
        elif self.manner == "is late":
            time.sleep(LATE_SECONDS)
        if self.manner == "gives everybody":
            return self.people
        return [one for one in self.people if wanted in one["phones"]]

    def close(self) -> None:
        """Stop answering, also those who still wait."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
