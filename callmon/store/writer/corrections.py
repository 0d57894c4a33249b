"""Verdicts that a later ledger entry corrects, in the transaction that writes the entry.

A verdict is counted once, as first given. Its correction is counted in `callmon_verdicts_corrected_total`. The
difference between rows and counters is counted in `MOVED` (`store/rejudge.py`).

Refuses: to replace a verdict by the same verdict.
"""

from collections.abc import Mapping

from callmon.core.statistics import counters
from callmon.core.statistics.counters import CORRECTED, Figures
from callmon.core.verdicts import Finding

FindingKey = tuple[str, str, str]  # call, exchange, standard
MOVED = "moved"


def correct(
    given: Mapping[FindingKey, Finding], corrections: Mapping[FindingKey, Finding], added: Figures
) -> dict[FindingKey, Finding]:
    """The findings to replace. `given` has the verdicts so far. The counters of the correction go into `added`."""
    replaced = {key: new for key, new in corrections.items() if key in given and given[key].verdict != new.verdict}
    for key, new in replaced.items():
        old = given[key]
        counters.add_figure(added, (CORRECTED.name, new.standard, new.line, old.verdict, new.verdict))
        was, now = Figures(), Figures()
        counters.of_finding(was, old)
        counters.of_finding(now, new)
        move(was, now, added)
    return replaced


def move(was: Figures, now: Figures, added: Figures) -> None:
    """Adds to `added` how much the rows now differ from the counters that first counted them."""
    for figure in was.keys() | now.keys():
        if moved := now.get(figure, 0.0) - was.get(figure, 0.0):
            counters.add_figure(added, (MOVED, *figure), moved)
