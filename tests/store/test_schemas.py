"""A database of each schema that ever was is brought up to this one, with all that is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from callmon.config.settings import example
from callmon.store.database import Store, revision, upgrade
from callmon.store.maintenance import rejudge
from callmon.store.migrations import HEAD, KNOWN
from callmon.store.privacy import key_rotation
from callmon.store.queries import calls
from callmon.store.rollups import rebuild
from callmon.store.row_mapping import without_numbers
from tests.schemas import CALLS, GAP, HERE, OUTCOMES, made, restored
from tests.store_fixtures import CALLER, EXCHANGE, RING, account, answered_call, summed


def old(url: str, name: str, folder: Path) -> None:
    """SQLite: the dump that is kept. PostgreSQL: made by the same migrations, with the same rows."""
    if url.startswith("sqlite"):
        restored((HERE / f"{name}.sql").read_text(encoding="utf-8"), folder / "callmon.db")
    else:
        made(url, name)


def test_a_dump_of_each_schema_is_kept() -> None:
    assert sorted(path.stem for path in HERE.glob("*.sql")) == sorted(KNOWN)


@pytest.mark.parametrize("name", KNOWN)
def test_a_database_of_each_schema_keeps_its_calls_verdicts_figures_and_gaps(
    url: str, tmp_path: Path, name: str
) -> None:
    old(url, name, tmp_path)
    store = upgrade(url, RING)
    try:
        assert revision(store) == HEAD
        _holds_all(store)
        list(key_rotation.seal_what_is_in_the_clear(store))
        if name in ("r0001", "r0002"):  # numbers were in the clear then
            (call,) = calls.call(store, answered_call(0)[0].call, numbers=True)
            assert call.account is not None
            assert call.account.caller == CALLER
        rebuild.anew(store, example().timezone)
        list(rebuild.build(store))
        assert rejudge.differences(store) == []
        assert [line for day in rebuild.differences(store, example().timezone) for line in day] == []
    finally:
        store.close()


def _holds_all(store: Store) -> None:
    for number in range(CALLS):
        facts = answered_call(number)
        (stored,) = calls.call(store, facts[0].call)
        assert stored.account == without_numbers(account(facts))
        assert [type(fact) for fact in stored.facts] == [type(fact) for fact in facts]
        assert sorted(x.standard for x in stored.findings) == sorted(
            x.standard for outcome in OUTCOMES for x in outcome.findings if x.call == facts[0].call
        )
    assert list(calls.open_calls(store, EXCHANGE)) == [answered_call(CALLS)[0].call]
    assert calls.gaps(store, EXCHANGE) == [GAP]
    assert calls.counters(store) == summed(OUTCOMES)
