"""Outcomes of the monitor, and the heartbeats that the daemon inserts between them. Pure values."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from callmon.core.callbacks.contact import Contact
from callmon.core.callbacks.obligation import LedgerUpdate
from callmon.core.calls.call import Call
from callmon.core.disruptions.register import DisruptionUpdate
from callmon.core.facts import Fact
from callmon.core.verdicts import Finding, Gap


class Outcome(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The result of one event, or of one tick, for one exchange. Every sink receives it unchanged.

    A command is the number of the manual command that caused this, or 0.
    """

    exchange: str
    facts: tuple[Fact, ...] = ()
    findings: tuple[Finding, ...] = ()
    calls: tuple[Call, ...] = ()  # the accounts of the calls that ended with this outcome
    gaps: tuple[Gap, ...] = ()
    ledger: tuple[LedgerUpdate, ...] = ()  # each entry names its own exchange, which may be another one
    callback_command: int = msgspec.field(default=0, name="hand")
    disruptions: tuple[DisruptionUpdate, ...] = ()
    disruption_command: int = msgspec.field(default=0, name="disruption_hand")
    contacts: tuple[Contact, ...] = ()  # for the other pairs


class Heartbeat(NamedTuple):
    """Everything received from the exchange until `at` was offered before this."""

    exchange: str
    at: datetime


Item = Outcome | Heartbeat
