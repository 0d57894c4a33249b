"""`callmon demo`: all of callmon, with nothing installed and no configuration.

It plays an exchange from recordings (`exchange.py`) and runs the real daemon on it, with SQLite in a folder that
is deleted at the end. The terminal shows one line for each ended call, read back from the database. Refuses: to
read anything of a site, neither a configuration file nor CALLMON_… variables; to decrypt a caller's number.
"""

import asyncio
import logging
import tomllib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import click
from pydantic import ValidationError

from callmon import __version__, logs
from callmon.config.closed_days import ontario
from callmon.config.schema import Configuration
from callmon.config.settings import Settings, example_text
from callmon.config.web import WebSettings
from callmon.config.wording import placed
from callmon.core.calls.call import Call
from callmon.daemon.daemon import Daemon
from callmon.errors import ConfigError, Sentence
from callmon.site import FEATURES
from callmon.store.database import Database
from callmon.store.opening import open_for_writing
from callmon.store.queries import calls
from callmon.text.formatter import Formatter
from callmon.text.labels import label, translate
from callmon.tools.demo import phones
from callmon.tools.demo.access import CONTEXT, DemoAccess
from callmon.tools.demo.exchange import USER, DemoExchange
from callmon.tools.demo.history import EXCHANGE, extend, seed
from callmon.tools.demo.schedule import USUAL, CallPace
from callmon.tools.demo.signed import month_to_sign, sign_months, signed_months
from callmon.tools.demo.worklist import crowded_hour, opening_hours
from callmon.web.auth.client import is_loopback
from callmon.web.server import NotBoundError

ELSEWHERE = Sentence("choose another address: callmon demo --listen 127.0.0.1:9470")
ROW = {
    "en": "{:<8}  {:<17}  {:<23}  {:>5}  {:<11}{:<11}{:<11}{}",
    "fr": "{:<9} {:<17}  {:<33}  {:>5}  {:<15}{:<15}{:<15}{}",
}
PROMISES = ("answer_by_third_ring", "voicemail_after_fourth_ring", "reach_a_person")
HEADINGS = ("came", "line", "ended", "rings", "3rd ring", "voicemail", "a person", "cause")
WELCOME = {"en": "welcome.txt", "fr": "welcome.fr.txt"}
STOPPED = "Stopped. Calls shown: {count}. Nothing is kept."
LONGEST_CALL = timedelta(minutes=5)  # no call of the demonstration lasts longer, including its commit
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


async def play(listen: str, seconds: timedelta | None, language: str, pace: CallPace = USUAL) -> None:
    """Play until Ctrl-C, or for `seconds`. `language`: of the terminal.

    Raises ConfigError if the address `listen` is not available.
    """
    logs.set_up(logging.WARNING)
    now = datetime.now(UTC)
    with TemporaryDirectory(prefix="callmon-demo-") as name:
        async with DemoExchange(pace=pace) as exchange:
            settings = demo_settings(listen, exchange.port, exchange.secret, Path(name), now)
            store = open_for_writing(settings)
            try:
                *_, first = signed_months(now, settings)
                await asyncio.to_thread(seed, store, settings, now, first.first)
                exchange.hold(until := datetime.now(UTC))
                await asyncio.to_thread(extend, store, until)
                daemon = Daemon(settings, store, FEATURES, access=DemoAccess(settings.web.access, store))
                await _run(daemon, _CallPrinter(settings, store, language, now), seconds)
            finally:
                store.close()


async def _run(daemon: Daemon, printer: "_CallPrinter", seconds: timedelta | None) -> None:
    if seconds is not None:
        asyncio.get_running_loop().call_later(seconds.total_seconds(), daemon.stop)
    over = asyncio.Event()
    printing = asyncio.create_task(printer.print_calls(daemon, over), name="terminal")
    signing = asyncio.create_task(printer.sign_past_months(daemon, over), name="signatures")
    printing.add_done_callback(lambda _: daemon.stop())  # the reader closed the pipe (`callmon demo | head`)
    try:
        await daemon.run()
    except NotBoundError as error:
        # The daemon names a setting in a file; in the demonstration it is an option.
        sentence = Sentence("{what}; {elsewhere}", what=error.what, elsewhere=ELSEWHERE)
        raise ConfigError(placed("--listen", sentence)) from None
    finally:
        over.set()
        await asyncio.gather(printing, signing)


