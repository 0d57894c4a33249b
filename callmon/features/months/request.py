"""The request for a monthly report, from the command or a page; the report made from it, and its files. Blocks.

A report is made from one snapshot of the database, and the settings. It stays the same while neither the data nor
the settings change and no obligation falls due.

Refuses: to write a file; the caller writes them.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import msgspec
from sqlalchemy import Connection

from callmon import __version__
from callmon.config.settings import Settings
from callmon.core.attestations import AttestationStatus, status_of
from callmon.core.statistics import period as months
from callmon.core.statistics.period import Month
from callmon.errors import ConfigError, NoDataError
from callmon.features.months import queries
from callmon.features.months.builder import PeriodTotals, ReportBuilder
from callmon.features.months.explained import explained, planned_week
from callmon.features.months.formats import csv, html, json, mail, pdf, xlsx
from callmon.features.months.formats.json import Published
from callmon.features.months.formatter import ReportFormatter, formatter_of
from callmon.features.months.model import FORMATS, Relation, Report
from callmon.features.months.notes import Remarks, notes_of
from callmon.features.months.open_data import card, package
from callmon.features.months.open_data import edition as public
from callmon.features.months.signed import approved, last_signed
from callmon.store.database import Database
from callmon.store.queries import disruptions, reconciliations
from callmon.store.queries.attestations import attestations_in
from callmon.store.queries.coverage import Fingerprint, coverages, first_heard
from callmon.store.queries.months import lines_in_progress
from callmon.text.labels import LANGUAGES, label

File = tuple[Path, bytes]
STDOUT = Path("-")
Step = Callable[[], None]  # called after each step of the work


class ReportRequest(msgspec.Struct, frozen=True):
    """A request for a report.

    `month`: "2026-10". `kind`: one of FORMATS. `lang`: fr, en, or None for one file of each language.
    `earlier`: the report that this one revises, and its name. `beside`: public editions of other months.
    `is_card`: of the public edition one page with five figures.
    `kind` may be "mail", the text of a mail: the formats `attached` to it are made from the same report. It may be
    "package", the open data of a public edition as one zip.
    `at`: the time at which the report is judged; None for now.
    `is_zip`: all files in one.
    `phones`: with an annex, the phones needed in the week after.
    `to_sign`: the files that people sign: `kind` in both languages, and JSON, revising what was signed last.
    """

    is_report: ClassVar[bool] = True

    month: str
    kind: str = "html"
    lang: str | None = None
    is_public: bool = False
    to_date: bool = False
    lines: tuple[str, ...] | None = None
    compare: bool = True
    remarks: Remarks = {}
    earlier: tuple[Published, str] | None = None
    beside: tuple[tuple[Published, str], ...] = ()
    is_card: bool = False
    attached: tuple[str, ...] = ()
    at: datetime | None = None
    to_sign: bool = False
    is_zip: bool = False
    phones: bool = False

    @property
    def subject(self) -> str:
        return self.month

    def make(self, store: Database, settings: Settings, progress: Callable[[float], None]) -> list[File]:
        """The files, as a job of the pages."""
        return filed(store, settings, self, self.at or datetime.now(UTC), progress)


def files(
    report: Report,
    settings: Settings,
    report_request: ReportRequest,
    output: Path | None = None,
    language_done: Step = lambda: None,
) -> list[File]:
    """The path and bytes of each file of the kind; `language_done` is called after each language is made.

    Both languages are made, whichever is requested: a missing text stops both, so that none is published alone by
    mistake. JSON is one file with both languages. Only one language is written to standard output.
    """
    fr, en = formatters = [formatter_of(report, language, settings.timezone) for language in LANGUAGES]
    kind, lang = report_request.kind, report_request.lang
    edition = "-card" if report_request.is_card else "-public" if report.is_public else ""
    path = output or Path(f"callmon-{report.month.name}{edition}.{kind}")
    if kind == "mail":
        return [(path, msgspec.json.encode(mail.notice(report, settings, fr, en)))]
    if kind == "package":
        return [(path.with_suffix(".zip"), package.zipped(package.package(report, settings)))]
    if kind == "json":
        return [(path, json.json_bytes(report, fr, en, __version__))]
    found: list[File] = []
    for formatter in formatters:
        is_wanted = lang in (None, formatter.language)
        # For a PDF in a language that is not requested, its HTML page is sufficient.
        form = kind if is_wanted or kind != "pdf" else "html"
        made = _in(report, settings, report_request, formatter, form)
        language = formatter.language if lang is None else None
        if is_wanted:
            found += [(localized_path(path, language, x), made[x]) for x in made if path != STDOUT or not x]
        language_done()
    return found


def localized_path(path: Path, language: str | None, suffix: str = "") -> Path:
    """The path for one of two languages; `language` is None when only one language is written."""
    if path == STDOUT:
        return path
    return path.with_name(path.stem + (f"-{language}" if language else "") + suffix + path.suffix)


def _in(
    report: Report, settings: Settings, report_request: ReportRequest, formatter: ReportFormatter, kind: str
) -> dict[str, bytes]:
    """The files of one language, keyed by the suffix that is added to their name."""
    if kind == "csv":
        other = "-dictionnaire" if formatter.language == "fr" else "-dictionary"
        return {"": csv.figures(report, formatter), other: csv.dictionary(report, formatter)}
    notes = notes_of(settings, report.month, formatter)
    if kind == "xlsx":
        return {"": xlsx.workbook(report, notes, report_request.remarks, formatter)}
    if report_request.is_card:
        page = card.card(report, notes, formatter)
    else:
        page = html.html(report, notes, report_request.remarks, formatter)
    return {"": pdf.pdf(page) if kind == "pdf" else page}


# Time to write one language, in read steps (days); used only for the progress bar.
AS_LONG_AS = {"pdf": 90, "xlsx": 15}


def checked(report_request: ReportRequest, settings: Settings, now: datetime) -> Month:
    """The period of a request. Raises ConfigError for an invalid one; the message states what is possible."""
    if report_request.kind not in (*FORMATS, "mail", "package") or report_request.lang not in (None, *LANGUAGES):
        asked, formats = f"{report_request.kind}, {report_request.lang}", ", ".join(FORMATS)
        raise ConfigError("{asked}: a report is one of {formats}, in fr or en.", asked=asked, formats=formats)
    if report_request.beside and not report_request.is_public:
        raise ConfigError("--beside goes with --public: the internal report reads other months in the database.")
    if report_request.is_card and (not report_request.is_public or report_request.kind not in card.FORMATS):
        raise ConfigError("--card goes with --public, as HTML or PDF.")
    if report_request.is_public and (report_request.to_date or report_request.lines is not None):
        raise ConfigError("--public goes with whole months and all lines: a part of it would tell small numbers.")
    if report_request.phones and "staffing" not in settings.configuration.questions:
        raise ConfigError(
            '`callmon {question}` is off: tell the staff first (PRIVACY.md), then add "{question}" to '
            "questions in the configuration.",
            question="staffing",
        )
    if report_request.phones and (report_request.is_public or len(report_request.lines or ()) > 1):
        raise ConfigError("--phones goes with the internal report of all lines, or of one.")
    try:
        period = months.month(report_request.month, settings.timezone)
    except ConfigError:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}", report_request.month):
            raise ConfigError(
                "{month}: there is no such month; the last is 12.", month=report_request.month
            ) from None
        raise ConfigError("{month}: a month is written as 2026-10.", month=report_request.month) from None
    if period.begin >= now:
        raise ConfigError("{month} has not begun yet; give a month that has.", month=report_request.month)
    today = now.astimezone(settings.timezone).date()
    if report_request.to_date and today <= period.first:
        raise ConfigError(
            "{month}: no day of it is over yet; wait for tomorrow, or leave --month-to-date out.",
            month=report_request.month,
        )
    return months.to_date(period, today, settings.timezone) if report_request.to_date else period


def made(
    store: Database,
    settings: Settings,
    report_request: ReportRequest,
    now: datetime,
    progress: Callable[[int], Step] = lambda steps: lambda: None,
) -> Report:
    """The report as the database has it at `now`. Raises ConfigError, NoDataError, StoreError."""
    period = checked(report_request, settings, now)
    report = gathered(store, settings, period, now, report_request.lines, report_request.compare, progress)
    if not report.has_data:
        language = report_request.lang or settings.default_language
        raise NoDataError(label("no_report", "no_data", language).format(month=report_request.month))
    if report_request.phones:
        (line,) = report_request.lines or (None,)
        report = msgspec.structs.replace(report, planned=planned_week(store, settings, period, now, line))
    edition = public.edition(report) if report_request.is_public else report
    if report_request.earlier is not None:
        edition = json.revised(edition, *report_request.earlier)
    return public.beside(edition, report_request.beside) if report_request.is_public else edition


def filed(
    store: Database,
    settings: Settings,
    report_request: ReportRequest,
    now: datetime,
    report: Callable[[float], None],
) -> list[File]:
    """The files of the report, without a folder; `report` is called with the fraction of work done, up to 1."""
    expected = done = 0

    def expect(count: int, size: int = 1) -> Step:
        """Expect `count` times `size` steps more; the returned function records `size` of them."""
        nonlocal expected
        expected += count * size

        def record() -> None:
            nonlocal done
            done += size
            report(min(1.0, done / expected))

        return record

    kinds = (report_request.kind, *report_request.attached)
    language_done = [expect(len(LANGUAGES), AS_LONG_AS.get(kind, 3)) for kind in kinds]
    if report_request.to_sign:
        report_request = msgspec.structs.replace(report_request, earlier=last_signed(store, report_request.month))
    loaded = made(store, settings, report_request, now, expect)
    if report_request.to_sign:
        path = Path(f"callmon-{report_request.month}-r{loaded.revision}.{report_request.kind}")
        people = files(loaded, settings, report_request, path, language_done[0])
        as_json = msgspec.structs.replace(report_request, kind="json")
        return [*people, *files(loaded, settings, as_json, path.with_suffix(".json"))]
    if report_request.kind == "mail" and (signed := _signed(store, report_request)):
        fr, en = (formatter_of(loaded, language, settings.timezone) for language in LANGUAGES)
        text = msgspec.json.encode(mail.notice(loaded, settings, fr, en, signed))
        return [(Path("mail"), text), *((Path(name), data) for name, data in signed.files)]
    of_kinds = [msgspec.structs.replace(report_request, kind=kind) for kind in kinds]
    both = zip(of_kinds, language_done, strict=True)
    found = [file for one, step in both for file in files(loaded, settings, one, language_done=step)]
    return _zipped(found) if report_request.is_zip else found


def _zipped(found: list[File]) -> list[File]:
    """The files as one."""
    path, _ = found[0]
    data = package.zipped({path.name: data for path, data in found})
    return [(path.with_name(f"{path.stem}-{path.suffix[1:]}.zip"), data)]


def _signed(store: Database, report_request: ReportRequest) -> mail.ApprovedReport | None:
    """What is mailed in place of new files: the approved ones, the JSON only if it is asked for."""
    if (
        report_request.is_public
        or report_request.earlier is not None
        or (found := approved(store, report_request.month)) is None
    ):
        return None
    is_wanted = {
        ".json": "json" in report_request.attached,
        ".html": bool(report_request.attached),
        ".pdf": bool(report_request.attached),
    }
    wanted = [x for x in found.files if is_wanted[Path(x[0]).suffix]]
    return found._replace(files=sorted(wanted, key=lambda x: "-fr." not in x[0]))  # French first, as in the text


# From the database.


def gathered(
    store: Database,
    settings: Settings,
    period: Month,
    now: datetime,
    lines: Iterable[str] | None = None,
    compare: bool = True,
    progress: Callable[[int], Step] = lambda days: lambda: None,
) -> Report:
    """The report of a period as the database has it at `now`.

    `compare`: add the month before, the same month of the year before, and the whole of the eleven months before.
    `progress` gets the number of read steps and returns a function to call after each. A step is a day, or a month
    that the roll-ups cover.
    """
    zone = settings.timezone
    others: list[tuple[Relation, Month]] = []
    before: Month | None = None
    if compare:
        past = months.earlier(period, zone, 12)
        before = past[-1]
        others = [*(("earlier", x) for x in past[1:-1]), ("before", before), ("year_before", past[0])]
    with store.snapshot() as connection:
        step = progress(sum(queries.count_steps(connection, zone, x) for x in (period, *(x for _, x in others))))
        starts = first_heard(connection)
        report = _report(connection, ReportBuilder(settings, period, now, lines), starts, step)
        compared = []
        for relation, month in others:
            builder = ReportBuilder(settings, month, now, lines, has_cuts=relation != "earlier")
            other = _report(connection, builder, starts, step)
            compared.append(other.compared_as(relation))
        report = msgspec.structs.replace(report, compared=tuple(compared[-2:]), months=tuple(compared[:-1]))
        return explained(connection, store.ring, settings, report, before, lines)


def _report(
    connection: Connection, builder: ReportBuilder, starts: Mapping[str, datetime | None], step: Step
) -> Report:
    zone = builder.settings.timezone
    period = builder.month
    now = builder.now
    fingerprint = Fingerprint()
    begin, end = period.begin, period.end
    counted = queries.aggregate_calls(connection, zone, period, fingerprint, step)
    for (line, language), cell in counted.cells.items():
        builder.rolled_up(line, language, cell)
    for obligation, findings in queries.judged_obligations(connection, begin, end, fingerprint):
        builder.obligation(obligation, findings)
    listening = coverages(connection, period, zone, fingerprint, starts)
    if end > now:  # the time after `now` is not a gap in reception
        listening = {name: x.extended(now, end) for name, x in listening.items()}
    disrupted = tuple(disruptions.all_in(connection, begin, end))
    for x in disrupted:
        fingerprint.include("disruption", x.id, x.began, x.ended, x.counts)
    in_progress = sum(map(builder.is_included, lines_in_progress(connection, begin, end)))
    reconciled = reconciliations.reconciled_counts(connection, period.first, period.after, builder.wanted)
    if reconciled is not None:
        fingerprint.include("reconciliation", *sorted(reconciled.items()))
    attested = _attested(connection, builder, fingerprint)
    totals = PeriodTotals(listening, counted.calls, in_progress, str(fingerprint), disrupted, reconciled)
    return msgspec.structs.replace(builder.report(totals), attested=attested)


def _attested(
    connection: Connection, builder: ReportBuilder, fingerprint: Fingerprint
) -> tuple[AttestationStatus, ...]:
    """The attestations of each line as they stand at the end of the period."""
    after = builder.month.after
    tests = [x for x in attestations_in(connection) if x.tested < after and builder.is_included(x.line)]
    for test in tests:
        fingerprint.include("attestation", *msgspec.structs.astuple(test))
    today = min(builder.now, builder.month.end).astimezone(builder.settings.timezone).date()
    return status_of([x.name for x in builder.lines], tests, after, today)
