"""The monitor's state of one exchange: its configuration, its tracker and the calls in progress. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime

from callmon.config.lines import Line
from callmon.core.calls.account import CallAccount
from callmon.core.calls.endpoints import endpoint
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.calls.listing import ClosedGap
from callmon.core.calls.phone_states import Trunks
from callmon.core.calls.tracker import Tracker
from callmon.core.facts import Arrived

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class LastCalls:
    """Times of the last calls by line (R-30), test calls included; `tests`: of the test callers alone."""

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

    def test_due(self, line: Line) -> datetime | None:
        """When the line's next test call is due. `NEVER` when it was never tested; None when it has no plan."""
        if line.test_call_every is None:
            return None
        last = self.tests.get(line.name)
        return NEVER if last is None else last + line.test_call_every


class ExchangeState:
    """The live state of one exchange: its tracker and the accounts of its calls."""

    def __init__(self, profile: ExchangeProfile) -> None:
        self.profile = profile
        self.tracker = Tracker(profile)
        self.accounts: dict[str, CallAccount] = {}
        self.routes = Trunks()
        self.last_calls = LastCalls()
        self.returned: ClosedGap | None = None  # the last gap, until the disruption detector has processed it

    @property
    def trunks(self) -> tuple[str, ...]:
        """The known trunks, by the names of the configuration."""
        return self.tracker.state.phones.like(self.profile.endpoints.is_trunk)

    def arrived(self, line: Line, fact: Arrived) -> None:
        """Record the trunk and the time of an inbound call of this line."""
        trunk = endpoint(fact.channel)
        self.routes.learn(line.name, trunk, fact.at, self.tracker.state.phones.phone_state(trunk))
        self.tracker.state.phones.registrations.call_came = True
        self.last_calls.record_call(line.name, fact.at, fact.test)
