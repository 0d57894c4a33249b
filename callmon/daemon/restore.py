"""Restores the daemon's state from the database before the exchanges are connected. Blocks: run it in a thread."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from callmon.core.monitor import warm_up
from callmon.daemon.runtime import Runtime
from callmon.store.queries import calls as queries
from callmon.store.queries import disruptions, obligations


def restore(runtime: Runtime, now: datetime) -> Mapping[str, datetime]:
    """Restore all state; returns until when each exchange was received.

    Calls that were in progress when callmon last ran are resumed from their stored facts.
    """
    settings, monitor, store = runtime.settings, runtime.monitor, runtime.store
    warm_up(settings, now)
    _restore_today(runtime, now)
    runtime.outlooks.restore(settings, now)
    heard = queries.heartbeats(store)
    runtime.commands.restore()
    runtime.nights.restore()
    disruptions.restore_disruptions(store, monitor, settings)
    obligations.restore_ledger(store, monitor.ledger, settings.exchanges, now)
    lines = [line.name for line in settings.lines()]
    for name in settings.exchanges:
        calls = queries.open_calls(store, name, numbers=True)
        judged = {call: [finding.standard for finding in known.findings] for call, known in calls.items()}
        facts = {call: known.facts for call, known in calls.items()}
        monitor.restore(name, heard.get(name), facts, judged)
        runtime.today.resume(name, {call: known.findings for call, known in calls.items()})
        monitor.learn_phones(name, queries.phones_dialled(store, name, lines))
    return heard


def _restore_today(runtime: Runtime, now: datetime) -> None:
    names = [line.name for line in runtime.settings.lines()]
    begin = runtime.today.beginning(now)
    calls, verdicts = queries.count_ended_calls(runtime.store, names, begin, begin + timedelta(days=2))
    runtime.today.restore(runtime.today.local_day(now), calls, verdicts)
