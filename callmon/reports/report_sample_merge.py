"""What `callmon report MONTH --sample SEED` writes: the sampling pack, a story a call, without numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from callmon.reports import sample
from callmon.reports.formatter import Tongue
from callmon.store.queries import calls, obligations, reports
from callmon.text.story import story

if TYPE_CHECKING:
    from callmon.config.settings import Settings
    from callmon.core.statistics.period import Month
    from callmon.store.database import Store


def packs(store: Store, settings: Settings, month: Month, seed: str) -> dict[str, bytes]:
    """By language; none where no call is stored to draw from."""
    with reports.snapshot(store) as connection:
        names = reports.names(connection, month.begin, month.end)
    drawn = sample.drawn(names, seed)
    found: dict[str, bytes] = {}
    if not drawn:
        return found
    for language in ("fr", "en"):
        pages = [_page(store, settings, *key, language) for key in drawn]
        tongue = Tongue(language, settings.timezone)
        found[language] = sample.pack(pages, len(names), seed, month, tongue)
    return found


def _page(store: Store, settings: Settings, call: str, exchange: str, language: str) -> str:
    (stored,) = calls.call(store, call, exchange)
    return story(stored, settings, language, obligations.entries(store, call, exchange))


def named(output: Path | None, month: Month, language: str) -> Path:
    """Where it goes, when no FILE is named beside the report."""
    path = output or Path(f"callmon-{month.name}-sample.txt")
    return path.with_name(f"{path.stem}-{language}{path.suffix}")
