"""*Disruptions*: times in which lines cannot take calls, planned work, and the notices to the public.

The rules are those of `callmon disruptions`: a command is queued in the database, applied by the daemon, and
refused in the same words.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from callmon.core.callbacks.commands import local_moment
from callmon.core.disruptions.commands import MOST, TEXTS, Action, DisruptionCommand, notice, validate
from callmon.core.disruptions.disruption import Disruption
from callmon.core.disruptions.entries import NO_NOTICE
from callmon.store.commands import DISRUPTION_QUEUE, disruption_rejections, queue_disruption_command
from callmon.store.queries import disruptions, worklist
from callmon.text.disruption_list import DisruptionList
from callmon.text.labels import label
from callmon.web.auth.roles import Right
from callmon.web.context import PageContext
from callmon.web.formatter import WebFormatter
from callmon.web.page_request import PageRequest

OVER_FOR = timedelta(days=31)
MOST_SHOWN = 100


async def show(visit: PageRequest) -> Response:
    """The disruptions that go on, are planned, or ended within the last 31 days: the newest 100."""
    return await _list(visit)


async def _list(visit: PageRequest, refused: str = "", given: Mapping[str, str] | None = None) -> Response:
    since = visit.tongue.now - OVER_FOR
    found = await visit.site.ask(disruptions.all_of, visit.site.reader, since)
    now, say = visit.tongue.now, visit.say
    states = ("going_on", "planned", "over", "cancelled")
    found_in = {state: [x for x in found[-MOST_SHOWN:] if x.state(now) == state] for state in states}
    going, planned, over = (found_in["going_on"], found_in["planned"], found_in["over"] + found_in["cancelled"])
    return await visit.page(
        "disruptions.html",
        say("Perturbations"),
        status=409 if refused else 200,
        sections=[
            ("going", say("En cours : {count}", count=len(going)), going),
            ("planned", say("Travaux planifiés : {count}", count=len(planned)), planned),
            ("over", say("Terminées depuis un mois : {count}", count=len(over)), over[::-1]),
        ],
        notices=DisruptionList(visit.site.settings, visit.language, now),
        may_tell=visit.may(Right.REPORT),
        refused=refused,
        given=given or {},
        most=MOST,
    )


async def one(visit: PageRequest) -> Response:
    """One disruption, and its forms."""
    return await _one_page(visit)


async def _one_page(visit: PageRequest, refused: str = "", given: Mapping[str, str] | None = None) -> Response:
    found = await visit.site.ask(disruptions.disruption_by_id, visit.site.reader, visit.request.path_params["id"])
    if found is None:
        text = visit.say("Cette perturbation n'existe pas, ou n'est plus gardée. La liste donne celles qu'il y a.")
        return await visit.not_found(visit.say("Aucune perturbation de ce nom"), text)
    met = (
        await visit.site.ask(worklist.calls_met, visit.site.reader, found)
        if found.began <= visit.tongue.now
        else 0
    )
    can_move = found.source == "work" and found.began > visit.tongue.now and found.ended is None
    return await visit.page(
        "disruption.html",
        visit.say("Une perturbation"),
        status=409 if refused else 200,
        one=found,
        notices=DisruptionList(visit.site.settings, visit.language, visit.tongue.now),
        met=min(met, worklist.MOST_MET),
        met_more=met > worklist.MOST_MET,
        may_tell=visit.may(Right.REPORT),
        can_move=can_move,
        refused=refused,
        said=visit.asked("said"),
        given=given or _as_given(found, visit.tongue),
        most=MOST,
    )


def _as_given(one: Disruption, tongue: WebFormatter) -> dict[str, str]:
    """The stored notice and times, as values of the form's fields."""
    given = {name: getattr(one.notice, name) or "" for name in TEXTS}
    return given | {"until": _field(one.notice.until, tongue), "start": _field(one.began, tongue)}


def _field(at: datetime | None, tongue: WebFormatter) -> str:
    return "" if at is None else at.astimezone(tongue.settings.timezone).strftime("%Y-%m-%dT%H:%M")


# Commands.


async def begin(visit: PageRequest) -> Response:
    """Records a disruption that callmon cannot detect, or planned work."""
    given = await visit.form()
    lines = _lines(await visit.request.form(), visit.site)
    hand = _begun(visit, given, lines)
    if isinstance(hand, str):
        return await _list(visit, hand, given)
    return await _done(visit, hand, None, given)


