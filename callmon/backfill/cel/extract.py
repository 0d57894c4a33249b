"""Extracts calls from CEL rows: the facts of every call that begins and ends in the rows. Pure.

The tracker derives the facts, as from AMI. This module adds the precision of CEL. Ringing begins between the start
of the phone's channel and the end of the wait: a phone that a push message wakes rings seconds later. Only the
site can vouch for a shorter time (`rings_within`). Without its word, a transfer to a phone that only may have rung
is not known. A time without fractions is known to a second. Rows are read in
stretches. A stretch ends where no channel is up, so that a file of years needs the memory of a day.

Rows may lack `eventextra` (a table made for an older Asterisk), `appname`, or an event (`with_doubt`). Asterisk 12
and later write into `eventextra` the cause and side of a hang-up and the parties of a transfer. It also has the
bridge that a channel entered. The other rows still show when a person spoke with the caller, and that voicemail
took a call. They do not show which side ended an unanswered call, or the target of a transfer. With answers and no
bridges, or bridges and no answers, it is not known whether a person spoke with the caller.

CEL has no row for a voicemail message. A call left one if the mailbox grew by one message between two counts, and
no other call was in it (`messages_left`). The mailbox must not have been opened between the counts.
That a mailbox did not grow proves nothing: messages may be deleted when they are mailed, or by a web page.

Refuses: calls whose beginning or end is not in the rows; to guess. From the first uncertain moment on, a call
counts as unheard.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from callmon.ami.mailboxes import MailboxGrowth, short
from callmon.backfill.cel.rows import CelRow
from callmon.backfill.cel.translator import CelTranslator
from callmon.core import facts as f
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.calls.ghost_channels import forget_all
from callmon.core.calls.tracker import Tracker
from callmon.core.facts import Fact

ExtractedCalls = dict[str, list[Fact]]  # the facts by call

WHOLE = timedelta(seconds=1)
WAIT_OVER = (f.Answered, f.VoicemailTook, f.Ended)
# Minimum pause between two stretches: rows are written by channel, slightly out of order.
APART = timedelta(seconds=10)
# A channel without rows for this long has ended without a row: the exchange went down.
DEAD = timedelta(hours=12)
MOST = 1_000_000  # rows of one stretch

_with = msgspec.structs.replace


def extract_calls(
    rows: Sequence[CelRow], profile: ExchangeProfile, keys: Mapping[str, str], imported: bool = False
) -> ExtractedCalls:
    """The facts of each ended call. `keys`: the language that each key of the menu selects.

    `imported`: they are calls of the past, and fill no gap.
    """
    within = profile.rings_within
    tracker = Tracker(profile)
    tracker.state.dialplan_heard = True  # rows name the application: the tracker need not guess what answered
    tracker.state.rings_told = within is not None
    found: ExtractedCalls = {}
    translator = CelTranslator(rows, keys)
    for event in translator.events():
        for fact in tracker.feed(event):
            found.setdefault(fact.call, []).append(fact)
    forget_all(tracker.state)
    in_whole_seconds = {row.uniqueid for row in rows if row.kind == "CHAN_START" and row.is_whole}
    holds = any(row.kind == "STREAM_BEGIN" for row in rows)

    def filled(facts: Sequence[Fact]) -> f.Filled:
        call, at = facts[0].call, facts[0].at
        message = call in translator.without_message
        return f.Filled(call, at, alone=True, message=message, holds=holds, imported=imported)

    return {
        call: _marked(facts, filled(facts), call in in_whole_seconds, within)
        for call, facts in found.items()
        if isinstance(facts[0], f.Arrived) and isinstance(facts[-1], f.Ended)
    }


def arrival(facts: Sequence[Fact]) -> f.Arrived:
    """The first fact of an extracted call."""
    arrived = facts[0]
    assert isinstance(arrived, f.Arrived)
    return arrived


def _marked(facts: list[Fact], filled: f.Filled, is_whole: bool, within: timedelta | None) -> list[Fact]:
    """The facts with their precision, and with `filled`: the call is from CEL alone."""
    precision = WHOLE if is_whole else f.EXACT
    ends = [fact.at for fact in facts if isinstance(fact, WAIT_OVER) and fact.at is not None]
    first, *rest = (_precise(fact, precision, _ringing_slack(fact, ends, within)) for fact in facts)
    return [first, filled, *rest]


def _ringing_slack(fact: Fact, ends: Sequence[datetime], within: timedelta | None) -> timedelta:
    """How long after its channel's start a phone may have begun to ring: at most until the wait was over."""
    begun = fact.rang if isinstance(fact, f.Answered) else fact.at
    over = next((end for end in ends if begun is not None and end >= begun), begun)
    longest = over - begun if over is not None and begun is not None else f.EXACT
    return longest if within is None else min(within, longest)


