"""One sentence for each moment of a call. Pure. The type checker reports a new fact that has no sentence here.

Refuses: to name a person (a phone is its extension); to state more about a ring than is known.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from callmon.core import facts as f
from callmon.core.calls import rings
from callmon.core.calls.call import Call
from callmon.core.facts import AnyFact
from callmon.text.formatter import Formatter
from callmon.text.story.context import StoryContext, Wording
from callmon.text.story.timeline import TOGETHER, Moment, cause_of_stop
from callmon.text.story.transfers import handed_on, picked_up


def sentence(context: StoryContext, moment: Moment) -> str:
    """The sentence of a moment, with its notes in brackets and the uncertainty of its time."""
    told, notes = _wording(context, moment)
    known = [note for note in notes if note]
    stop = "" if told.endswith(".") else "."  # a sentence that ends with "a.m." has its full stop
    return told + (f" ({', '.join(known)})." if known else stop) + _doubt(context.speech, moment[0])


def _wording(context: StoryContext, moment: Moment) -> Wording:
    """The sentence without its full stop, and its notes."""
    say, fact = context.speech.say, moment[0]
    match fact:
        case f.Arrived():
            return _arrived(context, fact)
        case f.NumberWithheld():
            return say("L'appelant ne veut pas que son numéro soit affiché"), ()
        case f.LineOpened():
            return say("L'autocommutateur prend l'appel : menu vocal ou message enregistré"), ()
        case f.LanguageChosen():
            return _chosen(context, fact), ()
        case f.PhoneDialled() | f.PhoneRang() | f.PhoneStopped():
            return _phones(context, moment)
        case f.Answered() | f.Held() | f.Resumed():
            return _person(context, fact)
        case f.MusicPlayed():
            return say("L'appelant entend de la musique au lieu d'une sonnerie"), ()
        case f.QueueEntered() | f.QueueLeft():
            return _queue(context, fact)
        case f.VoicemailTook() | f.MessageLeft():
            return _voicemail(context, fact)
        case f.PhonesSeen():
            return _offered(context, fact), ()
        case f.CallbackRequested():
            other = say("à un autre numéro") if fact.number else None
            return say("L'appelant demande à être rappelé"), (other,)
        case f.ComplaintMade():
            return say("L'appel est consigné comme plainte"), ()
        case f.DialFailed():
            return say("L'autocommutateur n'avait pu appeler aucun poste : aucun n'était joignable"), ()
        case f.CallerBusy():
            return say("L'appelant entend le signal d'occupation"), ()
        case f.Unheard() | f.ClockSet() | f.Filled():
            return _listening(context, fact)
        case f.Ended():
            return _ended(context, fact)
        case _:
            return handed_on(context, fact)


def _chosen(context: StoryContext, fact: f.LanguageChosen) -> str:
    language = context.speech.word("language", fact.language)
    return context.speech.say("L'appelant choisit la langue : {language}", language=language)


def _listening(context: StoryContext, fact: f.Unheard | f.ClockSet | f.Filled) -> Wording:
    """A fact about the reception of events, not about the call."""
    match fact:
        case f.Unheard():
            return _unheard(context, fact)
        case f.ClockSet():
            return _clock_set(context, fact), ()
        case f.Filled():
            return _filled(context, fact), ()


def _clock_set(context: StoryContext, fact: f.ClockSet) -> str:
    """A clock step: later times use the new clock."""
    by = context.speech.seconds(abs(fact.by))
    if fact.by > f.EXACT:
        return context.speech.say("L'horloge de l'autocommutateur a été avancée de {by}", by=by)
    return context.speech.say("L'horloge de l'autocommutateur a été reculée de {by}", by=by)


def _filled(context: StoryContext, fact: f.Filled) -> str:
    say = context.speech.say
    if fact.alone:
        return say("Le journal de l'autocommutateur (CEL) dit tout de l'appel, que callmon n'avait pas entendu")
    return say("Le journal de l'autocommutateur (CEL) dit ce que callmon n'a pas entendu de l'appel")


def _arrived(context: StoryContext, fact: f.Arrived) -> Wording:
    say = context.speech.say
    told = {
        "inbound": say("L'appel arrive"),
        "outbound": say("Un poste fait un appel vers l'extérieur"),
        "internal": say("Un poste en appelle un autre"),
    }[fact.direction]
    late = say("callmon n'écoutait pas encore l'autocommutateur") if fact.found else None
    relay = say("par service de relais") if fact.relay else None
    return told, (relay, late, _may_hide_answer(context, fact.may_hide_answer))


def _may_hide_answer(context: StoryContext, may: bool) -> str | None:
    return context.speech.say("quelqu'un a pu répondre pendant ce temps") if may else None


# Phones.


def _phones(context: StoryContext, moment: Moment) -> Wording:
    named = [x.phone for x in moment if isinstance(x, f.PhoneDialled | f.PhoneRang | f.PhoneStopped)]
    phones, several, fact = context.speech.phones(named), len(set(named)) > 1, moment[0]
    match fact:
        case f.PhoneRang():
            rings_now = ("{phones} sonnent", "{phones} sonne")
            return _number(context, phones, several, *rings_now), _ring_notes(context, fact)
        case f.PhoneStopped():
            return _stopped(context, fact, phones, several), ()
        case _:
            dialled = ("{phones} sont appelés, sans sonner encore", "{phones} est appelé, sans sonner encore")
            return _number(context, phones, several, *dialled), ()


def _offered(context: StoryContext, fact: f.PhonesSeen) -> str:
    """The best state among the phones of the line while the caller waited; never the state of one phone."""
    say = context.speech.say
    match fact.best:
        case "ringing":
            return say("Un poste libre de la ligne sonne pour l'appelant")
        case "free":
            return say("Un poste de la ligne au moins est libre et ne sonne pas")
        case "in_use":
            return say("Aucun poste de la ligne n'est libre")
        case "unreachable":
            return say("Aucun poste de la ligne n'est joignable")


def _number(context: StoryContext, phones: str, several: bool, plural: str, singular: str) -> str:
    return context.speech.say(plural if several else singular, phones=phones)


def _ring_notes(context: StoryContext, fact: f.PhoneRang) -> tuple[str | None, ...]:
    say, ring = context.speech.say, context.ring_at(fact.at, fact.slack)
    if context.call.by_queue and fact.at is not None and not context.is_answered_before(fact.at):
        return (say("l'appelant attend dans la file"),)
    estimated = say("estimation : début de la tonalité non annoncé") if fact.early_media else None
    return (_callers_ring(context, ring), estimated)


def _callers_ring(context: StoryContext, ring: int | None) -> str | None:
    speech = context.speech
    return None if ring is None else speech.say("{ring} sonnerie de l'appelant", ring=speech.ordinal(ring))


def _stopped(context: StoryContext, fact: f.PhoneStopped, phones: str, several: bool) -> str:
    plural, singular = _STOPPED_RINGING[fact.why] if fact.rang else _NEVER_RANG[fact.why]
    match cause_of_stop(fact, context.facts):
        case f.Answered() | f.PersonJoined() if fact.rang:
            plural, singular = _CANCELLED_BY_ANSWER
        case f.Ended() if fact.rang:
            plural, singular = _CANCELLED_BY_END
        case _:
            pass
    return _number(context, phones, several, plural, singular)


# (text for several phones, text for one phone); the phone is named first, the reason last.
_Pair = tuple[str, str]
_CANCELLED_BY_ANSWER: _Pair = (
    "{phones} cessent de sonner : l'appel a sa réponse",
    "{phones} cesse de sonner : l'appel a sa réponse",
)
_CANCELLED_BY_END: _Pair = (
    "{phones} cessent de sonner : l'appel est fini",
    "{phones} cesse de sonner : l'appel est fini",
)
_STOPPED_RINGING: dict[f.StopReason, _Pair] = {
    "no_answer": ("{phones} cessent de sonner, sans réponse", "{phones} cesse de sonner, sans réponse"),
    "cancelled": (
        "{phones} cessent de sonner : l'autocommutateur passe à la suite",
        "{phones} cesse de sonner : l'autocommutateur passe à la suite",
    ),
    "busy": (
        "{phones} cessent de sonner : occupés ou appel refusé",
        "{phones} cesse de sonner : occupé ou appel refusé",
    ),
    "congested": ("{phones} cessent de sonner : réseau encombré", "{phones} cesse de sonner : réseau encombré"),
    "unreachable": (
        "{phones} cessent de sonner : devenus injoignables",
        "{phones} cesse de sonner : devenu injoignable",
    ),
    "gone": ("{phones} cessent de sonner, sans réponse", "{phones} cesse de sonner, sans réponse"),
}
_NEVER_RANG: dict[f.StopReason, _Pair] = {
    "no_answer": (
        "{phones} n'ont pas sonné et n'ont pas répondu",
        "{phones} n'a pas sonné et n'a pas répondu",
    ),
    "cancelled": ("{phones} ne sont plus appelés", "{phones} n'est plus appelé"),
    "busy": ("{phones} sont occupés", "{phones} est occupé"),
    "congested": (
        "{phones} ne peuvent être joints : réseau encombré",
        "{phones} ne peut être joint : réseau encombré",
    ),
    "unreachable": ("{phones} sont injoignables", "{phones} est injoignable"),
    "gone": ("{phones} ne sont plus appelés", "{phones} n'est plus appelé"),
}


# Answers and waits.


def _person(context: StoryContext, fact: f.Answered | f.Held | f.Resumed) -> Wording:
    say, phones = context.speech.say, context.speech.phones([fact.phone])
    match fact:
        case f.Answered():
            return say("{phones} répond", phones=phones), _answer_notes(context, fact)
        case f.Held():
            return say("{phones} met l'appelant en attente", phones=phones), ()
        case f.Resumed():
            return say("{phones} reprend l'appelant", phones=phones), (_held_for(context, fact),)


def _answer_notes(context: StoryContext, fact: f.Answered) -> tuple[str | None, ...]:
    if fact.channel != context.call.answered_channel:  # not the first answer: the wait was already over
        return ()
    if queued := _queued(context):
        return (queued, _own_ring(context, fact))
    ring = _callers_ring(context, context.call.rings)
    own = None if _rang_from_the_start(context.call, fact) else _own_ring(context, fact)
    return (ring, own, picked_up(context, fact))


def _queued(context: StoryContext) -> str | None:
    """The wait in seconds, if the caller heard music instead of rings; None if it is not known exactly."""
    waited = context.call.waited
    if not context.is_by_seconds or waited is None or waited.shortest != waited.longest:
        return None
    wait = context.speech.seconds(waited.longest)
    if context.call.by_music:
        return context.speech.say("après {wait} de musique", wait=wait)
    return context.speech.say("après {wait} dans la file d'attente", wait=wait)


def _rang_from_the_start(call: Call, fact: f.Answered) -> bool:
    return fact.rang is not None and call.ringing is not None and fact.rang - call.ringing <= TOGETHER


def _own_ring(context: StoryContext, fact: f.Answered) -> str | None:
    """The ring of the phone itself: its first may be the caller's fourth (R-10)."""
    if fact.rang is None or fact.at is None or (fact.slack, fact.rang_slack) != (f.EXACT, f.EXACT):
        return None
    own = rings.begun(fact.at - fact.rang, context.call.cycle)
    return context.speech.say("{ring} sonnerie du poste", ring=context.speech.ordinal(own))


