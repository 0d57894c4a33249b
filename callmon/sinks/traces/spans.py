"""One ended call as spans of a trace. Pure.

    call                   arrival ─▶ end; its verdicts are its events
      ├ menu, queue, voicemail, talk, hold, park, transfer
      └ ring               one for each time that a phone rang

An id is a hash of the exchange, the call and the span's place in the call: both callmons of a pair, and a backfill
from CEL, give equal ids. A phone is "1", "2" … in the order in which its channel was made.

Refuses: to invent a moment. A span whose beginning or end is not known is left out, also one with a gap within it.
Refuses: numbers, names, extensions and channels.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from callmon.core import facts as f
from callmon.core.calls import rings
from callmon.core.calls.call import Call, language_label
from callmon.core.facts import Fact, as_it_stands
from callmon.core.verdicts import Finding
from callmon.text.sent import TRACES, TRACES_VERDICT

Attributes = Mapping[str, str | int | bool | None]  # None: not known, and not sent
BEGUN_BY: Mapping[type[Fact], str] = {
    f.LineOpened: "menu",
    f.QueueEntered: "queue",
    f.PhoneRang: "ring",
    f.Answered: "talk",
    f.PersonJoined: "talk",
    f.Held: "hold",
    f.Parked: "park",
    f.SentOff: "transfer",
    f.VoicemailTook: "voicemail",
}
# A ring ends with a fact of its own channel, and all others with the call too.
ENDED_BY: Mapping[str, tuple[type[Fact], ...]] = {
    "menu": (f.PhoneDialled, f.PhoneRang, f.RingbackBegan, f.QueueEntered, f.Answered, f.VoicemailTook),
    "queue": (f.QueueLeft,),
    "ring": (f.PhoneStopped, f.Answered, f.PersonJoined),
    "talk": (f.PersonJoined, f.SentOff, f.Parked, f.Parted, f.Overflowed, f.VoicemailTook),
    "hold": (f.Resumed, f.SentOff, f.Parked, f.PersonJoined),
    "park": (f.Retrieved, f.ParkingEnded),
    "transfer": (f.Transferred, f.CameBack, f.PersonJoined, f.VoicemailTook, f.QueueEntered),
    "voicemail": (f.LineOpened, f.QueueEntered, f.PhoneDialled, f.Answered),
}


class Span(NamedTuple):
    """A part of a call. The call itself has no parent, and its verdicts."""

    trace: bytes
    id: bytes
    parent: bytes
    name: str
    begin: datetime
    end: datetime
    attributes: Attributes
    verdicts: Sequence[Finding] = ()


class CallPart(NamedTuple):
    """A part whose end was heard. `place`: its name, and which of this name it is."""

    name: str
    place: str
    first: Fact
    last: Fact


def trace_id(exchange: str, call: str) -> bytes:
    return _hash(exchange, call)[:16]


def spans_of(exchange: str, call: Call, facts: Iterable[Fact], findings: Iterable[Finding]) -> Iterator[Span]:
    """The spans of an ended call whose beginning and end are known."""
    facts, findings = as_it_stands(facts), list(findings)
    trace, root = trace_id(exchange, call.call), _hash(exchange, call.call, "call")[:8]
    if call.arrived and call.ended and call.arrived <= call.ended and _moment(facts[0]):
        said = _of_call(exchange, call, facts, findings)
        yield Span(trace, root, b"", "call", call.arrived, call.ended, _sent(said), findings)
    phones = _phones(facts)
    for part in _parts(facts, phones):
        begin, end = _moment(part.first), _moment(part.last)
        if begin and end and call.ended and begin <= end and begin < call.ended:
            own = _hash(exchange, call.call, part.place)[:8]
            yield Span(trace, own, root, part.name, begin, end, _sent(_of_part(part, phones)))


def _sent(values: Attributes) -> Attributes:
    """The attributes that `text/sent.py` names."""
    return {name: x for name, x in values.items() if name in TRACES or name.startswith(TRACES_VERDICT)}


def _of_call(exchange: str, call: Call, facts: Iterable[Fact], findings: Iterable[Finding]) -> Attributes:
    return {
        "callmon.exchange": exchange,
        "callmon.line": call.line,
        "callmon.outcome": call.outcome,
        "callmon.heard": call.heard,
        "callmon.language": language_label(call.language),
        "callmon.in_hours": call.in_hours,
        "callmon.rings": call.rings,
        "callmon.test": call.test or None,
        "sip.call_id": next((x.sip_call_id for x in facts if isinstance(x, f.SipCallIdGiven)), None),
        **{f"callmon.verdict.{finding.standard}": finding.verdict for finding in findings},
    }


def _of_part(part: CallPart, phones: Mapping[str, int]) -> Attributes:
    """A phone's place, and how a ring or a transfer ended."""
    is_taken = isinstance(part.last, f.Answered | f.PersonJoined) or getattr(part.last, "answered", False)
    return {
        "callmon.phone": phones.get(getattr(part.first, "phone", "")),
        "callmon.transfer": part.first.kind if isinstance(part.first, f.SentOff) else None,
        "callmon.answered": is_taken if part.name in ("ring", "transfer") else None,
    }


