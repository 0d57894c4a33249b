"""One sentence for each moment of a call, and for each ledger entry; `sentences.toml` has their texts. Pure.

A transfer that counts has its number in the count of the verdict. A transfer that does not count has a note.

Refuses: to name a person (a phone is its extension); to state more about a ring than is known.
"""

from __future__ import annotations

import tomllib
from datetime import timedelta
from importlib.resources import files
from typing import NamedTuple

from callmon.core import facts as f
from callmon.core.callbacks import entries as n
from callmon.core.calls import rings
from callmon.core.calls.call import Call
from callmon.core.calls.endpoints import extension
from callmon.core.facts import OUTSIDE, AnyFact, tag_of
from callmon.text.formatter import Formatter
from callmon.text.story.timeline import TOGETHER, Moment, StoryContext, cause_of_stop, is_shown_by

TEXTS = tomllib.loads(files("callmon.text.story").joinpath("sentences.toml").read_text(encoding="utf-8"))
Notes = tuple[str | None, ...]
SENT_ON = (f.ParkingEnded, f.Overflowed, f.SentOff, f.Parted)


class Quote(NamedTuple):
    """`words` as the policy has them; `english` is callmon's translation; `place` is the section."""

    words: str
    english: str
    place: str


QUOTES = {standard: Quote(**quote) for standard, quote in TEXTS.pop("policy").items()}


def sentence(context: StoryContext, moment: Moment) -> str:
    """The sentence of a moment, with its notes in brackets and the uncertainty of its time."""
    fact, phones = moment[0], _phones(context, moment)
    case = _case(context, fact)
    text = TEXTS["facts"][f"{tag_of(type(fact))}.{case}" if case else tag_of(type(fact))]
    is_of_one = isinstance(text, list) and len({*phones}) == 1
    if isinstance(text, list):
        text = text[is_of_one]
    values = _values(context, fact) | ({"phones": context.phones(phones)} if phones else {})
    written = context.say(text, context="singular" if is_of_one else "", **values)
    notes = [note for note in _notes(context, fact) if note]
    stop = "" if written.endswith(".") else "."  # a sentence that ends with "a.m." has its full stop
    return written + (f" ({', '.join(notes)})." if notes else stop) + _doubt(context, fact)


def entry_sentence(formatter: Formatter, entry: n.AnyEntry) -> str:
    """The sentence of one ledger entry, without its time and full stop. It names no person."""
    case, values = "", dict[str, str]()
    match entry:
        case n.Owed():
            at = entry.dues.judging.at
            case, values["due"] = entry.kind, f"{formatter.day(at)}, {formatter.minute(at)}"
        case n.Attempted(unsure=True):
            case = "unsure"
        case n.Attempted(short=True):
            case = "short"
        case n.Attempted(actor=str()) | n.CalledBack(actor=str()):
            case = "manual"
        case n.ClosedByHand():
            values["reason"] = formatter.word("close_reason", entry.reason)
        case n.Refused():
            values["why"] = formatter.word("refusal", entry.why)
    tag = tag_of(type(entry))
    return formatter.say(TEXTS["entries"][f"{tag}.{case}" if case else tag], **values)


def _case(context: StoryContext, fact: AnyFact) -> str:
    """The case of a fact whose sentence depends on more than its tag; otherwise ""."""
    match fact:
        case f.Filled() | f.Unheard() | f.Ended(how="unheard") if context.call.is_from_lesser_record:
            return "imported"
        case f.Arrived():
            return "person_first" if fact.person_first else "stranger" if fact.stranger else fact.direction
        case f.LineOpened() if _is_person_first(context):
            return "person_first"
        case f.PhoneStopped():
            return _stopped(context, fact)
        case f.PhonesSeen():  # the best state among the phones of the line; never the state of one phone
            return fact.best
        case f.SentOff(unheard=True) if fact.kind != "redirect":
            return "unheard"
        case f.SentOff(unheard=True) | f.Transferred(unheard=True, kind="redirect"):
            return "redirect.unheard"  # the first dial that was received may not belong to the transfer
        case f.SentOff():
            return fact.kind
        case f.CameBack():
            return "failed" if _returned_to(context, fact) is None else "returned"
        case f.PersonJoined():
            return _joined_after(context, fact)
        case f.SurveyOffered() | f.RingbackBegan():
            return fact.by
        case f.Unheard(at=None):  # a channel listing proved that an end was not received
            return "before"
        case f.Unheard(unreported=True):
            return "unreported"
        case f.MenuAnswered():
            return _key(context, fact)
        case f.ClockSet():  # later times use the new clock
            return "forward" if fact.by > f.EXACT else "back"
        case f.Filled(alone=True):
            return "alone"
        case f.Ended():
            return _end(context, fact)
    return ""


