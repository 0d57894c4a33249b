"""Figures of a period from the database: what they count, where a period begins and ends, and who is left out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from callmon.config.settings import example_text, parse
from callmon.core import facts as f
from callmon.core.assembly import monitor
from callmon.core.monitor import Monitor
from callmon.core.statistics.counters import Figures
from callmon.core.statistics.integrity import Integrity
from callmon.core.statistics.parity import Side
from callmon.core.verdicts import Outcome
from callmon.daemon.daemon import Daemon
from callmon.store.database import Store
from callmon.store.maintenance.rejudge import differences, rejudge
from callmon.store.queries import calls as queries
from callmon.store.queries import periods
from tests.store_fixtures import (
    EXCHANGE,
    START,
    answered_call,
    seconds,
    wrote,
)

A = "answer_by_third_ring"
MODES = {"general": "voice", "tty": "tty"}
STAFF = '\n[[staff]]\nextension = "102"\nlanguages = ["fr"]\n[[staff]]\nextension = "101"\nlanguages = ["en"]\n'
NOW = monitor(parse(example_text() + STAFF), token=str)
BEFORE = monitor(parse(example_text()), token=str)
EVER = (START - timedelta(days=1), START + timedelta(days=1))


def call(number: int, line: str = "general", dialled: str = "4163272422", **changes: Any) -> list[f.Fact]:
    """A call answered on ring 2 by 102, held after 7.6 s for 10 s; `changes` are the arrival's."""
    first, *rest = answered_call(number)
    return [msgspec.structs.replace(first, line=line, dialled=dialled, **changes), *rest]


def late(facts: list[f.Fact]) -> list[f.Fact]:
    """The same, answered too late."""
    return [
        msgspec.structs.replace(fact, at=fact.at + seconds(30))
        if isinstance(fact, f.Answered | f.Held | f.Resumed) and fact.at is not None
        else fact
        for fact in facts
    ]


def judged(*calls: list[f.Fact], by: Monitor = NOW) -> list[Outcome]:
    told = [by.retell(EXCHANGE, facts) for facts in calls]
    return [outcome for outcome in told if outcome is not None]


def test_parity_over_a_period_counts_the_rows_of_calls_that_arrived_in_it(store: Store) -> None:
    tty = [call(n, "tty", "4163250866") for n in range(3)]
    voice = [late(call(n)) if n == 10 else call(n) for n in range(10, 14)]
    wrote(store, *judged(*tty, *voice))
    found = periods.compared(store, *EVER, MODES, [A], 3)
    tty_voice, french_english = found
    assert (tty_voice.one, tty_voice.other) == (Side("tty", 3, 0), Side("voice", 3, 1))
    assert tty_voice.difference == 0.25
    assert (french_english.one.judged, french_english.difference) == (7, None)
    assert [x.difference for x in periods.compared(store, *EVER, MODES, [A], 4)] == [None, None]


@pytest.mark.parametrize(
    ("begin", "end", "calls"),
    [(0, 1, [0]), (0, 2, [0, 1]), (1, 2, [1]), (0.000001, 1, []), (2, 2, []), (0, 3, [0, 1, 2])],
)
def test_a_period_has_its_beginning_and_not_its_end(
    sqlite_store: Store, begin: float, end: float, calls: list[int]
) -> None:
    wrote(sqlite_store, *judged(*(call(n) for n in range(3))))
    period = (START + seconds(begin), START + seconds(end))
    met = {key: count for key, count in periods.verdicts(sqlite_store, *period).items() if key[0] == A}
    assert met == ({(A, "general", "fr", "met"): len(calls)} if calls else {})
    assert periods.integrity_of(sqlite_store, *period) == (
        {"general": Integrity(len(calls), 0, len(calls), 0, seconds(10))} if calls else {}
    )


def test_the_first_answer_is_counted_apart_by_line(store: Store) -> None:
    joined = [*call(2)[:9], f.PersonJoined("1795527735.2", START + seconds(40), "102", "PJSIP/102-1"), call(2)[-1]]
    second = [msgspec.structs.replace(x, phone="101") if isinstance(x, f.Answered) else x for x in joined]
    figures = wrote(store, *judged(call(0), call(1, "tty", "4163250866"), second))
    assert periods.at_first_answer(store, *EVER) == {
        ("general", "yes"): 1,
        ("general", "no"): 1,
        ("tty", "yes"): 1,
    }
    assert at_first(figures) == {("general", "yes"): 1, ("general", "no"): 1, ("tty", "yes"): 1}


def at_first(figures: Figures) -> Figures:
    return {key[1:]: value for key, value in figures.items() if key[0] == "callmon_french_at_first_answer_total"}


