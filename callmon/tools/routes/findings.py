"""What in the routes of an exchange breaks the promise, before any caller meets it. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from callmon.config.lines import RING_CYCLE
from callmon.tools.doctor.finding import DoctorFinding, finding
from callmon.tools.routes.walk import Hop, Route

CYCLE_SECONDS = int(RING_CYCLE.total_seconds())
EARLIEST_SECONDS = 4 * CYCLE_SECONDS  # the policy: voicemail takes over after the fourth ring
MOST_NUMBERS = 10


def route_findings(exchange: str, routes: Iterable[Route]) -> Iterator[DoctorFinding]:
    """A finding for each box that is reached early, and for each group or queue that plays music."""
    early: dict[tuple[str, int, str], dict[str, None]] = defaultdict(dict)
    music: dict[str, dict[str, None]] = defaultdict(dict)
    for route in routes:
        for path in route.paths:
            for met in _early(path):
                early[met][route.number] = None
            for hop in path:
                if hop.music:
                    music[hop.name][route.number] = None
    for (name, seconds, box), numbers in early.items():
        yield finding(
            "routes.early",
            exchange=exchange,
            numbers=_listed(numbers),
            name=name,
            seconds=seconds,
            box=box,
            ring=seconds // CYCLE_SECONDS + 1,
        )
    for name, numbers in music.items():
        yield finding("routes.music", exchange=exchange, name=name, numbers=_listed(numbers))


def _early(path: tuple[Hop, ...]) -> Iterator[tuple[str, int, str]]:
    """The phones, their seconds and the box that takes a caller too early, who chose nothing meanwhile."""
    rung: list[Hop] = []
    for hop in path:
        if hop.kind == "phones":
            rung.append(hop)
        elif hop.kind == "box" and rung:
            seconds = sum(x.seconds or EARLIEST_SECONDS for x in rung)
            if seconds < EARLIEST_SECONDS:
                yield ", ".join(x.name for x in rung), seconds, hop.name
        elif hop.kind in ("key", "queue"):
            rung = []


def _listed(numbers: Iterable[str]) -> str:
    named = list(numbers)
    more = f" (+{len(named) - MOST_NUMBERS})" if len(named) > MOST_NUMBERS else ""
    return ", ".join(named[:MOST_NUMBERS]) + more