def _stopped(context: StoryContext, fact: f.PhoneStopped) -> str:
    if not fact.rang:
        return fact.why
    match cause_of_stop(fact, context.facts):
        case f.Answered() | f.PersonJoined():
            return "by_answer"
        case f.Ended():
            return "by_end"
    return f"rang.{fact.why}"


def _key(context: StoryContext, fact: f.MenuAnswered) -> str:
    """After a dial or a queue, a key of which nothing tells may have been pressed in a menu, or before."""
    if fact.key is None:
        before = context.facts[: context.facts.index(fact)]
        waited = any(isinstance(x, f.PhoneDialled | f.QueueEntered) for x in before)
        return "unsure" if waited else "asked"
    if not fact.key:
        return "silent"
    return f"{'told.' if fact.pressed else ''}{'waits' if fact.waits else 'key'}"


def _returned_to(context: StoryContext, fact: f.CameBack) -> str | None:
    """The phone to which a transferred caller came back; None if there is none."""
    place = context.facts.index(fact)
    sent = next((x for x in reversed(context.facts[:place]) if isinstance(x, f.SentOff)), None)
    after = next(iter(context.facts[place + 1 :]), None)
    over = isinstance(after, f.Ended | f.SentOff) and after.at == fact.at
    return None if sent is None or over or fact.at is None else _phone(context, sent.by)


def _joined_after(context: StoryContext, fact: f.PersonJoined) -> str:
    """The tag of the last fact before it that sent the call on."""
    before = context.facts[: context.facts.index(fact)]
    last = next((x for x in reversed(before) if isinstance(x, SENT_ON)), None)
    return "SentOff" if last is None else tag_of(type(last))


def _is_person_first(context: StoryContext) -> bool:
    return any(isinstance(fact, f.Arrived) and fact.person_first for fact in context.facts[:1])


def _end(context: StoryContext, fact: f.Ended) -> str:
    call = context.call
    if fact.how != "hangup":
        return fact.how
    if _is_person_first(context):
        return {"caller": "theirs", "exchange": "ours"}.get(fact.by, fact.by)
    if fact.by == "exchange" and call.outcome == "answered":
        return "ours" if call.direction == "inbound" else "theirs"
    return fact.by


def _phones(context: StoryContext, moment: Moment) -> list[str]:
    match moment[0]:
        case f.SentOff() as sent:
            return [_phone(context, sent.by)]
        case f.CameBack() as back:
            phone = _returned_to(context, back)
            return [] if phone is None else [phone]
    return [x.phone for x in moment if hasattr(x, "phone")]


def _values(context: StoryContext, fact: AnyFact) -> dict[str, str]:
    match fact:
        case f.LanguageChosen():
            return {"language": context.word("language", fact.language)}
        case f.QueueEntered() | f.QueueLeft():
            return {"queue": fact.queue}
        case f.SentOff() | f.Transferred() | f.CameBack() | f.Forwarded():
            return {"to": _to(context, fact.to)}
        case f.MenuAnswered() if fact.pressed:
            return {"key": fact.pressed}
        case f.ClockSet():
            return {"by": context.seconds(abs(fact.by))}
        case f.Unheard():
            end = context.say("a time not known") if fact.until is None else context.second(fact.until)
            return {"end": end} if fact.at is None else {"begin": context.second(fact.at), "end": end}
    return {}


def _notes(context: StoryContext, fact: AnyFact) -> Notes:
    say = context.say
    match fact:
        case f.Arrived():
            relay = say("through a relay service") if fact.relay else None
            late = say("callmon was not listening to the exchange yet") if fact.found else None
            return (relay, late, _may_hide_answer(context, fact))
        case f.Unheard():
            return (_may_hide_answer(context, fact),)
        case f.PhoneRang() | f.RingbackBegan():
            return _ring_notes(context, fact)
        case f.Answered():
            return _answer_notes(context, fact)
        case f.Resumed():
            return (_held_for(context, fact),)
        case f.VoicemailTook() | f.MessageLeft():
            return _voicemail_notes(context, fact)
        case f.CallbackRequested() if fact.number:
            return (say("at another number"),)
        case f.SentOff() | f.Transferred():
            return (_number(context, fact),)
        case f.CameBack() | f.Overflowed() | f.SurveyOffered(by="transfer"):
            return (say("no redirection"),)
        case f.Ended(how="hangup", by="caller") if context.call.abandoned_in == "ringing":
            return (_callers_ring(context, context.call.rings),)
    return ()


def _may_hide_answer(context: StoryContext, fact: f.Arrived | f.Unheard) -> str | None:
    return context.say("somebody may have answered in that time") if fact.may_hide_answer else None


def _ring_notes(context: StoryContext, fact: f.PhoneRang | f.RingbackBegan) -> Notes:
    say, ring = context.say, context.ring_at(fact.at, fact.slack if isinstance(fact, f.PhoneRang) else f.EXACT)
    if context.call.by_queue and fact.at is not None and not context.is_answered_before(fact.at):
        return (say("the caller is waiting in the queue"),)
    is_early = isinstance(fact, f.PhoneRang) and fact.early_media
    estimated = say("estimated: the start of the tone was not announced") if is_early else None
    return (_callers_ring(context, ring), estimated)


