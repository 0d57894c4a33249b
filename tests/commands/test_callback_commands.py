"""`callmon callbacks`: what it lists, what it writes down, and the sentences with which it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from callmon.cli import common
from callmon.config.settings import example_text, load
from callmon.core.callbacks import commands
from callmon.core.callbacks.commands import CallbackCommand
from callmon.features import actions
from callmon.main import main
from callmon.store import opening
from callmon.store.commands import pending_callback_commands, queue_callback_command
from callmon.store.database import Database
from callmon.store.privacy import subject_access
from tests.support.fact_builder import CALLER, OTHER, Office
from tests.support.store_fixtures import copy, wrote

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
OPENED = datetime(2026, 10, 6, 14, tzinfo=UTC)


@pytest.fixture
def desk(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database with two callbacks to make, one of them in French, and a configuration that names it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(actions, "PATIENCE_SECONDS", 0.1)
    (tmp_path / "callmon.toml").write_text(
        example_text().replace("sqlite:///callmon.db", f"sqlite:///{tmp_path}/callmon.db")
    )
    copy(sqlite_template, tmp_path / "callmon.db")
    store = opening.open_for_writing(load(tmp_path / "callmon.toml"))
    office = Office()
    office.hear(
        office.message(OPENED, language="fr"), office.message(OPENED + HOUR, OTHER, "poci"),
        office.call_in(OPENED + HOUR, OTHER),
    )  # fmt: skip
    wrote(store, *office.outcomes)
    yield store
    store.close()


def run(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, ["callbacks", *words], input=typed)


WAITS = {
    "fr": "Demande notée; elle attend « callmon run », qui n’est pas en marche ou ne répond pas.\n",
    "en": "Request noted; it waits for `callmon run`, which is not running or does not answer.\n",
}
STILL_WAITS = {
    "fr": "La même demande attend déjà « callmon run », qui n’est pas en marche ou ne répond pas; elle n’est "
    "pas notée une deuxième fois.\n",
    "en": "The same request waits already for `callmon run`, which is not running or does not answer; it is not "
    "noted a second time.\n",
}


def refused(*words: str) -> tuple[int, str]:
    done = run(*words)
    return done.exit_code, done.stderr.strip()


def test_numbers_that_are_shown_are_in_the_log_of_accesses(desk: Database) -> None:
    run("list", "--json")
    run("list", "--kind", "complaint")
    shown = subject_access.accesses(desk)
    assert [(access.command, access.purpose, access.found) for access in shown] == [
        ("callbacks", "to call back", 2)
    ]


def test_the_list_is_for_people_or_for_programs(desk: Database) -> None:
    found = [json.loads(line) for line in run("list", "--json").output.splitlines()]
    assert [(x["id"], x["number"], x["state"], x["language"], x["line"]) for x in found] == [
        ("1700000001.0", CALLER, "open", "fr", "general"), ("1700000002.0", OTHER, "open", "unknown", "poci"),
    ]  # fmt: skip
    text = run("list", "--lang", "en").output
    assert text.index("416-555-0101") < text.index("416-555-0102")


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (("--line", "poci"), ["1700000002.0"]),
        (("--service", "general_inquiries"), ["1700000001.0"]),
        (("--language", "fr"), ["1700000001.0"]),
        (("--kind", "complaint"), []),
        (("--overdue",), []),
        (("--state", "closed"), []),
        (("--state", "all"), ["1700000001.0", "1700000002.0"]),
    ],
)
def test_the_list_can_be_narrowed(desk: Database, words: tuple[str, ...], ids: list[str]) -> None:
    assert [json.loads(line)["id"] for line in run("list", "--json", *words).output.splitlines()] == ids


def test_who_did_it_is_asked_where_nobody_is_known(desk: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common.getpass, "getuser", lambda: "root")
    monkeypatch.delenv("SUDO_USER", raising=False)
    words = ("close", "1700000001.0", "--reason", "no-request")
    assert refused(*words, "--lang", "en") == (
        2,
        "The acting person is unknown. Add --by NAME: the ledger records it.",
    )
    monkeypatch.setenv("SUDO_USER", "m.tremblay")
    assert run(*words).exit_code == 0
    assert asked(desk).actor == "m.tremblay"


def asked(store: Database) -> CallbackCommand:
    ((hand, _),) = pending_callback_commands(store, 0, str)
    return hand


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        (
            ("close", "--reason", "no-request", "--text", "wrong number"),
            {"action": "close", "reason": "no_request"},
        ),
        (("attempt", "--result", "message-left"), {"action": "attempt", "result": "message_left"}),
        (("mark", "--no-message", "--not-safe"), {"action": "mark", "cautions": ("no_message", "not_safe")}),
        (("mark", "--number"), {"action": "mark", "other_number": True, "token": "+14165550103"}),
    ],
)
def test_what_is_asked_is_written_down_for_the_daemon(
    desk: Database, words: tuple[str, ...], fields: dict[str, Any]
) -> None:
    done = run(words[0], "1700000001.0", *words[1:], "--by", "m", "--lang", "en", typed="416 555-0103\n")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", WAITS["en"])
    hand = asked(desk)
    assert {name: getattr(hand, name) for name in fields} == fields
    assert (hand.actor, hand.obligation) == ("m", "1700000001.0")


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("close 1700000001.0 --reason no-request", "fr"),
        ("attempt 1700000001.0 --result no-answer", "en"),
        ("attempt 1700000001.0 --result spoke --at 2026-01-02T10:12", "fr"),
        ("reopen 1700000001.0 --reason x", "en"),
        ("take 1700000001.0", "fr"),
        ("mark 1700000001.0 --not-safe", "en"),
        ("mark 1700000001.0 --number", "fr"),
        ("complaint 1700000003.0", "en"),
    ],
)
def test_a_request_that_waits_already_is_said_to_wait_and_stays_alone(
    desk: Database, monkeypatch: pytest.MonkeyPatch, words: str, language: str
) -> None:
    monkeypatch.setattr(commands, "validate", lambda *_: None)  # each can be done to this entry
    given = (*words.split(), "--by", "m", "--lang", language)
    done = [run(*given, typed="416 555-0103\n") for _ in range(3)]
    assert [one.exit_code for one in done] == [0, 0, 0]
    assert [one.stderr for one in done] == [WAITS[language], STILL_WAITS[language], STILL_WAITS[language]]
    assert len(pending_callback_commands(desk, 0, str)) == 1


def test_another_request_is_no_repetition(desk: Database) -> None:
    for words in ("take 1700000001.0", "release 1700000001.0", "take 1700000001.0", "take 1700000002.0"):
        action, name = words.split()
        hand = CallbackCommand(at=OPENED, actor="m", action=action, exchange="toronto", obligation=name)  # type: ignore[arg-type]
        queue_callback_command(desk, hand)
    for minutes in (0, 0.5, 3):
        at = OPENED + minutes * MINUTE
        queue_callback_command(desk, CallbackCommand(at=at, actor="m", action="attempt", exchange="toronto",
                                          obligation="1700000001.0", result="no_answer"))  # fmt: skip
    for number in (OTHER, OTHER, CALLER):
        by_hand = CallbackCommand(
            at=OPENED, actor="m", action="mark", exchange="toronto", obligation="1700000001.0", other_number=True
        )
        queue_callback_command(desk, by_hand, number)
    assert [(hand.action, hand.obligation[9]) for hand, _ in pending_callback_commands(desk, 0, str)] == [
        ("take", "1"), ("release", "1"), ("take", "1"), ("take", "2"),
        ("attempt", "1"), ("attempt", "1"), ("mark", "1"), ("mark", "1"),
    ]  # fmt: skip


def test_the_list_says_how_many_requests_it_does_not_show_yet(desk: Database) -> None:
    assert run("list").stderr == ""
    run("take", "1700000001.0", "--by", "m")
    run("take", "1700000002.0", "--by", "m")
    assert run("list").stderr == "Demandes qui attendent « callmon run » et qui ne figurent pas ici : 2.\n"
    reported = "Requests that wait for `callmon run` and are not shown here: 2.\n"
    assert run("list", "--lang", "en", "--json").stderr == reported


@pytest.mark.parametrize("words", ["close 9.9", "attempt 9.9", "mark 9.9", "mark 9.9 --number"])
def test_a_missing_entry_is_reported_before_anything_else_is_asked(desk: Database, words: str) -> None:
    reported = "There is no entry of this name; `callmon callbacks list` gives them."
    assert refused(*words.split(), "--by", "m", "--lang", "en") == (1, reported)


def test_another_number_that_is_none_is_refused(desk: Database) -> None:
    done = run("mark", "1700000001.0", "--number", "--by", "m", "--lang", "en", typed="12\n")
    reported = '"12" is not a telephone number; write it as "416 327-2422".\n'
    assert (done.exit_code, done.stderr, pending_callback_commands(desk, 0, str)) == (2, reported, [])


def test_a_stored_call_is_marked_as_a_complaint(desk: Database) -> None:
    assert run("complaint", "1700000003.0", "--by", "m").exit_code == 0
    hand = asked(desk)
    assert hand.received is not None
    assert (hand.obligation, hand.received.line, hand.token) == ("1700000003.0-complaint", "general", OTHER)
