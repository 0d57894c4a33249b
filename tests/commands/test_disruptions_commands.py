"""`callmon disruptions`: what it lists, what it writes down, and the sentences with which it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from callmon.config.phone_numbers import NO_BREAK
from callmon.config.settings import example_text, load
from callmon.core.disruptions.commands import DisruptionCommand
from callmon.core.disruptions.disruption import Notice
from callmon.core.outcome import Heartbeat
from callmon.features import actions
from callmon.main import main
from callmon.store import opening
from callmon.store.commands import pending_disruption_commands
from callmon.store.database import Database
from callmon.store.queries import disruptions
from tests.commands.test_callback_commands import STILL_WAITS, WAITS
from tests.support.fact_builder import OTHER, Office
from tests.support.simulated_exchange import SimulatedExchange
from tests.support.store_fixtures import copy, wrote
from tests.unit.test_disruptions import well

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def desk(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> Iterator[Database]:
    """A database in which an exchange has been stopped for twenty minutes, and a configuration that names it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(actions, "PATIENCE_SECONDS", 0.1)
    (tmp_path / "callmon.toml").write_text(
        example_text().replace("sqlite:///callmon.db", f"sqlite:///{tmp_path}/callmon.db")
    )
    copy(sqlite_template, tmp_path / "callmon.db")
    store = opening.open_for_writing(load(tmp_path / "callmon.toml"))
    keep(store, well(now - 20 * MINUTE).shut_down().passes(1))
    yield store
    store.close()


def keep(store: Database, heard: SimulatedExchange) -> SimulatedExchange:
    wrote(store, *heard.outcomes)
    return heard


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["disruptions", *words])


def refused(*words: str) -> tuple[int, str]:
    done = run(*words)
    return done.exit_code, done.stderr.strip()


def asked(store: Database) -> DisruptionCommand:
    ((hand, _),) = pending_disruption_commands(store, 0)
    return hand


def name(store: Database) -> str:
    return disruptions.live_disruptions(store)[0].id


def test_the_list_says_what_is_missing_in_both_languages(desk: Database) -> None:
    french = run("list").output.replace(NO_BREAK, " ")
    assert "Perturbations en cours : 1" in french
    assert "  ■ Système téléphonique arrêté, depuis " in french
    assert "AVIS INCOMPLET, il manque : raison (en français et en anglais), services" in french
    english = run("list", "--lang", "en").output.replace(NO_BREAK, " ")
    assert "Disruptions now: 1" in english
    assert "NOTICE INCOMPLETE, missing: reason (in French and in English)" in english
    assert max(len(line) for line in (french + english).splitlines()) <= 80


def test_the_list_is_for_programs_too(desk: Database) -> None:
    (one,) = [json.loads(line) for line in run("list", "--json").output.splitlines()]
    assert (one["id"], one["state"], one["source"], one["calls_met"]) == (name(desk), "going_on", "exchange", 0)
    assert one["missing"] == ["reason_fr", "reason_en", "alternative_fr", "alternative_en", "until"]
    assert json.loads(run("list", "--json", "--line", "poci").output)["id"] == one["id"]
    assert run("list", "--json", "--state", "over").output == ""


TEXTS = ("--reason-fr", "panne de courant", "--reason-en", "power failure", "--alternative-fr",
         "composez le numéro sans frais", "--alternative-en", "call the toll-free number")  # fmt: skip


def test_the_only_disruption_is_announced_without_a_name(desk: Database, now: datetime) -> None:
    done = run("announce", *TEXTS, "--for", "2h", "--by", "m")
    assert (done.exit_code, done.stderr) == (0, WAITS["fr"])
    hand = asked(desk)
    assert (hand.action, hand.disruption, hand.actor, hand.lines) == ("announce", name(desk), "m", ())
    assert hand.notice == Notice(
        "panne de courant", "power failure", "composez le numéro sans frais", "call the toll-free number",
        now - 20 * MINUTE + timedelta(seconds=1) + 2 * HOUR,
    )  # fmt: skip


