"""Judging again: the rows become what the facts and the settings of now say, and no figure is counted twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from callmon.config.settings import example_text, parse
from callmon.core import facts as f
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.statistics.counters import CORRECTED, Figures
from callmon.errors import StoreError
from callmon.main import main
from callmon.store.database import Database
from callmon.store.queries import calls
from callmon.store.rejudge import MOVED, counter_differences, rejudge
from callmon.store.tables import METADATA
from callmon.store.writer.writer import Writer
from callmon.tools.replay import Replay, chunks
from tests.support.store_fixtures import CALLER, EXCHANGE, answered_call, seconds, wrote

RECORDINGS = sorted((Path(__file__).parents[1] / "recordings").glob("*.ami"))


def settings(**lines: str) -> Monitor:
    """A monitor of the example's lines, with a setting changed: settings(general='ring_cycle = "3s"')."""
    written = example_text()
    for line, setting in lines.items():
        written = written.replace(f"[lines.{line}]\n", f"[lines.{line}]\n{setting}\n")
    return Monitor(parse(written), token=str)


NOW = settings()
HALF_RINGS = {"general": 'ring_cycle = "3s"'}  # what was ring 2 is ring 3
SHORT_RINGS = {"general": 'ring_cycle = "2s"'}  # what was ring 2 is ring 5: too late
CLOSED = {"general": 'hours = { monday = "08:30-17:00" }'}  # the calls are of a Tuesday


def judged(facts: list[f.Fact], by: Monitor | None = None) -> list[Outcome]:
    """The outcomes of a call that was heard while `by` was in force, its number still in it."""
    reported = (by or settings()).retell(EXCHANGE, facts)
    assert reported is not None
    return [reported]


def three_calls() -> list[Outcome]:
    return [outcome for number in range(3) for outcome in judged(answered_call(number))]


def everything(store: Database, *tables: str) -> dict[str, list[Any]]:
    """Every row of every table but the writer's own."""
    names = tables or tuple(name for name in METADATA.tables if name != "writer")
    with store.reading() as connection:
        return {name: sorted(map(repr, connection.execute(text(f'SELECT * FROM "{name}"')))) for name in names}


def corrections(figures: Figures) -> Figures:
    return {figure: value for figure, value in figures.items() if figure[0] == CORRECTED.name and value}


# ── nothing changed ──


def test_calls_of_every_recording_are_judged_again_as_before(store: Database) -> None:
    for place, recording in enumerate(RECORDINGS):
        replay = Replay(Monitor(parse(example_text()), EXCHANGE, token=str), EXCHANGE)
        with recording.open("rb") as source:
            outcomes = [apart(outcome, str(place)) for outcome in replay.connection(chunks(source))]
        wrote(store, *outcomes)
    before = everything(store)
    assert len(before["call"]) > 70
    assert (list(rejudge(store, NOW)), counter_differences(store)) == ([], [])
    assert everything(store) == before


def apart(outcome: Outcome, exchange: str) -> Outcome:
    """Recordings of one run share ids: each is an exchange of its own."""
    gaps = tuple(msgspec.structs.replace(gap, exchange=exchange) for gap in outcome.gaps)
    return msgspec.structs.replace(outcome, exchange=exchange, gaps=gaps)


def test_an_empty_database_is_judged_again_and_agrees_with_itself(store: Database) -> None:
    assert (list(rejudge(store, NOW)), counter_differences(store)) == ([], [])


# ── something changed ──


def test_a_verdict_changed_by_settings_is_stored_as_a_correction(store: Database) -> None:
    first = wrote(store, *judged(answered_call(0)))
    assert list(map(str, rejudge(store, settings(**SHORT_RINGS)))) == [
        f"{EXCHANGE}  1795527733.0  answer_by_third_ring  met (answered_on_ring 2) -> "
        "not_met (answered_on_ring 5, late_hunting)",
    ]
    (stored,) = calls.stored_calls(store, "1795527733.0")
    assert {x.standard: (x.verdict, x.number, x.cause) for x in stored.findings} == {
        "answer_by_third_ring": ("not_met", 5, "late_hunting"),
        "voicemail_after_fourth_ring": ("exempt", None, None),
        "reach_a_person": ("met", None, None),
        "one_transfer_at_most": ("met", 0, None),
    }
    assert stored.account is not None
    assert (stored.account.rings, stored.account.cycle) == (5, seconds(2))
    figures = calls.counters(store)
    assert corrections(figures) == {(CORRECTED.name, "answer_by_third_ring", "general", "met", "not_met"): 1.0}
    assert {x: v for x, v in figures.items() if x[0] not in (CORRECTED.name, MOVED)} == first


