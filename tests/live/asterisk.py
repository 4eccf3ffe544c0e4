"""An Asterisk 16 of one test run's own, on loopback only, from Debian 11's packages unpacked into a folder.

`tests/live/asterisk_install.sh` unpacks them; its configuration is in `tests/live/asterisk_conf`. Nothing is installed.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from msgspec import Struct

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / ".var" / "live" / "asterisk" / "root"
USER = "bridge"
PASSWORD = "ari-password-55e1"
START_SECONDS = 90
STOP_SECONDS = 30


class Unavailable(Exception):
    """There is no Asterisk on this machine; the message says what is missing."""


class Server(Struct, frozen=True):
    """A running server: its HTTP address, its ports for SIP (its own, two phones' and the customers'), its files."""

    url: str
    sip: int
    anna: int
    stumm: int
    customer: int
    work: Path

    @property
    def cdr(self) -> Path:
        """The file of the call records."""
        return self.work / "log" / "cdr-csv" / "Master.csv"

    @property
    def console(self) -> Path:
        """What the dialplan did, step by step, to the millisecond."""
        return self.work / "log" / "dialplan"

    @property
    def queue_log(self) -> Path:
        """The log of the queues."""
        return self.work / "log" / "queue_log"

    def command(self, words: str) -> None:
        """Say something at its console."""
        subprocess.run([*_program(self.work), "-rx", words], env=environment(), check=True, capture_output=True)


def find() -> None:
    """Raise Unavailable unless the programs are there."""
    if not (FOLDER / "usr/sbin/asterisk").exists() or not (FOLDER / "usr/bin/sipp").exists():
        raise Unavailable("Asterisk and SIPp are not unpacked (tests/live/asterisk_install.sh .var/live/asterisk)")


def environment() -> dict[str, str]:
    """Where the unpacked programs find their libraries."""
    folders = [FOLDER / "usr/lib/x86_64-linux-gnu", FOLDER / "usr/lib", FOLDER / "lib/x86_64-linux-gnu"]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, folders))}


_given: set[int] = set()


def free_port(kind: socket.SocketKind) -> int:
    """A port of this machine that nobody uses now, and that was given to nobody before."""
    while True:
        with socket.socket(type=kind) as one:
            one.bind(("127.0.0.1", 0))
            number: int = one.getsockname()[1]
        if number not in _given:
            _given.add(number)
            return number


@contextmanager
def running(more: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server without any past, stopped and removed afterwards. Raises Unavailable.

    `more` are further files of its configuration; extensions.conf and queues.conf include those named `more_…`.
    """
    find()
    work = Path(tempfile.mkdtemp(prefix="asterisk-"))
    names = ("sip", "anna", "stumm", "customer")
    ports = {name: free_port(socket.SOCK_DGRAM) for name in names} | {"http": free_port(socket.SOCK_STREAM)}
    server = Server(url=f"http://127.0.0.1:{ports['http']}", work=work, **{name: ports[name] for name in names})
    try:
        for name in ("etc", "lib", "run", "spool", "log/cdr-csv"):
            (work / name).mkdir(parents=True)
        filled = {"work": str(work), "root": str(FOLDER), "password": PASSWORD} | {n: str(v) for n, v in ports.items()}
        for file in (HERE / "asterisk_conf").iterdir():
            text = file.read_text()
            for name, value in filled.items():
                text = text.replace(f"{{{name}}}", value)
            (work / "etc" / file.name).write_text(text)
        for name, text in (more or {}).items():
            (work / "etc" / name).write_text(text)
        for name in ("acl.conf", "indications.conf"):
            shutil.copy(FOLDER / "etc/asterisk" / name, work / "etc")
        with (work / "out").open("w") as said:
            process = subprocess.Popen([*_program(work), "-f"], env=environment(), stdout=said, stderr=said)
        try:
            _wait(process, server)
            yield server
        finally:
            _stop(process)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _program(work: Path) -> list[str]:
    return [str(FOLDER / "usr/sbin/asterisk"), "-C", str(work / "etc/asterisk.conf")]


def _wait(process: subprocess.Popen[bytes], server: Server) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Unavailable(f"Asterisk ended at once: {(server.work / 'out').read_text()[-500:]}")
        try:
            answer = httpx.get(f"{server.url}/ari/asterisk/info", auth=(USER, PASSWORD), trust_env=False, timeout=2)
            if answer.status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise Unavailable(f"Asterisk does not answer after {START_SECONDS} s: {(server.work / 'out').read_text()[-500:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    for end in (process.terminate, process.kill):
        end()
        try:
            process.wait(STOP_SECONDS)
            return
        except subprocess.TimeoutExpired:
            continue
