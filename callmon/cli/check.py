"""`callmon check`: the settings in force, the lines, and the closed days to approve (R-49).

Text for an operator's terminal, 100 columns wide. Never prints a secret: secrets have no value here, and a
database's password is replaced. Opens no connection. Checks only whether a secret can be read.
"""

import os
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from importlib.util import find_spec
from itertools import groupby, zip_longest
from textwrap import wrap
from typing import Any

import click
from pydantic import BaseModel

from callmon.cli.common import CommandContext, json_option, print_json, with_context
from callmon.cli.help import HelpCommand
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
        f"Settings in force ({settings.source})": _settings(settings),
        "Normal business hours": _hours(settings),
        "Public lines": (row for line in settings.lines() for row in _line(line, settings)),
        "Languages of the staff": _staff(settings),
        "Closed days of the next twelve months, for approval": _closed_days(settings, today),
        "To check": _remarks(settings),
    }
    return "\n".join(_section(title, list(rows)) for title, rows in sections.items())


def _section(title: str, rows: list[str]) -> str:
    return "\n".join([title, "─" * len(title), *(row.rstrip() for row in rows or ["nothing"]), ""])


# ── settings ──


def _settings(settings: Settings) -> Iterator[str]:
    found = every_setting(settings.configuration)
    rows = [(".".join(path), value, origin) for path, value, origin in found if path[0] not in SHOWN_ELSEWHERE]
    keys = max(len(key) for key, _, _ in rows) + 2
    for key, value, origin in rows:
        first, *more = wrap(value, VALUE_WIDTH, break_on_hyphens=False) or [""]
        yield f"{key:<{keys}}{first:<{VALUE_WIDTH}}  {origin}"
        yield from (f"{'':<{keys}}{line}" for line in more)


