"""`callmon callbacks`: what it lists, what it writes down, and the sentences with which it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from callmon import callback_commands
from callmon.callbacks.hand import Hand
from callmon.cli import main
from callmon.settings import example_text, load
from callmon.store import keyed, ledger, people
from callmon.store.engine import Store
from tests.office import CALLER, OTHER, Office
from tests.store_fixtures import database

HOUR = timedelta(hours=1)
OPENED = datetime.now(UTC).replace(microsecond=0) - 3 * HOUR


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A database with two callbacks to make, one of them in French, and a configuration that names it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(callback_commands, "PATIENCE_SECONDS", 0.1)
    (tmp_path / "callmon.toml").write_text(
        example_text().replace("sqlite:///callmon.db", f"sqlite:///{tmp_path}/callmon.db")
    )
    store = keyed.ready(load(tmp_path / "callmon.toml"))
    office = Office()
    office.hear(
        office.message(OPENED, language="fr"), office.message(OPENED + HOUR, OTHER, "poci"),
        office.call_in(OPENED + HOUR, OTHER),
    )  # fmt: skip
    with database(store) as sink:
        for outcome in office.outcomes:
            sink.offer(outcome)
        assert sink.flush(20)
    return store


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["callbacks", *words])


def refused(*words: str) -> tuple[int, str]:
    done = run(*words)
    return done.exit_code, done.stderr.strip()


def test_numbers_that_are_shown_are_in_the_log_of_accesses(desk: Store) -> None:
    run("list", "--json")
    run("list", "--kind", "complaint")
    shown = people.accesses(desk)
    assert [(access.look.command, access.look.purpose, access.found) for access in shown] == [
        ("callbacks", "to call back", 2)
    ]


def test_the_list_is_for_people_or_for_programs(desk: Store) -> None:
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
def test_the_list_can_be_narrowed(desk: Store, words: tuple[str, ...], ids: list[str]) -> None:
    assert [json.loads(line)["id"] for line in run("list", "--json", *words).output.splitlines()] == ids


SPOKE = "attempt 1700000001.0 --result spoke"
REFUSALS = {
    "close 1700000001.0": (
        2, "Why is it closed? Add --reason: no-request, unreachable, listened, answered, otherwise.",
    ),
    "close 1700000001.0 --reason otherwise": (1, "Say why, in a few words."),
    "close 9.9 --reason no-request": (
        1, "There is no entry of this name; `callmon callbacks list` gives them.",
    ),
    "close 1700000001.0 --reason unreachable": (
        1,
        "Not enough attempts, or not on enough different days, to conclude that the person cannot be reached; "
        "call again, on another day.",
    ),
    "reopen 1700000001.0 --reason x": (1, "The entry is open already."),
    "attempt 1700000001.0": (2, "What came of the call? Add --result: spoke, message-left, no-answer."),
    f"{SPOKE} --at noon": (
        2, '--at noon: write it as "10:12" (today) or "2026-11-24 10:12", in local time.',
    ),
    f"{SPOKE} --at 2020-01-01T10:00": (1, "That call was before the message: it is no callback of it."),
    f"{SPOKE} --at 2120-01-01T10:00": (1, "That time has not come yet."),
    "mark 1700000001.0": (2, "Nothing to mark: add --no-message, --not-safe or --number NUMBER."),
    "mark 1700000001.0 --number 12": (2, '--number 12 is no telephone number; write it as "416 327-2422".'),
    "complaint 9.9": (1, "No ended call 9.9 is stored; it is named by its caller's Uniqueid."),
}  # fmt: skip


@pytest.mark.parametrize("words", list(REFUSALS))
def test_what_cannot_be_done_is_refused_with_a_sentence(desk: Store, words: str) -> None:
    assert refused(*words.split(), "--by", "m", "--lang", "en") == REFUSALS[words]
    assert ledger.asked(desk, 0, str) == []


def test_who_did_it_is_asked_where_nobody_is_known(desk: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback_commands.getpass, "getuser", lambda: "root")
    monkeypatch.delenv("SUDO_USER", raising=False)
    words = ("close", "1700000001.0", "--reason", "no-request")
    assert refused(*words) == (2, "Who did it? Add --by NAME: the ledger keeps it.")
    monkeypatch.setenv("SUDO_USER", "m.tremblay")
    assert run(*words).exit_code == 0
    assert asked(desk).actor == "m.tremblay"


def asked(store: Store) -> Hand:
    ((hand, _),) = ledger.asked(store, 0, str)
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
        (("mark", "--number", "416 555-0103"), {"action": "mark", "other_number": True, "token": "+14165550103"}),
    ],
)
def test_what_is_asked_is_written_down_for_the_daemon(
    desk: Store, words: tuple[str, ...], fields: dict[str, Any]
) -> None:
    done = run(words[0], "1700000001.0", *words[1:], "--by", "m")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "Written down; it is done as soon as `callmon run` runs.\n"
    hand = asked(desk)
    assert {name: getattr(hand, name) for name in fields} == fields
    assert (hand.actor, hand.obligation) == ("m", "1700000001.0")


def test_a_stored_call_is_marked_as_a_complaint(desk: Store) -> None:
    assert run("complaint", "1700000003.0", "--by", "m").exit_code == 0
    hand = asked(desk)
    assert hand.received is not None
    assert (hand.obligation, hand.received.line, hand.token) == ("1700000003.0-complaint", "general", OTHER)