def test_a_dry_run_shows_what_a_rejudging_would_change_and_changes_none(store: Database) -> None:
    wrote(store, *(outcome for number in range(3) for outcome in judged(answered_call(number))))
    before = everything(store)
    reported = list(rejudge(store, settings(**SHORT_RINGS), chunk=2, writes=False))
    assert everything(store) == before
    assert reported == list(rejudge(store, settings(**SHORT_RINGS)))
    assert (len(reported), everything(store) == before) == (3, False)


def test_the_command_changes_nothing_on_a_dry_run_and_asks_for_a_yes(
    sqlite_store: Database, tmp_path: Path
) -> None:
    wrote(sqlite_store, *judged(answered_call(0)))
    config = tmp_path / "callmon.toml"
    written = example_text().replace("sqlite:///callmon.db", f"sqlite:///{sqlite_store.path}")
    config.write_text(written.replace("[lines.general]\n", f"[lines.general]\n{SHORT_RINGS['general']}\n"))

    def run(*words: str) -> tuple[int, list[str], str]:
        done = CliRunner(env={"LC_ALL": "en_CA.UTF-8"}).invoke(
            main, ["db", "rejudge", *words, "--config", str(config)]
        )
        return done.exit_code, done.stdout.splitlines(), done.stderr

    before = everything(sqlite_store)
    status, reported, said = run("--dry-run")
    assert (status, len(reported), said) == (0, 1, "1 verdict would change; nothing was changed.\n")
    assert everything(sqlite_store) == before
    assert run("--yes") == (0, reported, "1 verdict changed.\n")
    assert run("--dry-run") == (0, [], "No verdict would change; nothing was changed.\n")


def test_another_reason_for_the_same_verdict_is_no_correction(store: Database) -> None:
    wrote(store, *judged(answered_call(0)))
    assert list(map(str, rejudge(store, settings(**HALF_RINGS)))) == [
        f"{EXCHANGE}  1795527733.0  answer_by_third_ring  met (answered_on_ring 2) -> met (answered_on_ring 3)",
    ]
    assert corrections(calls.counters(store)) == {}


def test_the_columns_that_questions_are_asked_by_change_with_the_account(store: Database) -> None:
    wrote(store, *judged(answered_call(0)))
    with store.reading() as connection:
        before = connection.execute(text('SELECT rings, in_hours, waited FROM "call"')).one()
    list(rejudge(store, settings(general="\n".join([*SHORT_RINGS.values(), *CLOSED.values()]))))
    with store.reading() as connection:
        after = connection.execute(text('SELECT rings, in_hours, waited FROM "call"')).one()
    assert [tuple(before), tuple(after)] == [(2, True, 8_400_000), (5, False, 8_400_000)]


@pytest.mark.parametrize("changed", [HALF_RINGS, SHORT_RINGS, CLOSED], ids=["half", "short", "closed"])
def test_judging_twice_changes_nothing_more(store: Database, changed: dict[str, str]) -> None:
    wrote(store, *three_calls())
    assert len(list(rejudge(store, settings(**changed)))) > 0
    before = everything(store)
    assert list(rejudge(store, settings(**changed))) == []
    assert everything(store) == before


@pytest.mark.parametrize("changed", [HALF_RINGS, SHORT_RINGS, CLOSED], ids=["half", "short", "closed"])
def test_figures_and_rows_still_agree_after_any_correction(store: Database, changed: dict[str, str]) -> None:
    wrote(store, *three_calls())
    list(rejudge(store, settings(**changed)))
    assert counter_differences(store) == []


def test_judging_back_again_restores_every_row_and_counts_both_corrections(store: Database) -> None:
    wrote(store, *three_calls())
    before = everything(store, "call", "finding", "fact", "number")
    list(rejudge(store, settings(**SHORT_RINGS)))
    list(rejudge(store, NOW))
    assert everything(store, "call", "finding", "fact", "number") == before
    assert corrections(calls.counters(store)) == {
        (CORRECTED.name, "answer_by_third_ring", "general", "met", "not_met"): 3.0,
        (CORRECTED.name, "answer_by_third_ring", "general", "not_met", "met"): 3.0,
    }
    assert counter_differences(store) == []


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_groups_of_any_size_judge_every_call_once(store: Database, chunk: int) -> None:
    wrote(store, *three_calls())
    reported = list(rejudge(store, settings(**SHORT_RINGS), chunk))
    assert [change.call for change in reported] == [f"{1795527733 + number}.{number}" for number in range(3)]


def test_a_rejudgement_that_is_stopped_half_way_is_finished_by_the_next(store: Database) -> None:
    wrote(store, *three_calls())
    by = settings(**SHORT_RINGS)
    stopped = rejudge(store, by, 1)
    next(stopped)
    stopped.close()
    assert len(list(rejudge(store, by))) == 2
    assert sum(corrections(calls.counters(store)).values()) == 3.0
    assert counter_differences(store) == []


