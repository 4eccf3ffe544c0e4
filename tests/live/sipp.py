"""SIPp: the phones and callers of a test, each a process of its own that speaks SIP on loopback."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.live.asterisk import FOLDER, HERE, environment, free_port

SIPP = FOLDER / "usr/bin/sipp"
SECONDS = 60
"""No call of a test takes longer."""


@contextmanager
def answering(port: int, scenario: str = "") -> Iterator[None]:
    """A phone on `port` that picks up, or does as `scenario` has it, until the end of the block."""
    how = ["-sf", str(_scenario(scenario))] if scenario else ["-sn", "uas"]
    with tempfile.TemporaryDirectory() as folder:
        command = [str(SIPP), *how, "-i", "127.0.0.1", "-p", str(port), "-nostdin"]
        process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()


async def call(sip: int, caller: str, called: str, *, seconds: float, scenario: str = "calls_and_hangs_up") -> None:
    """Call from outside and hang up after `seconds`. Raises AssertionError where the call went another way."""
    with tempfile.TemporaryDirectory() as folder:
        one = ("-key", "caller", caller, "-s", called, "-m", "1", "-d", str(round(seconds * 1000)))
        await _run(sip, _scenario(scenario), one, Path(folder), SECONDS)


async def call_at_rate(sip: int, callers: Sequence[str], called: str, *, rate: int, seconds: float) -> None:
    """One call for each of `callers`, `rate` of them a second, each for `seconds`. Raises AssertionError as `call`."""
    with tempfile.TemporaryDirectory() as folder:
        one_by_one = Path(folder) / "scenario.xml"
        one_by_one.write_text(
            _scenario("calls_and_hangs_up").read_text("ascii").replace("[caller]", "[field0]"), "ascii"
        )
        numbers = Path(folder) / "callers.csv"
        numbers.write_text("SEQUENTIAL\n" + "".join(f"{caller};\n" for caller in callers), "ascii")
        most = len(callers) / rate + seconds + SECONDS
        each = ("-s", called, "-m", str(len(callers)), "-r", str(rate), "-l", "2000", "-d", str(round(seconds * 1000)))
        await _run(sip, one_by_one, ("-inf", str(numbers), *each), Path(folder), most)


async def _run(sip: int, scenario: Path, calls: Sequence[str], folder: Path, most: float) -> None:
    """Make `calls` by `scenario` within `most` seconds."""
    port, media = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    process = await asyncio.create_subprocess_exec(
        str(SIPP),
        *("-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port), "-mp", str(media), *calls),
        *("-nostdin", "-timeout", f"{round(most)}s", "-trace_err", f"127.0.0.1:{sip}"),
        cwd=folder,
        env=environment(),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    ended = await asyncio.wait_for(process.wait(), most + 5)
    errors = "".join(file.read_text("latin-1")[-2000:] for file in folder.glob("*_errors.log"))
    assert ended == 0, f"SIPp ended with {ended}: {errors}"


def _scenario(name: str) -> Path:
    return HERE / "sipp_scenarios" / f"{name}.xml"