def test_relay_calls_are_a_cut_with_their_outcomes_and_verdicts(store: Store) -> None:
    ended = f.Ended("1795527734.1", START + seconds(1 + 12.4 + 19.999), "exchange")
    wrote(store, *judged(call(0, relay=True), [*call(1, relay=True)[:9], ended], call(2)))
    cut = periods.relay(store, *EVER)
    assert (dict(cut.outcomes), cut.ended_early) == ({"answered": 2}, 1)
    assert dict(cut.verdicts) == {
        (A, "met"): 2,
        ("voicemail_after_fourth_ring", "exempt"): 2,
        ("reach_a_person", "met"): 2,
        ("one_transfer_at_most", "met"): 2,
        ("bilingual_person", "met"): 2,
    }


def test_the_strict_reading_counts_a_transfer_to_voicemail_once_more(store: Store) -> None:
    at, name = START + seconds(1), "1795527734.1"
    sent = [
        *call(1)[:9],
        f.SentOff(name, at + seconds(20), "blind", "PJSIP/102-1", "500"),
        f.Transferred(name, at + seconds(20), "blind", "PJSIP/102-1", "500", False),
        f.VoicemailTook(name, at + seconds(21), "500"),
        f.Ended(name, at + seconds(60), "caller"),
    ]
    figures = wrote(store, *judged(call(0), sent))
    assert periods.redirections(store, *EVER) == {("general", 0): 1, ("general", 2): 1}
    strict = {k[2]: v for k, v in figures.items() if k[0] == "callmon_redirections_per_call"}
    assert strict == {"0.0": 1, "2.0": 1, "sum": 2}
    plain = {k[2]: v for k, v in figures.items() if k[0] == "callmon_transfers_per_call"}
    assert plain == {"0.0": 1, "1.0": 1, "sum": 1}


# What a callmon before this one stored.


def test_calls_that_an_older_callmon_stored_agree_with_the_figures_before_and_after_they_are_judged_again(
    store: Store,
) -> None:
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
    assert differences(store) == []
    counted = queries.counters(store)
    assert list(rejudge(store, NOW)) == [
        f"{EXCHANGE}  1795527733.0  bilingual_person  met (french_at_first_answer)"
    ]
    assert differences(store) == []
    now = queries.counters(store)
    assert {key: now[key] for key in counted} == counted  # nothing that was shown goes back, or up
    assert at_first(now) == {("general", "yes"): 1}
    assert periods.relay(store, *EVER).outcomes == {"answered": 1}
    assert list(rejudge(store, NOW)) == []


def test_a_change_of_the_staff_list_corrects_verdicts_and_moves_the_first_answer(store: Store) -> None:
    wrote(store, *judged(call(0)))
    english = monitor(parse(example_text() + STAFF.replace('["fr"]', '["en"]')), token=str)
    assert list(rejudge(store, english)) == [
        f"{EXCHANGE}  1795527733.0  bilingual_person  met (french_at_first_answer) -> "
        "not_met (no_french_speaker, other)"
    ]
    assert periods.at_first_answer(store, *EVER) == {("general", "no"): 1}
    assert at_first(queries.counters(store)) == {("general", "yes"): 1}  # as first given
    assert differences(store) == []


# The dialplan's word, over a restart.


def test_that_a_dialplan_offered_the_survey_is_known_after_a_restart(sqlite_store: Store) -> None:
    name = "1795527733.0"
    heard = monitor(parse(example_text()), token=str)
    offered = [*call(0)[:-1], f.SurveyOffered(name, START + seconds(50), "dialplan"), call(0)[-1]]
    wrote(sqlite_store, *judged(offered, by=heard))
    assert restarted(sqlite_store) is True


def test_a_transfer_to_a_survey_that_is_no_longer_configured_enables_nothing_after_a_restart(
    sqlite_store: Store,
) -> None:
    offered = [*call(0)[:-1], f.SurveyOffered("1795527733.0", START + seconds(50), "transfer"), call(0)[-1]]
    wrote(sqlite_store, *judged(offered, by=monitor(parse(example_text()), token=str)))
    assert restarted(sqlite_store) is False


def restarted(store: Store) -> bool:
    beside = example_text().replace("sqlite:///callmon.db", f"sqlite:///{store.path}", 1)
    daemon = Daemon(parse(beside), store)
    try:
        return daemon.enabled()["feedback_offered"]
    finally:
        daemon.database.close()


def test_the_period_is_in_aware_times(sqlite_store: Store) -> None:
    with pytest.raises(Exception, match="time zone"):
        periods.verdicts(sqlite_store, datetime(2026, 11, 1), datetime(2026, 12, 1))  # noqa: DTZ001  on purpose