def test_a_new_standard_gives_its_first_verdict_not_a_correction(store: Database) -> None:
    (outcome,) = judged(answered_call(0))
    fewer = tuple(x for x in outcome.findings if x.standard != "reach_a_person")
    wrote(store, msgspec.structs.replace(outcome, findings=fewer))
    assert list(map(str, rejudge(store, NOW))) == [
        f"{EXCHANGE}  1795527733.0  reach_a_person  met (a_person_answered)"
    ]
    figures = calls.counters(store)
    assert figures["callmon_verdicts_total", "reach_a_person", "general", "fr", "met"] == 1.0
    assert (corrections(figures), counter_differences(store)) == ({}, [])


# ── what is left alone ──


def test_a_call_of_a_line_that_is_no_longer_configured_stays_as_it_was(store: Database) -> None:
    wrote(store, *three_calls())
    before = everything(store)
    gone = example_text().replace("416 327-2422", "416 327-9999")
    assert list(rejudge(store, Monitor(parse(gone), token=str))) == []
    assert everything(store) == before


def test_a_call_in_progress_is_not_judged(store: Database) -> None:
    facts = answered_call(0)[:-1]
    wrote(store, Outcome(EXCHANGE, tuple(facts)))
    before = everything(store)
    assert list(rejudge(store, settings(**SHORT_RINGS))) == []
    assert everything(store) == before


def test_a_callers_number_is_neither_read_into_a_row_nor_lost(store: Database) -> None:
    wrote(store, *judged(answered_call(0)))
    list(rejudge(store, settings(**SHORT_RINGS)))
    with store.reading() as connection:
        data = connection.execute(text('SELECT data FROM "call"')).scalar_one()
    assert CALLER not in data
    (stored,) = calls.stored_calls(store, "1795527733.0", numbers=True)
    assert stored.account is not None
    assert stored.account.caller == CALLER


def test_a_daemon_that_writes_meanwhile_is_not_ousted(store: Database) -> None:
    sink = Writer(store, timedelta(milliseconds=10))
    try:
        sink.offer(judged(answered_call(0))[0])
        assert sink.flush(120)
        assert len(list(rejudge(store, settings(**SHORT_RINGS)))) == 1
        sink.offer(judged(answered_call(1))[0])
        assert sink.flush(120)
    finally:
        sink.close()
    assert counter_differences(store) == []


# ── figures and rows ──


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            """UPDATE counter SET value = value + 1 WHERE figure LIKE '["callmon_calls_total"%'""",
            ["callmon_calls_total general answered fr open: the counter is 2, the rows give 1."],
        ),
        (
            "DELETE FROM finding WHERE standard = 'reach_a_person'",
            ["callmon_verdicts_total reach_a_person general fr met: the counter is 1, the rows give 0."],
        ),
        (
            "DELETE FROM counter WHERE figure LIKE '%\"12.0\"%'",
            ["callmon_answer_wait_seconds general fr 12.0: the counter is 0, the rows give 1."],
        ),
    ],
    ids=["a figure too high", "a row gone", "a figure gone"],
)
def test_each_difference_between_figures_and_rows_is_a_sentence(
    store: Database, damage: str, said: list[str]
) -> None:
    wrote(store, *judged(answered_call(0)))
    assert counter_differences(store) == []
    with store.writing() as connection:
        connection.execute(text(damage.replace(":", "\\:")))
    assert counter_differences(store) == said


def test_a_correction_counted_without_a_moved_verdict_is_a_difference(store: Database) -> None:
    wrote(store, *judged(answered_call(0)))
    list(rejudge(store, settings(**SHORT_RINGS)))
    with store.writing() as connection:
        damage = f"""UPDATE counter SET value = 2 WHERE figure LIKE '["{CORRECTED.name}"%'"""
        connection.execute(text(damage))
    assert counter_differences(store) == [
        f"{CORRECTED.name} answer_by_third_ring general met: corrected by -2, and moved by -1.",
        f"{CORRECTED.name} answer_by_third_ring general not_met: corrected by 2, and moved by 1.",
    ]


def test_a_database_that_cannot_be_used_is_a_sentence_without_its_password(store: Database) -> None:
    wrote(store, *judged(answered_call(0)))
    with store.writing() as connection:
        connection.execute(text("DROP TABLE finding"))
    wanted = f"the database {store} cannot be used: "
    for failing in (lambda: list(rejudge(store, NOW)), lambda: counter_differences(store)):
        with pytest.raises(StoreError) as reported:
            failing()
        assert str(reported.value).startswith(wanted)
