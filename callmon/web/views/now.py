"""*Now*, and the wall: each line at this moment, today against each standard, callbacks, disruptions, exchanges.

Refuses to reassure. While an exchange is unheard, figures are hatched and not coloured. A rate is coloured only by
a signed target, and with twenty judged calls or more. Outside opening hours neither rates nor lines are coloured.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from callmon.config.lines import Line
from callmon.config.standards import CALL_STANDARDS
from callmon.core.calls import rings
from callmon.sinks.snapshot import DaemonSnapshot, LineStatus
from callmon.text.disruption_list import DisruptionList
from callmon.web.formatter import FEW, OTHER, WebFormatter
from callmon.web.page_request import PageRequest
from callmon.web.sse import Stream
from callmon.web.views import half_hours

SECOND = timedelta(seconds=1)
HELD = ("talking", "held", "parked")
VOICEMAIL = "voicemail_after_fourth_ring"
ANSWER = "answer_by_third_ring"
TRANSFERS = "one_transfer_at_most"
FRENCH = "bilingual_person"
# What a template shows. A `level` is the urgency: "" neutral, "soon", "over" (both with a sign, so that colour is
# not the only cue), "off"; of a rate also "reached".
View = dict[str, Any]


async def show(visit: PageRequest) -> Response:
    """The page of this moment."""
    return await _page(visit, "now", visit.say("Maintenant"), **await half_hours.part(visit.site, visit.tongue))


async def wall(visit: PageRequest) -> Response:
    """The same for a wall screen, read from three metres."""
    return await _page(visit, "wall", visit.say("Tableau mural"))


async def _page(visit: PageRequest, name: str, title: str, **more: Any) -> Response:
    part = await visit.site.ask(visit.site.part, name, visit.language)
    return await visit.page(f"{name}.html", title, part=part, view=name, main_class=name, **more)


async def stream(visit: PageRequest) -> Response:
    """Server-sent events of one view. 404: no such view. 503: all places, or all of this person, are taken."""
    person = visit.person.name or visit.request.state.asking.address
    live, name = visit.site.live, visit.request.query_params.get("view", "now")
    if name not in visit.site.views and name != "callbacks":
        return Response(status_code=404)
    if live.is_full(person):
        return Response(status_code=503, headers={"Retry-After": "30"})
    return Stream(live, (name, visit.language), person, visit.request)


def view(sight: DaemonSnapshot, tongue: WebFormatter) -> dict[str, Any]:
    """The values of the live part of *Now*."""
    lines = list(tongue.settings.lines())
    seen = {one.name: one for one in sight.lines}
    known = [line for line in lines if line.name in seen]
    return {
        "is_open": tongue.settings.calendar().is_open(sight.at),
        "rows": [row(line, [seen[line.name]], sight, tongue) for line in known],
        "rates": list(rates(known, seen, sight, tongue)),
        "calls_today": sum(sum(one.calls.values()) for one in sight.lines),
        "callbacks": callbacks(sight, tongue),
        "exchanges": sight.unheard_since,
        "disruptions": sight.disruptions,
        "notices": DisruptionList(tongue.settings, tongue.language, sight.at),
        "sight": sight,
    }


def wall_view(sight: DaemonSnapshot, tongue: WebFormatter) -> dict[str, Any]:
    """The same, with one row for each service and mode. TTY lines are never counted with others."""
    seen = {one.name: one for one in sight.lines}
    known = [line for line in tongue.settings.lines() if line.name in seen]
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in known:
        groups.setdefault((line.service, line.mode), []).append(line)
    rows = [_service_row(group, [seen[x.name] for x in group], sight, tongue) for group in groups.values()]
    voice = [line for line in known if line.mode == "voice"]
    going = [x for x in sight.disruptions if x.state(sight.at) == "going_on"]
    more = {"rows": rows, "headline": _headline(voice, seen, sight, tongue), "going": going}
    return view(sight, tongue) | more


def row(line: Line, seen: Sequence[LineStatus], sight: DaemonSnapshot, tongue: WebFormatter) -> View:
    """One row: the state of a line, or of several lines together, at this moment."""
    states = total(one.states for one in seen)
    is_open = any(one.is_open for one in seen)
    phones, level = _phones(seen, is_open, tongue)
    ringing, queues = ([x for one in seen if (x := getattr(one, name))] for name in ("ringing", "queue"))
    return {
        "title": line.title(tongue.language),
        "other_title": line.title(OTHER[tongue.language]),
        "is_tty": line.mode == "tty",
        "is_open": is_open,
        "is_heard": all(one.is_heard for one in seen),
        "ringing": states["ringing"],
        "longest_ring": max(
            (rings.begun(x.waited, x.cycle) for x in ringing if x.waited is not None), default=None
        ),
        "waiting": states["queue"],
        "waited": max((x.waited // SECOND for x in queues if x.waited is not None), default=None),
        "talking": sum(states[state] for state in HELD),
        "voicemail": states["voicemail"],
        "arriving": states["arriving"] + states["menu"],
        "phones": phones,
        "phones_level": level,
    }


def _service_row(
    lines: Sequence[Line], seen: Sequence[LineStatus], sight: DaemonSnapshot, tongue: WebFormatter
) -> View:
    """The lines of one service and mode together, under the service's title."""
    first = row(lines[0], seen, sight, tongue)
    here, there = (tongue.service(lines[0].service, x) for x in (tongue.language, OTHER[tongue.language]))
    if first["is_tty"]:
        here = f"{here} · {tongue.say('ATS')}"
    return first | {"title": here, "other_title": there}


