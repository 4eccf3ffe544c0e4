"""The application that answers Twilio's calls, judged by Twilio's own package: its TwiML, and its signatures."""

from __future__ import annotations

import base64
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest
from twilio.request_validator import RequestValidator
from twilio.twiml import TwiML
from twilio.twiml.voice_response import VoiceResponse

from bridge.hosts.files import Plan
from bridge.hosts.generators import make_files
from tests.browser.running import Running
from tests.hosts.far_end import HOME, PHONE, Liar, dead, hung

pytestmark = pytest.mark.e2e

PLAN = Plan(url="https://bridge.example.com", language="de", routes=("retention", "vip", "general"))
TWILIO_TOKEN = "twilio-token-of-a-test"
VOICE = "https://calls.example.com/voice"


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