def _held_for(context: StoryContext, fact: f.Resumed) -> str | None:
    held = [x.at for x in context.facts if isinstance(x, f.Held) and x.at and fact.at and x.at <= fact.at]
    if not held or fact.at is None:
        return None
    return context.speech.say("après {wait} d'attente", wait=context.speech.seconds(fact.at - held[-1]))


def _queue(context: StoryContext, fact: f.QueueEntered | f.QueueLeft) -> Wording:
    if isinstance(fact, f.QueueEntered):
        return context.speech.say("L'appelant entre dans la file d'attente « {queue} »", queue=fact.queue), ()
    return context.speech.say(
        "L'appelant sort de la file d'attente « {queue} » sans réponse", queue=fact.queue
    ), ()


def _voicemail(context: StoryContext, fact: f.VoicemailTook | f.MessageLeft) -> Wording:
    say, took = context.speech.say, context.call.voicemail
    box = say("boîte vocale {mailbox}", mailbox=fact.mailbox) if fact.mailbox else None
    if isinstance(fact, f.MessageLeft):
        return say("L'appelant a laissé un message"), (box,)
    told = say("La messagerie vocale prend l'appel")
    if took is None or took.after_person:
        return told, (box,)
    chosen = say("choisie au menu vocal") if took.chosen and context.call.heard != "partly" else None
    return told, (box, _queued(context) or _callers_ring(context, took.rings), chosen)