def _callers_ring(context: StoryContext, ring: int | None) -> str | None:
    return None if ring is None else context.say("the caller's ring {ring}", ring=context.ordinal(ring))


def _answer_notes(context: StoryContext, fact: f.Answered) -> Notes:
    if fact.channel != context.call.answered_channel:  # not the first answer: the wait was already over
        return ()
    if queued := _queued(context):
        return (queued, _own_ring(context, fact))
    ring = _callers_ring(context, context.call.rings)
    own = None if _rang_from_the_start(context.call, fact) else _own_ring(context, fact)
    return (ring, own, _picked_up(context, fact))


def _queued(context: StoryContext) -> str | None:
    """The wait in seconds, if the caller heard music instead of rings; None if it is not known exactly."""
    waited = context.call.waited
    if not context.is_by_seconds or waited is None or waited.longest - waited.shortest > rings.NEAR:
        return None
    wait = context.seconds(waited.longest)
    if context.call.by_music:
        return context.say("after {wait} of music", wait=wait)
    return context.say("after {wait} in the queue", wait=wait)


def _rang_from_the_start(call: Call, fact: f.Answered) -> bool:
    return fact.rang is not None and call.ringing is not None and fact.rang - call.ringing <= TOGETHER


def _own_ring(context: StoryContext, fact: f.Answered) -> str | None:
    """The ring of the phone itself: its first may be the caller's fourth (R-10)."""
    if fact.rang is None or fact.at is None or (fact.slack, fact.rang_slack) != (f.EXACT, f.EXACT):
        return None
    own = rings.begun(fact.at - fact.rang, context.call.cycle)
    return context.say("the phone's own ring {ring}", ring=context.ordinal(own))


def _held_for(context: StoryContext, fact: f.Resumed) -> str | None:
    held = [x.at for x in context.facts if isinstance(x, f.Held) and x.at and fact.at and x.at <= fact.at]
    if not held or fact.at is None:
        return None
    return context.say("after {wait} on hold", wait=context.seconds(fact.at - held[-1]))


def _voicemail_notes(context: StoryContext, fact: f.VoicemailTook | f.MessageLeft) -> Notes:
    say, took = context.say, context.call.voicemail
    box = say("mailbox {mailbox}", mailbox=fact.mailbox) if fact.mailbox else None
    if isinstance(fact, f.MessageLeft) or took is None or took.after_person:
        return (box,)
    chosen = None
    if took.chosen and not context.call.is_known_in_part:
        chosen = say("chosen in the menu") if took.chosen_after is None else say("chosen by a key")
    return (box, _queued(context) or _callers_ring(context, took.rings), chosen)


def _picked_up(context: StoryContext, fact: f.Answered) -> str | None:
    """The note for a pick-up: a phone that was not called answered, so it took the call from a ringing phone."""
    ours = [x for x in context.facts if isinstance(x, f.PhoneDialled | f.PhoneRang) and x.channel == fact.channel]
    if ours or fact.slack != f.EXACT or context.call.heard != "full" or not context.call.phones.rang:
        return None
    return context.say("picked up for another phone")


def _number(context: StoryContext, fact: f.SentOff | f.Transferred) -> str | None:
    counted = [x for x in context.facts if isinstance(x, f.Transferred)]
    number = next((n for n, x in enumerate(counted, 1) if x == fact or is_shown_by(x, fact)), None)
    return None if number is None else context.say("redirection {number}", number=number)


def _phone(context: StoryContext, channel: str) -> str:
    """The phone of a channel according to the facts: an extension or OUTSIDE."""
    for x in context.facts:
        if isinstance(x, f.PhoneDialled | f.PhoneRang | f.Answered | f.PersonJoined) and x.channel == channel:
            return x.phone
    return extension(channel)


def _to(context: StoryContext, to: str) -> str:
    """« au poste 104 », « à un numéro de l'extérieur »; a target that no fact shows as a phone is a number."""
    say = context.say
    if to == OUTSIDE:
        return say("to an outside number")
    known = (f.PhoneDialled, f.PhoneRang, f.Answered, f.PersonJoined)
    if any(isinstance(x, known) and x.phone == to for x in context.facts):
        return say("to phone {phone}", phone=to)
    return say("to the internal number {number}", number=to)


def _doubt(context: StoryContext, fact: AnyFact) -> str:
    """« Heure exacte inconnue : entre … et … » if the time is only known as an interval; otherwise ""."""
    slack: timedelta = getattr(fact, "slack", f.EXACT)
    if slack == f.EXACT or fact.at is None:
        return ""
    first, last = context.second(fact.at), context.second(fact.at + slack)
    return " " + context.say("Exact time not known: between {first} and {last}.", first=first, last=last)
