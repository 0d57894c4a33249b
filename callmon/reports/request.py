"""The order for a monthly report, from the command or a page, and the report made from it. Blocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from callmon.errors import ConfigError, NoDataError
from callmon.reports.export import FORMATS, LANGUAGES, File, files
from callmon.reports.load import Told, gathered
from callmon.text.labels import label

if TYPE_CHECKING:
    from callmon.config.settings import Settings
    from callmon.core.statistics.period import Month
    from callmon.reports.formats.json import Published
    from callmon.reports.model import Report
    from callmon.reports.notes import Remarks
    from callmon.store.database import Database

# Time to write one language, in read steps (days); used only for the progress bar.
AS_LONG_AS = {"pdf": 90, "xlsx": 15}


class ReportRequest(msgspec.Struct, frozen=True):
    """An order for a report.

    `month`: "2026-10". `kind`: one of FORMATS. `lang`: fr, en, or None for one file of each language.
    `earlier`: the report that this one revises, and its name. `beside`: public editions of other months.
    """

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


def checked(order: ReportRequest, settings: Settings, now: datetime) -> Month:
    """The period of an order. Raises ConfigError for an invalid order; the message states what is possible."""
    from callmon.core.statistics import period as months

    if order.kind not in FORMATS or order.lang not in (None, *LANGUAGES):
        raise ConfigError(f"{order.kind}, {order.lang}: a report is one of {', '.join(FORMATS)}, in fr or en.")
    if order.beside and not order.is_public:
        raise ConfigError("--beside goes with --public: the internal report reads other months in the database.")
    if order.is_public and (order.to_date or order.lines is not None):
        raise ConfigError(
            "--public goes with whole months and all lines: a part of it would tell what is kept back."
        )
    period = months.month(order.month, settings.timezone)
    if period.begin >= now:
        raise ConfigError(f"{order.month} has not begun yet.")
    today = now.astimezone(settings.timezone).date()
    return months.to_date(period, today, settings.timezone) if order.to_date else period


def no_data(order: ReportRequest, settings: Settings) -> str:
    """The sentence for a month without data, in the language of the order."""
    return label("no_report", "no_data", order.lang or settings.default_language).format(month=order.month)


def made(
    store: Database,
    settings: Settings,
    order: ReportRequest,
    now: datetime,
    progress: Callable[[int], Told] = lambda steps: lambda: None,
) -> Report:
    """The report as the database has it at `now`. Raises ConfigError, NoDataError, StoreError."""
    from callmon.reports import revision
    from callmon.reports.public import edition as public
    from callmon.reports.public import revision as editions

    period = checked(order, settings, now)
    report = gathered(store, settings, period, now, order.lines, order.compare, progress)
    if not report.has_data:
        raise NoDataError(no_data(order, settings))
    if not order.is_public:
        return report if order.earlier is None else revision.revised(report, *order.earlier)
    edition = public.edition(report) if order.earlier is None else editions.succeeding(report, *order.earlier)
    return editions.beside(edition, order.beside)


def filed(
    store: Database, settings: Settings, order: ReportRequest, now: datetime, told: Callable[[float], None]
) -> list[File]:
    """The files of the report, without a folder; `told` is called with the fraction of work done, up to 1."""
    work = Progress(AS_LONG_AS.get(order.kind, 3) * len(LANGUAGES), told)
    report = made(store, settings, order, now, work.reading)
    return files(report, settings, order.kind, order.lang, None, order.remarks, work.wrote)


class Progress:
    """The progress of a report: days read and languages written."""

    def __init__(self, writing: int, told: Callable[[float], None]) -> None:
        self._writing, self._told = writing, told
        self._days = self._read = 0
        self._written = 0.0

    def reading(self, days: int) -> Told:
        self._days = days
        return self._has_read

    def _has_read(self) -> None:
        self._read += 1
        self._tell()

    def wrote(self) -> None:
        self._written += self._writing / len(LANGUAGES)
        self._tell()

    def _tell(self) -> None:
        self._told(min(1.0, (self._read + self._written) / (self._days + self._writing)))
