"""Systems that are asked while a caller waits, each with its own fault: they hang, dribble, lie, or talk nonsense."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from benchmarks.processes import free_port

Fault = Literal["hangs", "dribbles", "lies", "is down", "talks nonsense"]
FAULTS: Final[tuple[Fault, ...]] = ("hangs", "dribbles", "lies", "is down", "talks nonsense")
BEAT_S: Final = 0.25
"""Between two bytes of one that dribbles."""

_MANIFEST: Final = """\
name: faulty
title: Faulty CRM
kind: crm
docs: https://faulty.example/docs
capabilities: [lookup]
settings:
  - {name: address, description: where it answers, required: true}
lookup_kinds: [phone, email]
base_url: "{address}"
"""
_MAPPING: Final = """\
vendor: faulty
objects:
  person:
    to: customer
    id: id
    order: {from: version, as: integer}
    fields: {name: name, phones: "phones[*]"}
"""
_ADAPTER: Final = '''\
"""Asks for people by phone; what comes back is for the bridge to check."""

from bridge.adapter.base import Adapter, Item


class Faulty(Adapter):
    async def lookup(self, client, key):
        answer = await client.call("GET", "people", params={key.kind.value: key.value})
        return [Item(object="person", raw=one) for one in answer.data]
'''
_EVERYBODY: Final = [
    {"id": str(one), "version": 1, "name": f"Somebody {one}", "phones": [f"+4940555{one:04d}"]} for one in range(1000)
]


def install(folder: Path) -> dict[str, str]:
    """Write the adapter and its mapping below `folder`; gives the variables that point there."""
    adapter, mappings = folder / "adapters" / "faulty", folder / "mappings"
    adapter.mkdir(parents=True, exist_ok=True)
    mappings.mkdir(exist_ok=True)
    (adapter / "manifest.yaml").write_text(_MANIFEST, "utf-8")
    (adapter / "adapter.py").write_text(_ADAPTER, "utf-8")
    (mappings / "faulty.yaml").write_text(_MAPPING, "utf-8")
    return {"BRIDGE_ADAPTERS_DIR": str(adapter.parent), "BRIDGE_MAPPINGS_DIR": str(mappings)}


def sources(addresses: Sequence[str]) -> dict[str, Any]:
    """The sources `crm1`, `crm2` … at `addresses`, as sources.yaml has them."""
    return {
        f"crm{number}": {"adapter": "faulty", "settings": {"address": address}}
        for number, address in enumerate(addresses, 1)
    }


@contextmanager
def serving(faults: Sequence[Fault]) -> Iterator[list[str]]:
    """The addresses of one server for each of `faults`; at that of one that is down nobody listens."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield [asyncio.run_coroutine_threadsafe(_serve(fault), loop).result() for fault in faults]
    finally:
        asyncio.run_coroutine_threadsafe(_end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _serve(fault: Fault) -> str:
    if fault == "is down":
        return f"http://127.0.0.1:{free_port()}"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await _misbehave(fault, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # whoever asked has stopped listening, or the benchmark is over
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _misbehave(fault: Fault, writer: asyncio.StreamWriter) -> None:
    if fault == "hangs":
        await asyncio.sleep(3600)
    kind, body = "application/json", json.dumps(_EVERYBODY).encode()
    if fault == "talks nonsense":
        kind, body = "text/html", b"<html><body>We are sorry"
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    if fault != "dribbles":
        writer.write(head + body)
        await writer.drain()
        return
    writer.write(head)
    for byte in body:
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(BEAT_S)


async def _end() -> None:
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.sleep(0)
