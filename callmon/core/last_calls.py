"""Time of the last call and the last test call of each line: a line without calls may be dead (R-30). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from callmon.config.lines import Line

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class LastCalls:
    """Times by line. `tests`: calls of the configured test callers. `calls` includes them, as the line works."""

    def __init__(self) -> None:
        self.calls: dict[str, datetime] = {}
        self.tests: dict[str, datetime] = {}

    def record_call(self, line: str, at: datetime | None, test: bool) -> None:
        if at is not None:
            self.calls[line] = max(at, self.calls.get(line, at))
            if test:
                self.tests[line] = max(at, self.tests.get(line, at))

    def restore(self, calls: Mapping[str, datetime], tests: Mapping[str, datetime]) -> None:
        for line, at in calls.items():
            self.record_call(line, at, test=False)
        for line, at in tests.items():
            self.record_call(line, at, test=True)

    def and_of(self, others: Iterable[LastCalls]) -> LastCalls:
        both = LastCalls()
        for source in (self, *others):
            both.restore(source.calls, source.tests)
        return both

    def test_due(self, line: Line) -> datetime | None:
        """When the line's next test call is due. `NEVER` when it was never tested; None when it has no plan."""
        if line.test_call_every is None:
            return None
        last = self.tests.get(line.name)
        return NEVER if last is None else last + line.test_call_every
