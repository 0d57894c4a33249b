"""*Record of access*: the record of accesses to numbers, of acts on the pages, of sign-ins and refusals (FIPPA).

For the administrator. It contains no caller's number. `callmon privacy log` prints the whole record.
"""

from collections.abc import Iterator

from starlette.responses import Response

from callmon.store import access
from callmon.store.privacy import subject_access
from callmon.text.labels import KINDS
from callmon.web.formatter import WebFormatter
from callmon.web.page_request import PageRequest

MOST = 200


async def show(visit: PageRequest) -> Response:
    """The latest records, newest first."""
    ask, reader = visit.site.ask, visit.site.reader
    looks = await ask(subject_access.accesses, reader, newest=MOST)
    events = await ask(access.audit_events, reader, newest=MOST)
    rows = sorted(_rows(looks, events, visit.tongue), key=lambda row: row.at, reverse=True)[:MOST]
    return await visit.page("accesses.html", visit.say("Registre des accès"), rows=rows, most=MOST)


def _rows(
    looks: list[subject_access.AccessRecord], events: list[access.AuditEvent], tongue: WebFormatter
) -> Iterator[access.AuditEvent]:
    for look, _ in looks:
        about = f"{_word('about', look.purpose, tongue)} ({look.command})"
        yield access.AuditEvent(look.at, look.who, tongue.word("act", "number"), about)
    for event in events:
        yield event._replace(act=_word("act", event.act, tongue), about=_about(event, tongue))


def _about(event: access.AuditEvent, tongue: WebFormatter) -> str:
    """The object of an act. That of a report is several words: month, edition, stage, revision, recipient."""
    if not event.act.startswith("report "):
        return _word("about", event.about, tongue)
    return " ".join(_word("about_report", x, tongue) for x in event.about.split(" "))


def _word(kind: str, identifier: str, tongue: WebFormatter) -> str:
    """The label of an identifier; free text stays as written."""
    return tongue.word(kind, identifier) if identifier in KINDS[kind] else identifier
