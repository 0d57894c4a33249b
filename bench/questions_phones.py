"""``python -m bench.questions_phones [MONTHS]``: phones needed on seeded lines that ring, put to months to come.

"months kept": the phones reach the target, less two points, in another month of the same line. "minimal": one
phone fewer in any half-hour misses it in the weeks replayed. "not reached": of how many lines "out of
reach" is said, of more than half of the half-hours; and on how many 40 phones all day miss the target. These
hunts answer 80 % in time with any number of phones: 75 % is within reach, 90 % is not, and 80 % is by chance.
"""

from __future__ import annotations

import sys
from collections import Counter
from statistics import mean

from msgspec.structs import replace

from bench.table import head, row
from callmon.core.replay.record import Rule, SeenDay, seen_rule
from callmon.core.replay.staffing import (
    PhonesNeeded,
    kept_with,
    phones_in_queue,
    phones_needed,
    queue_load,
    slot_of,
    smoothed,
    weeks_at,
)
from tests.support.ringing_world import RingingSite, counts, simulated

WITHIN = 18_000
MARGIN = 0.02
MANY = 40
RINGALL = Rule(strategy="ringall", voicemail=24_000)
HUNT = Rule(ring=15_000, voicemail=24_000)
CASES = (
    ("ring-all, 90 %", RINGALL, 0.9),
    ("hunt, 75 %", HUNT, 0.75),
    ("hunt, 80 %", HUNT, 0.8),
    ("hunt, 90 %", HUNT, 0.9),
)


def main() -> None:
    months = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    head(f"Phones needed, {months} months", ("mean", "months kept", "minimal", "not reached", "phones a day"))
    row("bar", ("", "90 %", "100 %", "all said", ""))
    for title, rule, target in CASES:
        sites = [RingingSite(seed=n, days=30, calls_a_day=65, phones=4, rule=rule) for n in range(months)]
        measure(title, sites, target)


def measure(title: str, sites: list[RingingSite], target: float) -> None:
    rates: list[float] = []
    rivals: list[float] = []
    phones: list[int] = []
    erlang: list[int] = []
    minimal: list[bool] = []
    said = limited = agreed = 0
    for site in sites:
        days = simulated(site)
        forecast = mean_volume(days)
        needed = phones_needed(days, forecast, target)
        out_of_reach = [one.out_of_reach for one in needed.values()]
        is_said = 2 * sum(out_of_reach) > len(out_of_reach)
        is_limited = achieved(site, dict.fromkeys(forecast, MANY)) < target
        said += is_said
        limited += is_limited
        agreed += is_said == is_limited
        if not is_said:
            plan = {slot: one.phones for slot, one in needed.items()}
            rates.append(achieved(site, plan))
            phones.append(sum(plan.values()))
            minimal.append(is_minimal(days, forecast, needed, target))
        loads = queue_load(days, list(forecast))
        by_erlang = {
            slot: phones_in_queue(loads[slot], calls, target, WITHIN / 1000).phones
            for slot, calls in forecast.items()
        }
        rivals.append(achieved(site, by_erlang))
        erlang.append(sum(by_erlang.values()))
    reached = f"{said} of {limited}, {len(sites) - agreed} wrong"
    row(title, (*shown(rates, target), share(minimal), reached, f"{mean(phones):.0f}" if phones else "-"))
    row("  Erlang A", (*shown(rivals, target), "", "", f"{mean(erlang):.0f}"))


def mean_volume(days: list[SeenDay]) -> dict[int, float]:
    found = Counter(slot_of(call.at) for day in days for call in day.calls)
    return {slot: count / len(days) for slot, count in sorted(found.items())}


def achieved(site: RingingSite, plan: dict[int, int]) -> float:
    """The rate of another month of the same line with so many phones in each half-hour."""
    month = counts(simulated(replace(site, seed=500 + site.seed, phones=max(plan.values()), plan=plan)))
    return month["third_ring"] / month["calls"]


def is_minimal(
    days: list[SeenDay], forecast: dict[int, float], needed: dict[int, PhonesNeeded], target: float
) -> bool:
    rule, weeks = replace(seen_rule(days), fresh=True), weeks_at(days, forecast)
    reached = {slot: one.phones for slot, one in needed.items() if not one.out_of_reach}
    tried = {phones - fewer for phones in reached.values() for fewer in (0, 1)}
    kept = {phones: kept_with(weeks, phones, rule, WITHIN) for phones in tried}
    return all(
        smoothed(kept[phones - 1], slot) < target <= smoothed(kept[phones], slot)
        for slot, phones in reached.items()
    )


def shown(rates: list[float], target: float) -> tuple[str, str]:
    if not rates:
        return ("-", "-")
    return (f"{100 * mean(rates):.1f} %", share([rate >= target - MARGIN for rate in rates]))


def share(found: list[bool]) -> str:
    return f"{100 * mean(found):.0f} %" if found else "-"


if __name__ == "__main__":
    main()
