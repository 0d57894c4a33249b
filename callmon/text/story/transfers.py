"""Sentences for a caller who is handed on: transfers, parking, forwarding, overflow, pick-up. Pure.

A transfer that counts carries its number, the one that the verdict counts; one that does not count says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from callmon.core import facts as f
from callmon.core.calls.endpoints import extension
from callmon.core.facts import OUTSIDE
from callmon.text.story.timeline import told_by

if TYPE_CHECKING:
    from callmon.text.story.sentences import Tale, Told

HandedOn = (
    f.SentOff | f.Transferred | f.CameBack | f.PersonJoined | f.Parked | f.Retrieved | f.ParkingEnded
    | f.Forwarded | f.Overflowed | f.SurveyOffered | f.ThirdJoined
)  # fmt: skip


def handed_on(tale: Tale, fact: HandedOn) -> Told:
    """What became of a caller whom a person had, or whose phone sent the call on."""
    say, phones = tale.speech.say, tale.speech.phones
    match fact:
        case f.SentOff():
            return _sent(tale, fact), (_number(tale, fact),)
        case f.Transferred():
            return _took_place(tale, fact), (_number(tale, fact),)
        case f.CameBack():
            return _came_back(tale, fact), (say("aucun réacheminement"),)
        case f.PersonJoined():
            return _joined(tale, fact), ()
        case f.Parked():
            return say("L'appel est parqué"), ()
        case f.Retrieved():
            return say("{phones} reprend l'appel parqué", phones=phones([fact.phone])), ()
        case f.ParkingEnded():
            return say("Le temps de parcage est écoulé : l'autocommutateur rappelle qui a parqué l'appel"), ()
        case f.Forwarded():
            to = _to(tale, fact.to)
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


def picked_up(tale: Tale, fact: f.Answered) -> str | None:
    """Whoever answers without having been called took the call from a phone that rang."""
    ours = [x for x in tale.facts if isinstance(x, f.PhoneDialled | f.PhoneRang) and x.channel == fact.channel]
    if ours or fact.slack != f.EXACT or tale.call.heard != "full" or not tale.call.phones.rang:
        return None
    return tale.speech.say("interception d'appel")


def _sent(tale: Tale, fact: f.SentOff) -> str:
    say, phones, to = tale.speech.say, tale.speech.phones([_phone(tale, fact.by)]), _to(tale, fact.to)
    match fact.kind:
        case "redirect" if fact.unheard:  # the first dial that was heard need not be the transfer's own
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


def _took_place(tale: Tale, fact: f.Transferred) -> str:
    if fact.unheard and fact.kind == "redirect":
        return tale.speech.say("Un transfert a lieu; on ne sait ni comment ni à qui")
    return tale.speech.say("Le transfert {to} a lieu", to=_to(tale, fact.to))


def _number(tale: Tale, fact: f.SentOff | f.Transferred) -> str | None:
    counted = [x for x in tale.facts if isinstance(x, f.Transferred)]
    number = next((n for n, x in enumerate(counted, 1) if x == fact or told_by(x, fact)), None)
    return None if number is None else tale.speech.say("réacheminement {number}", number=number)


def _came_back(tale: Tale, fact: f.CameBack) -> str:
    place = tale.facts.index(fact)
    sent = next((x for x in reversed(tale.facts[:place]) if isinstance(x, f.SentOff)), None)
    after = next(iter(tale.facts[place + 1 :]), None)
    over = isinstance(after, f.Ended | f.SentOff) and after.at == fact.at
    if sent is None or over or fact.at is None:
        return tale.speech.say("Le transfert {to} n'aboutit pas", to=_to(tale, fact.to))
    return tale.speech.say("{phones} retrouve l'appelant", phones=tale.speech.phones([_phone(tale, sent.by)]))


def _joined(tale: Tale, fact: f.PersonJoined) -> str:
    say, phones = tale.speech.say, tale.speech.phones([fact.phone])
    before = tale.facts[: tale.facts.index(fact)]
    last = next((x for x in reversed(before) if isinstance(x, f.SentOff | f.ParkingEnded | f.Overflowed)), None)
    if isinstance(last, f.ParkingEnded):
        return say("{phones} reprend l'appel parqué", phones=phones)
    if isinstance(last, f.Overflowed):
        return say("{phones} prend l'appel", phones=phones)
    return say("{phones} prend l'appel transféré", phones=phones)


def _phone(tale: Tale, channel: str) -> str:
    """The phone of a channel, as the facts know it: an extension, or outside."""
    for x in tale.facts:
        if isinstance(x, f.PhoneDialled | f.PhoneRang | f.Answered | f.PersonJoined) and x.channel == channel:
            return x.phone
    return extension(channel)


def _to(tale: Tale, to: str) -> str:
    """« au poste 104 », « à un numéro de l'extérieur »; what is not known to be a phone is a number to dial."""
    say = tale.speech.say
    if to == OUTSIDE:
        return say("à un numéro de l'extérieur")
    known = (f.PhoneDialled, f.PhoneRang, f.Answered, f.PersonJoined)
    if any(isinstance(x, known) and x.phone == to for x in tale.facts):
        return say("au poste {phone}", phone=to)
    return say("au numéro interne {number}", number=to)
