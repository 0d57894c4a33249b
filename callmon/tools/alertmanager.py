"""Alertmanager's time intervals for notifications, made from opening hours and closed days (R-08).

Alertmanager supports weekdays and dates, not calendars. A time such as the opening hours therefore becomes two
intervals. `NAME` is the regular week, plus the days that have hours of their own. `not_NAME` is the time that
those days leave out. A route is active in the first, and muted in the second and in `callmon_closed`, the days
without any hours. After the last date listed here the regular week continues: an alert on a holiday does less
harm than one that is never sent.

Pure. Refuses: to decide to whom an alert is sent.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from callmon.config.business_calendar import DAY, MIDNIGHT, Calendar, OpenPeriod, Periods

CLOSED = "callmon_closed"
WHOLE_DAY: Periods = (OpenPeriod(MIDNIGHT, DAY),)
DIGEST_BEFORE = timedelta(minutes=15)
DIGEST_LASTS = timedelta(minutes=5)  # Alertmanager checks once in this time: one message
ESCALATION = timedelta(hours=1)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Entry = dict[str, Any]  # one of Alertmanager's time intervals; all of its conditions must hold
Choice = Callable[[Periods], Periods]


def before_opening(opening: Periods) -> Periods:
    """The digest's time: five minutes, from 15 minutes before the day's first opening (8:15 to 8:20)."""
    if not opening:
        return ()
    begins = max(MIDNIGHT, opening[0].opens - DIGEST_BEFORE)
    return (OpenPeriod(begins, begins + DIGEST_LASTS),)


def after_an_hour(opening: Periods) -> Periods:
    """The day's opening time without its first hour: then the alert is also sent to the lead."""
    left, to_skip = [], ESCALATION
    for opens, closes in opening:
        skipped = min(to_skip, closes - opens)
        to_skip -= skipped
        if opens + skipped < closes:
            left.append(OpenPeriod(opens + skipped, closes))
    return tuple(left)


CHOICES: Mapping[str, Choice] = {
    "callmon_open": lambda opening: opening,
    "callmon_before_opening": before_opening,
    "callmon_open_for_an_hour": after_an_hour,
}


def time_intervals(calendar: Calendar, first: date, months: int) -> dict[str, list[Entry]]:
    """Every interval by its name. Dates cover `months` months, counted from the month of `first`."""
    special = {d: p for d in _days(first, months) if (p := calendar.periods_on(d)) != calendar.hours.on(d)}
    found = {CLOSED: list(_dates({day: WHOLE_DAY for day, opening in special.items() if not opening}))}
    short = {day: opening for day, opening in special.items() if opening}
    for name, choice in CHOICES.items():
        chosen = {day: choice(opening) for day, opening in short.items()}
        found[name] = [*_week(calendar, choice), *_dates({d: p for d, p in chosen.items() if p})]
        found[f"not_{name}"] = list(_dates({d: rest for d, p in chosen.items() if (rest := _rest(p))}))
    zone = {"location": calendar.timezone.key}
    return {name: [entry | zone for entry in entries] for name, entries in found.items()}


def as_yaml(intervals: Mapping[str, Iterable[Entry]]) -> str:
    """The section `time_intervals:` of alertmanager.yml. Each entry is one line of JSON, which is valid YAML."""
    lines = ["time_intervals:"]
    for name, entries in intervals.items():
        written = [f"      - {json.dumps(entry)}" for entry in entries]
        lines += [f"  - name: {name}", "    time_intervals:" if written else "    time_intervals: []", *written]
    return "\n".join(lines) + "\n"


def _days(first: date, months: int) -> Iterator[date]:
    ahead = first.year * 12 + first.month - 1 + months
    end = date(ahead // 12, ahead % 12 + 1, 1)
    return map(date.fromordinal, range(first.replace(day=1).toordinal(), end.toordinal()))


def _week(calendar: Calendar, choice: Choice) -> Iterator[Entry]:
    same: dict[Periods, list[str]] = defaultdict(list)
    for weekday, opening in zip(WEEKDAYS, calendar.hours.week, strict=True):
        same[choice(opening)].append(weekday)
    for chosen, weekdays in same.items():
        if chosen:
            yield {"weekdays": weekdays, "times": _times(chosen)}


def _dates(days: Mapping[date, Periods]) -> Iterator[Entry]:
    """One entry for each month and time of day."""
    same: dict[tuple[int, int, Periods], list[str]] = defaultdict(list)
    for day, chosen in sorted(days.items()):
        same[day.year, day.month, chosen].append(str(day.day))
    for (year, month, chosen), numbers in same.items():
        entry: Entry = {"years": [str(year)], "months": [str(month)], "days_of_month": numbers}
        yield entry if chosen == WHOLE_DAY else entry | {"times": _times(chosen)}


def _rest(chosen: Periods) -> Periods:
    """The parts of a day outside these periods."""
    edges = [MIDNIGHT, *(edge for period in chosen for edge in period), DAY]
    return tuple(OpenPeriod(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b)


def _times(chosen: Periods) -> list[dict[str, str]]:
    return [{"start_time": clock_time(p.opens), "end_time": clock_time(p.closes)} for p in chosen]


def clock_time(wall: timedelta) -> str:
    minutes = int(wall.total_seconds()) // 60
    return f"{minutes // 60:02}:{minutes % 60:02}"
