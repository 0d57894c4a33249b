"""From a message in Asterisk to the people who act on it, and back: every part of the way is the real one.

    Asterisk ─ AMI ─▶ callmon ─┬─ /metrics ─▶ Prometheus (the rules that ship) ─▶ Alertmanager ─▶ webhook, e-mail
                               └─ MQTT ─▶ Mosquitto ─▶ a wall board

Two leave a message and are to be called back within seconds, by a setting. One is called back late, through the
trunk; the other never is. The office is open round the clock, today too, or nobody would be told at night.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from callmon.core.callbacks.entries import LedgerEntry
from callmon.core.callbacks.obligation import Obligation
from callmon.store.opening import open_with_keys
from callmon.store.queries import obligations
from tests.lab.alertmanager import Alertmanager
from tests.lab.exchange import Asterisk
from tests.lab.mosquitto import Mosquitto
from tests.lab.pace import FAST, settings_at_pace
from tests.lab.play import number, play
from tests.lab.prometheus import Prometheus
from tests.lab.receivers import Hook, Mail
from tests.lab.truths import POCI
from tests.real.test_alerts_real import DASH, faults_of, subjects
from tests.real.test_mqtt_broker import table
from tests.real.test_real_callbacks import call_back, leaves, listed
from tests.real.test_real_exchange import until
from tests.support.daemon_process import Callmon
from tests.support.mqtt_subscriber import MqttBoard

pytestmark = pytest.mark.lab

WITHIN = "8s"
CALLERS = {"general": number(0), "poci": number(2)}  # by the line on which each leaves a message
TITLES = {
    "general": ("Renseignements généraux, Toronto", "General inquiries, Toronto"),
    "poci": ("POCI, Toronto", "OINP, Toronto"),
}
WHEN_FR = r"(?:[a-z]+di|dimanche) (?:1er|\d{1,2}) à \d{1,2} h(?: \d\d)?"
WHEN_EN = r"[A-Z][a-z]+day \d{1,2} at \d{1,2}(?::\d\d)? [ap]\.m"
DONE_FR = "le rappel en retard est fait, ou sa fiche est fermée avec un motif."
DONE_EN = "the overdue callback is done, or closed with a reason."
WHOLE_STORY = ["Owed", "DueSoon", "Overdue", "FellDue"]  # of a debt that nobody pays


class EndToEndSite(NamedTuple):
    asterisk: Asterisk
    callmon: Callmon
    prometheus: Prometheus
    alertmanager: Alertmanager
    hook: Hook
    post: Mail
    broker: Mosquitto
    board: MqttBoard


@pytest.fixture
def site(fast_asterisk: Asterisk, tmp_path: Path) -> Iterator[EndToEndSite]:
    asterisk = fast_asterisk
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto())
        callmon = configured(Callmon(tmp_path, asterisk.ami_port, asterisk.secret, more=table(broker.port)))
        hook, post = stack.enter_context(Hook()), stack.enter_context(Mail())
        board = stack.enter_context(MqttBoard(broker.port))
        calendar = callmon.settings().calendar()
        alertmanager = stack.enter_context(Alertmanager(post.address, hook.url, calendar))
        stack.enter_context(callmon)
        page, reported = f"127.0.0.1:{callmon.web_port}", f"127.0.0.1:{alertmanager.port}"
        prometheus = stack.enter_context(Prometheus(page, [reported]))
        yield EndToEndSite(asterisk, callmon, prometheus, alertmanager, hook, post, broker, board)


def configured(callmon: Callmon) -> Callmon:
    """A short time for callbacks."""
    text = settings_at_pace(callmon.config.read_text(), FAST)
    shipped = '# within = "24h"'
    assert text.count(shipped) == 1
    text = text.replace(shipped, f'within = "{WITHIN}"\n#')
    callmon.config.write_text(text)
    return callmon


# ── what each of them says ──


def open_callbacks(callmon: Callmon) -> dict[str, dict[str, Any]]:
    """By line, as the command lists them."""
    return {str(one["line"]): one for one in listed(callmon)}


def overdue(callmon: Callmon) -> dict[str, float]:
    """By line, as /metrics has it."""
    return {line: callmon.total("callmon_callbacks_overdue", line=line) for line in CALLERS}


def alerts(hook: Hook) -> dict[str, list[dict[str, Any]]]:
    """What the team's webhook was told of overdue callbacks, by line; said again is not told twice."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, said in list(hook.got):
        if path == "/callmon/team" and said["groupLabels"]["alertname"] == "CallmonCallbackOverdue":
            for alert in said["alerts"]:
                reported = found.setdefault(alert["labels"]["line"], [])
                if not reported or reported[-1]["status"] != alert["status"]:
                    reported.append(alert)
    return found


