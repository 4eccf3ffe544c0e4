"""Each signal: when it is there, in which band, and when that changes by itself."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.model import (
    Channel,
    ContractStatus,
    Customer,
    Direction,
    Interaction,
    Purchase,
    Record,
    Satisfaction,
    SurveyMetric,
    SurveyResponse,
    Ticket,
    TicketStatus,
    TicketType,
)
from bridge.scoring import load_scoring
from bridge.scoring.signals import SIGNS
from bridge.scoring.signals_reading import Moment, Reading, moment_for
from bridge.scoring.view import View
from tests.scoring.views import CONFIG, NOW, ago, contract, day, euros, view_of

CARD = load_scoring(CONFIG / "scoring.yaml")
BERLIN = ZoneInfo("Europe/Berlin")


def read(code: str, view: View, now: datetime = NOW) -> Reading:
    return SIGNS[code].read(view, moment_for(view, now, CARD.zone), CARD.settings)


def band(code: str, *records: Record | tuple[Record, datetime], customer: Customer | None = None) -> str | None:
    signal = read(code, view_of(*records, customer=customer)).signal
    return signal.band if signal else None


def midnight(on: date) -> datetime:
    return datetime(on.year, on.month, on.day, tzinfo=BERLIN).astimezone(timezone.utc)


@pytest.mark.parametrize(
    ("ahead", "expected", "changes"),
    [
        (200, None, 110),
        (91, None, 1),
        (90, "d90", 30),
        (61, "d90", 1),
        (60, "d60", 30),
        (31, "d60", 1),
        (30, "d30", 16),
        (15, "d30", 1),
        (14, "d14", 15),
        (0, "d14", 1),
        (-1, None, None),
    ],
)
@pytest.mark.parametrize("code", ["contract_ending", "discount_ending"])
def test_what_ends_is_banded_by_days_and_says_when_the_next_band_begins(
    code: str, ahead: int, expected: str | None, changes: int | None
) -> None:
    field = "ends" if code == "contract_ending" else "discount_ends"
    reading = read(code, view_of(contract(**{field: day(ahead)})))
    assert (reading.signal.band if reading.signal else None) == expected
    assert reading.until == (None if changes is None else midnight(day(changes)))


@pytest.mark.parametrize(
    ("ahead", "expected", "changes"),
    [(9999, None, None), (366, "d365", 1), (365, "d180", 185), (181, "d180", 1), (91, "d90", 1), (90, None, None)],
)
def test_who_is_bound_for_long_is_banded_by_how_long_and_says_when_the_next_band_begins(
    ahead: int, expected: str | None, changes: int | None
) -> None:
    reading = read("contract_bound", view_of(contract(ends=day(ahead)), contract(ends=day(20))))
    assert (reading.signal.band if reading.signal else None) == expected
    assert reading.until == (None if changes is None else midnight(day(changes)))
    assert read("contract_bound", view_of(contract(ends=day(400), cancelled_at=day(-1)))).signal is None
    assert read("contract_bound", view_of(contract())).signal is None


def test_days_are_those_of_the_customers_own_calendar() -> None:
    view = view_of(contract(ends=day(91)), customer=Customer(time_zone="Pacific/Auckland"))
    assert read("contract_ending", view).signal is not None  # in Auckland it is tomorrow already
    assert read("contract_ending", view_of(contract(ends=day(91)))).signal is None


def test_a_time_zone_nobody_knows_falls_back_to_the_companys() -> None:
    for name in ("Berlin", "../etc/passwd", "", "Europe"):
        assert moment_for(view_of(customer=Customer(time_zone=name)), NOW, CARD.zone).zone == CARD.zone


def test_the_contract_that_ends_first_is_named_and_ended_or_cancelled_ones_are_not() -> None:
    view = view_of(
        contract(ends=day(50), product="Mobil M"),
        contract(ends=day(20), product="Glasfaser 250"),
        contract(ends=day(5), product="Alt", status=ContractStatus.ended),
        contract(ends=day(6), product="Weg", cancelled_at=day(-10)),
    )
    signal = read("contract_ending", view).signal
    assert signal is not None
    assert signal.band == "d30"
    assert signal.facts == {"product": "Glasfaser 250", "date": day(20)}
    assert signal.evidence is not None
    assert signal.evidence.record == "crm/contract/1"


def test_a_discount_that_ends_names_both_amounts() -> None:
    ending = contract(discount_ends=day(20), monthly_amount=euros(29.9), amount_after_discount=euros(44.9))
    signal = read("discount_ending", view_of(ending)).signal
    assert signal is not None
    assert (signal.facts["amount"], signal.facts["amount_after"]) == (euros(29.9), euros(44.9))


def test_a_cancelled_contract_counts_until_it_has_run_out() -> None:
    running = contract(status=ContractStatus.cancelled, ends=day(30))
    reading = read("contract_cancelled", view_of(running))
    assert reading.signal is not None
    assert reading.until == midnight(day(31))
    assert band("contract_cancelled", contract(status=ContractStatus.cancelled, ends=day(0))) == "running"
    assert band("contract_cancelled", contract(status=ContractStatus.cancelled, ends=day(-1))) is None
    assert band("contract_cancelled", contract(status=ContractStatus.cancelled)) == "running"
    assert band("contract_cancelled", contract(cancelled_at=day(-3), ends=date.max)) == "running"
    assert band("contract_cancelled", contract(status=ContractStatus.ended, cancelled_at=day(-3))) is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"metric": SurveyMetric.nps, "score": 6.0}, "detractor"),
        ({"metric": SurveyMetric.nps, "score": 7.0}, None),
        ({"metric": SurveyMetric.nps, "score": 9.0}, "promoter"),
        ({"metric": SurveyMetric.nps, "score": 3.0, "scale": 5.0}, "detractor"),
        ({"metric": SurveyMetric.csat, "score": 2.0, "scale": 5.0}, "detractor"),
        ({"metric": SurveyMetric.csat, "score": 3.0, "scale": 5.0}, None),
        ({"metric": SurveyMetric.csat, "score": 4.0, "scale": 5.0}, "promoter"),
        ({"metric": SurveyMetric.csat, "score": 2.0}, None),
        ({"metric": SurveyMetric.ces, "score": 1.0, "scale": 7.0}, None),
        ({"metric": SurveyMetric.nps}, None),
    ],
)
def test_a_score_is_bad_good_or_neither(fields: dict[str, Any], expected: str | None) -> None:
    response = SurveyResponse(answered=ago(5), **fields)
    assert [code for code in ("detractor", "promoter") if band(code, response)] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("days", "bad", "good"),
    [
        (0, "d30", "d90"),
        (29.9, "d30", "d90"),
        (30, "d90", "d90"),
        (90, "d180", "d365"),
        (180, None, "d365"),
        (365, None, None),
    ],
)
def test_a_score_fades_with_its_age(days: float, bad: str | None, good: str | None) -> None:
    assert band("detractor", SurveyResponse(metric=SurveyMetric.nps, score=2.0, answered=ago(days))) == bad
    assert band("promoter", SurveyResponse(metric=SurveyMetric.nps, score=10.0, answered=ago(days))) == good


def test_a_later_score_takes_an_earlier_one_back_whatever_asked_for_it() -> None:
    bad = SurveyResponse(metric=SurveyMetric.nps, score=2.0, answered=ago(20))
    solved = (Ticket(status=TicketStatus.closed, satisfaction=Satisfaction.good), ago(5))
    assert band("detractor", bad, solved) is None
    assert band("promoter", bad, solved) == "d90"
    assert band("detractor", bad, (Ticket(satisfaction=Satisfaction.good), ago(25))) == "d30"


def test_a_rated_ticket_is_a_score_without_numbers() -> None:
    signal = read("detractor", view_of((Ticket(satisfaction=Satisfaction.bad), ago(2)))).signal
    assert signal is not None
    assert signal.facts == {"date": ago(2).date()}


@pytest.mark.parametrize("kind", [TicketType.complaint, TicketType.cancellation])
def test_a_complaint_or_cancellation_counts_while_open_and_fades_once_it_is_solved(kind: TicketType) -> None:
    code = "complaint" if kind is TicketType.complaint else "cancellation_intent"

    def ticket(status: TicketStatus, resolved: float | None) -> Ticket:
        return Ticket(
            type=kind, status=status, opened=ago(300), resolved=ago(resolved) if resolved is not None else None
        )

    assert band(code, ticket(TicketStatus.open, None)) == "open"
    assert band(code, ticket(TicketStatus.unknown, None)) == "open"
    assert band(code, ticket(TicketStatus.unknown, 3)) == "d30"
    assert band(code, ticket(TicketStatus.closed, 29)) == "d30"
    assert band(code, ticket(TicketStatus.resolved, 30)) == "d90"
    assert band(code, ticket(TicketStatus.closed, 90)) is None
    assert band(code, Ticket(type=TicketType.question, status=TicketStatus.open)) is None
    assert band(code, ticket(TicketStatus.closed, 80), ticket(TicketStatus.closed, 10)) == "d30"


def test_leaving_is_heard_in_what_the_customer_writes_and_not_in_what_we_write() -> None:
    said = "Ich möchte meinen Vertrag kündigen."
    assert band("cancellation_intent", Ticket(text=said, status=TicketStatus.closed, opened=ago(3))) == "d30"
    call: dict[str, Any] = {"channel": Channel.voice, "started": ago(40), "text": said}
    assert band("cancellation_intent", Interaction(direction=Direction.inbound, **call)) == "d90"
    assert band("cancellation_intent", Interaction(direction=Direction.outbound, **call)) is None
    formal = Ticket(type=TicketType.cancellation, status=TicketStatus.closed, opened=ago(70), resolved=ago(60))
    assert (
        band("cancellation_intent", formal, Interaction(direction=Direction.inbound, **call | {"started": ago(3)}))
        == "d30"
    )


def test_a_question_about_contract_terms_counts_for_ninety_days() -> None:
    def asked(days: float) -> Ticket:
        return Ticket(topic="Frage zur Kündigungsfrist", status=TicketStatus.closed, opened=ago(days))

    assert band("contract_terms", asked(29)) == "d30"
    assert band("contract_terms", asked(89)) == "d90"
    assert band("contract_terms", asked(90)) is None
    assert read("contract_terms", view_of(asked(29), asked(60))).until == ago(29) + timedelta(days=30)
    call = Interaction(direction=Direction.inbound, started=ago(2), intent="notice period")
    assert band("contract_terms", asked(60), call) == "d30"


def test_a_reopened_ticket_counts_while_open_and_sixty_days_after() -> None:
    assert band("ticket_reopened", Ticket(status=TicketStatus.open, reopened=1)) == "open"
    assert band("ticket_reopened", Ticket(status=TicketStatus.open, reopened=0)) is None
    done = Ticket(status=TicketStatus.closed, reopened=2)
    assert band("ticket_reopened", (done, ago(59))) == "d60"
    assert band("ticket_reopened", (done, ago(60))) is None
    assert band("ticket_reopened", (done, ago(70)), (done, ago(10))) == "d60"


def test_a_ticket_waits_for_us_from_its_opening_or_from_its_last_change_after_a_reply() -> None:
    assert band("ticket_waiting", Ticket(status=TicketStatus.new, opened=ago(2.9))) is None
    assert read("ticket_waiting", view_of(Ticket(status=TicketStatus.new, opened=ago(2)))).until == ago(-1)
    assert band("ticket_waiting", Ticket(status=TicketStatus.new, opened=ago(3))) == "d3"
    assert band("ticket_waiting", Ticket(status=TicketStatus.open, opened=ago(10))) == "d10"
    replied = Ticket(status=TicketStatus.open, opened=ago(40), first_reply=ago(39))
    assert band("ticket_waiting", (replied, ago(1))) is None
    assert band("ticket_waiting", (replied, ago(4)), Ticket(status=TicketStatus.new, opened=ago(1))) == "d3"
    assert band("ticket_waiting", Ticket(status=TicketStatus.waiting, opened=ago(40))) is None


def bought(*days: float, refunded: bool = False) -> list[Purchase]:
    return [Purchase(at=ago(each), amount=euros(20), refunded=refunded) for each in days]


def test_silence_is_measured_by_the_customers_own_rhythm() -> None:
    def monthly(last: float, *extra: Purchase) -> str | None:
        return band("silence", *bought(last, last + 30, last + 60, last + 90), *extra)

    assert monthly(59) is None
    assert monthly(60) == "x2"
    assert monthly(89) == "x2"
    assert monthly(90) == "x3"
    assert monthly(2000) == "x3"
    assert monthly(60, *bought(3)) is None
    assert monthly(60, *bought(3, refunded=True)) == "x2"
    reading = read("silence", view_of(*bought(59, 89, 119, 149)))
    assert reading.until == ago(59) + timedelta(days=60)


def test_silence_needs_four_days_of_purchase_and_spares_who_buys_daily() -> None:
    assert band("silence", *bought(100, 130, 160)) is None
    assert band("silence", *bought(100, 100, 100, 130, 160)) is None
    assert band("silence", *bought(13, 14, 15, 16, 17)) is None
    assert band("silence", *bought(14, 15, 16, 17, 18)) == "x2"
    assert band("silence", *bought(100, 130, 160), *bought(190, 220, refunded=True)) is None


def test_buying_less_is_held_against_the_own_average_before_the_window() -> None:
    earlier = [200 + 30 * step for step in range(24)]
    assert band("purchases_falling", *bought(10, 40, 70, 100, 130, 160, *earlier)) is None
    assert band("purchases_falling", *bought(10, 80, 150, *earlier)) == "lower"
    assert band("purchases_falling", *bought(10, *earlier)) == "much_lower"
    assert band("purchases_falling", *bought(*earlier)) is None  # that is silence, and counted there
    assert band("purchases_falling", *bought(10, 200, 230, 260)) is None  # too short a history
    assert band("purchases_falling", *bought(10, 20, 400, 700, 900)) is None  # too rare to tell
    assert band("purchases_falling", *bought(10, 200, 230)) is None
    assert band("purchases_falling", *bought(10, 200), *bought(300, 400, refunded=True)) is None
    signal = read("purchases_falling", view_of(*bought(10, *earlier))).signal
    assert signal is not None
    assert signal.facts["recent"] == 1
    assert signal.facts["usual"] == pytest.approx(5.6, abs=0.6)
    assert signal.facts["days"] == 180


def test_no_personal_exchange_needs_a_running_contract_and_one_exchange_before() -> None:
    call = Interaction(channel=Channel.voice, started=ago(400))
    assert band("no_exchange", contract(), call) == "d365"
    assert band("no_exchange", contract(), Interaction(channel=Channel.voice, started=ago(730))) == "d730"
    assert band("no_exchange", call) is None
    assert band("no_exchange", contract()) is None
    assert band("no_exchange", contract(), call, Ticket(opened=ago(20))) is None
    assert band("no_exchange", contract(), call, Ticket(opened=ago(500))) == "d365"
    mass = Interaction(channel=Channel.email, direction=Direction.outbound, started=ago(3))
    assert band("no_exchange", contract(), call, mass) == "d365"
    assert band("no_exchange", contract(), call, Interaction(personal=True, started=ago(3))) is None
    assert (
        band("no_exchange", contract(), call, Interaction(channel=Channel.voice, personal=False, started=ago(3)))
        == "d365"
    )


@pytest.mark.parametrize(
    ("since", "expected", "until"),
    [
        (date(2021, 11, 22), None, date(2026, 11, 22)),
        (date(2021, 11, 21), "y5", date(2031, 11, 21)),
        (date(2016, 2, 29), "y10", None),
        (date(2020, 2, 29), "y5", date(2030, 3, 1)),
    ],
)
def test_staying_long_protects_from_the_anniversary_on(since: date, expected: str | None, until: date | None) -> None:
    reading = read("long_tenure", view_of(customer=Customer(customer_since=since)))
    assert (reading.signal.band if reading.signal else None) == expected
    assert reading.until == (midnight(until) if until else None)


def test_without_a_customer_date_the_first_running_contract_tells_how_long_somebody_stays() -> None:
    assert band("long_tenure", contract(starts=date(2015, 1, 1)), contract(starts=date(2024, 1, 1))) == "y10"
    assert band("long_tenure", contract(starts=date(2015, 1, 1), status=ContractStatus.ended)) is None


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "Europe/Berlin", "Pacific/Auckland", "Pacific/Apia"])
def test_a_day_begins_with_its_first_instant_whatever_the_clocks_do(zone: str) -> None:
    place = ZoneInfo(zone)
    first = date(2018, 1, 1)
    for offset in range(400):
        on = first + timedelta(days=offset)
        start = Moment(NOW, on, place).start_of(on)
        assert start.astimezone(place).date() == on
        assert (start - timedelta(microseconds=1)).astimezone(place).date() < on
