"""The words a situation is written in: who calls, what each phone does, what that must come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Step:
    """What a party does ``at`` seconds after its own line went up, or after ``when`` (the words of ``board``).

    ``press`` keys, ``speak`` for so many seconds, ``hold``, ``unhold``, ``refer`` to an extension (a blind
    transfer), ``consult`` an extension on a second line, ``join`` the two (attended transfer) or ``drop`` the
    second, ``hang_up``; ``desk``: have the desk do something with this call.
    """

    at: float
    do: str
    what: str = ""
    when: str = ""


@dataclass(frozen=True)
class Phone:
    """What a phone does when it is called, in seconds from then. Says nothing at all: ``rings=None``."""

    rings: float | None = 0.0
    early_media: bool = False  # 183 instead of 180
    answers: float | None = None
    when: str = ""  # answers so many seconds after this instead
    refuses: int | None = None  # 486 busy, 603 declined, 480 unavailable
    refuses_at: float = 0.0
    forwards_to: str | None = None  # 302
    steps: tuple[Step, ...] = ()
    again: Phone | None = None  # what it does when the same call rings it once more


@dataclass(frozen=True)
class Caller:
    """Who calls and how. ``phone``: a member of staff calls from this phone instead of the public."""

    dials: str
    phone: str | None = None
    name: str | bytes | None = None
    withheld: bool = False
    delivered: bool = False  # withheld, but the carrier hands the number over all the same
    route: str | None = None  # context (or context,extension,priority) instead of what the line does
    gives_up: float | None = None  # seconds after dialling, if nobody has answered
    steps: tuple[Step, ...] = ()
    by_desk: str = ""  # click-to-dial in this layout (`clicks`): the desk rings the phone and then dials
    takes: str | None = None  # the phone whose ringing call is taken: INVITE with Replaces
    when: str = ""  # dials so many seconds after this; ``{place}`` in ``dials``: where that phone parked


@dataclass(frozen=True)
class Situation:
    """One thing that can happen.

    ``phones`` by extension; a number outside that staff call is ``outside``; ``104 from 101`` is what 104
    does when 101 calls it, ``104 from anybody`` whoever calls. A phone that rings and is not named rings on.
    ``expect`` speaks the names of ``callmon replay --json``, and only of what the script settles; verdicts as
    in opening hours. ``direction`` None: it is no call of anybody's. ``told_besides``: how many transfers the
    exchange tells of that are none.
    """

    name: str
    caller: Caller
    phones: Mapping[str, Phone] = field(default_factory=dict)
    expect: Mapping[str, object] = field(default_factory=dict)
    others: tuple[tuple[float, Caller], ...] = ()  # staff who dial something so many seconds later
    copies: int = 1
    begins: float = 0.0  # seconds after the first call of the run
    told_besides: int = 0


@dataclass
class Played:
    """One call as its own SIP side saw it: seconds since 1970, on the clock of this machine."""

    situation: Situation
    caller: str  # as phones see it: ``anonymous`` when withheld, an extension for staff
    number: str  # the number that is this call's own
    dialled: str
    invited: float = 0.0
    progress: list[tuple[float, int]] = field(default_factory=list)  # 180, 181, 183
    answered: float | None = None
    refused: int | None = None
    ended: float | None = None
    ended_by: str | None = None  # caller, exchange
    fault: str | None = None
    played_by: str = "own"  # our SIP side, or sipp
    trouble: list[str] = field(default_factory=list)  # what sipp grumbled about

    @property
    def ringing(self) -> float | None:
        return next((at for at, code in self.progress if code in (180, 183)), None)
