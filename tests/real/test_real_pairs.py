"""Two pairs of callmon, two real Asterisks, one PostgreSQL: messages on one exchange, callbacks from the other.

Toronto takes the messages. Ottawa's phones call back, and ten of the callers reach Ottawa's line themselves.
Meanwhile Toronto's leader is killed, Ottawa is cut off from the database for some seconds, and then Ottawa's
leader is killed. What is late is measured from the exchange's own time, or from when the disturbance was over.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import URL, make_url

from callmon.core.callbacks.entries import CalledBack
from callmon.store import key_file
from callmon.store.database import Database
from callmon.store.opening import open_with_keys
from callmon.store.queries import obligations
from callmon.store.rejudge import counter_differences
from callmon.store.tables import CONTACT, OBLIGATION
from callmon.store.view import View
from tests.lab.exchange import Asterisk
from tests.lab.model import LabCaller, Phone, Situation, Step
from tests.lab.pace import FAST
from tests.lab.play import Playing, number
from tests.lab.proxy import Proxy
from tests.lab.truths import GENERAL
from tests.real.test_real_callbacks import calls, every_entry, leaves
from tests.real.test_real_leader import LeaderPair, doubled, kill
from tests.support.store_fixtures import until

pytestmark = [pytest.mark.lab, pytest.mark.parametrize("url", ["postgresql"], indirect=True)]

CALLED_BACK, REACHED, FORGOTTEN = 100, 10, 5
ALL = CALLED_BACK + REACHED + FORGOTTEN
APART, BACK_AFTER = 1.6, 60.0  # seconds, of which the exchanges make a quarter
KILL_AFTER, CUT_AFTER, CUT_FOR, THEN_KILL_AFTER = 8.0, 10.0, 10.0, 6.0  # real seconds, one after the other
PHONES = 30  # 140 to 169


class UnwatchedPair(LeaderPair):
    """Without the pages of `Pair`, which cost more than all else."""

    def _watch(self) -> None:
        pass


def pair_of(place: Path, asterisk: Asterisk, url: str, other: str, key: Path) -> LeaderPair:
    """A leader and a standby. `other`: the schema of the other pair."""
    place.mkdir()
    pair = UnwatchedPair(place, asterisk, url, url, key=key)
    for one in pair.each:
        written = one.config.read_text(encoding="utf-8")
        one.config.write_text(written.replace("[store]\n", f'[store]\npairs = ["{other}"]\n', 1), encoding="utf-8")
    return pair


def in_schema(url: URL, schema: str) -> str:
    return url.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)


def reaches(place: int) -> Situation:
    phone = str(140 + place % PHONES)
    caller = LabCaller(GENERAL, route=f"lab-only,{phone},1", steps=(Step(12, "hang_up"),))
    begins = BACK_AFTER + APART * place
    return Situation(f"reaches_{place}", caller, {phone: Phone(answers=2)}, begins=begins)


class Watch:
    """When each was first seen in the database: a callback by Ottawa (by call), one paid by Toronto (by id)."""

    def __init__(self, store: Database) -> None:
        self.stored: dict[str, datetime] = {}
        self.paid: dict[str, datetime] = {}
        self._store, self._is_over = store, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        there = self._store.seen_as(View(schema="ottawa"))
        stored = select(CONTACT.c["call"]).where(CONTACT.c.kind == "called_back")
        paid = select(OBLIGATION.c.id).where(OBLIGATION.c.state == "paid")
        while not self._is_over.wait(0.1):
            for store, question, seen in ((there, stored, self.stored), (self._store, paid, self.paid)):
                with store.reading() as connection:
                    for name in connection.scalars(question):
                        seen.setdefault(name, datetime.now(UTC))


def after(at: datetime, disturbed: list[tuple[datetime, datetime]]) -> datetime:
    """The end of the disturbance in which `at` falls; else `at`."""
    second = timedelta(seconds=1)  # what was not committed when it began
    return max((over for began, over in disturbed if began - second < at < over), default=at)


def disturb(here: LeaderPair, there: LeaderPair, network: Proxy) -> list[tuple[datetime, datetime]]:
    """When each disturbance began, and when it was over."""
    found = []
    for pair, wait in ((here, KILL_AFTER), (None, CUT_AFTER), (there, THEN_KILL_AFTER)):
        time.sleep(wait)
        began = datetime.now(UTC)
        if pair is None:
            network.refuse()
            network.cut()
            time.sleep(CUT_FOR)
            network.allow()
            over = datetime.now(UTC)
        else:
            over = began + timedelta(seconds=kill(pair))
        found.append((began, over))
    return found


def reported(late: Iterable[timedelta]) -> str:
    seconds = sorted(each.total_seconds() for each in late)
    return f"{statistics.median(seconds):.2f} s, at most {seconds[-1]:.2f} s" if seconds else "none"


def test_a_message_on_one_exchange_is_paid_by_a_phone_of_the_other_pair(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address, key = make_url(url), tmp_path / "number.key"
    key_file.add_new_key(key, date(2026, 11, 24))
    messages = [leaves(f"message_{n}", APART * n) for n in range(ALL)]
    back = [calls(f"back_{n}", n, str(140 + n % PHONES), BACK_AFTER + APART * n) for n in range(CALLED_BACK)]
    back += [reaches(n) for n in range(CALLED_BACK, CALLED_BACK + REACHED)]
    with (
        Asterisk("22", pace=FAST) as toronto,
        Asterisk("22", pace=FAST) as ottawa,
        Proxy(int(address.port or 5432)) as network,
    ):
        far = in_schema(address.set(host="127.0.0.1", port=network.port), "ottawa")
        here = pair_of(tmp_path / "toronto", toronto, url, "ottawa", key)
        there = pair_of(tmp_path / "ottawa", ottawa, far, "public", key)
        with Database(address).writing() as connection:
            connection.execute(text("CREATE SCHEMA ottawa"))
        with here, there:
            store = open_with_keys(here.each[0].settings())
            with Watch(store) as watch, Playing(toronto, messages) as left, Playing(ottawa, back) as made:
                disturbed = disturb(here, there, network)
                faults = [(x.situation.name, x.fault, x.refused) for x in (*left.wait(), *made.wait())]
                assert [x for x in faults if x[1:] != (None, None)] == []
                assert until(lambda: states(store) == [*WANTED])
            assert [one.stop() for one in (*here.each, *there.each)] == [0, 0, 0, 0]
    paid = [entry for entry in every_entry(store) if isinstance(entry, CalledBack)]
    assert Counter(entry.obligation for entry in paid) == Counter(dict.fromkeys(watch.paid, 1))
    assert {entry.phone.partition("/")[0] for entry in paid if entry.phone} == {"ottawa"}
    assert [doubled(each) for each in (store, Database(make_url(in_schema(address, "ottawa"))))] == [[], []]
    assert counter_differences(store) == []
    report(capsys, here.each[0].settings().rules.talked_for, paid, watch, disturbed)
    store.close()


def report(
    capsys: pytest.CaptureFixture[str],
    enough: timedelta,
    paid: list[CalledBack],
    watch: Watch,
    disturbed: list[tuple[datetime, datetime]],
) -> None:
    due = {entry: after(entry.at + enough, disturbed) for entry in paid}
    beside = [entry for entry, at in due.items() if at == entry.at + enough]
    rest = [entry for entry in paid if entry not in beside]
    lines = [f"{len(paid)} called back; after the talk was long enough, {len(beside)} of them undisturbed:"]
    lines.append(f"stored by Ottawa after {reported(watch.stored[x.by or ''] - due[x] for x in beside)}")
    lines.append(f"paid by Toronto after {reported(watch.paid[x.obligation] - due[x] for x in beside)}")
    lines.append(f"the others {reported(watch.paid[x.obligation] - due[x] for x in rest)} after the disturbance")
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(lines) + "\n")


WANTED = [
    *(("paid", f"+1{number(2 * n)}") for n in range(CALLED_BACK)),
    *(("reached_us", f"+1{number(2 * n)}") for n in range(CALLED_BACK, CALLED_BACK + REACHED)),
    *(("open", f"+1{number(2 * n)}") for n in range(CALLED_BACK + REACHED, ALL)),
]


def states(store: Database) -> list[tuple[str, str]]:
    """The state of each callback with the caller's number, as in `WANTED`."""
    found = obligations.obligations(store, state=None, numbers=True)
    order = {name: place for place, (_, name) in enumerate(WANTED)}
    reported = [(x.obligation.state, x.number or "") for x in found]
    return sorted(reported, key=lambda each: order.get(each[1], ALL))
