"""What an entry of a listing proves: when a channel was born or answered, what belongs together. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from callmon import facts as f
from callmon.ami import events as e
from callmon.calls.endpoints import is_local
from callmon.calls.legs import Leg

# A phone dialled this soon after the arrival (in whole seconds) was the first to be: nothing rang before it.
AT_ONCE = timedelta(seconds=1)
UP, RINGING = "6", "5"


def born(uniqueid: str) -> datetime | None:
    """The second in which a channel was created: `lab-1795529611.4` → 1795529611."""
    return e.instant(uniqueid.rpartition("-")[2].partition(".")[0])


def pair_halves(legs: Iterable[Leg]) -> None:
    """The two halves of a Local channel bear one name: what joined them may have been said in the gap."""
    halves = {leg.channel: leg for leg in legs if not leg.is_phone}
    for name, leg in halves.items():
        other = halves.get(f"{name[:-1]}2") if name.endswith(";1") else None
        if other is not None:
            leg.partner, other.partner = other, leg


def is_ringing(phones: list[e.Status]) -> bool:
    """A phone of the call rings, or has been picked up."""
    return any(phone.state in (RINGING, UP) and not is_local(phone.channel) for phone in phones)


def soon(arrived: datetime | None, dialled: datetime | None) -> bool:
    """The phone was dialled at once: nothing rang before it."""
    return arrived is not None and dialled is not None and dialled - arrived <= AT_ONCE


def answer_time(entry: e.Status) -> datetime | None:
    """CDR(answer,u): exact, on the phone's leg; "" or 0.000000 when it says nothing."""
    return e.instant(entry.answered)


def within(since: datetime | None, until: datetime | None) -> tuple[datetime | None, timedelta]:
    """A moment between two; None when one of them is not known."""
    if since is None or until is None or until < since:
        return None, f.EXACT
    return since, until - since


def earliest(entry: e.Status, dialled: datetime, since: datetime) -> datetime:
    """Before this nothing can have rung unheard: the gap had not begun, or a menu had the caller."""
    up = answer_time(entry)
    return up if up is not None and since < up <= dialled + timedelta(seconds=1) else since
