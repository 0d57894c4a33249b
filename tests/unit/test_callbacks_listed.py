"""The list that whoever is on call reads at night, in both languages, as it is printed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from callmon.config.phone_numbers import NO_BREAK
from callmon.core.callbacks.obligation import Obligation
from callmon.store.queries.obligations import WorklistItem
from callmon.text.lists import WIDTH, CallbackList
from tests.support.fact_builder import CALLER, OTHER, Office, local, usual
from tests.unit.test_callbacks_settled import SERVING, complained

NIGHT = local("2026-11-24 22:14")


def an_evening() -> list[WorklistItem]:
    """What has come together by a quarter past ten at night."""
    office = Office(SERVING)
    office.hear(
        office.message(local("2026-11-23 16:45"), CALLER, language="fr"),
        office.message(local("2026-11-24 09:00"), CALLER),
        office.call_out(None, rang_at=local("2026-11-24 18:12"), rang=30, phone="102"),
        office.message(local("2026-11-24 10:30"), OTHER, "poci-toll-free", language="en"),
        office.message(local("2026-11-24 15:00"), None, withheld="withheld"),
        office.message(local("2026-11-24 20:00"), "+14165550103", "tty"),
    ).hand("mark", local("2026-11-24 18:20"), "1700000001.0", cautions=("no_message", "not_safe"))
    office.tick(NIGHT)
    made = complained(local("2026-11-24 11:00")).one()
    friday = Office().hear(Office().message(local("2026-11-20 18:00"), "+14165550104")).one()
    return [*(listed(one) for one in office.kept.values()), listed(made), listed(friday)]


def listed(one: Obligation) -> WorklistItem:
    return WorklistItem(one, one.token, None)


FRENCH = """\
24 novembre 2026, 22 h 14
Fermé : n’appelez pas le public avant mercredi 8 h 30.

Rappels à faire : 4

    Aucune heure d’ouverture avant l’échéance (samedi 18 h) : à faire dès
    l’ouverture
    Renseignements généraux, Toronto
    416 555-0104
    Message vocal, vendredi 18 h
    Fiche 1700000001.0

  ■ EN RETARD de 5 h 29 : était à faire avant mardi 16 h 45
    Renseignements généraux, Toronto · demande en français
    !! Ne pas laisser de message !!
    !! Numéro non sûr : quelqu’un d’autre peut répondre !!
    416 555-0101
    Message vocal, lundi 16 h 45 · 2 messages · tentatives : 1, la dernière
    mardi 18 h 12
    Fiche 1700000001.0

  ▲ Il reste 12 h 16 : à faire avant mercredi 10 h 30
    POCI, sans frais · demande en anglais
    416 555-0102
    Message vocal, mardi 10 h 30
    Fiche 1700000004.0

    Il reste 18 h 46 : à faire avant mercredi 17 h
    ATS, Toronto
    416 555-0103 (téléimprimeur)
    Message vocal, mardi 20 h
    Fiche 1700000006.0

Plaintes à traiter : 1

    Il reste 1 j 18 h : à faire avant jeudi 17 h
    Renseignements généraux, Toronto
    416 555-0101
    Plainte consignée pendant l’appel, mardi 11 h
    Fiche 1700000001.0-complaint

Rappel impossible, message à écouter : 1

    Reçu mardi 15 h
    Renseignements généraux, Toronto
    Numéro confidentiel
    Message vocal, mardi 15 h
    Fiche 1700000005.0
"""
ENGLISH = """\
24 November 2026, 10:14 p.m.
Closed: do not call the public before Wednesday 8:30 a.m.

Callbacks to make: 4

    No opening hour before it is due (Saturday 6 p.m.): to be done at opening
    General inquiries, Toronto
    416-555-0104
    Voicemail message, Friday 6 p.m.
    Entry 1700000001.0

  ■ OVERDUE by 5 h 29: was to be done before Tuesday 4:45 p.m.
    General inquiries, Toronto · asked for in French
    !! Do not leave a message !!
    !! Number not safe: somebody else may answer !!
    416-555-0101
    Voicemail message, Monday 4:45 p.m. · 2 messages · attempts: 1, the last
    Tuesday 6:12 p.m.
    Entry 1700000001.0

  ▲ 12 h 16 left: to be done before Wednesday 10:30 a.m.
    OINP, toll-free · asked for in English
    416-555-0102
    Voicemail message, Tuesday 10:30 a.m.
    Entry 1700000004.0

    18 h 46 left: to be done before Wednesday 5 p.m.
    TTY, Toronto
    416-555-0103 (teletypewriter)
    Voicemail message, Tuesday 8 p.m.
    Entry 1700000006.0

Complaints to deal with: 1

    1 d 18 h left: to be done before Thursday 5 p.m.
    General inquiries, Toronto
    416-555-0101
    Complaint marked during the call, Tuesday 11 a.m.
    Entry 1700000001.0-complaint

Cannot be called back, message to listen to: 1

    Received Tuesday 3 p.m.
    General inquiries, Toronto
    Number withheld
    Voicemail message, Tuesday 3 p.m.
    Entry 1700000005.0
"""


@pytest.mark.parametrize(("language", "expected"), [("fr", FRENCH), ("en", ENGLISH)])
def test_the_list_as_it_is_printed(language: str, expected: str) -> None:
    text = CallbackList(usual(), language, NIGHT).text(an_evening()).replace(NO_BREAK, " ")
    assert text + "\n" == expected


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_line_is_wider_than_80_columns(language: str) -> None:
    text = CallbackList(usual(), language, NIGHT + timedelta(days=9)).text(an_evening())
    assert [line for line in text.splitlines() if len(line) > WIDTH] == []
