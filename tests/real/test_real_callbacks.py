"""Messages left and callbacks made on a real Asterisk: what is owed, what is paid; nothing lost or paid twice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callmon.core.callbacks.entries import CalledBack
from callmon.core.verdicts import Gap
from callmon.store.database import Database
from callmon.store.opening import open_with_keys
from callmon.store.queries import calls as queries
from callmon.store.queries import obligations
from callmon.store.rejudge import counter_differences
from tests.lab.exchange import Asterisk
from tests.lab.listener import Event, Listener, value
from tests.lab.model import LabCaller, Phone, PlayedSituation, Situation, Step
from tests.lab.pace import settings_at_pace
from tests.lab.play import Playing, number, play
from tests.lab.truths import GENERAL, LEAVES_MESSAGE, POCI
from tests.lab.witness import linkedid
from tests.real.test_real_exchange import until
from tests.support.daemon_process import Callmon
from tests.support.forked_daemon import WarmCallmon

pytestmark = pytest.mark.lab

KILLS, SEED = 20, 7
TO_LOOK, TO_STORE = timedelta(seconds=1.5), timedelta(seconds=0.25)
BOX = "lab-offline-box"  # voicemail takes the call at once: a message is left in the eighteenth second
TALKS_LONG, LONG_ENOUGH = (Step(13, "hang_up"),), timedelta(seconds=10)


def leaves(name: str, begins: float = 0.0, line: str = GENERAL, withheld: bool = False) -> Situation:
    return Situation(name, LabCaller(line, route=BOX, steps=LEAVES_MESSAGE, withheld=withheld), begins=begins)


def calls(name: str, place: int, phone: str, begins: float, answers: float | None = 2.0) -> Situation:
    """A member of staff calls the caller at this place of the list back."""
    dials, party = f"9{number(2 * place)}", Phone(answers=answers)
    gives_up = 32.0 if answers is None else None
    caller = LabCaller(dials, phone=phone, steps=TALKS_LONG, gives_up=gives_up)
    return Situation(name, caller, {"outside": party}, begins=begins)


def calls_beside(name: str, place: int, phone: str, begins: float) -> Situation:
    """The same from the second line of a phone that has another caller on hold."""
    steps = Step(2, "hold"), Step(3, "consult", f"9{number(2 * place)}"), Step(28, "drop"), Step(29, "unhold")
    phones = {
        phone: Phone(answers=2, steps=(*steps, Step(30, "hang_up"))),
        f"{number(2 * place)} from anybody": Phone(answers=2),
    }
    return Situation(name, LabCaller(GENERAL, route=f"lab-only,{phone},1"), phones, begins=begins)


def call_back(asterisk: Asterisk, place: int, phone: str) -> None:
    """The same ten seconds from now, when nothing else is played."""
    with Playing(asterisk, [calls("calls_back", place, phone, 10.0 * asterisk.pace)]) as playing:
        (call,) = playing.wait()
    assert (call.fault, call.refused, call.answered is not None) == (None, None, True)


def command(callmon: Callmon, *words: str) -> subprocess.CompletedProcess[str]:
    """A command as an administrator gives it."""
    root = str(Path(__file__).parents[2])
    arguments = [sys.executable, "-m", "callmon", "callbacks", *words, "--config", str(callmon.config)]
    environment = {**os.environ, "PYTHONPATH": root, "LAB_SECRET": "x"}
    return subprocess.run(
        arguments, cwd=callmon.place, env=environment, capture_output=True, text=True, check=False
    )


def listed(callmon: Callmon, *words: str) -> list[dict[str, object]]:
    done = command(callmon, "list", "--json", "--state", "all", *words)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def hurried(place: Path, asterisk: Asterisk, kind: type[Callmon] = Callmon) -> Callmon:
    """callmon for an exchange that is faster than real ones."""
    callmon = kind(place, asterisk.ami_port, asterisk.secret)
    callmon.config.write_text(settings_at_pace(callmon.config.read_text(), asterisk.pace))
    return callmon


def test_a_caller_who_left_a_message_is_called_back_and_it_is_settled(
    fast_exchange: Asterisk, tmp_path: Path
) -> None:
    """Three are called back, one of them in vain, one beside another caller on hold; one asks by a key in French;
    one is withheld; one complains.
    """
    asks = (Step(1, "press", "2"), Step(6, "hang_up"))
    played = [
        leaves("called_back"),
        leaves("called_in_vain", line=POCI),
        leaves("withheld", withheld=True),
        Situation("asks_in_french", LabCaller(GENERAL, route="lab-asks-in-french", steps=asks)),
        Situation(
            "complains",
            LabCaller(GENERAL, steps=(Step(14, "hang_up"),)),
            {"101": Phone(answers=2, steps=(Step(2, "press", "*55"),))},
        ),
        calls("calls_back", 0, "140", 40.0),
        calls("calls_in_vain", 1, "141", 40.0, answers=None),
        leaves("called_back_beside"),
        calls_beside("calls_beside", 7, "142", 40.0),
    ]
    with hurried(tmp_path, fast_exchange) as callmon:
        with Playing(fast_exchange, played) as playing:
            assert until(lambda: callmon.total("callmon_callbacks_open") == 4)
            made = {call.situation.name: (call.fault, call.refused) for call in playing.wait()}
        assert (made["calls_back"], made["calls_beside"]) == ((None, None), (None, None))
        assert until(lambda: callmon.total("callmon_callbacks_open") == 2), listed(callmon)
        time.sleep(1.5)
        found = {str(x["number"] or x["not_returnable"]) + str(x["kind"]): x for x in listed(callmon)}
        reported = {
            name: (x["opening"], x["state"] in ("open", "due_soon"), x["line"], x["language"])
            for name, x in found.items()
        }
        assert reported == {
            f"+1{number(0)}callback": ("message", False, "general", "unknown"),
            f"+1{number(2)}callback": ("message", True, "poci", "unknown"),
            "withheldcallback": ("message", True, "general", "unknown"),
            f"+1{number(6)}callback": ("request", True, "general", "fr"),
            f"+1{number(8)}complaint": ("agent", True, "general", "unknown"),
            f"+1{number(14)}callback": ("message", False, "general", "unknown"),
        }  # fmt: skip
        paid, in_vain = found[f"+1{number(0)}callback"], found[f"+1{number(2)}callback"]
        assert (paid["state"], len(in_vain["attempts"])) == ("paid", 1)  # type: ignore[arg-type]
        assert callmon.total("callmon_callbacks_open") == 2
        assert callmon.total("callmon_callbacks_to_listen_to", line="general") == 1
        assert callmon.total("callmon_complaints_open", line="general") == 1
        assert callmon.total("callmon_callback_delay_seconds_count", line="general") == 2
        assert callmon.total("callmon_verdicts_total", standard="callback_within_24_hours", verdict="met") == 2
        by_hand(callmon, str(found["withheldcallback"]["id"]), str(found[f"+1{number(8)}complaint"]["id"]))
        in_hand(callmon, str(found[f"+1{number(6)}callback"]["id"]))
        assert number(2) not in callmon.get("/metrics")[1] + callmon.log.read_text()
        assert callmon.stop() == 0
        assert counter_differences(open_with_keys(callmon.settings())) == []


def in_hand(callmon: Callmon, name: str) -> None:
    """Somebody takes an entry; a colleague cannot, but may give it back (R-47)."""
    done = command(callmon, "take", name, "--by", "m", "--lang", "en")
    assert (done.returncode, done.stderr, "In hand: m, " in done.stdout) == (0, "", True)
    assert callmon.total("callmon_callbacks_in_hand", line="general", language="fr") == 1
    refused = command(callmon, "take", name, "--by", "r", "--lang", "en")
    assert (refused.returncode, refused.stderr.startswith("Somebody else has it in hand")) == (1, True)
    done = command(callmon, "release", name, "--by", "r", "--lang", "en")
    assert (done.returncode, done.stderr, "In hand" in done.stdout) == (0, "", False)
    assert callmon.total("callmon_callbacks_in_hand") == 0


def by_hand(callmon: Callmon, withheld: str, complaint: str) -> None:
    """What a person does; refused with a sentence where it cannot be done."""
    refused = command(callmon, "close", complaint, "--reason", "answered", "--by", "m", "--lang", "en")
    assert (refused.returncode, refused.stderr) == (
        2, "A complaint is closed with the name of the person in charge: --in-charge NAME.\n",
    )  # fmt: skip
    done = command(
        callmon, "close", withheld, "--reason", "listened", "--text", "no name", "--by", "m", "--lang", "en"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip().startswith("Closed, ")
    done = command(callmon, "close", complaint, "--reason", "answered", "--in-charge", "A. Roy", "--by", "m")
    assert (done.returncode, done.stderr) == (0, "")
    assert callmon.total("callmon_callbacks_to_listen_to", line="general") == 0
    assert callmon.total("callmon_complaints_open") == 0


def test_twenty_kills_lose_no_debt_and_pay_none_twice(
    asterisk: Asterisk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twelve leave messages over half a minute; ten of them are called back meanwhile, and one after the kills.

    What is not paid was called back where nobody can have heard that they talked for long enough.
    """
    chance = random.Random(SEED)
    messages = [leaves(f"message_{n}", 2.5 * n) for n in range(12)]
    back = [calls(f"back_{n}", n, str(140 + n), 24.0 + 2.5 * n) for n in range(10)]
    callmon = hurried(tmp_path, asterisk, WarmCallmon)
    with Listener(asterisk.ami_port, "witness", asterisk.secrets.witness) as witness, callmon:
        with Playing(asterisk, [*messages, *back]) as playing:
            time.sleep(4)
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.4, 2.2))
                callmon.kill()
                callmon.start()
            made = playing.wait()[12:]
        call_back(asterisk, 10, "150")
        time.sleep(3.0)
        assert callmon.stop() == 0
        heard = witness.events()
    store = open_with_keys(callmon.settings())
    found = obligations.obligations(store, state=None, numbers=True)
    assert Counter(x.number for x in found) == Counter(f"+1{number(2 * n)}" for n in range(12))
    paid = Counter(entry.obligation for entry in every_entry(store) if isinstance(entry, CalledBack))
    assert set(paid.values()) <= {1}
    states = {x.number: x.obligation.state for x in found}
    state = [states[f"+1{number(2 * n)}"] for n in range(12)]
    unheard = [n for n, call in enumerate(made) if is_unheard(talk(call, heard), queries.gaps(store, "toronto"))]
    assert counter_differences(store) == []
    with capsys.disabled():
        openings = Counter(x.obligation.opening for x in found)
        reported = f"{len(paid)} of 11 paid; not heard for long enough: {unheard}"
        sys.stdout.write(f"\n{KILLS} kills; opened by {dict(openings)}; {reported}\n")
    assert {n: state[n] for n in range(12) if state[n] != "paid" and n not in unheard} == {11: "open"}
    assert {state[n] for n in unheard} <= {"open", "paid"}
    store.close()


