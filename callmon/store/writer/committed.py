"""The committed counters, as `/metrics` shows them.

They are published after the commit of the rows that they count.

Refuses: to show half of a batch.
"""

from collections.abc import Mapping
from threading import Lock
from time import monotonic

from callmon.core.statistics.counters import Figure, Figures, add_figure


class CommittedCounters:
    """The committed counters. Any thread may add and read: a reader never sees half of a batch."""

    def __init__(self, figures: Mapping[Figure, float]) -> None:
        self._figures = dict(figures)
        self._begun: dict[Figure, float] = {}  # monotonic: counters that are not in the first figures
        self._lock = Lock()  # held for one copy or one batch at most

    def add_figures(self, figures: Mapping[Figure, float]) -> None:
        with self._lock:
            self._begun |= dict.fromkeys(figures.keys() - self._figures.keys(), monotonic())
            for figure, amount in figures.items():
                add_figure(self._figures, figure, amount)

    def replace(self, figures: Mapping[Figure, float]) -> None:
        with self._lock:
            self._figures, self._begun = dict(figures), {}

    def read_after(self, moment: float) -> tuple[Figures, set[Figure], float]:
        """A copy, the counters first counted after `moment` (monotonic seconds), and the time of the copy."""
        with self._lock:
            new = {figure for figure, at in self._begun.items() if at > moment}
            return self._figures.copy(), new, monotonic()

    def snapshot(self) -> Figures:
        with self._lock:
            return self._figures.copy()
