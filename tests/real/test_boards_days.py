"""The boards' real run on any day, at any hour: what depends on the date is tried on other days than this one.

No exchange and no Prometheus: the weeks before and a few calls of that day are in a PostgreSQL that believes it to
be that day; the boards' queries are compared with the truths of the real run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from callmon.config.settings import load
from callmon.daemon.host_state import last_day
from callmon.store.database import upgrade
from dashboards.source import lint
from dashboards.source.asking import Asked
from dashboards.source.history import LINES, mode
from tests.boards.compared import found
from tests.boards.day import Happened, as_happened
from tests.boards.scene import Scene, as_reader, configured, still, weeks_before
from tests.boards.seen import Seen, truth_of
from tests.boards.truths.counting import titled, today_of
from tests.boards.truths.standards import last_opening_day
from tests.support import year
from tests.support.daemon_process import Callmon
from tests.support.year import TORONTO
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

pytestmark = pytest.mark.lab
MOMENTS = {
    "a closed day that is a Saturday, at night": datetime(2026, 12, 26, 3, 0, tzinfo=TORONTO),
    "a Sunday": datetime(2026, 11, 29, 14, 45, tzinfo=TORONTO),
    "a Monday, before midnight": datetime(2026, 11, 30, 23, 55, tzinfo=TORONTO),
    "New Year, after midnight": datetime(2027, 1, 1, 0, 10, tzinfo=TORONTO),
    "the first of March": datetime(2027, 3, 1, 12, 0, tzinfo=TORONTO),
    "the night that has an hour too few": datetime(2026, 3, 8, 3, 20, tzinfo=TORONTO),
    "the day after it": datetime(2026, 3, 9, 9, 20, tzinfo=TORONTO),
    "the hour that a night has twice, at first": datetime(2026, 11, 1, 1, 20, tzinfo=TORONTO),
    "the hour that a night has twice, again": datetime(2026, 11, 1, 1, 20, tzinfo=TORONTO, fold=1),
}
# Of what the exchange told before and today; neither callbacks nor disruptions.
ASKED = ("Typical week: calls offered, by hour and day", "By half hour, for planning staff")


def of_the_day(url: str, now: datetime) -> list[Happened]:
    """Twenty calls of the minutes before."""
    store, given = upgrade(url), year.settings()
    reported = list(
        year_stories.calls(20, seed=7, at=lambda chance: now - timedelta(seconds=chance.randrange(60, 500)))
    )
    try:
        year_rows.stored(store, given, reported)
    finally:
        store.close()
    return [as_happened(*one) for one in reported]


@contextmanager
def reported(place: Path, url: str, now: datetime) -> Iterator[Scene]:
    with ExitStack() as stack:
        calls, complaints = weeks_before(url, now)
        calls += of_the_day(url, now)
        reader = stack.enter_context(as_reader(url))
        with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(False)) as owner:
            day = now.astimezone(TORONTO).date()
            today = f"boards.today() RETURNS date LANGUAGE sql STABLE AS $$ SELECT date '{day}' $$"
            owner.execute(f"CREATE OR REPLACE FUNCTION {today}".encode())
        still(reader)
        callmon = Callmon(place, 5038, "x", store=url)
        closes = configured(callmon, now)
        asked = Asked(None, reader, now.timestamp(), now.timestamp() - 30 * 86_400)  # type: ignore[arg-type]  # it is not asked
        yield Scene(asked, calls, [], complaints, 0.0, callmon, closes, {}, 0.0, 0.0, (0, 0), 0)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("local", MOMENTS.values(), ids=list(MOMENTS))
def test_the_truths_hold_on_any_day_at_any_hour(
    tmp_path: Path, url: str, local: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_SECRET", "x")
    now = local.astimezone(UTC)
    with reported(tmp_path, url, now) as scene:
        settings = load(scene.callmon.config)
        calendar = settings.calendar()
        assert calendar.is_open(now)
        assert calendar.closes_next(now) == scene.closes
        days = {last_day(settings, line, now) for line in settings.lines()}
        assert days == {last_opening_day(today_of(scene))}
        scene.asked.chosen = {
            "line": list(LINES), "language": ["fr", "en", "other", "unknown"],
            "hours": ["open", "closed", "unknown"],
            "names": [f"{line}={mode(line)}={titled(scene, line)}" for line in LINES],
        }  # fmt: skip
        assert list(wrong(scene)) == []


def wrong(scene: Scene) -> Iterator[str]:
    panels = {panel["title"]: panel for panel in lint.read("en")["calls"]["panels"]}
    for title in ASKED:
        truth = truth_of("calls", title)
        assert truth is not None
        seen = Seen("calls", "en", panels[title], scene.asked.frames(panels[title]), list(truth(scene)))
        yield from (f"{title}: {one}" for one in found(scene, title, seen))
