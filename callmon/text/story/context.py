"""The context of the sentences about a call: the call, its facts, the start of the caller's clock. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from callmon.core import facts as f
from callmon.core.calls import rings
from callmon.core.calls.call import Call
from callmon.core.facts import AnyFact
from callmon.text.formatter import Formatter


class StoryContext(Formatter):
    """One call, and the formatter of its sentences. `clock` is None if the start of the wait is not known."""

    def __init__(
        self, language: str, timezone: tzinfo, call: Call, facts: Sequence[AnyFact], clock: datetime | None,
        clock_slack: timedelta,
    ) -> None:  # fmt: skip
        super().__init__(language, timezone)
        self.call, self.facts, self.clock, self.clock_slack = call, facts, clock, clock_slack

    def ring_at(self, at: datetime | None, slack: timedelta = f.EXACT) -> int | None:
        """The number of the caller's ring at that time.

        None if the caller heard no ring then, or if the number is not known.
        """
        if at is None or self.clock is None or self.is_by_seconds or self.is_answered_before(at):
            return None
        shortest, longest = at - self.clock - self.clock_slack, at + slack - self.clock
        return rings.rings_between(shortest, longest, self.call.cycle) if longest >= f.EXACT else None

    @property
    def is_by_seconds(self) -> bool:
        return self.call.by_queue or self.call.by_music

    def is_answered_before(self, at: datetime) -> bool:
        return any(isinstance(x, f.Answered) and x.at is not None and x.at + x.slack < at for x in self.facts)
