"""The dialplan for Asterisk can be read, waits no longer than it may, and shows no key."""

from __future__ import annotations

import re

from bridge import flat
from bridge.hosts.files import Files, Plan
from bridge.hosts.generators import make_files
from bridge.hosts.registry import BUDGETS, HOSTS

URL = "https://bridge.example.com"
PLAN = Plan(url=URL, language="de", routes=("retention", "vip-1", "general"))


def files(name: str) -> Files:
    return make_files(name, PLAN)


_LINE = re.compile(r"(?:exten => ([^,]+),1|\s*same => n(?:\((\w+)\))?),(\w+)\((.*)\)$")


def dialplan(text: str) -> dict[str, dict[str, list[tuple[str, str, str]]]]:
    """Contexts, their extensions, and the steps of each as (label, application, arguments)."""
    contexts: dict[str, dict[str, list[tuple[str, str, str]]]] = {}
    context = name = ""
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith(";"):
            continue
        if found := re.fullmatch(r"\[([\w-]+)\]", line):
            context = found[1]
            contexts[context] = {}
            continue
        step = _LINE.match(line)
        assert step is not None, line
        name = step[1] or name
        contexts[context].setdefault(name, []).append((step[2] or "", step[3], step[4]))
    return contexts


def test_the_dialplan_can_be_read_and_balances_its_brackets() -> None:
    text = files("asterisk")["extensions_retention_bridge.conf"].decode()
    contexts = dialplan(text)
    assert list(contexts) == ["retention-bridge-in", "retention-bridge", "retention-bridge-queues"]
    for extensions in contexts.values():
        for steps in extensions.values():
            for _, application, arguments in steps:
                for opening, closing in ("()", "{}", "[]"):
                    assert arguments.count(opening) == arguments.count(closing), f"{application}({arguments})"
            assert steps[-1][1] in {"Return", "Goto", "Hangup"}
    labels = {label for steps in contexts["retention-bridge"].values() for label, *_ in steps}
    for target in re.findall(r"\]\?(\w+)\)", text):
        assert target in labels | {label for steps in contexts["retention-bridge-in"].values() for label, *_ in steps}


def test_the_dialplan_waits_less_than_people_do_and_has_a_queue_for_every_route() -> None:
    made = files("asterisk")
    contexts = dialplan(made["extensions_retention_bridge.conf"].decode())
    ask = contexts["retention-bridge"]["ask"]
    options = {found[1]: found[2] for *_, one in ask if (found := re.match(r"CURLOPT\((\w+)\)=(.*)", one))}
    rule = HOSTS["asterisk"].rule("deadline")
    assert rule is not None and rule.limit is not None
    assert float(options["httptimeout"]) * 1000 <= rule.limit
    assert BUDGETS["asterisk"] < float(options["httptimeout"]) * 1000
    assert options["hashcompat"] == "legacy", "spaces come as +"
    queues = contexts["retention-bridge-queues"]
    assert tuple(queues) == PLAN.routes
    sections = re.findall(r"^\[(.+)\]$", made["queues_retention_bridge.conf"].decode(), re.MULTILINE)
    assert sections == [f"bridge-{route}" for route in PLAN.routes]
    assert "general" not in sections, "there it would be settings, and no queue"
    for route, steps in queues.items():
        assert steps[0][1:] == ("Queue", f"bridge-{route},,,,{600 if route == 'general' else 300}")
        assert steps[1][1:] == (("Hangup", "") if route == "general" else ("Goto", "general,1"))


def test_the_key_is_in_a_file_of_its_own_and_never_where_the_console_shows_it() -> None:
    made = files("asterisk")
    plan = made["extensions_retention_bridge.conf"].decode()
    assert "PASTE-THE-KEY-HERE" not in plan
    assert "BRIDGE_KEY=PASTE-THE-KEY-HERE" in made["extensions_retention_bridge_key.conf"].decode()
    shown = [line for line in plan.splitlines() if "${BRIDGE_KEY}" in line]
    assert len(shown) == 1 and "${LEN(${SET(" in shown[0]


def test_every_field_that_the_dialplan_reads_is_in_the_answer() -> None:
    plan = files("asterisk")["extensions_retention_bridge.conf"].decode()
    read = set(re.findall(r"HASH\(BRIDGE,(\w+)\)", plan))
    assert {"route_hint", "priority", "ask", "ask_digits"} <= read <= flat.ROUTING_NAMES
    assert all("FILTER(" in line for line in plan.splitlines() if "HASH(BRIDGE," in line)
