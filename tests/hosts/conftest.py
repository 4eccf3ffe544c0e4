"""A running gateway that knows three people, and a liar in its place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from tests.browser.running import Running
from tests.hosts.far_end import HOME, PHONE, Liar


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway that knows one customer, and two people with one number."""
    made = Running(tmp_path_factory.mktemp("bridge")).start()
    people: list[dict[str, Any]] = [
        {"id": "1001", "name": "Adalbertine Eindeutig", "given_name": "Adalbertine", "phones": [PHONE]},
        {"id": "2002", "name": "Bertram Beispiel", "given_name": "Bertram", "phones": [HOME]},
        {"id": "3003", "name": "Cosima Beispiel", "given_name": "Cosima", "phones": [HOME]},
    ]
    made.know(*(("person", one) for one in people))
    yield made
    made.stop()


@pytest.fixture
def liar() -> Iterator[str]:
    """The address of one."""
    Liar.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
