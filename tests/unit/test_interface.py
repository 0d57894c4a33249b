"""Settings, commands, metrics, topics, pages, JSON keys and stored tags are those of the frozen list."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest

from callmon.core.facts import Held, tag_of
from callmon.core.outcome import Outcome
from callmon.store.fact_packing import unpack_facts
from callmon.store.row_mapping import Rows
from dev.interface import FROZEN, SECTIONS, UNIONS
from tests.support.store_fixtures import EXCHANGE, START

KNOWN: dict[str, Any] = json.loads(FROZEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("section", SECTIONS)
def test_no_name_that_others_rely_on_has_changed(section: str) -> None:
    assert SECTIONS[section]() == KNOWN[section]


def renamed(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The same class under another name."""
    return msgspec.defstruct("Renamed", (), bases=(kind,), frozen=True, gc=False)


@pytest.mark.parametrize("kind", [kind for union in UNIONS.values() for kind in get_args(union)])
def test_a_class_of_another_name_is_stored_under_the_same_tag(kind: type[msgspec.Struct]) -> None:
    assert tag_of(renamed(kind)) == tag_of(kind)


def test_a_fact_of_a_renamed_class_is_stored_under_its_tag() -> None:
    fact = renamed(Held)("1.0", START, *[None] * (len(Held.__struct_fields__) - 2))
    rows = Rows(1)
    rows.add_items([Outcome(EXCHANGE, (fact,))])  # type: ignore[arg-type]  # it is a fact
    (((_, _, _, _, data),), _) = rows.fact_rows()
    assert [one["type"] for one in json.loads(unpack_facts(data))] == ["Held"]
