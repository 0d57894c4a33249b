"""What `callmon report MONTH --sample SEED` writes: the sampling pack, a story a call, without numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from callmon.reports import sample as sampling
from callmon.reports.formatter import Tongue
from callmon.store.queries import calls as queries
from callmon.store.queries import obligations as ledger
from callmon.store.queries import reports as reported
from callmon.text.story import story

if TYPE_CHECKING:
    from callmon.config.settings import Settings
    from callmon.reports.model import Month
    from callmon.store.database import Store


def packs(store: Store, settings: Settings, month: Month, seed: str) -> dict[str, bytes]:
    """By language; none where no call is stored to draw from."""
    with reported.snapshot(store) as connection:
        names = reported.names(connection, month.begin, month.end)
    drawn = sampling.drawn(names, seed)
    found: dict[str, bytes] = {}
    if not drawn:
        return found
    for language in ("fr", "en"):
        pages = [_page(store, settings, *key, language) for key in drawn]
        tongue = Tongue(language, settings.timezone)
        found[language] = sampling.pack(pages, len(names), seed, month, tongue)
    return found


def _page(store: Store, settings: Settings, call: str, exchange: str, language: str) -> str:
    (stored,) = queries.call(store, call, exchange)
    return story(stored, settings, language, ledger.entries(store, call, exchange))


def named(output: Path | None, month: Month, language: str) -> Path:
    """Where it goes, when no FILE is named beside the report."""
    path = output or Path(f"callmon-{month.name}-sample.txt")
    return path.with_name(f"{path.stem}-{language}{path.suffix}")