def _precise(fact: Fact, precision: timedelta, ringing: timedelta) -> Fact:
    match fact:
        case f.PhoneRang():
            return _with(fact, slack=precision + ringing)
        case f.Answered():
            return _with(fact, slack=precision, rang_slack=precision + ringing)
        case f.Arrived() | f.LineOpened() | f.QueueEntered() | f.VoicemailTook():
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


# Rows that lack a column or an event.

HANDED_ON = frozenset(("BLINDTRANSFER", "ATTENDEDTRANSFER", "PICKUP", "FORWARD", "PARK_START", "PARK_END"))
KEPT = (f.Arrived, f.Filled, f.Parked)
TAKEN = (f.Answered, f.VoicemailTook)
LEFT_THE_LINE = (f.SentOff, f.Transferred, f.CameBack, f.Parked, f.Forwarded)


def with_doubt(
    rows: Sequence[CelRow], extracted: Mapping[str, Sequence[Fact]], every: bool = False
) -> dict[str, list[Fact]]:
    """The incomplete calls, with the facts that are certain. `every`: no row names an application."""
    begun = {row.linkedid: row.at for row in reversed(rows)}  # its first row
    complete_ends = {row.linkedid for row in rows if row.kind == "HANGUP" and row.extra}
    bridges = {
        row.linkedid for row in rows if row.kind == "BRIDGE_ENTER" and not row.extra
    }  # which name no bridge
    uncertain = _uncertain_times(rows, begun)
    found: dict[str, list[Fact]] = {}
    for call in begun.keys() & extracted.keys():
        facts, since = extracted[call], uncertain.get(call)
        if every or call in bridges:
            elsewhere = [fact.at for fact in facts if isinstance(fact, LEFT_THE_LINE)]
            since = min((at for at in (*elsewhere, since) if at is not None), default=None)
        if since is not None:
            found[call] = _until(since, facts)
        elif (every or call not in complete_ends) and not any(isinstance(fact, TAKEN) for fact in facts):
            found[call] = [*facts[:-1], _unheard(facts[-1])]
    return found


def _uncertain_times(rows: Sequence[CelRow], begun: dict[str, datetime]) -> dict[str, datetime]:
    """By call, since when nothing is certain: a transfer without target, or answers without bridges."""
    others = [row for row in rows if row.uniqueid != row.linkedid]  # of other channels of the call
    kinds, answered = {row.kind for row in rows}, any(row.kind == "ANSWER" for row in others)
    since = {row.linkedid: row.at for row in reversed(rows) if row.kind in HANDED_ON and not row.extra}
    if "BRIDGE_ENTER" not in kinds and answered:
        return since | {row.linkedid: row.at for row in reversed(others)}
    return since | begun if "BRIDGE_ENTER" in kinds and "ANSWER" not in kinds else since


def _until(since: datetime, facts: Sequence[Fact]) -> list[Fact]:
    *rest, end = facts
    rest = [x for x in rest if isinstance(x, KEPT) or x.at is None or x.at < since]
    is_open = not any(isinstance(fact, f.Answered) for fact in rest)
    return [*rest, f.Unheard(end.call, since, end.at, is_open, is_open), _unheard(end)]


def _unheard(end: Fact) -> Fact:
    return f.Ended(end.call, end.at, "unknown", "unheard")


# Voicemail messages.

NEAR = timedelta(seconds=2)  # a message is counted a moment after the caller has hung up


def messages_left(rows: Sequence[CelRow], grown: Mapping[str, Iterable[MailboxGrowth]]) -> dict[str, str]:
    """The mailbox of each call that certainly left a message. `rows`: all rows of the time of the growths."""
    ends = {row.uniqueid: row.at for row in rows if row.kind in ("HANGUP", "CHAN_END")}
    stays = [(row, _mailboxes(row.data)) for row in rows if row.app.lower() == "voicemail"]
    looks = [row.at for row in rows if row.app.lower().startswith("voicemailmain")]
    found: dict[str, str] = {}
    for box, growth in ((box, growth) for box, growths in grown.items() for growth in growths):
        calls = {
            row.linkedid
            for row, mailboxes in stays
            if box in mailboxes
            and row.at <= growth.until
            and ends.get(row.uniqueid, growth.since) >= growth.since - NEAR
        }
        was_opened = any(growth.since - NEAR <= at <= growth.until for at in looks)
        if growth.messages == 1 and len(calls) == 1 and not was_opened:
            found[calls.pop()] = box
    return found


def with_message(facts: Sequence[Fact], box: str) -> list[Fact]:
    """The facts of a call with `MessageLeft` at its end; unchanged without voicemail or with such a fact."""
    if not any(isinstance(x, f.VoicemailTook) for x in facts) or any(isinstance(x, f.MessageLeft) for x in facts):
        return list(facts)
    *before, end = facts
    return [*before, f.MessageLeft(end.call, end.at, box), end]


def _mailboxes(data: str) -> set[str]:
    """`500@default&501,u` → 500, 501. Mailboxes of every context, so that none is missed."""
    return set(map(short, data.partition(",")[0].split("&")))
