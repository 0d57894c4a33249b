"""Corrected verdicts on an obligation: a call made in time became known only after the due time. Pure.

Causes: a clock was wrong when the verdict was given, or CEL reports a call that was not received. A manual entry
after the due time corrects nothing. Separate from `ledger.py` only for its length.
"""

from __future__ import annotations

import msgspec

from callmon.core.callbacks import entries as n
from callmon.core.callbacks.obligation import Judge, Obligation
from callmon.core.verdicts import Finding

CALLS = (n.CalledBack, n.Attempted, n.Acknowledged)


def corrections(judge: Judge, entry: n.AnyEntry, one: Obligation, exchange: str) -> tuple[Finding, ...]:
    """The verdicts *met* that replace those given at the due time. `one` is the obligation after `entry`."""
    if not one.fell_due or not isinstance(entry, CALLS) or entry.by is None or entry.at > one.dues.judging.at:
        return ()
    anew = judge(msgspec.structs.replace(one, judged=()), exchange, False)
    return tuple(x for x in anew if x.standard in one.judged and x.verdict == "met")
