"""The load generator: keep-alive connections, each with one request under way, over plain sockets.

It runs in a process of its own and costs about 15 µs a request, so that the server is what is busy. Every answer is
read to its end and must be the expected one.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence
from random import Random
from time import perf_counter_ns

from msgspec import Struct

from benchmarks.figures import Void
from benchmarks.processes import cpu_seconds

WARM_SECONDS = 0.2


class Plan(Struct, frozen=True, kw_only=True):
    """What is asked of whom. `%d` in `request` becomes a number of `numbers`, drawn anew each time."""

    port: int
    process: int
    request: bytes
    numbers: tuple[int, int]
    expected: bytes
    connections: int
    seconds: float
    seed: int


class Slice(Struct, frozen=True, kw_only=True):
    """What was measured: requests answered, the server's processor time for one, and times from request to answer."""

    requests: int
    seconds: float
    cpu_us: float
    p50_us: float
    p99_us: float


def drive(plan: Plan) -> Slice:
    """Ask as fast as answers come. Raises Void for an answer that is not the expected one."""
    random = Random(plan.seed)
    low, high = plan.numbers
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    asked: dict[int, int] = {}
    parts: dict[int, bytes] = {}
    took: list[int] = []
    for _ in range(plan.connections):
        one = socket.create_connection(("127.0.0.1", plan.port), 5)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[one.fileno()] = one
        poll.register(one.fileno(), select.EPOLLIN)
    for fileno, one in sockets.items():
        asked[fileno] = perf_counter_ns()
        one.send(plan.request % random.randrange(low, high))
    began = perf_counter_ns()
    warm, used, ends = False, 0.0, began + int(WARM_SECONDS * 1e9)
    while True:
        for fileno, _ in poll.poll(5.0):
            got = sockets[fileno].recv(65_536)
            if not got:
                raise Void("the server closed a connection")
            if fileno in parts:
                got = parts.pop(fileno) + got
            if not _whole(got):
                parts[fileno] = got
                continue
            now = perf_counter_ns()
            took.append(now - asked[fileno])
            if not got.startswith(b"HTTP/1.1 200 ") or plan.expected not in got:
                raise Void(f"unexpected answer: {got[:300]!r}")
            asked[fileno] = now
            sockets[fileno].send(plan.request % random.randrange(low, high))
        if (now := perf_counter_ns()) < ends:
            continue
        if warm:
            break
        took.clear()
        warm, used, began, ends = True, cpu_seconds(plan.process), now, now + int(plan.seconds * 1e9)
    used = cpu_seconds(plan.process) - used
    for one in sockets.values():
        one.close()
    return Slice(
        requests=len(took),
        seconds=(now - began) / 1e9,
        cpu_us=used * 1e6 / len(took),
        p50_us=quantile(took, 0.5) / 1000,
        p99_us=quantile(took, 0.99) / 1000,
    )


def fetch(plan: Plan) -> bytes:
    """The body of one answer to `plan`."""
    with socket.create_connection(("127.0.0.1", plan.port), 5) as one:
        one.sendall(plan.request % plan.numbers[0])
        got = one.recv(65_536)
        while not _whole(got):
            got += one.recv(65_536)
    return got.partition(b"\r\n\r\n")[2]


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    return len(body) >= int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
