"""What roll-ups hold is what the rows of calls add up to, whoever wrote them, in whatever pieces."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from callmon.backfill import apply
from callmon.config.settings import Settings, parse
from callmon.core import facts as f
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.statistics import period
from callmon.daemon.tasks import roll_up
from callmon.features.months.model import Report
from callmon.features.months.request import gathered
from callmon.main import main
from callmon.store.database import Database, upgrade
from callmon.store.rejudge import rejudge
from callmon.store.rollups import rebuild, update
from callmon.store.rollups.update import Key, Rollup
from callmon.store.tables import CALL, ROLLUP
from callmon.store.writer.transaction import BatchId, write_batch
from tests.support import year
from tests.support.examples import examples
from tests.support.store_fixtures import EXCHANGE, answered_call, outcomes, wrote
from tests.support.year import TORONTO
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

LATER = datetime(2025, 6, 1, tzinfo=UTC)
VANCOUVER = ZoneInfo("America/Vancouver")
OTHER_RULES = "\n[standards.answer_by_third_ring]\nrings = 1\n[standards.one_transfer_at_most]\ntransfers = 0\n"


def near_midnight(random: Random) -> datetime:
    """Of a week in March in which the clocks change: in hours, or within four minutes of a day's end."""
    hours = random.choice((0, 0, 9))
    return datetime(2024, 3, random.randrange(8, 13), 4, 58, tzinfo=UTC) + timedelta(
        hours=hours, minutes=random.uniform(0, 4)
    )


POOL = [facts for facts, _ in year_stories.calls(60, seed=5, at=near_midnight)]
NOW = Monitor(year.settings(), token=str)
OTHERWISE = Monitor(year.settings(more=OTHER_RULES), token=str)


def stored(store: Database) -> dict[Key, tuple[object, ...]]:
    """The roll-ups as they are kept, without those of which nothing is left."""
    with store.reading() as connection:
        found = [update.decode_row(row) for row in connection.execute(ROLLUP.select())]
    return {key: one.row(key) for key, one in found if one.stored}


def counted(store: Database, zone: ZoneInfo = TORONTO) -> dict[Key, tuple[object, ...]]:
    """What the rows of now add up to."""
    cells: dict[Key, Rollup] = {}
    with store.reading() as connection:
        rebuild.count_calls(connection, CALL.c.arrived.is_not(None), zone, cells)
    return {key: one.row(key) for key, one in cells.items()}


def emptied(store: Database) -> None:
    with store.writing() as connection:
        for table in ("call", "finding", "fact", "open_call", "number", "counter", "hand", "ledger", "obligation"):
            connection.execute(text(f'DELETE FROM "{table}"'))
    rebuild.reset_rollups(store, TORONTO)


def pieces(number: int, cut: int, late: int, is_test: bool) -> list[Outcome]:
    """One call as it is told: some verdicts before its end, `late` of them after it."""
    facts = POOL[number]
    if is_test:
        assert isinstance(facts[0], f.Arrived)
        facts = [msgspec.structs.replace(facts[0], test=True), *facts[1:]]
    whole = NOW.retell(EXCHANGE, facts)
    assert whole is not None
    findings = whole.findings
    early, rest = findings[: cut % (len(findings) + 1)], findings[cut % (len(findings) + 1) :]
    behind = rest[:late]
    return [
        Outcome(EXCHANGE, whole.facts[:2], early),
        Outcome(EXCHANGE, whole.facts[2:], rest[late:], whole.calls),
        *([Outcome(EXCHANGE, (), behind)] if behind else []),
    ]


def put(store: Database, items: list[Outcome]) -> None:
    """One group, as the process that writes puts it into the database."""
    with store.writing() as connection:
        number = int(connection.execute(text("SELECT batch FROM writer")).scalar_one())
        write_batch(connection, BatchId(number + 1, "a token"), items, store.ring)


