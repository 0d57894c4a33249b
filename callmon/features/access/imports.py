"""*Imports*: how far `callmon import` is, and what the last import of each record changed. For the administrator.

Refuses: to start an import. It reads files of the exchange, which the daemon's user need not be able to read.
"""

from datetime import datetime, timedelta

from starlette.responses import Response

from callmon.core.calls.call import IMPORTED
from callmon.store.imports import ImportProgress, noted_imports
from callmon.web.auth.identity import Right
from callmon.web.page_request import PageRequest
from callmon.web.routing import entry

SILENT = timedelta(minutes=1)  # a command that runs notes its progress each second


async def show(page_request: PageRequest) -> Response:
    """The last import of each record, the latest first."""
    noted = await page_request.ask(noted_imports, page_request.context.reader)
    rows = [(one, IMPORTED[one.record], _state(one, page_request.formatter.now)) for one in noted]
    return await page_request.page("imports.html", page_request.say("Imports"), rows=rows)


def _state(one: ImportProgress, now: datetime) -> str:
    if one.read >= one.lines:
        return "finished"
    return "running" if now - one.at < SILENT else "interrupted"


PAGES = (entry("imports", "/importations", "/imports", show, Right.ADMINISTER),)
