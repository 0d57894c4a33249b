"""One sentence for each moment of a call. Pure. The type checker reports a new fact that has no sentence here.

Refuses: to name a person (a phone is its extension); to state more about a ring than is known.
"""

from __future__ import annotations

from datetime import timedelta

from callmon.core import facts as f
from callmon.core.calls import rings
from callmon.core.calls.call import Call
from callmon.core.facts import AnyFact
from callmon.text.story.context import StoryContext, Wording
from callmon.text.story.timeline import TOGETHER, Moment, cause_of_stop
from callmon.text.story.transfers import handed_on, picked_up


def sentence(context: StoryContext, moment: Moment) -> str:
    """The sentence of a moment, with its notes in brackets and the uncertainty of its time."""
    told, notes = _wording(context, moment)
    known = [note for note in notes if note]
    stop = "" if told.endswith(".") else "."  # a sentence that ends with "a.m." has its full stop
    return told + (f" ({', '.join(known)})." if known else stop) + _doubt(context, moment[0])


def _wording(context: StoryContext, moment: Moment) -> Wording:
    """The sentence without its full stop, and its notes."""
    say, word, fact = context.say, context.word, moment[0]
    match fact:
        case f.Arrived():
            return _arrived(context, fact)
        case f.NumberWithheld():
            return say("L'appelant ne veut pas que son numéro soit affiché"), ()
        case f.LineOpened():
            return say("L'autocommutateur prend l'appel : menu vocal ou message enregistré"), ()
        case f.LanguageChosen():
            return say("L'appelant choisit la langue : {language}", language=word("language", fact.language)), ()
        case f.PhoneDialled() | f.PhoneRang() | f.PhoneStopped():
            return _phones(context, moment)
        case f.Answered() | f.Held() | f.Resumed():
            return _person(context, fact)
        case f.MusicPlayed():
            return say("L'appelant entend de la musique au lieu d'une sonnerie"), ()
        case f.QueueEntered():
            return say("L'appelant entre dans la file d'attente « {queue} »", queue=fact.queue), ()
        case f.QueueLeft():
            return say("L'appelant sort de la file d'attente « {queue} » sans réponse", queue=fact.queue), ()
        case f.VoicemailTook() | f.MessageLeft():
            return _voicemail(context, fact)
        case f.PhonesSeen():
            return _offered(context, fact), ()
        case f.CallbackRequested():
            return say("L'appelant demande à être rappelé"), (say("à un autre numéro") if fact.number else None,)
        case f.ComplaintMade():
            return say("L'appel est consigné comme plainte"), ()
        case f.DialFailed():
            return say("L'autocommutateur n'avait pu appeler aucun poste : aucun n'était joignable"), ()
        case f.CallerBusy():
            return say("L'appelant entend le signal d'occupation"), ()
        case f.Unheard() | f.ClockSet() | f.Filled():
            return _listening(context, fact)
        case f.HangupRequested() | f.Ended():
            return _ended(context, fact)
        case _:
            return handed_on(context, fact)


def _listening(context: StoryContext, fact: f.Unheard | f.ClockSet | f.Filled) -> Wording:
    """A fact about the reception of events, not about the call."""
    say = context.say
    match fact:
        case f.Unheard():
            return _unheard(context, fact), _may_hide_answer(context, fact)
        case f.ClockSet() if fact.by > f.EXACT:  # later times use the new clock
            return say("L'horloge de l'autocommutateur a été avancée de {by}", by=context.seconds(fact.by)), ()
        case f.ClockSet():
            return say("L'horloge de l'autocommutateur a été reculée de {by}", by=context.seconds(-fact.by)), ()
        case f.Filled(alone=True):
            return say(
                "Le journal de l'autocommutateur (CEL) dit tout de l'appel, que callmon n'avait pas entendu"
            ), ()
        case f.Filled():
            return say("Le journal de l'autocommutateur (CEL) dit ce que callmon n'a pas entendu de l'appel"), ()


def _arrived(context: StoryContext, fact: f.Arrived) -> Wording:
    say = context.say
    told = {
        "inbound": say("L'appel arrive"),
        "outbound": say("Un poste fait un appel vers l'extérieur"),
        "internal": say("Un poste en appelle un autre"),
    }[fact.direction]
    late = say("callmon n'écoutait pas encore l'autocommutateur") if fact.found else None
    relay = say("par service de relais") if fact.relay else None
    return told, (relay, late, *_may_hide_answer(context, fact))


def _may_hide_answer(context: StoryContext, fact: f.Arrived | f.Unheard) -> tuple[str, ...]:
    return (context.say("quelqu'un a pu répondre pendant ce temps"),) if fact.may_hide_answer else ()


# Phones.


def _phones(context: StoryContext, moment: Moment) -> Wording:
    named = {x.phone for x in moment if isinstance(x, f.PhoneDialled | f.PhoneRang | f.PhoneStopped)}
    fact = moment[0]
    notes: tuple[str | None, ...] = ()
    match fact:
        case f.PhoneRang():
            (plural, singular), notes = _RINGING, _ring_notes(context, fact)
        case f.PhoneStopped():
            plural, singular = _stopped(context, fact)
        case _:
            plural, singular = _DIALLED
    told = singular if len(named) == 1 else plural
    return context.say(told, phones=context.phones(list(named))), notes


