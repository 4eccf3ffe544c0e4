"""A receiver of signed webhooks, as the Standard Webhooks specification describes one.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#verifying-webhook-authenticity
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx

from contract_tests.fakes import Trouble

TOLERANCE_SECONDS = 300


class Fake:
    """One endpoint. It knows `secrets` (base64, without `whsec_`) and the time, and does each thing once by its id."""

    def __init__(self, *secrets: str, now: int = 0) -> None:
        self.trouble: Trouble = ""
        self.page_size = 3
        self.secrets = secrets
        self.now = now
        self.done: dict[str, Any] = {}

    def fill(self, stream: str, count: int) -> set[str]:
        raise AssertionError("a receiver of webhooks keeps nothing that can be read")

    def touch(self, stream: str, number: str) -> None:
        raise AssertionError("a receiver of webhooks keeps nothing that can change")

    def remove(self, stream: str, number: str) -> bool:
        return False

    def merge(self, stream: str, loser: str, winner: str) -> bool:
        return False

    def add_person(self, *, phone: str, email: str, external_id: str) -> str:
        raise AssertionError("a receiver of webhooks keeps no people")

    def authorises(self, request: httpx.Request) -> bool:
        return False

    def answer(self, request: httpx.Request) -> httpx.Response:
        number, stamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
        if not number or "." in number or not stamp.isdigit() or abs(int(stamp) - self.now) > TOLERANCE_SECONDS:
            return httpx.Response(400, json={"error": "missing headers or a stale timestamp"})
        if not self._vouched(number, stamp, request.content, request.headers.get("webhook-signature", "")):
            return httpx.Response(401, json={"error": "no signature matches"})
        self.done.setdefault(number, json.loads(request.content))
        return httpx.Response(200, json={"reference": f"done-{number}"})

    def _vouched(self, number: str, stamp: str, body: bytes, given: str) -> bool:
        signed = b".".join((number.encode(), stamp.encode(), body))
        for one in given.split(" "):
            version, _, signature = one.partition(",")
            for secret in self.secrets if version == "v1" else ():
                mac = hmac.new(base64.b64decode(secret), signed, hashlib.sha256).digest()
                if hmac.compare_digest(base64.b64decode(signature), mac):
                    return True
        return False
