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
from callmon.features.actions import DISRUPTIONS, RefusedError
from callmon.features.disruptions.notice.text import PublicNotice, public_disruptions
from callmon.store.queries import disruptions
from callmon.text.labels import LANGUAGES
from callmon.text.lists import DisruptionList
from callmon.web.auth.identity import Right
from callmon.web.context import PageContext
from callmon.web.formatter import WebFormatter
from callmon.web.page_request import NotFoundError, PageRequest
from callmon.web.routing import entry, form

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


async def show(page_request: PageRequest, form: NoticeForm = NO_FORM) -> Response:
    """The disruptions that go on, are planned, or ended within the last 31 days: the newest 100."""
    since = page_request.formatter.now - OVER_FOR
    found = await page_request.ask(disruptions.all_of, page_request.context.reader, since)
    now, shown = page_request.formatter.now, found[-MOST_SHOWN:]
    ended = [x for state in ("over", "cancelled") for x in shown if x.state(now) == state]
    return await page_request.page(
        "disruptions.html",
        page_request.say("Disruptions"),
        going=[x for x in shown if x.state(now) == "going_on"],
        planned=[x for x in shown if x.state(now) == "planned"],
        ended=ended[::-1],
        stored={},
        **_shared(page_request, form, form.preview),
    )


async def detail(page_request: PageRequest, form: NoticeForm = NO_FORM) -> Response:
    """One disruption, and its forms."""
    found, now = await _find(page_request), page_request.formatter.now
    met = (
        await page_request.ask(disruptions.calls_met, page_request.context.reader, found, disruptions.MOST_MET)
        if found.began <= now
        else 0
    )
    return await page_request.page(
        "disruption.html",
        page_request.say("A disruption"),
        disruption=found,
        met=min(met, disruptions.MOST_MET),
        met_more=met > disruptions.MOST_MET,
        can_move=found.source == "work" and found.began > now and found.ended is None,
        is_going=found.state(now) == "going_on",
        said=page_request.parameter("said"),
        stored=_as_given(found, page_request.formatter),
        **_shared(page_request, form, form.preview or next(iter(public_disruptions([found], now)), None)),
    )


def _shared(page_request: PageRequest, form: NoticeForm, public: Disruption | None) -> dict[str, Any]:
    """What both templates show. `public`: the disruption whose notice to the public is shown in both languages."""
    settings, now = page_request.settings, page_request.formatter.now
    return {
        "status": 409 if form.refused else 200,
        "form": form,
        "public": {x: PublicNotice(settings, x, now).text(public) for x in LANGUAGES} if public else {},
        "notices": DisruptionList(settings, page_request.language, now),
        "may_tell": page_request.may(Right.REPORT) and not page_request.context.is_over_pairs,
        "elsewhere": _elsewhere(page_request) if page_request.context.is_over_pairs else "",
        "most": MOST,
        "ready_hours": LASTS,
    }


def _elsewhere(page_request: PageRequest) -> str:
    return page_request.say(
        "A disruption is announced and ended on the pages of the pair that receives its lines."
    )


async def _find(page_request: PageRequest) -> Disruption:
    """The disruption of the address. Raises NotFoundError."""
    found = await page_request.ask(
        disruptions.disruption_by_id, page_request.context.reader, page_request.request.path_params["id"]
    )
    if found is None:
        text = page_request.say(
            "This disruption does not exist, or is no longer kept. The list has those that there are."
        )
        raise NotFoundError(page_request.say("No disruption of this name"), text)
    return found


def _as_given(disruption: Disruption, formatter: WebFormatter) -> dict[str, str]:
    """The stored notice and times, as values of the form's fields."""
    given = {name: getattr(disruption.notice, name) or "" for name in TEXTS}
    return given | {
        "until": _field(disruption.notice.until, formatter),
        "start": _field(disruption.began, formatter),
    }


def _field(at: datetime | None, formatter: WebFormatter) -> str:
    return "" if at is None else at.astimezone(formatter.settings.timezone).strftime("%Y-%m-%dT%H:%M")


# Commands.


async def begin(page_request: PageRequest) -> Response:
    """Records a disruption that callmon cannot detect, or planned work."""
    given, context = await page_request.form(), page_request.context
    lines = _lines(await page_request.request.form(), context)
    form = NoticeForm(FORMS.get(given.get("action", ""), "a"), given, lines)
    try:
        command = _new(page_request, given, lines)
        if given.get("preview"):
            return await show(page_request, form._replace(preview=_made_by(command)))
        await _apply(page_request, command)
    except RefusedError as why:
        return await show(page_request, form._replace(refused=str(why), field=why.field))
    made = await context.ask(disruptions.created_by, context.store, command)
    return (
        page_request.go("disruptions")
        if made is None
        else page_request.go("disruption", {"said": "done"}, id=made.id)
    )


def _made_by(command: DisruptionCommand) -> Disruption:
    """The disruption that this command would make."""
    source: Source = "work" if command.action == "plan" else "staff"
    start = command.start or command.at
    return Disruption(id="", source=source, lines=command.lines, began=start, notice=command.notice)


