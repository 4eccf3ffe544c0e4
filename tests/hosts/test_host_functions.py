"""The functions that we give to hosts, as processes of their own: against a running gateway, a dead one, a liar."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree as ET

import httpx
import pytest
from twilio.request_validator import RequestValidator
from twilio.twiml import TwiML
from twilio.twiml.voice_response import VoiceResponse

from bridge import flat
from bridge.hosts.files import Plan, neutral
from bridge.hosts.generators import make_files
from tests.browser.running import Running

pytestmark = pytest.mark.e2e

PLAN = Plan(url="https://bridge.example.com", language="de", routes=("retention", "vip", "general"))
PHONE, HOME = "+493023125001", "+493023125077"
LAMBDA_SECONDS = 2.5
TWILIO_TOKEN = "twilio-token-of-a-test"
VOICE = "https://calls.example.com/voice"


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway that knows one customer, and two people with one number."""
    made = Running(tmp_path_factory.mktemp("bridge")).start()
    people: list[dict[str, Any]] = [
        {"id": "1001", "name": "Adalbertine Eindeutig", "given_name": "Adalbertine", "phones": [PHONE]},
        {"id": "2002", "name": "Bertram Beispiel", "given_name": "Bertram", "phones": [HOME]},
        {"id": "3003", "name": "Cosima Beispiel", "given_name": "Cosima", "phones": [HOME]},
    ]
    made.know(*(("person", one) for one in people))
    yield made
    made.stop()


class Liar(BaseHTTPRequestHandler):
    """Answers as `manner` says, and remembers what it was sent."""

    manner: ClassVar[str] = ""
    seen: ClassVar[list[dict[str, Any]]] = []

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        """Any of the ways in which an answer can be none."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.seen.append({"path": self.path, "headers": dict(self.headers), "body": body})
        good = neutral("general") | {"route_hint": "retention", "found": "true"}
        status, said = {
            "ok": (200, json.dumps(good | {"new_key": "x", "number": 3}).encode()),
            "huge": (200, json.dumps(good | {"script_line": "x" * 40_000}).encode()),
            "endless": (200, b"[" + b" " * 200_000),
            "list": (200, b"[1]"),
            "part": (200, b'{"route_hint": "retention"}'),
            "nested": (200, json.dumps({name: {"a": 1} for name in flat.NAMES}).encode()),
            "html": (200, b"<html>route_hint=retention</html>"),
            "refusal": (401, json.dumps(good).encode()),
            "error": (500, json.dumps(good).encode()),
            "redirect": (302, b""),
            "slow": (200, json.dumps(good).encode()),
        }[self.manner]
        self.send_response(status)
        if self.manner == "redirect":
            self.send_header("Location", f"http://127.0.0.1:{self.connection.getsockname()[1]}/elsewhere")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        try:
            for byte in said:
                self.wfile.write(bytes([byte]))
                if self.manner == "slow":  # each byte comes in time, the whole never
                    self.wfile.flush()
                    time.sleep(0.2)
        except OSError:
            return  # hung up on, as it should be

    def do_GET(self) -> None:
        """Where a redirect leads, or the extension that keeps secrets."""
        self.seen.append({"path": self.path, "headers": dict(self.headers), "body": b""})
        said = json.dumps({"SecretString": "rb_from_the_vault\n"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


@pytest.fixture
def liar() -> Iterator[str]:
    """The address of one."""
    Liar.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def hung() -> Iterator[str]:
    """Somebody who picks up and says nothing."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen(20)
        yield f"http://127.0.0.1:{one.getsockname()[1]}"


def dead() -> str:
    """An address at which nobody is."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


# --- Amazon Connect: the Lambda function -------------------------------------------------------------------------


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


# --- Twilio: the application that answers with TwiML -------------------------------------------------------------


@contextmanager
def answering(folder: Path, address: str, key: str) -> Iterator[str]:
    """The application, running; its address on this machine."""
    (folder / "twiml_app.py").write_bytes(make_files("twilio", PLAN)["twiml_app.py"])
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    environment = {
        **os.environ,
        "TWILIO_AUTH_TOKEN": TWILIO_TOKEN,
        "PUBLIC_URL": "https://calls.example.com/",
        "BRIDGE_URL": address,
        "BRIDGE_KEY": key,
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(folder / "twiml_app.py"), str(port)], env=environment, stdout=log, stderr=log
        )
        try:
            for _ in range(200):
                with socket.socket() as one:
                    if one.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def call(app: str, fields: dict[str, str], *, token: str = TWILIO_TOKEN, query: str = "") -> httpx.Response:
    """A request as Twilio signs it."""
    signature = RequestValidator(token).compute_signature(f"{VOICE}{query}", fields)
    return httpx.post(
        f"{app}/voice{query}", data=fields, headers={"X-Twilio-Signature": signature}, timeout=10, trust_env=False
    )


def judge(xml: str) -> ET.Element:
    """`xml` where Twilio's own classes know each verb and attribute and would write the same; else an error."""
    root = ET.fromstring(xml)  # noqa: S314 - what we wrote ourselves
    mine = VoiceResponse()
    _rebuild(root, mine)
    assert ET.canonicalize(str(mine.to_xml())) == ET.canonicalize(xml)
    return root


