"""Sentences for a call that is handed on: transfers, parking, forwarding, overflow, pick-up. Pure.

A transfer that counts has its number in the count of the verdict. A transfer that does not count has a note.
"""

from typing import assert_never

from callmon.core import facts as f
from callmon.core.calls.endpoints import extension
from callmon.core.facts import OUTSIDE
from callmon.text.story.context import StoryContext, Wording
from callmon.text.story.timeline import is_told_by

HandedOn = (
    f.SentOff | f.Transferred | f.CameBack | f.PersonJoined | f.Parked | f.Retrieved | f.ParkingEnded
    | f.Forwarded | f.Overflowed | f.SurveyOffered | f.ThirdJoined
)  # fmt: skip


def handed_on(context: StoryContext, fact: HandedOn) -> Wording:
    """The sentence for a call that a person or a phone handed on, with its notes."""
    say, phones = context.say, context.phones
    match fact:
        case f.SentOff():
            return _sent(context, fact), (_number(context, fact),)
        case f.Transferred():
            return _took_place(context, fact), (_number(context, fact),)
        case f.CameBack():
            return _came_back(context, fact), (say("aucun réacheminement"),)
        case f.PersonJoined():
            return _joined(context, fact), ()
        case f.Parked():
            return say("L'appel est parqué"), ()
        case f.Retrieved():
            return say("{phones} reprend l'appel parqué", phones=phones([fact.phone])), ()
        case f.ParkingEnded():
            return say("Le temps de parcage est écoulé : l'autocommutateur rappelle qui a parqué l'appel"), ()
        case f.Forwarded():
            to = _to(context, fact.to)
            return say("{phones} renvoie automatiquement l'appel {to}", phones=phones([fact.phone]), to=to), ()
        case f.Overflowed():
            told = say("Notre côté raccroche; l'autocommutateur garde l'appelant et appelle un autre poste")
            return told, (say("aucun réacheminement"),)
        case f.ThirdJoined():
            return say("{phones} se joint à la conversation", phones=phones([fact.phone])), ()
        case f.SurveyOffered(by="transfer"):
            return say("L'appelant est envoyé au sondage"), (say("aucun réacheminement"),)
        case f.SurveyOffered():
            return say("Le sondage est offert à l'appelant"), ()
        case _:
            assert_never(fact)


def picked_up(context: StoryContext, fact: f.Answered) -> str | None:
    """The note for a pick-up: a phone that was not called answered, so it took the call from a ringing phone."""
    ours = [x for x in context.facts if isinstance(x, f.PhoneDialled | f.PhoneRang) and x.channel == fact.channel]
    if ours or fact.slack != f.EXACT or context.call.heard != "full" or not context.call.phones.rang:
        return None
    return context.say("interception d'appel")


def _sent(context: StoryContext, fact: f.SentOff) -> str:
    say, phones, to = context.say, context.phones([_phone(context, fact.by)]), _to(context, fact.to)
    match fact.kind:
        case "redirect" if fact.unheard:  # the first dial that was received may not belong to the transfer
            return say("L'appel est transféré; on ne sait ni comment ni à qui")
        case _ if fact.unheard:
            return say("{phones} transfère l'appel {to}; on ne sait pas comment", phones=phones, to=to)
        case "blind":
            return say("{phones} transfère l'appel {to}, sans annonce", phones=phones, to=to)
        case "attended":
            return say("{phones} transfère l'appel {to}, avec annonce", phones=phones, to=to)
        case "blonde":
            return say("{phones} transfère l'appel {to}, pendant la sonnerie", phones=phones, to=to)
        case "redirect":
            return say("L'autocommutateur transfère l'appel {to}", to=to)


def _took_place(context: StoryContext, fact: f.Transferred) -> str:
    if fact.unheard and fact.kind == "redirect":
        return context.say("Un transfert a lieu; on ne sait ni comment ni à qui")
    return context.say("Le transfert {to} a lieu", to=_to(context, fact.to))


def _number(context: StoryContext, fact: f.SentOff | f.Transferred) -> str | None:
    counted = [x for x in context.facts if isinstance(x, f.Transferred)]
    number = next((n for n, x in enumerate(counted, 1) if x == fact or is_told_by(x, fact)), None)
    return None if number is None else context.say("réacheminement {number}", number=number)


def _came_back(context: StoryContext, fact: f.CameBack) -> str:
    place = context.facts.index(fact)
    sent = next((x for x in reversed(context.facts[:place]) if isinstance(x, f.SentOff)), None)
    after = next(iter(context.facts[place + 1 :]), None)
    over = isinstance(after, f.Ended | f.SentOff) and after.at == fact.at
    if sent is None or over or fact.at is None:
        return context.say("Le transfert {to} n'aboutit pas", to=_to(context, fact.to))
    return context.say("{phones} retrouve l'appelant", phones=context.phones([_phone(context, sent.by)]))


def _joined(context: StoryContext, fact: f.PersonJoined) -> str:
    say, phones = context.say, context.phones([fact.phone])
    before = context.facts[: context.facts.index(fact)]
    last = next((x for x in reversed(before) if isinstance(x, f.SentOff | f.ParkingEnded | f.Overflowed)), None)
    if isinstance(last, f.ParkingEnded):
        return say("{phones} reprend l'appel parqué", phones=phones)
    if isinstance(last, f.Overflowed):
        return say("{phones} prend l'appel", phones=phones)
    return say("{phones} prend l'appel transféré", phones=phones)


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
        return say("à un numéro de l'extérieur")
    known = (f.PhoneDialled, f.PhoneRang, f.Answered, f.PersonJoined)
    if any(isinstance(x, known) and x.phone == to for x in context.facts):
        return say("au poste {phone}", phone=to)
    return say("au numéro interne {number}", number=to)
