"""An exchange whose devices and connection change, and a callmon that checks it each second, without any I/O.

Everything that a store would store is stored as bytes, so that callmon can be stopped and restarted at any
moment.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from callmon.ami import events as e
from callmon.config.settings import Settings
from callmon.core.disruptions.commands import DisruptionCommand
from callmon.core.disruptions.disruption import AnyEntry, Disruption
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.store.writer.outbox import decode_items, encode_item
from tests.support.ami_builders import settings

TRUNK = "PJSIP/trunk"
SECOND = timedelta(seconds=1)
PHONES = 'numbers = ["416 327-2422"]'


def site(*phones: str, **replaced: str) -> Settings:
    """The shipped example, with these phones on the line `general`."""
    named = ", ".join(f'"{phone}"' for phone in phones)
    return settings({PHONES: f"{PHONES}\nextensions = [{named}]", **replaced})


class SimulatedExchange:
    """One exchange, one callmon; `now` is the time of both clocks."""

    def __init__(self, now: datetime, given: Settings | None = None) -> None:
        self.settings = given or site("101", "102")
        self.monitor = Monitor(self.settings, "toronto", token=str)
        self.now = now
        self.outcomes: list[Outcome] = []
        self.entries: list[AnyEntry] = []
        self.kept: dict[str, Disruption] = {}
        self._hands = self._calls = 0
        self._up_since = now - timedelta(days=1)

    # Events of the exchange.

    def feed(self, *events: e.Event) -> SimulatedExchange:
        for event in events:
            outcome = self.monitor.feed("toronto", event)
            if outcome is not None:
                self._keep(outcome)
        return self

    def listed(self, **devices: str) -> SimulatedExchange:
        """The exchange logs callmon in, reports its uptime, and lists its devices and channels."""
        uptime = str(int((self.now - self._up_since).total_seconds()))
        self.feed(e.FullyBooted(self.now, uptime))
        self.feed(
            *(e.DeviceStateChange("", f"PJSIP/{name.lstrip('_')}", state) for name, state in devices.items())
        )
        return self.feed(e.CoreShowChannelsComplete(self.now), e.StatusComplete(self.now))

    def device(self, name: str, state: str) -> SimulatedExchange:
        return self.feed(e.DeviceStateChange(self.now, f"PJSIP/{name}", state))

    def call(self, number: str = "4163272422", trunk: str = TRUNK, ended: bool = True) -> SimulatedExchange:
        """A caller dials a public number, and hangs up at once."""
        self._calls += 1
        uniqueid = f"{int(self.now.timestamp())}.{self._calls}"
        self.feed(
            e.Newchannel(
                self.now, f"{trunk}-{self._calls:08x}", "4", "4165550101", "", "en", "", number, uniqueid, uniqueid
            )
        )
        return self.feed(e.Hangup(self.now, "en", "", number, uniqueid, "16")) if ended else self

    def shut_down(self) -> SimulatedExchange:
        return self.feed(e.Shutdown(self.now)).lose()

    def lose(self) -> SimulatedExchange:
        return self.feed(e.ConnectionLost(self.now))

    def boot(self) -> SimulatedExchange:
        self._up_since = self.now
        return self

    # Time, and people's actions.

    def passes(self, seconds: float) -> SimulatedExchange:
        """Time passes; callmon checks at each second."""
        for _ in range(round(seconds)):
            self.now += SECOND
            self.look()
        return self

    def at(self, now: datetime) -> SimulatedExchange:
        self.now = now
        return self.look()

    def look(self) -> SimulatedExchange:
        for outcome in self.monitor.tick(self.now, {"toronto": self.now}):
            self._keep(outcome)
        return self

    def hand(self, action: str, disruption: str = "", **more: Any) -> SimulatedExchange:
        self._hands += 1
        hand = DisruptionCommand(
            n=self._hands, at=self.now, actor="m.tremblay", action=action, disruption=disruption, **more
        )  # type: ignore[arg-type]
        for outcome in self.monitor.apply_disruption_command(hand, self.kept.get(disruption)):
            self._keep(outcome)
        return self

    def restart(self) -> SimulatedExchange:
        """callmon is stopped and restarted, with what was stored."""
        self.monitor = Monitor(self.settings, "toronto", token=str)
        self.monitor.disruptions.register.restore(one for one in self.kept.values() if one.is_live)
        self.monitor.restore("toronto", self.now, {}, {})
        return self

    def _keep(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        (reported,) = decode_items(b"\xdd\x00\x00\x00\x01" + encode_item(outcome))  # as the writer has it
        assert isinstance(reported, Outcome)
        for noted in reported.disruptions:
            self.entries.append(noted.entry)
            self.kept[noted.disruption.id] = noted.disruption

    # Queries.

    def one(self) -> Disruption:
        (found,) = self.kept.values()
        return found

    def story(self) -> list[str]:
        return [type(entry).__name__ for entry in self.entries]
