"""What people (and the dialplan, as they programmed it) do to one call. Times are seconds of the history.

A phone is named by its extension; a telephone outside by its number. Nothing here knows of channels or events.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Act:
    at: float


@dataclass(frozen=True)
class Calls(Act):
    """Somebody dials: the public a line's number, or a phone of ours (`phone`) a colleague or the outside."""

    dials: str
    shown: str = "4165550101"
    phone: str | None = None


@dataclass(frozen=True)
class LineUp(Act):
    """The exchange takes the line itself: `menu`, `queue` (it answers before its music), `announcement`."""

    why: str


@dataclass(frozen=True)
class Chooses(Act):
    """The caller presses the key of a language."""

    language: str


@dataclass(frozen=True)
class Queues(Act):
    """The caller is put into a queue."""


@dataclass(frozen=True)
class QueueOver(Act):
    """The queue's time is over: the dialplan goes on."""


@dataclass(frozen=True)
class Tries(Act):
    """The exchange dials these phones together; `through`: "", "queue", "local" (Local channels that stay) or
    "optimised" (Local channels that take themselves out)."""

    phones: tuple[str, ...]
    through: str = ""


@dataclass(frozen=True)
class Rings(Act):
    """A phone rings."""

    phone: str


@dataclass(frozen=True)
class PlaysAhead(Act):
    """A phone sends sound before it answers (183): early media."""

    phone: str


@dataclass(frozen=True)
class Refuses(Act):
    """A phone is `busy`, its owner `declined`, or there is no circuit (`congested`)."""

    phone: str
    how: str


@dataclass(frozen=True)
class Forwards(Act):
    """A phone sends the call on to another by itself (302)."""

    phone: str
    to: str


@dataclass(frozen=True)
class DialOver(Act):
    """The dial's time is over: what was tried is tried no longer."""


@dataclass(frozen=True)
class PicksUp(Act):
    """A person picks up a phone that was dialled."""

    phone: str


@dataclass(frozen=True)
class Confirms(Act):
    """Who picked up an outside telephone presses the key that accepts the call (`accepts`), or does not."""

    phone: str
    accepts: bool


@dataclass(frozen=True)
class TakesFrom(Act):
    """A colleague picks up the call that rings at another's phone."""

    phone: str
    rung: str


@dataclass(frozen=True)
class Voicemail(Act):
    """Voicemail takes the caller."""

    mailbox: str


@dataclass(frozen=True)
class HangsUp(Act):
    """`caller`, or the person on the line, hangs up; `message`: having left one. `clears`: so long the dialplan
    clears up afterwards (`h`) before the caller's channel goes.
    """

    who: str = "caller"
    message: bool = False
    clears: float = 0.0


@dataclass(frozen=True)
class Ended(Act):
    """The exchange ends the call: `busy`, `congested`, `unreachable`, `played` (the announcement is over),
    `refused` (a transfer's target was busy)."""

    why: str


@dataclass(frozen=True)
class Holds(Act):
    """The person puts the caller on hold."""


@dataclass(frozen=True)
class Resumes(Act):
    """The person takes the caller back from hold."""


@dataclass(frozen=True)
class SendsOff(Act):
    """A blind transfer, by the phone (`refer`) or by `keys`."""

    to: str
    how: str = "refer"


@dataclass(frozen=True)
class Redirects(Act):
    """A program at the switchboard redirects the caller (AMI); no event tells of it."""

    to: str


@dataclass(frozen=True)
class Consults(Act):
    """The person, the caller on hold, calls a colleague: on the phone's second `line`, or by `keys`."""

    to: str
    how: str = "line"


@dataclass(frozen=True)
class Joins(Act):
    """The person connects the caller with the colleague who answered."""


@dataclass(frozen=True)
class HandsOver(Act):
    """The person hangs up while the colleague's phone still rings."""


@dataclass(frozen=True)
class TakesBack(Act):
    """The person ends the consultation and is with the caller again."""


@dataclass(frozen=True)
class CallsBack(Act):
    """Nobody took the caller who was handed over: the exchange rings the person's phone again."""


@dataclass(frozen=True)
class Parks(Act):
    """The person parks the caller, by `keys` or by the phone (`refer`)."""

    how: str = "keys"


@dataclass(frozen=True)
class LetsGo(Act):
    """The parking person's own line is cleared, or the person `hangs_up`."""

    hangs_up: bool = False


@dataclass(frozen=True)
class Retrieves(Act):
    """Somebody takes the caller out of the parking lot."""

    phone: str


@dataclass(frozen=True)
class ParkingOver(Act):
    """The parking time is over."""
