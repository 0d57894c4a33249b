"""When an exchange is shown as heard: not by its login, only by its whole listing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from callmon.ami import events as e
from callmon.daemon import exchanges
from tests.support.simulated_exchange import SimulatedExchange

TUESDAY = datetime(2026, 11, 24, 15, tzinfo=UTC)
LISTED = (e.CoreShowChannelsComplete(TUESDAY), e.StatusComplete(TUESDAY))


class ConnectedExchange:
    """An exchange that is logged in, as /metrics shows it."""

    def __init__(self) -> None:
        self.heard = SimulatedExchange(TUESDAY)
        logged_in: Any = SimpleNamespace(
            name="toronto", is_connected=True, was_connected=True, link=None, events=0, dropped=0, unusable=0
        )
        self.exchange_task = exchanges.ExchangeTask(logged_in, cast("Any", None), cast("Any", None))

    def shown(self, events: Sequence[e.Event]) -> bool:
        self.heard.feed(*events)
        self.exchange_task.record_events(events, self.heard.monitor)
        return self.exchange_task.status(self.heard.monitor).connected


def test_who_is_logged_in_is_not_received_until_its_listing_is_whole() -> None:
    site = ConnectedExchange()
    steps = ([e.FullyBooted(TUESDAY, "100")], [*LISTED[:1]], [*LISTED[1:]])
    assert [site.shown(step) for step in steps] == [False, False, True]


def test_an_exchange_lost_and_back_is_unreceived_until_it_has_listed() -> None:
    site = ConnectedExchange()
    steps = (LISTED, [e.ConnectionLost(TUESDAY)], [e.FullyBooted(TUESDAY, "100")], LISTED)
    assert [site.shown(step) for step in steps] == [True, False, False, True]
