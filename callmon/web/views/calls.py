"""*Calls*: a day's calls, by line, outcome, standard, verdict; and *one call*, its story and its verdicts.

No number is here. Only a manager sees in one call's story which phone answered (R-38): others see phones as
letters. Boards link here with `jour`/`day`, `ligne`/`line`, `issue`/`outcome`, `norme`/`standard`, `verdict`,
`page`.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from starlette.responses import Response

from callmon.config.lines import RING_TONE
from callmon.config.standards import ALL_STANDARDS
from callmon.core.callbacks.entries import AnyEntry
from callmon.core.calls.call import OUTCOMES
from callmon.core.disruptions.disruption import Disruption
from callmon.core.verdicts import VERDICTS, Finding
from callmon.store.database import Database
from callmon.store.queries import call_search, calls, disruptions, obligations
from callmon.store.queries.calls import StoredCall
from callmon.text import ledger_sentences
from callmon.text.story import story_context, story_page
from callmon.text.story.anonymize import unnamed
from callmon.text.story.diagram import NARROW, drawing
from callmon.text.story.page import Page
from callmon.web.auth.roles import Right
from callmon.web.formatter import WebFormatter
from callmon.web.page_request import PageRequest

DAY = timedelta(days=1)


class ChosenView(msgspec.Struct, frozen=True):
    """The filters; "" is all. A day that cannot be parsed is today; a verdict needs its standard."""

    day: date
    line: str = ""
    outcome: str = ""
    standard: str = ""
    verdict: str = ""


class CallView(msgspec.Struct, frozen=True):
    call: str
    exchange: str
    when: str
    line: str
    outcome: str
    language: str
    rings: str
    heard: str
    is_test: bool


async def show(visit: PageRequest) -> Response:
    """The calls of a day."""
    chosen = _chosen(visit)
    found = await visit.site.ask(
        call_search.search_calls, visit.site.reader, _wanted(chosen, visit), visit.asked("page") or None
    )
    query = {"day": chosen.day.isoformat(), "line": chosen.line, "outcome": chosen.outcome}
    query |= {"standard": chosen.standard, "verdict": chosen.verdict}
    tongue = visit.tongue
    return await visit.page(
        "calls.html",
        visit.say("Appels"),
        chosen=chosen,
        day_told=tongue.long_day(chosen.day),
        rows=[_row(one, tongue) for one in found.calls],
        more=None if found.next is None else visit.path("calls", None, query | {"page": found.next}),
        is_first=not visit.asked("page"),
        days=[visit.path("calls", None, query | {"day": (chosen.day + n * DAY).isoformat()}) for n in (-1, 1)],
        lines=[(x.name, x.title(visit.language)) for x in visit.site.settings.lines()],
        outcomes=[(x, tongue.word("outcome", x)) for x in OUTCOMES],
        standards=[(x, tongue.word("standard", x)) for x in ALL_STANDARDS],
        verdicts=[(x, tongue.word("verdict", x)) for x in VERDICTS],
    )


def _chosen(visit: PageRequest) -> ChosenView:
    standard, verdict = visit.chosen("standard", ALL_STANDARDS), visit.chosen("verdict", VERDICTS)
    return ChosenView(
        _day(visit.asked("day"), visit.tongue),
        visit.chosen("line", visit.site.settings.names("line")),
        visit.chosen("outcome", OUTCOMES),
        standard,
        verdict if standard else "",
    )


def _day(text: str, tongue: WebFormatter) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return tongue.settings.calendar().local_day(tongue.now)
    return min(max(day, date(1990, 1, 2)), date(2100, 1, 1))


def _wanted(chosen: ChosenView, visit: PageRequest) -> call_search.CallFilter:
    zone = visit.site.settings.timezone
    begin, end = (
        datetime(d.year, d.month, d.day, tzinfo=zone).astimezone(UTC) for d in (chosen.day, chosen.day + DAY)
    )
    kept = (chosen.line, chosen.outcome, chosen.standard, chosen.verdict)
    return call_search.CallFilter(begin, end, *(value or None for value in kept))


def _row(one: call_search.CallSummary, tongue: WebFormatter) -> CallView:
    heard = {"full": "", "filled": tongue.say("complété"), "partly": tongue.say("lacune")}[one.heard]
    language = "" if one.language == "unknown" else tongue.word("language", one.language)
    return CallView(
        one.call,
        one.exchange,
        tongue.second(one.arrived),
        "" if one.line is None else tongue.line_title(one.line),
        tongue.word("outcome", one.outcome),
        language,
        "" if one.rings is None else str(one.rings),
        heard,
        one.is_test,
    )


# One call.


class VerdictView(msgspec.Struct, frozen=True):
    """A service standard and its verdict. `verdict` is the identifier; `sign` stands beside its word."""

    standard: str
    title: str
    verdict: str
    told: str
    sign: str
    why: tuple[str, ...]
    quoted: tuple[str, ...]


async def one(visit: PageRequest) -> Response:
    """The story of a call."""
    name, exchange = visit.request.path_params["call"], visit.request.path_params["exchange"]
    found = await visit.site.ask(_read, visit.site.reader, name, exchange)
    if found is None:
        told = visit.say("Aucun appel de ce nom n'est enregistré.")
        return await visit.not_found(visit.say("Appel inconnu"), told)
    stored, entries, met = found
    names = visit.may(Right.REPORT)
    values = await visit.site.ask(_story, stored if names else unnamed(stored), entries, met, visit.tongue)
    return await visit.page(
        "call.html", visit.say("Un appel"), names=names, may_call=visit.may(Right.CALL_BACK), **values
    )


def _read(store: Database, name: str, exchange: str) -> tuple[StoredCall, list[AnyEntry], list[Disruption]] | None:
    found = calls.stored_calls(store, name, exchange)
    if not found:
        return None
    return (
        found[0],
        obligations.ledger_entries(store, name, exchange),
        disruptions.disruptions_of_call(store, found[0].account),
    )


def _story(
    stored: StoredCall, entries: Sequence[AnyEntry], met: Sequence[Disruption], tongue: WebFormatter
) -> dict[str, Any]:
    """The page's values. Runs in a thread: a long call has hundreds of facts."""
    context = story_context(stored, tongue.settings, tongue.language)
    page = story_page(context, stored, tongue.settings, met)
    typeset = tongue.speech.typeset
    lines = tongue.settings.lines()
    tone = lines[name].ring_tone if (name := context.call.line) is not None and name in lines else RING_TONE
    return {
        "heading": typeset(page.title()),
        "when": typeset(page.when()),
        "known": [(typeset(name), typeset(value)) for name, value in page.properties()],
        "timeline_head": typeset(page.timeline_head()),
        "happenings": page.happenings(),
        "picture": (picture := drawing(context, tone)),
        "narrow": drawing(context, tone, NARROW),
        "kinds": {box.kind for box in picture.boxes} if picture else set(),
        "note": typeset(page.counting_note()),
        "verdicts": [_verdict(page, finding, tongue) for finding in stored.findings],
        "followed": [
            (f"{tongue.day(x.at)}, {tongue.minute(x.at)}", typeset(ledger_sentences.sentence(tongue.speech, x)))
            for x in sorted(entries, key=lambda x: x.at)
        ],
        "owed": [x.obligation for x in entries][:1],
        "call": context.call,
        "exchange": stored.exchange,
    }


def _verdict(page: Page, finding: Finding, tongue: WebFormatter) -> VerdictView:
    typeset = tongue.speech.typeset
    return VerdictView(
        finding.standard,
        tongue.word("standard", finding.standard),
        finding.verdict,
        tongue.word("verdict", finding.verdict),
        {"met": "✓", "not_met": "■", "exempt": "○", "unknown": "?"}[finding.verdict],
        tuple(map(typeset, page.why(finding))),
        tuple(map(typeset, page.quoted(finding.standard))),
    )
