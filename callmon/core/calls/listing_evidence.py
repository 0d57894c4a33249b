"""What an entry of a listing proves: when a channel was created or answered, what belongs together. Pure."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from callmon.ami import events as e
from callmon.ami.events import RINGING, UP
from callmon.core import facts as f
from callmon.core.calls.channels import TrackedChannel
from callmon.core.calls.endpoints import is_local

# A phone that rang this soon after the arrival was the first: an answer and a hand-over take longer.
AT_ONCE = timedelta(seconds=1)
# A CDR's newest record that begins later than its channel, which is up by then, is answered as it begins.
BEGINS_ANSWERED = timedelta(seconds=0.05)
# Options of Dial by which the phone that is picked up is not joined with the caller at once.
_ASKING = frozenset("ADMPUp")
# A channel's first record begins in the second that its Uniqueid names.
FIRST_SECOND = timedelta(seconds=1)
_QUARTER = timedelta(minutes=15)
_ARGUMENT = re.compile(r"\([^()]*\)")


def born(uniqueid: str) -> datetime | None:
    """The second in which a channel was created: `lab-1795529611.4` → 1795529611."""
    return e.instant(uniqueid.rpartition("-")[2].partition(".")[0])


def pair_halves(legs: Iterable[TrackedChannel]) -> None:
    """Pair the halves of Local channels by their common name: a gap may have hidden the LocalBridge."""
    halves = {leg.channel: leg for leg in legs if not leg.is_phone}
    for name, leg in halves.items():
        other = halves.get(f"{name[:-1]}2") if name.endswith(";1") else None
        if other is not None:
            leg.partner, other.partner = other, leg


def is_ringing(phones: list[e.Status]) -> bool:
    """Whether a phone of the call rings, or has been picked up."""
    return any(phone.state in (RINGING, UP) and not is_local(phone.channel) for phone in phones)


def rung_by(entry: e.Status) -> datetime | None:
    """The time by which a ringing phone was dialled: its Uniqueid names the second."""
    second = born(entry.uniqueid)
    return None if second is None else second + FIRST_SECOND


def soon(arrived: datetime | None, rang: datetime | None) -> bool:
    """Whether a phone that rang by then rang at once: then no phone rang before it."""
    return arrived is not None and rang is not None and rang - arrived <= AT_ONCE


def up_since(entry: e.Status) -> datetime | None:
    """When this channel went up; None where that is not known exactly.

    CDR(answer,u) is that of the channel's newest record. A channel that changes its bridge (its person consults,
    or comes back), or dials once more, gets another record, which is answered when it begins.
    """
    at, begun = up_by(entry), _begun(entry)
    return at if at is not None and begun is not None and at - begun >= BEGINS_ANSWERED else None


def up_by(entry: e.Status) -> datetime | None:
    """The time by which this channel was up: CDR(answer,u) of any record. None when it says nothing."""
    return e.instant(entry.answered)


def moved_by(entry: e.Status) -> datetime | None:
    """The time by which this channel was in its second bridge, or a later one: its record is not its first."""
    begun, own = e.instant(entry.begun), born(entry.uniqueid)
    if begun is None or own is None or begun - own < FIRST_SECOND or up_since(entry) is not None:
        return None
    return up_by(entry)


def is_joined_at_once(caller: e.Status, phone: e.Status) -> bool:
    """Whether the phone is joined with the caller as soon as it goes up.

    Not where a confirmation, an announcement or a Local channel may stand between the two. Not where the phone was
    not dialled either: one that picks up another's call has gone up before.
    """
    if caller.application != "Dial" or caller.bridge != phone.bridge or phone.dialled:
        return False
    options = _ARGUMENT.sub("", caller.data).split(",")[2:3]
    return not _ASKING.intersection("".join(options))


def _begun(entry: e.Status) -> datetime | None:
    """When the newest record of its CDR began."""
    return e.instant(entry.begun) or _begun_before(up_by(entry), entry.begun_local)


def _begun_before(at: datetime | None, local: str) -> datetime | None:
    """The latest that `2026-11-24 14:13:56`, in an unknown time zone and in whole seconds, can have been.

    Offsets are whole quarters of an hour, and no phone rings that long.
    """
    try:
        begun = datetime.fromisoformat(local).replace(tzinfo=UTC)
    except ValueError:
        return None
    if at is None:
        return None
    return min(at, at - (at - begun) % _QUARTER + timedelta(seconds=1))


def within(since: datetime | None, until: datetime | None) -> tuple[datetime | None, timedelta]:
    """A moment between two times, with its slack; None when one of them is not known."""
    if since is None or until is None or until < since:
        return None, f.EXACT
    return since, until - since


def earliest(entry: e.Status, dialled: datetime, since: datetime) -> datetime:
    """The time before which a gap cannot hide ringing: the gap had not begun, or a menu had the caller."""
    up, begun, own = up_since(entry), _begun(entry), born(entry.uniqueid)
    if up is None or begun is None or own is None or begun - own >= FIRST_SECOND:
        return since  # it has been in a bridge, or something was dialled for it before
    return up if since < up <= dialled else since
