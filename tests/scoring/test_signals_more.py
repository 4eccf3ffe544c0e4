"""Signals of calls, exchange, use, beginnings and standing: when each is there, and when that changes by itself."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from bridge.model import (
    Account,
    Channel,
    ContractStatus,
    Customer,
    Direction,
    Interaction,
    Purchase,
    Record,
    SurveyMetric,
    SurveyResponse,
    Ticket,
    TicketStatus,
    TicketType,
    Usage,
)
from bridge.scoring import load_scoring, score
from bridge.scoring.result import Signal
from bridge.scoring.signals import SIGNS
from bridge.scoring.signals_reading import Reading, moment_for
from bridge.scoring.view import View
from tests.scoring.views import CONFIG, NOW, TODAY, ago, contract, day, euros, held, view_of

CARD = load_scoring(CONFIG / "scoring.yaml")
MONDAY = date(2026, 11, 16)  # of the week of NOW, which is a Saturday


def read(code: str, view: View, now: datetime = NOW) -> Reading:
    return SIGNS[code].read(view, moment_for(view, now, CARD.zone), CARD.settings)


def shown(code: str, *records: Record | tuple[Record, datetime], customer: Customer | None = None) -> Signal:
    signal = read(code, view_of(*records, customer=customer)).signal
    assert signal is not None
    return signal


def band(code: str, *records: Record | tuple[Record, datetime], customer: Customer | None = None) -> str | None:
    signal = read(code, view_of(*records, customer=customer)).signal
    return signal.band if signal else None


def call(days: float, **fields: Any) -> Interaction:
    given: dict[str, Any] = {"channel": Channel.voice, "direction": Direction.inbound, "started": ago(days)}
    return Interaction(**(given | fields))


def mailing(days: float) -> Interaction:
    return Interaction(channel=Channel.email, direction=Direction.outbound, personal=False, started=ago(days))


def asked(days: float, text: str) -> Ticket:
    return Ticket(status=TicketStatus.closed, opened=ago(days), text=text)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("competitor", "Kabelfux will nur die Hälfte"),
        ("competitor", "I have a better offer"),
        ("moving", "Wir ziehen im Mai um"),
        ("moving", "We are moving to Lyon"),
        ("price_asked", "Das wird mir zu teuer"),
        ("price_asked", "Is there a cheaper plan?"),
        ("billing_trouble", "Die Rechnung ist falsch"),
        ("billing_trouble", "I was charged twice"),
        ("complaint", "Das ist eine Frechheit"),
        ("complaint", "This is unacceptable"),
    ],
)
def test_a_topic_counts_for_ninety_days_from_the_latest_word_on_it(code: str, text: str) -> None:
    assert band(code, asked(29, text)) == "d30"
    assert band(code, asked(89, text)) == "d90"
    assert band(code, asked(90, text)) is None
    assert band(code, asked(89, text), call(3, text=text)) == "d30"
    assert band(code, call(3, text=text, direction=Direction.outbound)) is None
    assert read(code, view_of(asked(29, text), asked(60, text))).until == ago(29) + timedelta(days=30)
    assert shown(code, asked(29, text)).facts["date"] == ago(29).date()


def test_a_choice_in_the_phone_menu_names_the_topic_too() -> None:
    assert band("billing_trouble", call(2, menu_path=("Privatkunden", "Rechnungsreklamation"))) == "d30"
    assert band("moving", call(2, intent="change_of_address")) == "d30"
    assert band("moving", call(2, text="Rechnung Adresse")) is None


def test_the_competitor_is_named_when_the_customer_named_them_last() -> None:
    assert shown("competitor", asked(3, "Nordfunk ist schneller")).facts == {"date": ago(3).date(), "name": "Nordfunk"}
    later = (asked(9, "Nordfunk ist schneller"), asked(3, "Ein anderer Anbieter ist günstiger"))
    assert shown("competitor", *later).facts == {"date": ago(3).date()}


def test_an_open_complaint_outweighs_a_later_word_of_anger() -> None:
    formal = Ticket(type=TicketType.complaint, status=TicketStatus.open, opened=ago(200))
    assert band("complaint", formal, asked(3, "Das ist eine Frechheit")) == "open"


def test_many_tickets_within_ninety_days_count_until_the_first_of_them_is_older() -> None:
    def tickets(*days: float) -> list[Ticket]:
        return [Ticket(status=TicketStatus.closed, opened=ago(each)) for each in days]

    assert band("many_tickets", *tickets(1, 2)) is None
    assert band("many_tickets", *tickets(1, 2, 89)) == "x3"
    assert band("many_tickets", *tickets(1, 2, 90)) is None
    assert band("many_tickets", *tickets(1, 2, 3, 4, 5)) == "x5"
    assert read("many_tickets", view_of(*tickets(1, 2, 80))).until == ago(80) + timedelta(days=90)
    assert shown("many_tickets", *tickets(1, 2, 3)).facts == {"count": 3, "days": 90, "date": ago(1).date()}


def test_a_wait_is_long_from_the_limit_of_the_card_on() -> None:
    assert band("long_waits", call(3, wait_seconds=599)) is None
    assert shown("long_waits", call(3, wait_seconds=600)).facts == {"date": ago(3).date(), "minutes": 10}
    assert band("long_waits", call(90, wait_seconds=900)) is None
    assert band("long_waits", call(3, wait_seconds=900, direction=Direction.outbound)) is None
    assert band("long_waits", call(3, wait_seconds=90_000, channel=Channel.email)) is None
    waits = [call(each, wait_seconds=700) for each in (4, 40, 80)]
    assert shown("long_waits", *waits).band == "x3"
    assert shown("long_waits", *waits).facts["count"] == 3
    assert read("long_waits", view_of(*waits)).until == ago(80) + timedelta(days=90)


def test_hanging_up_in_the_queue_counts_until_somebody_was_reached() -> None:
    gave_up = call(5, abandoned=True, wait_seconds=480)
    assert shown("calls_abandoned", gave_up).facts == {"date": ago(5).date(), "minutes": 8}
    assert band("calls_abandoned", call(30, abandoned=True)) is None
    assert band("calls_abandoned", gave_up, call(2, abandoned=True)) == "x2"
    assert band("calls_abandoned", gave_up, call(2, agent="agent-7")) is None
    assert band("calls_abandoned", gave_up, call(2)) == "x1"  # only the menu answered
    assert band("calls_abandoned", gave_up, call(9, agent="agent-7")) == "x1"
    assert "minutes" not in shown("calls_abandoned", call(5, abandoned=True, wait_seconds=20)).facts


def test_a_bad_review_counts_until_a_better_one_follows() -> None:
    def review(score: float | None, days: float, scale: float | None = None) -> SurveyResponse:
        return SurveyResponse(metric=SurveyMetric.review, score=score, scale=scale, answered=ago(days))

    assert shown("bad_review", review(2, 10)).facts == {"date": ago(10).date(), "score": 2, "scale": 5.0}
    assert band("bad_review", review(2, 60)) == "d90"
    assert band("bad_review", review(2, 180)) is None
    assert band("bad_review", review(3, 10)) is None
    assert band("bad_review", review(4, 10, 10)) == "d30"
    assert band("bad_review", review(1, 20), review(5, 10)) is None
    assert band("bad_review", review(None, 20)) is None
    assert band("promoter", review(1, 20), review(5, 10)) == "d90"
    assert shown("promoter", review(5, 10)).facts == {"date": ago(10).date(), "score": 5, "scale": 5.0}
    assert band("detractor", review(1, 10)) is None  # it is counted once
    good = SurveyResponse(metric=SurveyMetric.nps, score=10, answered=ago(30))
    assert band("promoter", good, review(1, 10)) is None


def used(before: float, after: float, *, days: int = 112, metric: str = "logins", every: int = 1) -> list[Usage]:
    """Daily use up to yesterday's week: at one level, and at another in its last four weeks."""
    return [
        Usage(metric=metric, day=MONDAY - timedelta(days=back), value=after if back <= 28 else before)
        for back in range(1, days + 1, every)
    ]