def _lines(form: FormData, context: PageContext) -> tuple[str, ...]:
    chosen = [value for value in form.getlist("line") if isinstance(value, str)]
    return tuple(line.name for line in context.settings.lines() if line.name in chosen)


def _new(page_request: PageRequest, given: Mapping[str, str], lines: tuple[str, ...]) -> DisruptionCommand:
    say, is_work = page_request.say, given.get("action") == "plan"
    if not lines:
        raise RefusedError(say("Say which lines are affected."), "line")
    start, now = _time(given, "start", page_request), datetime.now(UTC)
    until = _time(given, "until", page_request) or _ready_end(given, start or now)
    if is_work and (start is None or until is None):
        missing = "start" if start is None else "until"
        raise RefusedError(say("Planned work has a start and an end."), missing)
    action: Action = "plan" if is_work else "announce"
    command = DisruptionCommand(
        at=now,
        actor=page_request.person.name,
        action=action,
        lines=lines,
        start=start or now,
        notice=notice(until, given),
    )
    return _valid(page_request, None, command)


def _ready_end(given: Mapping[str, str], start: datetime) -> datetime | None:
    return start + timedelta(hours=int(given["lasts"])) if given.get("lasts") in LASTS else None


def _time(given: Mapping[str, str], name: str, page_request: PageRequest) -> datetime | None:
    """The time in this field; None for an empty one. Raises RefusedError for another text."""
    if not (text := given.get(name, "")):
        return None
    at = local_moment(text, page_request.settings.timezone, page_request.formatter.now)
    if at is None:
        raise RefusedError(page_request.say("A time cannot be read; write it as 2026-11-24 10:12."), name)
    return at


async def record(page_request: PageRequest) -> Response:
    """Changes an existing disruption: its notice, its times, its end."""
    given, found = await page_request.form(), await _find(page_request)
    form = NoticeForm("e" if given.get("action") == "end" else "n", given)
    try:
        await _refuse_others_lines(page_request, found)
        command = _change(page_request, found, given)
        if given.get("preview") and found.ended is None:
            entry = Announced(found.id, command.at, command.actor, command.notice, command.start)
            return await detail(page_request, form._replace(preview=after(found, entry)))
        await _apply(page_request, command)
    except RefusedError as why:
        return await detail(page_request, form._replace(refused=str(why), field=why.field))
    return page_request.go("disruption", {"said": "done"}, id=found.id)


async def _refuse_others_lines(page_request: PageRequest, shown: Disruption) -> None:
    """Raises RefusedError for a disruption that also concerns lines of other services than this person's."""
    whole = await page_request.ask(disruptions.disruption_by_id, page_request.context.store, shown.id)
    if whole is not None and whole.lines != shown.lines:
        text = page_request.say(
            "This disruption also concerns lines of other services: those responsible for them decide."
        )
        raise RefusedError(text)


def _change(page_request: PageRequest, disruption: Disruption, given: Mapping[str, str]) -> DisruptionCommand:
    now, formatter = datetime.now(UTC), page_request.formatter
    base: dict[str, Any] = {"at": now, "actor": page_request.person.name, "disruption": disruption.id}
    if given.get("action") == "end":
        command = DisruptionCommand(action="end", when=_time(given, "when", page_request), **base)
        return _valid(page_request, disruption, command)
    until, start = _time(given, "until", page_request), _time(given, "start", page_request)
    moved = (
        start if start is not None and _field(start, formatter) != _field(disruption.began, formatter) else None
    )
    if _field(until, formatter) == _field(disruption.notice.until, formatter):
        until = _ready_end(given, max(now, moved or disruption.began))
    said = notice(until, given)
    if said == NO_NOTICE and moved is None:
        text = page_request.say("Nothing to announce: give a reason, an expected end or an alternative.")
        raise RefusedError(text, "reason_fr")
    action: Action = "change" if moved is not None else "announce"
    return _valid(page_request, disruption, DisruptionCommand(action=action, start=moved, notice=said, **base))


def _valid(
    page_request: PageRequest, disruption: Disruption | None, command: DisruptionCommand
) -> DisruptionCommand:
    """The command if it can be applied. Raises RefusedError that names the field to correct."""
    if (why := validate(disruption, command)) is not None:
        field = REFUSED_FIELDS.get(why, "") if command.action != "end" else "" if why == "is_over" else "when"
        DISRUPTIONS.refuse(why, page_request.language, field)
    return command


async def _apply(page_request: PageRequest, command: DisruptionCommand) -> None:
    """Queues the command, and waits until the daemon has applied it. Raises RefusedError."""
    if page_request.context.is_over_pairs:
        raise RefusedError(_elsewhere(page_request))
    await DISRUPTIONS.submit(page_request, page_request.context.store, command)


PAGES = (
    entry("disruptions", "/perturbations", "/disruptions", show),
    entry("disruption", "/perturbations/{id}", "/disruptions/{id}", detail),
    form("begin", "/perturbations", "/disruptions", begin, Right.REPORT, "disruption", twin="disruptions"),
    form(
        "tell", "/perturbations/{id}", "/disruptions/{id}", record, Right.REPORT, "disruption", twin="disruption"
    ),
)
