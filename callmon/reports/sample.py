"""The sampling pack: calls of a month, drawn by a printed seed so that an auditor can repeat the draw.

The calls with the smallest SHA-256 of "seed exchange call" are drawn: an auditor can check one without a program.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from callmon.core.statistics.period import Month
from callmon.reports.formatter import ReportFormatter
from callmon.store.queries import calls, obligations, reports
from callmon.text.story import story

if TYPE_CHECKING:
    from callmon.config.settings import Settings
    from callmon.store.database import Database

SIZE = 20
PAGE = "\f"  # form feed: starts the next page on a printer
CallKey = tuple[str, str]  # call, exchange


def drawn(calls: Iterable[CallKey], seed: str, size: int = SIZE) -> list[CallKey]:
    """Draw `size` calls; the result depends on the seed, not on the order of `calls`."""
    return sorted(calls, key=lambda key: sha256(f"{seed} {key[1]} {key[0]}".encode()).digest())[:size]


def pack(pages: list[str], offered: int, seed: str, month: Month, tongue: ReportFormatter) -> bytes:
    """A cover page that states how the calls were drawn, then one page for each call."""
    say = tongue.say
    title = say(
        "Échantillon : {count} appels tirés de {all}, {month}",
        count=tongue.count(len(pages)), all=tongue.count(offered), month=tongue.month(month.first),
    )  # fmt: skip
    how = say(
        "Chaque appel a une empreinte SHA-256, celle du texte « graine autocommutateur appel »; les plus petites "
        "sont tirées."
    )
    cover = "\n".join((title, say("Graine du tirage : {seed}", seed=seed), how, ""))
    return PAGE.join((cover, *pages)).encode()


def packs(store: Database, settings: Settings, month: Month, seed: str) -> dict[str, bytes]:
    """The packs by language; empty if no call of the month is stored."""
    with store.snapshot() as connection:
        names = reports.call_names(connection, month.begin, month.end)
    chosen = drawn(names, seed)
    found: dict[str, bytes] = {}
    if not chosen:
        return found
    for language in ("fr", "en"):
        pages = [_page(store, settings, *key, language) for key in chosen]
        tongue = ReportFormatter(language, settings.timezone)
        found[language] = pack(pages, len(names), seed, month, tongue)
    return found


def _page(store: Database, settings: Settings, call: str, exchange: str, language: str) -> str:
    (stored,) = calls.stored_calls(store, call, exchange)
    return story(stored, settings, language, obligations.ledger_entries(store, call, exchange))


def pack_path(output: Path | None, month: Month, language: str) -> Path:
    """The path of a pack: `output`, or a default name in the current folder, with the language added."""
    path = output or Path(f"callmon-{month.name}-sample.txt")
    return path.with_name(f"{path.stem}-{language}{path.suffix}")
