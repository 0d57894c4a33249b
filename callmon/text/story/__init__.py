"""One stored call as a story for a supervisor: what happened, when, and the verdicts on it. Pure.

    header · timeline (`timeline` selects, `sentences` words) · verdict, reason and policy of each promise

Refuses: to name a person; to show the number of a caller unless the stored call was requested with its numbers.

`unnamed` replaces extensions by letters (« poste A »), for users who may see what happened but not which agent
answered (R-38). A phone has the same letter throughout one call. Each call assigns its own letters, so that no
agent can be followed across calls.
"""

from collections.abc import Collection, Iterable, Sequence
from string import ascii_uppercase
from typing import Any, cast

import msgspec

from callmon.ami.events import born
from callmon.config.settings import Settings
from callmon.core.callbacks.entries import AnyEntry
from callmon.core.calls.account import CallAccount
from callmon.core.calls.endpoints import extension, is_number
from callmon.core.disruptions.disruption import Disruption
from callmon.core.facts import OUTSIDE, AnyFact, Arrived, Fact, as_it_stands
from callmon.store.queries.calls import StoredCall
from callmon.text import records
from callmon.text.story.page import Page, line_of
from callmon.text.story.timeline import StoryContext

PHONES = ("phone", "to")


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
    page = Page(story_context(stored, settings, language), stored, settings, met)
    return "\n".join(page.lines_of_text(entries)) + "\n"


def story_context(stored: StoredCall, settings: Settings, language: str) -> StoryContext:
    """The call with its facts and the caller's clock, for texts in `language`."""
    account = _rebuilt(stored, settings)
    own = {box for line in settings.lines() for box in line.mailboxes}
    facts = cast("list[AnyFact]", [_without_number(x, own) for x in as_it_stands(stored.facts)])
    call = stored.account or account.call()
    return StoryContext(language, settings.timezone, call, facts, *account.caller_clock())


def _without_number(fact: Fact, own: Collection[str]) -> Fact:
    """The fact without a queue or a mailbox that is named as a number, but for a mailbox of the configuration."""
    hidden = {"queue": "?", "mailbox": ""}
    changes = {x: hidden[x] for x in hidden if is_number(name := getattr(fact, x, None) or "") and name not in own}
    return msgspec.structs.replace(fact, **changes) if changes else fact


def as_json(stored: StoredCall, settings: Settings, met: Sequence[Disruption] = ()) -> dict[str, Any]:
    """The call as JSON values, as interface.md specifies. `met`: the disruptions during it.

    A call in progress is described as far as its facts go.
    """
    call = stored.account or _rebuilt(stored, settings).call()
    fields = records.as_json(stored.exchange, call, stored.findings)
    return fields | {"disruptions": [disruption.id for disruption in met]} if met else fields


def _rebuilt(stored: StoredCall, settings: Settings) -> CallAccount:
    """The account of the stored facts; ring cycle, language and hours of the line are from the settings."""
    arrival = _arrival(stored)
    line, arrived = line_of(arrival.line, settings), arrival.at or born(arrival.call)
    in_hours = None if line is None or arrived is None else settings.calendar(line).is_open(arrived)
    own = () if line is None else (line.language, line.ring_cycle, in_hours)
    return CallAccount(arrival, *own).record_facts(as_it_stands(stored.facts))


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


def unnamed(stored: StoredCall) -> StoredCall:
    """The call with a letter for each phone."""
    names = _names(stored.facts)
    account = stored.account
    if account is not None:
        people = tuple(msgspec.structs.replace(x, phone=_letter(names, x.phone)) for x in account.people)
        transfers = tuple(
            msgspec.structs.replace(x, by=_channel(names, x.by), to=x.to and _letter(names, x.to))
            for x in account.transfers
        )
        answered = None if account.answered_by is None else _letter(names, account.answered_by)
        account = msgspec.structs.replace(account, people=people, transfers=transfers, answered_by=answered)
    facts = tuple(_fact(names, fact) for fact in stored.facts)
    return msgspec.structs.replace(stored, account=account, facts=facts)


def _names(facts: Iterable[Fact]) -> dict[str, str]:
    found = dict.fromkeys(str(getattr(x, name)) for x in facts for name in PHONES if getattr(x, name, None))
    found |= dict.fromkeys(extension(x) for fact in facts if (x := getattr(fact, "by", "")) and "/" in x)
    found.pop(OUTSIDE, None)
    return {name: _count(place) for place, name in enumerate(found)}


def _count(place: int) -> str:
    """The letter of a 0-based index: A … Z, A2 … Z2, …"""
    round_, letter = divmod(place, len(ascii_uppercase))
    return ascii_uppercase[letter] + (str(round_ + 1) if round_ else "")


def _letter(names: dict[str, str], phone: str) -> str:
    """The letter of a phone; "?" for a phone in no fact, so that it is not named either."""
    return phone if phone == OUTSIDE else names.get(phone, "?")


def _channel(names: dict[str, str], channel: str) -> str:
    return f"PJSIP/{_letter(names, extension(channel))}-00000000" if "/" in channel else channel


def _fact(names: dict[str, str], fact: Fact) -> Fact:
    changes: dict[str, Any] = {x: _letter(names, getattr(fact, x)) for x in PHONES if getattr(fact, x, None)}
    by = getattr(fact, "by", "")
    if isinstance(by, str) and "/" in by:
        changes["by"] = _channel(names, by)
    return msgspec.structs.replace(fact, **changes) if changes else fact
