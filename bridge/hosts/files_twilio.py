"""Twilio: a flow for Studio, and a small application that answers with TwiML.

https://www.twilio.com/docs/studio/widget-library/http-request
https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from bridge.hosts.files import Files, Plan, as_json, readmes, render

KEY: Final = "PASTE-THE-KEY-HERE"
DIGITS: Final = (3, 4)
"""How many of them a question can ask for: Studio wants a number, and takes no value of an answer for it."""
_DIGITS_TO_ASK: Final = "{{widgets.who_calls.parsed.ask_digits}}"
_WAIT_SECONDS: Final = 3
_DOWN, _ACROSS = 260, 340


def make(plan: Plan) -> Files:
    """The files for Twilio."""
    more = {"key": KEY, "wait": _WAIT_SECONDS, "address": _address(plan)}
    return {
        "studio-flow.json": as_json(_flow(plan)),
        "twiml_app.py": render("twilio/twiml_app.py.jinja", plan, **more),
        **readmes("twilio", plan, **more),
    }


def _address(plan: Plan) -> str:
    """With user name and password in it, which the widget sends as basic authentication."""
    parts = urlsplit(plan.url)
    return f"{parts.scheme}://twilio:{KEY}@{parts.netloc}{parts.path}/v1/lookup?host=twilio"


def _flow(plan: Plan) -> dict[str, Any]:
    """Ask; where several people share the number put the question and ask again; take the queue of the route."""
    fields = {
        "phone": "{{trigger.call.From}}",
        "interaction": "{{trigger.call.CallSid}}",
        "lang": plan.language,
    }
    general = _queue(plan.general)
    return {
        "description": "Retention Bridge",
        "states": [
            _state(
                "Trigger",
                "trigger",
                (0, 0),
                {},
                _to("incomingMessage"),
                _to("incomingCall", "who_calls"),
                _to("incomingConversationMessage"),
                _to("incomingRequest"),
                _to("incomingParent"),
            ),
            _request("who_calls", (0, 1), plan, fields, "is_there_a_question", general),
            _state(
                "is_there_a_question",
                "split-based-on",
                (0, 2),
                {"input": _DIGITS_TO_ASK},
                _to("noMatch", "route"),
                *(_match(str(digits), _DIGITS_TO_ASK, _question(digits)) for digits in DIGITS),
            ),
            *(
                _state(
                    _question(digits),
                    "gather-input-on-call",
                    (1 + place, 3),
                    {
                        "say": "{{widgets.who_calls.parsed.ask_text}}",
                        "language": plan.locale,
                        "voice": "alice",
                        "loop": 1,
                        "timeout": 7,
                        "stop_gather": True,
                        "finish_on_key": "#",
                        "number_of_digits": digits,
                    },
                    _to("keypress", "who_of_them"),
                    _to("speech"),
                    _to("timeout", "route"),
                )
                for place, digits in enumerate(DIGITS)
            ),
            _request(
                "who_of_them",
                (1, 4),
                plan,
                {**fields, "answer": "".join(f"{{{{widgets.{_question(digits)}.Digits}}}}" for digits in DIGITS)},
                "route_of_answer",
                "route",
            ),
            _split("route", (0, 5), "who_calls", plan),
            _split("route_of_answer", (1, 5), "who_of_them", plan),
            *(
                _state(
                    _queue(route),
                    "enqueue-call",
                    (place, 6),
                    {"queue_name": route},
                    _to("callComplete"),
                    _to("failedToEnqueue", "" if route == plan.general else general),
                    _to("callFailure"),
                )
                for place, route in enumerate(plan.routes)
            ),
        ],
        "initial_state": "Trigger",
        "flags": {"allow_concurrent_calls": True},
    }


def _question(digits: int) -> str:
    return f"ask_for_{digits}_digits"


def _queue(route: str) -> str:
    return "queue_" + route.replace("-", "_")


def _request(
    name: str, at: tuple[int, int], plan: Plan, fields: dict[str, str], then: str, otherwise: str
) -> dict[str, Any]:
    return _state(
        name,
        "make-http-request",
        at,
        {
            "method": "POST",
            "url": _address(plan),
            "content_type": "application/x-www-form-urlencoded;charset=utf-8",
            "parameters": [{"key": key, "value": value} for key, value in fields.items()],
        },
        _to("success", then),
        _to("failed", otherwise),
    )


def _split(name: str, at: tuple[int, int], widget: str, plan: Plan) -> dict[str, Any]:
    said = f"{{{{widgets.{widget}.parsed.route_hint}}}}"
    return _state(
        name,
        "split-based-on",
        at,
        {"input": said},
        _to("noMatch", _queue(plan.general)),
        *(_match(route, said, _queue(route)) for route in plan.routes),
    )


def _match(value: str, said: str, then: str) -> dict[str, Any]:
    condition = {"friendly_name": value, "arguments": [said], "type": "equal_to", "value": value}
    return {"event": "match", "next": then, "conditions": [condition]}


def _to(event: str, then: str = "") -> dict[str, Any]:
    return {"event": event, "next": then} if then else {"event": event}


def _state(
    name: str, kind: str, at: tuple[int, int], properties: dict[str, Any], *transitions: dict[str, Any]
) -> dict[str, Any]:
    place = {"offset": {"x": at[0] * _ACROSS, "y": at[1] * _DOWN}}
    return {"name": name, "type": kind, "transitions": list(transitions), "properties": {**place, **properties}}
