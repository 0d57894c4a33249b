"""Callbacks in every way in which a service calls somebody back, and calls that look like one.

The phone dials a number or a code; the person is handed on to a colleague, or parked; the exchange rings the
person first. `MADE` is what each call is for somebody who waits for a callback: the reason of the verdict.
Played separately (`python -m tests.lab play --only callbacks`): the other situations use the same phones.
"""

from __future__ import annotations

from tests.lab.model import LabCaller, Phone, Situation, Step
from tests.lab.situations_beyond import staff

CALLED_BACK, TOO_SHORT, WHOSE = "called_back", "answered_too_short", "not_attributed"
LONG_TALK, SHORT_TALK = (Step(12, "hang_up"),), (Step(6, "hang_up"),)
PERSON, AGENT = Phone(answers=2), Phone(answers=2, steps=LONG_TALK)
LEAVES_LAST = {"outside": Phone(answers=2, steps=(Step(24, "hang_up"),))}
TAKES_OVER = Phone(answers=2, steps=(Step(9, "hang_up"),))
OUTBOUND = staff("outbound", "answered", answered_by="outside", rings=1)
NO_CALL: dict[str, object] = {"direction": None}


def out(name: str, phone: str, *steps: Step, others: dict[str, Phone] | None = None, dials: str = "9{outside}",
        person: str = "outside", **more: object) -> Situation:  # fmt: skip
    """A phone dials, and the person answers after 2 s."""
    phones = {person: PERSON, **(others or {})}
    fetched = more.pop("fetched", ())
    expect = {key: value for key, value in (OUTBOUND | more).items() if key != "transfers"}
    assert isinstance(fetched, tuple)
    return Situation(name, LabCaller(dials, phone=phone, steps=steps), phones, expect, fetched)


def first(
    name: str, layout: str, phone: str | None, phones: dict[str, Phone], *others: tuple[float, LabCaller]
) -> Situation:
    """The desk rings the person first, or nobody else."""
    return Situation(
        name, LabCaller("9{outside}", phone=phone, by_desk=layout), {"outside": PERSON, **phones}, NO_CALL, others
    )


DIALLED = (
    out("callback_talks", "201", *LONG_TALK),
    out("callback_too_short", "202", *SHORT_TALK),
    out("callback_by_code", "203", *LONG_TALK, dials="*69", person="6475550171 from anybody"),
    out("callback_by_speed_dial", "204", *LONG_TALK, dials="*70", person="6475550172 from anybody"),
)
HANDED_ON = (
    out("callback_handed_on", "205", Step(5, "refer", "206"), others={"206 from anybody": TAKES_OVER}),
    out("callback_handed_on_by_keys", "208", Step(4, "press", "#1"), Step(1, "press", "209", when="208 holds"),
        others={"209 from anybody": TAKES_OVER}),
    out("callback_handed_on_announced", "210", Step(4, "press", "*2"), Step(1, "press", "211", when="210 holds"),
        Step(3, "hang_up", when="211 answers"), others={"211 from anybody": TAKES_OVER}),
    out("callback_handed_on_in_vain", "212", Step(4, "refer", "213")),
    out("callback_parked", "214", Step(4, "refer", "700"),
        fetched=((0.0, LabCaller("{place}", phone="215", steps=(Step(9, "hang_up"),), when="214 parks")),)),
)  # fmt: skip
PERSON_FIRST = (
    first("callback_by_queue", "person_first_to_queue", "207", {"207 from anybody": AGENT}),
    first("callback_by_local", "person_first", "216", {"216 from anybody": AGENT}),
    first("callback_by_trunk", "person_first_by_trunk", "217", {"217 from anybody": AGENT}),
    first("callback_by_trunk_too_short", "person_first_by_trunk", "218",
          {"218 from anybody": Phone(answers=2, steps=SHORT_TALK)}),
    first("callback_from_a_conference", "person_first_to_conference", None, LEAVES_LAST,
          (6.0, LabCaller("621", phone="219", steps=LONG_TALK))),
    first("callback_into_a_conference", "person_later_to_conference", None, LEAVES_LAST,
          (0.0, LabCaller("622", phone="220", steps=(Step(20, "hang_up"),)))),
    first("reminder", "reminder", None, {}),
    first("callback_from_a_mobile", "mobile_first", None, {"6475550173 from anybody": AGENT}),
)  # fmt: skip
CALLBACKS = (*DIALLED, *HANDED_ON, *PERSON_FIRST)
MADE = dict.fromkeys((situation.name for situation in CALLBACKS), CALLED_BACK) | {
    "callback_too_short": TOO_SHORT,
    "callback_handed_on_in_vain": TOO_SHORT,
    "callback_by_trunk_too_short": TOO_SHORT,
    "reminder": WHOSE,
    "callback_from_a_mobile": WHOSE,
}