class _CallPrinter:
    """Prints the calls as they end, in one language and in the ministry's time, as the pages do."""

    def __init__(self, settings: Settings, store: Database, language: str, now: datetime) -> None:
        self._zone = settings.timezone
        self._store = store
        self._language = language
        self._settings, self._now = settings, now
        self._shown: set[str] = set()  # of LONGEST_CALL

    async def print_calls(self, daemon: Daemon, over: asyncio.Event) -> None:
        """Print the pages' addresses once they are served, then each second the calls stored as ended."""
        if not await self._is_served(daemon, over):
            return
        click.echo(self._welcome(daemon.address))
        click.echo(ROW[self._language].format(*(translate(x, self._language, CONTEXT) for x in HEADINGS)))
        count = 0
        while not over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), 1.0)
            for row in await asyncio.to_thread(self._new_rows):
                click.echo(row)
                count += 1
        click.echo("\n" + translate(STOPPED, self._language, CONTEXT).format(count=count))

    async def sign_past_months(self, daemon: Daemon, over: asyncio.Event) -> None:
        """Once the pages are served: nobody waits for it."""
        if await self._is_served(daemon, over):
            await asyncio.to_thread(sign_months, self._store, self._settings, self._now, over.is_set)

    async def _is_served(self, daemon: Daemon, over: asyncio.Event) -> bool:
        """Whether the pages are served now; False when the demonstration ended before."""
        while not daemon.address and not over.is_set():  # noqa: ASYNC110 - a daemon says it to nobody
            await asyncio.sleep(0.05)
        return bool(daemon.address)

    def _welcome(self, address: str) -> str:
        text = files(__name__).joinpath(WELCOME[self._language]).read_text(encoding="utf-8")
        month, speech = month_to_sign(self._now, self._settings), Formatter(self._language, self._zone)
        begin = crowded_hour(self._now, self._settings.calendar()).astimezone(self._zone)
        end = begin + timedelta(hours=1)
        values = {
            "version": __version__,
            "address": address,
            "month": month.name,
            "title": speech.month(month.first),
            "day": begin.date(),
            "weekday": speech.weekday(begin),
            "from": f"{begin:%H:%M}",
            "to": f"{end:%H:%M}",
            "begin": speech.minute(begin),
            "end": speech.minute(end),
        }
        return text.format_map(values)

    def _new_rows(self) -> list[str]:
        now = datetime.now(UTC)
        ended = [call for _, call in calls.stream_calls(self._store, now - LONGEST_CALL, now)]
        new = [call for call in ended if call.call not in self._shown]
        self._shown = {call.call for call in ended}
        return [self._row(call) for call in sorted(new, key=lambda call: call.ended or now)]

    def _row(self, call: Call) -> str:
        stored = calls.stored_calls(self._store, call.call)
        findings = {finding.standard: finding for call in stored for finding in call.findings}
        verdicts = [self._word("verdict", findings[p].verdict) if p in findings else "" for p in PROMISES]
        came = call.arrived.astimezone(self._zone).strftime("%H:%M:%S") if call.arrived else "?"
        rings, outcome = "-" if call.rings is None else call.rings, self._word("outcome", call.outcome)
        first = findings.get(PROMISES[0])
        cause = self._word("cause", first.cause) if first and first.cause else ""
        return ROW[self._language].format(came, call.line or "", outcome, rings, *verdicts, cause).rstrip()

    def _word(self, kind: str, identifier: str) -> str:
        return label(kind, identifier, self._language)


def demo_settings(listen: str, port: int, secret: str, folder: Path, now: datetime) -> Settings:
    """The policy's six lines as shipped, open at this hour of every day, and the played exchange."""
    secret_file = folder / "ami.secret"
    secret_file.touch(mode=0o600)
    secret_file.write_text(secret, encoding="ascii")
    data = tomllib.loads(example_text())
    toronto = data["exchanges"].pop("toronto")
    as_shipped = {name: toronto[name] for name in ("trunks", "voicemail_contexts", "parking_extensions")}
    connection = {"host": "127.0.0.1", "port": port, "username": USER, "secret_file": secret_file}
    data["exchanges"][EXCHANGE] = as_shipped | connection
    for line, extensions in phones.LINES.items():
        data["lines"][line]["extensions"] = extensions
    data["calendar"] = open_every_day(opening_hours(now, ZoneInfo(data["timezone"])), now.year)
    data["ministry"] = {"name_fr": "Ministère de la démonstration", "name_en": "Ministry of Demonstration"}
    data["store"] = {"url": f"sqlite:///{folder / 'callmon.db'}"}
    data["web"] = {"listen": _address(listen)}
    data["questions"] = ["why", "what-if", "staffing", "needs"]
    data["_env_prefix"] = "="  # no environment variable applies: one could name a real database
    return Settings(Configuration(**data), "demo")


def open_every_day(hours: str, year: int) -> dict[str, Any]:
    """Open also on closed days, so that it shows judgements on any day. Its past may begin two years before."""
    days = [day for y in range(year - 2, year + 2) for day in ontario(y)]
    return {"hours": dict.fromkeys(DAYS, hours), "closed_days_remove": days}


def _address(listen: str) -> str:
    """Raises ConfigError for an address of another network: the pages show every role without a password."""
    try:
        settings = WebSettings(listen=listen)
    except ValidationError as error:
        raise ConfigError(placed("--listen", error.errors()[0]["ctx"]["error"].args[0])) from None
    if not is_loopback(settings.host):
        sentence = Sentence(
            "the demonstration listens on this machine alone, as its pages take no password; {elsewhere}",
            elsewhere=ELSEWHERE,
        )
        raise ConfigError(placed(f"--listen {listen}", sentence))
    return settings.listen
