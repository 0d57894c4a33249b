"""The policy's own words for each promise, and their section. The French is the source.

The English translation beside it is callmon's own (context "policy" of the catalogue) and is marked as such.
"""

from typing import NamedTuple


class Quote(NamedTuple):
    """`words` as the policy has them; `place` is its section."""

    words: str
    place: str


_BY_TELEPHONE = "Demandes par téléphone"
_ANNEX = "Annexe 1"
_BILINGUAL = "nous vous donnons la possibilité de parler avec un représentant du personnel bilingue"

QUOTES: dict[str, Quote] = {
    "answer_by_third_ring": Quote(
        "nous répondons à vos appels au plus tard après la troisième sonnerie", _BY_TELEPHONE
    ),
    "voicemail_after_fourth_ring": Quote(
        "il peut parfois arriver que votre appel soit réacheminé vers notre système de messagerie vocale "
        "après une quatrième sonnerie",
        "Annexe 1, note *",
    ),
    "one_transfer_at_most": Quote("à ce que votre appel ne soit pas réacheminé plus d'une fois", _ANNEX),
    "reach_a_person": Quote("à avoir toujours la possibilité de joindre une personne", _ANNEX),
    "callback_within_24_hours": Quote("à ce que l'on vous rappelle dans les 24 heures", _ANNEX),
    "bilingual_person": Quote(_BILINGUAL, _BY_TELEPHONE),
    "callback_in_french": Quote(_BILINGUAL, _BY_TELEPHONE),
    "complaint_within_2_business_days": Quote(
        "plaintes logées en personne ou par téléphone soient accueillies dans les deux jours ouvrables", _ANNEX
    ),
    "complaint_answered_within_15_business_days": Quote(
        "une réponse dans un délai de 15 jours ouvrables ou moins", "Rétroaction"
    ),
    "feedback_offered": Quote(
        "l'occasion de donner une rétroaction sur notre service après chaque interaction", _ANNEX
    ),
}