def statuses(hook: Hook) -> dict[str, list[str]]:
    return {line: [alert["status"] for alert in reported] for line, reported in alerts(hook).items()}


def firing(site: EndToEndSite) -> tuple[list[str], list[str]]:
    """The lines whose callbacks are overdue, to Prometheus and to Alertmanager."""
    reported = site.prometheus.alerts().get("CallmonCallbackOverdue", [])
    active = site.alertmanager.get('/api/v2/alerts?active=true&filter=alertname="CallmonCallbackOverdue"')
    return sorted(x["labels"]["line"] for x in reported), sorted(x["labels"]["line"] for x in active)


def topic(one: dict[str, Any]) -> str:
    return f"callmon/callbacks/{one['id']}"


def shown_to_whoever_comes_now(site: EndToEndSite) -> dict[str, Any]:
    """The callbacks that the broker has retained: their states, by topic."""
    with MqttBoard(site.broker.port, name="later") as board:
        until(lambda: "callmon/status" in board.shown)
        time.sleep(1.0)
        return {name: board.json(name)["state"] for name in board.topics("callmon/callbacks/")}


def rows(callmon: Callmon) -> list[tuple[Obligation, str | None, list[LedgerEntry]]]:
    """All of the ledger: each obligation, its number, and what was written of it."""
    store = open_with_keys(callmon.settings())
    try:
        return [
            (
                x.obligation,
                x.number,
                list(obligations.ledger_entries(store, x.obligation.call, x.obligation.exchange)),
            )
            for x in obligations.obligations(store, state=None, numbers=True)
        ]
    finally:
        store.close()


def stories(callmon: Callmon) -> list[list[str]]:
    return [[type(entry).__name__ for entry in entries] for _, _, entries in rows(callmon)]


def overdue_texts(line: str) -> tuple[str, str]:
    """What people are told, French and English."""
    french, english = map(re.escape, TITLES[line])
    return (
        rf"EN RETARD :\u00a01 rappel {DASH} {french}\. Le plus ancien devait être fait avant le {WHEN_FR}\.",
        rf"OVERDUE:\u00a01 callback {DASH} {english}\. The oldest was due {WHEN_EN}\.",
    )


# ── what happens ──


def two_leave_messages_and_nobody_calls_back(site: EndToEndSite) -> dict[str, dict[str, Any]]:
    """Until their callbacks are overdue and the team has been told; the two debts, by line."""
    play(site.asterisk, [leaves("is_called_back_late"), leaves("is_never_called_back", line=POCI)])
    assert until(lambda: overdue(site.callmon) == {"general": 1, "poci": 1})
    assert until(lambda: statuses(site.hook) == {"general": ["firing"], "poci": ["firing"]})
    assert until(lambda: stories(site.callmon) == [WHOLE_STORY] * 2)
    debts = open_callbacks(site.callmon)
    numbers = {line: one["number"] for line, one in debts.items()}
    assert numbers == {line: f"+1{caller}" for line, caller in CALLERS.items()}
    return debts


