"""The sampling pack: some calls of a month drawn by a printed seed, so that an auditor can draw them again. Pure.

Those are drawn whose SHA-256 of seed, exchange and call is smallest: no program is needed to check one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from callmon.core.statistics.period import Month
from callmon.reports.formatter import Tongue

SIZE = 20
PAGE = "\f"  # a printer's next page
CallKey = tuple[str, str]  # call, exchange


def drawn(calls: Iterable[CallKey], seed: str, size: int = SIZE) -> list[CallKey]:
    """The same for the same seed, in whatever order the calls come."""
    return sorted(calls, key=lambda key: sha256(f"{seed} {key[1]} {key[0]}".encode()).digest())[:size]


def pack(pages: list[str], offered: int, seed: str, month: Month, tongue: Tongue) -> bytes:
    """A page that says what was drawn, then a page a call."""
    say = tongue.say
    title = say(
        "Échantillon : {count} appels tirés de {all}, {month}",
        count=tongue.count(len(pages)), all=tongue.count(offered), month=tongue.month(month.first),
    )  # fmt: skip
    how = say(
        "Chaque appel a une empreinte SHA-256, celle du texte « graine autocommutateur appel »; les plus "
        "petites sont "
        "tirées."
    )
    cover = "\n".join((title, say("Graine du tirage : {seed}", seed=seed), how, ""))
    return PAGE.join((cover, *pages)).encode()
