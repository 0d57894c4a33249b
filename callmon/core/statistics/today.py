"""Today's figures by line: of the calls that arrived today and have ended, how they ended and the verdicts.

Pure. A call belongs to the local day on which it arrived; one whose arrival is not known belongs to none. A
verdict counts once its call has ended. What an earlier life of callmon stored is given back by `restore`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, tzinfo

from callmon.config.standards import CALL_STANDARDS
from callmon.core.calls.call import OUTCOMES, Call
from callmon.core.outcome import Outcome
from callmon.core.verdicts import VERDICTS, Finding

CallKey = tuple[str, str]  # exchange, call
Figures = dict[str, dict[str, int]]
Ended = tuple[str, Call, tuple[Finding, ...]]


class Today:
    """Told every outcome in order. Holds the verdicts of calls in progress, and two days at most."""

    def __init__(self, timezone: tzinfo) -> None:
        self.timezone = timezone
        self._given: dict[CallKey, list[Finding]] = {}
        self._calls: Counter[tuple[date, str, str]] = Counter()
        self._verdicts: Counter[tuple[date, str, str, str]] = Counter()

    def tell(self, outcome: Outcome) -> list[Ended]:
        """Counts what ended; gives each call that ended with all its verdicts."""
        for finding in outcome.findings:
            if finding.standard in CALL_STANDARDS:  # those of callbacks come when the call is long over
                self._given.setdefault((outcome.exchange, finding.call), []).append(finding)
        return [self._ended(outcome.exchange, call) for call in outcome.calls if not call.test]

    def _ended(self, exchange: str, call: Call) -> Ended:
        given = tuple(self._given.pop((exchange, call.call), ()))
        if call.arrived is not None and call.line is not None and call.direction == "inbound":
            day = self.day(call.arrived)
            self._calls[day, call.line, call.outcome] += 1
            for finding in given:
                self._verdicts[day, call.line, finding.standard, finding.verdict] += 1
        return exchange, call, given

    def begin_anew(self) -> None:
        """Nothing is known: what is stored is restored next."""
        self._given.clear()
        self._calls.clear()
        self._verdicts.clear()

    def restore(
        self, day: date, calls: Mapping[tuple[str, str], int], verdicts: Mapping[tuple[str, str, str], int]
    ) -> None:
        """What was stored of a day: calls by line and outcome, verdicts by line, standard and verdict."""
        self._calls.update({(day, *key): count for key, count in calls.items()})
        self._verdicts.update({(day, *key): count for key, count in verdicts.items()})

    def resume(self, exchange: str, given: Mapping[str, Iterable[Finding]]) -> None:
        """The verdicts that were given on calls in progress, by call."""
        for call, findings in given.items():
            self._given[exchange, call] = [x for x in findings if x.standard in CALL_STANDARDS]

    def day(self, at: datetime) -> date:
        """The local day of this time."""
        return at.astimezone(self.timezone).date()

    def beginning(self, now: datetime) -> datetime:
        """The first moment of the local day."""
        day = self.day(now)
        return datetime(day.year, day.month, day.day, tzinfo=self.timezone)

    def keep(self, exchanges: Iterable[str]) -> None:
        """Forgets calls in progress of exchanges that are watched no longer: their end will not be told."""
        known = set(exchanges)
        self._given = {key: given for key, given in self._given.items() if key[0] in known}

    def forget(self, now: datetime) -> None:
        """Days that are over, but for yesterday: an exchange's clock may be behind ours."""
        first = self.day(now) - timedelta(days=1)
        for counted in (self._calls, self._verdicts):
            for key in [key for key in counted if key[0] < first]:
                del counted[key]

    def calls(self, line: str, now: datetime) -> dict[str, int]:
        """Outcome → calls; every outcome is there."""
        day = self.day(now)
        return {outcome: self._calls[day, line, outcome] for outcome in OUTCOMES}

    def verdicts(self, line: str, now: datetime, standards: Iterable[str]) -> Figures:
        """Standard → verdict → calls; every one of `standards` and every verdict is there."""
        day = self.day(now)
        return {
            standard: {verdict: self._verdicts[day, line, standard, verdict] for verdict in VERDICTS}
            for standard in standards
        }
