"""A seeded queue_log of one queue, and the half-hours that it must give: what happens is decided first."""

from __future__ import annotations

import random
from datetime import timedelta
from operator import itemgetter

from tests.support.fact_builder import TORONTO, local

COLUMNS = ("offered", "answered", "abandoned", "voicemail", "within_20", "wait_seconds", "transferred")
Cells = dict[str, dict[str, int]]


def made(days: int, calls_a_day: int, first: str = "2026-03-02", seed: int = 7) -> tuple[str, Cells]:
    """The log of so many days from `first` on, and by local half-hour its counts."""
    draw, found, cells = random.Random(seed), list[tuple[int, str]](), Cells()
    opens = local(f"{first} 09:00")
    for number in range(days * calls_a_day):
        at = opens + timedelta(days=number % days, seconds=draw.randrange(7 * 3600))
        began, here = int(at.timestamp()), at.astimezone(TORONTO)
        slot = f"{here:%Y-%m-%d %H}:{'30' if here.minute >= 30 else '00'}"
        _call(draw, found, cells.setdefault(slot, dict.fromkeys(COLUMNS, 0)), began, number)
    lines = (f"{when}|{rest}\n" for when, rest in sorted(found, key=itemgetter(0)))
    return "".join(lines), dict(sorted(cells.items()))


def _call(
    draw: random.Random, found: list[tuple[int, str]], cell: dict[str, int], began: int, number: int
) -> None:
    """One call gives up, is answered, or is answered and transferred."""
    name, wait = f"{began}.{number}", draw.randrange(45)
    cell["offered"] += 1
    found.append((began, f"{name}|general|NONE|ENTERQUEUE||4165550{number % 100 + 100}|1"))
    if draw.random() < 0.1:
        cell["abandoned"] += 1
        found.append((began + wait, f"{name}|general|NONE|ABANDON|1|1|{wait}"))
        return
    cell["answered"] += 1
    cell["wait_seconds"] += wait
    cell["within_20"] += wait <= 20
    is_moved = draw.random() < 0.1
    cell["transferred"] += is_moved
    found.append((began + wait, f"{name}|general|PJSIP/{draw.randrange(101, 120)}|CONNECT|{wait}|{name}9|2"))
    last = "BLINDTRANSFER|104|internal" if is_moved else "COMPLETECALLER"
    found.append((began + wait + 90, f"{name}|general|PJSIP/101|{last}|{wait}|90|1"))
