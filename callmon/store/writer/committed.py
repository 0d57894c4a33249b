"""The figures that have been committed, shared by the thread that hears of it and those that show them."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from types import MappingProxyType

from callmon.core.statistics.counters import Figure, Figures, add

NOTHING: Mapping[Figure, float] = MappingProxyType({})


class Tally:
    """The figures that have been committed, for one thread that adds and others that read."""

    def __init__(self, figures: Mapping[Figure, float] = NOTHING) -> None:
        self._figures = dict(figures)
        self._lock = Lock()  # held for a copy at most: a reader never sees half of a group

    def add(self, figures: Mapping[Figure, float]) -> None:
        with self._lock:
            for figure, amount in figures.items():
                add(self._figures, figure, amount)

    def replace(self, figures: Mapping[Figure, float]) -> None:
        """The database's word: all that was committed, whoever knew of it."""
        with self._lock:
            self._figures = dict(figures)

    def snapshot(self) -> Figures:
        with self._lock:
            return self._figures.copy()
