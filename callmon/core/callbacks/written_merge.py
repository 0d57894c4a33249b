"""What goes into the ledger, and what comes out of it. Pure values."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from callmon.core.callbacks.entries import AnyEntry, Hidden
from callmon.core.callbacks.obligation import Obligation
from callmon.core.verdicts import Finding


class Caller(msgspec.Struct, frozen=True):
    """Who asks to be called back, by a call on a public line. `token` stands for the number to call."""

    exchange: str
    call: str
    line: str
    language: str
    token: str | None
    hidden: Hidden | None


class Written(msgspec.Struct, frozen=True):
    """One entry, the obligation as it stands after it, and what was found. `corrections` are verdicts *met* that
    replace another verdict, given before.
    """

    entry: AnyEntry
    obligation: Obligation
    findings: tuple[Finding, ...] = ()
    corrections: tuple[Finding, ...] = ()


Judge = Callable[[Obligation, str, bool], tuple[Finding, ...]]  # the obligation, by whose staff, in doubt
