"""Two pairs of callmon, two real Asterisks, one PostgreSQL: messages on one exchange, callbacks from the other.

Toronto takes the messages. Ottawa's phones call back, and ten of the callers reach Ottawa's line themselves.
Meanwhile Ottawa's callmon is cut off from the database for some seconds.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url

from callmon.core.callbacks.entries import CalledBack
from callmon.store import key_file
from callmon.store.database import Database
from callmon.store.opening import open_with_keys
from callmon.store.queries import obligations
from callmon.store.rejudge import counter_differences
from tests.lab.exchange import Asterisk
from tests.lab.model import Caller, Phone, Situation, Step
from tests.lab.pace import FAST, settings_at_pace
from tests.lab.play import Playing, number
from tests.lab.proxy import Proxy
from tests.lab.truths import GENERAL
from tests.real.test_real_callbacks import calls, every_entry, leaves
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import until

pytestmark = [pytest.mark.lab, pytest.mark.parametrize("url", ["postgresql"], indirect=True)]

CALLED_BACK, REACHED, FORGOTTEN = 100, 10, 5
ALL = CALLED_BACK + REACHED + FORGOTTEN
APART, BACK_AFTER = 1.6, 60.0  # seconds, of which the exchanges make a quarter
CUT_AFTER, CUT_FOR = 30.0, 10.0  # real seconds
PHONES = 30  # 140 to 169


def member(place: Path, asterisk: Asterisk, url: str, other: str, key: Path) -> WarmCallmon:
    """The callmon of a pair. `other`: the schema of the other pair."""
    place.mkdir()
    callmon = WarmCallmon(place, asterisk.ami_port, asterisk.secret, url)
    written = settings_at_pace(callmon.config.read_text(encoding="utf-8"), asterisk.pace)
    written = written.replace("[privacy]\n", f'[privacy]\nkey_file = "{key}"\n', 1)
    callmon.config.write_text(written.replace("[store]\n", f'[store]\npairs = ["{other}"]\n', 1), encoding="utf-8")
    return callmon


def in_schema(url: URL, schema: str) -> str:
    return url.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)


def reaches(place: int) -> Situation:
    phone = str(140 + place % PHONES)
    caller = Caller(GENERAL, route=f"lab-only,{phone},1", steps=(Step(12, "hang_up"),))
    begins = BACK_AFTER + APART * place
    return Situation(f"reaches_{place}", caller, {phone: Phone(answers=2)}, begins=begins)


class Watch:
    """When each callback was first seen paid in the database, by id."""

    def __init__(self, store: Database) -> None:
        self.seen: dict[str, datetime] = {}
        self._store, self._is_over = store, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(0.1):
            for each in obligations.obligations(self._store, state="paid"):
                self.seen.setdefault(each.obligation.id, datetime.now(UTC))


def test_a_message_on_one_exchange_is_paid_by_a_phone_of_the_other_pair(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = make_url(url)
    key_file.add_new_key(tmp_path / "number.key", date(2026, 11, 24))
    messages = [leaves(f"message_{n}", APART * n) for n in range(ALL)]
    back = [calls(f"back_{n}", n, str(140 + n % PHONES), BACK_AFTER + APART * n) for n in range(CALLED_BACK)]
    back += [reaches(n) for n in range(CALLED_BACK, CALLED_BACK + REACHED)]
    with (
        Asterisk("22", pace=FAST) as toronto,
        Asterisk("22", pace=FAST) as ottawa,
        Proxy(int(address.port or 5432)) as network,
    ):
        far = in_schema(address.set(host="127.0.0.1", port=network.port), "ottawa")
        here = member(tmp_path / "toronto", toronto, url, "ottawa", tmp_path / "number.key")
        there = member(tmp_path / "ottawa", ottawa, far, "public", tmp_path / "number.key")
        with Database(make_url(url)).writing() as connection:
            connection.execute(text("CREATE SCHEMA ottawa"))
        with here, there:
            store = open_with_keys(here.settings())
            with Watch(store) as watch, Playing(toronto, messages) as left, Playing(ottawa, back) as made:
                time.sleep(CUT_AFTER)
                network.refuse()
                network.cut()
                cut = datetime.now(UTC)
                time.sleep(CUT_FOR)
                network.allow()
                allowed = datetime.now(UTC)
                faults = [(x.situation.name, x.fault, x.refused) for x in (*left.wait(), *made.wait())]
                assert [x for x in faults if x[1:] != (None, None)] == []
                assert until(lambda: states(store) == [*WANTED])
            assert (here.stop(), there.stop()) == (0, 0)
    entries = [entry for entry in every_entry(store) if isinstance(entry, CalledBack)]
    assert Counter(entry.obligation for entry in entries) == Counter(dict.fromkeys(watch.seen, 1))
    assert {entry.phone.partition("/")[0] for entry in entries if entry.phone} == {"ottawa"}
    assert counter_differences(store) == []
    enough = here.settings().rules.talked_for
    heard = {entry.obligation: entry.at + enough for entry in entries}
    during = {name for name, at in heard.items() if cut - timedelta(seconds=1) < at < allowed}
    at_once = max(watch.seen[name] - at for name, at in heard.items() if name not in during)
    caught_up = max(watch.seen[name] - allowed for name in during)
    with capsys.disabled():
        told = f"{len(heard)} paid, at most {at_once.total_seconds():.1f} s after the talk was long enough"
        sys.stdout.write(
            f"\n{told}; {len(during)} of them {caught_up.total_seconds():.1f} s after the database was back\n"
        )
    store.close()


WANTED = [
    *(("paid", f"+1{number(2 * n)}") for n in range(CALLED_BACK)),
    *(("reached_us", f"+1{number(2 * n)}") for n in range(CALLED_BACK, CALLED_BACK + REACHED)),
    *(("open", f"+1{number(2 * n)}") for n in range(CALLED_BACK + REACHED, ALL)),
]


def states(store: Database) -> list[tuple[str, str]]:
    """The state of each callback with the caller's number, as in `WANTED`."""
    found = obligations.obligations(store, state=None, numbers=True)
    order = {name: place for place, (_, name) in enumerate(WANTED)}
    told = [(x.obligation.state, x.number or "") for x in found]
    return sorted(told, key=lambda each: order.get(each[1], ALL))
