"""Plans of surveys: what is wrong is named, what is shipped is off, and adopting twice changes nothing."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.automation.forms import MessageForm
from bridge.automation.register import read_armed
from bridge.automation.survey_forms import SurveyFile
from bridge.automation.survey_register import adopt_surveys, switch_survey
from bridge.automation.surveys import Plan, comes_up, compile_plan, load_surveying, load_surveys, round_cause
from bridge.errors import ConfigError
from bridge.model import Channel
from bridge.playbook.offers import Catalogue
from bridge.settings import read_settings
from bridge.store import Store
from tests.automation.asking import AFTER
from tests.automation.mailing import TUESDAY

CONFIG = read_settings().config_dir
MESSAGE = MessageForm(
    subject={"de": "Eine Frage", "en": "A question"},
    lines={"de": ("Hier antworten: {{ survey_link }}",), "en": ("Answer here: {{ survey_link }}",)},
)
MUTE = msgspec.structs.replace(MESSAGE, lines={**MESSAGE.lines, "en": ("Answer, please.",)})
LINK = "https://form.example.org/to/abc#crm_id={id:helpdesk}&sent_at={sent_at}&r={reference}"


def make(**changes: Any) -> Plan:
    return compile_plan(
        msgspec.convert(AFTER | changes, SurveyFile), "p.yaml", messages={"asks": MESSAGE, "mute": MUTE}
    )


def test_the_shipped_plans_are_read_and_off() -> None:
    plans = load_surveys(CONFIG / "surveys", Catalogue(), {})
    assert [one.id for one in plans] == ["after_ticket", "exit", "nps"]
    assert {one.file.mode for one in plans} == {"off"}
    assert {one.file.purpose for one in plans} == {"advertising"}
    assert load_surveying(CONFIG / "surveying.yaml") == load_surveying(Path("nowhere.yaml"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"when": {}}, "p.yaml: when: say either"),
        ({"when": {"every": 90, "after": "ticket.resolved"}}, "p.yaml: when: say either"),
        ({"when": {"every": 90, "delay": {"days": 1}}}, "p.yaml: when.delay"),
        ({"when": {"every": 90, "where": {"fact.type": "problem"}}}, "p.yaml: when.where"),
        ({"when": {"after": "survey.drawn"}}, "p.yaml: when.after"),
        ({"when": {"after": "onboarding.day"}}, "p.yaml: when.day"),
        ({"when": {"after": "ticket.resolved", "where": {"fact.typ": "x"}}}, "did you mean fact.type?"),
        ({"who": {"value.tear": "gold"}}, "did you mean value.tier?"),
        ({"invite": {}}, "p.yaml: invite: say either"),
        ({"invite": {"survey": "x", "message": "asks"}}, "p.yaml: invite: say either"),
        ({"invite": {"message": "asks"}}, "p.yaml: invite.link"),
        ({"invite": {"survey": "x", "link": LINK}}, "p.yaml: invite.link"),
        ({"invite": {"message": "asks", "link": "https://f.example.org/x"}}, "names no customer"),
        ({"invite": {"message": "asks", "link": LINK + "&a={name}"}}, "nothing fills {name}"),
        ({"invite": {"message": "asks", "by": "sms", "link": LINK}}, "p.yaml: invite.by"),
        ({"invite": {"message": "ask", "link": LINK}}, "did you mean asks?"),
        ({"invite": {"message": "mute", "link": LINK}}, "names {{ survey_link }} nowhere in its lines (en)"),
        ({"title": {"de": "Nur deutsch"}}, "title.en"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as problem:
        make(**changes)
    assert said in str(problem.value)


def test_a_file_has_the_name_of_its_plan(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(msgspec.yaml.encode(AFTER | {"mode": "off"}).decode(), "utf-8")
    with pytest.raises(ConfigError, match="the file is called other.yaml"):
        load_surveys(tmp_path, Catalogue(), {})


def test_what_counts_as_bad_follows_the_metric() -> None:
    assert [make(metric=one).bad for one in ("nps", "csat", "ces", "exit")] == [6, 2, 2, None]
    assert make(bad=3).bad == 3


def test_an_e_mail_of_ours_and_a_survey_system_pass_the_same_gates() -> None:
    assert make(invite={"message": "asks", "link": LINK}).act.channel is Channel.email
    assert make(invite={"survey": "x", "by": "sms"}).act.channel is Channel.sms
    assert make(invite={"message": "asks", "link": LINK}).act.do == "send_email"


def test_each_customer_has_one_day_of_a_round_and_all_days_get_their_share() -> None:
    plan = make(when={"every": 30})
    first = date(2000, 1, 1) + timedelta(days=30 * 300)
    days = [first + timedelta(days=ahead) for ahead in range(30)]
    found = {f"c{n}": [day for day in days if comes_up(plan, f"c{n}", day)] for n in range(1500)}
    assert {len(one) for one in found.values()} == {1}
    counts = [sum(one == [day] for one in found.values()) for day in days]
    assert min(counts) > 20 and max(counts) < 90
    assert round_cause(plan, "c1", days[0]) == round_cause(plan, "c1", days[-1])
    assert round_cause(plan, "c1", days[0]) != round_cause(plan, "c1", days[0] - timedelta(days=1))
    assert not comes_up(make(), "c1", days[0])


async def test_files_are_adopted_once_switches_stay_and_what_is_gone_goes(store: Store) -> None:
    one, other = make(mode="off"), make(id="other", mode="off")
    assert await adopt_surveys(store, (one, other), TUESDAY) == ["after", "other"]
    assert await adopt_surveys(store, (one, other), TUESDAY) == []
    await switch_survey(store, one, "on", by="key:1", now=TUESDAY)
    assert await adopt_surveys(store, (one,), TUESDAY) == ["other"]
    assert [(armed.id, armed.mode, armed.origin) for armed in await read_armed(store)] == [
        ("survey_after", "on", "survey")
    ]
    changed = make(mode="on", who={"value.tier": "gold"})
    later = TUESDAY + timedelta(hours=1)
    assert await adopt_surveys(store, (changed,), later) == ["after"]
    (armed,) = await read_armed(store)
    assert armed.mode == "on" and armed.live_since == TUESDAY