def test_work_is_planned_in_local_time_on_every_line(desk: Database) -> None:
    assert run("plan", "2099-12-01 02:00", "04:00", "--line", "all", *TEXTS, "--by", "m").exit_code == 0
    hand = asked(desk)
    assert (hand.action, len(hand.lines), hand.disruption) == ("plan", 6, "")
    assert (hand.start, hand.notice.until) == (
        datetime(2099, 12, 1, 7, tzinfo=UTC), datetime(2099, 12, 1, 9, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        (("announce", "--line", "poci", "--line", "tty"), {"action": "announce", "lines": ("poci", "tty")}),
        (("end",), {"action": "end", "when": None}),
        (("announce", "--reason-en", "  a  cut \n cable "), {"notice": Notice(reason_en="a cut cable")}),
        (("announce", "--reason-en", "a \x1bcut\x9b\u202e\x07"), {"notice": Notice(reason_en="a cut")}),
    ],
)
def test_what_is_asked_is_written_down_for_the_daemon(
    desk: Database, words: tuple[str, ...], fields: dict[str, Any]
) -> None:
    done = run(*words, "--by", "m")
    assert (done.exit_code, done.stdout) == (0, "")
    assert {key: getattr(asked(desk), key) for key in fields} == fields


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("plan 2099-12-01T02:00 04:00 --line all", "fr"),
        ("announce --line poci", "en"),
        ("announce --line poci --for 2h", "fr"),
        ("announce --line poci --until 2099-12-01T04:00", "en"),
        ("announce --reason-en x", "fr"),
        ("end", "en"),
    ],
)
def test_a_request_that_waits_already_is_said_to_wait_and_stays_alone(
    desk: Database, words: str, language: str
) -> None:
    done = [run(*words.split(), "--by", "m", "--lang", language) for _ in range(3)]
    assert [(one.exit_code, one.stdout) for one in done] == [(0, "")] * 3
    assert [one.stderr for one in done] == [WAITS[language], STILL_WAITS[language], STILL_WAITS[language]]
    assert len(pending_disruption_commands(desk, 0)) == 1


def test_another_request_is_no_repetition(desk: Database) -> None:
    asked_for = (
        "plan 2099-12-01T02:00 04:00 --line all", "plan 2099-12-02T02:00 04:00 --line all",
        "plan 2099-12-01T02:00 04:00 --line tty",
        "announce --line poci --for 2h", "announce --line poci --for 3h", "announce --reason-en x",
        "announce --reason-en y", "announce --reason-en x",
    )  # fmt: skip
    for words in asked_for:
        run(*words.split(), "--by", "m")
    assert len(pending_disruption_commands(desk, 0)) == len(asked_for)


def test_the_list_says_how_many_requests_it_does_not_show_yet(desk: Database) -> None:
    assert run("list").stderr == ""
    run("plan", "2099-12-01 02:00", "04:00", "--line", "all", "--by", "m")
    assert run("list").stderr == "Demandes qui attendent « callmon run » et qui ne figurent pas ici : 1.\n"
    reported = "Requests that wait for `callmon run` and are not shown here: 1.\n"
    assert run("list", "--lang", "en").stderr == reported


NO_TIME = 'write it as "10:12" (today) or "2026-11-24 10:12", in local time.'
# Besides those of refusals.toml.
REFUSALS = {
    "announce": (2, "Nothing to announce: add --reason-fr, --reason-en, --until or another part of the notice."),
    "announce --line tty --since 2020-01-01T10:00": (1, "That start is more than a year ago: check the year."),
    "announce --line tty --since 0001-01-01T10:00": (2, f"--since 0001-01-01T10:00: {NO_TIME}"),
    "announce --until 9999-12-31T23:59": (2, f"--until 9999-12-31T23:59: {NO_TIME}"),
    "announce --until 2020-01-01T10:00": (1, "The end must come after the start."),
    "end --at 2099-01-01T10:00": (1, "That time has not come yet; give a past time."),
    "end --at 2020-01-01T10:00": (1, "The disruption had not begun at that time; give a later time."),
    f"announce --reason-en {'x' * 301}": (2, "--reason-en has 301 characters; boards show 300 at most."),
}


@pytest.mark.parametrize("words", list(REFUSALS))
def test_what_cannot_be_done_is_refused_with_a_sentence(desk: Database, words: str) -> None:
    assert refused(*words.split(), "--by", "m", "--lang", "en") == REFUSALS[words]
    assert pending_disruption_commands(desk, 0) == []


def test_the_story_of_a_call_says_what_it_met(desk: Database) -> None:
    one, office = disruptions.live_disruptions(desk)[0], Office()
    office.hear(office.call_in(one.began + 5 * MINUTE), office.call_in(one.began - 5 * MINUTE, OTHER))
    wrote(desk, *office.outcomes)
    rows = {}
    for call in ("1700000001.0", "1700000002.0"):
        reported = explained(call, "--lang", "en").replace(NO_BREAK, " ")
        rows[call] = [
            line.split(maxsplit=1)[1] for line in reported.splitlines() if line.startswith("  Disruption ")
        ]
    assert rows == {"1700000001.0": [f"telephone system stopped ({one.id})"], "1700000002.0": []}
    met, other = (json.loads(explained(call, "--json")) for call in rows)
    assert (met["disruptions"], "disruptions" in other) == ([one.id], False)


