"""The title and meaning of each figure, in the French of the glossary. Pure.

The French is the key of the catalogues, under the context "report". This module has the names of figures and of
their parts. `callmon.text.labels` has the words for identifiers that all of callmon shows (outcomes, verdicts,
causes, reasons …).
"""

from collections.abc import Mapping
from typing import NamedTuple


class Definition(NamedTuple):
    """A term and its text: of a figure, its title and its definition in one line."""

    term: str
    text: str


M = Definition
FIGURES: Mapping[str, Definition] = {
    "calls_offered": M(
        "Appels reçus",
        "Appels du public parvenus à une ligne pendant le mois, selon l'heure d'arrivée locale. Ceux que le "
        "fournisseur refuse avant notre système téléphonique ne sont pas connus.",
    ),
    "hours": M(
        "Moment de l'arrivée",
        "Appels reçus pendant les heures normales de bureau de la ligne, et hors de celles-ci.",
    ),
    "outcomes": M(
        "Issue",
        "Ce qu'il est advenu de chaque appel reçu; les issues s'additionnent aux appels reçus. Message à "
        "vérifier : on ne sait pas si l'appelant en a laissé un. Annonce : il n'a entendu qu'un message "
        "enregistré. Appel non acheminé : aucun poste n'a pu être joint. Issue indéterminée : la fin de l'appel "
        "n'a pas été entendue.",
    ),
    "outcomes_in_hours": M(
        "Issue, heures normales de bureau",
        "La même chose pour les appels reçus pendant les heures normales de bureau de la ligne.",
    ),
    "heard": M(
        "Appels entendus",
        "Appels entendus du début à la fin, complétés d'après le journal de l'autocommutateur, ou entendus en "
        "partie.",
    ),
    "completeness": M(
        "Exhaustivité",
        "Appels entièrement entendus ou complétés ÷ appels connus; les heures hors d'écoute à part.",
    ),
    "answer_rate": M(
        "Taux de réponse",
        "Appels pris par une personne ÷ appels reçus pendant les heures normales de bureau. Un menu vocal, une "
        "file d'attente ou la messagerie vocale n'est pas une personne.",
    ),
    "abandoned_in": M(
        "Appels abandonnés",
        "L'appelant a raccroché avant toute réponse : en sonnerie, au menu vocal, en file d'attente ou dans le "
        "silence.",
    ),
    "short_abandons": M(
        "Abandons rapides", "Abandons en moins de 5 s de sonnerie ou de file d'attente; montrés à part."
    ),
    "short_abandons_in_hours": M(
        "Abandons rapides, heures normales de bureau",
        "Ceux des appels reçus pendant les heures normales de bureau.",
    ),
    "abandonment_rate": M(
        "Taux d'abandon",
        "Abandons non rapides ÷ appels reçus pendant les heures normales de bureau, abandons rapides exclus.",
    ),
    "verdict": M(
        "Verdicts",
        "Respectée, non respectée, non visée ou indéterminée (touchée par une lacune de mesure), pour chaque "
        "appel. Sans verdict : l'échéance n'est pas passée, ou la norme n'était pas jugée alors.",
    ),
    "rate": M(
        "Taux", "Respectées ÷ (respectées + non respectées); ni les non visées ni les indéterminées n'y sont."
    ),
    "strict_rate": M(
        "Lecture stricte",
        "Le même taux, si chaque appelant qui a raccroché tôt, en sonnerie ou dans le silence, comptait comme "
        "non respecté.",
    ),
    "exempt": M("Non visées, par motif", "Appels que la norme ne vise pas, et pourquoi."),
    "not_met": M("Non respectées, par motif", "Ce qui est arrivé à ces appels."),
    "unknown": M("Indéterminées, par motif", "Pourquoi on ne peut rien en dire."),
    "cause": M(
        "Causes des non-respects",
        "Personne de libre; poste libre non décroché; aucun poste joignable; messagerie trop tôt (réglage); "
        "poste appelé trop tard; autre. Aucune ne désigne une personne.",
    ),
    "rings_to_answer": M(
        "Réponses en personne selon la sonnerie",
        "La sonnerie de 6 s pendant laquelle une personne a répondu. Les sonneries sont comptées à "
        "l'autocommutateur : l'appelant peut en avoir entendu une de moins.",
    ),
    "answered_14_to_18_s": M(
        "Réponses entre 14 s et 18 s",
        "Après la troisième tonalité et avant la quatrième : respectées ici, non respectées selon une lecture "
        "plus étroite.",
    ),
    "judged_by_seconds": M(
        "Jugées en secondes",
        "Réponses à des appelants qui entendaient de la musique : la norme y est jugée par le temps d'attente.",
    ),
    "rings": M("Sonneries avant la réponse", "Médiane, 95e centile et maximum des réponses en personne."),
    "time_to_answer": M(
        "Délai de réponse", "De la première sonnerie (ou de l'entrée en file d'attente) à la réponse."
    ),
    "time_from_arrival": M("Délai depuis l'arrivée", "De l'arrivée de l'appel à la réponse, menu vocal compris."),
    "signs": M(
        "Signes à examiner",
        "Ni verdicts ni fautes : conversations de moins de 10 s, mises en attente dans les 10 s, appels terminés "
        "d'abord par notre côté.",
    ),
    "early_hold": M("Durée de ces mises en attente", "De celles commencées dans les 10 s de la réponse."),
    "voicemail_share": M(
        "Part de la messagerie vocale",
        "Appels des heures normales de bureau pris par la messagerie vocale ÷ appels reçus pendant ces heures.",
    ),
    "voicemail_when": M(
        "Réacheminement vers la messagerie vocale",
        "Trop tôt : avant la fin de la 4e sonnerie. À temps : après. Trop tard : après la 5e (règle de callmon).",
    ),
    "voicemail_messages": M("Messages", "Messages enregistrés par la messagerie vocale, à toute heure."),
    "transfers": M(
        "Réacheminements",
        "Transferts d'un appel déjà pris vers une personne, un service ou une messagerie; sondage, parcage et "
        "interception exclus.",
    ),
    "redirections": M(
        "Réacheminements, lecture stricte",
        "Un transfert qui aboutit à la messagerie vocale et un débordement après une réponse comptent une fois "
        "de plus.",
    ),
    "redirections.rate": M(
        "Au plus un, lecture stricte",
        "Appels pris et réacheminés au plus une fois selon cette lecture ÷ appels pris.",
    ),
    "french_at_first_answer": M(
        "Français dès la première réponse",
        "La première personne à répondre à une demande en français parlait-elle français?",
    ),
    "french_at_first_answer.rate": M(
        "Taux dès la première réponse",
        "Demandes en français où la première personne parlait français ÷ demandes en français prises et jugées.",
    ),
    "relay_outcomes": M("Appels par service de relais", "Appels venant de numéros de relais connus, par issue."),
    "relay_ended_early": M(
        "Appels de relais terminés par nous", "Ceux que notre côté a raccrochés en moins de 20 s après la réponse."
    ),
    "callbacks_opened": M(
        "Rappels à faire",
        "Messages et demandes de rappel reçus pendant le mois, comptés par personne et par service.",
    ),
    "callback_openings": M("Origine du rappel", "Ce qui l'a demandé."),
    "callback_messages": M("Messages pour ces rappels", "Une personne peut en laisser plusieurs."),
    "callbacks_24_hours": M(
        "Rappels, 24 heures d'horloge",
        "Ce qu'il en est advenu à l'échéance de 24 heures; les parts s'additionnent aux rappels à faire.",
    ),
    "callbacks_24_hours.rate": M(
        "Rappelés dans les 24 heures",
        "Rappelés en 24 heures d'horloge (conversation ou boîte vocale de la personne) ÷ échus.",
    ),
    "callbacks_24_hours.attempted_rate": M(
        "Tentative à temps seulement", "A sonné au moins quatre fois à temps, sans réponse ÷ échus."
    ),
    "callbacks_business_day": M(
        "Rappels, un jour ouvrable", "Ce qu'il en est advenu à la fermeture du jour ouvrable suivant."
    ),
    "callbacks_business_day.rate": M(
        "Rappelés dans un jour ouvrable", "Le même calcul, jours de fermeture exclus."
    ),
    "callbacks_no_open_hour": M(
        "En retard, sans heure d'ouverture",
        "De ceux en retard selon l'horloge : sans heure d'ouverture entre le message et l'échéance.",
    ),
    "callback_delay": M("Délai du rappel", "Du message au rappel."),
    "complaints_opened": M("Plaintes par téléphone", "Plaintes consignées pour des appels reçus pendant le mois."),
    "parity_tty_voice": M(
        "Parité ATS",
        "Écart du taux : lignes ATS moins lignes vocales; aucun jugement sous le nombre minimal d'appels.",
    ),
    "parity_french_english": M(
        "Parité linguistique",
        "Écart du taux : demandes en français moins demandes en anglais; aucun jugement sous le nombre minimal "
        "d'appels.",
    ),
    "parity_tty": M("Lignes ATS", "Taux des appels reçus sur les lignes pour téléimprimeur."),
    "parity_voice": M("Lignes vocales", "Taux des appels reçus sur les lignes vocales."),
    "parity_fr": M(
        "Demandes en français", "Taux des appels où le français a été choisi ou dont la ligne est française."
    ),
    "parity_en": M(
        "Demandes en anglais", "Taux des appels où l'anglais a été choisi ou dont la ligne est anglaise."
    ),
    "test_calls": M("Appels d'essai", "Appels de vérification, hors de tous les chiffres."),
    "disruptions": M("Perturbations", "Périodes où une ligne ne pouvait recevoir d'appels."),
    "disruptions_hours": M("Heures de perturbation", "Leur durée totale."),
    "reconciliation_days": M(
        "Jours rapprochés", "Jours dont les appels ont été comparés au journal de l'autocommutateur."
    ),
    "reconciliation_exchange_only": M(
        "Comptés par l'autocommutateur seul",
        "Appels que le journal de l'autocommutateur a et que callmon n'a pas.",
    ),
    "reconciliation_callmon_only": M(
        "Comptés par callmon seul", "Appels que callmon a et que le journal de l'autocommutateur n'a pas."
    ),
    "unheard_hours": M("Heures hors d'écoute", "Temps pendant lequel un autocommutateur n'était pas écouté."),
    "unheard_open_hours": M(
        "Dont heures d'ouverture",
        "La partie de ce temps qui tombe dans les heures normales de bureau du ministère.",
    ),
    "unheard_known_hours": M(
        "Dont heures connues par le journal",
        "La partie de ce temps qui tombe dans des jours dont le journal de l'autocommutateur a été lu et comparé "
        ": aucun appel n'y manque.",
    ),
    "calls_in_progress": M(
        "Appels en cours", "Appels du mois non terminés à la production du rapport; le prochain les comptera."
    ),
    "check": M("Ligne de contrôle", "Le total moins la somme de ses parts; l'écart est de 0."),
    "weekday.offered": M("Appels reçus", "Selon le jour de la semaine de l'arrivée."),
    "weekday.answered": M("Réponses en personne", "De ces appels, ceux pris par une personne."),
    "weekday.met": M("3e sonnerie : respectées", "De ces appels, ceux où la norme est respectée."),
    "weekday.not_met": M("3e sonnerie : non respectées", "De ces appels, ceux où la norme n'est pas respectée."),
    "half_hour.offered": M("Appels reçus", "Selon la demi-heure de l'arrivée, à l'heure locale."),
    "half_hour.answered": M("Réponses en personne", "De ces appels, ceux pris par une personne."),
    "half_hour.met": M("3e sonnerie : respectées", "De ces appels, ceux où la norme est respectée."),
    "half_hour.not_met": M("3e sonnerie : non respectées", "De ces appels, ceux où la norme n'est pas respectée."),
}