def talk(call: PlayedSituation, heard: list[Event]) -> tuple[datetime, datetime]:
    """From the answer outside to the hang-up, as the witness heard them."""
    own = linkedid(call, heard)
    answers = (e for e in heard if (value(e, "Event"), value(e, "DialStatus")) == ("DialEnd", "ANSWER"))
    answered = next(event for event in answers if value(event, "DestLinkedid") == own)
    ended = next(e for e in heard if (value(e, "Event"), value(e, "Uniqueid")) == ("Hangup", own))
    return at(answered), at(ended)


def at(event: Event) -> datetime:
    return datetime.fromtimestamp(float(value(event, "Timestamp") or 0), UTC)


def is_unheard(talk: tuple[datetime, datetime], gaps: list[Gap]) -> bool:
    """From its tenth second on callmon had no time to look at it, nor did it hear and store its end.

    callmon looks at calls each second; what it saw just before a kill is not stored.
    """
    enough, ended = talk[0] + LONG_ENOUGH, talk[1]
    return not any(
        min(end, ended) - max(begin, enough) >= TO_LOOK or begin <= ended <= end - TO_STORE
        for begin, end in listening(gaps)
    )


def listening(gaps: list[Gap]) -> list[tuple[datetime, datetime]]:
    """When the exchange was heard: before, between and after these gaps."""
    begins = [datetime.min.replace(tzinfo=UTC), *(gap.end for gap in gaps)]
    ends = [*(gap.start for gap in gaps), datetime.max.replace(tzinfo=UTC)]
    return list(zip(begins, ends, strict=True))


