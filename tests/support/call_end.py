"""Waits until callmon follows no call any more. If one remains, reports it and what the exchange says of it."""

from __future__ import annotations

from callmon.store.opening import open_with_keys
from callmon.store.queries import calls as queries
from tests.lab.exchange import Asterisk
from tests.support.daemon_process import Callmon
from tests.support.store_fixtures import until

LAST_LINES = 15


def until_calls_are_over(exchange: Asterisk, *callmons: Callmon) -> None:
    """Fails with every call that is still in progress."""
    are_over = until(lambda: all(callmon.total("callmon_calls_in_progress") == 0 for callmon in callmons))
    assert are_over, "\n\n".join((*map(_in_progress, callmons), exchange.cli("core show channels concise")))


def _in_progress(callmon: Callmon) -> str:
    """One daemon: its calls by line and state, the facts of those that are stored, its last lines of log."""
    status, page = callmon.get("/metrics")
    shown = [line for line in page.splitlines() if line.startswith("callmon_calls_in_progress")]
    up = [line for line in shown if not line.endswith(" 0.0")]
    log = callmon.log.read_text(encoding="utf-8").splitlines()[-LAST_LINES:]
    return "\n".join((f"{callmon.place}: {status} {callmon.health()}", *up, *_stored_open(callmon), *log))


def _stored_open(callmon: Callmon) -> list[str]:
    store = open_with_keys(callmon.settings())
    try:
        calls = queries.open_calls(store, "toronto")
    finally:
        store.close()
    return [f"{name}: {fact}" for name, call in calls.items() for fact in call.facts]
