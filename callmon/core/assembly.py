"""Composition root of the core: builds a monitor from the settings. Opens nothing."""

from collections.abc import Callable
from datetime import datetime

from callmon.config.phone_numbers import e164
from callmon.config.settings import Settings
from callmon.core.calls.site import ExchangeProfile
from callmon.core.monitor import Monitor


def monitor(
    settings: Settings,
    exchange: str | None = None,
    any_line: bool = False,
    every_call: bool = False,
    *,
    token: Callable[[str], str],
) -> Monitor:
    """Build the monitor for all exchanges of the settings.

    `exchange`: build it for this exchange only, to replay a recording; its name need not be configured.
    `token` maps a caller's number to the token that the callback ledger matches by and that is stored.
    The daemon's `token` is a keyed hash. Where nothing is stored (replay, rejudgement), `str` is enough.
    """
    names = list(settings.exchanges) if exchange is None else [exchange]
    sites = {name: ExchangeProfile(settings, name, any_line) for name in names}
    return Monitor(settings, sites, every_call, token=token)


def warm_up(settings: Settings, now: datetime) -> None:
    """Load the modules of the calendar and the number plan (0.25 s) before the first call arrives."""
    for line in settings.lines():
        settings.calendar(line).is_open(now)
    e164("416 555-0100", settings.region)
