"""The only way out to a vendor: one pooled HTTP client a source, whose failures are sorted by what to do next."""

from __future__ import annotations

import asyncio
import math
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
from msgspec import Struct
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from bridge.adapter.manifest import Manifest, RateLimit
from bridge.adapter.source import Source
from bridge.errors import ConfigError, VendorRefused, VendorRetryable

if TYPE_CHECKING:
    from bridge.adapter.base import Adapter

MAX_ANSWER = 16 * 1024 * 1024
"""Longest answer that is read, in bytes after decompression."""

_MAX_REDIRECTS = 3
_NEVER_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_LONGEST_WAIT = 86_400.0
_EPOCH_FROM = 1_000_000_000
"""A reset header with a number this large is an instant, not a number of seconds."""

T = TypeVar("T")


class Answer(Struct, frozen=True):
    """A vendor's 2xx: header names in lower case, the body as decoded JSON (None when there was none)."""

    status: int
    headers: dict[str, str]
    data: Any


class Client:
    """HTTP for one source. `call` answers with decoded JSON or raises VendorRetryable or VendorRefused, nothing else.

    `headers(renew)` gives the headers that authorise a call; it is asked again with True after a 401. `timeout` is in
    seconds and holds for each step (connect, write, read). The connection pool is opened by the first call. `heard` are
    the headers of the last answer, whatever its status.
    """

    def __init__(
        self,
        source: str,
        base_url: str,
        headers: Callable[[bool], Awaitable[dict[str, str]]],
        rate_limit: RateLimit,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 10,
        clock: Callable[[], float] = time.time,
        others: tuple[str, ...] = (),
    ) -> None:
        self.source = source
        self.base_url = base_url
        self._others = tuple(httpx.URL(one) for one in others)
        self._headers = headers
        self._rate_limit = rate_limit
        self._transport = transport
        self._timeout = timeout
        self._clock = clock
        self._http: httpx.AsyncClient | None = None
        self.heard: dict[str, str] = {}

    def now(self) -> datetime:
        """The time by the client's clock: for what is signed together with its time."""
        return datetime.fromtimestamp(self._clock(), timezone.utc)

    def open(self) -> httpx.AsyncClient:
        """Get ready for the first call: it takes tens of milliseconds, better spent while nobody waits."""
        if self._http is None:
            self._http = httpx.AsyncClient(
                transport=self._transport, timeout=self._timeout, follow_redirects=False, verify=_trusted()
            )
        return self._http

    async def close(self) -> None:
        """Close the pooled connections; a later call opens new ones."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, Any] | None = None,
        json: Any = None,
        form: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        deadline: float | None = None,
        authorise: bool = True,
        named: str = "",
    ) -> Answer:
        """Call `path` (relative to the base URL, or an absolute URL of the same host, such as a next-page link, or of
        one of the manifest's other hosts, which is never told what authorises a call).

        `named` stands in errors for a path that is a secret in itself. `deadline` is the number of seconds that
        everything together may take. A 401 is answered once by renewing the
        authorising headers. Raises VendorRetryable (time-out, no connection, 429, 5xx, an answer that is no JSON, a
        refusal in which the manifest's words for "later" stand) and
        VendorRefused (other 4xx, an oversize answer, a redirect or link to another host).
        """
        what = f"{method} {named or _shown(path)}"
        try:
            async with asyncio.timeout(self._timeout * 6 if deadline is None else max(0.0, deadline)):
                return await self._call(what, method, path, params, json, form, headers, authorise)
        except TimeoutError:
            raise VendorRetryable(self.source, f"{what} took too long") from None

    async def _call(
        self,
        what: str,
        method: str,
        path: str,
        params: dict[str, Any] | None,
        json: Any,
        form: dict[str, Any] | None,
        headers: dict[str, str] | None,
        authorise: bool,
    ) -> Answer:
        content = None if json is None else msgspec.json.encode(json)
        fixed = {"accept": "application/json", **(headers or {})}
        if content is not None:
            fixed.setdefault("content-type", "application/json")

        async def attempt(renew: bool) -> tuple[int, httpx.Headers, bytes]:
            authorising = await self._authorising(renew) if authorise else {}
            return await self._send(what, method, url, params, content, form, {**fixed, **authorising})

        url = self._url(method, path)
        authorise = authorise and _same_host(url, httpx.URL(self.base_url))
        status, got, answer = await attempt(False)
        if status == 401 and authorise:
            status, got, answer = await attempt(True)
        return self._sorted(what, status, got, answer)

    async def _authorising(self, renew: bool) -> dict[str, str]:
        try:
            return await self._headers(renew)
        except VendorRetryable as problem:
            problem.undone = True  # whatever became of the token, what it was wanted for was never asked
            raise
        except VendorRefused as problem:
            problem.about_us = True
            raise

    def _url(self, method: str, path: str) -> httpx.URL:
        base = httpx.URL(self.base_url)
        try:
            url = base.join(path)
        except httpx.InvalidURL:
            raise VendorRefused(self.source, f"{method}: the path is no URL") from None
        if not any(_same_host(url, one) for one in (base, *self._others)):
            raise VendorRefused(self.source, f"{method}: a link leads to another host, {url.host}, and is not followed")
        return url

    async def _send(
        self,
        what: str,
        method: str,
        url: httpx.URL,
        params: dict[str, Any] | None,
        content: bytes | None,
        form: dict[str, Any] | None,
        headers: dict[str, str],
    ) -> tuple[int, httpx.Headers, bytes]:
        http = self.open()
        for _ in range(_MAX_REDIRECTS + 1):
            try:
                async with http.stream(
                    method, url, params=params, content=content, data=form, headers=headers
                ) as response:
                    if response.is_redirect and method in ("GET", "HEAD") and "location" in response.headers:
                        before, url, params = url, self._url(method, str(url.join(response.headers["location"]))), None
                        if not _same_host(url, before):
                            raise VendorRefused(self.source, f"{what} was redirected to another host, {url.host}")
                        continue
                    return response.status_code, response.headers, await self._body(what, response)
            except httpx.TimeoutException as problem:
                undone = isinstance(problem, _NEVER_ARRIVED)
                raise VendorRetryable(self.source, f"{what} timed out", undone=undone) from None
            except (httpx.DecodingError, httpx.RemoteProtocolError):
                raise VendorRetryable(self.source, f"{what} was answered with garbage") from None
            except httpx.HTTPError as problem:
                undone = isinstance(problem, _NEVER_ARRIVED)
                raise VendorRetryable(self.source, f"{what} failed: {type(problem).__name__}", undone=undone) from None
        raise VendorRefused(self.source, f"{what} was redirected more than {_MAX_REDIRECTS} times")

    async def _body(self, what: str, response: httpx.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_bytes():
            size += len(part)
            if size > MAX_ANSWER:
                raise VendorRefused(
                    self.source, f"{what} was answered with more than {MAX_ANSWER} bytes", status=response.status_code
                )
            parts.append(part)
        return b"".join(parts)

    def _sorted(self, what: str, status: int, headers: httpx.Headers, body: bytes) -> Answer:
        self.heard = {name.lower(): value for name, value in headers.items()}
        if status in (408, 425, 429) or status >= 500:
            raise VendorRetryable(
                self.source,
                f"{what} was answered {status}",
                status=status,
                retry_after=self._retry_after(headers),
                undone=status in (425, 429),
            )
        if not 200 <= status < 300:
            for word, seconds in self._rate_limit.later.items():
                if word.encode() in body:
                    said = f"{what} was answered {status}, {word}"
                    raise VendorRetryable(self.source, said, status=status, retry_after=seconds, undone=True)
            raise VendorRefused(self.source, f"{what} was answered {status}", status=status)
        data = None
        if body.strip():
            try:
                data = msgspec.json.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise VendorRetryable(
                    self.source, f"{what} was answered {status}, but not with JSON", status=status
                ) from None
        return Answer(status, self.heard, data)

    def _retry_after(self, headers: httpx.Headers) -> float | None:
        """Seconds to wait, from the header that says how long, else from the one that says until when."""
        for name in (self._rate_limit.retry_after, self._rate_limit.reset):
            value = headers.get(name, "").strip() if name else ""
            if not value:
                continue
            try:
                number = float(value)
                seconds = number - self._clock() if number >= _EPOCH_FROM else number
            except ValueError:
                try:
                    seconds = parsedate_to_datetime(value).timestamp() - self._clock()
                except (ValueError, OverflowError):
                    continue
            if not math.isnan(seconds):
                return min(max(0.0, seconds), _LONGEST_WAIT)
        return None


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities whom all clients of this process trust, read once."""
    return httpx.create_ssl_context()


def open_client(
    adapter: Adapter,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    timeout: float = 10,
    clock: Callable[[], float] = time.time,
) -> Client:
    """The client of one adapter instance: its base URL filled from the settings, authorised by its `headers`."""

    async def headers(renew: bool) -> dict[str, str]:
        return await adapter.headers(client, renew=renew)

    client = Client(
        adapter.source.name,
        fill_base_url(adapter.manifest, adapter.source),
        headers,
        adapter.manifest.rate_limit,
        transport,
        timeout,
        clock,
        others=tuple(fill_url(one, adapter.source) for one in adapter.manifest.other_hosts),
    )
    return client


def fill_base_url(manifest: Manifest, source: Source) -> str:
    """The manifest's base URL with `{setting}` filled in. Raises ConfigError for a value that would lead elsewhere."""
    return fill_url(manifest.base_url, source)


def fill_url(template: str, source: Source) -> str:
    """An address with `{setting}` filled in, ending in a stroke. Raises ConfigError for what would lead elsewhere.

    A setting may be a whole address only where the template starts with it.
    """
    url = template
    for name in re.findall(r"\{(\w+)\}", template):
        value = source.setting(name).strip()
        whole = template.startswith(f"{{{name}}}")
        if not re.fullmatch(r"https?://[^\s@?#]+" if whole else r"[A-Za-z0-9._-]+", value):
            form = "an address that begins with https://" if whole else "a plain name (letters, digits, '.', '-', '_')"
            raise ConfigError(f"sources.yaml: sources.{source.name}.settings.{name}", f"must be {form}")
        url = url.replace(f"{{{name}}}", value.rstrip("/") if whole else value)
    if url and not url.endswith("/"):
        url += "/"
    return url


async def patiently(
    call: Callable[[], Awaitable[T]],
    *,
    attempts: int = 4,
    longest: float = 60.0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """`call()` again after each VendorRetryable, at most `attempts` times, waiting as long as the vendor says.

    Without the vendor's word it backs off from one second, doubling, with jitter. A vendor that wants a wait of more
    than `longest` seconds is not waited for: its error is raised, for whoever can come back later.
    """
    backoff = wait_exponential_jitter(initial=1, max=longest, jitter=1)

    def wait(state: RetryCallState) -> float:
        problem = state.outcome.exception() if state.outcome else None
        asked = problem.retry_after if isinstance(problem, VendorRetryable) else None
        return min(backoff(state), longest) if asked is None else asked

    def worth(problem: BaseException) -> bool:
        return isinstance(problem, VendorRetryable) and (problem.retry_after or 0.0) <= longest

    retrying = AsyncRetrying(
        sleep=sleep, stop=stop_after_attempt(attempts), wait=wait, retry=retry_if_exception(worth), reraise=True
    )
    return await retrying(call)


def _same_host(one: httpx.URL, other: httpx.URL) -> bool:
    def place(url: httpx.URL) -> tuple[str, str, int | None]:
        return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme)

    return place(one) == place(other)


def _shown(path: str) -> str:
    """A path for error texts: no host, no query, and only segments that are plain words, since ids can be personal."""
    parts = urlsplit(path).path.split("/")
    return "/".join(part if re.fullmatch(r"[A-Za-z_][A-Za-z_.-]*|v\d+|", part) else "…" for part in parts)
