"""Extracts calls of the past from CEL: the same facts as a backfill has of them.

Refuses: calls whose beginning or end is not in the rows.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo
from itertools import chain

from callmon.backfill.cel import rows
from callmon.backfill.cel.extract import arrival, stretches
from callmon.backfill.cel.rows import ALIASES, EVENTS, CelReader, CelRow
from callmon.backfill.imported.records import RecordReader, Texts, channel_age
from callmon.backfill.job import Backfill
from callmon.core.facts import Fact


class CelRecordReader(RecordReader):
    """Reads lines in the order of writing."""

    source = "cel"
    COLUMNS = ("eventtime", "eventtype", "uniqueid", "linkedid")
    ALIASES = ALIASES
    LAYOUT = rows.COLUMNS

    def __init__(self, work: Backfill, zone: tzinfo, now: datetime) -> None:
        super().__init__(work.profile, CelReader(zone, work.bad), now)
        self._work = work

    def time_of(self, text: str) -> datetime | None:
        row = self._row(text)
        return None if row is None else row.at

    def age_of(self, text: str) -> timedelta | None:
        row = self._row(text)
        return None if row is None else channel_age(row.at, row.uniqueid)

    def _row(self, text: str) -> CelRow | None:
        row = next(CelReader(self.clock.zone).read_lines([text]), None)
        return row if row is not None and row.kind in EVENTS else None

    def whole_calls(self, texts: Texts) -> Iterator[list[Fact]]:
        for part in stretches(self.clock.read_lines(self._counted(chain.from_iterable(texts)))):
            for facts in self._work.calls_of(part).values():
                arrived = arrival(facts)
                if arrived.line is not None or arrived.direction == "outbound":
                    yield facts
                elif arrived.direction == "inbound":
                    self.without_line[arrived.dialled] += 1

    def _counted(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            self.lines += 1
            yield line