def _parts(facts: Sequence[Fact], phones: Mapping[str, int]) -> Iterator[CallPart]:
    until: dict[str, int] = {}  # where the latest part of this name, or ring of this channel, ends
    places: Counter[str] = Counter()
    for at, fact in enumerate(facts):
        name = BEGUN_BY.get(type(fact), "")
        key = f"{name} {fact.channel}" if isinstance(fact, f.PhoneRang) else name
        is_menu_later = name == "menu" and ("talk" in until or at < until.get("queue", 0))
        if not name or is_menu_later or at < until.get(key, 0):  # a listing states an answer again
            continue
        after = (n for n in range(at + 1, len(facts)) if _ends(name, fact, facts[n]))
        end = until[key] = next(after, len(facts))
        place = f"{name} {phones[fact.phone]}" if isinstance(fact, f.PhoneRang) else name
        places[place] += 1
        is_unclear = any(isinstance(x, f.ClockSet) for x in facts[at:])  # its times are by the clock before
        is_unclear = is_unclear or any(isinstance(x, f.Unheard) for x in facts[at:end])
        if end < len(facts) and not is_unclear:
            yield CallPart(name, f"{place} {places[place]}", fact, facts[end])


def _ends(name: str, begun: Fact, fact: Fact) -> bool:
    if isinstance(begun, f.PhoneRang):
        return isinstance(fact, ENDED_BY[name]) and getattr(fact, "channel", None) == begun.channel
    if isinstance(fact, f.Transferred) and fact.kind != "attended":
        return False  # as early as the sending
    if name == "talk" and isinstance(fact, f.SentOff):  # Asterisk joins the bridges before it reports the transfer
        return fact.to != getattr(begun, "phone", None)
    return isinstance(fact, (*ENDED_BY[name], f.Ended))


def _moment(fact: Fact) -> datetime | None:
    """When it was, to `NEAR`; None where only a longer span is known."""
    return fact.at if getattr(fact, "slack", f.EXACT) <= rings.NEAR else None


def _phones(facts: Iterable[Fact]) -> dict[str, int]:
    """Each phone's place, by the end of its first channel's name, which counts up. CEL has the same channels."""
    first: dict[str, tuple[str, str]] = {}
    for fact in facts:
        if isinstance(fact, f.PhoneFact):
            made = fact.channel.rpartition("-")[2], fact.channel
            first[fact.phone] = min(made, first.get(fact.phone, made))
    return {phone: place for place, phone in enumerate(sorted(first, key=first.__getitem__), 1)}


def _hash(*parts: str) -> bytes:
    return sha256("\0".join(parts).encode()).digest()
