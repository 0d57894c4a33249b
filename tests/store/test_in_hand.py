"""Who has a callback in hand (R-47): taken, given back, shown to whoever must know, and to nobody else."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from callmon.config.settings import load
from callmon.core.callbacks.index import summary_of
from callmon.sinks.mqtt import topics
from callmon.store import opening
from callmon.store.queries import obligations
from callmon.store.queries.obligations import WorklistItem
from callmon.text.lists import CallbackList, obligation_as_json
from tests.commands.test_callback_commands import desk, refused, run
from tests.support.fact_builder import OTHER, Office, local, usual
from tests.support.store_fixtures import Daemon, wrote
from tests.unit.test_metrics import page, read, value

__all__ = ["desk"]  # a fixture
TUESDAY = local("2026-11-24 10:00")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
OVERDUE = TUESDAY + 25 * HOUR


def office_with_callback() -> Office:
    office = Office()
    return office.hear(office.message(TUESDAY, language="fr"))


def refusals(office: Office) -> list[str]:
    return [entry.why for entry in office.entries if type(entry).__name__ == "Refused"]  # type: ignore[attr-defined]


def gauge(office: Office, name: str, line: str = "general", language: str = "fr") -> float | None:
    values = read(page(Daemon(shelf=office.monitor.ledger.index), {}))
    return value(values, f"callmon_callbacks_{name}", line=line, language=language)


def test_what_is_taken_has_a_holder_until_it_is_given_back() -> None:
    office = office_with_callback().hand("take", TUESDAY + HOUR)
    assert (office.one().in_hand, office.one().taken) == ("m.tremblay", TUESDAY + HOUR)
    office.hand("release", TUESDAY + 2 * HOUR, actor="a.roy")
    assert (office.one().in_hand, office.one().taken) == (None, None)
    assert office.story() == ["Owed", "Taken", "Released"]


def test_who_has_it_may_take_it_again_and_nobody_else_may() -> None:
    office = office_with_callback().hand("take", TUESDAY + HOUR).hand("take", TUESDAY + 2 * HOUR)
    office.hand("take", TUESDAY + 3 * HOUR, actor="a.roy")
    assert (office.one().in_hand, office.one().taken) == ("m.tremblay", TUESDAY + 2 * HOUR)
    assert refusals(office) == ["taken"]


def test_nobodys_cannot_be_given_back_and_closed_not_be_taken() -> None:
    office = office_with_callback().hand("release", TUESDAY + MINUTE)
    office.hand("close", TUESDAY + HOUR, reason="no_request")
    office.hand("take", TUESDAY + 2 * HOUR).hand("release", TUESDAY + 2 * HOUR)
    assert refusals(office) == ["not_taken", "not_open", "not_open"]


def test_the_person_who_took_it_stays_over_a_restart() -> None:
    office = office_with_callback().hand("take", TUESDAY + HOUR).restart()
    assert gauge(office, "in_hand") == 1
    office.hand("take", TUESDAY + 2 * HOUR, actor="a.roy")
    assert (office.one().in_hand, refusals(office)) == ("m.tremblay", ["taken"])


@pytest.mark.parametrize("how", ["a call", "a closing"])
def test_what_is_settled_is_in_nobodys_hand_also_when_it_is_opened_again(how: str) -> None:
    office = office_with_callback().hand("take", TUESDAY + HOUR)
    if how == "a call":
        office.hear(office.call_out(TUESDAY + 2 * HOUR))
    else:
        office.hand("close", TUESDAY + 2 * HOUR, reason="no_request")
    assert office.one().in_hand is None
    office.hand("reopen", TUESDAY + 3 * HOUR, text="wrong one")
    assert (office.one().state, office.one().in_hand) == ("open", None)


def test_what_is_in_hand_stays_due_and_falls_overdue_and_is_judged_alike() -> None:
    office = office_with_callback().hand("take", TUESDAY + HOUR).tick(OVERDUE)
    assert office.one().is_overdue
    assert [gauge(office, name) for name in ("open", "overdue", "in_hand", "overdue_untaken")] == [1, 1, 1, 0]
    assert office.verdicts() == [("not_met", "not_called_back")]


def test_overdue_and_in_nobodys_hand_is_counted_for_the_lead() -> None:
    office = office_with_callback()
    assert [gauge(office, name) for name in ("in_hand", "overdue_untaken")] == [0, 0]
    office.tick(OVERDUE)
    assert gauge(office, "overdue_untaken") == 1
    office.hand("take", OVERDUE + MINUTE)
    assert gauge(office, "overdue_untaken") == 0
    office.hand("release", OVERDUE + 2 * MINUTE)
    assert gauge(office, "overdue_untaken") == 1


def test_boards_are_reported_whether_and_never_who() -> None:
    office = office_with_callback()
    before = summary_of(office.one())
    office.hand("take", TUESDAY + HOUR)
    after = summary_of(office.one())
    assert before is not None
    assert after is not None
    reported = [json.loads(topics.of_callback(each)) for each in (before, after)]
    assert reported[1] == reported[0] | {"in_hand": True}
    assert "tremblay" not in str(reported)


@pytest.mark.parametrize(
    ("language", "expected"),
    [("fr", "    Prise en charge par m.tremblay, mardi 11 h"), ("en", "    In hand: m.tremblay, Tuesday 11 a.m.")],
)
def test_the_list_says_who_and_since_when(language: str, expected: str) -> None:
    office = office_with_callback().hand("take", TUESDAY + HOUR)
    text = "\n".join(
        CallbackList(usual(), language, TUESDAY + 2 * HOUR).entry(WorklistItem(office.one(), OTHER, None))
    )
    assert expected in text.replace("\N{NO-BREAK SPACE}", " ").splitlines()


def test_the_list_for_programs_says_it_too() -> None:
    office = office_with_callback()
    assert obligation_as_json(WorklistItem(office.one(), None, None))["in_hand"] is None
    office.hand("take", TUESDAY + HOUR)
    reported = obligation_as_json(WorklistItem(office.one(), None, None))["in_hand"]
    assert reported == {"by": "m.tremblay", "since": "2026-11-24T16:00:00.000000Z"}


# ── the commands ──


def taken(store_path: Path) -> None:
    """The first entry of the desk, by m."""
    store = opening.open_with_keys(load(store_path / "callmon.toml"))
    office = Office()
    (one,) = obligations.obligations(store, ids=["1700000001.0"])
    office.monitor.ledger.restore([one.obligation])
    office.kept[one.obligation.key] = one.obligation
    office._hands = -1  # asked for by no row of the database
    office.hand("take", one.obligation.opened + HOUR, actor="m")
    wrote(store, *office.outcomes)
    store.close()


def test_what_a_colleague_has_is_refused_and_not_among_the_untaken(desk: object, tmp_path: Path) -> None:
    taken(tmp_path)
    assert refused("take", "1700000001.0", "--by", "a.roy", "--lang", "en") == (
        1,
        "Somebody else has it in hand (`callmon callbacks list` says who); if they are away, release it first.",
    )
    left = [json.loads(line)["id"] for line in run("list", "--json", "--untaken").output.splitlines()]
    assert left == ["1700000002.0"]
