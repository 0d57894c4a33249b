"""Replaces the extensions of a stored call by letters (« poste A »). Pure.

For users who may see what happened but not which agent answered (R-38). A phone has the same letter throughout one
call. Each call assigns its own letters, so that no agent can be followed across calls.
"""

from collections.abc import Iterable
from string import ascii_uppercase
from typing import Any

import msgspec

from callmon.core.calls.endpoints import extension
from callmon.core.facts import OUTSIDE, Fact
from callmon.store.queries.calls import StoredCall

PHONES = ("phone", "to")


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
