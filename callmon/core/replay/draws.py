"""Keyed draws: the same keys give the same number, in every world that asks. Pure.

Refuses: any state. The order in which values are drawn changes none of them.
"""

SEED = 1
MASK = (1 << 64) - 1
# What is drawn.
PATIENCE = 1
PICKUP = 2
TALK = 3
DAY = 4
FACTOR = 5
THINNED = 7
MOVED = 8
GONE = 9


def world_salt(seed: int, world: int) -> int:
    """The first part of each key: one completed world of one seed."""
    return mixed(mixed(seed + 1) ^ (world + 1))


def mixed(value: int) -> int:
    """64 bits in which each bit of `value` counts."""
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & MASK
    return value ^ (value >> 31)


def uniform(salt: int, kind: int, key: int, second: int = 0, third: int = 0) -> float:
    """A number strictly between 0 and 1 for these keys."""
    return uniform_of(keyed(salt, kind, key), second, third)


def keyed(salt: int, kind: int, key: int) -> int:
    """The part of a draw that its first keys decide: one for all phones and attempts of a call."""
    value = (salt + kind * 0x9E3779B97F4A7C15 + (key + 1) * 0xD1B54A32D192ED03) & MASK
    return (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & MASK


def uniform_of(value: int, second: int, third: int) -> float:
    """The number of `uniform`, from what `keyed` made of the first keys."""
    value = value + (second + 1) * 0xABC98388FB8FAC03 + (third + 1) * 0x8CB92BA72F3D8DD7 & MASK
    return ((mixed(value) >> 12) + 0.5) / 4503599627370496.0
