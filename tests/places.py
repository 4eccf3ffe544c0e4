"""Ports for servers of the tests: chosen once, and nobody else's until they are given up."""

from __future__ import annotations

import socket


class Place:
    """A free port of the loopback.

    The socket holds it without listening: a server that reuses addresses, as ours do, can open there, close and open
    again, while neither another server nor the near end of a connection is given the port meanwhile.
    """

    def __init__(self) -> None:
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port = int(self._held.getsockname()[1])

    def give_up(self) -> None:
        """Let others have it."""
        self._held.close()