def the_first_is_resolved_everywhere_and_the_other_is_not(
    site: EndToEndSite, debts: dict[str, dict[str, Any]]
) -> None:
    assert until(lambda: overdue(site.callmon) == {"general": 0, "poci": 1})
    assert until(lambda: statuses(site.hook) == {"general": ["firing", "resolved"], "poci": ["firing"]})
    assert until(lambda: firing(site) == (["poci"], ["poci"]))
    states = {line: one["state"] for line, one in open_callbacks(site.callmon).items()}
    assert states == {"general": "paid", "poci": "overdue"}
    assert until(lambda: site.board.shown[topic(debts["general"])] == "")
    assert shown_to_whoever_comes_now(site) == {topic(debts["poci"]): "overdue"}
    assert until(lambda: site.board.json("callmon/lines/general")["callbacks"] == {"open": 0, "overdue": 0})
    assert site.board.json("callmon/lines/poci")["callbacks"] == {"open": 1, "overdue": 1}


def test_an_unanswered_message_reaches_the_team_until_the_callback(site: EndToEndSite) -> None:
    debts = two_leave_messages_and_nobody_calls_back(site)
    assert firing(site) == (["general", "poci"], ["general", "poci"])
    assert shown_to_whoever_comes_now(site) == {topic(one): "overdue" for one in debts.values()}
    for line, (reported,) in alerts(site.hook).items():
        texts = reported["annotations"]
        french, english = (
            re.fullmatch(pattern, texts[name])
            for pattern, name in zip(overdue_texts(line), ("summary_fr", "summary"), strict=True)
        )
        assert (bool(french), bool(english), faults_of(texts)) == (True, True, []), texts
    assert until(lambda: len([s for s in subjects(site.post, "team@") if s.startswith("EN RETARD")]) == 2)

    call_back(site.asterisk, 0, "140")
    the_first_is_resolved_everywhere_and_the_other_is_not(site, debts)
    done = alerts(site.hook)["general"][-1]["annotations"]
    assert (done["resolved_fr"], done["resolved"]) == (DONE_FR, DONE_EN)
    assert until(lambda: [s for s in subjects(site.post, "team@") if s.endswith(DONE_FR)])
    judged = {"standard": "callback_within_24_hours"}
    assert site.callmon.total("callmon_verdicts_total", verdict="not_met", **judged) == 2
    assert site.callmon.total("callmon_verdicts_total", **judged) == 2

    said = "\n".join([
        site.callmon.get("/metrics")[1], site.callmon.log.read_text(), str(site.hook.got),
        *(letter.as_string() for letter in site.post.got), *(payload for _, payload, _, _ in site.board.heard),
    ])  # fmt: skip
    assert [caller for caller in CALLERS.values() if caller in said] == []


def test_an_overdue_callback_stays_while_callmon_is_dead_until_made(site: EndToEndSite) -> None:
    debts = two_leave_messages_and_nobody_calls_back(site)
    before = rows(site.callmon)
    site.callmon.kill()
    # A scrape that fails ends callmon's series at once: an alert on them alone would be resolved here.
    gone = "/api/v1/query?query=callmon_callbacks_overdue"
    assert until(lambda: site.prometheus.get(gone)["data"]["result"] == [])
    assert until(lambda: "CallmonDown" in site.prometheus.alerts())
    # Prometheus tells Alertmanager each second, and what it ceases to tell is resolved four seconds later.
    time.sleep(12.0)
    assert firing(site) == (["general", "poci"], ["general", "poci"])
    assert statuses(site.hook) == {"general": ["firing"], "poci": ["firing"]}
    assert shown_to_whoever_comes_now(site) == {topic(one): "overdue" for one in debts.values()}
    assert site.board.shown["callmon/status"] == "offline"

    site.callmon.start()
    assert until(lambda: "CallmonDown" not in site.prometheus.alerts())
    time.sleep(4.0)
    assert rows(site.callmon) == before
    assert statuses(site.hook) == {"general": ["firing"], "poci": ["firing"]}

    call_back(site.asterisk, 0, "140")
    the_first_is_resolved_everywhere_and_the_other_is_not(site, debts)
    assert stories(site.callmon) == [[*WHOLE_STORY, "CalledBack"], WHOLE_STORY]
