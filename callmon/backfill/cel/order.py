"""Sorts rows by time and removes duplicates, independent of the order of the export. Pure.

CEL writes rows almost in the order of their times. That order also decides between rows of equal time. An export
may reverse it (newest first) or lose it; then rows of equal time follow the usual order of events (`USUALLY`). Two
logging backends with one file, or a file beside its copy, give each row twice.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from callmon.backfill.cel.rows import CelRow

USUALLY = (
    "CHAN_START", "ANSWER", "PICKUP", "FORWARD", "BRIDGE_ENTER", "PARK_START", "BLINDTRANSFER",
    "ATTENDEDTRANSFER", "BRIDGE_EXIT", "PARK_END", "APP_END", "APP_START", "HANGUP", "CHAN_END", "LINKEDID_END",
)  # fmt: skip
RANKS = {kind: rank for rank, kind in enumerate(USUALLY)}
IN_BETWEEN = RANKS["BRIDGE_EXIT"]


def in_order(rows: Sequence[CelRow]) -> list[CelRow]:
    """The rows sorted by time; rows of equal time in the order of writing, where it is known."""
    once = _once(rows)
    later = sum(row.at < other.at for row, other in pairwise(once))
    sooner = sum(row.at > other.at for row, other in pairwise(once))
    if later >= 3 * sooner:
        return sorted(once, key=lambda row: (row.at, row.n))
    if sooner >= 3 * later:
        return _numbered(sorted(once, key=lambda row: (row.at, -row.n)))
    return _numbered(sorted(once, key=lambda row: (row.at, RANKS.get(row.kind, IN_BETWEEN), row.n)))


def _numbered(rows: Sequence[CelRow]) -> list[CelRow]:
    return [msgspec.structs.replace(row, n=n) for n, row in enumerate(rows, 1)]


def _once(rows: Sequence[CelRow]) -> list[CelRow]:
    """Removes duplicates. A channel has one CHAN_START: k of them mean that each of its rows occurs k times."""
    begun = Counter(row.uniqueid for row in rows if row.kind == "CHAN_START")
    if not any(count > 1 for count in begun.values()):
        return list(rows)
    have = Counter(_what(row) for row in rows)
    kept: Counter[object] = Counter()
    return [row for row in rows if _is_wanted(row, have, kept, max(begun[row.uniqueid], 1))]


def _is_wanted(row: CelRow, have: Counter[object], kept: Counter[object], copies: int) -> bool:
    what = _what(row)
    kept[what] += 1
    return kept[what] <= -(-have[what] // copies)


def _what(row: CelRow) -> object:
    return row.kind, row.at, row.uniqueid, row.channel, row.app, row.data, row.exten, row.said, row.extra
