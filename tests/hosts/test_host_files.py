"""`bridge host`: what it writes, what it leaves alone, and what it says when something is wrong."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bridge.cli import cli, main
from bridge.errors import BadRequest, ConfigError, Conflict
from bridge.hosts.files import SUMS, Plan, read_url, write_files
from bridge.hosts.generators import EMBEDS, MAKERS, make_files, make_plan
from bridge.hosts.registry import HOSTS
from bridge.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
URL = "https://bridge.example.com"
PLAN = Plan(url=URL, language="de", routes=("retention", "vip", "general"))
PLACEHOLDERS = re.compile(rb"PASTE-THE-KEY-HERE|REPLACE-WITH-THE-ARN-OF-THE-(?:FUNCTION|QUEUE-[a-z0-9_-]+)")
SECRETS = re.compile(rb"rb_[0-9a-z]{4,}_|AKIA[0-9A-Z]{16}|-----BEGIN")
run = CliRunner()


def ask(*words: str, code: int = 0) -> str:
    result = run.invoke(cli, list(words), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def settings(**given: Any) -> Settings:
    return Settings(**{"config_dir": CONFIG, "public_url": URL, **given})


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """The one line that a wrong command prints."""

    def ask_wrongly(*words: str) -> str:
        monkeypatch.setattr("sys.argv", ["bridge", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 2
        return " ".join(capsys.readouterr().err.split())

    return ask_wrongly


def test_there_are_files_for_every_host_whose_rules_are_known() -> None:
    assert set(MAKERS) == set(HOSTS)
    assert {name for name, host in HOSTS.items() if host.kind != "ivr"} == EMBEDS
    listed = ask("host", "--list")
    assert all(name in listed and host.title in listed for name, host in HOSTS.items())


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("language", ["de", "en"])
def test_files_come_with_clicks_in_both_languages_and_without_any_secret(name: str, language: str) -> None:
    plan = make_plan(name, settings(), language=language)
    files = make_files(name, plan)
    assert {"README.de.md", "README.en.md"} < set(files)
    for path, body in files.items():
        assert not SECRETS.search(body), path
        assert b"[[" not in body and b"[%" not in body and b"127.0.0.1:8000" not in body, path
        assert body.endswith(b"\n") or path.endswith((".png", ".zip")), path
    assert any(URL.encode() in body for path, body in files.items() if not path.startswith("README"))
    for readme in ("README.de.md", "README.en.md"):
        text = files[readme].decode()
        assert len(text.splitlines()) > 15
        assert f"host-check {name} --url {URL}" in text
        for path in files:
            if path.endswith((".json", ".py", ".conf", ".html", ".zip")) and "/" not in path:
                assert path in text, f"{readme} does not name {path}"


@pytest.mark.parametrize("name", MAKERS)
def test_every_placeholder_is_explained_in_both_languages(name: str) -> None:
    files = make_files(name, make_plan(name, settings()))
    wanted = {found for path, body in files.items() if not path.startswith("README") for found in _placeholders(body)}
    for readme in ("README.de.md", "README.en.md"):
        text = files[readme].decode()
        if "PASTE-THE-KEY-HERE" in wanted:
            assert "bridge key new" in text
        for one in wanted - {"PASTE-THE-KEY-HERE"}:
            assert one.split("-QUEUE-")[0] in text


def _placeholders(body: bytes) -> set[str]:
    return {found.decode() for found in PLACEHOLDERS.findall(body)}


def test_the_same_configuration_gives_the_same_bytes_in_any_process() -> None:
    script = (
        "import sys, time; from hashlib import sha256; from pathlib import Path; time.time = lambda: 4e9\n"
        "from bridge.hosts.generators import MAKERS, make_files, make_plan; from bridge.settings import Settings\n"
        "here = Settings(config_dir=Path(sys.argv[1]), public_url=sys.argv[2])\n"
        "made = [sorted(make_files(name, make_plan(name, here)).items()) for name in MAKERS]\n"
        "print(sha256(repr(made).encode()).hexdigest())"
    )
    made = [sorted(make_files(name, make_plan(name, settings())).items()) for name in MAKERS]
    done = subprocess.run(
        [sys.executable, "-c", script, str(CONFIG), URL],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONHASHSEED": "1", "TZ": "Pacific/Auckland"},
    )
    assert done.stdout.strip() == hashlib.sha256(repr(made).encode()).hexdigest()


def test_the_command_writes_and_says_where_and_what_is_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_PUBLIC_URL", URL)
    monkeypatch.setenv("COLUMNS", "200")
    said = ask("host", "zendesk", "--out", str(tmp_path / "a" / "b"), "--language", "en")
    written = {
        path.relative_to(tmp_path / "a" / "b").as_posix() for path in (tmp_path / "a").rglob("*") if path.is_file()
    }
    plan = make_plan("zendesk", settings(), language="en")
    assert written == {*make_files("zendesk", plan), SUMS}
    assert all(str(tmp_path / "a" / "b" / one) in said for one in written)
    assert "README.en.md" in said.splitlines()[-2] or "README.en.md" in said
    assert "embeds.zendesk" in said
    again = ask("host", "zendesk", "--out", str(tmp_path / "a" / "b"), "--url", "https://other.example.com/bridge/")
    assert "https://other.example.com/bridge:" in again
    assert f"BRIDGE_PUBLIC_URL alone, now {URL}" in again and "PUBLIC_URL" not in said
    manifest = (tmp_path / "a" / "b" / "app" / "manifest.json").read_text()
    assert "https://other.example.com/bridge/embed/zendesk" in manifest


def test_a_page_that_is_on_is_said_to_be_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    shutil.copytree(CONFIG, config)
    (config / "hosts.yaml").write_text("embeds: {iframe: {on: true, origins: ['https://desk.example.com']}}\n")
    files = make_files("iframe", make_plan("iframe", settings(config_dir=config)))
    assert b"https://desk.example.com" in files["README.de.md"]
    assert b"on: true" not in files["README.en.md"]
    monkeypatch.setenv("BRIDGE_CONFIG_DIR", str(config))
    assert "still off" not in ask("host", "iframe", "--out", str(tmp_path / "out"), "--url", URL)


def test_what_others_wrote_or_changed_stays_unless_it_is_forced(tmp_path: Path) -> None:
    files = {"a.txt": b"one\n", "b/c.txt": b"two\n"}
    write_files(tmp_path, files)
    (tmp_path / "mine.txt").write_text("kept")
    write_files(tmp_path, {"a.txt": b"three\n", "b/c.txt": b"two\n"})  # ours, unchanged since
    assert (tmp_path / "a.txt").read_bytes() == b"three\n"
    (tmp_path / "b" / "c.txt").write_text("a key was entered here")
    with pytest.raises(Conflict, match=re.escape(str(tmp_path / "b" / "c.txt"))):
        write_files(tmp_path, files)
    assert (tmp_path / "a.txt").read_bytes() == b"three\n", "nothing is written where one file is in the way"
    write_files(tmp_path, files, force=True)
    assert (tmp_path / "b" / "c.txt").read_bytes() == b"two\n"
    assert (tmp_path / "mine.txt").read_text() == "kept"
    done = subprocess.run(["sha256sum", "--check", SUMS], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_foreign_file_a_link_and_a_folder_are_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("foreign")
    with pytest.raises(Conflict, match="--force"):
        write_files(tmp_path, {"a.txt": b"x"})
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Conflict, match="no plain file"):
        write_files(tmp_path, {"link": b"x"})
    (tmp_path / "folder").mkdir()
    with pytest.raises(Conflict, match="no plain file"):
        write_files(tmp_path, {"folder": b"x"})
    with pytest.raises(Conflict, match="folder cannot be written"):
        write_files(tmp_path, {"folder": b"x"}, force=True)
    with pytest.raises(Conflict, match="is a file"):
        write_files(tmp_path / "a.txt", {"b": b"x"})
    assert (tmp_path / "elsewhere").read_text() == "precious"


def test_a_broken_list_of_sums_makes_every_file_foreign(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.txt": b"one"})
    (tmp_path / SUMS).write_bytes(b"\xff\xfe no list")
    with pytest.raises(Conflict):
        write_files(tmp_path, {"a.txt": b"two"})


@pytest.mark.parametrize(
    ("text", "cloud", "problem"),
    [
        ("bridge.example.com", True, "such as https://"),
        ("ftp://bridge.example.com", True, "such as https://"),
        ("https://", True, "such as https://"),
        ("https://user:pw@bridge.example.com", True, "such as https://"),
        ("https://bridge.example.com:99999", True, "such as https://"),
        ("https://bridge.example.com/a?b=c", True, "path alone"),
        ("https://bridge.example.com/a b", True, "path alone"),
        ("https://bridge.example.com/#x", True, "path alone"),
        ('https://bridge.example.com/"><script>', True, "path alone"),
        ("http://127.0.0.1:8000", True, "BRIDGE_PUBLIC_URL"),
        ("https://localhost", True, "BRIDGE_PUBLIC_URL"),
        ("http://bridge.example.com", True, "unencrypted"),
        ("http://10.0.0.5:8000", False, "unencrypted"),
    ],
)
def test_an_address_that_cannot_work_is_refused(text: str, cloud: bool, problem: str) -> None:
    with pytest.raises(BadRequest, match=re.escape(problem)):
        read_url(text, cloud=cloud)


@pytest.mark.parametrize(
    ("text", "cloud", "read"),
    [
        ("https://Bridge.Example.com/", True, "https://bridge.example.com"),
        ("https://bridge.example.com:8443/a/b/", True, "https://bridge.example.com:8443/a/b"),
        ("http://127.0.0.1:8000", False, "http://127.0.0.1:8000"),
        ("http://[::1]:8000/", False, "http://[::1]:8000"),
    ],
)
def test_an_address_is_taken_without_its_last_slash(text: str, cloud: bool, read: str) -> None:
    assert read_url(text, cloud=cloud) == read


def test_wrong_words_are_answered_in_one_line(fails: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert "genesys" in fails("host", "genesis", "--out", str(tmp_path))
    assert "--list" in fails("host")
    assert "--out genesys" in fails("host", "genesys", "--url", URL)
    assert "BRIDGE_PUBLIC_URL" in fails("host", "genesys", "--out", str(tmp_path))
    assert "de, en" in fails("host", "genesys", "--out", str(tmp_path), "--url", URL, "--language", "fr")
    (tmp_path / "data-action.json").write_text("{}")
    said = fails("host", "genesys", "--out", str(tmp_path), "--url", URL)
    assert str(tmp_path / "data-action.json") in said and "--force" in said


def test_wrong_files_are_named_with_their_path(tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(CONFIG, config)
    (config / "routing.yaml").write_text("rules: [{route_hint: 'Not A Name', priority: 1}]\n")
    with pytest.raises(ConfigError, match=r"routing\.yaml.*rules\[0\]\.route_hint"):
        make_plan("twilio", settings(config_dir=config))
    shutil.copy(CONFIG / "routing.yaml", config)
    (config / "hosts.yaml").write_text("embeds: {zendesk: {on: true}}\n")
    with pytest.raises(ConfigError, match=r"hosts\.yaml: embeds\.zendesk"):
        make_plan("zendesk", settings(config_dir=config))


def test_routes_are_those_of_the_configuration_and_the_unknown_one_is_last() -> None:
    plan = make_plan("twilio", settings())
    assert plan.routes == ("service", "retention", "vip", "owner", "general")
    assert (plan.general, plan.language, plan.locale, plan.embed) == ("general", "de", "de-DE", None)
    assert make_plan("twilio", settings(languages=("fr", "en"))).language == "en"
    assert make_plan("twilio", settings(languages=("fr",))).locale == "en-US"
