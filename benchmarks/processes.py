"""The product's own processes for the length of a benchmark: started, pinned, watched, stopped."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import msgspec

from benchmarks.figures import VAR, Void
from bridge.settings import Settings, read_settings

_T = TypeVar("_T")
_P = ParamSpec("_P")
_SCHEDULED = 2
"""Makes the clock of a process, as clock_getcpuclockid(3) does, the one that the scheduler keeps."""
_START_SECONDS = 30.0
_CONFIG = Path(__file__).resolve().parent.parent / "config"

SERVER, CLIENT = 0, -1
"""Places in the list of cores: servers on the first, what drives them on the last."""


def pin(place: int, process: int = 0) -> None:
    """Keep `process` (this one by default) on one core, where the machine has several."""
    if len(_CORES) > 1:
        os.sched_setaffinity(process, {_CORES[place]})


_CORES = sorted(os.sched_getaffinity(0))


def cpu_seconds(process: int) -> float:
    """Processor time that `process` has used so far, all its threads together, in user and in kernel mode.

    What `/proc/<pid>/stat` says, to the nanosecond instead of in clock ticks of 10 ms.
    """
    return time.clock_gettime((~process << 3) | _SCHEDULED)


def resident_mb() -> float:
    """Resident memory of this process now."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_mb() -> float:
    """Most resident memory that this process ever had."""
    status = Path("/proc/self/status").read_text("ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder on the checkout's own disk, gone afterwards."""
    folder = VAR / f"run-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_config(folder: Path, sources: Mapping[str, Any]) -> Path:
    """The product's own configuration in `folder`, with `sources` in place of whatever is configured here."""
    config = folder / "config"
    shutil.copytree(_CONFIG, config, dirs_exist_ok=True)
    (config / "sources.yaml").write_bytes(msgspec.yaml.encode({"sources": dict(sources)}))
    return config


def settings(database: Path, config: Path) -> Settings:
    """Settings for this process as `environment` gives them to others; what is set here for real work is left out."""
    for variable in [one for one in os.environ if one.startswith("BRIDGE_")]:
        del os.environ[variable]
    return read_settings(database_url=f"sqlite:///{database}", config_dir=config)


def environment(database: Path, config: Path, **more: str) -> dict[str, str]:
    """The environment of a process that works on `database`; what is set here for real work is left out."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
    return own | {"BRIDGE_DATABASE_URL": f"sqlite:///{database}", "BRIDGE_CONFIG_DIR": str(config)} | more


@contextmanager
def running(arguments: list[str], place: int | None, log: Path, env: Mapping[str, str]) -> Iterator[int]:
    """Run `python -m …` on the core at `place`; gives its process id, and stops it afterwards."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], env=dict(env), stdout=out, stderr=out, stdin=subprocess.DEVNULL
        )
    try:
        if place is not None:
            pin(place, process.pid)
        yield process.pid
        if process.poll() is not None:
            raise Void(f"`{' '.join(arguments)}` ended by itself; {log} says why")
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port: int, path: str, log: Path) -> None:
    """Wait until the server on `port` answers 200 at `path`."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as one:
                one.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
                if one.recv(64).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise Void(f"no answer at port {port} after {_START_SECONDS:.0f} s:\n{log.read_text('utf-8')[-2000:]}")


@contextmanager
def aside(place: int) -> Iterator[Aside]:
    """Call functions in a fresh process on the core at `place`: nothing of this one's memory and time is theirs."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=pin, initargs=(place,)) as pool:
        yield Aside(pool)


class Aside:
    """The process that `aside` started."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def call(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What `function` returns there."""
        return self._pool.submit(function, *args, **kwargs).result()