# The requirement of each standard, in one line.
STANDARDS: Mapping[str, str] = {
    "answer_by_third_ring": "Une personne répond avant la fin de la troisième sonnerie que l'appelant entend : en "
    "moins de 18 s, quand une sonnerie dure 6 s. Le menu vocal n'est pas une sonnerie.",
    "voicemail_after_fourth_ring": "De ceux que la messagerie vocale a pris : elle les a pris après la quatrième "
    "sonnerie et avant la fin de la cinquième. Ces appels ne respectent pas la norme de réponse en personne.",
    "one_transfer_at_most": "De ceux qu'une personne a pris : l'appelant n'a pas été réacheminé plus d'une fois.",
    "reach_a_person": "Une personne a répondu à un moment de l'appel. Qui raccroche avant la fin de la troisième "
    "sonnerie, ou au menu vocal, n'est pas visé.",
    "callback_within_24_hours": "De ceux à rappeler : la personne est rappelée dans les 24 heures d'horloge qui "
    "suivent son message; le réglage d'une ligne peut y substituer le jour ouvrable suivant.",
    "bilingual_person": "De ceux demandés en français et pris : une personne qui parle français a été en ligne à "
    "un moment de l'appel.",
    "callback_in_french": "Des messages en français : une personne qui parle français a fait le rappel.",
    "complaint_within_2_business_days": "La plainte est accueillie au plus tard à la fermeture du deuxième jour "
    "ouvrable après sa réception.",
    "complaint_answered_within_15_business_days": "La plainte a reçu une réponse en 15 jours ouvrables ou moins.",
    "feedback_offered": "De ceux qu'une personne a pris : un sondage a été offert à l'appelant.",
}
# The signs that a table shows in place of a number, and their meaning.
SIGNS: tuple[tuple[str, str], ...] = (
    ("s. o.", "Sans objet : il n'y a rien à diviser, ou rien à compter."),
    ("n. d.", "Non disponible : personne n'a pu l'entendre, ou rien ne le dit encore."),
    ("trop peu d'appels", "Moins d'appels jugés que le nombre minimal : aucune comparaison n'en est tirée."),
    ("protégé", "Dans l'édition publique : un petit nombre, ou un nombre dont il pourrait être déduit."),
    ("3 sur 4", "Un taux de moins de 20 appels jugés se lit comme une fraction."),
    ("médiane, 95e centile", "La moitié, ou 95 sur 100, des valeurs ne dépassent pas celle-ci."),
    (
        "Provisoire, définitif",
        "Provisoire : une échéance du mois n'est pas passée, ou un appel n'est pas terminé; des chiffres peuvent "
        "encore changer. Définitif : plus rien du mois n'est en suspens.",
    ),
    (
        "Empreinte",
        "Un code calculé à partir des réglages, ou des données : deux rapports qui ont les mêmes ont été faits "
        "des mêmes. callmon est le logiciel qui a compté ces appels.",
    ),
)

