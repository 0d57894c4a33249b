"""*Promises*: every service standard with the policy's words, callmon's definition, and the settings in force.

*Guide*: the runbook, one section per alert and board. It needs no sign-in and no database. `python -m
docs.source` renders its templates from docs/fr/how-to/runbook.md and docs/en/how-to/runbook.md.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby

from starlette.responses import Response

from callmon.config.phone_numbers import e164
from callmon.config.standards import ALL_STANDARDS
from callmon.core.standards import load
from callmon.features.standards.alerts_now import alerts_now
from callmon.text.story.sentences import QUOTES
from callmon.web.auth.identity import Right
from callmon.web.formatter import WebFormatter
from callmon.web.page_request import PageRequest
from callmon.web.routing import entry

MONTHS_AHEAD = timedelta(days=365)


async def show(page_request: PageRequest) -> Response:
    """All service standards."""
    settings, calendar = page_request.settings, page_request.settings.calendar()
    today = calendar.local_day(page_request.formatter.now)
    return await page_request.page(
        "promises.html",
        page_request.say("Service standards"),
        standards=ALL_STANDARDS,
        quotes=QUOTES,
        parameters={x.name: x.parameters.model_dump() for x in load(settings.standards)},
        enabled=page_request.context.seen().enabled,
        targets=[(line, target) for line in settings.lines() for target in line.targets],
        hours=list(_hours(page_request.formatter)),
        closed=calendar.closed_days(today, today + MONTHS_AHEAD),
    )


def _hours(formatter: WebFormatter) -> Iterator[tuple[str, str]]:
    """The ministry's week; adjacent days with the same hours are grouped."""
    calendar, monday = (
        formatter.settings.calendar(),
        formatter.now.date() - timedelta(days=formatter.now.weekday()),
    )
    names = [formatter.weekday(monday + timedelta(days=n)) for n in range(7)]
    for opening, some in groupby(zip(names, calendar.hours.week, strict=True), key=lambda pair: pair[1]):
        days = [name for name, _ in some]
        span = days[0] if len(days) == 1 else formatter.say("{first} to {last}", first=days[0], last=days[-1])
        yield formatter.capital(span), formatter.periods(opening)


async def guide(page_request: PageRequest) -> Response:
    """The runbook in the page's language. A reader with a role also sees what is measured, and whom to call."""
    context, formatter = page_request.context, page_request.formatter
    has_values = bool(page_request.person.all_roles) and not context.is_over_pairs
    return await page_request.page(
        "guide.html",
        page_request.say("Runbook: what to do for each alert"),
        now=alerts_now(context.seen(), formatter, context.services is None) if has_values else {},
        contacts=[*_contacts(formatter)] if page_request.person.all_roles else [],
    )


def _contacts(formatter: WebFormatter) -> Iterator[tuple[str, str, str]]:
    """Whom the site names in [contacts]: the title, the number to dial, and as it is printed."""
    given = formatter.settings.configuration.contacts
    titles = {
        "telephony": formatter.say("Telephony"),
        "lead": formatter.say("Lead"),
        "administrator": formatter.say("Administrator"),
    }
    for name, title in titles.items():
        if (number := getattr(given, name)) is not None:
            dial = e164(number, formatter.settings.configuration.region) or number
            yield title, dial, formatter.number(dial)


PAGES = (
    entry("promises", "/normes", "/promises", show),
    entry("guide", "/guide", "/guide", guide, Right.OPEN),
)