def test_use_is_held_against_the_customers_own_earlier_level() -> None:
    assert band("usage_falling", *used(6, 6)) is None
    assert band("usage_falling", *used(6, 4.1)) is None
    assert shown("usage_falling", *used(6, 4)).facts == {"drop": 33, "metric": "logins"}
    assert band("usage_falling", *used(6, 4)) == "lower"
    assert band("usage_falling", *used(6, 2)) == "much_lower"
    assert band("usage_falling", *used(6, 0)) == "much_lower"
    assert shown("usage_falling", *used(6, 3), *used(9, 1, metric="minutes")).facts["metric"] == "minutes"
    assert read("usage_falling", view_of(*used(6, 6))).until == datetime(2026, 11, 22, 23, tzinfo=timezone.utc)


def test_use_needs_enough_days_and_a_source_that_still_delivers() -> None:
    assert band("usage_falling") is None
    assert band("usage_falling", *used(6, 2, days=69)) is None  # six weeks before the last four
    assert band("usage_falling", *used(6, 2, days=70)) == "much_lower"
    assert band("usage_falling", *used(6, 2, every=13)) is None
    assert band("usage_falling", *[each for each in used(6, 2) if each.value == 6]) is None
    assert band("usage_falling", *used(0, 0)) is None
    assert band("usage_falling", *used(6, 1, metric="email_open")) is None
    assert band("usage_falling", Usage(metric=None, day=TODAY, value=3), Usage(metric="x"), Usage(day=TODAY)) is None
    old = [Usage(metric="logins", day=day(-400 - back), value=5) for back in range(60)]
    assert read("usage_falling", view_of(*old)) == Reading(None)


