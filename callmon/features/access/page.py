"""*Record of access*: the record of accesses to numbers, of acts on the pages, of sign-ins and refusals (FIPPA).

For the administrator. It contains no caller's number. `callmon privacy log` prints the whole record.
"""

from collections.abc import Iterator

from starlette.responses import Response

from callmon.store import access
from callmon.store.privacy import subject_access
from callmon.text.labels import labelled, recorded
from callmon.web.auth.identity import Right
from callmon.web.formatter import WebFormatter
from callmon.web.page_request import PageRequest
from callmon.web.routing import entry

MOST = 200


async def show(page_request: PageRequest) -> Response:
    """The latest records, newest first."""
    ask, reader = page_request.ask, page_request.context.reader
    looks = await ask(subject_access.accesses, reader, newest=MOST)
    events = await ask(access.audit_events, reader, newest=MOST)
    rows = sorted(_rows(looks, events, page_request.formatter), key=lambda row: row.at, reverse=True)[:MOST]
    return await page_request.page("accesses.html", page_request.say("Record of access"), rows=rows, most=MOST)


def _rows(
    looks: list[subject_access.AccessRow], events: list[access.AuditRow], formatter: WebFormatter
) -> Iterator[access.AuditRow]:
    for look in looks:
        about = f"{labelled('about', look.purpose, formatter.language)} ({look.command})"
        yield access.AuditRow(at=look.at, who=look.who, act=formatter.word("act", "number"), about=about)
    for event in events:
        act, about = (
            labelled("act", event.act, formatter.language),
            recorded(event.act, event.about, formatter.language),
        )
        yield access.AuditRow(at=event.at, who=event.who, act=act, about=about, address=event.address)


PAGES = (entry("accesses", "/consultations", "/accesses", show, Right.ADMINISTER),)