def every_setting(table: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """(path, value with its unit, origin) of every setting in `table`, in the file's order."""
    for name, field in type(table).model_fields.items():
        value, here = getattr(table, name), (*path, name)
        unit = (field.json_schema_extra or {}).get("unit", "") if not callable(field.json_schema_extra) else ""
        yield from _under(value, here, str(unit), _origin(table, here))


def _under(
    value: Any, path: tuple[str, ...], unit: str, origin: str
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    if isinstance(value, BaseModel):
        yield from every_setting(value, path)
    elif isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _under(part, (*path, str(name)), "", "")
    else:
        yield path, f"{_shown(value)} {unit}".rstrip(), origin


def _shown(value: Any) -> str:
    match value:
        case None | () | []:
            return "none"
        case bool():
            return "yes" if value else "no"
        case timedelta():
            return formatted_duration(value)
        case tuple() | list():
            return ", ".join(map(_shown, value))
        case Mapping():
            return "none"
        case _:
            return hidden(str(value))


def _origin(table: BaseModel, path: tuple[str, ...]) -> str:
    if variable(path) in os.environ:
        return f"from {variable(path)}"
    return "" if path[-1] in table.model_fields_set else "default"


# ── hours ──


def _hours(settings: Settings) -> Iterator[str]:
    calendar = settings.calendar()
    yield f"time zone {calendar.timezone.key}"
    yield from _week(calendar.hours)
    yield from _special(calendar.special_hours)
    if settings.hours_are_assumed():
        yield "ASSUMED: the policy says « heures normales de bureau » but states no times for the telephone."
        yield "These are the hours of the ministry's counters. Confirm them, or write others, as [calendar.hours]."


def _week(hours: Hours) -> Iterator[str]:
    for opening, days in groupby(zip(DAYS, hours.week, strict=True), key=lambda pair: pair[1]):
        names = [day for day, _ in days]
        span = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
        yield f"{span:<22}{_periods(opening)}"


def _special(special: SpecialHours) -> Iterator[str]:
    for day in sorted(special):
        yield f"{day} {DAYS[day.weekday()][:3]:<10} {_periods(special[day])}"


def _periods(opening: Periods) -> str:
    return ", ".join(f"{clock_time(p.opens)} to {clock_time(p.closes)}" for p in opening) or "closed"


# ── lines ──


def _line(line: Line, settings: Settings) -> Iterator[str]:
    boxes = f"mailbox {', '.join(line.mailboxes)}" if line.mailboxes else "no mailbox"
    spoken = f", in {label('language', line.language, 'en')}" if line.language else ""
    service = settings.services[line.service].title_en
    yield f"{line.name:<20}{line.mode}{spoken}, ring {formatted_duration(line.ring_cycle)}, {boxes}: {service}"
    for language in ("fr", "en"):
        numbers = " / ".join(printed(number, language) for number in line.numbers)
        yield f"  {language.upper()}  {line.title(language):<50}{numbers}"
    yield from _hanging("  known by: ", ", ".join(forms(line, settings.region)))
    if line.extensions:
        yield from _hanging("  phones: ", ", ".join(line.extensions))
    if line.hours:
        yield from (f"  own hours: {row}" for row in _week(line.hours))
    yield from (f"  own hours: {row}" for row in _special(line.special_hours))
    for target in line.targets:
        title = label("standard", target.standard, "en")
        yield from _hanging(
            "  internal target: ",
            f"{title}: {target.percent:g} % since {target.since}, by {target.signed_by}",
        )


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
        since = f" from {entry.valid_from}" if entry.valid_from else ""
        until = f" until {entry.valid_until} included" if entry.valid_until else ""
        where = f", at {entry.exchange}" if entry.exchange else ""
        spoken = " and ".join(label("language", language, "en") for language in entry.languages)
        yield f"extension {entry.extension}{where}: {spoken}{since}{until}"


# ── closed days ──


def _closed_days(settings: Settings, today: date) -> Iterator[str]:
    first, last = next_twelve_months(today)
    calendar = settings.calendar()
    yield f"from {first} to {last}"
    for closed in calendar.closed_days(first, last):
        yield from _closed_day(closed, calendar.special_hours.get(closed.day))
    for day in sorted(calendar.closed.remove):
        if first <= day <= last:
            yield f"{day}  removed from Ontario's list: open as on any {DAYS[day.weekday()]}"


def _closed_day(closed: ClosedDay, special: Periods | None) -> Iterator[str]:
    column = (WIDTH - 24) // 2
    french, english = (wrap(name, column - 2) for name in (closed.name_fr, closed.name_en))
    day, weekday = str(closed.day), closed.day.weekday()
    for fr, en in zip_longest(french, english, fillvalue=""):
        left, right = (f"{day}  {DAYS_FR[weekday]}", DAYS[weekday][:3]) if day else ("", "")
        yield f"{left:<18}{fr:<{column}}{right:<5}{en}"
        day = ""
    if special:
        yield f"{'':<18}open nevertheless, {_periods(special)} (special hours)"


# ── remarks ──


def _remarks(settings: Settings) -> Iterator[str]:
    for remark in check_remarks(settings):
        yield from wrap(remark, WIDTH, initial_indent="• ", subsequent_indent="  ", break_on_hyphens=False)


def check_remarks(settings: Settings) -> Iterator[str]:
    """Not an error, but a matter for the administrator to know or decide."""
    if settings.hours_are_assumed():
        yield "calendar.hours: opening hours are assumed; the ministry has not confirmed them."
    yield (
        "calendar: when 30 September or 11 November falls on a weekend, callmon closes the next Monday. "
        "The ministry must confirm this; closed_days_remove removes a day."
    )
    yield from _not_judged(settings)
    yield from _key_remarks(settings)
    if not settings.exchanges:
        yield "exchanges: none is configured, so `callmon run` refuses to start; `callmon replay` works."
    if not settings.lines():
        yield "lines: none is configured, so no call is on a line; add [lines.NAME] for each."
    for name, exchange in settings.exchanges.items():
        yield from (f"exchanges.{name}: {text}." for text in _exchange_remarks(exchange))
    yield from (f"mqtt: {text}." for text in _mqtt_remarks(settings.mqtt))
    yield from (f"mail: {text}." for text in _mail_remarks(settings))
    yield from (f"web.access: {text}." for text in _access_remarks(settings.web))


def _mqtt_remarks(mqtt: MqttSettings) -> Iterator[str]:
    if warning := mqtt.secret_warning():
        yield warning
    if mqtt.host is not None and not mqtt.tls and not mqtt.host.startswith(LOOPBACK):
        password = " and the password" if mqtt.username else ""
        yield f"messages to the broker{password} cross the network unencrypted; set tls = true"


def _mail_remarks(settings: Settings) -> Iterator[str]:
    mail = settings.mail
    if warning := mail.secret_warning():
        yield warning
    if mail.host is None:
        return
    if mail.tls == "none" and not mail.host.startswith(LOOPBACK):
        password = " and the password" if mail.username else ""
        yield f'reports{password} cross the network unencrypted; set tls = "starttls"'
    if mail.ca_file is not None and not mail.ca_file.is_file():
        yield f"ca_file: {mail.ca_file} cannot be read here, so no mail is sent"
    if "pdf" in mail.attach and find_spec("weasyprint") is None:
        yield "attach has pdf, and WeasyPrint is not installed: no report is mailed. Install callmon[pdf]"
    if mail.internal_to and settings.web.access.url is None:
        yield "mails have no link to the report's page; set web.access.url"


def _access_remarks(web: WebSettings) -> Iterator[str]:
    access, is_reached = web.access, not web.host.startswith(LOOPBACK)
    if is_reached and not access.is_configured:
        yield "no sign-in is configured: pages open on this machine only, other clients get /metrics and /healthz"
    if is_reached and access.accounts and not access.proxy.addresses:
        yield "passwords cross the network unencrypted; add a TLS proxy, and name it in proxy.addresses"
    if access.oidc is not None and (warning := access.oidc.secret_warning()):
        yield warning


def _key_remarks(settings: Settings) -> Iterator[str]:
    """Where the keys of callers' numbers are, and whether they are usable."""
    path = key_path(settings)
    if settings.privacy.key_file is None:
        yield (
            f"privacy.key_file: not set, so the encryption key is {path}, created at the first start; "
            "a copy of the database's folder then contains both. Name a file elsewhere, and keep a copy of it."
        )
    elif not path.exists():
        yield f"privacy.key_file: {path} cannot be read by this user; callmon does not start without it."
    else:
        try:
            read_keys(path)
        except ConfigError as error:
            yield f"privacy.key_file: {error}."


def _not_judged(settings: Settings) -> Iterator[str]:
    """Standards that are not enabled, and the setting that would enable each."""
    if not settings.configuration.staff:
        yield (
            "standards.bilingual_person: not judged, as no languages of staff are configured. Add [[staff]] with "
            'an extension and its languages, such as extension = "102", languages = ["fr", "en"].'
        )
    if not any(exchange.survey_extensions for exchange in settings.exchanges.values()):
        yield (
            "standards.feedback_offered: not judged, as no survey is configured. Set survey_extensions of an "
            "exchange, or call UserEvent(CallmonSurveyOffered) on the caller's channel in the dialplan."
        )


def _exchange_remarks(exchange: ExchangeSettings) -> Iterator[str]:
    if warning := exchange.secret_warning():
        yield warning
    if not exchange.tls and not exchange.host.startswith(LOOPBACK):
        secret = " and the secret" if exchange.login == "plain" else ""
        yield f"callers' numbers{secret} cross the network unencrypted; set tls = true"
