"""*Months*: the monthly statistics as a page and as files, made in a separate process, with their progress.

Refuses to make a report in the daemon itself: a month of a busy site takes seconds of a processor.
"""

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from starlette.responses import HTMLResponse, Response

from callmon.config.wording import plain
from callmon.core.statistics import period
from callmon.errors import ConfigError
from callmon.features.months.figures import RATES, fraction, imported_calls
from callmon.features.months.formats.pdf import is_available
from callmon.features.months.notes import MONTH
from callmon.features.months.open_data.card import FORMATS as CARD_KINDS
from callmon.features.months.proposals import proposed
from callmon.features.months.request import ReportRequest
from callmon.features.months.sign_off_text import SignOffFormatter
from callmon.features.months.signed import refuse_preparation
from callmon.store import sign_off
from callmon.store.queries.calls import first_arrival
from callmon.store.queries.disruptions import all_of
from callmon.store.queries.months import MonthCounts, is_final_month, month_counts
from callmon.store.sign_off import SignOffError
from callmon.text.labels import LANGUAGES, translate
from callmon.web.auth.identity import Right
from callmon.web.context import PageContext
from callmon.web.formatter import FEW, WebFormatter
from callmon.web.jobs import BusyError, Job, Jobs
from callmon.web.page_request import NotFoundError, PageRequest
from callmon.web.routing import entry, form

T = TypeVar("T")
MOST_LISTED = 36
MOST_COUNTED = 12  # of these the table has figures
# The columns of the table, by the report's names.
SHOWN = {
    "third": "answer_by_third_ring.rate",
    "voicemail": "voicemail_after_fourth_ring.rate",
    "called_back": "callback_within_24_hours.rate",
    "complete": "completeness",
}
# of the drawing, in its own units: its width, and where the months begin
WIDE = 900, 56
NARROW = 326, 50  # of a telephone, as wide as its screen
HEIGHT = 220
TOP = 24
GROUND = 190
KINDS = ("html", "pdf", "xlsx", "csv", "json")
PACKAGE = "package"  # of open data: the public edition of a final month
SIGNED_KINDS = ("pdf", "html")
SPACES = re.compile(r"[ \t\r\n]+")  # a no-break space stays
MOST_WRITTEN = 2000  # characters of a remark
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
WAITS = 1.5  # seconds that a page waits for a report before it shows the progress
AT_ONCE = 20.0  # seconds that a click in the table waits for the file itself


async def show(page_request: PageRequest) -> Response:
    """The months since the first call, the latest first."""
    context = page_request.context
    months = await listed_months(context, page_request.formatter)
    counted = await counted_months(context, months)
    rows = [
        month_row(month, found, page_request.formatter)
        for month, found in zip(months, counted or (), strict=False)
    ]
    return await page_request.page(
        "months.html",
        page_request.say("Months"),
        translate=translate,
        rows=rows,
        older=months[len(rows) :],
        is_counted=counted is not None,
        lines=[(*size, share_line(rows[::-1], *size)) for size in (WIDE, NARROW)],
        heights=(HEIGHT, TOP, GROUND),
        is_running=is_latest_running(rows),
        has_public=context.services is None,
        package=PACKAGE if context.settings.configuration.open_data is not None else "",
        asked=lambda: {"kinds": _offered(), "signed": {x.month: x for x in sign_off.revisions(context.reader)}},
        speech=SignOffFormatter(page_request.language, context.settings.timezone),
    )


def _offered() -> tuple[str, ...]:
    """The formats that this machine can make."""
    return tuple(kind for kind in KINDS if kind != "pdf" or is_available())


async def counted_months(
    context: PageContext, months: Sequence[date], name: str = "months"
) -> list[MonthCounts] | None:
    """The counts of the latest of these months, at most a minute old; None while roll-ups are rebuilt.

    `name`: under which they are kept.
    """
    zone = context.settings.timezone
    periods = [period.month(f"{month:%Y-%m}", zone) for month in months[:MOST_COUNTED]]
    return await context.each_minute(
        name, periods, lambda: context.ask(month_counts, context.reader, zone, periods)
    )


