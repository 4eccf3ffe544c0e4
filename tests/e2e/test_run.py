"""The first minutes with the product: `bridge run` with the example, and what it says when something is wrong."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.e2e.site import ROOT, Site

pytestmark = pytest.mark.e2e

END_SECONDS = 60.0
START_SECONDS = 120.0


class Terminal:
    """A shell in which `bridge run` was typed: what it shows, and Ctrl-C."""

    def __init__(self, site: Site) -> None:
        shutil.copy(ROOT / "Procfile", site.folder)
        self.screen = site.folder / "screen.txt"
        with self.screen.open("wb") as screen:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bridge", "run"],
                env=site.environment,
                cwd=site.folder,
                stdout=screen,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def press_ctrl_c(self) -> None:
        """The signal goes to everything in the foreground, as from a real terminal."""
        os.killpg(self.process.pid, signal.SIGINT)

    def is_left(self) -> bool:
        """Whether any process that was started here still runs."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def close(self) -> None:
        """End whatever is left."""
        if self.is_left():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An installation in demo mode, as `make run` starts it."""
    return Site(tmp_path, f"sqlite:///{tmp_path / 'demo.db'}", {}, BRIDGE_DEMO="true", COLUMNS="100")


@pytest.fixture
def terminal(site: Site) -> Iterator[Terminal]:
    opened = Terminal(site)
    yield opened
    opened.close()


def _wait_for(site: Site, terminal: Terminal) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert terminal.process.poll() is None, terminal.screen.read_text("utf-8")
        try:
            if httpx.get(f"{site.url}/healthz").status_code == 200 and '"room":"worker"' in terminal.screen.read_text():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(terminal.screen.read_text("utf-8"))


def test_the_example_answers_for_each_number_it_prints_and_ctrl_c_ends_everything(
    site: Site, terminal: Terminal
) -> None:
    _wait_for(site, terminal)
    shown = terminal.screen.read_text("utf-8")
    (key,) = set(re.findall(r"rb_[0-9a-z]+_[0-9a-zA-Z_-]+", shown))
    numbers = re.findall(r"^ *(\+49\d+)", shown, re.MULTILINE)
    assert len(numbers) == 3
    assert f"{site.url}/v1/lookup" in shown
    with httpx.Client(base_url=site.url, headers={"authorization": f"Bearer {key}"}, timeout=60) as client:
        for number in numbers:
            answer = client.get("/v1/lookup", params={"phone": number}).json()
            assert (answer["found"], answer["match"]) == ("true", "exact")
            assert answer["script_line"]
            card = client.get("/v1/assist", params={"phone": number}).json()
            assert card["customer"]["id"] == answer["customer_id"]
            assert card["script"]["line"] == answer["script_line"]
        assert client.get("/v1/lookup", params={"phone": "+493023125000"}).json()["found"] == "false"
    terminal.press_ctrl_c()
    terminal.process.wait(END_SECONDS)
    assert not terminal.is_left()
    assert "Traceback" not in terminal.screen.read_text("utf-8")


def _fails(site: Site, *words: str) -> str:
    """What a command that must not start says; it ends with 2, in plain words."""
    ended = subprocess.run(
        [sys.executable, "-m", "bridge", *words],
        env=site.environment,
        cwd=site.folder,
        capture_output=True,
        check=False,
        timeout=START_SECONDS,
    )
    said = (ended.stdout + ended.stderr).decode()
    assert ended.returncode == 2, said
    assert "Traceback" not in said
    return " ".join(said.split())


def test_demo_mode_beside_a_real_source_refuses_and_says_what_to_do(site: Site) -> None:
    real = {"sources": {"crm": {"adapter": "spreadsheet", "settings": {"folder": str(site.folder)}}}}
    (site.config / "sources.yaml").write_text(yaml.safe_dump(real), "utf-8")
    shutil.copy(ROOT / "Procfile", site.folder)
    for command in ("run", "web", "worker"):
        said = _fails(site, command)
        assert "BRIDGE_DEMO" in said and "sources.yaml" in said and "crm" in said


def test_a_database_with_made_up_people_is_refused_without_demo_mode(site: Site) -> None:
    subprocess.run(
        [sys.executable, "-m", "bridge", "example", "--customers", "20"],
        env=site.environment,
        cwd=site.folder,
        check=True,
        capture_output=True,
    )
    del site.environment["BRIDGE_DEMO"]
    for command in ("web", "worker"):
        assert "BRIDGE_DATABASE_URL" in _fails(site, command)


@pytest.mark.parametrize("command", ["web", "worker", "check"])
def test_a_broken_file_stops_the_start_with_file_and_path(site: Site, command: str) -> None:
    del site.environment["BRIDGE_DEMO"]
    (site.config / "routing.yaml").write_text("rules: [{route_hint: vip, priority: 9}]\n", "utf-8")
    said = _fails(site, command)
    assert "routing.yaml" in said and "rules[0].priority" in said
