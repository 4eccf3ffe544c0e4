"""Ports for servers of the tests: chosen once, and nobody else's as long as the test has use for them."""

from __future__ import annotations

import socket
import weakref


class Place:
    """A free port of the loopback, held until this object is gone.

    The socket holds it without listening: a server that reuses addresses, as ours do, can open there, close and open
    again, while neither another server nor the near end of a connection is given the port meanwhile.
    """

    def __init__(self) -> None:
        held = socket.socket()
        weakref.finalize(self, held.close)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        self.port = int(held.getsockname()[1])
