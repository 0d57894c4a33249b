"""A faster exchange: rings, time-outs, announcements and callers' actions take a fraction of their time.

The order of events stays that of the true pace, where `test_real_calls` compares every situation with its
script. For tests of something else: kills, callbacks, the change of the leader. `UNDER_STRAIN` has been played
at this pace; in some other situations keys come too early.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tests.lab.model import LabCaller, Phone, Situation, Step

FAST = 4  # a ring takes 1.5 s
_WHOLE = re.compile(
    r"""(Dial\([^,\n]*,|Queue\([^,\n]*,[^,\n]*,,,|^FOUR_RINGS\ =\ |^timeout\ =\ |^minsecs\ =\ |^parkingtime\ =>\ |
    ^atxfernoanswertimeout=|^number\ =\ \d+,)(\d+)""",
    re.VERBOSE | re.MULTILINE,
)
_PART = re.compile(r"(\bWait\(|WaitExten\(|Busy\(|Congestion\(|Read\(PRESSED,beep,1,,1,)([\d.]+)")
SECONDS_OF_MENU = 1.2
GSM_FRAME = 33  # bytes, 20 ms


def paced(configuration: str, pace: int) -> str:
    """An Asterisk file with shorter time-outs. Those that Asterisk reads as whole seconds are at least 1."""
    whole = _WHOLE.sub(lambda found: f"{found[1]}{max(1, round(int(found[2]) / pace))}", configuration)
    return _PART.sub(lambda found: f"{found[1]}{float(found[2]) / pace:g}", whole)


def shorten_sounds(data: Path, own: Path, inside: str, pace: int) -> None:
    """Make `own` a data directory like `data`, `inside` the folder, with only the beginning of each sound."""
    for each in data.iterdir():
        if each.name != "sounds":
            (own / each.name).symlink_to(f"{inside}/{each.name}")
    source = next((data / "sounds").glob("en_US_f_*"))
    for sound in source.rglob("*.gsm"):
        target = own / "sounds/en" / sound.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        frames = sound.stat().st_size // GSM_FRAME
        target.write_bytes(sound.read_bytes()[: max(1, frames // pace) * GSM_FRAME])


def at_pace(situations: Iterable[Situation], pace: int) -> list[Situation]:
    """The same situations, in which every party acts `pace` times faster."""
    return [_situation(each, pace) for each in situations]


def _situation(each: Situation, pace: int) -> Situation:
    return replace(
        each,
        caller=_caller(each.caller, pace),
        phones={name: _phone(phone, pace) for name, phone in each.phones.items()},
        others=tuple((later / pace, _caller(caller, pace)) for later, caller in each.others),
        begins=each.begins / pace,
    )


def _caller(caller: LabCaller, pace: int) -> LabCaller:
    steps = _steps(caller.steps, pace)
    # callmon does not count a key as a menu choice in the menu's first second.
    late = next((max(0.0, SECONDS_OF_MENU - step.at) for step in steps if step.do == "press"), 0.0)
    later = tuple(step if step.do == "speak" else replace(step, at=step.at + late) for step in steps)
    return replace(caller, gives_up=_part(caller.gives_up, pace), steps=steps if caller.phone else later)


def _phone(phone: Phone, pace: int) -> Phone:
    return replace(
        phone,
        rings=_part(phone.rings, pace),
        answers=_part(phone.answers, pace),
        refuses_at=phone.refuses_at / pace,
        steps=_steps(phone.steps, pace),
        again=_phone(phone.again, pace) if phone.again else None,
    )


def _steps(steps: tuple[Step, ...], pace: int) -> tuple[Step, ...]:
    return tuple(_step(each, pace) for each in steps)


def _step(step: Step, pace: int) -> Step:
    what = f"{float(step.what) / pace:g}" if step.do == "speak" else step.what
    return replace(step, at=step.at / pace, what=what)


def _part(seconds: float | None, pace: int) -> float | None:
    return None if seconds is None else seconds / pace


def settings_at_pace(configuration: str, pace: int) -> str:
    """callmon's configuration for such an exchange: the cadence of each line, and when a callback counts."""
    cadence = f'ring_cycle = "{6000 // pace}ms"\nring_tone = "{2000 // pace}ms"\n'
    lines = re.sub(r"^(\[lines\.\S+\]\n)", rf"\g<1>{cadence}", configuration, flags=re.MULTILINE)
    counted = lines.replace('# talked_for = "10s"', f'talked_for = "{10_000 // pace}ms"', 1)
    return counted.replace('# rang_for = "24s"', f'rang_for = "{24_000 // pace}ms"', 1)