PARTS: Mapping[str, Mapping[str, str]] = {
    "hours": {"open": "heures normales de bureau", "closed": "hors de ces heures", "unknown": "heure inconnue"},
    "heard": {"full": "entièrement entendus", "filled": "complétés", "partly": "entendus en partie"},
    "abandoned_in": {"silence": "dans le silence"},
    "rings_to_answer": {
        **{str(n): f"{n}{'re' if n == 1 else 'e'} sonnerie" for n in range(1, 5)},
        "5+": "5e sonnerie et plus",
        "unknown": "sans sonnerie, ou inconnue",
    },
    "voicemail_when": {"early": "trop tôt", "on_time": "à temps", "late": "trop tard"},
    "voicemail_messages": {"left": "message laissé", "none": "aucun message", "unheard": "message à vérifier"},
    "transfers": {"0": "aucun", "1": "un", "2": "deux", "3+": "trois et plus", "unknown": "indéterminé"},
    "french_at_first_answer": {"yes": "oui", "no": "non", "unknown": "indéterminé"},
    "callbacks_24_hours": {
        "called_back": "rappel fait",
        "attempted": "tentative de rappel à temps",
        "late": "en retard",
        "reached_us": "la personne nous a joints",
        "no_request": "personne n'a demandé de rappel",
        "not_returnable": "rappel impossible",
        "unknown": "indéterminé",
        "not_due": "non échu",
    },
    "verdict": {"not_judged": "sans verdict"},
    "ends": {"median": "médiane", "p95": "95e centile", "longest": "maximum"},
    "check": {
        "outcomes": "appels reçus moins leurs issues",
        "callbacks_24_hours": "rappels à faire moins leurs parts (24 heures)",
        "callbacks_business_day": "rappels à faire moins leurs parts (un jour ouvrable)",
        "calls_offered.service": "appels reçus moins ceux des services",
        "calls_offered.mode": "appels reçus moins ceux des modes",
        "calls_offered.line": "appels reçus moins ceux des lignes",
        "calls_offered.language": "appels reçus moins ceux des langues",
        "callbacks_opened.service": "rappels à faire moins ceux des services",
        "callbacks_opened.mode": "rappels à faire moins ceux des modes",
        "callbacks_opened.line": "rappels à faire moins ceux des lignes",
        "callbacks_opened.language": "rappels à faire moins ceux des langues",
    },
}
SAME_PARTS: Mapping[str, str] = {"redirections": "transfers", "callbacks_business_day": "callbacks_24_hours"}
CUTS: Mapping[str, str] = {
    "whole": "Ensemble",
    "service": "Service",
    "mode": "Mode",
    "line": "Ligne",
    "language": "Langue",
}
UNKNOWN_CUT = "hors de la configuration"
