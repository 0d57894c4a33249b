"""*Months*: the monthly statistics as a page and as files, made in a separate process, with their progress.

Refuses to make a report in the daemon itself: a month of a busy site takes seconds of a processor.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from typing import Any, TypeVar

from starlette.responses import HTMLResponse, Response

from callmon.core.statistics import period
from callmon.errors import ConfigError
from callmon.features.months.figures import RATES, fraction, imported_calls, is_final
from callmon.features.months.formats.pdf import is_available
from callmon.features.months.jobs import BusyError, ReportJobs, ReportProcess
from callmon.features.months.open_data.card import FORMATS as CARD_KINDS
from callmon.features.months.queries import MonthCounts, month_counts
from callmon.features.months.request import ReportRequest
from callmon.features.months.sign_off_text import SignOffFormatter
from callmon.features.months.signed import refuse_preparation
from callmon.store import sign_off
from callmon.store.queries.calls import first_arrival
from callmon.store.sign_off import SignOffError
from callmon.text.labels import translate
from callmon.web.context import PageContext
from callmon.web.formatter import FEW, WebFormatter
from callmon.web.page_request import NotFoundError, PageRequest

T = TypeVar("T")
MOST_LISTED = 36
MOST_COUNTED = 12  # of these the table has figures
# The columns of the table, by the report's names.
SHOWN = {
    "third": "answer_by_third_ring.rate",
    "voicemail": "voicemail_share",
    "called_back": "callback_within_24_hours.rate",
    "complete": "completeness",
}
# of the drawing, in its own units
WIDTH = 900
HEIGHT = 220
LEFT = 56
TOP = 24
GROUND = 190
KINDS = ("html", "pdf", "xlsx", "csv", "json")
PACKAGE = "package"  # of open data: the public edition of a final month
SIGNED_KINDS = ("pdf", "html")
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
WAITS = 1.5  # seconds that a page waits for a report before it shows the progress
AT_ONCE = 20.0  # seconds that a click in the table waits for the file itself


async def show(page_request: PageRequest) -> Response:
    """The months since the first call, the latest first."""
    context = page_request.context
    first = await context.each_minute("first", None, lambda: context.ask(first_arrival, context.reader))
    months = list(_months(first, page_request.formatter))
    counted = await _counted(context, months[:MOST_COUNTED])
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
        line=share_line(rows[::-1]),
        size=(WIDTH, HEIGHT, LEFT, TOP, GROUND),
        package=PACKAGE
        if context.settings.configuration.open_data is not None and context.services is None
        else "",
        asked=lambda: {"kinds": _offered(), "signed": {x.month: x for x in sign_off.revisions(context.reader)}},
        speech=SignOffFormatter(page_request.language, context.settings.timezone),
    )


def _offered() -> tuple[str, ...]:
    """The formats that this machine can make."""
    return tuple(kind for kind in KINDS if kind != "pdf" or is_available())


async def _counted(context: PageContext, months: Sequence[date]) -> list[MonthCounts] | None:
    """The counts of these months, at most a minute old; None while roll-ups are rebuilt."""
    zone = context.settings.timezone
    periods = [period.month(f"{month:%Y-%m}", zone) for month in months]
    return await context.each_minute(
        "months", months, lambda: context.ask(month_counts, context.reader, zone, periods)
    )


def month_row(first: date, found: MonthCounts, formatter: WebFormatter) -> dict[str, Any]:
    """A month as the table shows it. A rate is None where the month has none."""
    month = period.month(f"{first:%Y-%m}", formatter.settings.timezone)
    calls = found.counts["calls_offered", ""]
    if not found.has_data:
        state = "no_data"
    elif month.end > formatter.now:
        state = "running"
    elif is_final(month, formatter.now, calls, found.last_due, found.in_progress, found.has_data):
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


def share_line(rows: Sequence[Mapping[str, Any]]) -> list[list[tuple[float, float, str]]]:
    """The line of the share by the third ring, the oldest month first: (x, y, share); broken where none is."""
    step = (WIDTH - LEFT) / max(1, len(rows))
    runs: list[list[tuple[float, float, str]]] = [[]]
    for place, row in enumerate(rows):
        part, whole = row["fractions"]["third"]
        if whole >= FEW:
            y = GROUND - part / whole * (GROUND - TOP)
            runs[-1].append((round(LEFT + (place + 0.5) * step, 1), round(y, 1), row["rates"]["third"]))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _months(first: datetime | None, formatter: WebFormatter) -> Iterator[date]:
    """The first day of each month, from this one back to that of the first call."""
    zone = formatter.settings.timezone
    day = formatter.now.astimezone(zone).date().replace(day=1)
    begin = day if first is None else first.astimezone(zone).date()
    for _ in range(MOST_LISTED):
        yield day
        if day <= begin:
            return
        day = (day - timedelta(days=1)).replace(day=1)


async def detail(page_request: PageRequest, refused: str = "") -> Response:
    """One month, and the formats of its report."""
    first, context = _first_day(page_request), page_request.context
    month = f"{first:%Y-%m}"
    today = page_request.formatter.now.astimezone(context.settings.timezone).date()
    return await page_request.page(
        "month.html",
        page_request.formatter.capital(page_request.formatter.month(first)),
        status=503 if refused else 200,
        month=month,
        refused=refused,
        is_over=(first.year, first.month) < (today.year, today.month),
        asked=lambda: {"kinds": _offered(), "revisions": sign_off.revisions(context.reader, month)},
        speech=SignOffFormatter(page_request.language, context.settings.timezone),
    )


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
        report_request = ReportRequest(month, kind, to_sign=True)
    else:
        is_card = is_card and kind != PACKAGE
        is_public = is_card or kind == PACKAGE or form.get("edition") == "public"
        report_request = ReportRequest(month, kind, language, is_public, lines=lines, is_card=is_card)
    try:
        process = page_request.context.shared(ReportJobs).start(page_request.settings, report_request)
    except BusyError:
        return await detail(
            page_request, page_request.say("Too many reports are asked for at once. Try again later.")
        )
    if form.get("at_once") and await process.result(AT_ONCE) and len(process.files) == 1:
        return page_request.go("file", month=report_request.month, name=process.name, file=process.files[0][0])
    return page_request.go("report", month=report_request.month, name=process.name)


async def _is_final(page_request: PageRequest, first: date) -> bool:
    context, zone = page_request.context, page_request.settings.timezone
    counted = await context.ask(month_counts, context.reader, zone, [period.month(f"{first:%Y-%m}", zone)])
    return counted is not None and month_row(first, counted[0], page_request.formatter)["state"] == "final"


async def progress(page_request: PageRequest, refused: str = "") -> Response:
    """The progress of a report; once it is made, its files. `refused`: why it cannot be signed."""
    process = report_process(page_request)
    is_done = await process.result(WAITS)
    report_request, title = process.report_request, month_title(page_request)
    may_sign = report_request.to_sign and process.files
    why, digests = await page_request.ask(_to_sign, page_request, process.files) if may_sign else ("", {})
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
        failure=process.failure,
        month_title=title,
        files=[name for name, _ in process.files],
        month=report_request.month,
        name=process.name,
        is_page=report_request.kind == "html" and not report_request.to_sign,
    )


def _to_sign(page_request: PageRequest, files: Sequence[tuple[str, bytes]]) -> tuple[str, dict[str, str]]:
    """Why the files cannot be signed as prepared, or else their digests."""
    try:
        refuse_preparation(page_request.context.reader, [(Path(name), data) for name, data in files])
    except SignOffError as error:
        return SignOffFormatter(page_request.language, page_request.settings.timezone).refusal(error), {}
    return "", {name: sha256(data).hexdigest() for name, data in files}


def report_process(page_request: PageRequest) -> ReportProcess:
    """The report of the address, for a person who may see its lines. Raises NotFoundError."""
    found = page_request.context.shared(ReportJobs).get(page_request.request.path_params["name"])
    return _kept(
        page_request,
        found if found is not None and found.report_request.lines == page_request.context.lines else None,
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
    kind = guess_type(name)[0] or "application/octet-stream"
    return Response(data, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


async def style(page_request: PageRequest) -> Response:
    """The style sheet of the page to read here."""
    page = _kept(page_request, _page(report_process(page_request)))
    return Response("\n".join(STYLE.findall(page)), media_type="text/css")


def _page(process: ReportProcess) -> str | None:
    if process.report_request.kind != "html" or process.report_request.to_sign:
        return None
    return next((data.decode() for name, data in process.files if name.endswith(".html")), None)