def bought(*days: float) -> list[Purchase]:
    return [Purchase(at=ago(each), amount=euros(20)) for each in days]


def test_buying_on_and_off_is_long_pauses_that_ended() -> None:
    weekly = [10, 20, 30, 40]
    assert band("on_and_off", *bought(*weekly, 50, 60, 70)) is None
    assert band("on_and_off", *bought(*weekly, 100, 110, 120)) is None
    paused = bought(*weekly, 100, 110, 200, 210)
    assert shown("on_and_off", *paused).facts == {"count": 2, "gap": 10, "date": ago(10).date()}
    assert band("on_and_off", *bought(*weekly, 100, 110, 200, 210, 300, 310)) == "x3"
    assert band("on_and_off", *bought(*[each + 650 for each in (*weekly, 100, 110, 200, 210)])) is None
    assert read("on_and_off", view_of(*paused)).until == datetime(2028, 8, 2, tzinfo=timezone.utc)
    assert band("on_and_off", *[Purchase(at=ago(each), refunded=True) for each in range(9)]) is None
    forever = [Purchase(at=datetime.max.replace(tzinfo=timezone.utc)), *bought(*weekly, 100, 110, 200)]
    assert read("on_and_off", view_of(*forever)).signal is not None


def test_only_mailings_means_three_within_a_year_and_no_word_for_half_of_it() -> None:
    news = [mailing(each) for each in (10, 40, 70)]
    talked = call(200)
    assert shown("only_mailings", *news, talked).facts == {"date": ago(200).date(), "count": 3}
    assert band("only_mailings", *news, call(400)) == "d365"
    assert band("only_mailings", *news, call(179)) is None
    assert read("only_mailings", view_of(*news, call(179))).until == ago(-1)
    assert band("only_mailings", *news[:2], talked) is None
    assert band("only_mailings", *news[:2], mailing(300), talked) is None
    assert band("only_mailings", *news, talked, Ticket(opened=ago(3))) is None
    never = [mailing(each) for each in (10, 100, 190)]
    assert band("only_mailings", *never) == "d180"
    assert read("only_mailings", view_of(*never)).until == ago(190) + timedelta(days=365)
    assert band("only_mailings", *[mailing(each) for each in (400, 410, 420)]) is None


