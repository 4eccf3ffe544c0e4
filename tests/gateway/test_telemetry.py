"""Logs hold nothing personal and no secret, and never cost a look-up its answer."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bridge.telemetry import LineBuffer, Metrics, hit_log, log, mask, mask_text, set_up_logging

KEY = "rb_" + "0" * 12 + "_" + "a" * 48


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The logging of other tests is not touched."""
    root = logging.getLogger()
    handlers, level, logs = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**logs)


@pytest.mark.parametrize(
    "text",
    [
        "call from +4930901820 now",
        "call from +49 (0)30 / 90 18 20",
        "030 901820",
        "0049 30 901820",
        "phone=%2B4930901820&x=1",
        "ada.kaya+x@mail.example.co.uk wrote",
        "to ada%40kaya.example",
        f"key {KEY}",
        "Authorization: Bearer abc.def-123",
        "Basic dXNlcjpwYXNz",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
    ],
)
def test_personal_data_and_secrets_are_masked_in_running_text(text: str) -> None:
    masked = mask_text(text)
    assert "***" in masked
    for piece in ("901820", "90 18 20", "kaya", "aaaa", "abc.def", "dXNl", "eyJz"):
        assert piece not in masked


@pytest.mark.parametrize(
    "text", ["2026-11-21T12:00:00+00:00", "c_5f0c2a9be14d7a31", "customers: 100000 rows in 12.5 s", "10.0.12.117:8000"]
)
def test_times_ids_and_counts_stay_readable(text: str) -> None:
    assert mask_text(text) == text


@given(
    digits=st.from_regex(r"\+[1-9][0-9]{7,13}", fullmatch=True), before=st.text(max_size=5), after=st.text(max_size=5)
)
def test_no_number_in_international_form_gets_through(digits: str, before: str, after: str) -> None:
    assert digits[2:] not in mask_text(f"{before} {digits} {after}")


def test_what_is_nested_is_masked_by_its_name_too() -> None:
    event = mask(
        None,
        "info",
        {
            "event": "asked for ada@kaya.example",
            "timestamp": "2026-11-21T12:00:00Z",
            "customer_phone": "4711",
            "note": "",
            "webhook_secret": "x",
            "body": {"phones": [4711, None], "deep": ({"given_name": "Ada"}, {"n": 1, "ok": True, "f": 0.5})},
            "problem": ValueError("+4930901820"),
        },
    )
    assert event == {
        "event": "asked for ***",
        "timestamp": "2026-11-21T12:00:00Z",
        "customer_phone": "***",
        "note": "",
        "webhook_secret": "***",
        "body": {"phones": ["***", None], "deep": [{"given_name": "***"}, {"n": 1, "ok": True, "f": 0.5}]},
        "problem": "***",
    }


def test_logs_are_json_lines_also_those_of_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("debug", pretty=False)
    log("intake").info("kept", source="crm", phone="+4930901820")
    logging.getLogger("uvicorn.error").warning("from %s", "+4930901820")
    logging.getLogger("httpx").info("GET https://x.example/?phone=+4930901820")
    try:
        raise ValueError("ada@kaya.example")
    except ValueError:
        log("flow").exception("failed")
    own, library, failed = (msgspec.json.decode(line) for line in capsys.readouterr().out.splitlines())
    assert (own["event"], own["room"], own["level"], own["phone"]) == ("kept", "intake", "info", "***")
    assert library["event"] == "from ***"
    assert "ValueError: ***" in failed["exception"]


def test_on_a_terminal_logs_are_drawn_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", pretty=True)
    structlog.get_logger(room="x").info("hello")
    assert "hello" in capsys.readouterr().out


def test_lines_of_look_ups_are_written_together() -> None:
    out = io.BytesIO()
    buffer = LineBuffer(out, size=3)
    write = hit_log(buffer).info
    write("lookup", match="exact")
    write("lookup", match="none")
    assert out.getvalue() == b""
    write("lookup", match="none")
    assert [msgspec.json.decode(line)["match"] for line in out.getvalue().splitlines()] == ["exact", "none", "none"]
    write("lookup", match="account")
    buffer.flush()
    buffer.flush()
    assert out.getvalue().count(b"\n") == 4


def test_an_output_that_is_gone_costs_no_look_up_its_answer() -> None:
    out = io.BytesIO()
    buffer = LineBuffer(out)
    hit_log(buffer).info("lookup")
    out.close()
    buffer.flush()


def test_every_process_may_have_metrics_of_its_own() -> None:
    one, other = Metrics(), Metrics()
    one.answered["exact"].observe(0.001)
    assert one.registry.get_sample_value("bridge_lookup_seconds_count", {"match": "exact"}) == 1
    assert other.registry.get_sample_value("bridge_lookup_seconds_count", {"match": "exact"}) == 0
