"""A site whose questions are on, with 45 days of a line whose phones ring; on the last day one phone is there.

On that day another line was disrupted. On the next one phones declined calls, which no part of *why* tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from html import unescape
from pathlib import Path

import pytest

from callmon.core.replay.record import Rule
from callmon.store.database import Database
from tests.support.environment import QUESTIONS_ON
from tests.support.pages_app import Pages, pages
from tests.support.ringing_site import disrupt, stored, working_days
from tests.support.ringing_world import RingingSite, declined, simulated
from tests.support.warm_jobs import warm_jobs

FIRST = date(2025, 10, 14)  # a Tuesday after a closed Monday
SITE = RingingSite(seed=5, days=45, calls_a_day=30, phones=4, rule=Rule(ring=15_000, voicemail=24_000))
DATES = working_days(FIRST, 45)
STAFF = 'staff = [{ extension = "104", languages = ["fr"] }]\n'
BAD_DAY = DATES[44]
UNEXPLAINED = working_days(FIRST, 46)[45]
MONTH = {"from": str(DATES[0]), "to": str(DATES[19])}
AFTER = "2025-12-22"  # a Monday after the last day


@contextmanager
def questions_site(folder: Path) -> Iterator[Pages]:
    """Each page waits for the whole answer."""

    def fill(store: Database) -> None:
        bad = simulated(RingingSite(seed=6, days=1, calls_a_day=30, phones=1, rule=SITE.rule))
        stored(store, [*simulated(SITE)[:44], *bad, declined(simulated(SITE)[44])], FIRST)
        disrupt(store, "tty", BAD_DAY, BAD_DAY)

    with warm_jobs(folder), pytest.MonkeyPatch.context() as patch:
        for patience in ("callmon.features.questions.page.WAITS", "callmon.web.jobs.PATIENCE"):
            patch.setattr(patience, 400.0)  # seconds
        with pages(folder, fill=fill, first=QUESTIONS_ON + STAFF) as found:
            yield found


def asked(site: Pages, path: str, **query: str) -> str:
    """The page with its answer, its spaces plain."""
    answer = site.visitors["viewer"].get(path, params=query)
    assert answer.status_code == 200
    return unescape(answer.text).replace("\xa0", " ").replace("\u202f", " ")
