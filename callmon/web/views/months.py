"""*Months*: the monthly statistics as a page and as files, made in a separate process, with their progress.

Refuses to make a report in the daemon itself: a month of a busy site takes seconds of a processor.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from mimetypes import guess_type

from starlette.responses import HTMLResponse, Response

from callmon.core.statistics import period
from callmon.errors import ConfigError
from callmon.reports.jobs import BusyError, ReportProcess
from callmon.reports.request import ReportRequest
from callmon.store.queries import call_search
from callmon.web.formatter import WebFormatter
from callmon.web.page_request import PageRequest

MOST_LISTED = 36
KINDS = ("html", "pdf", "xlsx", "csv", "json")
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
STYLE_NAME = "style.css"
WAITS = 1.5  # seconds that a page waits for a report before it shows the progress


async def show(visit: PageRequest) -> Response:
    """The months since the first call, the latest first."""
    first = await visit.site.ask(call_search.first_arrival, visit.site.reader)
    months = list(_months(first, visit.tongue))
    return await visit.page("months.html", visit.say("Mois"), months=months)


def _months(first: datetime | None, tongue: WebFormatter) -> Iterator[date]:
    """The first day of each month, from this one back to that of the first call."""
    zone = tongue.settings.timezone
    day = tongue.now.astimezone(zone).date().replace(day=1)
    begin = day if first is None else first.astimezone(zone).date()
    for _ in range(MOST_LISTED):
        yield day
        if day <= begin:
            return
        day = (day - timedelta(days=1)).replace(day=1)


async def detail(visit: PageRequest) -> Response:
    """One month, and the formats of its report."""
    return await _month_page(visit)


async def _month_page(visit: PageRequest, refused: str = "") -> Response:
    first = _first_day(visit)
    if first is None:
        text = visit.say("Il n'y a pas de tel mois, ou il n'a pas encore commencé.")
        return await visit.not_found(visit.say("Mois inconnu"), text)
    today = visit.tongue.now.astimezone(visit.site.settings.timezone).date()
    return await visit.page(
        "month.html",
        visit.tongue.capital(visit.tongue.month(first)),
        status=503 if refused else 200,
        month=f"{first:%Y-%m}",
        refused=refused,
        is_over=(first.year, first.month) < (today.year, today.month),
        kinds=KINDS,
    )


def _first_day(visit: PageRequest) -> date | None:
    try:
        month = period.month(visit.request.path_params["month"], visit.site.settings.timezone)
    except ConfigError:
        return None
    return month.first if month.begin < datetime.now(UTC) else None


async def make(visit: PageRequest) -> Response:
    """Requests a report."""
    form, first = await visit.form(), _first_day(visit)
    kind = form.get("kind", "")
    if first is None or kind not in KINDS:
        return await _month_page(visit)
    order = ReportRequest(
        f"{first:%Y-%m}", kind, None if kind == "json" else visit.language, form.get("edition") == "public"
    )
    try:
        process = visit.site.reports.start(visit.site.settings, order)
    except BusyError:
        return await _month_page(
            visit, visit.say("Trop de rapports sont demandés à la fois. Réessayez plus tard.")
        )
    return visit.go("report", month=order.month, name=process.name)


async def progress(visit: PageRequest) -> Response:
    """The progress of a report; once it is made, its files."""
    process = _process(visit)
    if process is None:
        return await _unknown(visit)
    is_done = await process.result(WAITS)
    order, first = process.order, _first_day(visit)
    title = order.month if first is None else visit.tongue.month(first)
    if order.is_public:
        title = visit.say("{month}, édition publique", month=title)
    return await visit.page(
        "report.html",
        visit.say("Rapport : {month}", month=title),
        is_done=is_done,
        percent=int(100 * process.progress),
        failure=process.failure,
        month_title=title,
        files=[name for name, _ in process.files],
        month=order.month,
        name=process.name,
        is_page=order.kind == "html",
    )


def _process(visit: PageRequest) -> ReportProcess | None:
    return visit.site.reports.get(visit.request.path_params["name"])


async def download(visit: PageRequest) -> Response:
    """One file of a report. The page to read here links its style as a file: the CSP refuses inline styles."""
    process, name = _process(visit), visit.request.path_params["file"]
    page, data = _page(process), None if process is None else dict(process.files).get(name)
    if data is None:
        return await _unknown(visit)
    if page is not None and visit.request.query_params.get("save") is None:
        linked = f'<link rel="stylesheet" href="{STYLE_NAME}">'
        return HTMLResponse(STYLE.sub("", page).replace("</head>", f"{linked}</head>", 1))
    kind = guess_type(name)[0] or "application/octet-stream"
    return Response(data, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


async def style(visit: PageRequest) -> Response:
    """The style sheet of the page to read here."""
    page = _page(_process(visit))
    return (
        await _unknown(visit) if page is None else Response("\n".join(STYLE.findall(page)), media_type="text/css")
    )


def _page(process: ReportProcess | None) -> str | None:
    if process is None or process.order.kind != "html":
        return None
    return next((data.decode() for name, data in process.files if name.endswith(".html")), None)


async def _unknown(visit: PageRequest) -> Response:
    text = visit.say("Ce rapport n'est plus gardé. Demandez-le de nouveau.")
    return await visit.not_found(visit.say("Rapport inconnu"), text)