def _unheard(context: StoryContext, fact: f.Unheard) -> Wording:
    speech = context.speech
    end = _when(speech, fact.until)
    if fact.at is None:  # a channel listing proved that an end was not received
        told = speech.say(
            "Avant {end}, callmon n'a pas entendu tout ce que l'autocommutateur a dit de l'appel", end=end
        )
    else:
        begin = speech.second(fact.at)
        told = speech.say("callmon n'entendait plus l'autocommutateur, de {begin} à {end}", begin=begin, end=end)
    return told, (_may_hide_answer(context, fact.may_hide_answer),)


def _when(speech: Formatter, at: datetime | None) -> str:
    return speech.say("une heure inconnue") if at is None else speech.second(at)


def _ended(context: StoryContext, fact: f.Ended) -> Wording:
    say, call = context.speech.say, context.call
    match fact.how, fact.by:
        case "stopped", _:
            return say("L'autocommutateur s'arrête : l'appel est coupé"), ()
        case "unheard", _:
            return say("L'appel a pris fin pendant que callmon n'entendait pas l'autocommutateur"), ()
        case _, "caller":
            ring = call.rings if call.abandoned_in == "ringing" else None
            return say("L'appelant raccroche"), (_callers_ring(context, ring),)
        case _, "exchange" if call.outcome == "answered":
            ours = say("Notre côté met fin à l'appel")
            return (ours if call.direction == "inbound" else say("L'autre côté met fin à l'appel")), ()
        case _, "exchange":
            return say("L'autocommutateur met fin à l'appel"), ()
        case _:
            return say("L'appel prend fin, on ne sait pas qui a raccroché"), ()


def _doubt(speech: Formatter, fact: AnyFact) -> str:
    """« Heure exacte inconnue : entre … et … » if the time is only known as an interval; otherwise ""."""
    slack: timedelta = getattr(fact, "slack", f.EXACT)
    if slack == f.EXACT or fact.at is None:
        return ""
    first, last = speech.second(fact.at), speech.second(fact.at + slack)
    return " " + speech.say("Heure exacte inconnue : entre {first} et {last}.", first=first, last=last)
