"""What a callmon that stands by says of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from callmon.ami import events as e
from callmon.daemon.standby import LEARNS, STANDS_BY, Standby
from tests.support.simulated_exchange import SimulatedExchange

TUESDAY = datetime(2026, 11, 24, 15, tzinfo=UTC)
LISTED = (e.CoreShowChannelsComplete(TUESDAY), e.StatusComplete(TUESDAY))


def beside_another(heard: SimulatedExchange) -> Standby:
    """Of a callmon that hears this exchange, and another has the right to write."""
    links = {"toronto": SimpleNamespace(heard_until=lambda: TUESDAY)}
    daemon: Any = SimpleNamespace(
        writer=SimpleNamespace(stands_by=True, holder=""),
        monitor=heard.monitor,
        settings=SimpleNamespace(exchanges={"toronto": None}),
        exchange_tasks=links,
        links=lambda: links,
    )
    return Standby(daemon, cast("Any", None))


def test_who_has_not_listed_an_exchange_claims_no_missed_time() -> None:
    heard = SimulatedExchange(TUESDAY)
    standby = beside_another(heard)
    assert standby.standby_remarks() == [STANDS_BY, LEARNS]
    heard.feed(*LISTED)
    assert standby.standby_remarks() == [STANDS_BY, LEARNS]
