"""What is written for each host has the form that the host documents, and every path through it leads somewhere."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema_rs
import pytest

from bridge import flat
from bridge.gateway import question
from bridge.gateway.caller import read_asked
from bridge.hosts.files import Files, Plan
from bridge.hosts.generators import make_files
from bridge.hosts.registry import BUDGETS, HOSTS

URL = "https://bridge.example.com"
PLAN = Plan(url=URL, language="de", routes=("retention", "vip-1", "general"))
WEB = Path(__file__).resolve().parents[2] / "bridge" / "web"


def files(name: str) -> Files:
    return make_files(name, PLAN)


def data(name: str, path: str) -> Any:
    return json.loads(files(name)[path])


# --- Genesys -----------------------------------------------------------------------------------------------------

RESERVED = {"orgId", "integrationId", "rawRequest"}
CONTRACT = {
    "type": "object",
    "required": ["type", "properties"],
    "properties": {
        "type": {"const": "object"},
        "title": {"type": "string"},
        "additionalProperties": {"type": "boolean"},
        "properties": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z][A-Za-z0-9_-]*$", "not": {"enum": sorted(RESERVED)}},
            "additionalProperties": {
                "type": "object",
                "required": ["type", "default"],
                "properties": {
                    "type": {"enum": ["string", "integer", "number", "boolean", "null"]},
                    "default": {"type": "string"},
                    "description": {"type": "string"},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
"""help.mypurecloud.com, "Add contracts to custom actions": no nesting, no $ref, names as above."""

ACTION = {
    "type": "object",
    "required": ["name", "integrationType", "actionType", "config", "contract", "secure"],
    "properties": {
        "name": {"type": "string", "maxLength": 256},
        "integrationType": {"const": "custom-rest-actions"},
        "actionType": {"const": "custom"},
        "secure": {"type": "boolean"},
        "config": {
            "type": "object",
            "required": ["request", "response"],
            "properties": {
                "request": {
                    "type": "object",
                    "required": ["requestUrlTemplate", "requestType", "headers", "requestTemplate"],
                    "properties": {
                        "requestUrlTemplate": {"type": "string", "pattern": "^https://"},
                        "requestType": {"enum": ["GET", "PUT", "POST", "PATCH", "DELETE"]},
                        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
                        "requestTemplate": {"type": "string"},
                    },
                    "additionalProperties": False,
                },
                "response": {
                    "type": "object",
                    "required": ["translationMap", "translationMapDefaults", "successTemplate"],
                },
                "timeoutSeconds": {"type": "integer", "minimum": 1, "maximum": 60},
            },
            "additionalProperties": False,
        },
        "contract": {
            "type": "object",
            "required": ["input", "output"],
            "properties": {
                "input": {"type": "object", "required": ["inputSchema"], "properties": {"inputSchema": CONTRACT}},
                "output": {"type": "object", "required": ["successSchema"], "properties": {"successSchema": CONTRACT}},
            },
        },
    },
    "additionalProperties": False,
}


def test_the_data_action_has_the_form_that_genesys_imports() -> None:
    action = data("genesys", "data-action.json")
    jsonschema_rs.validate(ACTION, action)
    output = action["contract"]["output"]["successSchema"]["properties"]
    assert tuple(output) == flat.NAMES, "every key of an answer, so that none can be missing from the contract"
    assert {one["type"] for one in output.values()} == {"string"}
    assert output["route_hint"]["default"] == "general"
    assert "$ref" not in json.dumps(action)


def test_the_data_action_asks_as_our_look_up_reads() -> None:
    action = data("genesys", "data-action.json")
    request = action["config"]["request"]
    sent = dict.fromkeys(action["contract"]["input"]["inputSchema"]["properties"], "") | {
        "phone": "tel:+4930901820",
        "interaction": "5f0c-4711",
        "lang": "de-DE",
        "answer": "4711",
    }
    assert (request["requestTemplate"], request["requestType"]) == ("${input.rawRequest}", "POST")
    query = {name: values[0] for name, values in parse_qs(urlsplit(request["requestUrlTemplate"]).query).items()}
    asked = read_asked(query | sent, "DE", {"de", "en"})
    assert (asked.keys, asked.interaction, asked.language) == ((("phone", "+4930901820"),), "5f0c-4711", "de")
    assert (asked.host, asked.answer) == ("genesys", "4711")
    assert BUDGETS["genesys"] < action["config"]["timeoutSeconds"] * 1000
    assert action["config"]["response"] == {
        "translationMap": {},
        "translationMapDefaults": {},
        "successTemplate": "${rawResult}",
    }


def test_the_widget_hands_over_what_the_page_reads() -> None:
    widget = data("genesys", "interaction-widget.json")
    assert widget["integrationType"]["id"] == "embedded-client-app-interaction-widget"
    properties = widget["config"]["properties"]
    parts = urlsplit(properties["url"])
    assert (parts.scheme, parts.path) == ("https", "/embed/genesys")
    tokens = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert tokens == {"conversationid": "{{pcConversationId}}", "lang": "{{pcLangTag}}"}
    page = (WEB / "embed" / "genesys.js").read_text("utf-8")
    assert all(f"given.{name}" in page for name in tokens)
    assert "allow-scripts" in properties["sandbox"] and "allow-same-origin" in properties["sandbox"]
    known = {"call", "callback", "chat", "webmessaging", "email", "open"}
    assert set(properties["communicationTypeFilter"].split(",")) <= known


# --- Amazon Connect ----------------------------------------------------------------------------------------------

CONNECT_ERRORS = {
    "InvokeLambdaFunction": {"NoMatchingError"},
    "UpdateContactAttributes": {"NoMatchingError"},
    "Compare": {"NoMatchingCondition"},
    "UpdateContactTargetQueue": {"NoMatchingError"},
    "TransferContactToQueue": {"QueueAtCapacity", "NoMatchingError"},
    "DisconnectParticipant": set[str](),
}
"""docs.aws.amazon.com/connect/latest/APIReference/flow-language-actions.html: errors each action has to handle."""


def connect_ways(action: dict[str, Any]) -> Iterator[str]:
    transitions = action["Transitions"]
    if "NextAction" in transitions:
        yield transitions["NextAction"]
    for other in (*transitions.get("Errors", ()), *transitions.get("Conditions", ())):
        yield other["NextAction"]


def test_every_way_through_the_connect_flow_ends_in_a_queue_or_a_goodbye() -> None:
    flow = data("amazon_connect", "flow.json")
    actions = {one["Identifier"]: one for one in flow["Actions"]}
    assert flow["Version"] == "2019-10-30" and len(actions) == len(flow["Actions"])
    assert set(flow["Metadata"]["ActionMetadata"]) == set(actions)
    reached, waiting = set(), [flow["StartAction"]]
    while waiting:
        if (name := waiting.pop()) not in reached:
            reached.add(name)
            waiting += connect_ways(actions[name])
    assert reached == set(actions)
    for action in actions.values():
        handled = {one["ErrorType"] for one in action["Transitions"].get("Errors", ())}
        assert handled == CONNECT_ERRORS[action["Type"]], action["Identifier"]
    ask = actions["ask"]
    assert ask["Parameters"]["ResponseValidation"] == {"ResponseType": "STRING_MAP"}
    assert 1 <= int(ask["Parameters"]["InvocationTimeLimitSeconds"]) <= 8
    assert ask["Transitions"]["Errors"][0]["NextAction"] == "queue-general"
    choices = actions["choose"]["Transitions"]["Conditions"]
    assert {one["Condition"]["Operands"][0]: one["NextAction"] for one in choices} == {
        route: f"queue-{route}" for route in PLAN.routes
    }
    kept = actions["keep"]["Parameters"]["Attributes"]
    assert {path.removeprefix("$.External.") for path in kept.values()} <= flat.ROUTING_NAMES


def test_a_full_queue_does_not_lead_round_in_a_circle() -> None:
    actions = {one["Identifier"]: one for one in data("amazon_connect", "flow.json")["Actions"]}

    def depth(name: str, path: tuple[str, ...] = ()) -> None:
        assert name not in path, " → ".join((*path, name))
        for other in connect_ways(actions[name]):
            depth(other, (*path, name))

    depth("ask")


def test_the_function_may_read_one_secret_and_nothing_else() -> None:
    policy = data("amazon_connect", "function-policy.json")
    actions = [one for statement in policy["Statement"] for one in [statement["Action"]]]
    assert actions == ["secretsmanager:GetSecretValue", ["logs:CreateLogStream", "logs:PutLogEvents"]]
    assert all(statement["Resource"] != "*" for statement in policy["Statement"])
    trust = data("amazon_connect", "function-trust.json")["Statement"]
    assert [one["Principal"] for one in trust] == [{"Service": "lambda.amazonaws.com"}]


def test_the_agent_app_opens_our_page_for_each_call() -> None:
    app = data("amazon_connect", "agent-app.json")
    external = app["ApplicationSourceConfig"]["ExternalUrlConfig"]
    assert external == {"AccessUrl": f"{URL}/embed/amazon_connect", "ApprovedOrigins": [URL]}
    assert app["ApplicationConfig"]["ContactHandling"]["Scope"] == "PER_CONTACT"
    assert re.fullmatch(r"[a-zA-Z0-9/._-]{1,255}", app["Namespace"])
    assert "allow-popups" in app["IframeConfig"]["Sandbox"], "the sign-in opens in a window"


# --- Twilio Studio -----------------------------------------------------------------------------------------------

STUDIO_EVENTS = {
    "trigger": {
        "incomingMessage",
        "incomingCall",
        "incomingConversationMessage",
        "incomingRequest",
        "incomingParent",
    },
    "make-http-request": {"success", "failed"},
    "split-based-on": {"noMatch", "match"},
    "gather-input-on-call": {"keypress", "speech", "timeout"},
    "enqueue-call": {"callComplete", "failedToEnqueue", "callFailure"},
}
"""twilio.com/docs/studio/widget-library: what each widget can lead to."""
LIQUID = re.compile(r"\{\{(?:widgets\.(\w+)\.(parsed\.(\w+)|Digits)|trigger\.call\.(From|CallSid))\}\}")


def test_the_studio_flow_is_whole() -> None:
    flow = data("twilio", "studio-flow.json")
    states = {one["name"]: one for one in flow["states"]}
    assert set(flow) == {"description", "states", "initial_state", "flags"} and len(states) == len(flow["states"])
    reached, waiting = set(), [flow["initial_state"]]
    while waiting:
        if (name := waiting.pop()) not in reached:
            reached.add(name)
            waiting += [one["next"] for one in states[name]["transitions"] if one.get("next")]
    assert reached == set(states)
    for state in states.values():
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", state["name"])
        assert {one["event"] for one in state["transitions"]} == STUDIO_EVENTS[state["type"]], state["name"]
        text = json.dumps(state)
        assert text.count("{{") == len(LIQUID.findall(text)), state["name"]
        for widget, _, key, _ in LIQUID.findall(text):
            assert not widget or widget in states
            assert not key or key in flat.ROUTING_NAMES
        for one in state["transitions"]:
            assert ("conditions" in one) is (one["event"] == "match")


def test_no_caller_is_lost_while_studio_cannot_ask_us() -> None:
    states = {one["name"]: one for one in data("twilio", "studio-flow.json")["states"]}

    def then(name: str, event: str) -> str:
        return next(str(one.get("next", "")) for one in states[name]["transitions"] if one["event"] == event)

    assert then("who_calls", "failed") == "queue_general"
    assert then("route", "noMatch") == then("route_of_answer", "noMatch") == "queue_general"
    assert then("is_there_a_question", "noMatch") == then("who_of_them", "failed") == "route"
    for digits in {digits for digits, _ in question._FACTS.values()}:
        asks = states[f"ask_for_{digits}_digits"]
        assert asks["properties"]["number_of_digits"] == digits
        assert (then(asks["name"], "timeout"), then(asks["name"], "keypress")) == ("route", "who_of_them")
        ways = states["is_there_a_question"]["transitions"]
        assert [one["next"] for one in ways if one.get("conditions", [{}])[0].get("value") == str(digits)] == [
            asks["name"]
        ]
    assert then("queue_vip_1", "failedToEnqueue") == "queue_general"
    for name in ("route", "route_of_answer"):
        matches = [one for one in states[name]["transitions"] if one["event"] == "match"]
        assert {one["conditions"][0]["value"] for one in matches} == set(PLAN.routes)
        assert all(states[one["next"]]["properties"]["queue_name"] == one["conditions"][0]["value"] for one in matches)


def test_studio_sends_a_form_that_our_look_up_reads() -> None:
    states = {one["name"]: one for one in data("twilio", "studio-flow.json")["states"]}
    for name, answer in (("who_calls", ""), ("who_of_them", "1234")):
        properties = states[name]["properties"]
        parts = urlsplit(properties["url"])
        assert (parts.username, parts.password) == ("twilio", "PASTE-THE-KEY-HERE")
        assert properties["content_type"].startswith("application/x-www-form-urlencoded")
        assert "method" not in {one["key"] for one in properties["parameters"]}, "a reserved name (error 81014)"
        said = {"From": "+4930901820", "CallSid": "CA17"}
        sent = {one["key"]: _filled(one["value"], said, answer) for one in properties["parameters"]}
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        asked = read_asked(query | sent, "DE", {"de", "en"})
        assert (asked.keys, asked.interaction, asked.host) == ((("phone", "+4930901820"),), "CA17", "twilio")
        assert (asked.language, asked.answer) == ("de", answer)


def _filled(value: str, said: dict[str, str], digits: str) -> str:
    filled = {"ask_for_4_digits": digits}  # of widgets that a call did not come through nothing is known
    return LIQUID.sub(lambda found: said[found[4]] if found[4] else filled.get(found[1], ""), value)


# --- Zendesk -----------------------------------------------------------------------------------------------------


def test_the_zip_holds_the_folder_and_the_app_is_signed() -> None:
    made = files("zendesk")
    with zipfile.ZipFile(io.BytesIO(made["retention-bridge-zendesk.zip"])) as archive:
        assert archive.testzip() is None
        packed = {one.filename: archive.read(one) for one in archive.infolist()}
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == sorted(packed)
    assert packed == {path.removeprefix("app/"): body for path, body in made.items() if path.startswith("app/")}
    manifest = json.loads(packed["manifest.json"])
    assert manifest["signedUrls"] is True and manifest["frameworkVersion"] == "2.0" and manifest["private"] is True
    assert manifest["location"]["support"]["ticket_sidebar"]["url"] == f"{URL}/embed/zendesk"
    assert {"name", "email"} <= set(manifest["author"])
    assert manifest["defaultLocale"] == "de"
    for language in ("de", "en"):
        texts = json.loads(packed[f"translations/{language}.json"])["app"]
        assert set(texts) == {"name", "short_description", "long_description", "installation_instructions"}
        assert len(texts["name"]) <= 40 and all(text.strip() for text in texts.values())


@pytest.mark.parametrize(("path", "size"), [("app/assets/logo.png", 320), ("app/assets/logo-small.png", 128)])
def test_logos_are_pictures_of_the_size_that_zendesk_asks_for(path: str, size: int) -> None:
    body = files("zendesk")[path]
    assert body.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(body):
        (length,) = struct.unpack(">I", body[at : at + 4])
        kind, content = body[at + 4 : at + 8], body[at + 8 : at + 8 + length]
        assert struct.unpack(">I", body[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + content)
        chunks[kind], at = content, at + 12 + length
    assert struct.unpack(">II", chunks[b"IHDR"][:8]) == (size, size)
    rows = zlib.decompress(chunks[b"IDAT"])
    assert len(rows) == size * (1 + size // 2)
    shades = [chunks[b"PLTE"][at : at + 3] for at in range(0, 15, 3)]
    assert (shades[0], shades[4]) == (bytes((21, 94, 117)), b"\xff\xff\xff")
    corner, beam = rows[1] >> 4, rows[(size * 68 // 100) * (1 + size // 2) + 1 + size // 4] >> 4
    assert (corner, beam) == (0, 4)


# --- Chatwoot, frames --------------------------------------------------------------------------------------------


def test_chatwoots_entry_is_a_name_and_an_address() -> None:
    entry = data("chatwoot", "dashboard-app.json")
    assert entry == {"title": "Retention Bridge", "content": [{"type": "frame", "url": f"{URL}/embed/chatwoot"}]}


def test_the_frames_messages_are_those_that_the_page_hears_and_says() -> None:
    snippet = files("iframe")["frame.html"].decode()
    page = (WEB / "embed" / "iframe.js").read_text("utf-8")
    for name in re.findall(r"tell\('(\w+)'", snippet):
        assert re.search(rf"^  {name}: ", page, re.MULTILINE), name
    for name in re.findall(r"name === '(\w+)'", snippet):
        assert f"'{name}'" in page, name
    assert f"const BRIDGE = '{URL}'" in snippet and "'*'" not in snippet


def test_the_sign_in_page_says_what_the_card_waits_for() -> None:
    expected = re.search(r"MESSAGE = '([^']+)'", (WEB / "embed" / "session.js").read_text("utf-8"))
    assert expected is not None
    for name in ("genesys", "amazon_connect", "chatwoot", "iframe"):
        assert f"type: '{expected[1]}'" in files(name)["sign-in.html"].decode()
    assert "sign-in.html" not in files("zendesk"), "Zendesk signs by itself"


def test_a_path_in_front_of_the_bridge_is_kept_and_is_no_part_of_an_origin() -> None:
    plan = Plan(url="https://www.example.com/bridge", language="en", routes=("general",))
    app = json.loads(make_files("amazon_connect", plan)["agent-app.json"])
    external = app["ApplicationSourceConfig"]["ExternalUrlConfig"]
    assert external["AccessUrl"] == "https://www.example.com/bridge/embed/amazon_connect"
    assert external["ApprovedOrigins"] == ["https://www.example.com"]
    assert "const BRIDGE = 'https://www.example.com';" in make_files("iframe", plan)["frame.html"].decode()


# --- Asterisk ----------------------------------------------------------------------------------------------------

_LINE = re.compile(r"(?:exten => ([^,]+),1|\s*same => n(?:\((\w+)\))?),(\w+)\((.*)\)$")


def dialplan(text: str) -> dict[str, dict[str, list[tuple[str, str, str]]]]:
    """Contexts, their extensions, and the steps of each as (label, application, arguments)."""
    contexts: dict[str, dict[str, list[tuple[str, str, str]]]] = {}
    context = name = ""
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith(";"):
            continue
        if found := re.fullmatch(r"\[([\w-]+)\]", line):
            context = found[1]
            contexts[context] = {}
            continue
        step = _LINE.match(line)
        assert step is not None, line
        name = step[1] or name
        contexts[context].setdefault(name, []).append((step[2] or "", step[3], step[4]))
    return contexts


def test_the_dialplan_can_be_read_and_balances_its_brackets() -> None:
    text = files("asterisk")["extensions_retention_bridge.conf"].decode()
    contexts = dialplan(text)
    assert list(contexts) == ["retention-bridge-in", "retention-bridge", "retention-bridge-queues"]
    for extensions in contexts.values():
        for steps in extensions.values():
            for _, application, arguments in steps:
                for opening, closing in ("()", "{}", "[]"):
                    assert arguments.count(opening) == arguments.count(closing), f"{application}({arguments})"
            assert steps[-1][1] in {"Return", "Goto", "Hangup"}
    labels = {label for steps in contexts["retention-bridge"].values() for label, *_ in steps}
    for target in re.findall(r"\]\?(\w+)\)", text):
        assert target in labels | {label for steps in contexts["retention-bridge-in"].values() for label, *_ in steps}


def test_the_dialplan_waits_less_than_people_do_and_has_a_queue_for_every_route() -> None:
    made = files("asterisk")
    contexts = dialplan(made["extensions_retention_bridge.conf"].decode())
    ask = contexts["retention-bridge"]["ask"]
    options = {found[1]: found[2] for *_, one in ask if (found := re.match(r"CURLOPT\((\w+)\)=(.*)", one))}
    rule = HOSTS["asterisk"].rule("deadline")
    assert rule is not None and rule.limit is not None
    assert float(options["httptimeout"]) * 1000 <= rule.limit
    assert BUDGETS["asterisk"] < float(options["httptimeout"]) * 1000
    assert options["hashcompat"] == "legacy", "spaces come as +"
    queues = contexts["retention-bridge-queues"]
    assert tuple(queues) == PLAN.routes
    sections = re.findall(r"^\[(.+)\]$", made["queues_retention_bridge.conf"].decode(), re.MULTILINE)
    assert sections == [f"bridge-{route}" for route in PLAN.routes]
    assert "general" not in sections, "there it would be settings, and no queue"
    for route, steps in queues.items():
        assert steps[0][1:] == ("Queue", f"bridge-{route},,,,{600 if route == 'general' else 300}")
        assert steps[1][1:] == (("Hangup", "") if route == "general" else ("Goto", "general,1"))


def test_the_key_is_in_a_file_of_its_own_and_never_where_the_console_shows_it() -> None:
    made = files("asterisk")
    plan = made["extensions_retention_bridge.conf"].decode()
    assert "PASTE-THE-KEY-HERE" not in plan
    assert "BRIDGE_KEY=PASTE-THE-KEY-HERE" in made["extensions_retention_bridge_key.conf"].decode()
    shown = [line for line in plan.splitlines() if "${BRIDGE_KEY}" in line]
    assert len(shown) == 1 and "${LEN(${SET(" in shown[0]


def test_every_field_that_the_dialplan_reads_is_in_the_answer() -> None:
    plan = files("asterisk")["extensions_retention_bridge.conf"].decode()
    read = set(re.findall(r"HASH\(BRIDGE,(\w+)\)", plan))
    assert {"route_hint", "priority", "ask", "ask_digits"} <= read <= flat.ROUTING_NAMES
    assert all("FILTER(" in line for line in plan.splitlines() if "HASH(BRIDGE," in line)
