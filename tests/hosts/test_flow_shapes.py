"""What is written for cloud phone systems has the form they document, and every path through it leads somewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema_rs

from bridge import flat
from bridge.gateway import question
from bridge.gateway.caller import read_asked
from bridge.hosts.files import Files, Plan
from bridge.hosts.generators import make_files
from bridge.hosts.registry import BUDGETS

URL = "https://bridge.example.com"
PLAN = Plan(url=URL, language="de", routes=("retention", "vip-1", "general"))
WEB = Path(__file__).resolve().parents[2] / "bridge" / "web"


def files(name: str) -> Files:
    return make_files(name, PLAN)


def data(name: str, path: str) -> Any:
    return json.loads(files(name)[path])


# --- Genesys ----------------------------------------------------------------------------------------------------------


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


# --- Amazon Connect ---------------------------------------------------------------------------------------------------


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


# --- Twilio Studio ----------------------------------------------------------------------------------------------------


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