class RollupHistory:
    """What happens to one database, step by step."""

    def __init__(self, store: Database) -> None:
        self.store, self.zone = store, TORONTO
        emptied(store)

    def hear(self, calls: list[tuple[int, int, int, bool]], together: int) -> None:
        """Calls that the daemon heard, so many outcomes a group; one that is known already is told again."""
        reported = [one for call in calls for one in pieces(*call)]
        for begin in range(0, len(reported), together):
            put(self.store, reported[begin : begin + together])

    def fill(self, calls: list[int]) -> None:
        """A backfill of what CEL tells of these: without the gap in which it was unheard."""
        rows = {}
        for number in calls:
            facts = [fact for fact in POOL[number] if not isinstance(fact, f.Unheard)]
            rows[facts[0].call] = facts
        list(apply.fill(self.store, NOW, EXCHANGE, rows, LATER))

    def rejudge(self, otherwise: bool) -> None:
        list(rejudge(self.store, OTHERWISE if otherwise else NOW, chunk=4))

    def anew(self, steps: int, elsewhere: bool) -> None:
        """Roll-ups are made again, and whoever makes them is ended after some steps."""
        self.zone = VANCOUVER if elsewhere else TORONTO
        rebuild.reset_rollups(self.store, self.zone)
        list(islice(rebuild.rebuild_rollups(self.store, chunk=3, pause=0), steps))

    def done(self) -> None:
        list(rebuild.rebuild_rollups(self.store, chunk=3, pause=0))


CALLS = st.integers(0, len(POOL) - 1)
STEPS = st.one_of(
    st.tuples(
        st.just("hear"),
        st.lists(st.tuples(CALLS, st.integers(0, 9), st.integers(0, 3), st.booleans()), min_size=1, max_size=6),
        st.integers(1, 12),
    ),
    st.tuples(st.just("fill"), st.lists(CALLS, min_size=1, max_size=6)),
    st.tuples(st.just("rejudge"), st.booleans()),
    st.tuples(st.just("anew"), st.integers(0, 4), st.booleans()),
)


def test_after_any_history_roll_ups_are_what_the_rows_add_up_to(store: Database) -> None:
    @settings(max_examples=examples(40), deadline=None)
    @given(st.lists(STEPS, max_size=8))
    def check(steps: list[tuple[Any, ...]]) -> None:
        history = RollupHistory(store)
        for name, *how in steps:
            getattr(history, name)(*how)
            with store.reading() as connection:
                is_whole = update.rollup_state(connection).is_whole(history.zone)
            if is_whole:
                assert stored(store) == counted(store, history.zone)
        history.done()
        assert stored(store) == counted(store, history.zone)
        assert [x for x in rebuild.rollup_differences(store, history.zone) if x] == []

    check()


# ── what is not ours, or not true any more ──


@pytest.mark.parametrize("change", [{"line": None}, {"direction": "outbound"}])
def test_a_call_of_no_public_line_is_stored_and_in_no_figure(
    sqlite_store: Database, change: dict[str, Any]
) -> None:
    rebuild.ensure_rollups(sqlite_store, TORONTO)
    arrival, *others = answered_call(0)
    put(sqlite_store, outcomes([msgspec.structs.replace(arrival, **change), *others]))
    with sqlite_store.reading() as connection:
        found = [update.decode_row(row) for row in connection.execute(ROLLUP.select())]
    assert [(*key[1:3], one.stored, one.calls) for key, one in found] == [("", "", 1, 0)]


def heard(store: Database, numbers: Sequence[int] = range(30)) -> None:
    """Calls that a daemon wrote; their roll-ups are kept if the store keeps any."""
    put(store, [one for number in numbers for one in pieces(number, 1, 0, is_test=False)])


def report(store: Database, given: Settings) -> Report:
    year_rows.listened(store, datetime(2024, 1, 1, tzinfo=UTC), LATER)
    return gathered(store, given, period.month("2024-03", given.timezone), LATER, compare=False)


def test_calls_older_than_the_roll_ups_are_rolled_up_in_any_pieces(store: Database) -> None:
    heard(store)
    assert (rebuild.count_missing(store), stored(store)) == (30, {})
    assert list(rebuild.rebuild_rollups(store)) == []  # in which zone is not known yet
    rebuild.ensure_rollups(store, TORONTO)
    assert sum(rebuild.rebuild_rollups(store, chunk=7, pause=0)) == 30
    assert (rebuild.count_missing(store), stored(store)) == (0, counted(store))
    assert sum(one[4] for one in counted(store).values()) == 30


