"""`callmon status`: whether the daemon runs and does its job, and the figures of the day.

Asks the daemon at its own address (/healthz and /metrics); the counts are from the database, so they are there
without a daemon too. Refuses: to show a count that could not be read.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import click

from callmon.cli.common import CommandContext, json_option, lang_option, print_json, say, with_context
from callmon.errors import CallmonError
from callmon.text.records import instant

if TYPE_CHECKING:
    from callmon.config.settings import Settings

ANSWER_SECONDS = 5
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
EXIT = {"ok": 0, "trouble": 1, "not_running": 3}
EXCHANGE = re.compile(
    r'^callmon_exchange_(connected|last_event_timestamp_seconds)\{exchange="([^"]*)"\} (\S+)', re.MULTILINE
)
COUNTS = ("calls_today", "callbacks_open", "callbacks_overdue")


@click.command()
@with_context()
@lang_option
@json_option
def status(context: CommandContext, as_json: bool) -> None:
    """Show whether the daemon runs: leader, exchanges, last event, calls of today, overdue callbacks.

    Exit status: 0 all is well, 1 the daemon reports a fault, 3 no daemon answers.

    \b
    Examples: callmon status
              callmon status --json
    """
    found = _health(context.settings) | _counts(context)
    found["exchanges"] = _exchanges(context, is_running=found["state"] != "not_running")
    if as_json:
        print_json(found)
    else:
        for line in _lines(found, context):
            click.echo(line)
    sys.exit(EXIT[found["state"]])


def _health(settings: Settings) -> dict[str, Any]:
    """What /healthz answers, with the state."""
    nothing: dict[str, Any] = {
        "state": "not_running",
        "role": None,
        "version": None,
        "troubles": [],
        "remarks": [],
    }
    try:
        answer = json.loads(_ask(settings, "/healthz"))
        return {"state": answer["status"]} | {name: answer[name] for name in nothing if name != "state"}
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return nothing


def _ask(settings: Settings, path: str) -> str:
    host = EVERYWHERE.get(settings.web.host, settings.web.host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.web.port}{path}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=ANSWER_SECONDS) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as trouble:  # /healthz answers 503 with the same body
        with trouble:
            return trouble.read().decode()


def _exchanges(context: CommandContext, is_running: bool) -> list[dict[str, Any]]:
    """Each configured exchange: connected, last event. Without a daemon the database knows the last event."""
    figures: dict[tuple[str, str], float] = {}
    last: dict[str, datetime] = {}
    try:
        figures = {
            (name, what): float(value)
            for what, name, value in EXCHANGE.findall(_ask(context.settings, "/metrics") if is_running else "")
        }
        last = {
            name: datetime.fromtimestamp(at, UTC) for (name, what), at in figures.items() if what[0] == "l" and at
        }
    except (OSError, HTTPException, ValueError, OverflowError):
        pass
    if not is_running:
        last = _heartbeats(context)
    return [
        {
            "exchange": name,
            "connected": figures[name, "connected"] == 1.0 if (name, "connected") in figures else None,
            "last_event": instant(last.get(name)),
        }
        for name in context.settings.exchanges
    ]


def _heartbeats(context: CommandContext) -> dict[str, datetime]:
    from callmon.store.queries import calls

    try:
        return calls.heartbeats(context.store)
    except CallmonError:
        return {}


def _counts(context: CommandContext) -> dict[str, int | None]:
    """The figures of the database; None, with the reason on standard error, if it cannot be read."""
    from callmon.core.statistics.period import midnight
    from callmon.store.queries import calls, obligations

    settings, today = context.settings, context.today
    begin, end = (midnight(today + timedelta(days=n), settings.timezone) for n in (0, 1))
    try:
        ended, _ = calls.count_ended_calls(context.store, settings.names("line"), begin, end)
        entries = [x.obligation for x in obligations.obligations(context.store)]
    except CallmonError as error:
        click.echo(error, err=True)
        return dict.fromkeys(COUNTS)
    callbacks = [x for x in entries if x.kind == "callback"]
    last = [x.due.actionable for x in callbacks if not x.is_overdue]
    overdue = len(callbacks) - len(last) + sum(at is not None and at <= context.now for at in last)
    return dict(zip(COUNTS, (sum(ended.values()), len(callbacks), overdue), strict=True))


def _lines(found: dict[str, Any], context: CommandContext) -> Iterator[str]:
    language = context.language
    if found["state"] == "not_running":
        where = context.settings.web.listen
        yield say("callmon ne tourne pas, ou ne répond pas à {address}.", language, address=where)
    else:
        yield say("callmon {version} tourne : {role}.", language, version=found["version"], role=found["role"])
    for one in found["exchanges"]:
        state = {
            True: say("connecté", language),
            False: say("non connecté", language),
            None: say("état inconnu", language),
        }[one["connected"]]
        last = context.local(one["last_event"] and datetime.fromisoformat(one["last_event"]))
        yield say(
            "Autocommutateur {name} : {state}, dernier événement : {last}", language, name=one["exchange"],
            state=state, last=last,
        )  # fmt: skip
    today, due, overdue = ("-" if found[name] is None else found[name] for name in COUNTS)
    yield say("Appels terminés aujourd'hui : {count}", language, count=today)
    yield say("Rappels à faire : {count}, en retard : {overdue}", language, count=due, overdue=overdue)
    yield from (f"! {sentence}" for sentence in found["troubles"])
    yield from (f"- {sentence}" for sentence in found["remarks"])
