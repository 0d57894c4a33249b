"""Compares what callmon tells of a call's ringing with what the caller's side of the wire received."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from callmon.config.settings import Settings
from callmon.core.calls.call import Call
from callmon.store.database import Database
from callmon.store.queries import calls as queries
from tests.lab.model import PlayedSituation
from tests.lab.wire import RING, begins, joined, ring, waited_until, was_up, wire
from tests.support.scripted_truth import reported

CLOSE = 0.05  # seconds between the wire and what callmon tells
IN_TIME = 3 * RING
CEL_SLACK = 0.5
NEAR = 0.1


class ReportedRinging(NamedTuple):
    """What callmon tells: the ringing began between two moments, and a person answered in that ring."""

    earliest: float | None
    latest: float | None
    rings: int | None
    verdict: str
    silent: bool = False  # it claims that the caller heard no ringing


def told_of(said: Mapping[str, Any]) -> ReportedRinging:
    """The one place that knows the names of callmon's fields. `said` is from `with_wait`.

    Where no ring was heard, `rings` counts seconds.
    """
    verdict, heard = said["verdicts"]["answer_by_third_ring"], said["heard_ringing"]
    span = _span(said)
    if not heard or span is None:
        return ReportedRinging(None, None, None, verdict, heard is False and not said["ringing_at_most"])
    return ReportedRinging(*span, None if said["rings_estimated"] else said["rings"], verdict)


def _span(said: Mapping[str, Any]) -> tuple[float, float] | None:
    """The two moments between which the ringing began."""
    if said["answered"] and said["waited"] and said["wait_start"] != "queue":
        end = datetime.fromisoformat(said["answered"])
        shortest, longest = said["waited"]
        return (end - longest).timestamp(), (end - shortest).timestamp()
    if not said["ringing"]:
        return None
    begins = datetime.fromisoformat(said["ringing"]).timestamp()
    return begins, begins + (CEL_SLACK if said["heard"] == "filled" else 0.0)


def with_wait(said: dict[str, Any], call: Call) -> dict[str, Any]:
    """A call as JSON, with what only the account tells of its wait."""
    waited = call.waited and (call.waited.shortest, call.waited.longest)
    return said | {"waited": waited, "ringing_at_most": call.ringing_at_most}


def stored(store: Database, settings: Settings, own: str) -> dict[str, Any] | None:
    """The same of a stored call; None if it is not stored."""
    said = reported(store, settings, own)
    (found,) = queries.stored_calls(store, own) if said else (None,)
    return with_wait(said, found.account) if said and found and found.account else None


def near_an_edge(call: PlayedSituation) -> bool:
    """Whether the wait ended so near to a ring's edge that a few milliseconds decide."""
    into = ((waited_until(call) or 0.0) - clock(call)) % RING
    return min(into, RING - into) < NEAR


class Compared(NamedTuple):
    """One call, on the wire and as told. Moments are seconds after the INVITE."""

    situation: str
    begins: float | None
    ring: int | None
    verdict: str
    reported: ReportedRinging
    wrong: tuple[str, ...]

    @property
    def is_settled(self) -> bool:
        """Whether callmon knows the verdict, and when the ringing began that the wire had."""
        return self.reported.verdict != "unknown" and (self.begins is None or self.reported.earliest is not None)

    @property
    def row(self) -> str:
        own = f"wire {_s(self.begins)}, ring {self.ring}, {self.verdict}"
        reported = f"told {_s(self.reported.earliest)}, ring {self.reported.rings}, {self.reported.verdict}"
        return f"{self.situation}: {own}; {reported}: {'; '.join(self.wrong) or 'right'}"


def compared(call: PlayedSituation, said: Mapping[str, Any]) -> Compared:
    """Each point in which the call is told wrong. What callmon says that it does not know is not wrong."""
    claimed, began = told_of(said), begins(call)
    person, verdict = joined(call), verdict_by_wire(call)
    number = ring(began, person) if began and person else None
    wrong = (*_start(began, claimed, waited_until(call)), *_number(number, claimed), *_verdict(verdict, claimed))
    since = call.invited
    shown = claimed._replace(earliest=_after(claimed.earliest, since), latest=_after(claimed.latest, since))
    return Compared(call.situation.name, _after(began, since), number, verdict, shown, wrong)


def table(some: Iterable[Compared]) -> list[str]:
    """One line a situation: the first call's moments, the largest difference, and each call's ring."""
    by_name: dict[str, list[Compared]] = {}
    for each in some:
        by_name.setdefault(each.situation, []).append(each)
    head = "situation | wire | told | largest difference, s | ring by wire | ring told | calls told wrong"
    return [head, *(_line(name, calls) for name, calls in by_name.items())]


def _line(name: str, calls: list[Compared]) -> str:
    pairs = [(c.begins, c.reported.earliest) for c in calls]
    off = max(
        (abs(reported - begins) for begins, reported in pairs if begins is not None and reported is not None),
        default=None,
    )
    rings = (
        " ".join(str(n or "-") for n in some)
        for some in zip(*((c.ring, c.reported.rings) for c in calls), strict=True)
    )
    wrong = sum(bool(c.wrong) for c in calls)
    return " | ".join((name, _s(pairs[0][0]), _s(pairs[0][1]), _s(off), *rings, f"{wrong} of {len(calls)}"))


def verdict_by_wire(call: PlayedSituation) -> str:
    """Of answer_by_third_ring. A caller that heard no ring waited since the 183, or since it called."""
    waited = (waited_until(call) or call.invited) - clock(call)
    if joined(call):
        return "met" if waited < IN_TIME else "not_met"
    return "not_met" if call.boxed or waited >= IN_TIME else "exempt"


def clock(call: PlayedSituation) -> float:
    """When the wait for a person began."""
    return begins(call) or (not was_up(call) and wire(call).early_media) or call.invited


def _start(began: float | None, reported: ReportedRinging, end: float | None) -> Iterable[str]:
    if reported.earliest is None or reported.latest is None:
        if reported.silent and began is not None:
            yield "ringing that is not told"
    elif began is None:
        # The first packet of a tone comes after 20 ms: a phone may be busy sooner.
        if reported.rings is not None and (end is None or reported.latest < end - CLOSE):
            yield "ringing that the wire never had"
    elif not reported.earliest - CLOSE <= began <= reported.latest + CLOSE:
        yield f"ringing began {reported.earliest - began:+.3f} s from the wire"


def _number(number: int | None, reported: ReportedRinging) -> Iterable[str]:
    if reported.rings is not None and reported.rings != number:
        yield f"ring {reported.rings}, not {number}"


def _verdict(verdict: str, reported: ReportedRinging) -> Iterable[str]:
    if reported.verdict not in (verdict, "unknown"):
        yield f"{reported.verdict}, not {verdict}"


def _after(moment: float | None, since: float) -> float | None:
    return None if moment is None else moment - since


def _s(seconds: float | None) -> str:
    return "none" if seconds is None else f"{seconds:.3f}"
