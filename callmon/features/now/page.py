"""*Now*, and the wall: each line at this moment, today against each standard, callbacks, disruptions, exchanges.

Refuses to reassure. While an exchange is unheard, figures are hatched and not coloured. A rate is coloured only by
a signed target, and with twenty judged calls or more. Outside opening hours neither rates nor lines are coloured.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from callmon.config.lines import Line
from callmon.config.standards import CALL_STANDARDS
from callmon.core.calls import rings
from callmon.core.snapshot import DaemonSnapshot, LineStatus
from callmon.features.now import half_hours
from callmon.text.labels import translate
from callmon.text.lists import DisruptionList
from callmon.web.formatter import FEW, OTHER, WebFormatter
from callmon.web.page_request import PageRequest
from callmon.web.routing import entry
from callmon.web.sse import Stream

SECOND = timedelta(seconds=1)
MOST_PRESSING = 4  # callbacks that *Now* leads to
HELD = ("talking", "held", "parked")
VOICEMAIL = "voicemail_after_fourth_ring"
ANSWER = "answer_by_third_ring"
TRANSFERS = "one_transfer_at_most"
FRENCH = "bilingual_person"
# What a template shows. A `level` is the urgency: "" neutral, "soon", "over" (both with a sign, so that colour is
# not the only cue), "off"; of a rate also "reached".
View = dict[str, Any]
Pair = tuple[Line, LineStatus]  # a configured line, and its state


async def show(page_request: PageRequest) -> Response:
    """The page of this moment."""
    return await _page(
        page_request,
        "now",
        page_request.say("Now"),
        **await half_hours.part(page_request.context, page_request.formatter),
    )


async def wall(page_request: PageRequest) -> Response:
    """The same for a wall screen, read from three metres."""
    return await _page(page_request, "wall", page_request.say("Wall board"))


async def _page(page_request: PageRequest, name: str, title: str, **more: Any) -> Response:
    part = await page_request.ask(page_request.context.part, name, page_request.language)
    return await page_request.page(f"{name}.html", title, part=part, view=name, main_class=name, **more)


async def stream(page_request: PageRequest) -> Response:
    """Server-sent events of one view. 404: no such view. 503: all places, or all of this person, are taken."""
    person = page_request.person.name or page_request.request.state.asking.address
    live, name = page_request.context.live, page_request.request.query_params.get("view", "now")
    if name not in page_request.context.views and name != "callbacks":
        return Response(status_code=404)
    if live.is_full(person):
        return Response(status_code=503, headers={"Retry-After": "30"})
    return Stream(live, (name, page_request.language, page_request.context.services), person, page_request.request)


def view(snapshot: DaemonSnapshot, formatter: WebFormatter) -> View:
    """The values of the live part of *Now*."""
    pairs = _pairs(snapshot, formatter)
    return {
        "is_open": formatter.settings.calendar().is_open(snapshot.at),
        "day": formatter.settings.calendar().local_day(snapshot.at).isoformat(),
        "rows": [_row([pair], formatter) for pair in pairs],
        "rates": list(_rates(pairs, snapshot, formatter)),
        "calls_today": sum(sum(status.calls.values()) for status in snapshot.lines),
        "callbacks": _callbacks(snapshot, formatter),
        "exchanges": snapshot.unheard_since,
        "disruptions": snapshot.disruptions,
        "notices": DisruptionList(formatter.settings, formatter.language, snapshot.at),
        "snapshot": snapshot,
    }


def wall_view(snapshot: DaemonSnapshot, formatter: WebFormatter) -> View:
    """The same, with one row for each service and mode. TTY lines are never counted with others."""
    groups: defaultdict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in (pairs := _pairs(snapshot, formatter)):
        groups[pair[0].service, pair[0].mode].append(pair)
    voice = [pair for pair in pairs if pair[0].mode == "voice"]
    return view(snapshot, formatter) | {
        "rows": [_service_row(group, formatter) for group in groups.values()],
        "headline": _headline(voice, snapshot, formatter),
        "going": [x for x in snapshot.disruptions if x.state(snapshot.at) == "going_on"],
    }


def _pairs(snapshot: DaemonSnapshot, formatter: WebFormatter) -> list[Pair]:
    seen = {status.name: status for status in snapshot.lines}
    return [(line, seen[line.name]) for line in formatter.settings.lines() if line.name in seen]


def _row(pairs: Sequence[Pair], formatter: WebFormatter) -> View:
    """One row: the state of a line, or of several lines together, at this moment."""
    line, seen = pairs[0][0], [status for _, status in pairs]
    states, phones = total(status.states for status in seen), total(status.phones for status in seen)
    ringing, queues = ([x for status in seen if (x := getattr(status, name))] for name in ("ringing", "queue"))
    begun = (rings.begun(x.waited, x.cycle) for x in ringing if x.waited is not None)
    return {
        "title": line.title(formatter.language),
        "other_title": line.title(OTHER[formatter.language]),
        "is_tty": line.mode == "tty",
        "is_open": any(status.is_open for status in seen),
        "is_heard": all(status.is_heard for status in seen),
        "ringing": states["ringing"],
        "longest_ring": max(begun, default=None),
        "waiting": states["queue"],
        "waited": max((x.waited // SECOND for x in queues if x.waited is not None), default=None),
        "talking": sum(states[state] for state in HELD),
        "voicemail": states["voicemail"],
        "arriving": states["arriving"] + states["menu"],
        "phones": sum(phones.values()),
        "free": phones["free"],
        "unreachable": phones["unreachable"],
    }


def _service_row(pairs: Sequence[Pair], formatter: WebFormatter) -> View:
    """The lines of one service and mode together, under the service's title, or the acronym at its end."""
    service, row = pairs[0][0].service, _row(pairs, formatter)
    here, there = (
        formatter.acronym(formatter.service(service, x))[0]
        + (f" · {translate('TTY', x, 'page')}" if row["is_tty"] else "")
        for x in (formatter.language, OTHER[formatter.language])
    )
    return row | {"title": here, "other_title": there}


