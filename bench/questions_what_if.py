"""``python -m bench.questions_what_if [MONTHS]``: what-if against the truth of seeded months, as a table.

``python -m bench.questions_what_if breaks [MONTHS]``: of months whose phones have lunches, pauses, meetings, early
and late shifts: 300 and 1,300 calls in turn, hunt and ring-all, two to six phones, 0 and 5 % absences.

Each month is simulated twice: as it was, and under the change. callmon sees the first and answers for the second.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from msgspec.structs import replace

from bench.table import say
from callmon.core.replay.record import Rule, with_strategy
from callmon.core.replay.what_if import what_if
from tests.support.ringing_world import CLOSES, OPENS, RingingSite, counts, simulated

Change = tuple[Callable[[Rule], Rule], Callable[[RingingSite], RingingSite]]
HOUR = 3_600_000
ALL_DAY = (OPENS - 3_600_000, CLOSES + 3_600_000)
CHANGES: dict[str, Change] = {
    "voicemail a ring later": (
        lambda rule: replace(rule, voicemail=(rule.voicemail or 0) + 6000),
        lambda site: replace(site, rule=replace(site.rule, voicemail=30_000)),
    ),
    "a phone more": (
        lambda rule: replace(rule, added=(1, ALL_DAY)),
        lambda site: replace(site, added=1),
    ),
    "a phone less": (
        lambda rule: replace(rule, added=(-1, ALL_DAY)),
        lambda site: replace(site, gone=site.seed % site.phones),  # each alike
    ),
    "a phone more, 11 to 13": (
        lambda rule: replace(rule, added=(1, (11 * HOUR, 13 * HOUR))),
        lambda site: replace(site, added=1, plan={n: site.phones + (22 <= n < 26) for n in range(48)}),
    ),
    "ring-all": (
        lambda rule: with_strategy(rule, "ringall"),
        lambda site: replace(site, rule=replace(site.rule, strategy="ringall", ring=None)),
    ),
    "picked up a fifth faster": (
        lambda rule: replace(rule, pickup=0.8),
        lambda site: replace(site, speed=0.8),
    ),
}


@dataclass
class Row:
    months: int = 0
    held: int = 0
    error: float = 0.0
    unchanged: float = 0.0
    width: float = 0.0

    def add(self, low: float, middle: float, high: float, truth: int, was: int, calls: int) -> None:
        self.months += 1
        self.held += low <= truth <= high
        self.error += 100 * abs(middle - truth) / calls
        self.unchanged += 100 * abs(was - truth) / calls
        self.width += 100 * (high - low) / calls

    def text(self) -> str:
        shares = (
            100 * self.held / self.months,
            *(x / self.months for x in (self.error, self.unchanged, self.width)),
        )
        return "holds {:5.1f} %  error {:5.2f}  no change {:5.2f}  width {:5.2f}".format(*shares)


def measured(site: RingingSite, name: str, worlds: int = 40) -> dict[str, tuple[float, ...]]:
    """Of one month: low, middle, high, truth, what it was, calls; by figure."""
    rule, world = CHANGES[name]
    days = simulated(site)
    answer, truth, was = what_if(days, rule, worlds=worlds), counts(simulated(world(site))), counts(days)
    return {
        figure: (one.low, one.middle, one.high, truth[figure], was[figure], was["calls"])
        for figure in ("third_ring", "answered")
        for one in (answer.changed[figure],)
    }


def table(site: RingingSite, months: int, names: tuple[str, ...] = tuple(CHANGES)) -> dict[tuple[str, str], Row]:
    rows: dict[tuple[str, str], Row] = {}
    for name in names:
        for month in range(months):
            for figure, values in measured(replace(site, seed=1000 + month), name).items():
                rows.setdefault((name, figure), Row()).add(*values)  # type: ignore[arg-type]
    return rows


SITES = {
    "300 calls": RingingSite(seed=0, calls_a_day=15, phones=2),
    "300 calls, 5 % absences": RingingSite(seed=0, calls_a_day=15, phones=2, absent=0.05),
    "1300 calls": RingingSite(seed=0, calls_a_day=65, phones=4),
    "1300 calls, 5 % absences": RingingSite(seed=0, calls_a_day=65, phones=4, absent=0.05),
    "3000 calls": RingingSite(seed=0, calls_a_day=150, phones=8),
    "3000 calls, 5 % absences": RingingSite(seed=0, calls_a_day=150, phones=8, absent=0.05),
    "12 % absences": RingingSite(seed=0, calls_a_day=65, phones=4, absent=0.12),
    "phones of unequal speed": RingingSite(seed=0, calls_a_day=65, phones=4, slow=0.3),
    "60 % call again": RingingSite(seed=0, calls_a_day=65, phones=4, again=0.6),
}
RINGALL = Rule(strategy="ringall", voicemail=24_000)
BROKEN = 6  # the rest breaks an assumption: printed, not judged


def sites_with_breaks(months: int) -> Iterator[RingingSite]:
    for n in range(months):
        is_large, rings_all, more = n % 2, n // 2 % 2, n // 4 % 3
        yield RingingSite(
            seed=3000 + n,
            calls_a_day=65 if is_large else 15,
            phones=2 + more + 2 * is_large,
            rule=RINGALL if rings_all else RingingSite(seed=0).rule,
            absent=0.05 * (n // 3 % 2),
            breaks=True,
        )


def measured_changes(site: RingingSite) -> dict[tuple[str, str], tuple[float, ...]]:
    """Of each change that the site has not already."""
    rings_all = site.rule.strategy == "ringall"
    names = [name for name in CHANGES if not (rings_all and name == "ring-all")]
    return {(name, figure): one for name in names for figure, one in measured(site, name).items()}


def table_with_breaks(months: int) -> dict[tuple[str, str], Row]:
    rows: dict[tuple[str, str], Row] = {}
    with ProcessPoolExecutor() as pool:
        for found in pool.map(measured_changes, sites_with_breaks(months)):
            for key, values in found.items():
                for row in (rows.setdefault(key, Row()), rows.setdefault(("all", ""), Row())):
                    row.add(*values)  # type: ignore[arg-type]
    return rows


def main() -> None:
    if sys.argv[1:2] == ["breaks"]:
        months = int((sys.argv[2:] or ["60"])[0])
        for (name, figure), row in table_with_breaks(months).items():
            say(f"  {name:26} {figure:10} {row.text()}")
        return
    months = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    total = Row()
    for place, (title, site) in enumerate(SITES.items()):
        begun = time.process_time()
        say(f"{title} ({months} months)")
        for (name, figure), row in table(site, months).items():
            say(f"  {name:26} {figure:10} {row.text()}")
            if place < BROKEN:
                total.months, total.held = total.months + row.months, total.held + row.held
        say(f"  {time.process_time() - begun:.0f} s of CPU")
    say(f"over all that is judged: {100 * total.held / total.months:.1f} % (bar 88)")


if __name__ == "__main__":
    main()
