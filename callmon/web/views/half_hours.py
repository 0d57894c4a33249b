"""Below *Now*: today's calls by the half-hour beside the usual ones, and the causes of misses; drawn, in tables.

Read from the database at most once a minute, for all viewers. While it is away, the page stands without this part.
"""

from datetime import timedelta
from typing import Any

from callmon.store.queries import reports as stored
from callmon.web import half_hours
from callmon.web.context import AwayError, PageContext
from callmon.web.formatter import WebFormatter
from callmon.web.half_hours import WEEKS, TodayHalfHours

KEPT = timedelta(minutes=1)
LEFT, TOP, WIDTH, HEIGHT, FOOT = 40, 26, 900, 190, 26  # of the drawing, in its own units
MOST_LINES = 4  # of the grid above 0
LABEL = 330  # the width of the causes' names in their drawing


async def part(site: PageContext, tongue: WebFormatter) -> dict[str, Any]:
    """The values of `_half_hours.html`."""
    try:
        today = await _today(site)
    except AwayError:
        return {"today": None, "why": tongue.say("n. d. : la base de données ne répond pas.")}
    if today is None:
        return {"today": None, "why": tongue.say("n. d. : les totaux par jour sont en train d'être refaits.")}
    return view(today, tongue)


async def _today(site: PageContext) -> TodayHalfHours | None:
    """Today's half-hours, at most a minute old; None while the roll-ups are rebuilt or of another time zone."""
    sight, settings = site.seen(), site.settings
    if site.today is None or not timedelta(0) <= sight.at - site.today.at < KEPT:
        days = half_hours.days(sight.at, settings)
        counted = await site.ask(stored.half_hour_counts, site.reader, settings.timezone, days, sight.at)
        site.today = (
            None if counted is None else half_hours.today(counted, sight.unheard_since, settings, sight.at)
        )
    return site.today


def view(today: TodayHalfHours, tongue: WebFormatter) -> dict[str, Any]:
    """The values of both drawings and both tables. Pure."""
    halves = today.halves
    most = max([1.0, *(float(max(x.offered, x.usual or 0)) for x in halves)])
    grid = next(10**power * x for power in range(9) for x in (1, 2, 5) if most <= MOST_LINES * 10**power * x)
    ticks = range(0, grid * -int(-most // grid) + 1, grid)
    return {
        "today": today,
        "every": 1 if len(halves) <= 30 else 2,  # hours to a label: "10 a.m." needs the room
        "most": ticks[-1],
        "ticks": ticks,
        "step": (WIDTH - LEFT) / max(1, len(halves)),
        "weeks": WEEKS,
        "most_missed": max([1, *(x.voice for x in today.missed)]),
        "has_tty": any(line.mode == "tty" for line in tongue.settings.lines()),
        "known": any(x.usual is not None for x in halves),
        "size": (WIDTH, TOP + HEIGHT + FOOT, LEFT, TOP, TOP + HEIGHT),
        "label": LABEL,
    }