async def one_month(page_request: PageRequest) -> dict[str, Any] | None:
    """The row of the address's month; None while roll-ups are rebuilt."""
    first = _first_day(page_request)
    counted = await counted_months(page_request.context, [first], "month")
    return month_row(first, counted[0], page_request.formatter) if counted else None


def month_row(first: date, found: MonthCounts, formatter: WebFormatter) -> dict[str, Any]:
    """A month as the table shows it. A rate is None where the month has none."""
    month = period.month(f"{first:%Y-%m}", formatter.settings.timezone)
    calls = found.counts["calls_offered", ""]
    if not found.has_data:
        state = "no_data"
    elif month.end > formatter.now:
        state = "running"
    elif period.is_final(month, formatter.now, calls, found.last_due, found.in_progress, found.has_data):
        state = "final"
    else:
        state = "provisional"
    fractions = {name: fraction(RATES[figure], found.counts) for name, figure in SHOWN.items()}
    return {
        "month": first,
        "name": month.name,
        "state": state,
        "calls": calls,
        "imported": ", ".join(
            f"{name} {formatter.whole(count)}" for name, count in imported_calls([found.counts]).items()
        ),
        "fractions": fractions,
        "rates": {name: _share(*x, formatter) for name, x in fractions.items()},
    }


def _share(part: int, whole: int, formatter: WebFormatter) -> str | None:
    """« 89,1 % »; the fraction alone where few were judged; None where none was."""
    if not whole:
        return None
    if whole < FEW:
        return formatter.say("{met} of {judged}", met=part, judged=whole)
    return formatter.share(part, whole)


