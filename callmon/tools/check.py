"""`callmon check`: the settings in force, the lines, and the closed days to approve (R-49).

Text for an operator's terminal, 100 columns wide. Never prints a secret: secrets have no value here, and a
database's password is replaced. Opens no connection. Checks only whether a secret can be read.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby, zip_longest
from textwrap import wrap
from typing import Annotated, Any, NamedTuple

import click
from pydantic import BaseModel, TypeAdapter

from callmon.cli.common import CommandContext, json_option, print_json, with_context
from callmon.cli.help import HelpCommand
from callmon.cli.language import current_language, said
from callmon.config.business_calendar import Hours, Periods, SpecialHours
from callmon.config.closed_days import ClosedDay, next_twelve_months
from callmon.config.lines import Line, forms
from callmon.config.phone_numbers import printed
from callmon.config.settings import Settings
from callmon.config.times import formatted_duration
from callmon.config.webhooks import SecretAddress
from callmon.config.wording import hidden, variable
from callmon.core.standards import load
from callmon.text.labels import label
from callmon.tools.alertmanager import clock_time
from callmon.tools.check_remarks import check_remarks
from callmon.web.protection import Protection

WIDTH = 100
VALUE_WIDTH = 40
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAYS_FR = ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim.")
SHOWN_ELSEWHERE = frozenset({"calendar", "services", "lines", "staff"})


@click.command(cls=HelpCommand)
@with_context()
@click.option("--all", "shows_all", is_flag=True, help="show every setting, also those with their default")
@json_option
def check(context: CommandContext, shows_all: bool, as_json: bool) -> None:
    """Load the configuration; print what to check, the settings that differ from the default, and the next twelve
    months' closed days.

    \b
    Examples: callmon check --all
              callmon check --config /etc/callmon/callmon.toml --json
    """
    settings = context.settings
    load(settings.standards)
    Protection(settings.web.config_file).read()
    if not as_json:
        click.echo(report(settings, context.today, shows_all))
        return
    days = settings.calendar().closed_days(*next_twelve_months(context.today))
    closed = [{"day": str(x.day), "name_fr": x.name_fr, "name_en": x.name_en} for x in days]
    remarks = list(check_remarks(settings))
    print_json({"configuration": settings.source, "closed_days": closed, "remarks": remarks})


def report(settings: Settings, today: date, shows_all: bool = False) -> str:
    """The whole report, ending in a line break. The twelve months of closed days begin `today`."""
    if shows_all:
        title = said("Settings in force ({file})", file=settings.source)
    else:
        title = said("Settings that differ from the default ({file})", file=settings.source)
    sections = {
        said("To check"): _remarks(settings),
        title: _settings(settings, shows_all),
        said("Normal business hours"): _hours(settings),
        said("Public lines"): (row for line in settings.lines() for row in _line(line, settings)),
        said("Languages of the staff"): _staff(settings),
        said("Closed days of the next twelve months, for approval"): _closed_days(settings, today),
    }
    return "\n".join(_section(title, list(rows)) for title, rows in sections.items())


def _section(title: str, rows: list[str]) -> str:
    return "\n".join([title, "─" * len(title), *(row.rstrip() for row in rows or [said("nothing")]), ""])


# ── settings ──


def _remarks(settings: Settings) -> Iterator[str]:
    for remark in check_remarks(settings):
        yield from wrap(remark, WIDTH, initial_indent="• ", subsequent_indent="  ", break_on_hyphens=False)


def _settings(settings: Settings, shows_all: bool) -> Iterator[str]:
    found = every_setting(settings.configuration, tell=said)
    rows = [
        (".".join(path), value, origin)
        for path, value, origin, differs in found
        if path[0] not in SHOWN_ELSEWHERE and (differs or shows_all)
    ]
    keys = max((len(key) for key, _, _ in rows), default=0) + 2
    for key, value, origin in rows:
        first, *more = wrap(value, VALUE_WIDTH, break_on_hyphens=False) or [""]
        yield f"{key:<{keys}}{first:<{VALUE_WIDTH}}  {origin}"
        yield from (f"{'':<{keys}}{line}" for line in more)


class SettingInForce(NamedTuple):
    path: tuple[str, ...]
    value: str  # with its unit
    origin: str  # "" is the file
    differs: bool  # from its default


def every_setting(
    table: BaseModel, path: tuple[str, ...] = (), tell: Callable[[str], str] = str
) -> Iterator[SettingInForce]:
    """Every setting in `table`, in the file's order.

    `tell` translates the words among them. JSON keeps the English ones.
    """
    for name, field in type(table).model_fields.items():
        value, here = getattr(table, name), (*path, name)
        unit = (field.json_schema_extra or {}).get("unit", "") if not callable(field.json_schema_extra) else ""
        found = SettingInForce(here, "", _origin(table, here, tell), _differs(table, name))
        yield from _under(value, str(unit), found, tell)


def _under(value: Any, unit: str, found: SettingInForce, tell: Callable[[str], str]) -> Iterator[SettingInForce]:
    """`found` with its value, or the settings below it."""
    if isinstance(value, BaseModel):
        yield from every_setting(value, found.path, tell)
    elif isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _under(part, "", found._replace(path=(*found.path, str(name))), tell)
    else:
        yield found._replace(value=f"{_shown(value, tell)} {tell(unit)}".rstrip())


def _differs(table: BaseModel, name: str) -> bool:
    """Whether the setting was given a value other than its default."""
    field = type(table).model_fields[name]
    if name not in table.model_fields_set or field.is_required():
        return field.is_required()
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    default = TypeAdapter(kind).validate_python(field.default)
    return bool(getattr(table, name) != default)


def _shown(value: Any, tell: Callable[[str], str]) -> str:
    match value:
        case None | () | []:
            return tell("none")
        case bool():
            return tell("yes" if value else "no")
        case timedelta():
            return formatted_duration(value)
        case tuple() | list():
            return ", ".join(_shown(x, tell) for x in value)
        case Mapping():
            return tell("none")
        case SecretAddress():
            return value.shown()
        case _:
            return hidden(str(value))


def _origin(table: BaseModel, path: tuple[str, ...], tell: Callable[[str], str]) -> str:
    if variable(path) in os.environ:
        return tell("from {variable}").format(variable=variable(path))
    return "" if path[-1] in table.model_fields_set else tell("default")


# ── hours ──


def _hours(settings: Settings) -> Iterator[str]:
    calendar = settings.calendar()
    yield said("time zone {zone}", zone=calendar.timezone.key)
    yield from _week(calendar.hours)
    yield from _special(calendar.special_hours)
    if settings.hours_are_assumed():
        yield said("ASSUMED: the policy says « heures normales de bureau » but states no times for the telephone.")
        yield said(
            "These are the hours of the ministry's counters. Confirm them, or write others, as [calendar.hours]."
        )


def _week(hours: Hours) -> Iterator[str]:
    for opening, days in groupby(zip(DAYS, hours.week, strict=True), key=lambda pair: pair[1]):
        names = [said(day) for day, _ in days]
        span = names[0] if len(names) == 1 else said("{from_day} to {to_day}", from_day=names[0], to_day=names[-1])
        yield f"{span:<22}{_periods(opening)}"


def _special(special: SpecialHours) -> Iterator[str]:
    for day in sorted(special):
        yield f"{day} {said(DAYS[day.weekday()])[:3]:<10} {_periods(special[day])}"


def _periods(opening: Periods) -> str:
    spans = [said("{first} to {last}", first=clock_time(p.opens), last=clock_time(p.closes)) for p in opening]
    return ", ".join(spans) or said("closed")


# ── lines ──


def _line(line: Line, settings: Settings) -> Iterator[str]:
    reader, service = current_language(), settings.services[line.service]
    mailboxes = said("mailbox {names}", names=", ".join(line.mailboxes)) if line.mailboxes else said("no mailbox")
    spoken = said(", in {language}", language=label("language", line.language, reader)) if line.language else ""
    text = said(
        "{mode}{spoken}, ring {length}, {mailboxes}: {service}",
        mode=line.mode,
        spoken=spoken,
        length=formatted_duration(line.ring_cycle),
        mailboxes=mailboxes,
        service=service.title_fr if reader == "fr" else service.title_en,
    )
    yield f"{line.name:<20}{text}"
    for language in ("fr", "en"):
        numbers = " / ".join(printed(number, language) for number in line.numbers)
        yield f"  {language.upper()}  {line.title(language):<50}{numbers}"
    yield from _hanging(said("  known by: "), ", ".join(forms(line, settings.region)))
    if line.extensions:
        yield from _hanging(said("  phones: "), ", ".join(line.extensions))
    if line.hours:
        yield from (said("  own hours: ") + row for row in _week(line.hours))
    yield from (said("  own hours: ") + row for row in _special(line.special_hours))
    for target in line.targets:
        signed = said(
            "{standard}: {percent}% since {since}, by {person}",
            standard=label("standard", target.standard, reader),
            percent=target.percent,
            since=target.since,
            person=target.signed_by,
        )
        yield from _hanging(said("  internal target: "), signed)


def _hanging(label: str, text: str) -> list[str]:
    """`text` after `label`; its further lines are aligned below its first."""
    indent = " " * len(label)
    return wrap(text, WIDTH, initial_indent=label, subsequent_indent=indent, break_on_hyphens=False)


# ── staff ──


def _staff(settings: Settings) -> Iterator[str]:
    """By extension, then by time; without names of persons."""
    for entry in sorted(
        settings.configuration.staff, key=lambda x: (len(x.extension), x.extension, x.valid_from or date.min)
    ):
        since = said(" from {day}", day=entry.valid_from) if entry.valid_from else ""
        until = said(" until {day} included", day=entry.valid_until) if entry.valid_until else ""
        where = said(", at {exchange}", exchange=entry.exchange) if entry.exchange else ""
        spoken = said(" and ").join(label("language", x, current_language()) for x in entry.languages)
        extension = said("extension {name}{where}: {spoken}", name=entry.extension, where=where, spoken=spoken)
        yield f"{extension}{since}{until}"


# ── closed days ──


def _closed_days(settings: Settings, today: date) -> Iterator[str]:
    first, last = next_twelve_months(today)
    calendar = settings.calendar()
    yield said("from {first} to {last}", first=first, last=last)
    for closed in calendar.closed_days(first, last):
        yield from _closed_day(closed, calendar.special_hours.get(closed.day))
    for day in sorted(calendar.closed.remove):
        if first <= day <= last:
            weekday = said(DAYS[day.weekday()])
            yield said("{day}  removed from Ontario's list: open as on any {weekday}", day=day, weekday=weekday)


def _closed_day(closed: ClosedDay, special: Periods | None) -> Iterator[str]:
    column = (WIDTH - 24) // 2
    french, english = (wrap(name, column - 2) for name in (closed.name_fr, closed.name_en))
    day, weekday = str(closed.day), closed.day.weekday()
    for fr, en in zip_longest(french, english, fillvalue=""):
        left, right = (f"{day}  {DAYS_FR[weekday]}", DAYS[weekday][:3]) if day else ("", "")
        yield f"{left:<18}{fr:<{column}}{right:<5}{en}"
        day = ""
    if special:
        yield " " * 18 + said("open nevertheless, {hours} (special hours)", hours=_periods(special))
