"""The list that whoever is on call reads at night, in both languages, as it is printed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from callmon.config.phone_numbers import NO_BREAK
from callmon.core.callbacks.obligation import Obligation
from callmon.store.queries.obligations import WorklistItem
from callmon.text.lists import WIDTH, CallbackList
from tests.support.fact_builder import CALLER, OTHER, Office, local, usual
from tests.unit.test_callbacks_settled import SERVING, complained

NIGHT = local("2026-11-24 22:14")
LISTS = Path(__file__).parents[1] / "data" / "worklist"


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


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_list_as_it_is_printed(language: str) -> None:
    text = CallbackList(usual(), language, NIGHT).text(an_evening()).replace(NO_BREAK, " ")
    assert text + "\n" == (LISTS / f"evening.{language}.txt").read_text("utf-8")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_line_is_wider_than_80_columns(language: str) -> None:
    text = CallbackList(usual(), language, NIGHT + timedelta(days=9)).text(an_evening())
    assert [line for line in text.splitlines() if len(line) > WIDTH] == []