def test_calls_that_arrived_at_one_moment_are_rolled_up_together(store: Database) -> None:
    heard(store)
    with store.writing() as connection:
        connection.execute(text('UPDATE "call" SET arrived = 1709960400000000'))
    rebuild.ensure_rollups(store, TORONTO)
    assert list(rebuild.rebuild_rollups(store, chunk=4, pause=0)) == [30]


def test_the_report_is_the_same_from_roll_ups_and_from_the_calls(store: Database) -> None:
    given = year.settings()
    heard(store)
    from_calls = report(store, given)
    rebuild.ensure_rollups(store, TORONTO)
    half_way = list(islice(rebuild.rebuild_rollups(store, chunk=10, pause=0), 2))
    assert len(half_way) == 2
    again = gathered(store, given, period.month("2024-03", TORONTO), LATER, compare=False)
    list(rebuild.rebuild_rollups(store, pause=0))
    rolled_up = gathered(store, given, period.month("2024-03", TORONTO), LATER, compare=False)
    assert from_calls.figure("calls_offered").value == 30
    assert from_calls == again == rolled_up


def test_the_report_of_another_time_zone_uses_no_days_of_this_one(store: Database) -> None:
    rebuild.ensure_rollups(store, TORONTO)
    heard(store)
    western = parse(year.example_text().replace("America/Toronto", "America/Vancouver"))
    assert western.timezone == VANCOUVER
    before = report(store, western)
    assert [x for x in rebuild.rollup_differences(store, VANCOUVER) if x] != []
    rebuild.ensure_rollups(store, VANCOUVER)
    list(rebuild.rebuild_rollups(store, pause=0))
    after = gathered(store, western, period.month("2024-03", VANCOUVER), LATER, compare=False)
    assert before == after
    assert stored(store) == counted(store, VANCOUVER) != counted(store, TORONTO)


def test_cells_that_another_version_counted_are_neither_read_nor_written(store: Database) -> None:
    rebuild.ensure_rollups(store, TORONTO)
    heard(store, range(10))
    with store.writing() as connection:
        connection.execute(text("UPDATE rollup_state SET version = version + 1"))
    before = stored(store)
    heard(store, range(10, 20))
    assert stored(store) == before
    assert report(store, year.settings()).figure("calls_offered").value == 20
    rebuild.ensure_rollups(store, TORONTO)
    list(rebuild.rebuild_rollups(store, pause=0))
    assert stored(store) == counted(store)


def test_settling_again_changes_nothing(store: Database) -> None:
    rebuild.ensure_rollups(store, TORONTO)
    heard(store)
    before = stored(store)
    rebuild.ensure_rollups(store, TORONTO)
    assert (stored(store), rebuild.count_missing(store)) == (before, 0)


def test_calls_that_are_judged_again_move_the_roll_ups(store: Database) -> None:
    rebuild.ensure_rollups(store, TORONTO)
    heard(store)
    before = stored(store)
    assert list(rejudge(store, OTHERWISE)) != []
    assert stored(store) == counted(store) != before
    assert [x for x in rebuild.rollup_differences(store, TORONTO) if x] == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE finding SET verdict = 'unknown' WHERE standard = 'reach_a_person' AND verdict = 'met'",
         "reach_a_person.unknown a_person_answered is 0 rolled up, and"),
        ('DELETE FROM "call" WHERE "call" = (SELECT MIN("call") FROM "call")', "calls rolled up: "),
        ("UPDATE finding SET cause = 'nobody_free' WHERE verdict = 'not_met'", ".cause nobody_free is 0"),
        ("UPDATE finding SET reason_key = 'nobody' WHERE verdict = 'met'", "from other rows"),
        ("DELETE FROM rollup", "calls rolled up: 0, stored: "),
    ],
)  # fmt: skip
def test_what_does_not_agree_any_more_is_reported_by_day_and_line(store: Database, damage: str, said: str) -> None:
    rebuild.ensure_rollups(store, TORONTO)
    heard(store)
    assert [x for x in rebuild.rollup_differences(store, TORONTO) if x] == []
    with store.writing() as connection:
        assert connection.execute(text(damage)).rowcount > 0
    reported = [line for day in rebuild.rollup_differences(store, TORONTO) for line in day]
    assert [said in line for line in reported].count(True) >= 1
    assert {line.split()[0][:7] for line in reported} == {"2024-03"}
    first = date.fromisoformat(reported[0].split()[0])
    assert [x for x in rebuild.rollup_differences(store, TORONTO, date(2024, 2, 1), date(2024, 2, 3)) if x] == []
    assert len(list(rebuild.rollup_differences(store, TORONTO, first, first))) == 1
    list(rejudge(store, NOW))
    rebuild.reset_rollups(store, TORONTO)
    list(rebuild.rebuild_rollups(store, pause=0))
    assert [x for x in rebuild.rollup_differences(store, TORONTO) if x] == []


