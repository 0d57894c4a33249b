"""`callmon status`: whether the daemon runs and does its job, and the figures of the day.

Asks the daemon at its own address (/healthz). Where it does not answer, or does not lead, the counts are from the
database. Refuses: to show a count that could not be read.
"""

import ssl
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any

import click
import msgspec

from callmon.cli.common import CommandContext, json_option, lang_option, print_json, with_context
from callmon.cli.help import HelpCommand
from callmon.cli.http_answer import answer_of, plain
from callmon.cli.language import in_language
from callmon.config.settings import Settings
from callmon.config.web_config import load_web_config
from callmon.core.statistics.period import midnight
from callmon.errors import CallmonError
from callmon.text.records import instant

SECONDS = 5  # for an answer
NO_ANSWER = (OSError, HTTPException, ValueError, msgspec.MsgspecError)
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
EXIT = {"ok": 0, "trouble": 1, "unknown": 1, "not_running": 3}
COUNTS = ("calls_today", "callbacks_open", "callbacks_overdue", "strangers")


@click.command(cls=HelpCommand)
@with_context()
@lang_option
@json_option
@click.option("--alive", is_flag=True, help="print nothing; status 0 if a daemon answers, else 3: for a probe")
def status(context: CommandContext, as_json: bool, alive: bool) -> None:
    """Show whether the daemon runs: leader, exchanges, last event, calls of today, overdue callbacks.

    Exit status: 0 the daemon reports no fault, 1 it reports one or asks for a password, 3 no daemon answers.

    \b
    Examples: callmon status --json
              callmon status --alive
    """
    if alive:
        sys.exit(0 if _answers(context.settings) else EXIT["not_running"])
    found, exchanges = _health(context.settings, "en" if as_json else context.language)
    heard: dict[str, datetime] = {}
    if found[COUNTS[0]] is None:
        heard, counts = _counts(context)
        found |= counts
    if found["role"] is None:
        exchanges = [_Exchange(name, None, at) for name, at in heard.items()]
    found["exchanges"] = _exchanges(context.settings, exchanges)
    if as_json:
        print_json(found)
    else:
        for line in _lines(found, context):
            click.echo(line)
    sys.exit(EXIT[found["state"]])


def _answers(settings: Settings) -> bool:
    with suppress(*NO_ANSWER):
        _ask(settings, "/-/healthy")
        return True
    return False


class _Exchange(msgspec.Struct):
    """What is known of an exchange; without an answer only the last event that the database has."""

    exchange: str
    connected: bool | None
    last_event: datetime | None


class _Health(msgspec.Struct):
    """What /healthz answers; another program at this address may answer anything."""

    status: str
    role: str
    version: str
    troubles: list[str]
    remarks: list[str]
    exchanges: list[_Exchange] = []
    figures: dict[str, int] | None = None


def _health(settings: Settings, language: str) -> tuple[dict[str, Any], list[_Exchange]]:
    """What /healthz answers, with the state; `unknown`: it answers only to the users of web.config_file."""
    texts: dict[str, Any] = {"role": None, "version": None, "troubles": [], "remarks": []}
    nothing = texts | dict.fromkeys(COUNTS)
    with suppress(*NO_ANSWER):
        text = _ask(settings, "/healthz", language)
        if text is None:
            return {"state": "unknown"} | nothing, []
        answer = msgspec.json.decode(text, type=_Health)
        if answer.status in EXIT:
            texts = {name: _plain(getattr(answer, name)) for name in texts}
            figures = {name: (answer.figures or {}).get(name) for name in COUNTS}
            return {"state": answer.status} | texts | figures, answer.exchanges
    return {"state": "not_running"} | nothing, []


def _plain(said: str | list[str]) -> str | list[str]:
    return plain(said) if isinstance(said, str) else [plain(x) for x in said]


def _ask(settings: Settings, path: str, language: str = "en") -> str | None:
    """The answer of callmon's own listener; None: it asks for a password or a certificate."""
    # The certificate is for the name that others use, not for this address.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    tls = load_web_config(settings.web.config_file).tls_server_config
    scheme = "http" if tls is None else "https"
    host = EVERYWHERE.get(settings.web.host, settings.web.host)
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.web.port}{path}"
    request = urllib.request.Request(url, headers={"Accept-Language": language})
    handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    try:
        status, _, body = answer_of(request, SECONDS, *handlers)
        return None if status == 401 else body.decode()  # /healthz answers 503 with the same body
    except OSError as trouble:
        is_refused = isinstance(getattr(trouble, "reason", trouble), ConnectionRefusedError | TimeoutError)
        if tls is not None and tls.client_auth_type != "NoClientCert" and not is_refused:
            return None
        raise


def _exchanges(settings: Settings, known: list[_Exchange]) -> list[dict[str, Any]]:
    """Each configured exchange: connected, last event."""
    found = {x.exchange: x for x in known}
    every = [found.get(name, _Exchange(name, None, None)) for name in settings.exchanges]
    return [msgspec.structs.asdict(x) | {"last_event": instant(x.last_event)} for x in every]


def _counts(context: CommandContext) -> tuple[dict[str, datetime], dict[str, int | None]]:
    """The last event by exchange, and the figures. A figure that cannot be read is None; the reason is printed."""
    from callmon.store.queries import calls, obligations

    settings, today = context.settings, context.today
    begin, end = (midnight(today + timedelta(days=n), settings.timezone) for n in (0, 1))
    try:
        heard = calls.heartbeats(context.store)
        ended, _ = calls.count_ended_calls(context.store, settings.names("line"), begin, end)
        entries = [x.obligation for x in obligations.obligations(context.store)]
    except CallmonError as error:
        click.echo("\n".join(map(in_language, error.sentences)), err=True)
        return {}, dict.fromkeys(COUNTS)
    callbacks = [x for x in entries if x.kind == "callback"]
    last = [x.due.actionable for x in callbacks if not x.is_overdue]
    overdue = len(callbacks) - len(last) + sum(at is not None and at <= context.now for at in last)
    return heard, dict(zip(COUNTS, (sum(ended.values()), len(callbacks), overdue, None), strict=True))


def _lines(found: dict[str, Any], context: CommandContext) -> Iterator[str]:
    say = context.say
    states = {True: say("connected"), False: say("not connected"), None: say("state unknown")}
    roles = {"leader": say("leader"), "standby": say("standby"), "waiting": say("waiting for the database")}
    if found["state"] == "not_running":
        yield say("callmon is not running, or does not answer at {address}.", address=context.settings.web.listen)
    elif found["state"] == "unknown":
        yield say(
            "callmon is running; web.config_file asks for a password or a certificate, so its state is unknown."
        )
    else:
        role = roles.get(found["role"], found["role"])
        yield say("callmon {version} is running: {role}.", version=found["version"], role=role)
    for exchange in found["exchanges"]:
        at = exchange["last_event"] and datetime.fromisoformat(exchange["last_event"])
        yield say(
            "Exchange {name}: {state}, last event: {last}",
            name=exchange["exchange"],
            state=states[exchange["connected"]],
            last=context.local(at),
        )
    today, due, overdue, strangers = ("-" if found[name] is None else found[name] for name in COUNTS)
    yield say("Calls that ended today: {count}", count=today)
    if strangers != "-":  # the database does not have it
        yield say("Strangers' calls since the start, not counted: {count}", count=strangers)
    yield say("Callbacks to make: {count}, overdue: {overdue}", count=due, overdue=overdue)
    yield from (f"! {sentence}" for sentence in found["troubles"])
    yield from (f"- {sentence}" for sentence in found["remarks"])
