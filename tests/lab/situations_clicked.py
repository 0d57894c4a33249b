"""Click-to-dial in every layout of `clicks`: answered, busy, unanswered, and not picked up by the agent.

`NEAR_MISSES` look like click-to-dial and are not. The other situations use the same phones, so these are played
separately.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tests.lab.clicks import LAYOUTS, OLD_LAYOUTS
from tests.lab.model import LabCaller, Phone, Situation, Step
from tests.lab.site import BOXES, PHONES_ADDED, PHONES_OF_CHAN_SIP
from tests.lab.truths import BUSY, TALKS, staff

SPEAKS = (Step(0, "speak", "20"),)
HANGS_UP = Step(12, "hang_up")  # after more than the ten seconds of a conversation
FAR: Mapping[str, Phone] = {
    "answered": Phone(answers=3, steps=(*SPEAKS, HANGS_UP)),
    "busy": Phone(None, refuses=486),
    "unanswered": Phone(),
    "not_picked_up": Phone(answers=1),
}
AGENT: Mapping[str, Phone] = {
    "answered": Phone(answers=2, steps=SPEAKS),
    "busy": Phone(answers=2),
    "unanswered": Phone(answers=2, steps=(Step(14, "hang_up"),)),
    "not_picked_up": Phone(),
}
TRUTH: Mapping[str, dict[str, object]] = {
    "answered": staff("outbound", "answered", answered_by="outside", rings=1),
    "busy": staff("outbound", "busy", rings=None),
    "unanswered": staff("outbound", "no_answer", rings=3),
    "not_picked_up": {"direction": None},
}
NO_CALL: dict[str, object] = {"direction": None}


def clicked(
    name: str, phone: str, dials: str, layout: str, agent: Phone, far: dict[str, Phone], expect: dict[str, object],
    begins: float = 0.0,
) -> Situation:  # fmt: skip
    """The desk rings the phone in the way of the layout, and then dials."""
    phones = {f"{phone} from anybody": agent, **far}
    return Situation(name, LabCaller(dials, phone=phone, by_desk=layout), phones, expect, begins=begins)


def each(layouts: Iterable[str], phones: Iterator[str]) -> Iterator[Situation]:
    """Every ending of every layout, each with a phone of its own."""
    for layout in layouts:
        for ending, far in FAR.items():
            yield clicked(
                f"click_{layout}_{ending}", next(phones), "9{outside}", layout, AGENT[ending], {"outside": far},
                TRUTH[ending],
            )  # fmt: skip


PHONES = iter([phone for phone in PHONES_ADDED if phone not in BOXES])
CLICKS = tuple(each(LAYOUTS, PHONES))
OLD_CLICKS = tuple(each(OLD_LAYOUTS, iter(PHONES_OF_CHAN_SIP)))
NEAR_MISSES = (
    # The agent is busy, and the agent's own voicemail takes that side: the person outside receives a greeting.
    clicked(
        "click_taken_by_the_agents_voicemail", BOXES[0], "9{outside}", "local", BUSY, {"outside": FAR["answered"]},
        NO_CALL,
    ),
    # A dialler rings the person outside first: no event names the caller.
    clicked(
        "click_rings_the_person_first", next(PHONES), "9{outside}", "person_first", Phone(answers=2, steps=TALKS),
        {"outside": Phone(answers=2)}, NO_CALL,
    ),
    clicked(
        "click_inside_through_locals", next(PHONES), (INSIDE := next(PHONES)), "both_plain_local",
        Phone(answers=2), {f"{INSIDE} from anybody": Phone(answers=3, steps=TALKS)},
        staff("internal", "answered", answered_by=INSIDE, rings=1),
    ),
    Situation(
        "internal_call_through_local",
        LabCaller(f"*9{(COLLEAGUE := next(PHONES))}", phone=next(PHONES), steps=TALKS),
        {f"{COLLEAGUE} from anybody": Phone(answers=3)},
        staff("internal", "answered", answered_by=COLLEAGUE, rings=1),
    ),
)  # fmt: skip
