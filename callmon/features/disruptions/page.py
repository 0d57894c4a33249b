"""*Disruptions*: times in which lines cannot take calls, planned work, and the notices to the public.

The rules are those of `callmon disruptions`: a command is queued in the database, applied by the daemon, and
refused in the same words.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from starlette.datastructures import FormData
from starlette.responses import Response

from callmon.core.callbacks.commands import local_moment
from callmon.core.disruptions.commands import MOST, TEXTS, Action, DisruptionCommand, notice, validate
from callmon.core.disruptions.disruption import NO_NOTICE, Announced, Disruption, Refusal, Source, after
from callmon.features.disruptions.notice.text import PublicNotice, public_disruptions
from callmon.store.commands import DISRUPTION_QUEUE, disruption_rejections, queue_disruption_command
from callmon.store.queries import disruptions
from callmon.text.labels import LANGUAGES, label
from callmon.text.lists import DisruptionList
from callmon.web.auth.identity import Right
from callmon.web.context import PageContext
from callmon.web.formatter import WebFormatter
from callmon.web.page_request import NotFoundError, PageRequest, RefusedError

OVER_FOR = timedelta(days=31)
MOST_SHOWN = 100
LASTS = ("1", "2", "4")  # hours, offered for the expected end
# The field that a refusal is about, where it is not the time at which a disruption ended.
REFUSED_FIELDS: Mapping[Refusal, str] = {
    **dict.fromkeys(("not_yet", "too_long_ago", "has_begun"), "start"),
    **dict.fromkeys(("end_before_start", "end_is_past"), "until"),
}
FORMS = {"announce": "a", "plan": "p", "end": "e"}  # by action, the prefix of the form's ids


class NoticeForm(NamedTuple):
    """A form as it was sent. `key`: which one. `refused` and `field`: why not, and what to correct.

    `preview`: the disruption as the form would make it, which is only shown.
    """

    key: str = ""
    given: Mapping[str, str] = {}
    lines: Sequence[str] = ()
    refused: str = ""
    field: str = ""
    preview: Disruption | None = None


NO_FORM = NoticeForm()


async def show(visit: PageRequest, form: NoticeForm = NO_FORM) -> Response:
    """The disruptions that go on, are planned, or ended within the last 31 days: the newest 100."""
    since = visit.tongue.now - OVER_FOR
    found = await visit.site.ask(disruptions.all_of, visit.site.reader, since)
    now, shown = visit.tongue.now, found[-MOST_SHOWN:]
    ended = [x for state in ("over", "cancelled") for x in shown if x.state(now) == state]
    return await visit.page(
        "disruptions.html",
        visit.say("Perturbations"),
        going=[x for x in shown if x.state(now) == "going_on"],
        planned=[x for x in shown if x.state(now) == "planned"],
        ended=ended[::-1],
        stored={},
        **_shared(visit, form, form.preview),
    )


async def detail(visit: PageRequest, form: NoticeForm = NO_FORM) -> Response:
    """One disruption, and its forms."""
    found, now = await _find(visit), visit.tongue.now
    met = (
        await visit.site.ask(disruptions.calls_met, visit.site.reader, found, disruptions.MOST_MET)
        if found.began <= now
        else 0
    )
    return await visit.page(
        "disruption.html",
        visit.say("Une perturbation"),
        disruption=found,
        met=min(met, disruptions.MOST_MET),
        met_more=met > disruptions.MOST_MET,
        can_move=found.source == "work" and found.began > now and found.ended is None,
        is_going=found.state(now) == "going_on",
        said=visit.parameter("said"),
        stored=_as_given(found, visit.tongue),
        **_shared(visit, form, form.preview or next(iter(public_disruptions([found], now)), None)),
    )


def _shared(visit: PageRequest, form: NoticeForm, public: Disruption | None) -> dict[str, Any]:
    """What both templates show. `public`: the disruption whose notice to the public is shown in both languages."""
    settings, now = visit.site.settings, visit.tongue.now
    return {
        "status": 409 if form.refused else 200,
        "form": form,
        "public": {x: PublicNotice(settings, x, now).text(public) for x in LANGUAGES} if public else {},
        "notices": DisruptionList(settings, visit.language, now),
        "may_tell": visit.may(Right.REPORT) and not visit.site.is_over_pairs,
        "elsewhere": _elsewhere(visit) if visit.site.is_over_pairs else "",
        "most": MOST,
        "ready_hours": LASTS,
    }


def _elsewhere(visit: PageRequest) -> str:
    return visit.say("Une perturbation s'annonce et se termine sur les pages de la paire qui reçoit ses lignes.")


async def _find(visit: PageRequest) -> Disruption:
    """The disruption of the address. Raises NotFoundError."""
    found = await visit.site.ask(disruptions.disruption_by_id, visit.site.reader, visit.request.path_params["id"])
    if found is None:
        text = visit.say("Cette perturbation n'existe pas, ou n'est plus gardée. La liste donne celles qu'il y a.")
        raise NotFoundError(visit.say("Perturbation introuvable"), text)
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
    lines = _lines(await visit.request.form(), site)
    form = NoticeForm(FORMS.get(given.get("action", ""), "a"), given, lines)
    try:
        command = _new(visit, given, lines)
        if given.get("preview"):
            return await show(visit, form._replace(preview=_made_by(command)))
        await _apply(visit, command)
    except RefusedError as why:
        return await show(visit, form._replace(refused=str(why), field=why.field))
    made = await site.ask(disruptions.created_by, site.store, command)
    return visit.go("disruptions") if made is None else visit.go("disruption", {"said": "done"}, id=made.id)


def _made_by(command: DisruptionCommand) -> Disruption:
    """The disruption that this command would make."""
    source: Source = "work" if command.action == "plan" else "staff"
    start = command.start or command.at
    return Disruption(
        id="", source=source, exchange="", what="", lines=command.lines, began=start, notice=command.notice
    )


def _lines(form: FormData, site: PageContext) -> tuple[str, ...]:
    chosen = [value for value in form.getlist("line") if isinstance(value, str)]
    return tuple(line.name for line in site.settings.lines() if line.name in chosen)


def _new(visit: PageRequest, given: Mapping[str, str], lines: tuple[str, ...]) -> DisruptionCommand:
    say, is_work = visit.say, given.get("action") == "plan"
    if not lines:
        raise RefusedError(say("Choisissez au moins une ligne."), "line")
    start, now = _time(given, "start", visit), datetime.now(UTC)
    until = _time(given, "until", visit) or _ready_end(given, start or now)
    if is_work and (start is None or until is None):
        missing = "start" if start is None else "until"
        raise RefusedError(say("Des travaux planifiés ont un début et une fin."), missing)
    action: Action = "plan" if is_work else "announce"
    command = DisruptionCommand(
        at=now,
        actor=visit.person.name,
        action=action,
        lines=lines,
        start=start or now,
        notice=notice(until, given),
    )
    return _valid(visit, None, command)


def _ready_end(given: Mapping[str, str], start: datetime) -> datetime | None:
    return start + timedelta(hours=int(given["lasts"])) if given.get("lasts") in LASTS else None


def _time(given: Mapping[str, str], name: str, visit: PageRequest) -> datetime | None:
    """The time in this field; None for an empty one. Raises RefusedError for another text."""
    text, zone = given.get(name, ""), visit.site.settings.timezone
    at = local_moment(text, zone, visit.tongue.now.astimezone(zone).date()) if text else None
    if text and at is None:
        raise RefusedError(visit.say("Date ou heure non valide. Exemple : 2026-11-24 10:12."), name)
    return at


async def record(visit: PageRequest) -> Response:
    """Changes an existing disruption: its notice, its times, its end."""
    given, found = await visit.form(), await _find(visit)
    form = NoticeForm("e" if given.get("action") == "end" else "n", given)
    try:
        await _refuse_others_lines(visit, found)
        command = _change(visit, found, given)
        if given.get("preview") and found.ended is None:
            entry = Announced(found.id, command.at, command.actor, command.notice, command.start)
            return await detail(visit, form._replace(preview=after(found, entry)))
        await _apply(visit, command)
    except RefusedError as why:
        return await detail(visit, form._replace(refused=str(why), field=why.field))
    return visit.go("disruption", {"said": "done"}, id=found.id)


async def _refuse_others_lines(visit: PageRequest, shown: Disruption) -> None:
    """Raises RefusedError for a disruption that also concerns lines of other services than this person's."""
    whole = await visit.site.ask(disruptions.disruption_by_id, visit.site.store, shown.id)
    if whole is not None and whole.lines != shown.lines:
        text = visit.say(
            "Cette perturbation touche aussi des lignes d'autres services : leurs responsables décident."
        )
        raise RefusedError(text)


