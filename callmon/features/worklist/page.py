"""*Callbacks*: the worklist, one entry, and the commands on it. Works without script, on a telephone's screen.

A number is shown only on request, to a person with the right to call back. The access is logged first, with the
person and the entry (R-35). The cautions about a number stand before it (R-21). A command takes the path of the
command line: it is queued in the database, applied by the daemon, and refused with the same words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

from starlette.responses import Response

from callmon.config.phone_numbers import NO_BREAK, e164
from callmon.core.callbacks import commands
from callmon.core.callbacks.entries import CAUTIONS, AnyEntry
from callmon.core.callbacks.obligation import Obligation
from callmon.features.actions import CALLBACKS, RefusedError
from callmon.store.pairs.open import owner
from callmon.store.privacy import subject_access
from callmon.store.queries import obligations
from callmon.store.queries.obligations import WorklistItem
from callmon.text.lists import CallbackList, urgency
from callmon.text.story.sentences import entry_sentence
from callmon.web.auth.identity import Right
from callmon.web.formatter import WebFormatter, local_time
from callmon.web.page_request import NotFoundError, PageRequest
from callmon.web.routing import entry, form

# The field of the form that a refusal is about.
REFUSED_FIELDS = {
    "no_reason": "text",
    "nobody_in_charge": "in_charge",
    "not_before_opening": "when",
    "not_yet": "when",
    **dict.fromkeys(("too_few_attempts", "is_returnable", "not_for_complaints", "only_for_complaints"), "reason"),
}
LANGUAGES = ("fr", "en", "other", "unknown")


class Listed(NamedTuple):
    """The entries that the filters leave. `known`: the values of each filter; `chosen`: those in force."""

    known: dict[str, Sequence[str]]
    chosen: dict[str, str]
    groups: dict[str, list[Obligation]]
    left_out: int  # less urgent entries than these

    @property
    def shown(self) -> list[Obligation]:
        return [obligation for some in self.groups.values() for obligation in some]

    @property
    def free(self) -> list[Obligation]:
        """Those that a person can take, most urgent first."""
        return [x for x in self.shown if x.in_hand is None and not x.is_erased]


async def show(page_request: PageRequest) -> Response:
    """The worklist, most urgent first."""
    listed, calendar = await _listed(page_request), page_request.settings.calendar()
    return await page_request.page(
        "callbacks.html",
        page_request.say("Callbacks"),
        view="callbacks",
        listed=listed,
        opens=None
        if calendar.is_open(page_request.formatter.now)
        else calendar.opens_next(page_request.formatter.now),
        **_shared(page_request, listed.shown),
    )


async def take_next(page_request: PageRequest) -> Response:
    """Takes the most urgent entry of the list that nobody has in hand, and shows it."""
    listed = await _listed(page_request)
    for obligation in listed.free:
        await page_request.request.state.audit("callback", obligation.id)
        with suppress(RefusedError):  # a colleague was faster
            await _submit(page_request, *_command(page_request, obligation, {"action": "take"}))
            query = {"exchange": obligation.exchange, "said": "take"}
            return page_request.go("callback", query, id=obligation.id)
    return page_request.go("callbacks", listed.chosen)


async def _listed(page_request: PageRequest) -> Listed:
    settings = page_request.settings
    known = {"line": settings.names("line"), "language": LANGUAGES, "service": settings.names("service")}
    chosen = {name: page_request.chosen(name, names) for name, names in known.items()}
    found = await page_request.ask(
        obligations.worklist, page_request.context.reader, *(x or None for x in chosen.values())
    )
    state = page_request.chosen("state", ("overdue", "untaken", "mine"))
    wanted = [x for x in found.entries if _is_wanted(x, state, page_request.person.name)]
    return Listed(
        known,
        chosen | {"state": state},
        groups(wanted, page_request.formatter),
        max(0, found.whole - len(found.entries)),
    )


def _shared(page_request: PageRequest, found: Sequence[Obligation]) -> dict[str, Any]:
    """What the templates show obligations with."""
    callback_list = CallbackList(page_request.settings, page_request.language, page_request.formatter.now)
    by_token: defaultdict[str, list[Obligation]] = defaultdict(list)
    for obligation in found:
        by_token[obligation.token or ""].append(obligation)

    def others(obligation: Obligation) -> list[str]:
        return [x.id for x in by_token[obligation.token] if x.key != obligation.key] if obligation.token else []

    return {"callback_list": callback_list, "others": others, "may_call": page_request.may(Right.CALL_BACK)}


def _is_wanted(obligation: Obligation, state: str, me: str) -> bool:
    holder = obligation.in_hand
    wanted = {"overdue": obligation.is_overdue, "untaken": holder is None, "mine": bool(me) and holder == me}
    return wanted.get(state, True)


def groups(found: Sequence[Obligation], formatter: WebFormatter) -> dict[str, list[Obligation]]:
    """By due day, the most urgent first. Last: messages without a possible callback. No group is empty."""
    day = formatter.settings.calendar().local_day
    found_in: dict[str, list[Obligation]] = {"overdue": [], "today": [], "later": [], "hidden": []}
    for obligation in sorted(found, key=urgency):
        if obligation.kind == "callback" and not obligation.can_be_called:
            name = "hidden"
        elif obligation.is_overdue:
            name = "overdue"
        else:
            name = "today" if day(urgency(obligation)[0]) <= day(formatter.now) else "later"
        found_in[name].append(obligation)
    return {name: some for name, some in found_in.items() if some}


# One entry.


async def detail(page_request: PageRequest) -> Response:
    """An entry without its number."""
    return await _entry_page(page_request, await _find(page_request))


async def number(page_request: PageRequest) -> Response:
    """The same with its number. The access is logged before the number is shown."""
    found = await _find(page_request, numbers=True)
    call = found.obligation.call
    look = subject_access.AccessReason(
        datetime.now(UTC), page_request.person.name, "to call back", f"pages {found.obligation.id}"
    )
    store = await page_request.ask(owner, page_request.context.store, found.obligation.exchange)
    await page_request.ask(subject_access.log_access_to_call, store, look, call)
    return await _entry_page(page_request, found, shown=True)


async def _find(page_request: PageRequest, numbers: bool = False) -> WorklistItem:
    """The entry of the address. Raises NotFoundError."""
    name, exchange = page_request.request.path_params["id"], page_request.parameter("exchange")
    found = await page_request.ask(
        obligations.obligations_named, page_request.context.reader, name, exchange or None, numbers
    )
    if not found:
        text = page_request.say(
            "This entry does not exist, or is no longer kept. The list has those that there are."
        )
        raise NotFoundError(page_request.say("No entry of this name"), text)
    return found[0]


async def _entry_page(
    page_request: PageRequest,
    found: WorklistItem,
    shown: bool = False,
    refused: RefusedError | None = None,
    given: Mapping[str, str] | None = None,
) -> Response:
    obligation, may_call = found.obligation, page_request.may(Right.CALL_BACK)
    entries: list[AnyEntry] = []
    if may_call:
        entries = await page_request.ask(
            obligations.ledger_entries, page_request.context.reader, obligation.call, obligation.exchange
        )
    return await page_request.page(
        "callback.html",
        page_request.say("Complaint") if obligation.kind == "complaint" else page_request.say("Callback"),
        status=409 if refused else 200,
        entry=obligation,
        query={"exchange": obligation.exchange},
        number=found if shown else None,
        local_time=local_time,
        entries=_history(obligation, entries, page_request.formatter),
        reasons=_reasons(obligation),
        cautions=CAUTIONS,
        refused="" if refused is None else str(refused),
        field="" if refused is None else refused.field,
        given=given or {},
        said=page_request.parameter("said"),
        **_shared(page_request, [obligation]),
    )


def _history(
    obligation: Obligation, entries: list[AnyEntry], formatter: WebFormatter
) -> list[tuple[str, str, str]]:
    """Each entry of the ledger: its time, a sentence, and who recorded it."""
    history = sorted((x for x in entries if x.obligation == obligation.id), key=lambda x: x.at)
    speech = formatter.speech
    return [
        (
            f"{formatter.day(x.at)}, {formatter.minute(x.at)}",
            speech.typeset(entry_sentence(speech, x)),
            _by(x, formatter),
        )
        for x in history
    ]


def _by(entry: AnyEntry, formatter: WebFormatter) -> str:
    """The actor, the text and the person in charge of an entry that was recorded manually."""
    text = [str(getattr(entry, name, "") or "") for name in ("actor", "text", "in_charge")]
    colon = f"{NO_BREAK}: " if formatter.language == "fr" else ": "
    return colon.join(x for x in text if x)


def _reasons(obligation: Obligation) -> dict[str, str]:
    """The reasons for which this entry can be closed."""
    own = "answered" if obligation.kind == "complaint" else "listened" if obligation.hidden is not None else ""
    names = (own, "no-request", "otherwise") if own else ("no-request", "unreachable", "otherwise")
    return {name: commands.REASONS[name] for name in names}


# Commands.


async def record(page_request: PageRequest) -> Response:
    """Handles one of an entry's forms."""
    found, form = await _find(page_request), await page_request.form()
    try:
        command, number_to_call = _command(page_request, found.obligation, form)
        await _submit(page_request, command, number_to_call)
    except RefusedError as why:
        return await _entry_page(page_request, await _find(page_request), refused=why, given=form)
    if form.get("back") == "list":
        return page_request.go("callbacks")
    query = {"exchange": command.exchange, "said": command.action}
    return page_request.go("callback", query, id=command.obligation)


