"""Below *Now*: today's calls by the half-hour beside the usual ones, and the causes of misses; drawn, in tables.

Read from the database at most once a minute, for all viewers. While it is away, the page stands without this part.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from callmon.store.queries import half_hours as stored
from callmon.web import half_hours
from callmon.web.context import AwayError, PageContext
from callmon.web.formatter import WebFormatter
from callmon.web.half_hours import ENOUGH, WEEKS, Half, Missed, TodayHalfHours

KEPT = timedelta(minutes=1)
LEFT, TOP, WIDTH, HEIGHT, FOOT = 40, 26, 900, 190, 26  # of the drawing, in its own units
ROW, LABEL = 28, 330  # of the drawing of the causes


class ColumnView(msgspec.Struct, frozen=True):
    """A half-hour, drawn. Heights are from the ground line; `mark` is the height of the median."""

    x: float
    width: float
    offered: float
    answered: float
    mark: float | None
    is_heard: bool
    is_open: bool
    hour: str


class HalfHourView(msgspec.Struct, frozen=True):
    """A half-hour in words."""

    time: str
    offered: str
    answered: str
    usual: str
    remark: str


class BarView(msgspec.Struct, frozen=True):
    """A cause: its count on voice lines, drawn as `width`; and its count on TTY lines."""

    title: str
    voice: int
    tty: int
    width: float


async def part(site: PageContext, tongue: WebFormatter) -> dict[str, Any]:
    """The values of `_half_hours.html`."""
    try:
        told = await _today(site)
    except AwayError:
        return {"told": None, "why": tongue.say("n. d. : la base de données ne répond pas.")}
    if told is None:
        return {"told": None, "why": tongue.say("n. d. : les totaux par jour sont en train d'être refaits.")}
    return view(told, tongue)


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


def view(told: TodayHalfHours, tongue: WebFormatter) -> dict[str, Any]:
    """The values of both drawings and both tables. Pure."""
    halves = told.halves
    most = max([1.0, *(float(max(x.offered, x.usual or 0)) for x in halves)])
    known = any(x.usual is not None for x in halves)
    return {
        "told": told,
        "at": tongue.minute(told.at),
        "day": told.day.isoformat(),
        "columns": _columns(halves, most, tongue),
        "most": f"{most:g}".replace(".", "," if tongue.language == "fr" else "."),
        "rows": [_row(one, tongue) for one in halves],
        "note": _note(known, tongue.weekday(told.day), tongue),
        "bars": _bars(told.missed, tongue),
        "has_tty": any(line.mode == "tty" for line in tongue.settings.lines()),
        "silent": any(not one.is_heard for one in halves),
        "closed": any(not one.is_open for one in halves),
        "known": known,
        "size": (WIDTH, TOP + HEIGHT + FOOT, LEFT, TOP, TOP + HEIGHT),
    }


def _note(known: bool, weekday: str, tongue: WebFormatter) -> str:
    """The meaning of the median's mark, or why there is none."""
    if known:
        return tongue.say(
            "Repère : médiane des {weekday}s comparables des {weeks} dernières semaines, sans les demi-heures "
            "hors d'écoute.",
            weekday=weekday,
            weeks=WEEKS,
        )
    return tongue.say(
        "Pas encore de repère : il faut au moins {count} {weekday}s comparables, entièrement entendus, dans "
        "les {weeks} dernières semaines.",
        count=ENOUGH,
        weekday=weekday,
        weeks=WEEKS,
    )


def _columns(halves: tuple[Half, ...], most: float, tongue: WebFormatter) -> list[ColumnView]:
    step, every = (WIDTH - LEFT) / max(1, len(halves)), 1 if len(halves) <= 30 else 2

    def height(calls: float) -> float:
        return round(calls / most * HEIGHT, 1)

    return [
        ColumnView(
            round(LEFT + place * step, 1),
            round(step, 1),
            height(one.offered),
            height(one.answered),
            None if one.usual is None else height(one.usual),
            one.is_heard,
            one.is_open,
            tongue.minute(one.begin) if _has_name(one.begin, every, tongue) else "",
        )
        for place, one in enumerate(halves)
    ]


def _has_name(begin: datetime, every: int, tongue: WebFormatter) -> bool:
    """Whether the column has a label: each hour's, or of many each second hour's: "10 a.m." needs the room."""
    local = begin.astimezone(tongue.settings.timezone)
    return not local.minute and not local.hour % every


def _row(one: Half, tongue: WebFormatter) -> HalfHourView:
    say = tongue.say
    usual = say("n. d.") if one.usual is None else f"{one.usual:g}"
    remarks = [
        say("fermé") if not one.is_open else "",
        say("en cours") if one.state == "now" else "",
        say("hors d'écoute : chiffres incomplets") if not one.is_heard else "",
    ]
    is_known = one.state != "ahead" and (one.is_heard or one.offered)
    nothing = say("à venir") if one.state == "ahead" else say("n. d.")
    return HalfHourView(
        tongue.minute(one.begin),
        str(one.offered) if is_known else nothing,
        str(one.answered) if is_known else nothing,
        usual.replace(".", ",") if tongue.language == "fr" and one.usual is not None else usual,
        ", ".join(x for x in remarks if x),
    )


def _bars(missed: tuple[Missed, ...], tongue: WebFormatter) -> list[BarView]:
    most = max([1, *(x.voice for x in missed)])
    room = WIDTH - LABEL - 60
    return [
        BarView(tongue.capital(tongue.word("cause", x.cause)), x.voice, x.tty, round(room * x.voice / most, 1))
        for x in missed
    ]
