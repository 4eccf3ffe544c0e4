"""A Request Tracker 5 of one test run's own: its configuration, its SQLite file and its processes, on loopback only.

The programs are Debian's (request-tracker5, rt5-standalone, rt5-db-sqlite); nothing of the machine's own installation
is read or written. Root lends the server to `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

import httpx
from msgspec import Struct

PACKAGES = "request-tracker5 rt5-standalone rt5-db-sqlite"
RIGHTS = (
    "ShowTicket SeeQueue AdminUsers SeeGroup AdminGroupMembership CommentOnTicket ShowTicketComments CreateTicket"
    " SeeCustomField"
).split()
"""What the README asks an operator to give to the bridge's user."""
CUSTOMERS = 13
TICKETS = 23
START_SECONDS = 120
STOP_SECONDS = 30

_ADMINISTRATOR = ("root", "password")
"""Every fresh database holds it."""
_DATA = Path(__file__).with_suffix(".pl")
_SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
_SETUP = "rt-setup-database-5"
_CONFIG = """\
Set($rtname, 'live.example.org');
Set($Organization, 'live.example.org');
Set($WebDomain, '127.0.0.1');
Set($WebPort, {port});
Set($WebPath, '');
Set($Timezone, 'UTC');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{folder}/rt.db');
Set($MasonDataDir, '{folder}/mason');
Set($MasonSessionDir, '{folder}/sessions');
Set($MailCommand, 'testfile');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
Set($BcryptCost, {bcrypt});
1;
"""


class Unavailable(Exception):
    """There is no Request Tracker on this machine; the message says what is missing."""


class Server(Struct, frozen=True):
    """A running server: where it answers, and the auth token of the bridge's user."""

    url: str
    token: str

    def ask(self, method: str, path: str, **said: Any) -> Any:
        """What it answers to its administrator, decoded."""
        answer = httpx.request(
            method, f"{self.url}/REST/2.0/{path}", auth=_ADMINISTRATOR, trust_env=False, timeout=60, **said
        )
        answer.raise_for_status()
        return answer.json()


class _Account(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def find() -> None:
    """Raise Unavailable unless the programs are installed."""
    if shutil.which(_SETUP, path=_path()) is None or not _SERVER.exists():
        raise Unavailable(f"Request Tracker 5 is not installed (Debian's {PACKAGES})")


@contextmanager
def running(*, bcrypt: int = 12) -> Iterator[Server]:
    """A server with the data of request_tracker.pl, stopped and removed afterwards. Raises Unavailable.

    Each request costs it one password check: 2^`bcrypt` rounds, for 12 (what it ships with) about 200 ms.
    """
    find()
    folder = Path(tempfile.mkdtemp(prefix="bridge-rt-"))
    try:
        with _serving(folder, bcrypt) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _serving(folder: Path, bcrypt: int) -> Iterator[Server]:
    port = _free_port()
    for name in ("config", "mason", "sessions", "home"):
        (folder / name).mkdir()
    (folder / "config" / "RT_SiteConfig.pm").write_text(_CONFIG.format(folder=folder, port=port, bcrypt=bcrypt))
    (folder / "config" / "data.pl").write_text(_DATA.read_text("utf-8"))
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    who: _Account = {}
    if account is not None:
        who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)
    environment = {
        "PATH": _path(),
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder),
        "RT_SITE_CONFIG": str(folder / "config" / "RT_SiteConfig.pm"),
        "RT_SITE_CONFIG_DIR": str(folder / "config"),
        "BRIDGE_RIGHTS": " ".join(RIGHTS),
        "BRIDGE_CUSTOMERS": str(CUSTOMERS),
        "BRIDGE_TICKETS": str(TICKETS),
        "BRIDGE_TOKEN": str(folder / "token"),
    }
    log = folder / "log"
    setup = [_SETUP, "--skip-create", "--dba", "", "--dba-password", "", "--action"]
    with log.open("w") as said:
        for step in (["init"], ["insert", "--datafile", str(folder / "config" / "data.pl")]):
            try:
                subprocess.run(
                    [*setup, *step], check=True, stdout=said, stderr=said, cwd=folder, env=environment, **who
                )
            except subprocess.CalledProcessError:
                raise Unavailable(f"{_SETUP} failed: {log.read_text()[-500:]}") from None
        command = [
            str(_SERVER),
            "--server",
            "Starlet",
            "--max-workers",
            "2",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        process = subprocess.Popen(
            command, stdout=said, stderr=said, cwd=folder, env=environment, start_new_session=True, **who
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(process, url, log)
            yield Server(url, (folder / "token").read_text())
        finally:
            _stop(process)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Unavailable(f"{_SERVER} ended at once: {log.read_text()[-500:]}")
        try:
            if httpx.get(f"{url}/REST/2.0/rt", trust_env=False, timeout=5).status_code == 401:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise Unavailable(f"{_SERVER} does not answer after {START_SECONDS} s: {log.read_text()[-500:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and the workers it started: a session of their own, so that the group is theirs alone."""
    for word in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, word)
            process.wait(STOP_SECONDS)
            return
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            return


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin"


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        number: int = one.getsockname()[1]
        return number
