"""The vocabulary of a situation: the caller, each phone's actions, the required result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Step:
    """A party's action, ``at`` seconds after its own line went up, or after ``when`` (the words of ``board``).

    ``press`` keys, ``speak`` for so many seconds, ``hold``, ``unhold``, ``refer`` to an extension (a blind
    transfer), ``consult`` an extension on a second line, ``join`` the two (attended transfer) or ``drop`` the
    second, ``hang_up``; ``desk``: the desk acts on this call.
    """

    at: float
    do: str
    what: str = ""
    when: str = ""


@dataclass(frozen=True)
class Phone:
    """A phone's actions when it is called, in seconds from then. ``rings=None``: it sends nothing at all."""

    rings: float | None = 0.0
    early_media: bool = False  # 183 instead of 180
    without_sdp: bool = False  # of the 183
    answers: float | None = None
    when: str = ""  # ``answers`` counts from this event instead
    refuses: int | None = None  # 486 busy, 603 declined, 480 unavailable
    refuses_at: float = 0.0
    forwards_to: str | None = None  # 302
    steps: tuple[Step, ...] = ()
    again: Phone | None = None  # its actions when the same call rings it again


@dataclass(frozen=True)
class LabCaller:
    """The caller and its actions. ``phone``: a member of staff calls from this phone instead of the public."""

    dials: str
    phone: str | None = None
    name: str | bytes | None = None
    withheld: bool = False
    delivered: bool = False  # withheld, but the carrier delivers the number nevertheless
    route: str | None = None  # context (or context,extension,priority) instead of the line's own
    gives_up: float | None = None  # seconds after dialling, if no person answered
    steps: tuple[Step, ...] = ()
    by_desk: str = ""  # click-to-dial in this layout (`clicks`): the desk rings the phone and then dials
    takes: str | None = None  # the phone whose ringing call is taken: INVITE with Replaces
    when: str = ""  # dials so many seconds after this; ``{place}`` in ``dials``: where that phone parked


@dataclass(frozen=True)
class Situation:
    """One situation of a call.

    ``phones`` by extension. A number outside that staff call is ``outside``. ``104 from 101`` is what 104 does
    if 101 calls it, ``104 from anybody`` for any other caller. A phone that rings and is not named rings on.
    ``expect`` uses the names of ``callmon replay --json``, and only for what the script determines; verdicts as
    in opening hours. ``direction`` None: it is not a call. ``other_transfers``: how many transfers the exchange
    reports that are none.
    """

    name: str
    caller: LabCaller
    phones: Mapping[str, Phone] = field(default_factory=dict)
    expect: Mapping[str, object] = field(default_factory=dict)
    others: tuple[tuple[float, LabCaller], ...] = ()  # staff who dial so many seconds later
    copies: int = 1
    begins: float = 0.0  # seconds after the first call of the run
    other_transfers: int = 0


@dataclass
class PlayedSituation:
    """One call as its own SIP side saw it: seconds since 1970, on the clock of this machine."""

    situation: Situation
    caller: str  # as phones see it: ``anonymous`` if withheld, an extension for staff
    number: str  # the number that is this call's own
    dialled: str
    invited: float = 0.0
    progress: list[tuple[float, int]] = field(default_factory=list)  # 180, 181, 183
    answered: float | None = None
    tone: float | None = None  # the first ringing tone within the sound of an answered call
    early_tone: float | None = None  # the same between the first 183 and the answer
    boxed: float | None = None  # voicemail took it, by the witness
    picked_up: list[float] = field(default_factory=list)  # by phones that were called
    refused: int | None = None
    ended: float | None = None
    ended_by: str | None = None  # caller, exchange
    fault: str | None = None
    met_pause: bool = False  # the machine stood still while it was up (`pauses`)
    played_by: str = "own"  # the lab's SIP side, or sipp
    call_id: str = ""  # on the caller's SIP side
    trouble: list[str] = field(default_factory=list)  # sipp's complaints

    @property
    def ringing(self) -> float | None:
        return next((at for at, code in self.progress if code in (180, 183)), None)