def explained(*words: str) -> str:
    return CliRunner().invoke(main, ["explain", *words]).output


def test_a_change_of_nothing_and_of_a_start_that_has_passed_is_refused(desk: Database) -> None:
    assert refused("change", name(desk), "--by", "m", "--lang", "en") == (
        2, "Nothing to change: add --until, --since, --line or a text.",
    )  # fmt: skip
    assert refused("change", name(desk), "--by", "m", "--lang", "en", "--since", "2099-01-01 10:00") == (
        1, "Only planned work that has not begun can be given another start.",
    )  # fmt: skip


def test_which_one_is_asked_when_several_are_going_on_and_when_none_is(desk: Database, now: datetime) -> None:
    heard = keep(desk, well(now - HOUR).hand("announce", lines=("poci",), notice=Notice(reason_en="x")))
    status, reported = refused("end", "--by", "m", "--lang", "en")
    assert (status, reported) == (
        2,
        f"Several disruptions are in progress. Name one of {heard.one().id}, {name_of_exchange(desk)}.",
    )
    for one in disruptions.live_disruptions(desk):
        keep(desk, done(desk, one.id, now))
    assert refused("end", "--by", "m", "--lang", "en") == (
        2, "No disruption is in progress. For one that callmon cannot detect, name its lines with --line LINE.",
    )  # fmt: skip


def name_of_exchange(store: Database) -> str:
    return next(one.id for one in disruptions.live_disruptions(store) if one.source == "exchange")


def done(store: Database, which: str, now: datetime) -> SimulatedExchange:
    heard = SimulatedExchange(now)
    heard.kept = {one.id: one for one in disruptions.live_disruptions(store)}
    heard.restart()
    return heard.hand("end", which)


def test_one_begun_in_the_year_1_by_an_earlier_version_stops_no_list(desk: Database) -> None:
    begun = datetime(1, 1, 1, 5, 17, 32, tzinfo=UTC)
    with desk.writing() as connection:
        row = connection.execute(text("SELECT data FROM disruption")).scalar_one()
        reported = msgspec.json.decode(row) | {"began": begun}
        connection.execute(
            text("UPDATE disruption SET began = :at, data = :data"),
            {"at": (begun - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1),
             "data": msgspec.json.encode(reported).decode()},
        )  # fmt: skip
    done = run("list", "--lang", "en"), run("list", "--json")
    assert [one.exit_code for one in done] == [0, 0]
    assert json.loads(done[1].stdout)["id"] == name(desk)


# The public notice.


def published(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8").replace(NO_BREAK, " ")


@pytest.mark.parametrize(("ago", "is_heard"), [(None, False), (HOUR, False), (timedelta(0), True)])
def test_the_published_notice_says_whether_callmon_hears_the_exchange(
    desk: Database, now: datetime, tmp_path: Path, ago: timedelta | None, is_heard: bool
) -> None:
    keep(desk, done(desk, name(desk), now))
    if ago is not None:
        wrote(desk, Heartbeat("toronto", now - ago))  # type: ignore[arg-type]  # heartbeats too
    made = run("publish", str(tmp_path))
    assert (made.exit_code, made.output) == (0, "")
    assert json.loads(published(tmp_path, "disruptions.json")) | {"updated": ""} == {
        "updated": "", "heard": is_heard, "disruptions": [],
    }  # fmt: skip
    said = {x: x in published(tmp_path, "disruptions.html") for x in ("No disruption is known", "is interrupted")}
    assert said == {"No disruption is known": is_heard, "is interrupted": not is_heard}


def test_the_published_notice_has_the_disruptions_of_the_database(
    desk: Database, now: datetime, tmp_path: Path
) -> None:
    keep(desk, well(now - HOUR).hand("announce", lines=("poci",), notice=Notice("grève", "strike")))
    assert run("publish", str(tmp_path)).exit_code == 0
    reported = json.loads(published(tmp_path, "disruptions.json"))["disruptions"]
    assert [[line["line"] for line in one["lines"]] for one in reported] == [["poci"], [line.name for line in load(
        tmp_path / "callmon.toml").lines()]]  # fmt: skip
    assert [one["reason"] for one in reported] == [{"fr": "grève", "en": "strike"}, None]
    assert "Motif : grève" in published(tmp_path, "index.html")


def test_the_folder_of_the_public_notice_is_made(desk: Database, tmp_path: Path) -> None:
    assert run("publish", f"{tmp_path}/none/notice").exit_code == 0
    assert json.loads(published(tmp_path / "none/notice", "disruptions.json"))["heard"] is False
