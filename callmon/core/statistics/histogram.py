"""How often each length came, as one whole number: adding two of these numbers adds what both have counted. Pure.

    step      0        1        2      …     1199      1200     1201    …     2379      2380    …
    length   0.0 s    0.1 s    0.2 s        119.9 s    2.0 min  2.1 min     119.9 min   2.0 h
    counted  bits 0…  bits 32… bits 64… …

A length is cut to the tenth that people are shown, never rounded up: a median of steps is the median of lengths,
cut. However many calls there are, their lengths take no more room than there are steps. Rings are their own steps.
Refuses to keep lengths exactly, since that would grow with the calls.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Sequence
from datetime import timedelta
from itertools import accumulate
from zlib import compress, decompress

BITS = 32
BYTES = BITS // 8
# From which length on, how long a step is.
SCALE = (
    (timedelta(0), timedelta(milliseconds=100)),
    (timedelta(minutes=2), timedelta(seconds=6)),
    (timedelta(hours=2), timedelta(minutes=6)),
)
_FIRST = (0, *accumulate((SCALE[n + 1][0] - begin) // step for n, (begin, step) in enumerate(SCALE[:-1])))


def step_of(length: timedelta) -> int:
    """In which step it is."""
    scale = next(n for n in (2, 1, 0) if length >= SCALE[n][0] or n == 0)
    begin, step = SCALE[scale]
    return max(_FIRST[scale] + (length - begin) // step, 0)


def seconds(step: int) -> float:
    """Where it begins."""
    scale = max(n for n, first in enumerate(_FIRST) if step >= first)
    begin, length = SCALE[scale]
    return (begin + (step - _FIRST[scale]) * length).total_seconds()


def once(step: int) -> int:
    """One of that length."""
    return 1 << (BITS * step)


def counts(total: int) -> Sequence[int]:
    """How many there are of each step."""
    size = -(-total.bit_length() // BITS)
    return memoryview(total.to_bytes(size * BYTES, "little")).cast("I") if total > 0 else ()


def ends(total: int) -> tuple[int, int, int] | None:
    """The steps of the median, the 95th percentile and the longest, by nearest rank (the lower median); None of
    none.
    """
    passed = list(accumulate(counts(total)))
    if not passed:
        return None
    last = passed[-1]
    return bisect_left(passed, -(-last // 2)), bisect_left(passed, -(-last * 95 // 100)), len(passed) - 1


def written(total: int) -> str:
    """As text; long rows of nothing take no room."""
    size = -(-total.bit_length() // 8)
    return b64encode(compress(total.to_bytes(size, "little"), 1)).decode()


def read(text: str) -> int:
    return int.from_bytes(decompress(b64decode(text)), "little")
