"""Today's figures by line: outcomes and verdicts of the calls that arrived today and have ended. Pure.

A call belongs to the local day on which it arrived; without a known arrival it belongs to no day. A verdict counts
once its call has ended. `restore` adds the counts that were stored before a restart.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, tzinfo

from callmon.config.standards import CALL_STANDARDS
from callmon.core.calls.call import OUTCOMES, Call, CallKey
from callmon.core.outcome import Outcome
from callmon.core.verdicts import VERDICTS, Finding

Figures = dict[str, dict[str, int]]
Ended = tuple[str, Call, tuple[Finding, ...]]


class Today:
    """Receives every outcome in order. Stores the verdicts of calls in progress, and two days' counts at most."""

    def __init__(self, timezone: tzinfo) -> None:
        self.timezone = timezone
        self._given: dict[CallKey, list[Finding]] = {}
        self._calls: Counter[tuple[date, str, str]] = Counter()
        self._verdicts: Counter[tuple[date, str, str, str]] = Counter()

    def record_outcome(self, outcome: Outcome) -> list[Ended]:
        """Count the ended calls of an outcome. Returns each of them with all its verdicts."""
        for finding in outcome.findings:
            if finding.standard in CALL_STANDARDS:  # verdicts on obligations come long after the call
                self._given.setdefault((outcome.exchange, finding.call), []).append(finding)
        return [self._ended(outcome.exchange, call) for call in outcome.calls if not call.test]

    def _ended(self, exchange: str, call: Call) -> Ended:
        given = tuple(self._given.pop((exchange, call.call), ()))
        if call.arrived is not None and call.line is not None and call.direction == "inbound":
            day = self.local_day(call.arrived)
            self._calls[day, call.line, call.outcome] += 1
            for finding in given:
                self._verdicts[day, call.line, finding.standard, finding.verdict] += 1
        return exchange, call, given

    def clear(self) -> None:
        """Clear all counts and verdicts, before the stored ones are restored."""
        self._given.clear()
        self._calls.clear()
        self._verdicts.clear()

    def restore(
        self, day: date, calls: Mapping[tuple[str, str], int], verdicts: Mapping[tuple[str, str, str], int]
    ) -> None:
        """Add the stored counts of a day: calls by line and outcome, verdicts by line, standard and verdict."""
        self._calls.update({(day, *key): count for key, count in calls.items()})
        self._verdicts.update({(day, *key): count for key, count in verdicts.items()})

    def resume(self, exchange: str, given: Mapping[str, Iterable[Finding]]) -> None:
        """Restore the verdicts given on calls in progress, by call."""
        for call, findings in given.items():
            self._given[exchange, call] = [x for x in findings if x.standard in CALL_STANDARDS]

    def local_day(self, at: datetime) -> date:
        return at.astimezone(self.timezone).date()

    def beginning(self, now: datetime) -> datetime:
        """The first moment of the local day."""
        day = self.local_day(now)
        return datetime(day.year, day.month, day.day, tzinfo=self.timezone)

    def keep(self, exchanges: Iterable[str]) -> None:
        """Drop the calls in progress of exchanges no longer monitored: their end will not be received."""
        known = set(exchanges)
        self._given = {key: given for key, given in self._given.items() if key[0] in known}

    def drop_old_days(self, now: datetime) -> None:
        """Drop all days before yesterday. Yesterday stays, as an exchange's clock may be behind callmon's."""
        first = self.local_day(now) - timedelta(days=1)
        for counted in (self._calls, self._verdicts):
            for key in [key for key in counted if key[0] < first]:
                del counted[key]

    def outcomes(self, line: str, now: datetime) -> dict[str, int]:
        """Outcome → calls; contains every outcome."""
        day = self.local_day(now)
        return {outcome: self._calls[day, line, outcome] for outcome in OUTCOMES}

    def verdicts(self, line: str, now: datetime, standards: Iterable[str]) -> Figures:
        """Standard → verdict → calls; contains every one of `standards` and every verdict."""
        day = self.local_day(now)
        return {
            standard: {verdict: self._verdicts[day, line, standard, verdict] for verdict in VERDICTS}
            for standard in standards
        }