def share_line(rows: Sequence[Mapping[str, Any]], width: int, left: int) -> list[list[tuple[float, float, str]]]:
    """The line of the share by the third ring, the oldest month first: (x, y, share); broken where none is."""
    step = (width - left) / max(1, len(rows))
    runs: list[list[tuple[float, float, str]]] = [[]]
    for place, row in enumerate(rows):
        part, whole = row["fractions"]["third"]
        if whole >= FEW:
            y = GROUND - part / whole * (GROUND - TOP)
            runs[-1].append((round(left + (place + 0.5) * step, 1), round(y, 1), row["rates"]["third"]))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def is_latest_running(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the last point of the line is that of the month in progress. `rows`: the latest month first."""
    return bool(rows) and rows[0]["state"] == "running" and rows[0]["fractions"]["third"][1] >= FEW


async def listed_months(context: PageContext, formatter: WebFormatter) -> list[date]:
    """The first day of each month, from this one back to that of the first call."""
    first = await context.each_minute("first", None, lambda: context.ask(first_arrival, context.reader))
    zone = formatter.settings.timezone
    months = [formatter.now.astimezone(zone).date().replace(day=1)]
    while first is not None and months[-1] > first.astimezone(zone).date() and len(months) < MOST_LISTED:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return months


async def detail(
    page_request: PageRequest,
    refused: str = "",
    written: Mapping[str, str] | None = None,
    status: int | None = None,
) -> Response:
    """One month, and the formats of its report. `written`: remarks that were refused; else some are proposed."""
    first, context = _first_day(page_request), page_request.context
    month = f"{first:%Y-%m}"
    today = page_request.formatter.now.astimezone(context.settings.timezone).date()
    return await page_request.page(
        "month.html",
        page_request.formatter.capital(page_request.formatter.month(first)),
        status=status or (503 if refused else 200),
        most_written=MOST_WRITTEN,
        month=month,
        row=await one_month(page_request),
        refused=refused,
        is_over=(first.year, first.month) < (today.year, today.month),
        days={"from": first.isoformat(), "to": f"{month}-{monthrange(first.year, first.month)[1]}"},
        asked=lambda: {
            "kinds": _offered(),
            "revisions": sign_off.revisions(context.reader, month),
            "written": written or _proposed(page_request, month),
        },
        speech=SignOffFormatter(page_request.language, context.settings.timezone),
    )


def _proposed(page_request: PageRequest, name: str) -> dict[str, str]:
    """The remarks that the disruptions of the month propose, by language. Blocks."""
    context, now = page_request.context, page_request.formatter.now
    month = period.month(name, context.settings.timezone)
    found = all_of(context.reader, month.begin, month.end)
    return {x: proposed(found, context.settings, month, x, now) for x in LANGUAGES}


def month_title(page_request: PageRequest) -> str:
    """« mai 2026 », of the address."""
    return page_request.formatter.month(_first_day(page_request))


def _first_day(page_request: PageRequest) -> date:
    """Of the address's month. Raises NotFoundError for a month that has not begun."""
    with suppress(ConfigError):
        month = period.month(page_request.request.path_params["month"], page_request.settings.timezone)
        if month.begin < datetime.now(UTC):
            return month.first
    text = page_request.say("There is no such month, or it has not begun yet.")
    raise NotFoundError(page_request.say("Unknown month"), text)


async def make(page_request: PageRequest) -> Response:
    """Requests a report."""
    form = await page_request.form()
    first = _first_day(page_request)
    lines = page_request.context.lines
    kind, is_card = form.get("kind", ""), form.get("edition") == "card"
    is_made = kind in (CARD_KINDS if is_card else KINDS) or (
        kind == PACKAGE and await _is_final(page_request, first)
    )
    if not is_made:
        return await detail(page_request)
    month, language = f"{first:%Y-%m}", None if kind in ("json", PACKAGE) else page_request.language
    if form.get("to_sign") and kind in SIGNED_KINDS and lines is None:
        written = await _written(page_request)
        if len({bool(x) for x in written.values()}) > 1 or max(map(len, written.values())) > MOST_WRITTEN:
            refused = page_request.say(
                "Write the remarks in both languages, or in neither; at most {most} characters each.",
                most=MOST_WRITTEN,
            )
            return await detail(page_request, refused, written, status=422)
        remarks = {MONTH: written} if written["fr"] else {}
        report_request = ReportRequest(month, kind, to_sign=True, remarks=remarks)
    else:
        is_card = is_card and kind != PACKAGE
        is_public = is_card or kind == PACKAGE or form.get("edition") == "public"
        is_zip = kind == "csv" and bool(form.get("at_once"))
        report_request = ReportRequest(
            month, kind, language, is_public, lines=lines, is_card=is_card, is_zip=is_zip
        )
    try:
        process = page_request.context.shared(Jobs).start(
            page_request.settings, report_request, page_request.person_key
        )
    except BusyError:
        return await detail(
            page_request, page_request.say("Too many reports are asked for at once. Try again later.")
        )
    if form.get("at_once") and await process.result(AT_ONCE) and len(process.files) == 1:
        return page_request.go("file", month=report_request.month, name=process.name, file=process.files[0][0])
    return page_request.go("report", month=report_request.month, name=process.name)


async def _written(page_request: PageRequest) -> dict[str, str]:
    """The remarks of the form, by language; a line break is a space."""
    form = await page_request.request.form()
    return {x: plain(SPACES.sub(" ", str(form.get(f"remarks_{x}", "")))).strip() for x in LANGUAGES}


async def _is_final(page_request: PageRequest, first: date) -> bool:
    reader, settings = page_request.context.reader, page_request.settings
    month = period.month(f"{first:%Y-%m}", settings.timezone)
    return await page_request.context.ask(is_final_month, reader, settings, month, page_request.formatter.now)


async def progress(page_request: PageRequest, refused: str = "") -> Response:
    """The progress of a report; once it is made, its files. `refused`: why it cannot be signed."""
    process = report_process(page_request)
    is_done = await process.result(WAITS)
    report_request, title = process.request, month_title(page_request)
    may_sign = report_request.to_sign and process.files
    why, digests = (
        await page_request.ask(_to_sign, page_request, process.files, bool(report_request.remarks))
        if may_sign
        else ("", {})
    )
    if report_request.is_public:
        title = page_request.say("{month}, public edition", month=title)
    return await page_request.page(
        "report.html",
        page_request.say("Report: {month}", month=title),
        status=409 if refused else 200,
        refused=refused,
        why=why,
        digests=digests,
        is_done=is_done,
        percent=int(100 * process.progress),
        before=page_request.context.shared(Jobs).jobs_before(process),
        failure=process.failure,
        month_title=title,
        files=[name for name, _ in process.files],
        month=report_request.month,
        name=process.name,
        is_page=report_request.kind == "html" and not report_request.to_sign,
    )


def _to_sign(
    page_request: PageRequest, files: Sequence[tuple[str, bytes]], has_remarks: bool
) -> tuple[str, dict[str, str]]:
    """Why the files cannot be signed as prepared, or else their digests."""
    try:
        named = [(Path(name), data) for name, data in files]
        refuse_preparation(page_request.context.reader, named, has_remarks)
    except SignOffError as error:
        return SignOffFormatter(page_request.language, page_request.settings.timezone).refusal(error), {}
    return "", {name: sha256(data).hexdigest() for name, data in files}


def report_process(page_request: PageRequest) -> Job[ReportRequest]:
    """The report of the address, for a person who may see its lines. Raises NotFoundError."""
    found = page_request.context.shared(Jobs).get(page_request.request.path_params["name"], ReportRequest)
    return _kept(
        page_request,
        found if found is not None and found.request.lines == page_request.context.lines else None,
    )


def _kept(page_request: PageRequest, found: T | None) -> T:
    """What was found. Raises NotFoundError for None."""
    if found is None:
        text = page_request.say("This report is no longer kept. Ask for it again.")
        raise NotFoundError(page_request.say("Unknown report"), text)
    return found


async def download(page_request: PageRequest) -> Response:
    """One file of a report. The page to read here links its style as a file: the CSP refuses inline styles."""
    process, name = report_process(page_request), page_request.request.path_params["file"]
    page, data = _page(process), _kept(page_request, dict(process.files).get(name))
    if page is not None and page_request.request.query_params.get("save") is None:
        linked = '<link rel="stylesheet" href="style.css">'
        return HTMLResponse(STYLE.sub("", page).replace("</head>", f"{linked}</head>", 1))
    return page_request.download(name, data)


async def style(page_request: PageRequest) -> Response:
    """The style sheet of the page to read here."""
    page = _kept(page_request, _page(report_process(page_request)))
    return Response("\n".join(STYLE.findall(page)), media_type="text/css")


def _page(process: Job[ReportRequest]) -> str | None:
    if process.request.kind != "html" or process.request.to_sign:
        return None
    return next((data.decode() for name, data in process.files if name.endswith(".html")), None)


_PAGE, _FILE = "{month}/{name}", "{month}/{name}/{file}"
PAGES = (
    entry("months", "/mois", "/months", show, Right.REPORT),
    entry("month", "/mois/{month}", "/months/{month}", detail, Right.REPORT),
    form("make", "/mois/{month}", "/months/{month}", make, Right.REPORT, "report", twin="month"),
    entry("report", f"/mois/{_PAGE}", f"/months/{_PAGE}", progress, Right.REPORT),
    # The style sheet of a report's page is no copy of the report: its download is not recorded.
    entry("style", f"/mois/{_PAGE}/style.css", f"/months/{_PAGE}/style.css", style, Right.REPORT),
    entry("file", f"/mois/{_FILE}", f"/months/{_FILE}", download, Right.REPORT, "report file", twin="report"),
)
