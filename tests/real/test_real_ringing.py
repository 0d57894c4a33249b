"""The ring that the caller heard: on Asterisk 22 and 16, each way to ring, against the caller's own wire."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from callmon.store.opening import open_with_keys
from callmon.store.queries import calls as queries
from tests.lab.exchange import Asterisk
from tests.lab.listener import Listener
from tests.lab.model import PlayedSituation
from tests.lab.needed import needed
from tests.lab.play import Playing
from tests.lab.situations_ringing import all_of
from tests.lab.tones import Tones
from tests.lab.witness import note_voicemail
from tests.real.test_real_backfill import backfilled
from tests.support.daemon_process import Callmon
from tests.support.forked_daemon import WarmCallmon
from tests.support.scripted_truth import pairs
from tests.support.store_fixtures import until
from tests.support.wire_truth import Compared, compared, stored, table

pytestmark = pytest.mark.lab

SOURCE = '\n[exchanges.toronto.cel]\nfile = "{cel}"\nwait = "1s"\n'


@pytest.mark.parametrize("version", ["22", "16"])
def test_the_reported_ring_is_the_ring_of_the_caller(
    version: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All ways to ring at once, ten calls each: heard, heard with the old filter, and filled from CEL alone."""
    with needed(version), Asterisk(version) as asterisk:
        daemons = [_daemon(asterisk, tmp_path / name) for name in ("callmon", "callmon-old", "away")]
        witness = Listener(asterisk.ami_port, "witness", asterisk.secrets.witness)
        with witness, daemons[0], daemons[1], daemons[2] as away:
            assert until(lambda: _has_heartbeat(away))  # so that all it does not hear is a gap
            away.kill()
            with Tones() as tones, Playing(asterisk, all_of()) as playing:
                calls = playing.wait()
            tones.tell(calls)
            note_voicemail(calls, witness.events())
            away.start()
            assert until(lambda: all(daemon.total("callmon_calls_in_progress") == 0 for daemon in daemons))
            assert [daemon.stop() for daemon in daemons] == [0, 0, 0]
        backfilled(away)
        heard, by_old_filter, by_cel = (_compared(daemon, calls, witness) for daemon in daemons)
    with capsys.disabled():
        for name, some in (("heard", heard), ("by the old filter", by_old_filter), ("from CEL", by_cel)):
            print(f"\nAsterisk {version}, {name}", *table(some), sep="\n")  # noqa: T201 - what was measured
    assert [call.fault for call in calls if call.fault] == []
    wrong = {
        "heard": [each.row for each in heard if each.wrong or not each.is_settled],
        "by the old filter": [
            each.row for each in by_old_filter if each.reported.verdict not in (each.verdict, "unknown")
        ],
        "from CEL": [each.row for each in by_cel if each.wrong],
    }
    assert {name: rows for name, rows in wrong.items() if rows} == {}


def _daemon(asterisk: Asterisk, place: Path) -> Callmon:
    """One in this place. Its name is the AMI user's, or `away`: that one hears nothing but CEL."""
    place.mkdir()
    source = SOURCE.format(cel=asterisk.cel) if place.name == "away" else ""
    daemon = WarmCallmon(place, asterisk.ami_port, asterisk.secret, more=source)
    user = "callmon" if place.name == "away" else place.name
    text = daemon.config.read_text(encoding="utf-8")
    daemon.config.write_text(text.replace('username = "callmon"', f'username = "{user}"', 1), encoding="utf-8")
    return daemon


def _has_heartbeat(daemon: Callmon) -> bool:
    store = open_with_keys(daemon.settings())
    heard = queries.heartbeats(store)
    store.close()
    return heard != {}


def _compared(daemon: Callmon, calls: Iterable[PlayedSituation], witness: Listener) -> list[Compared]:
    settings = daemon.settings()
    store = open_with_keys(settings)
    said = [(call, stored(store, settings, own)) for call, own in pairs(calls, witness.events())]
    store.close()
    assert [call.situation.name for call, heard in said if heard is None] == []
    return [compared(call, heard) for call, heard in said if heard is not None]