def _phones(seen: Sequence[LineStatus], is_open: bool, tongue: WebFormatter) -> tuple[str, str]:
    """« 2 sur 3 »; « n. d. » where no phone is watched."""
    phones = total(one.phones for one in seen)
    count = sum(phones.values())
    if not count:
        return tongue.say("n. d."), ""
    free = tongue.say("{free} sur {count}", free=phones["free"], count=count)
    if not is_open:
        return free, "off"
    if phones["unreachable"] == count:
        return tongue.say("aucun joignable"), "over"
    return free, "" if phones["free"] else "soon"


def rates(
    lines: Sequence[Line], seen: dict[str, LineStatus], sight: DaemonSnapshot, tongue: WebFormatter
) -> Iterator[View]:
    """Each standard of each group of lines, voice before TTY. A standard without a judged call says so."""
    for mode, who in (("voice", tongue.say("lignes vocales")), ("tty", tongue.say("lignes ATS"))):
        group = [line for line in lines if line.mode == mode]
        standards = dict.fromkeys(s for line in group for s in seen[line.name].verdicts if s in CALL_STANDARDS)
        for standard in standards:
            yield rate(standard, who, group, [seen[x.name] for x in group], sight, tongue)


def rate(
    standard: str,
    who: str,
    lines: Sequence[Line],
    seen: Iterable[LineStatus],
    sight: DaemonSnapshot,
    tongue: WebFormatter,
) -> View:
    """« 41 sur 46 », and beside it the verdicts that are not in it: exempt and unknown."""
    verdicts = total(one.verdicts.get(standard, {}) for one in seen)
    met, judged = verdicts["met"], verdicts["met"] + verdicts["not_met"]
    say = tongue.say
    share = say("{met} sur {judged}", met=met, judged=judged) if judged else say("s. o.")
    if judged >= FEW:
        share = f"{share} ({tongue.share(met, judged)})"
    targets = _targets(standard, lines, sight, tongue)
    target = targets[0] if len(targets) == 1 else None
    others = say(
        "non visées : {exempt} · indéterminées : {unknown}", exempt=verdicts["exempt"], unknown=verdicts["unknown"]
    )
    level = ""
    if target is not None and judged >= FEW and sight.is_heard and any(x.is_open for x in sight.lines):
        level = "over" if met * 100 < target * judged else "reached"
    return {
        "title": tongue.word("standard", standard),
        "who": who,
        "met": met,
        "judged": judged,
        "share": share,
        "level": level,
        "target": target,
        "others": others,
        "varies": len(targets) > 1,
    }


def _targets(
    standard: str, lines: Sequence[Line], sight: DaemonSnapshot, tongue: WebFormatter
) -> list[float | None]:
    """The targets that these lines have today, each once; None for a line that has none."""
    day = sight.at.astimezone(tongue.settings.timezone).date()
    targets = (line.target(standard, day) for line in lines)
    return list(dict.fromkeys(None if x is None else x.percent for x in targets))


def total(tables: Iterable[Mapping[str, int]]) -> Counter[str]:
    """The sum of several tables of counts."""
    return sum(map(Counter, tables), Counter())


def callbacks(sight: DaemonSnapshot, tongue: WebFormatter) -> View:
    """The next callback, and whether it is due soon; the count due today, the count overdue."""
    shown = sight.callbacks.visible.values()
    calendar = tongue.settings.calendar()
    today = calendar.local_day(sight.at)
    ahead = [x for x in shown if x.actionable is not None and x.actionable >= sight.at]
    first = min((x.actionable for x in ahead if x.actionable is not None), default=None)
    is_soon = any(x.state == "due_soon" for x in ahead)
    return {
        "next": "" if first is None else tongue.when(first),
        "left": "" if first is None else tongue.duration(first - sight.at),
        "level": "soon" if is_soon else "",
        "today": sum(x.actionable is not None and calendar.local_day(x.actionable) == today for x in shown),
        "overdue": sum(x.state == "overdue" for x in shown),
        "open": len(shown),
        "to_listen_to": sight.callbacks.to_listen_to,
    }


def _headline(
    voice: Sequence[Line], seen: dict[str, LineStatus], sight: DaemonSnapshot, tongue: WebFormatter
) -> View:
    rows = [seen[line.name] for line in voice]
    calls = total(one.calls for one in rows)
    late = total(one.verdicts.get(VOICEMAIL, {}) for one in rows)
    moved = total(one.verdicts.get(TRANSFERS, {}) for one in rows)
    return {
        "answer": rate(ANSWER, "", voice, rows, sight, tongue),
        "voicemail": sum(calls[x] for x in ("voicemail_message", "voicemail_no_message", "voicemail")),
        "voicemail_early": late["not_met"],
        "redirected": moved["not_met"],
        "french": rate(FRENCH, "", voice, rows, sight, tongue)["share"],
    }
