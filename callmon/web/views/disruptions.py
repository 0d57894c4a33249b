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
from callmon.core.disruptions.disruption import NO_NOTICE, Disruption
from callmon.store.commands import DISRUPTION_QUEUE, disruption_rejections, queue_disruption_command
from callmon.store.queries import disruptions
from callmon.text.labels import label
from callmon.text.lists import DisruptionList
from callmon.web.auth.identity import Right
from callmon.web.context import PageContext
from callmon.web.formatter import WebFormatter
from callmon.web.page_request import NotFoundError, PageRequest, RefusedError

OVER_FOR = timedelta(days=31)
MOST_SHOWN = 100
LASTS = ("1", "2", "4")  # hours, offered as the expected length


async def show(visit: PageRequest, refused: str = "", given: Mapping[str, str] | None = None) -> Response:
    """The disruptions that go on, are planned, or ended within the last 31 days: the newest 100."""
    since = visit.tongue.now - OVER_FOR
    found = await visit.site.ask(disruptions.all_of, visit.site.reader, since)
    now, shown = visit.tongue.now, found[-MOST_SHOWN:]
    ended = [x for state in ("over", "cancelled") for x in shown if x.state(now) == state]
    return await visit.page(
        "disruptions.html",
        visit.say("Perturbations"),
        status=409 if refused else 200,
        going=[x for x in shown if x.state(now) == "going_on"],
        planned=[x for x in shown if x.state(now) == "planned"],
        ended=ended[::-1],
        notices=DisruptionList(visit.site.settings, visit.language, now),
        may_tell=visit.may(Right.REPORT),
        refused=refused,
        given=given or {},
        most=MOST,
    )


async def detail(visit: PageRequest, refused: str = "", given: Mapping[str, str] | None = None) -> Response:
    """One disruption, and its forms."""
    found = await _find(visit)
    met = (
        await visit.site.ask(disruptions.calls_met, visit.site.reader, found, disruptions.MOST_MET)
        if found.began <= visit.tongue.now
        else 0
    )
    can_move = found.source == "work" and found.began > visit.tongue.now and found.ended is None
    return await visit.page(
        "disruption.html",
        visit.say("Une perturbation"),
        status=409 if refused else 200,
        disruption=found,
        notices=DisruptionList(visit.site.settings, visit.language, visit.tongue.now),
        met=min(met, disruptions.MOST_MET),
        met_more=met > disruptions.MOST_MET,
        may_tell=visit.may(Right.REPORT),
        can_move=can_move,
        refused=refused,
        said=visit.parameter("said"),
        given=given or _as_given(found, visit.tongue),
        most=MOST,
    )


async def _find(visit: PageRequest) -> Disruption:
    """The disruption of the address. Raises NotFoundError."""
    found = await visit.site.ask(disruptions.disruption_by_id, visit.site.reader, visit.request.path_params["id"])
    if found is None:
        text = visit.say("Cette perturbation n'existe pas, ou n'est plus gardée. La liste donne celles qu'il y a.")
        raise NotFoundError(visit.say("Aucune perturbation de ce nom"), text)
    return found


def _as_given(disruption: Disruption, tongue: WebFormatter) -> dict[str, str]:
    """The stored notice and times, as values of the form's fields."""
    given = {name: getattr(disruption.notice, name) or "" for name in TEXTS}
    return given | {"until": _field(disruption.notice.until, tongue), "start": _field(disruption.began, tongue)}


def _field(at: datetime | None, tongue: WebFormatter) -> str:
    return "" if at is None else at.astimezone(tongue.settings.timezone).strftime("%Y-%m-%dT%H:%M")


# Commands.


async def begin(visit: PageRequest) -> Response:
    """Records a disruption that callmon cannot detect, or planned work."""
    given, site = await visit.form(), visit.site
    try:
        command = _new(visit, given, _lines(await visit.request.form(), site))
        await _apply(visit, None, command)
    except RefusedError as why:
        return await show(visit, str(why), given)
    made = await site.ask(disruptions.created_by, site.store, command)
    return visit.go("disruptions") if made is None else visit.go("disruption", {"said": "done"}, id=made.id)


def _lines(form: FormData, site: PageContext) -> tuple[str, ...]:
    chosen = [value for value in form.getlist("line") if isinstance(value, str)]
    return tuple(line.name for line in site.settings.lines() if line.name in chosen)


def _new(visit: PageRequest, given: Mapping[str, str], lines: tuple[str, ...]) -> DisruptionCommand:
    say, is_work = visit.say, given.get("action") == "plan"
    if not lines:
        raise RefusedError(say("Il faut dire quelles lignes sont touchées."))
    start, until = _time(given.get("start", ""), visit), _time(given.get("until", ""), visit)
    if until is None and given.get("lasts") in LASTS:
        until = (start or visit.tongue.now) + timedelta(hours=int(given["lasts"]))
    if is_work and (start is None or until is None):
        raise RefusedError(say("Des travaux planifiés ont un début et une fin."))
    said, now = notice(until, given), datetime.now(UTC)
    action: Action = "plan" if is_work else "announce"
    return DisruptionCommand(
        at=now, actor=visit.person.name, action=action, lines=lines, start=start or now, notice=said
    )


def _time(text: str, visit: PageRequest) -> datetime | None:
    """The time; None for an empty field. Raises RefusedError for another text."""
    zone = visit.site.settings.timezone
    at = local_moment(text, zone, visit.tongue.now.astimezone(zone).date()) if text else None
    if text and at is None:
        raise RefusedError(visit.say("Une heure ne se lit pas; elle s'écrit 2026-11-24 10:12."))
    return at


async def record(visit: PageRequest) -> Response:
    """Changes an existing disruption: its notice, its times, its end."""
    given, found = await visit.form(), await _find(visit)
    try:
        await _apply(visit, found, _change(visit, found, given))
    except RefusedError as why:
        return await detail(visit, str(why), given)
    return visit.go("disruption", {"said": "done"}, id=found.id)


def _change(visit: PageRequest, disruption: Disruption, given: Mapping[str, str]) -> DisruptionCommand:
    base: dict[str, Any] = {"at": datetime.now(UTC), "actor": visit.person.name, "disruption": disruption.id}
    if given.get("action") == "end":
        return DisruptionCommand(action="end", when=_time(given.get("when", ""), visit), **base)
    until, start = _time(given.get("until", ""), visit), _time(given.get("start", ""), visit)
    moved = (
        start
        if start is not None and _field(start, visit.tongue) != _field(disruption.began, visit.tongue)
        else None
    )
    same = _field(until, visit.tongue) == _field(disruption.notice.until, visit.tongue)
    said = notice(None if same else until, given)
    if said == NO_NOTICE and moved is None:
        raise RefusedError(
            visit.say("Rien à annoncer : donnez une raison, une fin prévue ou des services de rechange.")
        )
    return DisruptionCommand(
        action="change" if moved is not None else "announce", start=moved, notice=said, **base
    )


async def _apply(visit: PageRequest, disruption: Disruption | None, command: DisruptionCommand) -> None:
    """Validates and queues the command, and waits until the daemon has applied it. Raises RefusedError."""
    if (why := validate(disruption, command)) is not None:
        raise RefusedError(label("disruption_refusal", why, visit.language))
    queued = await visit.site.ask(queue_disruption_command, visit.site.store, command)
    await visit.until_applied(DISRUPTION_QUEUE, command, queued.n, disruption_rejections)