def test_a_call_of_the_evening_is_compared_on_its_local_day_alone(sqlite_store: Database) -> None:
    rebuild.ensure_rollups(sqlite_store, TORONTO)
    wrote(sqlite_store, *outcomes(answered_call(0, datetime(2024, 3, 9, 3, tzinfo=UTC))))
    assert rebuild.count_days(sqlite_store, TORONTO) == 1


def test_two_who_write_to_one_cell_at_once_both_count(store: Database) -> None:
    """On PostgreSQL a backfill and the daemon write side by side; on SQLite they wait for each other."""
    rebuild.ensure_rollups(store, TORONTO)
    reported = {POOL[number][0].call: POOL[number] for number in range(30)}
    halves = [dict(list(reported.items())[:15]), dict(list(reported.items())[15:])]
    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(lambda x=half: list(apply.fill(store, NOW, EXCHANGE, x, LATER))) for half in halves]
        for one in done:
            one.result()
    assert stored(store) == counted(store)
    assert sum(one[4] for one in stored(store).values()) == 30


# What 60 calls add up to by this version. When this changes, every database must count anew: one more VERSION.
COUNTED = (3, "fea875af1aa47386")


def test_another_way_of_counting_is_another_version(sqlite_store: Database) -> None:
    heard(sqlite_store, range(len(POOL)))
    rows = [update.decode_row(row) for row in counted(sqlite_store).values()]
    cells = [
        (key, sorted((+one.cell.counts).items()), sorted((x, hex(n)) for x, n in one.cell.lengths.items()))
        for key, one in sorted(rows, key=lambda row: row[0])
    ]
    assert (update.VERSION, sha256(repr(cells).encode()).hexdigest()[:16]) == COUNTED


@pytest.mark.asyncio
async def test_the_daemon_makes_what_an_older_one_left_unmade(sqlite_store: Database) -> None:
    heard(sqlite_store)
    await roll_up(sqlite_store, pytest.fail)  # in which zone nobody has said: nothing to do
    assert stored(sqlite_store) == {}
    rebuild.ensure_rollups(sqlite_store, TORONTO)
    await roll_up(sqlite_store, pytest.fail)
    assert stored(sqlite_store) == counted(sqlite_store)


def test_the_commands_make_compare_and_mend_roll_ups(tmp_path: Path) -> None:
    config = tmp_path / "callmon.toml"
    url = f"sqlite:///{tmp_path}/callmon.db"
    config.write_text(year.example_text().replace("sqlite:///callmon.db", url), encoding="utf-8")

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner(env={"LC_ALL": "en_CA.UTF-8"}).invoke(main, ["db", *words, "--config", str(config)])
        return result.exit_code, result.stdout

    store = upgrade(url)
    heard(store)
    with store.writing() as connection:
        connection.execute(text("DELETE FROM counter"))  # these calls were put there by hand
    assert run("check")[1].splitlines()[-1] == (
        "the roll-ups are missing, or of another version or time zone: run `callmon db upgrade`."
    )
    assert run("upgrade")[1].startswith(f"{tmp_path}/callmon.db: its tables are unchanged (revision ")
    assert stored(store) == counted(store)
    with store.writing() as connection:
        connection.execute(text("UPDATE rollup SET seal = '0' WHERE day = '2024-03-09'"))
    reported = run("check", "--since", "2024-03-09", "--until", "2024-03-09")[1].splitlines()
    assert [line for line in reported if line.startswith("2024-")] != []
    reported = run("check", "--since", "2024-03-10")[1].splitlines()
    assert [line for line in reported if line.startswith("2024-")] == []
    assert run("rejudge", "--yes")[0] == 0
    reported = run("check")[1].splitlines()
    assert [line for line in reported if line.startswith("2024-")] == []
    store.close()
