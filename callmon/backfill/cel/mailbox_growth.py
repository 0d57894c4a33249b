"""Assigns voicemail messages to calls by the growth of a mailbox across a gap, since CEL has no such row. Pure.

A call left a message if the mailbox grew by one message between two counts of the exchange, and no other call was
in it. The mailbox must not have been opened between the counts. That a mailbox did not grow proves nothing:
messages may be deleted when they are mailed, or by a web page of the exchange.

Refuses: a conclusion in every other case.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from callmon.ami.mailboxes import DEFAULT, MailboxGrowth
from callmon.backfill.cel.rows import CelRow
from callmon.config.business_calendar import Span
from callmon.core import facts as f
from callmon.core.facts import Fact

NEAR = timedelta(seconds=2)  # a message is counted a moment after the caller has hung up
NEVER = datetime.max.replace(tzinfo=UTC)
ENDS = frozenset(("HANGUP", "CHAN_END"))


def messages_left(rows: Sequence[CelRow], grown: Mapping[str, Iterable[MailboxGrowth]]) -> dict[str, str]:
    """The mailbox of each call that certainly left a message. `rows`: all rows of the time of the growths."""
    stays, looks = list(_stays(rows)), [row.at for row in rows if row.app.lower().startswith("voicemailmain")]
    found: dict[str, str] = {}
    for box, growths in grown.items():
        for growth in growths:
            calls = {call for call, name, span in stays if name == box and _meet(span, growth)}
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


def _stays(rows: Sequence[CelRow]) -> Iterator[tuple[str, str, Span]]:
    """Each stay in voicemail: call, mailbox, and the time from its start to the channel's end."""
    ends = {row.uniqueid: row.at for row in rows if row.kind in ENDS}
    begun: set[tuple[str, str]] = set()
    for row in rows:
        if row.app.lower() != "voicemail":
            continue
        for box in _boxes(row.data):
            if (row.uniqueid, box) not in begun:
                begun.add((row.uniqueid, box))
                yield row.linkedid, box, (row.at, ends.get(row.uniqueid, NEVER))


def _boxes(data: str) -> Iterator[str]:
    """`500@default&501,u` → 500, 501. Mailboxes of every context, so that none is missed."""
    for written in data.partition(",")[0].split("&"):
        box, _, context = written.partition("@")
        yield box if context in ("", DEFAULT) else f"{box}@{context}"


def _meet(span: Span, growth: MailboxGrowth) -> bool:
    begin, end = span
    return begin <= growth.until and (end == NEVER or end + NEAR >= growth.since)
