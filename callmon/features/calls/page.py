"""*Calls*: a day's calls, by line, outcome, standard, verdict; and *one call*, its story and its verdicts.

No number is here. Only a manager sees in one call's story which phone answered (R-38): others see phones as
letters. Boards link here with `jour`/`day`, `de`/`from`, `a`/`to`, `ligne`/`line`, `issue`/`outcome`,
`norme`/`standard`, `verdict`, `cause`, `mode`, `page`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from starlette.responses import Response

from callmon.config.lines import RING_TONE
from callmon.config.standards import ALL_STANDARDS, CALL_STANDARDS
from callmon.core.callbacks.entries import AnyEntry
from callmon.core.calls.call import OUTCOMES
from callmon.core.disruptions.disruption import Disruption
from callmon.core.verdicts import CAUSES, VERDICTS
from callmon.features.calls import search as call_search
from callmon.store.database import Database
from callmon.store.queries import calls, disruptions, obligations
from callmon.store.queries.calls import StoredCall
from callmon.text.story import story_context, unnamed
from callmon.text.story.diagram import NARROW, drawing
from callmon.text.story.page import Page
from callmon.text.story.sentences import entry_sentence
from callmon.web.auth.identity import Right
from callmon.web.formatter import WebFormatter
from callmon.web.page_request import NotFoundError, NotReadError, PageRequest
from callmon.web.routing import entry

DAY = timedelta(days=1)
MAIN = CALL_STANDARDS[:4]  # each has a mark in the list


async def show(page_request: PageRequest) -> Response:
    """The calls of a day."""
    day = _day(page_request)
    known = {"line": page_request.settings.names("line"), "outcome": OUTCOMES}
    known |= {"standard": ALL_STANDARDS, "verdict": VERDICTS, "cause": CAUSES}
    configured = page_request.settings.lines()
    modes = sorted({line.mode for line in configured}, reverse=True)
    mode = page_request.chosen("mode", modes)
    chosen = {name: page_request.chosen(name, names) for name, names in known.items()}
    if not chosen["standard"]:
        chosen |= {"verdict": "", "cause": ""}
    times = {name: _time(page_request, name) for name in ("from", "to")}
    begin, end = _span(day, times, page_request.settings.timezone)
    lines = tuple(line.name for line in configured if line.mode == mode) if mode else None
    only = {name: value or None for name, value in chosen.items()}
    wanted = call_search.CallFilter(begin, end, lines=lines, **only)
    found = await page_request.ask(
        call_search.search_calls, page_request.context.reader, wanted, page_request.parameter("page") or None
    )
    query = chosen | times | {"day": day.isoformat(), "mode": mode}
    return await page_request.page(
        "calls.html",
        page_request.say("Calls"),
        chosen=chosen,
        day=day,
        rows=found.calls,
        verdicts=found.verdicts,
        causes=found.causes,
        modes=modes,
        mode=mode,
        standards=[x for x in MAIN if any(x in y for y in found.verdicts.values())],
        times=times,
        more=None if found.next is None else page_request.path("calls", None, query | {"page": found.next}),
        is_first=not page_request.parameter("page"),
        days=[page_request.path("calls", None, query | {"day": (day + n * DAY).isoformat()}) for n in (-1, 1)],
        known=known,
    )


def _day(page_request: PageRequest) -> date:
    """The day, or today. Raises NotReadError for a text that is no date: today would be taken for that day."""
    text = page_request.parameter("day")
    if not text:
        return page_request.settings.calendar().local_day(page_request.formatter.now)
    try:
        return min(max(date.fromisoformat(text), date(1990, 1, 2)), date(2100, 1, 1))
    except ValueError:
        missing = page_request.formatter.missing_day(text)
        why = page_request.say("There is no {day}.", day=missing) if missing else ""
        why = why or page_request.say("This day cannot be read; write it as 2026-11-24.")
        raise NotReadError(page_request.say("Invalid date"), why) from None


def _time(page_request: PageRequest, name: str) -> str:
    """A time of the day as "08:30", or "". Raises NotReadError for a text that is no time."""
    text = page_request.parameter(name)
    try:
        return f"{time.fromisoformat(text):%H:%M}" if text else ""
    except ValueError:
        why = page_request.say("This time cannot be read; write it as 08:30.")
        raise NotReadError(page_request.say("Invalid time"), why) from None


def _span(day: date, times: Mapping[str, str], zone: tzinfo) -> tuple[datetime, datetime]:
    """The part of the day in UTC: from midnight, to the next midnight, where no time is given or the end is 00:00.

    Of the hour that the clocks repeat in autumn, both are searched.
    """
    last = (day, times["to"]) if times["to"] > "00:00" else (day + DAY, "00:00")
    return min(_moments(day, times["from"] or "00:00", zone)), max(_moments(*last, zone))


def _moments(day: date, at: str, zone: tzinfo) -> list[datetime]:
    """The moments in UTC at which the clocks show this time: both of them in the repeated hour."""
    shown = datetime.combine(day, time.fromisoformat(at), zone)
    return [shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]


# One call.


async def detail(page_request: PageRequest) -> Response:
    """The story of a call."""
    name, exchange = page_request.request.path_params["call"], page_request.request.path_params["exchange"]
    found = await page_request.ask(read_call, page_request.context.reader, name, exchange)
    if found is None:
        text = page_request.say("There is no such call.")
        raise NotFoundError(page_request.say("Unknown call"), text)
    stored, entries, met = found
    names = page_request.may(Right.REPORT)
    values = await page_request.ask(
        _story, stored if names else unnamed(stored), entries, met, page_request.formatter
    )
    return await page_request.page(
        "call.html",
        page_request.say("A call"),
        names=names,
        may_call=page_request.may(Right.CALL_BACK),
        **values,
    )


def read_call(
    store: Database, name: str, exchange: str
) -> tuple[StoredCall, list[AnyEntry], list[Disruption]] | None:
    """The call with the entries of what it opened and the disruptions during it."""
    found = calls.stored_calls(store, name, exchange)
    if not found:
        return None
    return (
        found[0],
        obligations.ledger_entries(store, name, exchange),
        disruptions.disruptions_of_call(store, found[0].account),
    )


def _story(
    stored: StoredCall, entries: Sequence[AnyEntry], met: Sequence[Disruption], formatter: WebFormatter
) -> dict[str, Any]:
    """The page's values. Runs in a thread: a long call has hundreds of facts."""
    context = story_context(stored, formatter.settings, formatter.language)
    page = Page(context, stored, formatter.settings, met)
    typeset = formatter.speech.typeset
    lines = formatter.settings.lines()
    tone = lines[name].ring_tone if (name := context.call.line) is not None and name in lines else RING_TONE
    return {
        "picture": (picture := drawing(context, tone)),
        "narrow": drawing(context, tone, NARROW),
        "kinds": {box.kind for box in picture.boxes} if picture else set(),
        "findings": stored.findings,
        "page": page,
        "typeset": typeset,
        "followed": [
            (f"{formatter.day(x.at)}, {formatter.minute(x.at)}", typeset(entry_sentence(formatter.speech, x)))
            for x in sorted(entries, key=lambda x: x.at)
        ],
        "opened": [x.obligation for x in entries][:1],
        "call": context.call,
        "exchange": stored.exchange,
    }


PAGES = (
    entry("calls", "/appels", "/calls", show),
    entry("call", "/appels/{exchange}/{call}", "/calls/{exchange}/{call}", detail),
)
