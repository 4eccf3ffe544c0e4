"""The arguments of actions: checked before anybody is called, and told without their values."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from bridge.adapter.actions import ScheduleCallback, after_doing, before_doing, check_due, checked
from bridge.adapter.base import Action
from bridge.errors import VendorRefused, VendorRetryable


def _check(do: str, **args: Any) -> Any:
    return checked("desk", Action(do=do, args=args, idempotency_key="k-1"))


@pytest.mark.parametrize(
    ("do", "name", "args"),
    [
        ("send_sms", "to", {"to": "+4930231250\n", "text": "Hallo"}),
        ("send_sms", "to", {"to": "+49٣٠231250", "text": "Hallo"}),
        ("send_email", "to", {"to": "nora@example.org\n", "subject": "Hallo", "text": "Hallo"}),
        ("send_email", "subject", {"to": "nora@example.org", "subject": "Hallo\n", "text": "Hallo"}),
        ("send_email", "name", {"to": "nora@example.org", "subject": "Hallo", "text": "Hallo", "name": "Nora\n"}),
        ("export_list", "name", {"name": "list\n", "columns": ["a"], "rows": []}),
    ],
)
def test_no_line_feed_slips_in_behind_an_argument(do: str, name: str, args: dict[str, Any]) -> None:
    with pytest.raises(VendorRefused, match=f"the argument {name} is missing") as caught:
        _check(do, **args)
    assert not any(one in str(caught.value) for one in args.values() if isinstance(one, str) and len(one) > 5)


def test_an_action_that_nobody_knows_is_refused() -> None:
    with pytest.raises(VendorRefused, match="no action make_coffee"):
        _check("make_coffee")


def test_what_fails_before_is_undone_and_what_fails_after_is_not() -> None:
    with pytest.raises(VendorRetryable) as caught, before_doing():
        raise VendorRetryable("desk", "a question failed")
    assert caught.value.undone
    with pytest.raises(VendorRetryable) as caught, after_doing():
        raise VendorRetryable("desk", "a question failed", undone=True)
    assert not caught.value.undone


@pytest.mark.parametrize("minutes", [-25, -1, 0, 0.4])
def test_a_callback_whose_time_has_come_may_be_dialled(minutes: float) -> None:
    now = datetime(2026, 3, 2, 17, tzinfo=timezone.utc)
    check_due("phone", ScheduleCallback(phone="+4930123456", at=now + timedelta(minutes=minutes)), now)


def test_a_callback_is_dialled_neither_before_its_time_nor_long_after_it() -> None:
    now = datetime(2026, 3, 2, 17, tzinfo=timezone.utc)
    with pytest.raises(VendorRetryable, match="not time yet") as early:
        check_due("phone", ScheduleCallback(phone="+4930123456", at=now + timedelta(hours=2)), now)
    assert (early.value.retry_after, early.value.undone) == (7200, True)
    with pytest.raises(VendorRefused, match="long past"):
        check_due("phone", ScheduleCallback(phone="+4930123456", at=now - timedelta(hours=9)), now)
