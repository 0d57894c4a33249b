"""What a person says of a disruption, by a command or on a page: the texts, and how long they may be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from callmon.core.disruptions.entries import Notice

MOST = 300  # characters of a text: boards show no more
TEXTS = ("reason_fr", "reason_en", "alternative_fr", "alternative_en")


def notice(until: datetime | None, texts: Mapping[str, str]) -> Notice:
    """What is said; a text of spaces alone is none, and line ends are spaces."""
    given = {name: " ".join(texts.get(name, "").split())[:MOST] or None for name in TEXTS}
    return Notice(**given, until=until)
