"""Prism, a server that answers as a published specification says and refuses what it does not allow (npm).

It keeps nothing and makes its answers up: it can judge whether our requests are legal, not whether answers are right.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

PACKAGE = "@stoplight/prism-cli"
FOLDER = Path(__file__).resolve().parents[2] / ".var" / "live" / "prism"
START_SECONDS = 90
STOP_SECONDS = 10
RETRY_SECONDS = 7
"""How long its 429 asks to wait."""

_PROGRAM = FOLDER / "node_modules" / ".bin" / "prism"


class Unavailable(Exception):
    """There is no Prism on this machine; the message says what is missing."""


class Redirected(httpx.AsyncBaseTransport):
    """Takes requests for the vendor to Prism. While `answer` is a status, Prism is asked to answer so."""

    def __init__(self, url: str) -> None:
        self._url = httpx.URL(url)
        self._http = httpx.AsyncHTTPTransport(trust_env=False)
        self.answer = ""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        place = {"scheme": self._url.scheme, "host": self._url.host, "port": self._url.port}
        headers = dict(request.headers) | {"host": f"{self._url.host}:{self._url.port}"}
        if self.answer:
            headers["prefer"] = f"code={self.answer}"
        url = request.url.copy_with(**place)
        sent = httpx.Request(request.method, url, headers=headers, content=await request.aread())
        sent.extensions.update(request.extensions)
        return await self._http.handle_async_request(sent)

    async def aclose(self) -> None:
        await self._http.aclose()


def find() -> None:
    """Raise Unavailable unless Prism and what runs it are there."""
    if shutil.which("node") is None:
        raise Unavailable("node is not installed")
    if not _PROGRAM.exists():
        raise Unavailable(f"Prism is not installed (npm install --prefix {FOLDER.name} {PACKAGE})")


@contextmanager
def serving(specification: Path) -> Iterator[str]:
    """Serve an OpenAPI file, to which a 429 is added everywhere, until the end of the block. Raises Unavailable."""
    find()
    with tempfile.TemporaryDirectory() as folder:
        file, log = Path(folder) / "specification.json", Path(folder) / "log"
        file.write_bytes(_with_429(specification.read_bytes()))
        port = _free_port()
        with log.open("w") as said:
            command = [str(_PROGRAM), "mock", "--host", "127.0.0.1", "--port", str(port), str(file)]
            process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said, env={**os.environ, "CI": "true"})
        try:
            _wait(process, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            _stop(process)


def _with_429(text: bytes) -> bytes:
    """The specification with the answer that every vendor gives and few specify."""
    specification: dict[str, Any] = msgspec.json.decode(text)
    header = {"schema": {"type": "integer", "enum": [RETRY_SECONDS]}}
    content = {"application/json": {"schema": {"type": "object"}, "example": {"code": 20429, "status": 429}}}
    limited = {"description": "Too many requests", "headers": {"Retry-After": header}, "content": content}
    for path in specification["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"].setdefault("429", limited)
    return msgspec.json.encode(specification)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Unavailable(f"Prism ended at once: {log.read_text()[-500:]}")
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise Unavailable(f"Prism does not answer after {START_SECONDS} s: {log.read_text()[-500:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    for end in (process.terminate, process.kill):
        end()
        try:
            process.wait(STOP_SECONDS)
            return
        except subprocess.TimeoutExpired:
            continue


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        number: int = one.getsockname()[1]
        return number
