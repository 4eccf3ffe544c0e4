"""The function for Amazon Connect, as a process of its own: against a running gateway, a dead one, a liar."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bridge import flat
from bridge.hosts.files import Plan, neutral
from bridge.hosts.generators import make_files
from tests.browser.running import Running
from tests.hosts.far_end import HOME, PHONE, Liar, dead, hung

pytestmark = pytest.mark.e2e

PLAN = Plan(url="https://bridge.example.com", language="de", routes=("retention", "vip", "general"))
LAMBDA_SECONDS = 2.5


def event(phone: str, **parameters: str) -> dict[str, Any]:
    """As Amazon Connect hands it over, with what it may leave empty."""
    return {
        "Name": "ContactFlowEvent",
        "Details": {
            "ContactData": {
                "ContactId": "4a573372-1f28-4e26-b97b-111111111111",
                "Channel": "VOICE",
                "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": phone},
                "Queue": None,
                "Attributes": {},
            },
            "Parameters": parameters,
        },
    }


class Invoked:
    """What came of one invocation: the answer, how long the handler took, and what was logged."""

    def __init__(self, folder: Path, given: Any, environment: dict[str, str]) -> None:
        (folder / "lambda_function.py").write_bytes(make_files("amazon_connect", PLAN)["lambda_function.py"])
        script = (
            "import json, sys, time; import lambda_function as f; given = json.load(sys.stdin); at = time.monotonic()\n"
            "answer = f.lambda_handler(given, None); took = time.monotonic() - at\n"
            "print('\\n' + json.dumps([answer, took]))"
        )
        done = subprocess.run(
            [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{script}"],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
            env=environment,
        )
        *log, last = done.stdout.strip().splitlines()
        self.answer, self.took = json.loads(last)
        self.log = "\n".join(log) + done.stderr


FALLBACK = neutral("general")


def test_the_function_gives_the_answer_of_a_running_gateway(bridge: Running, tmp_path: Path) -> None:
    known = Invoked(tmp_path, event(PHONE), {"BRIDGE_URL": bridge.base, "BRIDGE_KEY": bridge.key})
    assert (known.answer["found"], known.answer["match"], known.answer["degraded"]) == ("true", "exact", "false")
    assert tuple(known.answer) == flat.NAMES
    assert all(isinstance(value, str) for value in known.answer.values())
    assert len(json.dumps(known.answer).encode()) < 32_768
    assert known.took < LAMBDA_SECONDS and known.log == ""
    unknown = Invoked(tmp_path, event("+4930999999"), {"BRIDGE_URL": bridge.base, "BRIDGE_KEY": bridge.key})
    assert (unknown.answer["found"], unknown.answer["route_hint"]) == ("false", "general")


def test_the_answer_to_a_question_reaches_the_gateway_with_the_parameters(bridge: Running, tmp_path: Path) -> None:
    environment = {"BRIDGE_URL": bridge.base, "BRIDGE_KEY": bridge.key}
    first = Invoked(tmp_path, event(HOME), environment).answer
    assert (first["match"], first["candidates"], first["ask"] != "") == ("ambiguous", "2", True)
    second = Invoked(tmp_path, event(HOME, answer="237"), environment).answer  # B, E, R
    assert (second["found"], second["match"]) == ("true", "exact")


def test_the_fallback_has_every_key_and_says_that_it_is_one() -> None:
    assert tuple(FALLBACK) == flat.NAMES
    assert (FALLBACK["degraded"], FALLBACK["found"], FALLBACK["route_hint"]) == ("true", "false", "general")
    assert (FALLBACK["priority"], FALLBACK["value_tier"]) == ("3", "unknown")


def test_without_a_gateway_the_flow_gets_every_key_at_once(tmp_path: Path) -> None:
    gone = Invoked(tmp_path, event(PHONE), {"BRIDGE_URL": dead(), "BRIDGE_KEY": "rb_k"})
    assert gone.answer == FALLBACK and gone.took < 1
    assert json.loads(gone.log) == {"retention_bridge": "not asked", "problem": "ConnectionRefusedError"}


def test_a_gateway_that_hangs_or_drips_costs_no_more_than_the_own_time_out(tmp_path: Path, liar: str) -> None:
    with hung() as address:
        silent = Invoked(tmp_path, event(PHONE), {"BRIDGE_URL": address, "BRIDGE_KEY": "rb_k"})
    Liar.manner = "slow"
    dripping = Invoked(tmp_path, event(PHONE), {"BRIDGE_URL": liar, "BRIDGE_KEY": "rb_k"})
    for one in (silent, dripping):
        assert one.answer == FALLBACK
        assert LAMBDA_SECONDS - 0.1 < one.took < LAMBDA_SECONDS + 0.5
    short = {"BRIDGE_URL": liar, "BRIDGE_KEY": "rb_k", "BRIDGE_WAIT_SECONDS": "0.5"}
    assert Invoked(tmp_path, event(PHONE), short).took < 1


@pytest.mark.parametrize(
    "manner", ["huge", "endless", "list", "part", "nested", "html", "refusal", "error", "redirect"]
)
def test_an_answer_that_is_none_becomes_the_fallback(manner: str, liar: str, tmp_path: Path) -> None:
    Liar.manner = manner
    given = Invoked(tmp_path, event(PHONE), {"BRIDGE_URL": liar, "BRIDGE_KEY": "rb_k"})
    assert given.answer == FALLBACK
    assert len(Liar.seen) == 1, "the key goes nowhere else, and nothing is asked twice"
    assert PHONE not in given.log and "rb_k" not in given.log and "4a573372" not in given.log


def test_keys_that_are_new_or_no_text_do_not_reach_a_string_map(liar: str, tmp_path: Path) -> None:
    Liar.manner = "ok"
    given = Invoked(tmp_path, event(PHONE), {"BRIDGE_URL": liar, "BRIDGE_KEY": "rb_k"})
    assert given.answer == FALLBACK | {"route_hint": "retention", "found": "true"}


def test_the_event_goes_on_unchanged_with_the_key_from_the_vault(liar: str, tmp_path: Path) -> None:
    Liar.manner = "list"
    given = event(PHONE, lang="en")
    port = liar.rpartition(":")[2]
    vault = {
        "BRIDGE_URL": liar,
        "BRIDGE_SECRET_ID": "retention-bridge/key",
        "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": port,
        "AWS_SESSION_TOKEN": "session",
    }
    Invoked(tmp_path, given, vault)
    secret, asked = Liar.seen
    assert secret["path"] == "/secretsmanager/get?secretId=retention-bridge%2Fkey"
    assert secret["headers"]["X-Aws-Parameters-Secrets-Token"] == "session"
    assert asked["path"] == "/v1/lookup?host=amazon_connect"
    assert asked["headers"]["Authorization"] == "Bearer rb_from_the_vault"
    assert json.loads(asked["body"]) == given


def test_a_missing_key_or_an_event_of_no_sense_is_no_reason_to_raise(liar: str, tmp_path: Path) -> None:
    Liar.manner = "list"
    assert Invoked(tmp_path, event(PHONE), {"BRIDGE_URL": liar}).answer == FALLBACK
    sent: list[Any] = [None, [], "x", 7, {"Details": None}]
    for nonsense in sent:
        assert Invoked(tmp_path, nonsense, {"BRIDGE_URL": liar, "BRIDGE_KEY": "k"}).answer == FALLBACK


def test_the_function_is_short_and_needs_nothing_that_is_not_pythons_own(tmp_path: Path) -> None:
    text = make_files("amazon_connect", PLAN)["lambda_function.py"].decode()
    code = [line for line in text.splitlines() if not re.match(r'    "\w+": "', line)]
    assert len(code) < 80
    for name in ("amazon_connect/lambda_function.py", "twilio/twiml_app.py"):
        host, file = name.split("/")
        source = make_files(host, PLAN)[file].decode()
        modules = re.findall(r"^(?:import|from) ([a-z0-9]+)", source, re.MULTILINE)
        assert set(modules) <= sys.stdlib_module_names
        (tmp_path / file).write_text(source)
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length=140", "--select=E,F,B,I", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
