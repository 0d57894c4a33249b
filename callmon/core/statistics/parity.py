"""Parity: compares TTY with voice callers, and French with English callers, for each standard. Pure.

Input: verdicts counted by standard, line and language. Output: the difference of the two rates with both sample
sizes. Rate = met ÷ (met + not met) (R-04); exempt and unknown calls are in neither.

Refuses: to judge below a minimum sample on either side. The difference is then None, not 0.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

Counted = Mapping[tuple[str, str, str, str], float]  # standard, line, language, verdict → calls
Kind = Literal["tty_voice", "french_english"]
SIDES: Mapping[Kind, tuple[str, str]] = {"tty_voice": ("tty", "voice"), "french_english": ("fr", "en")}


class Side(msgspec.Struct, frozen=True):
    """One of the two compared groups."""

    name: str
    met: int
    not_met: int

    @property
    def judged(self) -> int:
        """The sample size."""
        return self.met + self.not_met

    @property
    def rate(self) -> float | None:
        return self.met / self.judged if self.judged else None


class ParityComparison(msgspec.Struct, frozen=True):
    """`one` against `other` in one standard: TTY against voice, or French against English."""

    standard: str
    kind: Kind
    one: Side
    other: Side
    minimum: int

    @property
    def is_judged(self) -> bool:
        """Whether both samples are large enough to compare."""
        return min(self.one.judged, self.other.judged) >= max(1, self.minimum)

    @property
    def difference(self) -> float | None:
        """The rate of `one` minus the rate of `other`; below 0, `one` fared worse. None when not judged."""
        if not self.is_judged or self.one.rate is None or self.other.rate is None:
            return None
        return self.one.rate - self.other.rate


def compare(
    counted: Counted, modes: Mapping[str, str], standards: Iterable[str], minimum: int
) -> list[ParityComparison]:
    """Both comparisons for every standard. `modes`: line → mode; verdicts of a line not in it are left out."""
    total: Counter[tuple[str, str, str]] = Counter()
    for (standard, line, language, verdict), count in counted.items():
        mode = modes.get(line)
        for side in (mode, language) if mode is not None else ():
            total[standard, side, verdict] += round(count)

    def fared(standard: str, name: str) -> Side:
        return Side(name, total[standard, name, "met"], total[standard, name, "not_met"])

    return [
        ParityComparison(standard, kind, fared(standard, one), fared(standard, other), minimum)
        for standard in standards
        for kind, (one, other) in SIDES.items()
    ]
