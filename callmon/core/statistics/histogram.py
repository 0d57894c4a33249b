"""Histogram of durations in one integer: adding two integers adds their counts. Pure.

    step      0        1        2      …     1199      1200     1201    …     2379      2380    …
    duration 0.0 s    0.1 s    0.2 s        119.9 s    2.0 min  2.1 min     119.9 min   2.0 h
    counted  bits 0…  bits 32… bits 64… …

A duration is truncated to the displayed tenth, never rounded up: the median of steps is the truncated median of
durations. The size is bounded by the number of steps, not of calls. A number of rings is its own step.

Refuses: to store exact durations, since their size would grow with the calls.
"""

from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from itertools import accumulate
from zlib import compress, decompress

BITS = 32
BYTES = BITS // 8
# (duration from which it applies, length of a step)
SCALE = (
    (timedelta(0), timedelta(milliseconds=100)),
    (timedelta(minutes=2), timedelta(seconds=6)),
    (timedelta(hours=2), timedelta(minutes=6)),
)
_FIRST = (0, *accumulate((SCALE[n + 1][0] - begin) // step for n, (begin, step) in enumerate(SCALE[:-1])))


def step_of(length: timedelta) -> int:
    if length < SCALE[1][0]:  # nearly all
        return max(length // SCALE[0][1], 0)
    scale = 2 if length >= SCALE[2][0] else 1
    begin, step = SCALE[scale]
    return _FIRST[scale] + (length - begin) // step


def step_seconds(step: int) -> float:
    """The start of a step, in seconds."""
    scale = max(n for n, first in enumerate(_FIRST) if step >= first)
    begin, length = SCALE[scale]
    return (begin + (step - _FIRST[scale]) * length).total_seconds()


@lru_cache(maxsize=512)  # short waits are frequent, and their integers small
def once(step: int) -> int:
    """The histogram with a single duration, of this step."""
    return 1 << (BITS * step)


def counts(total: int) -> Sequence[int]:
    size = -(-total.bit_length() // BITS)
    return memoryview(total.to_bytes(size * BYTES, "little")).cast("I") if total > 0 else ()


def ends(total: int) -> tuple[int, int, int] | None:
    """The steps of the lower median, the 95th percentile and the maximum, by nearest rank; None if empty."""
    passed = list(accumulate(counts(total)))
    if not passed:
        return None
    last = passed[-1]
    return bisect_left(passed, -(-last // 2)), bisect_left(passed, -(-last * 95 // 100)), len(passed) - 1


def encode_histogram(total: int) -> str:
    """The histogram as text, compressed: long runs of zeros take little space."""
    size = -(-total.bit_length() // 8)
    return b64encode(compress(total.to_bytes(size, "little"), 1)).decode()


def decode_histogram(text: str) -> int:
    return int.from_bytes(decompress(b64decode(text)), "little")
