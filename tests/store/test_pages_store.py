"""What the pages ask the database, on SQLite and PostgreSQL alike: a part at a time, each call once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from callmon.core.callbacks.obligation import Obligation
from callmon.features.calls import search as call_search
from callmon.features.calls.search import SHOWN, CallFilter
from callmon.store.database import Database
from callmon.store.queries import obligations
from tests.support.fact_builder import OTHER, Office, local
from tests.support.store_fixtures import START, answered_call, outcomes, wrote

COUNT = 2 * SHOWN + 20
WHOLE = CallFilter(START, START + timedelta(days=1))


@pytest.fixture
def filled(store: Database) -> Database:
    """A hundred and twenty calls, a second apart."""
    wrote(store, *(outcome for number in range(COUNT) for outcome in outcomes(answered_call(number))))
    return store


def every_part(store: Database, wanted: CallFilter) -> list[list[str]]:
    """The calls of each part, to the end."""
    found, after = [], None
    while True:
        part = call_search.search_calls(store, wanted, after)
        found.append([call.call for call in part.calls])
        if (after := part.next) is None:
            return found


def test_the_parts_of_a_day_hold_each_call_once_the_latest_first(filled: Database) -> None:
    found = every_part(filled, WHOLE)
    names = [name for part in found for name in part]
    assert [len(part) for part in found] == [SHOWN, SHOWN, 20]
    assert names == [answered_call(number)[0].call for number in reversed(range(COUNT))]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"line": "general"}, COUNT), ({"line": "tty"}, 0),
        ({"outcome": "answered"}, COUNT), ({"outcome": "busy"}, 0),
        ({"standard": "reach_a_person"}, COUNT), ({"standard": "reach_a_person", "verdict": "met"}, COUNT),
        ({"standard": "reach_a_person", "verdict": "not_met"}, 0), ({"standard": "one_transfer_at_most"}, 0),
    ],
)  # fmt: skip
def test_a_search_finds_what_is_asked_for_and_nothing_else(
    filled: Database, wanted: dict[str, str], count: int
) -> None:
    found = every_part(filled, CallFilter(WHOLE.begin, WHOLE.end, **wanted))
    assert sum(map(len, found)) == count


def test_where_few_of_many_are_wanted_the_search_goes_on(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_search, "SCAN", 30)
    found = every_part(filled, CallFilter(WHOLE.begin, WHOLE.end, outcome="answered"))
    assert [len(part) for part in found] == [30, 30, 30, 30, 0]
    assert len({name for part in found for name in part}) == COUNT


@pytest.mark.parametrize("after", ["", "x", "1-", "-1", "99999999999999999-x", "1795527733000000", "٣-x"])
def test_a_cursor_that_nobody_wrote_leads_nowhere_bad(filled: Database, after: str) -> None:
    assert len(call_search.search_calls(filled, WHOLE, after).calls) <= SHOWN


def test_the_worklist_is_by_the_last_moment_to_act_and_can_be_narrowed(store: Database) -> None:
    office = Office()
    office.hear(
        office.message(local("2026-11-24 11:00"), OTHER, "poci"),
        office.message(local("2026-11-24 10:00"), language="fr"),
    )
    wrote(store, *office.outcomes)

    def lines(found: list[Obligation]) -> list[str]:
        return [one.line for one in found]

    assert lines(obligations.worklist(store).entries) == ["general", "poci"]
    assert lines(obligations.worklist(store, line="poci").entries) == ["poci"]
    assert lines(obligations.worklist(store, language="fr").entries) == ["general"]
    assert obligations.worklist(store, service="none").whole == 0
