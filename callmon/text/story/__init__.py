"""One stored call as a story for a supervisor: what happened, when, and the verdicts on it. Pure.

    header · timeline (`timeline` selects, `sentences` words) · verdict, reason and policy of each promise

Refuses: to name a person; to show the number of a caller unless the stored call was requested with its numbers.
"""

from collections.abc import Sequence
from typing import Any, cast

from callmon.config.lines import Line
from callmon.config.settings import Settings
from callmon.core.callbacks.entries import AnyEntry
from callmon.core.calls.account import CallAccount
from callmon.core.calls.listing_evidence import born
from callmon.core.disruptions.disruption import Disruption
from callmon.core.facts import AnyFact, Arrived, as_it_stands
from callmon.store.queries.calls import StoredCall
from callmon.text import records
from callmon.text.story.context import StoryContext
from callmon.text.story.page import Page


def story(
    stored: StoredCall,
    settings: Settings,
    language: str,
    entries: Sequence[AnyEntry] = (),
    met: Sequence[Disruption] = (),
) -> str:
    """The call as a page of text in `language` ("fr", "en"), at most 100 columns wide.

    `entries`: the ledger entries of the callback or complaint that it opened. `met`: the disruptions during it.
    """
    page = story_page(story_context(stored, settings, language), stored, settings, met)
    return "\n".join(page.lines_of_text(entries)) + "\n"


def story_context(stored: StoredCall, settings: Settings, language: str) -> StoryContext:
    """The call with its facts and the caller's clock, for texts in `language`."""
    account = _rebuilt(stored, settings)
    facts = cast("list[AnyFact]", as_it_stands(stored.facts))
    call = stored.account or account.call()
    return StoryContext(language, settings.timezone, call, facts, account.clock, account.doubt.clock_slack)


def story_page(
    context: StoryContext, stored: StoredCall, settings: Settings, met: Sequence[Disruption] = ()
) -> Page:
    """The parts of the page of a call."""
    return Page(context, _line(context.call.line, settings), stored.exchange, stored.findings, met)


def as_json(stored: StoredCall, settings: Settings, met: Sequence[Disruption] = ()) -> dict[str, Any]:
    """The call as JSON values, as interface.md specifies. `met`: the disruptions during it.

    A call in progress is described as far as its facts go.
    """
    call = stored.account or _rebuilt(stored, settings).call()
    fields = records.as_json(stored.exchange, call, stored.findings)
    return fields | {"disruptions": [disruption.id for disruption in met]} if met else fields


def _rebuilt(stored: StoredCall, settings: Settings) -> CallAccount:
    """The account of the stored facts; ring cycle, language and hours of the line are from the settings."""
    account = _account(_arrival(stored), settings)
    for fact in as_it_stands(stored.facts):
        account.record_fact(fact)
    return account


def _arrival(stored: StoredCall) -> Arrived:
    """The stored `Arrived` fact; rebuilt from the account if the retention of facts has ended.

    Raises ValueError if the stored call has neither.
    """
    found = next((fact for fact in as_it_stands(stored.facts) if isinstance(fact, Arrived)), None)
    if found is not None:
        return found
    call = stored.account
    if call is None:
        raise ValueError("a stored call has facts, an account, or both")
    return Arrived(
        call.call, call.arrived, call.direction, call.line, call.dialled, call.caller, call.withheld, call.channel
    )


def _account(arrival: Arrived, settings: Settings) -> CallAccount:
    line, arrived = _line(arrival.line, settings), arrival.at or born(arrival.call)
    if line is None:
        return CallAccount(arrival)
    in_hours = None if arrived is None else settings.calendar(line).is_open(arrived)
    return CallAccount(arrival, line.language, line.ring_cycle, in_hours)


def _line(name: str | None, settings: Settings) -> Line | None:
    return settings.lines()[name] if name is not None and name in settings.lines() else None
