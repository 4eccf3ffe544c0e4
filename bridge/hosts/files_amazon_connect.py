"""Amazon Connect: a function that asks us, a flow that invokes it, and the app of the agent workspace.

https://docs.aws.amazon.com/connect/latest/APIReference/flow-language.html
https://docs.aws.amazon.com/connect/latest/APIReference/API_connect-app-integrations_CreateApplication.html
"""

from __future__ import annotations

from typing import Any, Final

from bridge.hosts.files import Files, Plan, as_json, neutral, readmes, render, sign_in

_WAIT_SECONDS: Final = 2.5
"""What our function waits for us: the preset of 1.5 s, a TLS handshake, and some."""
_LIMIT_SECONDS: Final = 5
"""What the flow waits for the function, a cold start included; 8 is the most it could."""

FUNCTION_ARN: Final = "REPLACE-WITH-THE-ARN-OF-THE-FUNCTION"
KEPT: Final = ("customer_id", "decision_id", "value_tier", "risk_band", "priority", "route_hint")
"""Of an answer only the latest stays with the call, so that these are copied to its attributes."""


def make(plan: Plan) -> Files:
    """The files for Amazon Connect."""
    fallback = neutral(plan.general)
    return {
        "lambda_function.py": render(
            "amazon_connect/lambda_function.py.jinja",
            plan,
            fallback=fallback,
            wait=_WAIT_SECONDS,
            limit=_LIMIT_SECONDS,
        ),
        "function-policy.json": as_json(_POLICY),
        "function-trust.json": as_json(_TRUST),
        "flow.json": as_json(_flow(plan)),
        "agent-app.json": as_json(_app(plan)),
        **sign_in(plan),
        **readmes("amazon_connect", plan, wait=_WAIT_SECONDS, limit=_LIMIT_SECONDS, kept=KEPT, arn=FUNCTION_ARN),
    }


_POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "ReadTheKeyOfTheBridge",
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": "arn:aws:secretsmanager:REGION:ACCOUNT:secret:retention-bridge-key-*",
        },
        {
            "Sid": "WriteItsOwnLog",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": "arn:aws:logs:REGION:ACCOUNT:log-group:/aws/lambda/retention-bridge-lookup:*",
        },
    ],
}
_TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def _flow(plan: Plan) -> dict[str, Any]:
    """Ask, keep what agents need, take the queue of the route. Every error leads on to the general queue."""
    general = _queue(plan.general)
    actions = [
        _action(
            "ask",
            "InvokeLambdaFunction",
            {
                "LambdaFunctionARN": FUNCTION_ARN,
                "InvocationTimeLimitSeconds": str(_LIMIT_SECONDS),
                "ResponseValidation": {"ResponseType": "STRING_MAP"},
            },
            "keep",
            NoMatchingError=general,
        ),
        _action(
            "keep",
            "UpdateContactAttributes",
            {
                "Attributes": {f"bridge_{name}": f"$.External.{name}" for name in KEPT},
                "TargetContact": "Current",
            },
            "choose",
            NoMatchingError="choose",
        ),
        _choice(plan),
        *(
            _action(
                _queue(route),
                "UpdateContactTargetQueue",
                {"QueueId": f"REPLACE-WITH-THE-ARN-OF-THE-QUEUE-{route}"},
                "transfer",
                NoMatchingError="goodbye" if route == plan.general else general,
            )
            for route in plan.routes
        ),
        _action(
            "transfer", "TransferContactToQueue", {}, "goodbye", QueueAtCapacity="goodbye", NoMatchingError="goodbye"
        ),
        {"Identifier": "goodbye", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}},
    ]
    places = {one["Identifier"]: {"position": {"x": 220 * place, "y": 40}} for place, one in enumerate(actions)}
    return {
        "Version": "2019-10-30",
        "StartAction": "ask",
        "Metadata": {"entryPointPosition": {"x": 0, "y": 0}, "ActionMetadata": places},
        "Actions": actions,
    }


def _queue(route: str) -> str:
    return f"queue-{route}"


def _choice(plan: Plan) -> dict[str, Any]:
    action = _action(
        "choose",
        "Compare",
        {"ComparisonValue": "$.External.route_hint"},
        _queue(plan.general),
        NoMatchingCondition=_queue(plan.general),
    )
    action["Transitions"]["Conditions"] = [
        {"NextAction": _queue(route), "Condition": {"Operator": "Equals", "Operands": [route]}} for route in plan.routes
    ]
    return action


def _action(name: str, kind: str, parameters: dict[str, Any], then: str, **errors: str) -> dict[str, Any]:
    return {
        "Identifier": name,
        "Type": kind,
        "Parameters": parameters,
        "Transitions": {
            "NextAction": then,
            "Errors": [{"NextAction": other, "ErrorType": error} for error, other in errors.items()],
        },
    }


def _app(plan: Plan) -> dict[str, Any]:
    """As `aws appintegrations create-application --cli-input-json` takes it: one page for each interaction."""
    return {
        "Name": "Retention Bridge",
        "Namespace": "retention-bridge",
        "Description": "Who is calling, how likely they leave, and what to say",
        "ApplicationSourceConfig": {
            "ExternalUrlConfig": {
                "AccessUrl": f"{plan.url}/embed/amazon_connect",
                "ApprovedOrigins": [plan.origin],
            }
        },
        "Permissions": ["Contact.Details.View"],
        "ApplicationConfig": {"ContactHandling": {"Scope": "PER_CONTACT"}},
        "IframeConfig": {
            "Allow": ["clipboard-write"],
            "Sandbox": ["allow-scripts", "allow-same-origin", "allow-forms", "allow-modals", "allow-popups"],
        },
    }
