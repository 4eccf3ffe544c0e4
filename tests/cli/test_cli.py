"""Every command explains itself, does what it says, and puts its problems in plain words."""

from __future__ import annotations

import base64
import hmac
import json
import re
from pathlib import Path

import httpx
import pytest
import respx
from typer.testing import CliRunner

from bridge.cli import cli, main

run = CliRunner()


@pytest.fixture(autouse=True)
def _away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{tmp_path / 'bridge.db'}")
    monkeypatch.delenv("BRIDGE_DEMO", raising=False)
    monkeypatch.setenv("COLUMNS", "160")


def ask(*words: str, code: int = 0) -> str:
    result = run.invoke(cli, list(words), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr("sys.argv", ["bridge", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    return capsys.readouterr().err.replace("\n", " ")


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of one CRM whose exports lie in the folder that is returned."""
    folder = tmp_path / "exports"
    folder.mkdir()
    config = tmp_path / "config"
    config.mkdir()
    shipped = Path(__file__).resolve().parents[2] / "config"
    for one in shipped.iterdir():
        if one.name not in ("sources.yaml", "schemas"):
            (config / one.name).symlink_to(one)
    (config / "sources.yaml").write_text(
        f"sources:\n  crm: {{adapter: spreadsheet, settings: {{folder: '{folder}'}}}}\n", "utf-8"
    )
    monkeypatch.setenv("BRIDGE_CONFIG_DIR", str(config))
    return folder


@pytest.mark.parametrize(
    "command",
    (
        "run,web,worker,example,sync,dead-letters,replay,lookup,check,host,version,key new,key list,key revoke".split(
            ","
        )
    ),
)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    text = ask(*command.split(), "--help")
    assert "Example:" in text
    assert f"bridge {command}" in " ".join(text.split())


def test_a_key_is_printed_once_listed_without_its_secret_and_revoked() -> None:
    key = ask("key", "new", "ivr-frankfurt", "--scope", "ivr", "--days", "30").strip()
    assert key.startswith("rb_")
    listed = ask("key", "list")
    assert "ivr-frankfurt" in listed
    assert key not in listed
    number = key.split("_")[1]
    assert "revoked" in ask("key", "revoke", number)
    assert "revoked" in ask("key", "list")


def test_what_is_asked_wrongly_is_answered_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no such key" in fails(monkeypatch, capsys, "key", "revoke", "abc")
    assert "no such scope" in fails(monkeypatch, capsys, "key", "new", "x", "--scope", "everything")
    assert "BRIDGE_DEMO" in fails(monkeypatch, capsys, "example")
    assert "no source of that name" in fails(monkeypatch, capsys, "sync", "crm")
    assert "no phone" in fails(monkeypatch, capsys, "lookup", "12")


def test_check_says_what_there_is_and_names_the_file_that_is_wrong(
    sources: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = ask("check")
    assert "spreadsheet" in text
    assert "crm" in text
    (sources.parent / "config" / "routing.yaml").unlink()
    (sources.parent / "config" / "routing.yaml").write_text("rules: [{rout_hint: x, priority: 3}]\n")
    assert "routing.yaml" in fails(monkeypatch, capsys, "check")


def test_check_says_which_pages_stand_in_other_desktops_and_what_is_wrong_with_them(
    sources: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert re.search(r"embeds +none", ask("check"))
    file = sources.parent / "config" / "hosts.yaml"
    file.unlink(missing_ok=True)
    file.write_text("embeds: {iframe: {on: true, origins: [https://desk.example]}}\n")
    assert re.search(r"embeds +iframe", ask("check"))
    file.write_text("embeds: {iframe: {on: true, origins: ['*']}}\n")
    assert "hosts.yaml: embeds.iframe.origins[0]" in fails(monkeypatch, capsys, "check").replace("\n", "")


def test_check_tests_one_source_against_its_system(
    sources: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (sources / "kunden.csv").write_text("Kundennummer;Nachname;Telefon\n1;Albers;030 23125001\n2;Busch;7\n", "utf-8")
    text = ask("check", "crm", "--key", "030 23125001")
    assert "reading kunden.csv" in text
    assert "2 of 2 become records" in text
    assert "no source zz" in fails(monkeypatch, capsys, "check", "zz")
    assert "no phone" in fails(monkeypatch, capsys, "check", "crm", "--key", "12")


def test_a_recorded_delivery_is_signed_anew_and_posted_to_the_gateway(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (sources.parent / "config" / "sources.yaml").write_text(
        "sources:\n  survey: {adapter: typeform, settings: {forms: [abc=nps], token: t, webhook_secret: whsec-0123}}\n"
    )
    file = tmp_path / "delivery.json"
    file.write_text('{"kind": "webhook", "body": {"event_type": "form_response"}}')
    with respx.mock() as wire:
        sent = wire.post("http://127.0.0.1:9999/webhooks/survey").respond(202, text="kept")
        assert "202 kept" in ask("replay", "survey", "--file", str(file), "--url", "http://127.0.0.1:9999")
        request = sent.calls.last.request
        mac = base64.b64encode(hmac.digest(b"whsec-0123", request.content, "sha256")).decode()
        assert request.headers["typeform-signature"] == f"sha256={mac}"
        sent.respond(401, json={"error": "not_authentic"})
        assert "401" in ask("replay", "survey", "--file", str(file), "--url", "http://127.0.0.1:9999", code=1)
        sent.mock(side_effect=httpx.ConnectError)
        words = ("replay", "survey", "--url", "http://127.0.0.1:9999", "--file")
        assert "bridge run" in fails(monkeypatch, capsys, *words, str(file))
        file.write_text("[]")
        assert "no recorded delivery" in fails(monkeypatch, capsys, *words, str(file))
        assert "No such file" in fails(monkeypatch, capsys, *words, str(tmp_path / "none.json"))


def test_a_recorded_delivery_goes_to_the_address_that_carries_the_secret(sources: Path, tmp_path: Path) -> None:
    settings = "my_domain: d, client_id: c, client_secret: s, webhook_secret: [ü&1, old]"
    (sources.parent / "config" / "sources.yaml").write_text(
        f"sources:\n  crm: {{adapter: salesforce, settings: {{{settings}}}}}\n", "utf-8"
    )
    file = tmp_path / "delivery.json"
    file.write_text('{"raw_body": "<a/>", "headers": {"Content-Type": "text/xml"}, "query": "a=1"}')
    with respx.mock() as wire:
        sent = wire.post(path="/webhooks/crm").respond(200, text="kept")
        assert "200 kept" in ask("replay", "crm", "--file", str(file), "--url", "http://127.0.0.1:9999")
        assert str(sent.calls.last.request.url).endswith("/webhooks/crm?a=1&key=%C3%BC%261")
        assert sent.calls.last.request.headers["content-type"] == "text/xml"


def test_an_export_is_synced_looked_up_mended_and_replayed(sources: Path) -> None:
    (sources / "kunden.csv").write_text(
        "Kundennummer;Nachname;Telefon;Kunde seit\n1;Albers;030 23125001;2019-03-01\n2;Krüger;030 23125002;gestern\n",
        "utf-8",
    )
    text = ask("sync", "crm")
    assert "mapped 1" in text
    assert "dead 1" in text
    dead = ask("dead-letters", "--source", "crm")
    assert "kunden.csv:3" in dead
    answer = json.loads(ask("lookup", "030 23125001"))
    assert answer["match"] == "exact"
    assert json.loads(ask("lookup", "crm:1"))["customer_id"] == answer["customer_id"]
    assert "nobody" in ask("lookup", "030 99999999", code=1)
    assert "replayed 1" in ask("replay", "crm")
    assert "replayed 2" in ask("replay", "crm", "--mapped")
    assert "mapped 1" in ask("sync", "--restart")


def test_a_number_of_several_people_is_answered_without_names(sources: Path) -> None:
    (sources / "kunden.csv").write_text(
        "Kundennummer;Nachname;Telefon\n1;Albers;030 23125001\n2;Krüger;030 23125001\n", "utf-8"
    )
    ask("sync")
    text = ask("lookup", "030 23125001")
    assert "ambiguous: 2 candidate" in text
    assert "Albers" not in text


def test_a_stream_that_cannot_be_read_is_named(sources: Path) -> None:
    (sources / "kunden.csv").write_text("Spalte;Spalte\n1;2\n", "utf-8")
    assert "kunden.csv" in ask("sync", "crm")


def test_the_example_is_loaded_once_and_tells_what_can_be_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_DEMO", "true")
    text = ask("example", "--customers", "20")
    assert "rb_" in text
    assert text.count("+49") >= 3
    again = ask("example", "--customers", "20")
    key = next(word for word in text.split() if word.startswith("rb_"))
    assert key in again


def test_made_up_people_never_stand_beside_real_ones(
    sources: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BRIDGE_DEMO", "true")
    assert "real sources" in fails(monkeypatch, capsys, "example")
    monkeypatch.delenv("BRIDGE_DEMO")
    (sources / "kunden.csv").write_text("Kundennummer;Nachname\n1;Albers\n", "utf-8")
    ask("sync")
    monkeypatch.delenv("BRIDGE_CONFIG_DIR")
    monkeypatch.setenv("BRIDGE_DEMO", "true")
    assert "real records" in fails(monkeypatch, capsys, "example")


def test_a_database_of_the_example_is_not_taken_for_a_real_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BRIDGE_DEMO", "true")
    ask("example", "--customers", "1")
    monkeypatch.delenv("BRIDGE_DEMO")
    assert "made-up people" in fails(monkeypatch, capsys, "sync")