def _change(visit: PageRequest, disruption: Disruption, given: Mapping[str, str]) -> DisruptionCommand:
    now, tongue = datetime.now(UTC), visit.tongue
    base: dict[str, Any] = {"at": now, "actor": visit.person.name, "disruption": disruption.id}
    if given.get("action") == "end":
        command = DisruptionCommand(action="end", when=_time(given, "when", visit), **base)
        return _valid(visit, disruption, command)
    until, start = _time(given, "until", visit), _time(given, "start", visit)
    moved = start if start is not None and _field(start, tongue) != _field(disruption.began, tongue) else None
    if _field(until, tongue) == _field(disruption.notice.until, tongue):
        until = _ready_end(given, max(now, moved or disruption.began))
    said = notice(until, given)
    if said == NO_NOTICE and moved is None:
        text = visit.say("Rien à annoncer : donnez une raison, une fin prévue ou des services de rechange.")
        raise RefusedError(text, "reason_fr")
    action: Action = "change" if moved is not None else "announce"
    return _valid(visit, disruption, DisruptionCommand(action=action, start=moved, notice=said, **base))


def _valid(visit: PageRequest, disruption: Disruption | None, command: DisruptionCommand) -> DisruptionCommand:
    """The command if it can be applied. Raises RefusedError that names the field to correct."""
    if (why := validate(disruption, command)) is None:
        return command
    field = REFUSED_FIELDS.get(why, "") if command.action != "end" else "" if why == "is_over" else "when"
    raise RefusedError(label("disruption_refusal", why, visit.language), field)


async def _apply(visit: PageRequest, command: DisruptionCommand) -> None:
    """Queues the command, and waits until the daemon has applied it. Raises RefusedError."""
    if visit.site.is_over_pairs:
        raise RefusedError(_elsewhere(visit))
    queued = await visit.site.ask(queue_disruption_command, visit.site.store, command)
    await visit.until_applied(visit.site.store, DISRUPTION_QUEUE, command, queued.n, disruption_rejections)
