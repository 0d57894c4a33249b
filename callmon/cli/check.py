"""`callmon check`: the settings in force, the lines, and the closed days to approve (R-49).

Text for an operator's terminal, 100 columns wide. Never prints a secret: secrets have no value here, and a
database's password is replaced. Opens no connection. Checks only whether a secret can be read.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from importlib.util import find_spec
from itertools import groupby, zip_longest
from textwrap import wrap
from typing import Any

import click
from pydantic import BaseModel

from callmon.cli.common import CommandContext, json_option, print_json, with_context
from callmon.cli.help import HelpCommand
from callmon.cli.language import current_language, said
from callmon.config.business_calendar import Hours, Periods, SpecialHours
from callmon.config.closed_days import ClosedDay, next_twelve_months
from callmon.config.exchange import ExchangeSettings
from callmon.config.lines import Line, forms
from callmon.config.mqtt import MqttSettings
from callmon.config.phone_numbers import printed
from callmon.config.settings import Settings
from callmon.config.times import formatted_duration
from callmon.config.validation import hidden, variable
from callmon.config.web import WebSettings
from callmon.core.standards import load
from callmon.errors import ConfigError
from callmon.store.key_file import read_keys
from callmon.store.opening import key_path
from callmon.text.labels import label
from callmon.tools.alertmanager import clock_time
from callmon.web.protection import Protection

WIDTH = 100
VALUE_WIDTH = 40
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAYS_FR = ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim.")
SHOWN_ELSEWHERE = frozenset({"calendar", "services", "lines", "staff"})
LOOPBACK = ("127.", "localhost", "::1")


@click.command(cls=HelpCommand)
@with_context()
@json_option
def check(context: CommandContext, as_json: bool) -> None:
    """Load the configuration; print the settings in force and the next twelve months' closed days.

    \b
    Examples: callmon check
              callmon check --config /etc/callmon/callmon.toml --json
    """
    settings = context.settings
    load(settings.standards)
    Protection(settings.web.config_file).read()
    if not as_json:
        click.echo(report(settings, context.today))
        return
    days = settings.calendar().closed_days(*next_twelve_months(context.today))
    closed = [{"day": str(x.day), "name_fr": x.name_fr, "name_en": x.name_en} for x in days]
    remarks = list(check_remarks(settings))
    print_json({"configuration": settings.source, "closed_days": closed, "remarks": remarks})


def report(settings: Settings, today: date) -> str:
    """The whole report, ending in a line break. The twelve months of closed days begin `today`."""
    sections = {
        said("Settings in force ({file})", file=settings.source): _settings(settings),
        said("Normal business hours"): _hours(settings),
        said("Public lines"): (row for line in settings.lines() for row in _line(line, settings)),
        said("Languages of the staff"): _staff(settings),
        said("Closed days of the next twelve months, for approval"): _closed_days(settings, today),
        said("To check"): _remarks(settings),
    }
    return "\n".join(_section(title, list(rows)) for title, rows in sections.items())


def _section(title: str, rows: list[str]) -> str:
    return "\n".join([title, "─" * len(title), *(row.rstrip() for row in rows or [said("nothing")]), ""])


# ── settings ──


def _settings(settings: Settings) -> Iterator[str]:
    found = every_setting(settings.configuration, tell=said)
    rows = [(".".join(path), value, origin) for path, value, origin in found if path[0] not in SHOWN_ELSEWHERE]
    keys = max(len(key) for key, _, _ in rows) + 2
    for key, value, origin in rows:
        first, *more = wrap(value, VALUE_WIDTH, break_on_hyphens=False) or [""]
        yield f"{key:<{keys}}{first:<{VALUE_WIDTH}}  {origin}"
        yield from (f"{'':<{keys}}{line}" for line in more)


def every_setting(
    table: BaseModel, path: tuple[str, ...] = (), tell: Callable[[str], str] = str
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """(path, value with its unit, origin) of every setting in `table`, in the file's order.

    `tell` translates the words among them. JSON keeps the English ones.
    """
    for name, field in type(table).model_fields.items():
        value, here = getattr(table, name), (*path, name)
        unit = (field.json_schema_extra or {}).get("unit", "") if not callable(field.json_schema_extra) else ""
        yield from _under(value, here, str(unit), _origin(table, here, tell), tell)


def _under(
    value: Any, path: tuple[str, ...], unit: str, origin: str, tell: Callable[[str], str]
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    if isinstance(value, BaseModel):
        yield from every_setting(value, path, tell)
    elif isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _under(part, (*path, str(name)), "", "", tell)
    else:
        yield path, f"{_shown(value, tell)} {tell(unit)}".rstrip(), origin


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
    boxes = said("mailbox {names}", names=", ".join(line.mailboxes)) if line.mailboxes else said("no mailbox")
    spoken = said(", in {language}", language=label("language", line.language, reader)) if line.language else ""
    told = said(
        "{mode}{spoken}, ring {length}, {boxes}: {service}",
        mode=line.mode,
        spoken=spoken,
        length=formatted_duration(line.ring_cycle),
        boxes=boxes,
        service=service.title_fr if reader == "fr" else service.title_en,
    )
    yield f"{line.name:<20}{told}"
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


# ── remarks ──


def _remarks(settings: Settings) -> Iterator[str]:
    for remark in check_remarks(settings):
        yield from wrap(remark, WIDTH, initial_indent="• ", subsequent_indent="  ", break_on_hyphens=False)


def check_remarks(settings: Settings) -> Iterator[str]:
    """Not an error, but a matter for the administrator to know or decide."""
    if settings.hours_are_assumed():
        yield said("calendar.hours: opening hours are assumed; the ministry has not confirmed them.")
    yield said(
        "calendar: when 30 September or 11 November falls on a weekend, callmon closes the next Monday. "
        "The ministry must confirm this; closed_days_remove removes a day."
    )
    yield from _not_judged(settings)
    yield from _key_remarks(settings)
    if not settings.exchanges:
        yield said("exchanges: none is configured, so `callmon run` refuses to start; `callmon replay` works.")
    if not settings.lines():
        yield said("lines: none is configured, so no call is on a line; add [lines.NAME] for each.")
    for name, exchange in settings.exchanges.items():
        yield from (_of(f"exchanges.{name}", text) for text in _exchange_remarks(exchange))
    yield from (_of("mqtt", text) for text in _mqtt_remarks(settings.mqtt))
    yield from (_of("mail", text) for text in _mail_remarks(settings))
    yield from (_of("web.access", text) for text in _access_remarks(settings.web))


def _of(table: str, text: str) -> str:
    return said("{table}: {text}.", table=table, text=text)


def _mqtt_remarks(mqtt: MqttSettings) -> Iterator[str]:
    if warning := mqtt.secret_warning():
        yield warning
    if mqtt.host is not None and not mqtt.tls and not mqtt.host.startswith(LOOPBACK):
        password = said(" and the password") if mqtt.username else ""
        yield said(
            "messages to the broker{password} cross the network unencrypted; set tls = true", password=password
        )


def _mail_remarks(settings: Settings) -> Iterator[str]:
    mail = settings.mail
    if warning := mail.secret_warning():
        yield warning
    if mail.host is None:
        return
    if mail.tls == "none" and not mail.host.startswith(LOOPBACK):
        password = said(" and the password") if mail.username else ""
        yield said('reports{password} cross the network unencrypted; set tls = "starttls"', password=password)
    if mail.ca_file is not None and not mail.ca_file.is_file():
        yield said("ca_file: {file} cannot be read here, so no mail is sent", file=mail.ca_file)
    if "pdf" in mail.attach and find_spec("weasyprint") is None:
        yield said("attach has pdf, and WeasyPrint is not installed: no report is mailed. Install callmon[pdf]")
    if mail.internal_to and settings.web.access.url is None:
        yield said("mails have no link to the report's page; set web.access.url")


def _access_remarks(web: WebSettings) -> Iterator[str]:
    access, is_reached = web.access, not web.host.startswith(LOOPBACK)
    if is_reached and not access.is_configured:
        yield said(
            "no sign-in is configured: pages open on this machine only, other clients get /metrics and /healthz"
        )
    if is_reached and access.accounts and not access.proxy.addresses:
        yield said("passwords cross the network unencrypted; add a TLS proxy, and name it in proxy.addresses")
    if access.accounts and access.oidc is not None:
        yield said(
            "accounts and oidc are both on: one person may have two names, and verify a report under one that was "
            "prepared under the other; keep one of the two"
        )
    if access.oidc is not None and (warning := access.oidc.secret_warning()):
        yield warning


def _key_remarks(settings: Settings) -> Iterator[str]:
    """Where the keys of callers' numbers are, and whether they are usable."""
    path = key_path(settings)
    if settings.privacy.key_file is None:
        yield said(
            "privacy.key_file: not set, so the encryption key is {path}, created at the first start; "
            "a copy of the database's folder then contains both. Name a file elsewhere, and keep a copy of it.",
            path=path,
        )
    elif not path.exists():
        yield said(
            "privacy.key_file: {path} cannot be read by this user; callmon does not start without it.", path=path
        )
    else:
        try:
            read_keys(path)
        except ConfigError as error:
            yield _of("privacy.key_file", error.sentences[0])


def _not_judged(settings: Settings) -> Iterator[str]:
    """Standards that are not enabled, and the setting that would enable each."""
    if not settings.configuration.staff:
        yield said(
            "standards.bilingual_person: not judged, as no languages of staff are configured. Add [[staff]] with "
            'an extension and its languages, such as extension = "102", languages = ["fr", "en"].'
        )
    if not any(exchange.survey_extensions for exchange in settings.exchanges.values()):
        yield said(
            "standards.feedback_offered: not judged, as no survey is configured. Set survey_extensions of an "
            "exchange, or call UserEvent(CallmonSurveyOffered) on the caller's channel in the dialplan."
        )


def _exchange_remarks(exchange: ExchangeSettings) -> Iterator[str]:
    if warning := exchange.secret_warning():
        yield warning
    if not exchange.tls and not exchange.host.startswith(LOOPBACK):
        secret = said(" and the secret") if exchange.login == "plain" else ""
        yield said("callers' numbers{secret} cross the network unencrypted; set tls = true", secret=secret)
