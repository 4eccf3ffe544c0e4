"""The gateway's process: every route on one screen, and what happens when it starts and stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
import sys

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.errors import BadRequest, Conflict, NotAuthentic, NotFound, TooLarge
from bridge.flow.desk import Desk
from bridge.gateway import assist, customers, identities, lookup, outcomes, sources, subjects, system, tickets, webhooks
from bridge.gateway.endpoint import Endpoint, Served, read_request_id
from bridge.gateway.gate import Gate, Miss, utc_now
from bridge.gateway.openapi import Description
from bridge.gateway.refusal import SECURITY_HEADERS, problem_body, unavailable
from bridge.settings import Settings
from bridge.telemetry import LineBuffer, log, set_up_logging

_log = log("gateway")