async def _submit(
    page_request: PageRequest, command: commands.CallbackCommand, number_to_call: str | None
) -> None:
    store = await page_request.ask(owner, page_request.context.store, command.exchange)
    await CALLBACKS.submit(page_request, store, command, number_to_call)


def _command(
    page_request: PageRequest, obligation: Obligation, form: Mapping[str, str]
) -> tuple[commands.CallbackCommand, str | None]:
    """The form's command, and another number to call, or None. Raises RefusedError."""
    settings, say = page_request.settings, page_request.say
    action, other = form.get("action", ""), None
    more: dict[str, Any] = {"text": form.get("text", "")}
    match action:
        case "attempt":
            more = _attempt(page_request, form)
        case "close":
            more["reason"] = commands.REASONS.get(form.get("reason", ""))
            more["in_charge"] = form.get("in_charge", "")
        case "mark":
            other = e164(form.get("number", ""), settings.region) if form.get("number") else None
            if form.get("number") and other is None:
                raise RefusedError(
                    say("This telephone number cannot be read; write it as 416-327-2422."), "number"
                )
            chosen = tuple(x for x in CAUTIONS if form.get(x))
            if not chosen and other is None:
                raise RefusedError(say("Nothing to note: tick a caution, or give a number."), "cautions")
            more |= {"cautions": chosen, "other_number": other is not None}
        case "reopen":
            pass
        case "take" | "release":
            more = {}
        case _:
            raise RefusedError(say("This form cannot be read."))
    actor, now = page_request.person.name, datetime.now(UTC)
    command = commands.parse_command(settings, obligation, actor, action, now, **more)
    if not isinstance(command, commands.CallbackCommand):
        field = REFUSED_FIELDS.get(command, "")
        if command == "no_reason" and action == "close" and more["reason"] is None:
            field = "reason"
        CALLBACKS.refuse(command, page_request.language, field)
    return command, other


def _attempt(page_request: PageRequest, form: Mapping[str, str]) -> dict[str, Any]:
    result, when = commands.RESULTS.get(form.get("result", "")), form.get("when", "")
    if result is None:
        raise RefusedError(page_request.say("Say what came of the call."), "result")
    if not when:
        return {"result": result}
    at = commands.local_moment(when, page_request.settings.timezone, page_request.formatter.now)
    if at is None:
        raise RefusedError(page_request.say("Write the time as 10:12."), "when")
    return {"result": result, "when": at}


PAGES = (
    entry("callbacks", "/rappels", "/callbacks", show),
    form("next", "/rappels", "/callbacks", take_next, Right.CALL_BACK, twin="callbacks"),
    entry("callback", "/rappels/{id}", "/callbacks/{id}", detail),
    form("number", "/rappels/{id}/numero", "/callbacks/{id}/number", number, Right.CALL_BACK, twin="callback"),
    form(
        "record",
        "/rappels/{id}/consigner",
        "/callbacks/{id}/record",
        record,
        Right.CALL_BACK,
        "callback",
        twin="callback",
    ),
)
