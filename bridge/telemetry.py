"""Logs and metrics: structlog as JSON lines (pretty on a terminal), personal data masked, handles bound once."""

from __future__ import annotations

import atexit
import logging
import re
import sys
import time
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

MASK: Final = "***"

_SECRET_NAMES = re.compile(
    r"secret|token|password|passwd|authoriz|api[_-]?key|cookie|signature|credential", re.IGNORECASE
)
_PERSONAL_NAMES = re.compile(
    r"phone|e?mail|e164|address|salutation|(?:given|family|full)_?name|caller|comment|note|text", re.IGNORECASE
)
_KEYS = re.compile(
    r"\brb_[A-Za-z0-9]+_[A-Za-z0-9_-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]*|(?i:\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}"
)
_LINKS = re.compile(r"(?<=/l/)[\w-]{16,}")
"""Behind `/l/` stands what opens a customer's page."""
_MAILS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}(?:@|%40)[\w-]+(?:\.[\w-]+)+")
_PHONES = re.compile(
    r"(?:(?:\+|%2[bB])[1-9]|(?<![\w.:-])0(?:0?[1-9]|\())"  # international, or as dialled at home
    r"(?:[ ()/.-]|%20)?(?:\d(?:[ ()/.-]|%20){0,3}){5,14}\d?"
)


def mask_text(text: str) -> str:
    """`text` without keys, tokens, e-mail addresses and phone numbers."""
    return _PHONES.sub(MASK, _MAILS.sub(MASK, _LINKS.sub(MASK, _KEYS.sub(MASK, text))))


def _mask(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return MASK if value and (_SECRET_NAMES.search(name) or _PERSONAL_NAMES.search(name)) else mask_text(value)
    if isinstance(value, Mapping):
        return {str(key): _mask(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_mask(name, inner) for inner in value]
    if value is None or isinstance(value, (bool, int, float)):
        return MASK if type(value) is int and _PERSONAL_NAMES.search(name) else value
    return mask_text(str(value))


_OWN_FIELDS = frozenset({"timestamp", "level", "_record", "_from_structlog"})


def mask(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The structlog processor that lets nothing personal or secret through, however deep it is nested."""
    for name, value in event.items():
        if name not in _OWN_FIELDS:
            event[name] = mask_text(value) if name == "event" and isinstance(value, str) else _mask(name, value)
    return event


_encode = msgspec.json.Encoder(enc_hook=str).encode


def _json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return _encode(event).decode()


def set_up_logging(level: str = "info", *, pretty: bool | None = None) -> None:
    """Send all logs of this process, those of libraries too, to standard output: one JSON object a line.

    `pretty` draws them for a person instead; by default when standard output is a terminal.
    """
    if pretty is None:
        pretty = sys.stdout.isatty()
    least = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask,
    ]
    # the default formatter would print every local variable of a traceback
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    draw: Processor = plain if pretty else _json
    structlog.configure(
        processors=[*shared, draw],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, draw]
    )
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(least, logging.INFO))
    for chatty in ("httpx", "httpcore", "uvicorn.access"):  # they write whole URLs, which may carry phone numbers
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for own in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(own).handlers.clear()
        logging.getLogger(own).propagate = True


def log(room: str) -> FilteringBoundLogger:
    """The logger of one room, for everything off the hit path."""
    logger: FilteringBoundLogger = structlog.get_logger(room=room)
    return logger


class LineBuffer:
    """Collects log lines and writes them together: when `size` are there, when asked, and when the process ends."""

    def __init__(self, out: BinaryIO, size: int = 64) -> None:
        self._out = out
        self._size = size
        self._lines: list[bytes] = []
        atexit.register(self.flush)

    def info(self, line: bytes) -> None:
        """Keep `line`; called by structlog."""
        self._lines.append(line)
        if len(self._lines) >= self._size:
            self.flush()

    def flush(self) -> None:
        """Write what is there. A closed or full output is no reason to fail a look-up: the lines are dropped."""
        lines, self._lines = self._lines, []
        if lines:
            try:
                self._out.write(b"\n".join(lines) + b"\n")
                self._out.flush()
            except (OSError, ValueError):
                return


class HitLog(structlog.BoundLoggerBase):
    """The bound logger of the look-up path. Its caller passes no personal data: there is nothing to mask."""

    def info(self, event: str, **fields: Any) -> None:
        """Keep one line; without a chain of processors that takes 1 µs instead of 3."""
        self._logger.info(_encode({"level": "info", "event": event, **fields, "timestamp": time.time()}))


def hit_log(buffer: LineBuffer) -> HitLog:
    """A logger of the look-up path that writes to `buffer`."""
    bound: HitLog = structlog.wrap_logger(buffer, wrapper_class=HitLog).bind()
    return bound


class Metrics:
    """All metrics of one process, in a registry of their own. Children for closed label values are made beforehand."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.lookup_seconds = Histogram(
            "bridge_lookup_seconds",
            "Look-ups answered, by what matched: how many, and the time from request to answer.",
            ["match"],
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
            registry=own,
        )
        self.degraded = Counter("bridge_lookups_degraded_total", "Look-ups answered with less than all.", registry=own)
        self.requests = Counter("bridge_requests_total", "Other requests.", ["route", "status"], registry=own)
        self.deliveries = Counter(
            "bridge_deliveries_total",
            "Parts of deliveries, by what became of them.",
            ["source", "outcome"],
            registry=own,
        )
        self.live_calls = Counter(
            "bridge_live_calls_total", "Live look-ups at sources.", ["source", "outcome"], registry=own
        )
        self.dips_dropped = Counter(
            "bridge_dips_dropped_total", "Interaction ids that could not be kept.", registry=own
        )
        self.batches = Counter("bridge_worker_batches_total", "Batches the worker wrote.", ["kind"], registry=own)
        self.batch_seconds = Histogram("bridge_worker_batch_seconds", "Time per batch of the worker.", registry=own)
        self.waiting = Gauge("bridge_deliveries_waiting", "Deliveries not yet mapped.", ["state"], registry=own)
        self.unsettled = Gauge(
            "bridge_actions_unsettled",
            "Actions at other systems that wait for a person: uncertain how they ended, or dead.",
            ["state"],
            registry=own,
        )
        self.answered = {
            match: self.lookup_seconds.labels(match) for match in ("exact", "account", "ambiguous", "none")
        }


METRICS: Final = Metrics()
"""Those of this process."""
