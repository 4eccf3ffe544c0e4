"""Asterisk's HTTP server (ARI), as far as its documentation describes what the adapter asks: calls to place.

https://docs.asterisk.org/Asterisk_REST_Interface/. What it polls are files, which tests write themselves.
"""

from __future__ import annotations

import base64

import httpx

from contract_tests.fakes import Trouble

USER = "bridge"
PASSWORD = "ari-password-55e1"


class Fake:
    """One server. It keeps neither people nor lists."""

    def __init__(self) -> None:
        self.trouble: Trouble = ""
        self.page_size = 3
        self.channels: set[str] = set()

    def fill(self, stream: str, count: int) -> set[str]:
        raise AssertionError("Asterisk writes files; no server lists what is in them")

    def touch(self, stream: str, number: str) -> None:
        raise AssertionError("a line once written stays as it is")

    def remove(self, stream: str, number: str) -> bool:
        return False

    def merge(self, stream: str, loser: str, winner: str) -> bool:
        return False

    def add_person(self, *, phone: str, email: str, external_id: str) -> str:
        raise AssertionError("Asterisk keeps no people")

    def authorises(self, request: httpx.Request) -> bool:
        return False

    def answer(self, request: httpx.Request) -> httpx.Response:
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("authorization") != expected:
            return httpx.Response(401, json={"message": "Authentication required"})
        if (request.method, request.url.path) != ("POST", "/ari/channels"):
            return httpx.Response(404, json={"message": "Resource not found"})
        return self._originate(request)

    def _originate(self, request: httpx.Request) -> httpx.Response:
        wanted = httpx.Response(200, content=request.content).json()
        if not wanted.get("endpoint") or not (wanted.get("extension") or wanted.get("app")):
            return httpx.Response(400, json={"message": "Application or extension must be specified"})
        if wanted["channelId"] in self.channels:
            return httpx.Response(409, json={"message": "Channel with given unique ID already exists"})
        self.channels.add(wanted["channelId"])
        return httpx.Response(200, json={"id": wanted["channelId"], "name": wanted["endpoint"], "state": "Down"})