def test_an_unreceived_callback_settles_nothing_and_its_verdict_is_unknown(
    fast_asterisk: Asterisk, tmp_path: Path
) -> None:
    """It is made, whole, while callmon is down; so was the time when it was due."""
    asterisk, callmon = fast_asterisk, hurried(tmp_path, fast_asterisk)
    within = callmon.config.read_text().replace('# within = "24h"', 'within = "20s"\n#', 1)
    callmon.config.write_text(within)
    with callmon:
        play(asterisk, [leaves("called_back_unheard")])
        assert until(lambda: callmon.total("callmon_callbacks_open", line="general") == 1)
        time.sleep(1.5)
        callmon.kill()
        call_back(asterisk, 0, "140")
        time.sleep(5.0)
        callmon.start()
        verdict = {"standard": "callback_within_24_hours", "line": "general"}
        assert until(lambda: callmon.total("callmon_verdicts_total", **verdict) == 1)
        assert callmon.total("callmon_verdicts_total", verdict="unknown", **verdict) == 1
        (one,) = listed(callmon)
        assert (one["state"], one["attempts"]) == ("overdue", [])


def every_entry(store: Database) -> list[object]:
    return [
        entry for x in obligations.obligations(store, state=None)
        for entry in obligations.ledger_entries(store, x.obligation.call, x.obligation.exchange)
    ]  # fmt: skip