def _rates(pairs: Sequence[Pair], snapshot: DaemonSnapshot, formatter: WebFormatter) -> Iterator[View]:
    """Each standard, of voice and TTY lines side by side; None where no line of that mode has it."""
    groups = {mode: [pair for pair in pairs if pair[0].mode == mode] for mode in ("voice", "tty")}
    given = {x: [standard for _, status in group for standard in status.verdicts] for x, group in groups.items()}
    for standard in dict.fromkeys(x for some in given.values() for x in some if x in CALL_STANDARDS):
        sides = {
            mode: _rate(standard, group, snapshot, formatter) if standard in given[mode] else None
            for mode, group in groups.items()
        }
        yield {"standard": standard, "sides": sides}


def _rate(standard: str, pairs: Sequence[Pair], snapshot: DaemonSnapshot, formatter: WebFormatter) -> View:
    """« 41 sur 46 », and beside it the verdicts that are not in it: exempt and unknown."""
    verdicts = total(status.verdicts.get(standard, {}) for _, status in pairs)
    met = verdicts["met"]
    judged = verdicts["met"] + verdicts["not_met"]
    say = formatter.say
    share = (
        say("{met} of {judged}", met=formatter.whole(met), judged=formatter.whole(judged))
        if judged
        else say("n/a")
    )
    if judged >= FEW:
        share = f"{share} ({formatter.share(met, judged)})"
    day = snapshot.at.astimezone(formatter.settings.timezone).date()
    targets = {None if (x := line.target(standard, day)) is None else x.percent for line, _ in pairs}
    target = next(iter(targets)) if len(targets) == 1 else None
    level = ""
    if target is not None and judged >= FEW and snapshot.is_heard and any(x.is_open for x in snapshot.lines):
        level = "over" if met * 100 < target * judged else "reached"
    return {
        "standard": standard,
        "met": met,
        "judged": judged,
        "share": share,
        "level": level,
        "target": target,
        "exempt": verdicts["exempt"],
        "unknown": verdicts["unknown"],
        "varies": len(targets) > 1,
    }


def total(tables: Iterable[Mapping[str, int]]) -> Counter[str]:
    """The sum of several tables of counts."""
    return sum(map(Counter, tables), Counter())


def _callbacks(snapshot: DaemonSnapshot, formatter: WebFormatter) -> View:
    """The next callback, and whether it is due soon. `overdue`, `today` and `later` add up to `open`."""
    shown = snapshot.callbacks.visible.values()
    calendar = formatter.settings.calendar()
    today = calendar.local_day(snapshot.at)
    ahead = [x for x in shown if x.actionable is not None and x.actionable >= snapshot.at]
    pressing = sorted((x for x in shown if x.state != "open"), key=lambda x: (x.actionable or x.due, x.opened))
    first = min((x.actionable for x in ahead if x.actionable is not None), default=None)
    overdue = sum(x.state == "overdue" for x in shown)
    more = sum(
        x.state != "overdue" and x.actionable is not None and calendar.local_day(x.actionable) <= today
        for x in shown
    )
    is_soon = any(x.state == "due_soon" for x in ahead)
    return {
        "next": "" if first is None else formatter.near(first),
        "left": "" if first is None else formatter.duration(first - snapshot.at),
        "level": "soon" if is_soon else "",
        "pressing": pressing[:MOST_PRESSING],
        "overdue": overdue,
        "today": more,
        "later": len(shown) - overdue - more,
        "open": len(shown),
        "to_listen_to": snapshot.callbacks.to_listen_to,
    }


def _headline(voice: Sequence[Pair], snapshot: DaemonSnapshot, formatter: WebFormatter) -> View:
    """The wall's second half: today on the voice lines."""
    calls = total(status.calls for _, status in voice)
    late = total(status.verdicts.get(VOICEMAIL, {}) for _, status in voice)
    moved = total(status.verdicts.get(TRANSFERS, {}) for _, status in voice)
    return {
        "answer": _rate(ANSWER, voice, snapshot, formatter),
        "voicemail": sum(calls[x] for x in ("voicemail_message", "voicemail_no_message", "voicemail")),
        "voicemail_early": late["not_met"],
        "redirected": moved["not_met"],
        "french": _rate(FRENCH, voice, snapshot, formatter),
    }


PAGES = (
    entry("now", "/", "/", show, view=view),
    entry("wall", "/mural", "/wall", wall, view=wall_view),
    entry("live", "/direct", "/live", stream, is_page=False),
)
