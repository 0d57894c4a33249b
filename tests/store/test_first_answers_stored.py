"""First answers, redirections and surveys in the database: their counters, a rejudgement, a restart."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import text

from callmon.config.settings import example_text, parse
from callmon.core import facts as f
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.statistics.counters import Figures
from callmon.daemon.daemon import Daemon
from callmon.site import FEATURES
from callmon.store.database import Database
from callmon.store.queries import calls as queries
from callmon.store.rejudge import counter_differences, rejudge
from tests.support.store_fixtures import EXCHANGE, START, answered_call, seconds, wrote

STAFF = '\n[[staff]]\nextension = "102"\nlanguages = ["fr"]\n[[staff]]\nextension = "101"\nlanguages = ["en"]\n'
NOW = Monitor(parse(example_text() + STAFF), token=str)
BEFORE = Monitor(parse(example_text()), token=str)


def call(number: int, line: str = "general", dialled: str = "4163272422", **changes: Any) -> list[f.Fact]:
    """A call answered on ring 2 by 102, held after 7.6 s for 10 s; `changes` are the arrival's."""
    first, *rest = answered_call(number)
    return [msgspec.structs.replace(first, line=line, dialled=dialled, **changes), *rest]


def judged(*calls: list[f.Fact], by: Monitor = NOW) -> list[Outcome]:
    reported = [by.retell(EXCHANGE, facts) for facts in calls]
    return [outcome for outcome in reported if outcome is not None]


def test_the_first_answer_is_counted_apart_by_line(store: Database) -> None:
    joined = [*call(2)[:9], f.PersonJoined("1795527735.2", START + seconds(40), "102", "PJSIP/102-1"), call(2)[-1]]
    second = [msgspec.structs.replace(x, phone="101") if isinstance(x, f.Answered) else x for x in joined]
    figures = wrote(store, *judged(call(0), call(1, "tty", "4163250866"), second))
    assert at_first(figures) == {("general", "yes"): 1, ("general", "no"): 1, ("tty", "yes"): 1}


def at_first(figures: Figures) -> Figures:
    return {key[1:]: value for key, value in figures.items() if key[0] == "callmon_french_at_first_answer_total"}


def test_the_strict_reading_counts_a_transfer_to_voicemail_once_more(store: Database) -> None:
    at, name = START + seconds(1), "1795527734.1"
    sent = [
        *call(1)[:9],
        f.SentOff(name, at + seconds(20), "blind", "PJSIP/102-1", "500"),
        f.Transferred(name, at + seconds(20), "blind", "PJSIP/102-1", "500", False),
        f.VoicemailTook(name, at + seconds(21), "500"),
        f.Ended(name, at + seconds(60), "caller"),
    ]
    figures = wrote(store, *judged(call(0), sent))
    strict = {k[2]: v for k, v in figures.items() if k[0] == "callmon_redirections_per_call"}
    assert strict == {"0.0": 1, "2.0": 1, "sum": 2}
    plain = {k[2]: v for k, v in figures.items() if k[0] == "callmon_transfers_per_call"}
    assert plain == {"0.0": 1, "1.0": 1, "sum": 1}


# What a callmon before this one stored.


def test_calls_of_an_older_callmon_agree_before_and_after_rejudging(store: Database) -> None:
    (outcome,) = judged(call(0, relay=True), by=BEFORE)
    wrote(store, outcome)
    new = ("people", "survey", "relay", "ended_how", "talked", "held_after", "held_for")
    beside = ("callmon_redirections", "callmon_relay", "callmon_integrity", "callmon_early_hold")
    with store.writing() as connection:
        data = connection.execute(text('SELECT data FROM "call"')).scalar_one()
        older = {name: value for name, value in msgspec.json.decode(data).items() if name not in new}
        connection.execute(text('UPDATE "call" SET data = :data'), {"data": msgspec.json.encode(older).decode()})
        for figure in beside:
            connection.execute(text("DELETE FROM counter WHERE figure LIKE :figure"), {"figure": f'["{figure}%'})
    assert counter_differences(store) == []
    counted = queries.counters(store)
    assert list(map(str, rejudge(store, NOW))) == [
        f"{EXCHANGE}  1795527733.0  bilingual_person  met (french_at_first_answer)"
    ]
    assert counter_differences(store) == []
    now = queries.counters(store)
    assert {key: now[key] for key in counted} == counted  # nothing that was shown goes back, or up
    assert at_first(now) == {("general", "yes"): 1}
    assert list(rejudge(store, NOW)) == []


def test_a_changed_staff_list_corrects_verdicts_and_the_first_answer(store: Database) -> None:
    wrote(store, *judged(call(0)))
    english = Monitor(parse(example_text() + STAFF.replace('["fr"]', '["en"]')), token=str)
    assert list(map(str, rejudge(store, english))) == [
        f"{EXCHANGE}  1795527733.0  bilingual_person  met (french_at_first_answer) -> "
        "not_met (no_french_speaker, other)"
    ]
    assert at_first(queries.counters(store)) == {("general", "yes"): 1}  # as first given
    assert counter_differences(store) == []


# The dialplan's word, over a restart.


def test_that_a_dialplan_offered_the_survey_is_known_after_a_restart(sqlite_store: Database) -> None:
    name = "1795527733.0"
    heard = Monitor(parse(example_text()), token=str)
    offered = [*call(0)[:-1], f.SurveyOffered(name, START + seconds(50), "dialplan"), call(0)[-1]]
    wrote(sqlite_store, *judged(offered, by=heard))
    assert restarted(sqlite_store) is True


def test_a_transfer_to_a_removed_survey_enables_nothing_later(sqlite_store: Database) -> None:
    offered = [*call(0)[:-1], f.SurveyOffered("1795527733.0", START + seconds(50), "transfer"), call(0)[-1]]
    wrote(sqlite_store, *judged(offered, by=Monitor(parse(example_text()), token=str)))
    assert restarted(sqlite_store) is False


def restarted(store: Database) -> bool:
    beside = example_text().replace("sqlite:///callmon.db", f"sqlite:///{store.path}", 1)
    daemon = Daemon(parse(beside), store, FEATURES)
    try:
        return daemon.runtime.snapshot().enabled["feedback_offered"]
    finally:
        daemon.runtime.writer.close()
