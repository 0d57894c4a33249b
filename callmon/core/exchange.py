"""The monitor's state of one exchange: its configuration, its tracker and the calls in progress. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from callmon.config.lines import Line, Lines
from callmon.config.staff import NOBODY, StaffLanguages
from callmon.core.calls.account import Account
from callmon.core.calls.endpoints import Endpoints, endpoint
from callmon.core.calls.gap import ClosedGap
from callmon.core.calls.tracker import Tracker
from callmon.core.disruptions.trunks import Trunks
from callmon.core.facts import Arrived
from callmon.core.last_calls import LastCalls


class ExchangeProfile:
    """The configuration of one exchange (the tracker's `ExchangeInfo`)."""

    def __init__(
        self,
        lines: Lines,
        trunks: Iterable[str] = (),
        phones: Iterable[str] = (),
        voicemail_contexts: Iterable[str] = (),
        region: str = "CA",
        any_line: bool = False,
        parking_extensions: Iterable[str] = (),
        survey_extensions: Iterable[str] = (),
        queue_languages: Mapping[str, str] | None = None,
        relay_numbers: Iterable[str] = (),
        staff: StaffLanguages = NOBODY,
        dial_prefixes: Iterable[str] = (),
        test_callers: Iterable[str] = (),
    ) -> None:
        self.test_callers = frozenset(test_callers)
        self.dial_prefixes = tuple(dial_prefixes)
        self.parking_extensions = frozenset(parking_extensions)
        self.survey_extensions = frozenset(survey_extensions)
        self.queue_languages: Mapping[str, str] = queue_languages or {}
        self.relay_numbers = frozenset(relay_numbers)
        self.staff = staff
        self.endpoints = Endpoints(tuple(trunks), tuple(phones))
        self.region = region
        self.any_line = any_line
        self.voicemail_contexts = frozenset(voicemail_contexts)
        self.mailboxes = frozenset(box.partition("@")[0] for line in lines for box in line.mailboxes)
        self.lines = lines

    def line(self, dialled: str) -> Line | None:
        """The line of this number; with `any_line`, a line created for an unknown number."""
        line = self.lines.at(dialled)
        if line is None and self.any_line and dialled:
            return Line(name=dialled, mode="voice", service=dialled, title_fr=dialled, title_en=dialled)
        return line


class ExchangeState:
    """The live state of one exchange: its tracker and the accounts of its calls."""

    def __init__(self, site: ExchangeProfile) -> None:
        self.site = site
        self.tracker = Tracker(site)
        self.accounts: dict[str, Account] = {}
        self.routes = Trunks()
        self.last_calls = LastCalls()
        self.returned: ClosedGap | None = None  # the last gap, until the disruption detector has processed it

    @property
    def lines(self) -> Lines:
        return self.site.lines

    @property
    def trunks(self) -> tuple[str, ...]:
        """The known trunks, by the names of the configuration."""
        return self.tracker.state.phones.like(self.site.endpoints.is_trunk)

    def arrived(self, line: Line, fact: Arrived) -> None:
        """Record the trunk and the time of an inbound call of this line."""
        trunk = endpoint(fact.channel)
        self.routes.learn(line.name, trunk, fact.at, self.tracker.state.phones.state(trunk))
        self.tracker.state.phones.registrations.a_call_came()
        self.last_calls.record_call(line.name, fact.at, fact.test)
