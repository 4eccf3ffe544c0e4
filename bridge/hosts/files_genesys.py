"""Genesys Cloud: a data action to import, and the widget beside an interaction.

https://help.mypurecloud.com/articles/request-configuration-for-data-actions/
https://developer.genesys.cloud/platform/integrations/client-apps
"""

from __future__ import annotations

from typing import Any, Final

from bridge import flat
from bridge.hosts.files import Files, Plan, as_json, readmes, sign_in

_SECONDS: Final = 2
"""Genesys gives up then. Answers come within the preset of 1 s; the rest is the way there and back."""

INPUTS: Final = {
    "phone": "The caller's number: Call.Ani",
    "interaction": "Call.ConversationId: by it the widget finds the caller again",
    "email": "Instead of a number, in flows that begin with a message",
    "external_id": "A number of your own that the caller entered, as system:number",
    "lang": "The language of the call, such as de",
    "answer": "What the caller entered to the question in ask_text",
}


def make(plan: Plan) -> Files:
    """The files for Genesys Cloud."""
    widget = _widget(plan)
    return {
        "data-action.json": as_json(_data_action(plan)),
        "interaction-widget.json": as_json(widget),
        **sign_in(plan),
        **readmes("genesys", plan, widget=widget["config"], inputs=INPUTS, seconds=_SECONDS),
    }


def _data_action(plan: Plan) -> dict[str, Any]:
    """As *Export* writes one. The answer is flat and whole, so that nothing has to be translated."""
    blank = {key.name: key.blank for key in flat.KEYS} | {"route_hint": plan.general}
    return {
        "name": "Retention Bridge: who is calling",
        "integrationType": "custom-rest-actions",
        "actionType": "custom",
        "config": {
            "request": {
                "requestUrlTemplate": f"{plan.url}/v1/lookup?host=genesys",
                "requestType": "POST",
                "headers": {"Content-Type": "application/json", "Accept": "application/json"},
                "requestTemplate": "${input.rawRequest}",
            },
            "response": {"translationMap": {}, "translationMapDefaults": {}, "successTemplate": "${rawResult}"},
            "timeoutSeconds": _SECONDS,
        },
        "contract": {
            "input": {
                "inputSchema": {
                    "title": "Who is calling",
                    "type": "object",
                    "properties": {
                        name: {"type": "string", "description": text, "default": ""} for name, text in INPUTS.items()
                    },
                    "additionalProperties": True,
                }
            },
            "output": {
                "successSchema": {
                    "title": "Who it is, and where the call goes",
                    "type": "object",
                    "properties": {name: {"type": "string", "default": value} for name, value in blank.items()},
                    "additionalProperties": True,
                }
            },
        },
        "secure": False,
    }


def _widget(plan: Plan) -> dict[str, Any]:
    """The integration and its configuration, as the API takes them."""
    return {
        "integrationType": {"id": "embedded-client-app-interaction-widget"},
        "config": {
            "name": "Retention Bridge",
            "properties": {
                "url": f"{plan.url}/embed/genesys?conversationid={{{{pcConversationId}}}}&lang={{{{pcLangTag}}}}",
                "sandbox": "allow-scripts,allow-same-origin,allow-forms,allow-modals,allow-popups",
                "permissions": "clipboard-write",
                "groups": [],
                "communicationTypeFilter": "call,callback,chat,webmessaging,email,open",
                "queueIdFilterList": [],
            },
            "advanced": {
                "lifecycle": {
                    "ephemeral": False,
                    "hooks": {"bootstrap": False, "focus": False, "blur": False, "stop": False},
                }
            },
            "notes": "",
            "credentials": {},
        },
    }
