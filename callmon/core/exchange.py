"""The monitor's state of one exchange: its configuration, its tracker and the calls in progress. Pure."""

from callmon.config.lines import Line
from callmon.core.calls.account import CallAccount
from callmon.core.calls.endpoints import endpoint
from callmon.core.calls.listing import ClosedGap
from callmon.core.calls.site import ExchangeProfile
from callmon.core.calls.tracker import Tracker
from callmon.core.calls.trunks import Trunks
from callmon.core.facts import Arrived
from callmon.core.last_calls import LastCalls


class ExchangeState:
    """The live state of one exchange: its tracker and the accounts of its calls."""

    def __init__(self, site: ExchangeProfile) -> None:
        self.site = site
        self.tracker = Tracker(site)
        self.accounts: dict[str, CallAccount] = {}
        self.routes = Trunks()
        self.last_calls = LastCalls()
        self.returned: ClosedGap | None = None  # the last gap, until the disruption detector has processed it

    @property
    def trunks(self) -> tuple[str, ...]:
        """The known trunks, by the names of the configuration."""
        return self.tracker.state.phones.like(self.site.endpoints.is_trunk)

    def arrived(self, line: Line, fact: Arrived) -> None:
        """Record the trunk and the time of an inbound call of this line."""
        trunk = endpoint(fact.channel)
        self.routes.learn(line.name, trunk, fact.at, self.tracker.state.phones.phone_state(trunk))
        self.tracker.state.phones.registrations.call_came = True
        self.last_calls.record_call(line.name, fact.at, fact.test)
