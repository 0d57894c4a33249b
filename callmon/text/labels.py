"""The labels of callmon's identifiers and conclusions, in French and English.

The French text is the key of the catalogues (`locale/`), and the English is its translation. A missing translation
shows the French, never a silent English (R-39), and fails a test. The French is the policy's own (GLOSSARY.md).
Identifiers have their labels here; pages and reports translate their own texts with `translate`. The catalogues
are read once.

Refuses: to write.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files

from babel.messages.pofile import read_po

from callmon.config.validation import nearest, quoted

LANGUAGES = ("fr", "en")

# The labels by kind. The kind is the context in the catalogues, because "autre" has several translations.
KINDS: Mapping[str, Mapping[str, str]] = {
    "verdict": {
        "met": "respectée",
        "not_met": "non respectée",
        "exempt": "non visée",
        "unknown": "indéterminée",
    },
    "outcome": {
        "answered": "réponse en personne",
        "voicemail_message": "messagerie vocale, message laissé",
        "voicemail_no_message": "messagerie vocale, aucun message",
        "voicemail": "messagerie vocale, message à vérifier",
        "lost": "appel interrompu par l'arrêt de l'autocommutateur",
        "unknown": "issue indéterminée",
        "busy": "ligne occupée",
        "abandoned": "appel abandonné",
        "announcement": "annonce",
        "no_answer": "sans réponse",
        "failed": "appel non acheminé",
    },
    "cause": {
        "nobody_free": "personne de libre",
        "rang_unanswered": "poste libre non décroché",
        "no_phone_reachable": "aucun poste joignable",
        "sent_to_voicemail_early": "messagerie trop tôt (réglage)",
        "late_hunting": "poste appelé trop tard",
        "other": "autre",
    },
    "direction": {
        "inbound": "appel reçu",
        "outbound": "appel fait",
        "internal": "appel interne",
    },
    "standard": {
        "answer_by_third_ring": "Réponse au plus tard après la troisième sonnerie",
        "voicemail_after_fourth_ring": "Messagerie vocale après une quatrième sonnerie",
        "one_transfer_at_most": "Appel réacheminé au plus une fois",
        "reach_a_person": "Possibilité de joindre une personne",
        "callback_within_24_hours": "Rappel dans les 24 heures",
        "bilingual_person": "Possibilité de parler avec un représentant du personnel bilingue",
        "callback_in_french": "Rappel en français aux demandes formulées en français",
        "complaint_within_2_business_days": "Plainte par téléphone accueillie dans les deux jours ouvrables",
        "complaint_answered_within_15_business_days": "Réponse à la plainte en 15 jours ouvrables ou moins",
        "feedback_offered": "Occasion de donner une rétroaction après chaque interaction",
    },
    "hidden": {"withheld": "numéro confidentiel", "unknown": "numéro inconnu"},
    "mode": {"voice": "ligne vocale", "tty": "ligne pour téléimprimeur (ATS)"},
    "language": {
        "fr": "français",
        "en": "anglais",
        "other": "autre langue",
        "unknown": "langue inconnue",
    },
    "abandoned_in": {
        "ringing": "pendant la sonnerie",
        "menu": "au menu vocal",
        "queue": "dans la file d'attente",
    },
    "transfer": {
        "blind": "transfert sans annonce",
        "attended": "transfert avec annonce",
        "blonde": "transfert pendant la sonnerie",
        "redirect": "transfert par l'autocommutateur",
    },
    # The texts of `Judgement.reason_key`. ".n" marks a text that contains its number: a ring, seconds or a count.
    # ".0" and ".1" are texts for numbers that a language words differently.
    "reason": {
        "answered_on_ring": "réponse en personne",
        "answered_on_ring.n": "réponse à la {ordinal} sonnerie",
        "answered_after_seconds": "réponse depuis la file d'attente",
        "answered_after_seconds.n": "réponse après {number} s dans la file d'attente",
        "answered_after_music": "réponse pendant la musique",
        "answered_after_music.n": "réponse après {number} s de musique",
        "answered_in_time": "réponse à temps, sonnerie exacte inconnue",
        "answered_late": "réponse trop tard, sonnerie exacte inconnue",
        "answered_without_ringing": "réponse sans sonnerie",
        "a_person_answered": "une personne a répondu",
        "hung_up_early": "l'appelant a raccroché avant la fin de la troisième sonnerie",
        "gave_up": "l'appelant a renoncé après la troisième sonnerie",
        "in_the_menu": "l'appelant a raccroché au menu vocal",
        "busy": "ligne occupée",
        "rang_in_vain": "a sonné en vain",
        "no_phone_reachable": "aucun poste joignable",
        "announcement": "annonce pendant les heures normales de bureau",
        "voicemail": "réacheminé vers la messagerie vocale",
        "voicemail_early": "réacheminé trop tôt vers la messagerie vocale",
        "voicemail_early.n": "réacheminé trop tôt vers la messagerie vocale, à la {ordinal} sonnerie",
        "voicemail_on_time": "réacheminé à temps vers la messagerie vocale",
        "voicemail_on_time.n": "réacheminé à temps vers la messagerie vocale, à la {ordinal} sonnerie",
        "voicemail_late": "réacheminé trop tard vers la messagerie vocale",
        "voicemail_late.n": "réacheminé trop tard vers la messagerie vocale, à la {ordinal} sonnerie",
        "voicemail_nothing_rang": "réacheminé vers la messagerie vocale sans qu'aucun poste sonne",
        "no_voicemail": "la messagerie vocale n'a pas pris l'appel",
        "after_a_person": "messagerie vocale après une réponse en personne",
        "no_person": "aucune réponse en personne",
        "transferred": "appel réacheminé",
        "transferred.0": "appel jamais réacheminé",
        "transferred.1": "appel réacheminé une fois",
        "transferred.n": "appel réacheminé {number} fois",
        "chosen_in_menu": "messagerie vocale choisie au menu vocal",
        "exchange_stopped": "arrêt de l'autocommutateur",
        "closed": "fermé",
        "gap": "lacune de mesure",
        "no_time": "heure inconnue",
        "language_unknown": "langue demandée inconnue",
        "not_asked_in_french": "demande non formulée en français",
        "french_at_first_answer": "une personne parlant français a répondu",
        "french_after_first_answer": "une personne parlant français a pris l'appel après la première réponse",
        "french_first_answer_unknown": "une personne parlant français a été en ligne, première réponse "
        "indéterminée",
        "no_french_speaker": "aucune personne parlant français en ligne",
        "staff_not_listed": "langues du poste non consignées",
        "called_back": "rappel fait à temps",
        "attempted_in_time": "tentative de rappel à temps, sans réponse",
        "called_back_late": "rappel fait trop tard",
        "not_called_back": "aucun rappel à l'échéance",
        "no_open_hour": "aucun rappel à l'échéance, aucune heure d'ouverture entre le message et celle-ci",
        "closed_without_callback": "fiche fermée sans rappel",
        "reached_us": "l'appelant nous a joints avant le rappel",
        "no_request": "personne n'avait demandé de rappel",
        "not_returnable": "rappel impossible",
        "message_not_heard": "on ne sait pas si un message a été laissé",
        "called_back_in_french": "rappel fait par une personne parlant français",
        "acknowledged": "plainte accueillie à temps",
        "complaint_answered": "réponse à la plainte donnée à temps",
        "too_late": "rien de fait à l'échéance",
        "survey_offered": "sondage offert",
        "survey_not_offered": "sondage non offert",
    },
    "owed": {
        "open": "à faire",
        "paid": "rappel fait",
        "reached_us": "l'appelant nous a joints",
        "closed": "fermé",
    },
    "opening": {
        "message": "message vocal",
        "request": "demande de rappel",
        "abandoned": "appel abandonné",
        "unheard": "message à vérifier",
        "agent": "plainte consignée pendant l'appel",
        "command": "plainte consignée après l'appel",
    },
    "not_returnable": {
        "withheld": "numéro confidentiel",
        "unknown": "numéro inconnu",
        "unparsable": "numéro illisible",
        "relay": "service de relais téléphonique",
        "internal": "numéro de l'un de nos postes",
    },
    "caution": {
        "no_message": "ne pas laisser de message",
        "not_safe": "numéro non sûr : quelqu'un d'autre peut répondre",
    },
    "close_reason": {
        "no_request": "personne n'a demandé de rappel",
        "unreachable": "personne injoignable",
        "listened": "message écouté, rappel impossible",
        "answered": "réponse donnée à la plainte",
        "otherwise": "réglé autrement",
    },
    "refusal": {
        "not_known": "Aucune fiche de ce nom; « callmon callbacks list » les donne.",
        "not_open": "La fiche n'est plus ouverte; rouvrez-la d'abord (reopen), avec un motif.",
        "is_open": "La fiche est déjà ouverte.",
        "another_open": "Une autre fiche est ouverte pour ce numéro et ce service; servez-vous de celle-là.",
        "too_few_attempts": "Pas assez de tentatives, ou pas assez de jours différents, pour conclure que la "
        "personne est injoignable; rappelez encore, un autre jour.",
        "is_returnable": "Ce numéro peut être rappelé : rappelez-le, ou fermez la fiche avec un autre motif.",
        "no_reason": "Il faut dire pourquoi, en quelques mots.",
        "not_for_complaints": "Ce motif ne vaut pas pour une plainte.",
        "only_for_complaints": "Ce motif ne vaut que pour une plainte.",
        "nobody_in_charge": "Une plainte ne se ferme pas sans le nom de la personne responsable de la réponse.",
        "not_before_opening": "Cet appel est antérieur au message : il n'en est pas le rappel.",
        "not_yet": "Cette heure n'est pas encore passée.",
        "already_complaint": "Cet appel est déjà consigné comme plainte.",
        "no_line": "Cet appel n'est pas arrivé sur une ligne du public.",
        "erased": "Les renseignements de cette fiche ont été détruits; elle ne peut qu'être fermée.",
        "taken": "Une autre personne s'en charge déjà (« callmon callbacks list » dit qui); si elle est absente, "
        "libérez la fiche d'abord (release).",
        "not_taken": "Personne ne s'en charge.",
    },
    "sign": {
        "short_conversation": "conversation de moins de 10 s",
        "early_hold": "mise en attente dans les 10 s de la réponse",
        "ended_by_us": "appel pris par une seule personne et terminé d'abord par notre côté",
    },
    "parity": {
        "tty_voice": "parité ATS : lignes pour téléimprimeur moins lignes vocales",
        "french_english": "parité linguistique : demandes en français moins demandes en anglais",
    },
    "disruption": {
        "exchange": "système téléphonique arrêté",
        "exchange_unheard": "système téléphonique hors d'écoute, public peut-être touché",
        "trunk": "liaison avec le fournisseur coupée",
        "phones": "aucun poste joignable",
        "staff": "perturbation signalée par le personnel",
        "work": "travaux planifiés",
    },
    "disruption_end": {
        "over": "service rétabli",
        "by_hand": "terminée, selon le personnel",
        "closed": "fermeture de la ligne",
        "time": "fin prévue",
        "cancelled": "annulée",
        "measuring": "simple lacune de mesure, le système fonctionnait",
    },
    "notice": {
        "reason_fr": "raison (en français)",
        "reason_en": "raison (en anglais)",
        "alternative_fr": "services de rechange (en français)",
        "alternative_en": "services de rechange (en anglais)",
        "until": "durée prévue",
    },
    "disruption_refusal": {
        "not_known": "Aucune perturbation de ce nom; « callmon disruptions list --state all » les donne.",
        "is_over": "Cette perturbation est terminée : seul l'avis peut encore être corrigé.",
        "has_begun": "Seuls des travaux qui n'ont pas commencé changent de début.",
        "not_yet": "Cette heure n'est pas encore passée.",
        "before_start": "La perturbation n'avait pas commencé à cette heure.",
        "end_before_start": "La fin doit suivre le début.",
        "end_is_past": "Cette fin est déjà passée.",
        "too_long_ago": "Ce début remonte à plus d'un an : vérifiez l'année.",
    },
    "role": {
        "viewer": "consultation",
        "agent": "rappels",
        "manager": "rapports",
        "administrator": "administration",
    },
    # The acts in the record of accesses (store/access/audit.py).
    "act": {
        "number": "numéro consulté",
        "sign in": "connexion",
        "sign in refused": "connexion refusée",
        "sign out": "déconnexion",
        "callback": "modification d'une fiche de rappel demandée",
        "disruption": "annonce ou modification d'une perturbation demandée",
        "report": "rapport demandé",
        "report file": "rapport téléchargé",
        "account added": "compte ajouté",
        "account roles": "rôles d'un compte changés",
        "account password": "mot de passe d'un compte changé",
        "account locked": "compte verrouillé",
        "account unlocked": "compte déverrouillé",
        "account removed": "compte supprimé",
        "sessions ended": "toutes les séances terminées",
    },
    # The object of an act, if it is not a name.
    "about": {
        "account": "compte de callmon",
        "oidc": "service d'identité",
        "to call back": "pour rappeler",
    },
    # The sentence for an unknown name in a command or the address of a page, and for the existing names.
    "unknown": {
        "line": "Il n'y a pas de ligne « {name} »",
        "service": "Il n'y a pas de service « {name} »",
        "exchange": "Il n'y a pas d'autocommutateur « {name} »",
        "outcome": "Il n'y a pas d'issue « {name} »",
        "standard": "Il n'y a pas de norme « {name} »",
        "verdict": "Il n'y a pas de verdict « {name} »",
        "language": "Il n'y a pas de langue « {name} »",
        "state": "Il n'y a pas d'état « {name} »",
    },
    "unknown_hint": {
        "near": "; vouliez-vous dire « {near} »?",
        "known": "; il y a {names}.",
    },
    # Why there is no report or no sample.
    "no_report": {
        "no_data": "Il n'y a pas de données pour {month} : callmon n'a rien entendu pendant ce mois, il n'y a "
        "rien à rapporter.",
        "no_call": "Il n'y a aucun appel à tirer au sort pour {month}. Aucun fichier n'est produit.",
    },
}
VERDICTS, OUTCOMES, STANDARDS, REASONS = (KINDS[kind] for kind in ("verdict", "outcome", "standard", "reason"))


def label(kind: str, identifier: str, language: str) -> str:
    """The label of `identifier`: label("verdict", "met", "fr") is "respectée".

    Raises KeyError for an unknown kind or identifier: both are closed sets.
    """
    return translate(KINDS[kind][identifier], language, kind)


def unknown_name(kind: str, name: str, known: Iterable[str], language: str) -> str:
    """The sentence that refuses an unknown name of a line, a service, an outcome …

    It suggests the nearest of the `known` names, or else lists them. `kind` is a key of KINDS["unknown"].
    """
    choices = list(known)
    sentence = label("unknown", kind, language).format(name=quoted(name)[1:-1])
    if near := nearest(name, choices):
        return sentence + label("unknown_hint", "near", language).format(near=near)
    return sentence + (
        label("unknown_hint", "known", language).format(names=", ".join(choices)) if choices else "."
    )


def reason(key: str, number: int | None, language: str) -> str:
    """The reason of a verdict: reason("answered_on_ring", 2, "fr") is "réponse à la 2e sonnerie".

    Raises KeyError for an unknown key.
    """
    identifier = next((name for name in (f"{key}.{number}", f"{key}.n") if name in REASONS), key)
    identifier = key if number is None else identifier
    return label("reason", identifier, language).format(number=number, ordinal=ordinal(number, language))


def ordinal(number: int | None, language: str) -> str:
    """The number of a ring: 1re, 2e in French (feminine); plain in English ("ring 2")."""
    return f"{number}{'re' if number == 1 else 'e'}" if language == "fr" else str(number)


def translate(french: str, language: str, context: str | None = None) -> str:
    """`french` in `language`; the French itself if the translation is missing (R-39)."""
    if language == "fr":
        return french
    return catalogue(language).get((context, french), french)


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(language: str) -> Mapping[tuple[str | None, str], str]:
    """(context, French) → translation, without missing and fuzzy ones.

    The .po files are read directly, so that an installation compiles nothing.
    """
    path = files("callmon.text").joinpath("locale", language, "LC_MESSAGES", "callmon.po")
    with path.open("rb") as lines:
        messages = read_po(lines, locale=language)
    return {
        (message.context, str(message.id)): str(message.string)
        for message in messages
        if message.id and message.string and not message.fuzzy
    }
