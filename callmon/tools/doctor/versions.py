"""Since which release Asterisk can do what doctor judges. Pure.

Each feature came into several branches at once. A branch that is not listed never had it; a branch later than all
listed has it from its beginning.
"""

import re

Release = tuple[int, int]
# The minor release of each branch.
FILTER_BY_NAME = {18: 26, 20: 11, 21: 6, 22: 1, 23: 0}  # eventfilter(action(…),name(…)); ignored silently before
CEL_OF_STREAMS = {20: 16, 21: 11, 22: 6, 23: 0}  # the CEL events of media streams and keys
CEL_BY_FIELDS = {20: 19, 22: 9, 23: 3}  # `fields =` in a section of cel_custom.conf


def release(text: str) -> Release:
    """`22.10.1~dfsg` and `certified/20.7-cert5` → (22, 10) and (20, 7); (0, 0) if it says no version."""
    found = re.match(r"\D*(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def has(feature: dict[int, int], release: Release) -> bool:
    major, minor = release
    return major > max(feature) or (major in feature and minor >= feature[major])