def _offered(context: StoryContext, fact: f.PhonesSeen) -> str:
    """The best state among the phones of the line while the caller waited; never the state of one phone."""
    say = context.say
    match fact.best:
        case "ringing":
            return say("Un poste libre de la ligne sonne pour l'appelant")
        case "free":
            return say("Un poste de la ligne au moins est libre et ne sonne pas")
        case "in_use":
            return say("Aucun poste de la ligne n'est libre")
        case "unreachable":
            return say("Aucun poste de la ligne n'est joignable")


def _ring_notes(context: StoryContext, fact: f.PhoneRang) -> tuple[str | None, ...]:
    say, ring = context.say, context.ring_at(fact.at, fact.slack)
    if context.call.by_queue and fact.at is not None and not context.is_answered_before(fact.at):
        return (say("l'appelant attend dans la file"),)
    estimated = say("estimation : début de la tonalité non annoncé") if fact.early_media else None
    return (_callers_ring(context, ring), estimated)


def _callers_ring(context: StoryContext, ring: int | None) -> str | None:
    return None if ring is None else context.say("{ring} sonnerie de l'appelant", ring=context.ordinal(ring))


def _stopped(context: StoryContext, fact: f.PhoneStopped) -> _Pair:
    match cause_of_stop(fact, context.facts):
        case f.Answered() | f.PersonJoined() if fact.rang:
            return _CANCELLED_BY_ANSWER
        case f.Ended() if fact.rang:
            return _CANCELLED_BY_END
        case _:
            return (_STOPPED_RINGING if fact.rang else _NEVER_RANG)[fact.why]


# (text for several phones, text for one phone); the phone is named first, the reason last.
_Pair = tuple[str, str]
_RINGING: _Pair = ("{phones} sonnent", "{phones} sonne")
_DIALLED: _Pair = ("{phones} sont appelés, sans sonner encore", "{phones} est appelé, sans sonner encore")
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
    say, phones = context.say, context.phones([fact.phone])
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
    wait = context.seconds(waited.longest)
    if context.call.by_music:
        return context.say("après {wait} de musique", wait=wait)
    return context.say("après {wait} dans la file d'attente", wait=wait)


def _rang_from_the_start(call: Call, fact: f.Answered) -> bool:
    return fact.rang is not None and call.ringing is not None and fact.rang - call.ringing <= TOGETHER


def _own_ring(context: StoryContext, fact: f.Answered) -> str | None:
    """The ring of the phone itself: its first may be the caller's fourth (R-10)."""
    if fact.rang is None or fact.at is None or (fact.slack, fact.rang_slack) != (f.EXACT, f.EXACT):
        return None
    own = rings.begun(fact.at - fact.rang, context.call.cycle)
    return context.say("{ring} sonnerie du poste", ring=context.ordinal(own))


def _held_for(context: StoryContext, fact: f.Resumed) -> str | None:
    held = [x.at for x in context.facts if isinstance(x, f.Held) and x.at and fact.at and x.at <= fact.at]
    if not held or fact.at is None:
        return None
    return context.say("après {wait} d'attente", wait=context.seconds(fact.at - held[-1]))


def _voicemail(context: StoryContext, fact: f.VoicemailTook | f.MessageLeft) -> Wording:
    say, took = context.say, context.call.voicemail
    box = say("boîte vocale {mailbox}", mailbox=fact.mailbox) if fact.mailbox else None
    if isinstance(fact, f.MessageLeft):
        return say("L'appelant a laissé un message"), (box,)
    told = say("La messagerie vocale prend l'appel")
    if took is None or took.after_person:
        return told, (box,)
    chosen = say("choisie au menu vocal") if took.chosen and context.call.heard != "partly" else None
    return told, (box, _queued(context) or _callers_ring(context, took.rings), chosen)


def _unheard(context: StoryContext, fact: f.Unheard) -> str:
    end = context.say("une heure inconnue") if fact.until is None else context.second(fact.until)
    if fact.at is None:  # a channel listing proved that an end was not received
        return context.say(
            "Avant {end}, callmon n'a pas entendu tout ce que l'autocommutateur a dit de l'appel", end=end
        )
    begin = context.second(fact.at)
    return context.say("callmon n'entendait plus l'autocommutateur, de {begin} à {end}", begin=begin, end=end)


def _ended(context: StoryContext, fact: f.HangupRequested | f.Ended) -> Wording:
    say, call = context.say, context.call
    if isinstance(fact, f.HangupRequested):
        return say("L'appelant raccroche"), ()
    match fact.how, fact.by:
        case "stopped", _:
            return say("L'autocommutateur s'arrête : l'appel est coupé"), ()
        case "unheard", _:
            return say("L'appel a pris fin pendant que callmon n'entendait pas l'autocommutateur"), ()
        case _, "caller":
            ring = call.rings if call.abandoned_in == "ringing" else None
            return say("L'appelant raccroche"), (_callers_ring(context, ring),)
        case _, "exchange" if call.outcome == "answered":
            ours = call.direction == "inbound"
            return say("Notre côté met fin à l'appel") if ours else say("L'autre côté met fin à l'appel"), ()
        case _, "exchange":
            return say("L'autocommutateur met fin à l'appel"), ()
        case _:
            return say("L'appel prend fin, on ne sait pas qui a raccroché"), ()


def _doubt(context: StoryContext, fact: AnyFact) -> str:
    """« Heure exacte inconnue : entre … et … » if the time is only known as an interval; otherwise ""."""
    slack: timedelta = getattr(fact, "slack", f.EXACT)
    if slack == f.EXACT or fact.at is None:
        return ""
    first, last = context.second(fact.at), context.second(fact.at + slack)
    return " " + context.say("Heure exacte inconnue : entre {first} et {last}.", first=first, last=last)
