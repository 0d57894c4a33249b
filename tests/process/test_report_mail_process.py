"""A daemon that mails last month's report, at times of the test: killed by SIGKILL while the server is away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callmon.features.months.report_mail import ReportMailRow, mails_of
from callmon.store.database import open_store
from callmon.store.opening import open_for_writing
from tests.support.daemon_process import free_port
from tests.support.forked_daemon import WarmCallmon
from tests.support.mail_server import MailServer
from tests.support.store_fixtures import until
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

FIRST = datetime(2024, 6, 3, 10, tzinfo=UTC)  # 6:00 on the first business day of June in Toronto
LEAD, DEPUTY = "lead@ministry.example", "deputy@ministry.example"
PATIENCE = 400.0  # seconds
MAIL = f"""
[mail]
host = "127.0.0.1"
port = PORT
tls = "none"
sender = "callmon@ministry.example"
internal_to = ["{LEAD}", "{DEPUTY}"]
attach = ["json"]
"""
# The clock of the timer is a file, which it reads ten times a second.
CLOCK = """
from datetime import datetime
from pathlib import Path
from callmon.features.months.mail import timer

class Clock(datetime):
    @classmethod
    def now(cls, zone=None):
        return datetime.fromisoformat(Path("FILE").read_text())

timer.datetime, timer.LOOKS = Clock, 0.1
"""


class MailingCallmon(WarmCallmon):
    """A daemon without an exchange, with a database of a year and a clock that the test sets."""

    def __init__(self, place: Path, server: MailServer) -> None:
        super().__init__(place, free_port(), "secret", more=MAIL.replace("PORT", str(server.port)))
        self.clock = place / "clock"
        self.planted = CLOCK.replace("FILE", str(self.clock))
        store = open_for_writing(self.settings())
        year_rows.stored(store, self.settings(), year_stories.calls(60))
        year_rows.listened(store, datetime(2023, 12, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC))
        store.close()

    def set_clock(self, after: timedelta) -> None:
        """Atomically: the daemon reads the file at any moment."""
        scratch = self.clock.with_suffix(".new")
        scratch.write_text((FIRST + after).isoformat())
        scratch.replace(self.clock)

    def mails(self) -> list[ReportMailRow]:
        store = open_store(self.store)
        try:
            return mails_of(store, ["2024-05"])
        finally:
            store.close()

    def attempts(self) -> list[int]:
        return [mail.attempts for mail in self.mails()]


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


UNSENT = "callmon_report_mail_unsent_since_timestamp_seconds"


def tried(callmon: MailingCallmon, minutes: int, attempts: int) -> None:
    """A new daemon makes this attempt, in vain, at this time, and is killed."""
    callmon.set_clock(timedelta(minutes=minutes))
    callmon.start(until_heard=False)
    assert until(lambda: callmon.attempts() == [attempts, attempts], PATIENCE), callmon.log.read_text()
    assert until(lambda: callmon.figure(UNSENT, edition="internal") == FIRST.timestamp(), PATIENCE)
    callmon.kill()


def test_a_daemon_killed_while_the_server_is_away_sends_each_mail_once(tmp_path: Path, server: MailServer) -> None:
    callmon = MailingCallmon(tmp_path, server)
    server.stop()
    try:
        for minutes, attempts in ((0, 1), (5, 2), (15, 3), (35, 4)):
            tried(callmon, minutes, attempts)
        server.start()
        callmon.set_clock(timedelta(minutes=75))
        callmon.start(until_heard=False)
        assert until(lambda: {mail.state for mail in callmon.mails()} == {"sent"}, PATIENCE)
        assert until(lambda: callmon.figure(UNSENT, edition="internal") is None, PATIENCE)
        callmon.kill()
        callmon.set_clock(timedelta(days=3))
        callmon.start(until_heard=False)
        assert until(lambda: callmon.figure("callmon_leader") == 1, PATIENCE)
    finally:
        callmon.end_everything()
    assert (server.counts(), callmon.attempts()) == ({LEAD: 1, DEPUTY: 1}, [5, 5])
