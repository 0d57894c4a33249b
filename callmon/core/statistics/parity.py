"""Parity: how TTY callers fared against voice callers, and French against English, for each standard. Pure.

Takes verdicts already counted by standard, line and language; says the difference of the two rates with both
sample sizes. Refuses to judge below a minimum sample on either side: then there is no difference, not one of 0.
Rate = met ÷ (met + not met) (R-04); exempt and unknown calls are in neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

Counted = Mapping[tuple[str, str, str, str], float]  # standard, line, language, verdict → calls
Kind = Literal["tty_voice", "french_english"]
SIDES: Mapping[Kind, tuple[str, str]] = {"tty_voice": ("tty", "voice"), "french_english": ("fr", "en")}


class Side(msgspec.Struct, frozen=True):
    """One of the two that are compared."""

    name: str
    met: int
    not_met: int

    @property
    def judged(self) -> int:
        """The size of the sample."""
        return self.met + self.not_met

    @property
    def rate(self) -> float | None:
        return self.met / self.judged if self.judged else None


class Comparison(msgspec.Struct, frozen=True):
    """`one` against `other` in one standard: TTY against voice, or French against English."""

    standard: str
    kind: Kind
    one: Side
    other: Side
    minimum: int

    @property
    def is_judged(self) -> bool:
        """Both samples are large enough to say anything."""
        return min(self.one.judged, self.other.judged) >= max(1, self.minimum)

    @property
    def difference(self) -> float | None:
        """Of the rates, `one` minus `other`: below 0 it fared worse. None where nothing can be said."""
        if not self.is_judged or self.one.rate is None or self.other.rate is None:
            return None
        return self.one.rate - self.other.rate


def compare(
    counted: Counted, modes: Mapping[str, str], standards: Iterable[str], minimum: int
) -> list[Comparison]:
    """Every standard, both ways. `modes` is each line's; a line that is not there (any more) is left out."""
    total: dict[tuple[str, str, str], int] = {}
    for (standard, line, language, verdict), count in counted.items():
        mode = modes.get(line)
        for side in (mode, language) if mode is not None else ():
            key = (standard, side, verdict)
            total[key] = total.get(key, 0) + round(count)

    def fared(standard: str, name: str) -> Side:
        return Side(name, total.get((standard, name, "met"), 0), total.get((standard, name, "not_met"), 0))

    return [
        Comparison(standard, kind, fared(standard, one), fared(standard, other), minimum)
        for standard in standards
        for kind, (one, other) in SIDES.items()
    ]
