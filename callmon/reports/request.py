"""The request for a monthly report, from the command or a page, and the report made from it. Blocks."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from callmon.config.settings import Settings
from callmon.core.statistics import period as months
from callmon.core.statistics.period import Month
from callmon.errors import ConfigError, NoDataError
from callmon.reports import revision
from callmon.reports.export import File, files
from callmon.reports.formats.json import Published
from callmon.reports.load import Step, gathered
from callmon.reports.model import FORMATS, Report
from callmon.reports.notes import Remarks
from callmon.reports.public import edition as public
from callmon.reports.public import revision as editions
from callmon.store.database import Database
from callmon.text.labels import LANGUAGES, label

# Time to write one language, in read steps (days); used only for the progress bar.
AS_LONG_AS = {"pdf": 90, "xlsx": 15}


class ReportRequest(msgspec.Struct, frozen=True):
    """A request for a report.

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
    """The period of a request. Raises ConfigError for an invalid one; the message states what is possible."""
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


def made(
    store: Database,
    settings: Settings,
    order: ReportRequest,
    now: datetime,
    progress: Callable[[int], Step] = lambda steps: lambda: None,
) -> Report:
    """The report as the database has it at `now`. Raises ConfigError, NoDataError, StoreError."""
    period = checked(order, settings, now)
    report = gathered(store, settings, period, now, order.lines, order.compare, progress)
    if not report.has_data:
        language = order.lang or settings.default_language
        raise NoDataError(label("no_report", "no_data", language).format(month=order.month))
    if not order.is_public:
        return report if order.earlier is None else revision.revised(report, *order.earlier)
    edition = public.edition(report) if order.earlier is None else editions.succeeding(report, *order.earlier)
    return editions.beside(edition, order.beside)


def filed(
    store: Database, settings: Settings, order: ReportRequest, now: datetime, report: Callable[[float], None]
) -> list[File]:
    """The files of the report, without a folder; `report` is called with the fraction of work done, up to 1."""
    progress = Progress(report)
    language_done = progress.expect(len(LANGUAGES), AS_LONG_AS.get(order.kind, 3))
    loaded = made(store, settings, order, now, progress.expect)
    return files(loaded, settings, order.kind, order.lang, None, order.remarks, language_done)


class Progress:
    """The progress of a report, in steps: days read and languages written."""

    def __init__(self, report: Callable[[float], None]) -> None:
        self._report = report
        self._done = self._expected = 0

    def expect(self, count: int, size: int = 1) -> Step:
        """Expect `count` times `size` steps more; the returned function records `size` of them."""
        self._expected += count * size

        def record() -> None:
            self._done += size
            self._report(min(1.0, self._done / self._expected))

        return record
