"""Calls in the read API: the list with the filters of the page *Calls*, and one call with its story.

Which phone answered is in neither: phones are letters, as on the page for who is no manager (R-38).
"""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import msgspec

from callmon.config.lines import Mode
from callmon.config.standards import ALL_STANDARDS
from callmon.core.calls.call import Call, OutcomeName, Transfer, Voicemail
from callmon.core.statistics.period import DAY, midnight
from callmon.core.verdicts import Cause, Finding, Verdict
from callmon.features.calls.page import read_call
from callmon.features.calls.search import CAUSED, CallFilter, CallSummary, ResultPage, search_calls
from callmon.store.queries.calls import StoredCall
from callmon.text import sent
from callmon.text.story import story_context, unnamed
from callmon.text.story.page import Page
from callmon.web.api.resource import ApiRequest, Aware, ItemList, Name, Query, Resource, missing, part_of

ONE_OF = f"^({'|'.join(ALL_STANDARDS)})$"
Standard = Annotated[str, msgspec.Meta(pattern=ONE_OF, extra_json_schema={"enum": list(ALL_STANDARDS)})]
Cursor = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9]{1,17}-[!-~]{0,200}$", description='the "next" of the answer before')
]
BEGIN, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class CallsQuery(Query, frozen=True):
    """Calls that arrived on `day` (local), from `since` to before `until`: each narrows the list.

    `verdict` and `cause` are those on `standard`; without one, on answer_by_third_ring.
    """

    day: date | None = None
    since: Aware | None = None
    until: Aware | None = None
    line: Name | None = None
    mode: Mode | None = None
    outcome: OutcomeName | None = None
    standard: Standard | None = None
    verdict: Verdict | None = None
    cause: Cause | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    after: Cursor | None = None


class StoryQuery(Query, frozen=True):
    """`lang`: of the story and the reasons."""

    lang: Literal["en", "fr"] = "en"


class ApiFact(msgspec.Struct, frozen=True):
    """Something that happened to the call. `phone`: its letter in this call, or "outside"."""

    type: str
    at: Aware | None = None
    phone: str | None = None


# A call of the list. Its exchange and its name together never change.
CALL = part_of("ApiCall", CallSummary, sent.API_LIST, verdicts=dict[str, str], cause=str | None)
DETAIL = part_of(
    "ApiCallDetail",
    Call,
    sent.API_CALL,
    exchange=str,
    transfers=list[part_of("ApiTransfer", Transfer, sent.API_TRANSFER)],  # type: ignore[misc]  # made at run time
    voicemail=part_of("ApiVoicemail", Voicemail, sent.API_VOICEMAIL) | None,
    findings=list[part_of("ApiVerdict", Finding, sent.API_VERDICT, reason=str)],  # type: ignore[misc]
    facts=list[ApiFact],
    story=list[str],
    disruptions=list[str],
)


async def list_calls(request: ApiRequest) -> ItemList[Any]:
    query = request.query
    found = await request.ask(search_calls, request.reader, _filter(request), query.after, query.limit)
    return ItemList([_listed(x, found) for x in found.calls], found.next)


def _listed(summary: CallSummary, found: ResultPage) -> dict[str, Any]:
    key = summary.call, summary.exchange
    more = {"verdicts": found.verdicts[key], "cause": found.causes.get(key)}
    return msgspec.structs.asdict(summary) | more


def _filter(request: ApiRequest) -> CallFilter:
    query = request.query
    begin, end = query.since or BEGIN, query.until or END
    if query.day is not None:
        day, zone = request.day(query.day), request.settings.timezone
        begin, end = max(begin, midnight(day, zone)), min(end, midnight(day + DAY, zone))
    standard = query.standard or (CAUSED if query.verdict or query.cause else None)
    lines = tuple(x.name for x in request.settings.lines() if x.mode == query.mode) if query.mode else None
    return CallFilter(begin, end, request.name("line"), query.outcome, standard, query.verdict, lines, query.cause)


async def show_call(request: ApiRequest) -> Any:
    found = await request.ask(read_call, request.reader, request.parts["call"], request.parts["exchange"])
    if found is None:
        raise missing()
    return await request.ask(_detail, request, found[0], [x.id for x in found[2]])


def _detail(request: ApiRequest, stored: StoredCall, disruptions: list[str]) -> Any:
    """The call without its mailbox, which may be named after a person. In a thread: it may have many facts."""
    facts = (msgspec.structs.replace(x, mailbox=None) if hasattr(x, "mailbox") else x for x in stored.facts)
    stored = unnamed(msgspec.structs.replace(stored, facts=tuple(facts)))
    context = story_context(stored, request.settings, request.query.lang)
    story = Page(context, stored, request.settings).happenings()
    given = [
        msgspec.structs.asdict(x) | {"reason": context.reason(x.reason_key, x.number)} for x in stored.findings
    ]
    return (
        msgspec.structs.asdict(context.call)
        | {"exchange": stored.exchange, "findings": given, "disruptions": disruptions}
        | {"facts": msgspec.to_builtins(context.facts), "story": [f"{time} {text}" for time, _, text in story]}
    )


RESOURCES = (
    Resource("/calls", list_calls, CALL, CallsQuery),
    Resource("/calls/{exchange}/{call}", show_call, DETAIL, StoryQuery, is_list=False),
)