def survey(sent: float | None, answered: float | None = None) -> SurveyResponse:
    return SurveyResponse(
        metric=SurveyMetric.nps,
        sent=None if sent is None else ago(sent),
        answered=None if answered is None else ago(answered),
    )


def test_surveys_left_unanswered_count_since_the_last_answer_once_there_was_time() -> None:
    assert band("surveys_unanswered", survey(20)) is None
    assert shown("surveys_unanswered", survey(20), survey(50)).facts == {"count": 2}
    assert band("surveys_unanswered", survey(13), survey(50)) is None
    assert read("surveys_unanswered", view_of(survey(13), survey(50))).until == ago(-1)
    assert band("surveys_unanswered", *[survey(each) for each in (20, 50, 80, 110)]) == "x4"
    assert band("surveys_unanswered", survey(20), survey(364)) == "x2"
    assert band("surveys_unanswered", survey(20), survey(365)) is None
    assert band("surveys_unanswered", survey(20), survey(50), survey(90, 40)) is None
    answered = shown("surveys_unanswered", survey(20), survey(50), survey(90, 88), survey(None))
    assert answered.facts == {"count": 2, "date": ago(88).date()}


def opened(days: int, value: float) -> Usage:
    return Usage(metric="email_open", day=day(-days), value=value)


def test_emails_are_unopened_only_where_somebody_counts() -> None:
    mails = [mailing(each) for each in (10, 40, 70)]
    assert band("emails_unopened", *mails) is None
    assert shown("emails_unopened", *mails, opened(90, 1)).facts == {"count": 3, "date": day(-90)}
    assert band("emails_unopened", *mails, opened(20, 1)) is None
    assert band("emails_unopened", mailing(6), *mails[1:], opened(90, 1)) is None
    assert read("emails_unopened", view_of(mailing(6), *mails[1:], opened(90, 1))).until == ago(-1)
    assert band("emails_unopened", *[mailing(each) for each in range(10, 70, 10)], opened(90, 1)) == "x6"
    phone = [Interaction(channel=Channel.sms, personal=False, started=ago(each)) for each in (10, 40, 70)]
    assert band("emails_unopened", *phone, opened(90, 1)) is None


def test_days_on_which_nothing_was_opened_count_where_they_are_recorded() -> None:
    shut = [opened(each, 0) for each in (10, 20, 30)]
    assert shown("emails_unopened", *shut).facts == {"count": 3}
    assert band("emails_unopened", *shut, opened(5, 2)) is None
    assert band("emails_unopened", *shut, *[mailing(each) for each in range(10, 70, 10)]) == "x3"


@pytest.mark.parametrize(
    ("days", "expected"), [(-1, None), (0, "d30"), (29, "d30"), (30, "d90"), (89, "d90"), (90, None)]
)
def test_onboarding_is_the_first_three_months(days: int, expected: str | None) -> None:
    assert band("onboarding", customer=Customer(customer_since=day(-days))) == expected
    assert band("onboarding", contract(starts=day(-days))) == expected
    assert band("onboarding", contract(starts=day(-days)), contract(starts=day(-900))) is None
    assert band("onboarding", contract(starts=day(-days)), customer=Customer(customer_since=day(-900))) is None


def test_the_beginning_is_proved_by_the_record_that_says_it() -> None:
    since = day(-10)
    profile = held(Customer(customer_since=since), source_id="77")
    view = View(id="c_1", customer=Customer(customer_since=since), profiles=(profile,))
    signal = read("onboarding", view).signal
    assert signal is not None
    assert signal.evidence is not None
    assert signal.evidence.record == "crm/customer/77"
    assert read("onboarding", view_of(customer=Customer(customer_since=date.max))) == Reading(None)
    assert band("onboarding") is None


