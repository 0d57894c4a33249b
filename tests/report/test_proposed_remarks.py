"""The remarks that the disruptions of a month propose: what, when and why, in each language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from callmon.config.phone_numbers import NO_BREAK
from callmon.core.disruptions.disruption import Disruption, Notice
from callmon.core.statistics import period
from callmon.features.months.proposals import MOST, proposed
from tests.support import year
from tests.support.year import TORONTO

MAY = period.month("2024-05", TORONTO)
LATER = datetime(2024, 6, 3, tzinfo=UTC)
BEGAN = datetime(2024, 5, 23, 14, 40, tzinfo=UTC)
HOUR = timedelta(hours=1)


def disruption(began: datetime, hours: float | None, **more: object) -> Disruption:
    given = {
        "source": "trunk",
        "lines": ("tty",),
        "ended": None if hours is None else began + hours * HOUR,
        "how": "over",
    } | more
    return Disruption(id="x", exchange="toronto", what="", began=began, **given)  # type: ignore[arg-type]


def said(*disruptions: Disruption, language: str = "en", now: datetime = LATER) -> str:
    return proposed(disruptions, year.settings(), MAY, language, now).replace(NO_BREAK, " ")


def test_a_disruption_is_a_sentence_with_its_lines_times_and_reason() -> None:
    notice = Notice(reason_fr="panne du fournisseur", reason_en="the provider's failure.")
    found = disruption(BEGAN, 2.5, lines=("general", "tty", "gone"), notice=notice)
    assert said(found) == (
        "General inquiries, Toronto; TTY, Toronto; gone: disruption from 23 May 2024 at 10:40 a.m. to "
        "23 May 2024 at 1:10 p.m. Reason: the provider's failure."
    )
    assert said(found, language="fr") == (
        "Renseignements généraux, Toronto; ATS, Toronto; gone : perturbation du 23 mai 2024 à 10 h 40 au "
        "23 mai 2024 à 13 h 10. Motif : panne du fournisseur."
    )
    assert said(disruption(BEGAN, None, notice=Notice(reason_fr="panne"))) == (
        "TTY, Toronto: disruption since 23 May 2024 at 10:40 a.m."
    )


def test_what_was_no_disruption_of_the_month_proposes_nothing() -> None:
    assert said() == ""
    assert said(disruption(BEGAN, 1, how="measuring"), disruption(BEGAN, 1, how="cancelled")) == ""
    assert said(disruption(MAY.begin - 2 * HOUR, 2), disruption(MAY.end, 2)) == ""
    assert said(disruption(BEGAN, None, source="work"), now=BEGAN - HOUR) == ""


def test_the_longest_are_proposed_in_the_order_of_their_beginnings() -> None:
    lengths = [5, 1, 3, 4]
    found = [disruption(BEGAN + timedelta(days=n), hours) for n, hours in enumerate(lengths)]
    days = [part.partition(" May")[0] for part in said(*found).split("from ")[1:]]
    assert (days, len(days)) == (["23", "25", "26"], MOST)
