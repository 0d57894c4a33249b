"""What the caller hears before a person answers: the dialplan decides when ringing begins, not the phone alone.

A way to ring is played with answers at many moments. Which ring that was is the wire's to say (`wire.py`), not the
script's: a phone that rings late, or a dial with `r`, moves the first ring away from the dial.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.lab.model import LabCaller, Phone, Situation, Step
from tests.lab.site import PHONES_OF_RINGING, PHONES_OFFLINE
from tests.lab.truths import ENDS, GENERAL, LEAVES_IN_GREETING, inbound

MOBILE = "6475550195"
OF_DESK = "859"  # where a desk redirects the caller
# Seconds from the phone's call to its answer: none is near the edge of a ring, wherever the ringing began.
ANSWERS = (2.5, 4, 8.5, 10, 14, 16, 20.5, 22, 3.5, 9.5)
FOLLOWED = (2.5, 3.5, 4, 5, 8.5, 9.5, 12, 15, 20, 21)  # the mobile's person presses 1 two seconds later
QUEUE_OF = "ringing-{p}"  # a phone's own queue


def route(
    place: str, phones: str, options: str = "", pause: float | str = "", then: str = "", seconds: int | str = ""
) -> str:
    return f"{place}|{phones}|{options}|{pause}|{then}|{seconds}"


@dataclass(frozen=True)
class Way:
    """One way to ring: the route, with ``{p}`` for the phone that answers, and what phones do beside answering."""

    name: str
    place: str
    options: str = ""
    phones: str = "PJSIP/{p}"
    pause: float | str = ""
    then: str = ""
    rings: float | None = 0.0  # the phone's
    early_media: bool = False
    without_sdp: bool = False
    beside: tuple[tuple[str, Phone], ...] = ()  # what other phones do; one that is not named rings on

    @property
    def own(self) -> bool:
        """Whether the phone is of this call alone: a member of a queue rings for one caller at a time."""
        return self.phones == QUEUE_OF

    def situation(self, phone: str, answers: float) -> Situation:
        asked = route(self.place, self.phones.format(p=phone), self.options, self.pause, self.then.format(p=phone))
        rings = Phone(self.rings, self.early_media, self.without_sdp, answers + (self.rings or 0.0), steps=ENDS)
        expect = inbound("answered", answered_by=phone)
        return Situation(self.name, LabCaller(GENERAL, route=asked), {phone: rings, **dict(self.beside)}, expect)


WAYS_TO_RING = (
    Way("plain", "ringing-dial", "tk"),
    Way("r", "ringing-dial", "tkr"),
    Way("R", "ringing-dial", "tkR"),
    Way("r_woken", "ringing-dial", "tkr", rings=6.0),
    Way("r_tone", "ringing-dial", "tkr(ring)"),
    Way("ringing_then_pause", "ringing-signal", "tk", pause=4.5, then="ringing-dial"),
    Way("ringing_then_local", "ringing-signal", "tk", "Local/{p}@ringing-member-r/n", 4.5, "ringing-group", 3.0),
    Way("early_media", "ringing-dial", "tk", early_media=True),
    Way("early_media_without_sdp", "ringing-dial", "tk", early_media=True, without_sdp=True),
    Way("queue", "ringing-queue", "tk", QUEUE_OF),
    Way("queue_r", "ringing-queue", "tkr", QUEUE_OF),
    Way("queue_R", "ringing-queue", "tkR", QUEUE_OF, rings=3.0),
    Way("answered_first", "ringing-answered", "tk", then="ringing-dial"),
    Way("answered_first_r", "ringing-answered", "tkr", then="ringing-dial", rings=3.0),
    Way("answered_first_R", "ringing-answered", "tkR", then="ringing-dial", rings=3.0),
    Way("two_dials", "ringing-two", "tk", "PJSIP/858", pause=5, then="PJSIP/{p}"),
    Way("group_m", "ringing-dial", "tkm", "PJSIP/{p}&PJSIP/858"),
)
SILENT = (("107", Phone(rings=None)),)
DECLINES = (("107", Phone(rings=None, refuses=603)),)
# Beside these: the same through other steps of a dialplan, and what options do together.
WAYS_BESIDE = (
    Way("two_dials_r_first_silent", "ringing-two", "tkr", "PJSIP/107", 5, "PJSIP/{p}", 2.0, beside=SILENT),
    Way("two_dials_first_silent", "ringing-two", "tk", "PJSIP/107", 5, "PJSIP/{p}", 2.0, beside=SILENT),
    Way("r_one_of_two_declines", "ringing-dial", "tkr", "PJSIP/107&PJSIP/{p}", rings=3.0, beside=DECLINES),
    Way("r_local_nobody_behind", "ringing-two", "tkr", "Local/198@ringing-member/n", 5, "PJSIP/{p}", rings=2.0),
    Way("playtones", "ringing-playtones", "tk", pause=4, then="ringing-dial", rings=2.0),
    Way("answered_playtones", "ringing-answered-playtones", "tk", pause=4, then="ringing-dial", rings=2.0),
    Way("two_dials_r_first_nobody", "ringing-two", "tkr", "PJSIP/198", pause=5, then="PJSIP/{p}", rings=2.0),
    Way("r_one_of_two_unregistered", "ringing-dial", "tkr", "PJSIP/198&PJSIP/{p}", rings=3.0),
    Way("r_early_media", "ringing-dial", "tkr", early_media=True, rings=2.0),
    Way("R_early_media", "ringing-dial", "tkR", early_media=True, rings=2.0),
    Way("R_woken", "ringing-dial", "tkR", rings=6.0),
    Way("m_woken", "ringing-dial", "tkm", rings=6.0),
    Way("sub_r", "ringing-sub", "HhTtr", rings=3.0),
    Way("sub_plain", "ringing-sub", "HhTt", rings=3.0),
    Way("macro_r", "ringing-macro", "HhTtr", rings=3.0),
    Way("execif_r", "ringing-execif", "tkr", rings=3.0),
    Way("tryexec_r", "ringing-tryexec", "tkr", rings=3.0),
    Way("local_r", "ringing-group", "HhTtr", "Local/{p}@ringing-member/n", rings=3.0),
    Way("local_optimised_r", "ringing-group", "HhTtr", "Local/{p}@ringing-member", rings=3.0),
    Way("local_member_r", "ringing-group", "HhTt", "Local/{p}@ringing-member-r/n", rings=3.0),
    Way("menu", "ringing-menu", "tk", then="ringing-dial", rings=3.0),
    Way("menu_r", "ringing-menu", "tkr", then="ringing-dial", rings=3.0),
    Way("menu_sub_r", "ringing-menu", "HhTtr", then="ringing-sub", rings=3.0),
    Way("pause_then_sub_r", "ringing-inbound", "HhTtr", pause=4, then="ringing-sub", rings=3.0),
    Way("signal_then_menu", "ringing-signal", "tk", pause=4, then="ringing-menu-dial"),
    Way("signal_then_queue", "ringing-signal", "tk", QUEUE_OF, pause=4, then="ringing-queue"),
    Way("answered_queue", "ringing-answered", "tk", QUEUE_OF, then="ringing-queue", rings=3.0),
    Way("answered_queue_r", "ringing-answered", "tkr", QUEUE_OF, then="ringing-queue", rings=3.0),
    Way("answered_queue_R", "ringing-answered", "tkR", QUEUE_OF, then="ringing-queue", rings=3.0),
    Way("answered_R_early_media", "ringing-answered", "tkR", then="ringing-dial", early_media=True, rings=3.0),
    Way("answered_r_early_media", "ringing-answered", "tkr", then="ringing-dial", early_media=True, rings=3.0),
    Way("answered_m", "ringing-answered", "tkm", then="ringing-dial", rings=3.0),
    Way("answered_r_tone", "ringing-answered", "tkr(ring)", then="ringing-dial", rings=3.0),
    Way("answered_early_media", "ringing-answered", "tk", then="ringing-dial", early_media=True, rings=3.0),
)
# The sound is opened before the dial: no 180 follows, and the tone is the exchange's own.
WAYS_IN_BAND = (
    Way("progress", "ringing-progress", "tk", pause=1, then="ringing-dial", rings=2.0),
    Way("progress_r", "ringing-progress", "HhTtr", pause=1, then="ringing-dial", rings=3.0),
    Way("progress_R", "ringing-progress", "tkR", pause=1, then="ringing-dial", rings=3.0),
    Way("progress_sub_r", "ringing-progress", "HhTtr", pause=1, then="ringing-sub", rings=3.0),
    Way("progress_local_r", "ringing-progress", "HhTtr", "Local/{p}@ringing-member/n", 1, "ringing-group", 3.0),
    Way(
        "progress_early_media", "ringing-progress", "tk", pause=1, then="ringing-dial", early_media=True, rings=3.0
    ),
    Way(
        "progress_r_early_media",
        "ringing-progress",
        "tkr",
        pause=1,
        then="ringing-dial",
        early_media=True,
        rings=3.0,
    ),
)


def nobody(copies: int) -> Situation:
    """`r`, and no phone is registered: voicemail takes the call."""
    phones = "&".join(f"PJSIP/{phone}" for phone in PHONES_OFFLINE)
    caller = LabCaller(GENERAL, route=route("ringing-dial", phones, "tkr"), steps=LEAVES_IN_GREETING)
    return Situation("r_no_phone", caller, {}, inbound("voicemail_no_message"), copies=copies)


def follow_me(phone: str, answers: float) -> Situation:
    """The phone for 8 s, then the mobile: whichever rings when this person answers."""
    asked = route("ringing-dial", f"Local/{phone}@ringing-followed/n", "tk")
    caller = LabCaller(GENERAL, route=asked)
    phones = {phone: Phone(answers=answers, steps=ENDS)}
    if by_mobile := answers > 8:
        accepts = (Step(1.5, "press", "1"), Step(7, "hang_up"))
        phones = {phone: Phone(), MOBILE: Phone(answers=answers - 8, steps=accepts)}
    expect = inbound("answered", answered_by="outside" if by_mobile else phone)
    return Situation("follow_me", caller, phones, expect)


def redirected(name: str, phone: str, options: str, extension: str, answers: float) -> Situation:
    """The desk sends an answered caller to an extension that dials another phone."""
    steps = (Step(2, "desk", f"Redirect {extension}"),)
    caller = LabCaller(GENERAL, route=route("ringing-dial", f"PJSIP/{phone}", options))
    phones = {phone: Phone(answers=1, steps=steps), OF_DESK: Phone(3.0, answers=3 + answers, steps=ENDS)}
    return Situation(name, caller, phones, inbound("answered"))


def of(ways: Iterable[Way], answers: Sequence[float]) -> tuple[Situation, ...]:
    """Each way with an answer at each of these moments."""
    own = iter(PHONES_OF_RINGING)
    return tuple(way.situation(next(own) if way.own else "856", at) for way in ways for at in answers)


def all_of(answers: Sequence[float] = ANSWERS, followed: Sequence[float] = FOLLOWED) -> tuple[Situation, ...]:
    """The situations of ringing that callmon must tell to the ring."""
    ways = (*WAYS_TO_RING, *WAYS_IN_BAND[:3])
    return (*of(ways, answers), *(follow_me("855", at) for at in followed), nobody(len(answers)))


RINGING = {
    "ringing": all_of(),
    "ringing_beside": (
        *of(WAYS_BESIDE, (2.5, 10)),
        redirected("redirected_to_r", "840", "tk", "640", 2.5),
        redirected("redirected_before_r", "841", "tk", "641", 2.5),
        redirected("redirected_from_r", "842", "tkr", "642", 2.5),
    ),
    "ringing_in_band": of(WAYS_IN_BAND, ANSWERS),
}
