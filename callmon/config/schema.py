"""The schema of the configuration file: every setting's type, unit, default and purpose.

`settings.py` builds the program's settings from it. The environment overrides the file: CALLMON_STORE__URL keeps a
database's password out of the file. Refuses: unknown settings and invalid values.
"""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path as FilePath
from typing import Annotated, Any, ClassVar, Literal, Self

from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, BeforeValidator, StringConstraints, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from callmon.config.business_calendar import Hours, SpecialHours
from callmon.config.closed_days import ClosedDay, ClosedDays, ontario
from callmon.config.exchange import ExchangeSettings, TimeZone
from callmon.config.lines import RING_CYCLE, RING_TONE, CallbackClock, Line, Lines, Target
from callmon.config.mail import MailSettings
from callmon.config.mqtt import MqttSettings
from callmon.config.open_data import OpenDataSettings
from callmon.config.phone_numbers import e164, relay_number
from callmon.config.staff import StaffMember, staff_errors
from callmon.config.standards import ALL_STANDARDS
from callmon.config.store import StoreSettings
from callmon.config.target import TargetSettings
from callmon.config.times import DayPeriods, Duration
from callmon.config.traces import TraceSettings
from callmon.config.validation import Found, Path, Table, did_you_mean, setting
from callmon.config.web import WebSettings
from callmon.config.webhooks import WebhookSettings
from callmon.config.wording import ENV_PREFIX
from callmon.errors import ConfigError, RefusedValueError, Sentence

TTY_TEST = timedelta(days=31)  # a line that is called once a month may be out of order for as long, unnoticed
AS_PRINTED = Sentence('; write it as "416 327-2422"')
YEAR_AND_MORE = 400  # days: FIPPA, Reg. 460 s. 5, at least one year after the last use

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]


def _telephone_key(text: str) -> str:
    if not 1 <= len(text) <= 2 or text.strip("0123456789*#"):
        raise RefusedValueError('"{key}" is no key of a telephone; write one or two of 0 to 9, * and #', key=text)
    return text


TelephoneKey = Annotated[str, AfterValidator(_telephone_key)]


class HealthSettings(Table):
    """[health]"""

    unheard_after: Duration = setting("/healthz answers 503 when an exchange is unheard for longer", "1m")
    behind_after: Duration = setting("/healthz answers 503 when an outcome waits longer to be committed", "30s")


class CallbackRules(Table):
    """[callbacks]: parameters of the ledger and of its due dates."""

    within: Duration = setting("a caller must be called back within this time, by the clock", "1d")
    talked_for: Duration = setting("a callback counts when the conversation lasted at least this long", "10s")
    rang_for: Duration = setting("an attempt counts when it rang for at least this long: four rings", "24s")
    attempt_counts: bool = setting("an attempt in time satisfies the standard; it is reported separately", True)
    due_soon: Duration = setting("a callback is due soon when no more opening time than this is left", "4h")
    abandoned_after: Duration | None = setting(
        "a caller who abandons after this wait must be called back; when left out, no such caller", None
    )
    shared_numbers: tuple[str, ...] = setting(
        "numbers that several people share: staff close each callback manually", ()
    )
    shared_after_days: int = setting(
        "a number counts as shared after messages on more days of a month", 5, ge=1, unit="days"
    )
    shared_after_lines: int = setting(
        "a number counts as shared after messages on more lines within a month", 3, ge=1, unit="lines"
    )
    unreachable_attempts: int = setting(
        "attempts required before a callback may be closed as unreachable", 2, ge=1, unit="attempts"
    )
    unreachable_days: int = setting("different days on which those attempts were made", 2, ge=1, unit="days")

    def in_region(self, region: str) -> Self:
        """The rules with the shared numbers as an exchange of this region delivers them (E.164)."""
        shared = tuple(number for text in self.shared_numbers if (number := e164(text, region)))
        return self.model_copy(update={"shared_numbers": shared})


class DisruptionSettings(Table):
    """[disruptions]"""

    after: Duration = setting(
        "a line that cannot take calls for this long has a disruption, counted from its beginning", "10s"
    )
    publish: FilePath | None = setting(
        "folder for the public notice: pages, calendars and JSON that a web server shows; when left out, none",
        None,
    )


class ContactSettings(Table):
    """[contacts]"""

    telephony: str | None = setting("telephone number or extension of the telephony team", None)
    lead: str | None = setting("telephone number or extension of the lead", None)
    administrator: str | None = setting("telephone number or extension of callmon's administrator", None)


