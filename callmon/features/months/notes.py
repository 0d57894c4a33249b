"""What a report states beside its figures: hours, closed days, settings, targets, attestations. Pure."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby

import msgspec
from babel.dates import get_day_names

from callmon.config.business_calendar import Periods
from callmon.config.lines import Line
from callmon.config.settings import Settings
from callmon.core.standards import load
from callmon.core.statistics.aggregates import SHORT_ABANDON
from callmon.core.statistics.period import Month
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.titles import PARAMETERS
from callmon.text.formatter import Definition

WHOLE_DAY = (timedelta(0), timedelta(days=1))
MONTH = "month"  # the key of a remark about the whole
Remarks = dict[str, dict[str, str]]  # key of a section → language → text


class Notes(msgspec.Struct, frozen=True):
    """All that a report states beside its figures, in one language.

    `publisher`: the ministry; "" where the configuration does not name it. `assumed`: nobody has set the hours.
    """

    publisher: str
    accessible: str
    hours: tuple[Definition, ...]
    assumed: bool
    closed: tuple[Definition, ...]
    settings: tuple[Definition, ...]
    targets: tuple[Definition, ...]


def notes_of(settings: Settings, month: Month, formatter: ReportFormatter) -> Notes:
    return Notes(
        publisher(settings, formatter.language),
        accessible(settings, formatter),
        tuple(hours(settings, formatter)),
        settings.hours_are_assumed(),
        tuple(closed_days(settings, month, formatter)),
        tuple(settings_in_force(settings, formatter)),
        tuple(targets(settings, month, formatter)),
    )


def publisher(settings: Settings, language: str) -> str:
    """The ministry, by its name in the configuration; "" where that has none."""
    configured = settings.configuration
    if configured.ministry is not None:
        return configured.ministry.name(language)
    return "" if configured.open_data is None else configured.open_data.text("publisher", language)


def accessible(settings: Settings, formatter: ReportFormatter) -> str:
    """The contact from whom another format can be requested (R-37)."""
    contact = settings.configuration.accessible_contact
    if contact is not None:
        return formatter.say("Accessible formats on request: {contact}.", contact=contact)
    return formatter.say("Accessible formats on request, from the person who gave you this report.")


def hours(settings: Settings, formatter: ReportFormatter) -> Iterator[Definition]:
    """The opening hours of the current configuration; adjacent days with the same hours are grouped."""

    def clock(wall: timedelta) -> str:
        minutes = int(wall.total_seconds()) // 60
        return formatter.time_of_day(minutes // 60 % 24, minutes % 60)

    def opening(periods: Periods) -> str:
        if [(x.opens, x.closes) for x in periods] == [WHOLE_DAY]:
            return formatter.say("day and night")
        return ", ".join(
            formatter.say("{opens} to {closes}", opens=clock(x.opens), closes=clock(x.closes)) for x in periods
        )

    def spans(week: Sequence[Periods]) -> Iterator[str]:
        names = get_day_names("wide", locale=formatter.locale)
        for hours, some in groupby(range(len(week)), key=lambda day: opening(week[day])):
            days = [names[day] for day in some]
            is_one = len(days) == 1
            span = days[0] if is_one else formatter.say("{first} to {last}", first=days[0], last=days[-1])
            yield f"{span} {hours}" if hours else ""

    weeks = [(formatter.say("The ministry"), settings.calendar().hours.week)]
    weeks += [(x.title(formatter.language), x.hours.week) for x in settings.lines() if x.hours is not None]
    for title, week in weeks:
        openings = {opening(periods) for periods in week}
        always = formatter.say("day and night")
        opened = "; ".join(span for span in spans(week) if span) or formatter.say("always closed")
        yield Definition(title, always if openings == {always} else opened)


def closed_days(settings: Settings, month: Month, formatter: ReportFormatter) -> Iterator[Definition]:
    for day in settings.calendar().closed_days(month.first, month.after - timedelta(days=1)):
        yield Definition(formatter.day(day.day), day.name_fr if formatter.language == "fr" else day.name_en)


def settings_in_force(settings: Settings, formatter: ReportFormatter) -> Iterator[Definition]:
    """Every setting that affects a figure, except the hours."""
    say, rules = formatter.say, settings.rules
    rows = [
        (say("Short abandon"), say("under {length}", length=formatter.span(SHORT_ABANDON))),
        (say("Judged calls needed to compare"), formatter.count(settings.minimum_sample)),
        (say("Judged calls below which the fraction stands for the rate"), formatter.count(formatter.few)),
        (say("Callback delay"), formatter.span(rules.within)),
        (say("A conversation counts as a callback after"), formatter.span(rules.talked_for)),
        (say("An attempt counts after ringing for"), formatter.span(rules.rang_for)),
        (say("An attempt in time satisfies the standard"), say("yes") if rules.attempt_counts else say("no")),
    ]
    if rules.abandoned_after is not None:
        rows.append((say("An abandoned call opens a callback after"), formatter.span(rules.abandoned_after)))
    rows += [(line.title(formatter.language), _line(formatter, line)) for line in settings.lines()]
    for standard in sorted(load(settings.standards), key=lambda x: x.name):
        parameters = sorted(standard.parameters.model_dump().items())
        if parameters:
            texts = [_parameter(formatter, standard.name, key, value) for key, value in parameters]
            rows.append((formatter.word("standard", standard.name), "; ".join(texts)))
    return (Definition(*row) for row in rows)


def _parameter(formatter: ReportFormatter, standard: str, key: str, value: object) -> str:
    """A parameter: « nombre maximal de sonneries : 3 ».

    A parameter of a standard that callmon does not ship has no text and is shown by its own name.
    """
    known = PARAMETERS.get(f"{standard}.{key}") or PARAMETERS.get(key)
    return formatter.labelled(formatter.say(known) if known else key, str(value))


def _line(formatter: ReportFormatter, line: Line) -> str:
    by_day = line.callback_clock == "business_day"
    clock = formatter.say("next business day") if by_day else formatter.say("24 hours by the clock")
    return formatter.say(
        "a ring lasts {cycle}; callback judged by: {clock}",
        cycle=formatter.span(line.ring_cycle),
        clock=clock,
    )


def targets(settings: Settings, month: Month, formatter: ReportFormatter) -> Iterator[Definition]:
    """The internal targets in force on the month's first day (R-25)."""
    for line in settings.lines():
        for standard in dict.fromkeys(target.standard for target in line.targets):
            target = line.target(standard, month.first)
            if target is None:
                continue
            yield Definition(
                f"{line.title(formatter.language)}, {formatter.word('standard', standard)}",
                formatter.say(
                    "{percent} since {day}, {by}",
                    percent=formatter.percent(round(target.percent * 10)),
                    day=formatter.day(target.since),
                    by=target.signed_by,
                ),
            )
