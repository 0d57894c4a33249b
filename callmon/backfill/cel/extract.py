"""Extracts calls from CEL rows: the facts of every call that begins and ends in the rows. Pure.

The tracker derives the facts, as from AMI. This module adds the precision of CEL. Ringing is taken from the start
of the phone's channel, which is slightly earlier (`BEFORE_RINGING`). A time without fractions is known to a
second. Rows are read in stretches. A stretch ends where no channel is up, so that a file of years needs the memory
of a day.

Refuses: calls whose beginning or end is not in the rows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from callmon.backfill.cel.rows import CelRow
from callmon.backfill.cel.translator import CelTranslator
from callmon.core import facts as f
from callmon.core.calls.ghost_channels import forget_all
from callmon.core.calls.site import ExchangeProfile
from callmon.core.calls.tracker import Tracker
from callmon.core.facts import Fact

ExtractedCalls = dict[str, list[Fact]]  # the facts by call

BEFORE_RINGING = timedelta(seconds=0.5)
WHOLE = timedelta(seconds=1)
# Minimum pause between two stretches: rows are written by channel, slightly out of order.
APART = timedelta(seconds=10)
# A channel without rows for this long has ended without a row: the exchange went down.
DEAD = timedelta(hours=12)
MOST = 1_000_000  # rows of one stretch

_with = msgspec.structs.replace


def extract_calls(rows: Sequence[CelRow], site: ExchangeProfile, keys: Mapping[str, str]) -> ExtractedCalls:
    """The facts of each ended call. `keys`: the language that each key of the menu selects."""
    tracker = Tracker(site)
    tracker.state.dialplan_heard = True  # rows name the application: the tracker need not guess what answered
    found: ExtractedCalls = {}
    translator = CelTranslator(rows, keys)
    for event in translator.events():
        for fact in tracker.feed(event):
            found.setdefault(fact.call, []).append(fact)
    forget_all(tracker.state)
    whole = {row.uniqueid for row in rows if row.kind == "CHAN_START" and row.is_whole}
    holds = any(row.kind == "STREAM_BEGIN" for row in rows)
    return {
        call: _marked(facts, call in whole, holds, message=call in translator.without_message)
        for call, facts in found.items()
        if isinstance(facts[0], f.Arrived) and isinstance(facts[-1], f.Ended)
    }


def arrival(facts: Sequence[Fact]) -> f.Arrived:
    """The first fact of an extracted call."""
    arrived = facts[0]
    assert isinstance(arrived, f.Arrived)
    return arrived


def _marked(facts: list[Fact], is_whole: bool, holds: bool, message: bool) -> list[Fact]:
    """The facts with their precision, and with a `Filled` fact: the call is from CEL alone."""
    precision = WHOLE if is_whole else f.EXACT
    marked = [_precise(fact, precision) for fact in facts]
    marked.insert(1, f.Filled(facts[0].call, facts[0].at, alone=True, message=message, holds=holds))
    return marked


def _precise(fact: Fact, precision: timedelta) -> Fact:
    match fact:
        case f.PhoneRang():
            return _with(fact, slack=precision + BEFORE_RINGING)
        case f.Arrived() | f.LineOpened() | f.QueueEntered() | f.Answered() | f.VoicemailTook():
            return _with(fact, slack=precision) if precision else fact
        case _:
            return fact


def stretches(rows: Iterable[CelRow]) -> Iterator[list[CelRow]]:
    """The rows, split where no channel is up, or after MOST rows."""
    stretch: list[CelRow] = []
    up: dict[str, datetime] = {}
    latest: datetime | None = None
    for row in rows:
        if stretch and latest is not None and row.at - latest > APART:
            up = {channel: at for channel, at in up.items() if row.at - at < DEAD}
            if not up:
                yield stretch
                stretch = []
        if len(stretch) >= MOST:
            yield stretch
            stretch, up = [], {}
        stretch.append(row)
        latest = row.at if latest is None else max(latest, row.at)
        if row.kind == "CHAN_END":
            up.pop(row.uniqueid, None)
        elif row.kind != "LINKEDID_END" and row.kind != "HANGUP":
            up[row.uniqueid] = row.at
    if stretch:
        yield stretch