class PrivacySettings(Table):
    """[privacy]"""

    key_file: FilePath | None = setting(
        "file with the encryption keys of callers' numbers; when left out, beside the database", None
    )
    folders: tuple[FilePath, ...] = setting(
        "recordings and copies that hold numbers; `callmon privacy purge` deletes expired ones", ()
    )


def _open_on(day: str) -> Any:
    return setting(f"opening hours on {day}; a day left out is closed", "closed")


class WeekTable(Table):
    """A week's hours. A table replaces the default week as a whole."""

    WHOLE: ClassVar[bool] = True  # a day with a mistake must not look like a closed day (validation.py)

    monday: DayPeriods = _open_on("Monday")
    tuesday: DayPeriods = _open_on("Tuesday")
    wednesday: DayPeriods = _open_on("Wednesday")
    thursday: DayPeriods = _open_on("Thursday")
    friday: DayPeriods = _open_on("Friday")
    saturday: DayPeriods = _open_on("Saturday")
    sunday: DayPeriods = _open_on("Sunday")

    def _errors(self) -> Found:
        """Without a business day no due date can be calculated."""
        if not any(self.hours().week[:5]):
            yield (
                (),
                Sentence(
                    "has no opening hours from Monday to Friday, so no business day exists; give a weekday hours"
                ),
            )

    def hours(self) -> Hours:
        weekdays = (self.monday, self.tuesday, self.wednesday, self.thursday, self.friday)
        return Hours((*weekdays, self.saturday, self.sunday))


class ClosedDayTable(Table):
    """A day on which the offices are closed, and its names; "2026-12-24" stands for a table of it alone."""

    day: date = setting("the date")
    title_fr: str = setting("its French name", "jour de fermeture", min_length=1)
    title_en: str = setting("its English name", "closed day", min_length=1)

    def closed_day(self) -> ClosedDay:
        return ClosedDay(self.day, self.title_fr, self.title_en)


def _table(value: object) -> object:
    return {"day": value} if isinstance(value, str | date) else value


AddedDay = Annotated[ClosedDayTable, BeforeValidator(_table)]


class CalendarSettings(Table):
    """[calendar]"""

    hours: WeekTable | None = setting(
        "normal business hours; when left out, 08:30-17:00 on weekdays, assumed", None
    )
    closed_days_add: tuple[AddedDay, ...] = setting("closed days in addition to Ontario's thirteen", ())
    closed_days_remove: tuple[date, ...] = setting(
        "those of Ontario's thirteen closed days on which the office opens", ()
    )
    special_hours: dict[date, DayPeriods] = setting(
        "hours of single days; they override the week and closed days", {}
    )

    @field_validator("closed_days_remove")
    @classmethod
    def _are_closed(cls, days: tuple[date, ...]) -> tuple[date, ...]:
        if wrong := [day for day in days if day not in ontario(day.year)]:
            nearest = min(ontario(wrong[0].year), key=lambda day: abs(day - wrong[0]), default=wrong[0])
            raise RefusedValueError('{day} is no closed day; did you mean "{near}"?', day=wrong[0], near=nearest)
        return days

    def closed(self) -> ClosedDays:
        added = tuple(table.closed_day() for table in self.closed_days_add)
        return ClosedDays(added, frozenset(self.closed_days_remove))


class LineSettings(Table):
    """[lines.NAME]"""

    mode: Literal["voice", "tty"] = setting("voice, or tty for a teletypewriter (ATS)")
    service: str = setting("the service it belongs to: a [services.NAME]")
    numbers: tuple[str, ...] = setting("its public numbers", ())
    arrives_as: tuple[str, ...] = setting(
        "DIDs exactly as the trunk delivers them, where they differ from numbers", ()
    )
    title_fr: str = setting("its French name, as people see it", min_length=1)
    title_en: str = setting("its English name, as people see it", min_length=1)
    ring_cycle: Duration = setting("length of one ring: its tone and the silence after it", RING_CYCLE)
    ring_tone: Duration = setting("length of the tone in one ring", RING_TONE)
    language: Literal["fr", "en"] | None = setting("language of the line, when it serves one language", None)
    language_menu: bool = setting("the menu of the line lets the caller choose a language", False)
    voicemail_keys: tuple[TelephoneKey, ...] = setting(
        "keys that always lead to voicemail, in each menu and queue of the line", ()
    )
    hours: WeekTable | None = setting("opening hours of the line; when left out, the ministry's", None)
    special_hours: dict[date, DayPeriods] = setting("hours of the line on single days", {})
    mailboxes: tuple[str, ...] = setting("voicemail boxes of the line; 500 means 500@default", ())
    extensions: tuple[str, ...] = setting(
        "phones of the line (101, PJSIP/101); empty: those dialled for its calls", ()
    )
    callback_clock: CallbackClock = setting(
        "rule that judges callbacks: 24 hours by the clock, or the next business_day", "clock"
    )
    test_call_every: Duration | None = setting(
        "interval of test calls; when left out, 31 days for a TTY line", None
    )
    target: dict[str, TargetSettings] = setting("internal targets, by service standard", {})