def _rebuild(element: ET.Element, into: TwiML) -> None:
    for child in element:
        verb = getattr(into, child.tag.lower())
        known = verb.__code__.co_varnames[: verb.__code__.co_argcount]
        given = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): value for name, value in child.attrib.items()}
        assert set(given) <= set(known), f"<{child.tag}> has no {set(given) - set(known)}"
        said = [child.text] if child.text else []
        _rebuild(child, verb(*said, **given))


def test_calls_are_queued_by_what_the_gateway_says_and_households_are_asked(bridge: Running, tmp_path: Path) -> None:
    with answering(tmp_path, bridge.base, bridge.key) as app:
        known = judge(call(app, {"From": PHONE, "CallSid": "CA1"}).text)
        assert [one.tag for one in known] == ["Enqueue"] and known[0].text in PLAN.routes
        asked = judge(call(app, {"From": HOME, "CallSid": "CA2"}).text)
        assert [one.tag for one in asked] == ["Gather", "Enqueue"]
        gather = asked[0]
        assert gather.attrib["numDigits"].isdigit() and gather[0].attrib == {"language": "de-DE"}
        assert "geben Sie" in (gather[0].text or "")
        then = judge(call(app, {"From": HOME, "CallSid": "CA2", "Digits": "237"}).text)
        assert [one.tag for one in then] == ["Enqueue"]
        who = httpx.get(
            f"{bridge.base}/v1/lookup",
            params={"interaction": "CA2"},
            headers={"x-api-key": bridge.key},
            trust_env=False,
        ).json()
        assert who["match"] == "exact", (
            "the answer reached the gateway, and the agent's card finds the caller by the call"
        )
        anonymous = judge(call(app, {"From": "anonymous", "CallSid": "CA3"}).text)
        assert anonymous[0].text == "general"


def test_what_twilio_did_not_sign_is_refused(tmp_path: Path, liar: str) -> None:
    Liar.manner = "list"
    fields = {"From": PHONE, "CallSid": "CA1", "Ümlaut": "ä & b", "Empty": ""}
    with answering(tmp_path, liar, "rb_k") as app:
        assert call(app, fields).status_code == 200
        assert call(app, fields, query="?a=1&b=%2B2").status_code == 200
        good = RequestValidator(TWILIO_TOKEN).compute_signature(VOICE, fields)
        for changed, signature in (
            (fields | {"From": HOME}, good),
            (fields | {"Extra": "1"}, good),
            (fields, ""),
            (fields, good[::-1]),
            (fields, "ümlaut"),
            (fields, RequestValidator("another").compute_signature(VOICE, fields)),
            (fields, RequestValidator(TWILIO_TOKEN).compute_signature("https://calls.example.com/other", fields)),
        ):
            headers = {b"X-Twilio-Signature": str(signature).encode("latin-1")}
            answer = httpx.post(f"{app}/voice", data=changed, headers=headers, trust_env=False)
            assert answer.status_code == 403
        assert httpx.get(f"{app}/voice", headers={"X-Twilio-Signature": good}, trust_env=False).status_code == 403


@pytest.mark.parametrize("manner", ["list", "html", "refusal", "error", "redirect", "nested", "endless"])
def test_a_call_goes_to_the_general_queue_while_the_gateway_talks_nonsense(
    manner: str, liar: str, tmp_path: Path
) -> None:
    Liar.manner = manner
    with answering(tmp_path, liar, "rb_k") as app:
        queued = judge(call(app, {"From": PHONE, "CallSid": "CA1"}).text)
    assert [(one.tag, one.text) for one in queued] == [("Enqueue", "general")]
    assert len(Liar.seen) == 1, "the key goes nowhere else"
    log = (tmp_path / "log").read_text()
    assert PHONE not in log and "rb_k" not in log and TWILIO_TOKEN not in log


def test_a_call_is_queued_in_time_while_the_gateway_hangs_or_is_gone(tmp_path: Path) -> None:
    fields = {"From": PHONE, "CallSid": "CA1"}
    with hung() as address, answering(tmp_path, address, "rb_k") as app:
        began = time.monotonic()
        assert judge(call(app, fields).text)[0].text == "general"
        assert time.monotonic() - began < 4
    with answering(tmp_path, dead(), "rb_k") as app:
        assert judge(call(app, fields).text)[0].text == "general"


def test_the_judge_of_twiml_can_say_no() -> None:
    with pytest.raises(AssertionError):
        judge("<Response><Gather digits='3'/></Response>")
    with pytest.raises(AttributeError):
        judge("<Response><Transfer>x</Transfer></Response>")


# --- Studio and Genesys: basic authentication, as both send it ---------------------------------------------------


def test_the_key_as_a_basic_password_and_the_constants_of_the_addresses_are_taken(bridge: Running) -> None:
    for host in ("twilio", "genesys", "asterisk"):
        basic = base64.b64encode(f"{host}:{bridge.key}".encode()).decode()
        given = httpx.post(
            f"{bridge.base}/v1/lookup?host={host}",
            data={"phone": PHONE, "interaction": f"{host}-1", "lang": "de", "answer": ""},
            headers={"Authorization": f"Basic {basic}"},
            trust_env=False,
        )
        assert (given.status_code, given.json()["match"]) == (200, "exact")
