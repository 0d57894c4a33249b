"""The history of a callback or complaint of a call: one sentence for each entry of the ledger. Pure.

Refuses: to name a person.
"""

from typing import assert_never

from callmon.core.callbacks import entries as n
from callmon.text.formatter import Formatter


def sentence(formatter: Formatter, entry: n.AnyEntry) -> str:
    """The sentence of one entry, without its time and full stop."""
    say, word = formatter.say, formatter.word
    match entry:
        case n.Owed():
            at = entry.dues.judging.at
            due = f"{formatter.day(at)}, {formatter.minute(at)}"
            if entry.kind == "complaint":
                return say("Plainte à traiter : à accueillir avant {due}", due=due)
            return say("Rappel à faire avant {due}", due=due)
        case n.Repeated():
            return say("Nouveau message de la même personne; l'échéance reste la première")
        case n.Attempted(unsure=True):
            return say("Tentative de rappel; la durée de la conversation n'est pas connue")
        case n.Attempted(actor=None):
            return say("Tentative de rappel, sans conversation")
        case n.Attempted():
            return say("Tentative de rappel consignée à la main")
        case n.CalledBack(actor=None):
            return say("Rappel fait")
        case n.CalledBack():
            return say("Rappel consigné à la main")
        case n.ReachedUs():
            return say("L'appelant a rappelé et parlé à une personne")
        case n.Acknowledged():
            return say("Plainte accueillie")
        case n.ComplaintAnswered():
            return say("Réponse donnée à la plainte")
        case n.ClosedByHand():
            return say("Fiche fermée : {reason}", reason=word("close_reason", entry.reason))
        case _:
            return _noted(formatter, entry)


Noted = n.Reopened | n.Marked | n.NumberHidden | n.DueSoon | n.Overdue | n.FellDue | n.Refused | n.Erased


def _noted(formatter: Formatter, entry: n.Taken | n.Released | Noted) -> str:
    say = formatter.say
    match entry:
        case n.Reopened():
            return say("Fiche rouverte")
        case n.Marked():
            return say("Fiche annotée")
        case n.Taken():
            return say("Prise en charge")
        case n.Released():
            return say("Plus personne ne s'en charge")
        case n.NumberHidden():
            return say("Le numéro se révèle confidentiel : rappel impossible")
        case n.DueSoon():
            return say("À faire bientôt")
        case n.Overdue():
            return say("En retard : plus personne ne peut agir avant l'échéance")
        case n.FellDue():
            return say("Échéance")
        case n.Refused():
            return say("Demande refusée : {why}", why=formatter.word("refusal", entry.why))
        case n.Erased():
            return say("Les renseignements personnels de la fiche sont détruits")
        case _:
            assert_never(entry)
