"""Compares what callmon tells of a call's ringing with what the caller's side of the wire received."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from tests.lab.model import Played
from tests.lab.wire import RING, begins, joined, ring, waited_until, was_up, wire

CLOSE = 0.05  # seconds between the wire and what callmon tells
IN_TIME = 3 * RING
CEL_SLACK = 0.5
NEAR = 0.1


class Told(NamedTuple):
    """What callmon tells: the ringing began between two moments, and a person answered in that ring."""

    earliest: float | None
    latest: float | None
    rings: int | None
    verdict: str
    silent: bool = False  # it claims that the caller heard no ringing


def told_of(said: Mapping[str, Any]) -> Told:
    """The one place that knows the names of callmon's fields. Where no ring was heard, `rings` counts seconds."""
    verdict = said["verdicts"]["answer_by_third_ring"]
    if not said["heard_ringing"] or not said["ringing"]:
        return Told(None, None, None, verdict, said["heard_ringing"] is False)
    begins = datetime.fromisoformat(said["ringing"]).timestamp()
    slack = CEL_SLACK if said["heard"] == "filled" else 0.0
    return Told(begins, begins + slack, None if said["rings_estimated"] else said["rings"], verdict)


def near_an_edge(call: Played) -> bool:
    """Whether the wait ended so near to a ring's edge that a few milliseconds decide."""
    into = ((waited_until(call) or 0.0) - clock(call)) % RING
    return min(into, RING - into) < NEAR


class Compared(NamedTuple):
    """One call, on the wire and as told. Moments are seconds after the INVITE."""

    situation: str
    begins: float | None
    ring: int | None
    verdict: str
    told: Told
    wrong: tuple[str, ...]

    @property
    def is_settled(self) -> bool:
        """Whether callmon knows the verdict, and when the ringing began that the wire had."""
        return self.told.verdict != "unknown" and (self.begins is None or self.told.earliest is not None)

    @property
    def row(self) -> str:
        own = f"wire {_s(self.begins)}, ring {self.ring}, {self.verdict}"
        told = f"told {_s(self.told.earliest)}, ring {self.told.rings}, {self.told.verdict}"
        return f"{self.situation}: {own}; {told}: {'; '.join(self.wrong) or 'right'}"


def compared(call: Played, said: Mapping[str, Any]) -> Compared:
    """Each point in which the call is told wrong. What callmon says that it does not know is not wrong."""
    told, began = told_of(said), begins(call)
    person, verdict = joined(call), verdict_by_wire(call)
    number = ring(began, person) if began and person else None
    wrong = (*_start(began, told), *_number(number, told), *_verdict(verdict, told))
    since = call.invited
    told = told._replace(earliest=_after(told.earliest, since), latest=_after(told.latest, since))
    return Compared(call.situation.name, _after(began, since), number, verdict, told, wrong)


def table(some: Iterable[Compared]) -> list[str]:
    """One line a situation: the first call's moments, the largest difference, and each call's ring."""
    by_name: dict[str, list[Compared]] = {}
    for each in some:
        by_name.setdefault(each.situation, []).append(each)
    head = "situation | wire | told | largest difference, s | ring by wire | ring told | calls told wrong"
    return [head, *(_line(name, calls) for name, calls in by_name.items())]


def _line(name: str, calls: list[Compared]) -> str:
    pairs = [(c.begins, c.told.earliest) for c in calls]
    off = max(
        (abs(told - begins) for begins, told in pairs if begins is not None and told is not None), default=None
    )
    rings = (
        " ".join(str(n or "-") for n in some)
        for some in zip(*((c.ring, c.told.rings) for c in calls), strict=True)
    )
    wrong = sum(bool(c.wrong) for c in calls)
    return " | ".join((name, _s(pairs[0][0]), _s(pairs[0][1]), _s(off), *rings, f"{wrong} of {len(calls)}"))


def verdict_by_wire(call: Played) -> str:
    """Of answer_by_third_ring. A caller that heard no ring waited since the 183, or since it called."""
    waited = (waited_until(call) or call.invited) - clock(call)
    if joined(call):
        return "met" if waited < IN_TIME else "not_met"
    return "not_met" if call.boxed or waited >= IN_TIME else "exempt"


def clock(call: Played) -> float:
    """When the wait for a person began."""
    return begins(call) or (not was_up(call) and wire(call).early_media) or call.invited


def _start(began: float | None, told: Told) -> Iterable[str]:
    if told.earliest is None or told.latest is None:
        if told.silent and began is not None:
            yield "ringing that is not told"
    elif began is None:
        if told.rings is not None:
            yield "ringing that the wire never had"
    elif not told.earliest - CLOSE <= began <= told.latest + CLOSE:
        yield f"ringing began {told.earliest - began:+.3f} s from the wire"


def _number(number: int | None, told: Told) -> Iterable[str]:
    if told.rings is not None and told.rings != number:
        yield f"ring {told.rings}, not {number}"


def _verdict(verdict: str, told: Told) -> Iterable[str]:
    if told.verdict not in (verdict, "unknown"):
        yield f"{told.verdict}, not {verdict}"


def _after(moment: float | None, since: float) -> float | None:
    return None if moment is None else moment - since


def _s(seconds: float | None) -> str:
    return "none" if seconds is None else f"{seconds:.3f}"
