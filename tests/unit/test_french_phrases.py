"""French that readers stumbled over: each phrase was replaced, and none may come back."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READ = (
    *ROOT.glob("callmon/text/locale/*/LC_MESSAGES/*.po"),
    *ROOT.glob("dashboards/grafana/fr/*.json"),
    *ROOT.glob("dashboards/prometheus/*.rules.yml"),
    *ROOT.glob("docs/fr/**/*.md"),
    ROOT / "asterisk/LISEZMOI.md",
    ROOT / "LISEZMOI.md",
)
REPLACED = (
    "Chez la personne : même heure",
    "Il faut dire ce que l'appel a donné",
    "Ce formulaire ne se lit pas",
    "Une heure ne se lit pas",
    "Aucune fiche de ce nom",
    "Aucun appel de ce nom",
    "Aucune perturbation de ce nom",
    "Cette page n'est pas ouverte à votre rôle",
    "donne les rôles",
    "Aucune connexion n'est à faire",
    "Personne n'a encore réglé",
    "si rien n'est dit",
    "Ou fin prévue dans",
    "Remarques du gestionnaire",
    "De ceux que la messagerie vocale a pris",
    "Des appels demandés en français et pris",
    "causes des non-respects",
    "ou rien ne le dit encore",
    "C'est réussi quand",
    "que personne n'a prises en charge",
    "hors du taux",
    "Il faut dire quelles lignes",
    "Il faut dire pourquoi",
    "Dire le résultat",
    "L'appel n'a pas eu lieu maintenant",
    "Le nom de qui demande un numéro",
    "Un autre callmon mène",
    "terminée, selon le personnel",
    "Les appelants ne sont personne",
    "Un « réglé » n'est pas envoyé",
    "callmon ne les dit plus",
    "ce qui a été refusé repart",
    "elle n'en remplace aucune",
    "deux rapports qui ont les mêmes",
    "sonneries au plus",
    "qui raccroche après tant de sonneries",
    "La page du mois a les autres formats",
    "celle d'une collègue absente",
    "germe",
    "Conclusions qui attendent",
    "autocommutateur ?",
)


@pytest.mark.parametrize("phrase", REPLACED)
def test_no_text_has_a_french_phrase_that_was_replaced(phrase: str) -> None:
    assert [str(path.relative_to(ROOT)) for path in READ if phrase in path.read_text(encoding="utf-8")] == []
