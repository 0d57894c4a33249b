"""The primary of a PostgreSQL cluster ends without warning, again and again, under a leader and a standby.

Patroni, etcd and three PostgreSQL nodes are real. The exchange plays recorded calls, about 125 at once. What is
stored in the end is compared with what one callmon makes of the same bytes, undisturbed.

Every other time PostgreSQL ends alone, and Patroni notices; else its whole machine ends, and the cluster waits for
Patroni's time to live. In the last second no replica receives anything: a commit that was confirmed without one is
lost. `CALLMON_FAILOVERS` is their number.
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import groupby
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from callmon.store.database import Database
from callmon.store.opening import open_with_keys
from callmon.store.queries import calls as queries
from callmon.store.rejudge import counter_differences
from callmon.store.writer.writer import MOST_LOGGED
from tests.lab.listener import Listener
from tests.lab.needed import needed
from tests.lab.patroni import Cluster
from tests.real.test_real_kills import outcomes, whole
from tests.real.test_real_leader import LeaderPair, doubled, listed, unlike, went_back
from tests.support.environment import GIVEN
from tests.support.played_exchange import PlayedExchange
from tests.support.scripted_truth import reported, undisturbed
from tests.support.store_fixtures import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(3600)]
FAILOVERS = int(GIVEN.get("CALLMON_FAILOVERS", "2"))
LONGEST = 30.0  # seconds without a writer
AT_ONCE = 120
UNREPLICATED = 1.0  # seconds before the end
SEED = 20
AWAY, BACK = " database: ", " WARNING database: available again waiting="
LINE = re.compile(
    r"\S+ ERROR database: not available; (?:retrying|buffering outcomes) "
    r'why="(?P<why>the database cannot be written: [^"]+)" waiting=\d+$'
)


class EndedTerm(NamedTuple):
    """What is left of it all. `paused`: seconds without a writer, of each failover."""

    pair: LeaderPair
    paused: list[float]
    at_once: int
    one: dict[str, dict[str, Any]]
    shown: dict[Any, float]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EndedTerm]:
    place, chance = tmp_path_factory.mktemp("failover"), random.Random(SEED)
    with ExitStack() as stack:
        with needed("cluster"):
            cluster = stack.enter_context(Cluster())
        exchange = stack.enter_context(PlayedExchange())
        ear = stack.enter_context(Listener(exchange.port, "callmon", exchange.secret))
        pair = stack.enter_context(LeaderPair(place, exchange, cluster.url, cluster.url))
        asking = open_with_keys(pair.each[0].settings())
        stack.callback(asking.close)
        exchange.play()
        assert until(lambda: exchange.most >= AT_ONCE)
        paused = []
        for number in range(FAILOVERS):
            time.sleep(chance.uniform(0, 2))
            assert until(cluster.is_whole), cluster.members()
            paused.append(fail_over(cluster, asking, is_machine=bool(number % 2)))
        exchange.end()
        leader = pair.leader()
        assert until(lambda: leader.total("callmon_calls_in_progress") == 0)
        assert until(lambda: leader.figure("callmon_sink_backlog", sink="database") == 0)
        time.sleep(3.0)
        shown = {key: n for key, n in leader.figures().items() if key[0] == "callmon_calls_total"}
        assert [each.stop() for each in (leader, pair.other(leader))] == [0, 0]
        one = undisturbed(leader.settings(), ear.heard())
        yield EndedTerm(pair, paused, exchange.most, one, shown)


def fail_over(cluster: Cluster, asking: Database, is_machine: bool) -> float:
    """Ends the primary. Returns how long nothing that was heard afterwards was committed, in seconds."""
    primary, at = cluster.primary(), time.time()
    with cluster.nothing_replicated():
        time.sleep(UNREPLICATED)
        if is_machine:
            primary.halt()
        else:
            primary.crash_postgres()
    assert until(lambda: heard(asking) > at), cluster.members()
    paused = time.time() - at
    if is_machine:
        primary.start()
    return paused


def heard(asking: Database) -> float:
    """Until when the exchange's events are committed, by its clock."""
    try:
        with asking.reading() as connection:
            return float(connection.execute(text("SELECT max(heard) FROM heartbeat")).scalar_one()) / 1e6
    except SQLAlchemyError:
        return 0.0


def test_no_call_is_lost_or_doubled_and_each_verdict_is_as_of_one(
    ended: EndedTerm, capsys: pytest.CaptureFixture[str]
) -> None:
    leader = ended.pair.each[0]
    settings, store = leader.settings(), open_with_keys(leader.settings())
    expected = {own: call for own, call in ended.one.items() if call["line"] is not None and call["ended"]}
    rows = [call for _, call in queries.stream_calls(store, *whole(store))]
    stored = {own: reported(store, settings, own) for own in expected}
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(ended.paused)} failovers, no writer for {listed(ended.paused)} s; {len(expected)} calls, "
            f"{ended.at_once} at once\n"
        )
    assert [own for own, call in stored.items() if call is None] == []
    assert [found for own, call in stored.items() if call and (found := unlike(call, expected[own]))] == []
    assert sorted(call.call for call in rows) == sorted(expected)
    assert outcomes(ended.shown) == dict(Counter(call.outcome for call in rows))
    assert (doubled(store), queries.gaps(store, "toronto"), counter_differences(store)) == ([], [], [])
    assert queries.open_calls(store, "toronto") == {}
    store.close()


def test_it_was_as_busy_as_meant_and_never_long_without_a_writer(
    ended: EndedTerm,
) -> None:
    assert (ended.at_once >= AT_ONCE, [pause for pause in ended.paused if pause > LONGEST]) == (True, [])
    assert len(ended.paused) == FAILOVERS


def test_no_figure_of_a_former_leader_went_back(ended: EndedTerm) -> None:
    assert went_back(ended.pair.samples) == []


def test_the_log_has_each_reason_of_a_failover_once_and_its_end(ended: EndedTerm) -> None:
    for callmon in ended.pair.each:
        reported = [LINE.match(line) for line in callmon.log.read_text("utf-8").splitlines() if AWAY in line]
        whys = [[found and found["why"] for found in group] for _, group in groupby(reported, key=bool)]
        assert [len(why) == len(set(why)) <= MOST_LOGGED for why in whys if any(why)] == [True] * FAILOVERS
        assert callmon.log.read_text("utf-8").count(BACK) == FAILOVERS
