"""What an import says before it begins: what was found, how long it takes, what each month will be able to tell.

Pure. Refuses: to promise more than the records of a month hold.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import ceil

from callmon.backfill.imported.job import NAMES, Days, Import, Source, span_of
from callmon.config.settings import Settings
from callmon.errors import Sentence

HOLDS: Mapping[str, Sentence] = {
    "cel": Sentence("CEL tells nearly all that callmon hears; no messages and no holds."),
    "queue_log": Sentence(
        "queue_log tells the wait, the outcome and transfers; no rings, and nothing before the queue."
    ),
    "cdr": Sentence("CDR tells who was answered, busy or taken by voicemail; no rings, no waits, no transfers."),
}
# Lines that one idle processor reads in a second (`bench/past.py`).
SPEED: Mapping[str, int] = {"cel": 38_000, "queue_log": 17_000, "cdr": 6_000}
Found = Sequence[tuple[Import, Sequence[Source]]]


def plan(found: Found, settings: Settings, now: datetime, days: Days) -> Iterator[list[Sentence]]:
    """Lines of sentences: each record with its days; the time that the import takes; each month, oldest first."""
    zone = settings.timezone
    reaches: dict[str, list[tuple[date, date]]] = {}
    for job, sources in found:
        ends = min(x.first for x in sources), max(x.last for x in sources)
        first, last = (at.astimezone(zone).date() for at in ends)
        reaches.setdefault(job.kind, []).append((first, last))
        yield [Sentence("{record} from {first} to {last}.", record=NAMES[job.kind], first=first, last=last)]
    seconds = sum(x.size / SPEED[job.kind] for job, sources in found for x in sources)
    yield [Sentence("The import takes about {count} min.", count=ceil(seconds / 60))]
    begin, end = span_of(settings, now, days)
    since, until = begin.astimezone(zone).date(), (end - timedelta(microseconds=1)).astimezone(zone).date()
    oldest = min(first for some in reaches.values() for first, _ in some)
    for month in _months(max(since, oldest), until):
        after = (month + timedelta(days=31)).replace(day=1)
        tells = [HOLDS[x] for x in HOLDS if any(a < after and b >= month for a, b in reaches.get(x, ()))]
        if tells:
            yield [Sentence("{month}:", month=f"{month:%Y-%m}"), *tells]


def _months(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = (month + timedelta(days=31)).replace(day=1)
