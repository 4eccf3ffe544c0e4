"""Amazon Connect's API, as far as its reference describes what the adapter may ask, behind AWS Signature Version 4.

https://docs.aws.amazon.com/connect/latest/APIReference/API_StartTaskContact.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any
from uuid import UUID

import httpx

from contract_tests.fakes import Trouble

HOST = "connect.eu-central-1.amazonaws.com"
ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = "20260302T120000Z"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<scope>[^,]+), SignedHeaders=(?P<names>[^,]+), "
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


class Fake:
    """One instance, whose clock stands at noon. It keeps the tasks by their tokens."""

    def __init__(self) -> None:
        self.trouble: Trouble = ""
        self.page_size = 3
        self.tasks: dict[str, dict[str, Any]] = {}

    def fill(self, stream: str, count: int) -> set[str]:
        raise AssertionError("nothing is read from Amazon Connect's API")

    def touch(self, stream: str, number: str) -> None:
        raise AssertionError("nothing is read from Amazon Connect's API")

    def remove(self, stream: str, number: str) -> bool:
        return False

    def merge(self, stream: str, loser: str, winner: str) -> bool:
        return False

    def add_person(self, *, phone: str, email: str, external_id: str) -> str:
        raise AssertionError("nobody is looked up at Amazon Connect")

    def authorises(self, request: httpx.Request) -> bool:
        return False

    def answer(self, request: httpx.Request) -> httpx.Response:
        if (problem := _problem(request)) is not None:
            return _error(403, "InvalidSignatureException", problem)
        if (request.method, request.url.path) != ("PUT", "/contact/task"):
            return _error(404, "UnknownOperationException", "")
        task = json.loads(request.content)
        if not task.get("InstanceId") or not task.get("Name"):
            return _error(400, "InvalidRequestException", "InstanceId and Name are required")
        if len({"ContactFlowId", "QuickConnectId", "TaskTemplateId"} & task.keys()) != 1:
            return _error(400, "InvalidRequestException", "exactly one of flow, quick connect and template")
        if not all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in task.get("Attributes", {})):
            return _error(400, "InvalidRequestException", "a name of an attribute is invalid")
        self.tasks.setdefault(task["ClientToken"], task)
        number = UUID(int=0x7A5C + list(self.tasks).index(task["ClientToken"]))
        return httpx.Response(200, json={"ContactId": str(number)})


def _problem(request: httpx.Request) -> str | None:
    """What is wrong with the signature of a request; None for a good one."""
    said = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if said is None or said["key"] != ACCESS_KEY:
        return "the authorization header is incomplete, or the key is not known"
    if request.headers.get("x-amz-date") != NOW or said["scope"] != f"{NOW[:8]}/eu-central-1/connect/aws4_request":
        return "the signature has expired, or is for another region or service"
    names = said["names"].split(";")
    if names != sorted(names) or not {"host", "x-amz-date", "content-type"} <= set(names):
        return "a header that must be signed is not"
    lines = [request.method, request.url.raw_path.decode().partition("?")[0], request.url.query.decode()]
    lines += [f"{name}:{request.headers[name].strip()}" for name in names]
    lines += ["", said["names"], hashlib.sha256(request.content).hexdigest()]
    hashed = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    key = b"AWS4" + SECRET_KEY.encode()
    for step in said["scope"].split("/"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    text = "\n".join(("AWS4-HMAC-SHA256", NOW, said["scope"], hashed))
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return None if expected == said["signature"] else "the signature does not match"


def _error(status: int, kind: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message}, headers={"x-amzn-errortype": kind})