class ServiceSettings(Table):
    """[services.NAME]: what a lead and the public think in; several lines may serve it."""

    title_fr: str = setting("its French name, as people see it", min_length=1)
    title_en: str = setting("its English name, as people see it", min_length=1)


class MinistrySettings(Table):
    """[ministry]: its name, at the head of what people read."""

    name_fr: str = setting("its French name", min_length=1)
    name_en: str = setting("its English name", min_length=1)

    def name(self, language: str) -> str:
        return self.name_fr if language == "fr" else self.name_en


class Configuration(Table, BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENV_PREFIX, env_nested_delimiter="__"
    )

    timezone: TimeZone = setting("time zone of the ministry", "America/Toronto")
    region: str = setting("country whose numbers need no country code", "CA")
    default_language: Literal["fr", "en"] = setting(
        "language of pages and answers when the reader has chosen none", "fr"
    )
    retention_days: int = setting(
        "time for which a caller's number is stored after its last use",
        YEAR_AND_MORE,
        ge=1,
        le=36_500,
        unit="days",
    )
    retention_authority: str | None = setting(
        "records schedule or consent that allows fewer than 400 days", None, min_length=1
    )
    relay_numbers: tuple[str, ...] = setting(
        "numbers from which operators of the telephone relay service call",
        ("711", "1 800 855-0511", "1 800 855-1155"),
    )
    test_callers: tuple[str, ...] = setting("numbers from which staff test lines; figures exclude their calls", ())
    minimum_sample: int = setting(
        "comparisons (TTY, language) need this many judged calls on each side", 20, ge=1, unit="calls"
    )
    accessible_contact: str | None = setting(
        "contact for reports in another format: an e-mail address or telephone number", None, min_length=1
    )
    questions: tuple[Literal["what-if", "staffing", "why", "needs"], ...] = setting(
        "estimates about a line that may be asked for; tell its staff first (PRIVACY.md)", ()
    )
    ministry: MinistrySettings | None = setting("name of the ministry, at the head of reports", None)
    open_data: OpenDataSettings | None = setting(
        "publisher and licence of the open-data package; when left out, none is made", None
    )
    store: StoreSettings = setting("the database", {})
    privacy: PrivacySettings = setting("encryption keys, and files that hold numbers", {})
    web: WebSettings = setting("metrics, health and pages", {})
    mqtt: MqttSettings = setting("a message broker, for boards", {})
    traces: TraceSettings = setting("a collector of traces, one of each ended call", {})
    mail: MailSettings = setting("the mail server, and who receives the monthly report", {})
    webhooks: dict[Name, WebhookSettings] = setting("addresses that callmon sends events to", {})
    health: HealthSettings = setting("limits after which /healthz answers 503", {})
    callbacks: CallbackRules = setting("rules for callbacks", {})
    disruptions: DisruptionSettings = setting("rules for disruptions", {})
    contacts: ContactSettings = setting(
        "whom to call: the runbook has these numbers for readers who signed in", {}
    )
    exchanges: dict[Name, ExchangeSettings] = setting("the exchanges to listen to", {})
    calendar: CalendarSettings = setting("opening hours and closed days of the ministry", {})
    services: dict[Name, ServiceSettings] = setting("services of the lines", {})
    lines: dict[Name, LineSettings] = setting("the public lines", {})
    staff: tuple[StaffMember, ...] = setting("languages of the staff, by extension", ())
    standards: dict[str, dict[str, Any]] = setting(
        "parameters of service standards; each standard checks its own", {}
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment overrides the file. There is no other source, so no forgotten .env file applies."""
        return env_settings, init_settings

    @field_validator("region")
    @classmethod
    def _region_exists(cls, value: str) -> str:
        if value not in SUPPORTED_REGIONS:
            raise RefusedValueError(
                '"{value}" is no country; write its two capital letters, such as "CA"', value=value
            )
        return value

    def _errors(self) -> Found:
        for find in (_retention, _line_errors, _mail_errors, _clashes):
            yield from find(self)
        yield from staff_errors(self.staff, self.exchanges)
        region = self.region
        short = Sentence(', nor a short one such as "711"')
        yield from _bad_numbers(("relay_numbers",), self.relay_numbers, region, short, relay_number)
        yield from _bad_numbers(("test_callers",), self.test_callers, region)
        for name, number in self.contacts:
            if number is not None and relay_number(number, region) is None:
                yield ("contacts", name), _no_number(number, region, Sentence(", nor an extension"))
        yield from _bad_numbers(("callbacks", "shared_numbers"), self.callbacks.shared_numbers, region)

    def public_lines(self) -> Lines:
        """Build the lines. Raises ConfigError when two cannot be distinguished (R-43)."""
        return Lines((_line(name, table, self.region) for name, table in self.lines.items()), self.region)


def _line(name: str, table: LineSettings, region: str) -> Line:
    """The line from its table, most of whose settings have the names of the line's fields."""
    given = {key: value for key, value in table if key != "target"} | {
        "numbers": tuple(number for text in table.numbers if (number := e164(text, region))),
        "hours": table.hours.hours() if table.hours else None,
        "special_hours": SpecialHours(table.special_hours),
        "targets": tuple(Target(s, t.percent, t.since, t.signed_by) for s, t in table.target.items()),
        "test_call_every": table.test_call_every or (TTY_TEST if table.mode == "tty" else None),
    }
    return Line(name=name, **given)


def _retention(configuration: Configuration) -> Found:
    """R-01: a retention shorter than the law's year requires an authority."""
    if configuration.retention_days < YEAR_AND_MORE and not configuration.retention_authority:
        yield (
            ("retention_days",),
            Sentence(
                "{days} is below the {least} days that cover the legal year; "
                'name the records schedule or consent that allows it: retention_authority = "…"',
                days=configuration.retention_days,
                least=YEAR_AND_MORE,
            ),
        )


def _line_errors(configuration: Configuration) -> Found:
    known = configuration.services
    how = Sentence(
        '; write it as "416 327-2422" or "+14163272422" (what the trunk delivers instead belongs in arrives_as)'
    )
    for name, line in configuration.lines.items():
        path: Path = ("lines", name)
        if line.service not in known:
            add = Sentence("; add [services.{name}] with both titles", name=line.service)
            hint = did_you_mean(line.service, known) or add
            text = Sentence('there is no service "{name}"{hint}', name=line.service, hint=hint)
            yield (*path, "service"), text
        for standard in line.target:
            if standard not in ALL_STANDARDS:
                hint = did_you_mean(standard, ALL_STANDARDS)
                yield (*path, "target", standard), Sentence("unknown service standard{hint}", hint=hint)
        if not line.numbers and not line.arrives_as:
            yield (*path, "numbers"), Sentence('is missing; write the public number, or arrives_as = ["…"]')
        yield from _bad_numbers((*path, "numbers"), line.numbers, configuration.region, how)
        if line.ring_tone > line.ring_cycle:
            text = Sentence("is longer than ring_cycle; the tone is a part of the cycle")
            yield (*path, "ring_tone"), text
    for name, webhook in configuration.webhooks.items():
        for place, line_name in enumerate(webhook.lines):
            if line_name not in configuration.lines:
                hint = did_you_mean(line_name, configuration.lines)
                text = Sentence('there is no line "{name}"{hint}', name=line_name, hint=hint)
                yield ("webhooks", name, "lines", place), text
    for name in configuration.web.access.services.keys() - known.keys():
        text = Sentence('there is no service "{name}"{hint}', name=name, hint=did_you_mean(name, known))
        yield ("web", "access", "services", name), text


def _mail_errors(configuration: Configuration) -> Found:
    """Without attachments a mail needs a link that its recipient may follow: a page, to an account."""
    mail = configuration.mail
    if mail.host is None or mail.attach:
        return
    if configuration.web.access.url is None:
        text = Sentence("is empty, so a mail needs its link: add web.access.url, or a format to attach")
        yield ("mail", "attach"), text
    if mail.public_to:
        text = Sentence("is empty, and public_to has no account for the link; add a format to attach")
        yield ("mail", "attach"), text


def _bad_numbers(
    path: Path,
    numbers: Iterable[str],
    region: str,
    how: Sentence = AS_PRINTED,
    parse: Callable[[str, str], str | None] = e164,
) -> Found:
    """A mistake for each of the numbers at `path` that is not valid."""
    for place, number in enumerate(numbers):
        if parse(number, region) is None:
            yield (*path, place), _no_number(number, region, how)


def _no_number(number: str, region: str, how: Sentence) -> Sentence:
    return Sentence('"{number}" is no telephone number in {region}{how}', number=number, region=region, how=how)


def _clashes(configuration: Configuration) -> Found:
    try:
        configuration.public_lines()
    except ConfigError as clash:
        yield from (((), sentence) for sentence in clash.sentences)
