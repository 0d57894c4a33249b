"""The sampling pack: calls of a month, drawn by a printed seed so that an auditor can repeat the draw.

The calls with the smallest SHA-256 of "seed exchange call" are drawn: an auditor can check one without a program.
The result depends on the seed, not on the order of the calls.
"""

from hashlib import sha256

from callmon.config.settings import Settings
from callmon.core.statistics.period import Month
from callmon.features.months import queries as reports
from callmon.features.months.formatter import ReportFormatter
from callmon.store.database import Database
from callmon.store.queries import calls, obligations
from callmon.text.labels import LANGUAGES
from callmon.text.story import story

SIZE = 20
PAGE = "\f"  # form feed: starts the next page on a printer


def packs(store: Database, settings: Settings, month: Month, seed: str) -> dict[str, bytes]:
    """The packs by language: a cover that states how the calls were drawn, then one page for each call.

    Empty if no call of the month is stored.
    """
    with store.snapshot() as connection:
        names = reports.call_names(connection, month.begin, month.end)
    drawn = sorted(names, key=lambda key: sha256(f"{seed} {key[1]} {key[0]}".encode()).digest())[:SIZE]
    found: dict[str, bytes] = {}
    for language in LANGUAGES if drawn else ():
        formatter = ReportFormatter(language, settings.timezone)
        title = formatter.say(
            "Sample: {count} calls drawn of {all}, {month}",
            count=formatter.count(len(drawn)),
            all=formatter.count(len(names)),
            month=formatter.month(month.first),
        )
        how = formatter.say(
            'Each call has a SHA-256 fingerprint, that of the text "seed exchange call"; the smallest are drawn.'
        )
        cover = "\n".join((title, formatter.say("Seed: {seed}", seed=seed), how, ""))
        pages = [_page(store, settings, *key, language) for key in drawn]
        found[language] = PAGE.join((cover, *pages)).encode()
    return found


def _page(store: Database, settings: Settings, call: str, exchange: str, language: str) -> str:
    (stored,) = calls.stored_calls(store, call, exchange)
    return story(stored, settings, language, obligations.ledger_entries(store, call, exchange))