def _lines(form: FormData, site: PageContext) -> tuple[str, ...]:
    chosen = [value for value in form.getlist("line") if isinstance(value, str)]
    return tuple(line.name for line in site.settings.lines() if line.name in chosen)


def _begun(visit: PageRequest, given: Mapping[str, str], lines: tuple[str, ...]) -> DisruptionCommand | str:
    say, is_work = visit.say, given.get("action") == "plan"
    if not lines:
        return say("Il faut dire quelles lignes sont touchées.")
    start, until = _time(given.get("start", ""), visit), _time(given.get("until", ""), visit)
    if isinstance(start, str) or isinstance(until, str):
        return say("Une heure ne se lit pas; elle s'écrit 2026-11-24 10:12.")
    if is_work and (start is None or until is None):
        return say("Des travaux planifiés ont un début et une fin.")
    said, now = notice(until, given), datetime.now(UTC)
    action: Action = "plan" if is_work else "announce"
    return DisruptionCommand(
        at=now, actor=visit.person.name, action=action, lines=lines, start=start or now, notice=said
    )


def _time(text: str, visit: PageRequest) -> datetime | str | None:
    """The time; None for an empty field; the text itself when it cannot be parsed."""
    if not text:
        return None
    zone = visit.site.settings.timezone
    return local_moment(text, zone, visit.tongue.now.astimezone(zone).date()) or text


async def record(visit: PageRequest) -> Response:
    """Changes an existing disruption: its notice, its times, its end."""
    given = await visit.form()
    found = await visit.site.ask(disruptions.disruption_by_id, visit.site.reader, visit.request.path_params["id"])
    if found is None:
        return await _one_page(visit)
    hand = _asked(visit, found, given)
    if isinstance(hand, str):
        return await _one_page(visit, hand, given)
    return await _done(visit, hand, found, given)


def _asked(visit: PageRequest, one: Disruption, given: Mapping[str, str]) -> DisruptionCommand | str:
    base: dict[str, Any] = {"at": datetime.now(UTC), "actor": visit.person.name, "disruption": one.id}
    if given.get("action") == "end":
        when = _time(given.get("when", ""), visit)
        if isinstance(when, str):
            return visit.say("Une heure ne se lit pas; elle s'écrit 2026-11-24 10:12.")
        return DisruptionCommand(action="end", when=when, **base)
    until, start = _time(given.get("until", ""), visit), _time(given.get("start", ""), visit)
    if isinstance(until, str) or isinstance(start, str):
        return visit.say("Une heure ne se lit pas; elle s'écrit 2026-11-24 10:12.")
    moved = start if start is not None and _field(start, visit.tongue) != _field(one.began, visit.tongue) else None
    same = _field(until, visit.tongue) == _field(one.notice.until, visit.tongue)
    said = notice(None if same else until, given)
    if said == NO_NOTICE and moved is None:
        return visit.say("Rien à annoncer : donnez une raison, une fin prévue ou des services de rechange.")
    return DisruptionCommand(
        action="change" if moved is not None else "announce", start=moved, notice=said, **base
    )


async def _done(
    visit: PageRequest, hand: DisruptionCommand, one: Disruption | None, given: Mapping[str, str]
) -> Response:
    """Validates and queues the command, waits until it is applied, and shows the result."""

    async def refuse(why: str) -> Response:
        told_ = label("disruption_refusal", why, visit.language)
        return await (_list(visit, told_, given) if one is None else _one_page(visit, told_, given))

    if (why := validate(one, hand)) is not None:
        return await refuse(why)
    ask, store = visit.site.ask, visit.site.store
    await visit.site.until_done(
        DISRUPTION_QUEUE.last_applied, (await ask(queue_disruption_command, store, hand)).n
    )
    if one is None:
        made = await ask(disruptions.created_by, store, hand)
        return visit.go("disruptions") if made is None else visit.go("disruption", {"said": "done"}, id=made.id)
    if refusals := await ask(disruption_rejections, store, hand):
        return await refuse(refusals[0].why)
    return visit.go("disruption", {"said": "done"}, id=one.id)
