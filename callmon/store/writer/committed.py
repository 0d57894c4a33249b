"""The committed counters. The committing thread adds to them; other threads read them."""

from collections.abc import Mapping
from threading import Lock
from types import MappingProxyType

from callmon.core.statistics.counters import Figure, Figures, add_figure

NOTHING: Mapping[Figure, float] = MappingProxyType({})


class CommittedCounters:
    """The committed counters. One thread adds, any thread reads."""

    def __init__(self, figures: Mapping[Figure, float] = NOTHING) -> None:
        self._figures = dict(figures)
        self._lock = Lock()  # held for one copy or one batch at most: a reader never sees half of a batch

    def add_figures(self, figures: Mapping[Figure, float]) -> None:
        with self._lock:
            for figure, amount in figures.items():
                add_figure(self._figures, figure, amount)

    def replace(self, figures: Mapping[Figure, float]) -> None:
        """Sets the counters to those in the database, which include commits of other programs."""
        with self._lock:
            self._figures = dict(figures)

    def snapshot(self) -> Figures:
        with self._lock:
            return self._figures.copy()