def test_trouble_in_the_first_weeks_counts_while_it_is_fresh() -> None:
    new = Customer(customer_since=day(-60))

    def problem(days: float, status: TicketStatus, kind: TicketType = TicketType.problem) -> Ticket:
        return Ticket(type=kind, status=status, opened=ago(days))

    assert band("onboarding_trouble", problem(50, TicketStatus.open), customer=new) == "open"
    assert band("onboarding_trouble", problem(20, TicketStatus.closed), customer=new) == "d30"
    assert band("onboarding_trouble", problem(50, TicketStatus.closed), customer=new) == "d90"
    assert band("onboarding_trouble", problem(20, TicketStatus.open, TicketType.question), customer=new) is None
    assert band("onboarding_trouble", problem(70, TicketStatus.open), customer=new) is None
    older = Customer(customer_since=day(-179))
    assert band("onboarding_trouble", problem(100, TicketStatus.open), customer=older) == "open"
    assert band("onboarding_trouble", problem(80, TicketStatus.open), customer=older) is None
    oldest = Customer(customer_since=day(-180))
    assert band("onboarding_trouble", problem(150, TicketStatus.open), customer=oldest) is None
    ahead = view_of(problem(1, TicketStatus.open), customer=Customer(customer_since=day(3)))
    assert read("onboarding_trouble", ahead).signal is None
    assert read("onboarding_trouble", ahead).until is not None


def test_who_has_no_contract_left_has_left() -> None:
    gone = contract(status=ContractStatus.ended, ends=day(-20))
    assert shown("left", gone).facts == {"product": "Glasfaser 250", "date": day(-20)}
    assert band("left", contract(status=ContractStatus.cancelled, ends=day(-89))) == "d90"
    assert band("left", contract(status=ContractStatus.ended, ends=day(-90))) == "d365"
    assert band("left", contract(status=ContractStatus.ended, ends=day(-365))) is None
    assert band("left", gone, contract()) is None
    assert band("left", gone, contract(status=ContractStatus.cancelled)) is None
    assert band("left", contract(status=ContractStatus.ended)) is None
    assert band("left", contract(status=ContractStatus.cancelled, ends=day(0))) is None
    assert band("left", gone, contract(status=ContractStatus.ended, ends=day(-300))) == "d90"


def test_a_prestige_account_is_a_sign_that_weighs_nothing() -> None:
    view = view_of(Account(name="Hafenwerk AG", prestige=True), Account(name="Klein GmbH"))
    assert [signal.facts for signal in score(CARD, view, NOW).signals] == [{"name": "Hafenwerk AG"}]
    assert score(CARD, view, NOW).risk.reasons == ()
    assert shown("prestige", Account(prestige=True)).facts == {}
    assert band("prestige", Account(name="Klein GmbH")) is None


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Geschäftsführerin", "executive"),
        ("Managing Director", "executive"),
        ("Leiter Einkauf und Inhaber", "executive"),
        ("Teamleiterin Vertrieb", "manager"),
        ("Assistentin der Geschäftsführung", None),
        ("Assistant to the CEO", None),
        ("Elektriker", None),
        ("", None),
        (None, None),
    ],
)
def test_a_senior_role_is_read_from_the_title(title: str | None, expected: str | None) -> None:
    assert band("seniority", customer=Customer(job_title=title)) == expected


def test_who_matters_is_named_beside_the_value() -> None:
    view = view_of(
        Account(prestige=True),
        SurveyResponse(metric=SurveyMetric.nps, score=10, answered=ago(5)),
        customer=Customer(job_title="CEO"),
    )
    assert score(CARD, view, NOW).value.adjustments == ("promoter", "prestige", "seniority")
    assert score(CARD, view_of(), NOW).value.adjustments == ()
