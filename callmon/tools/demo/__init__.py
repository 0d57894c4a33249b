"""`callmon demo`: all of callmon, with nothing installed and no configuration.

It plays an exchange from recordings (`exchange.py`) and runs the real daemon on it, with SQLite in a folder that
is deleted at the end. The terminal shows one line for each ended call. Refuses: to read anything of a site,
neither a configuration file nor CALLMON_… variables.
"""

import asyncio
import logging
import signal
import tomllib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from callmon import logs
from callmon.config.closed_days import ontario
from callmon.config.schema import Configuration
from callmon.config.settings import Settings, example_text
from callmon.config.web import WebSettings
from callmon.daemon.daemon import Daemon
from callmon.errors import ConfigError
from callmon.store.opening import open_for_writing
from callmon.tools.demo.exchange import USER, DemoExchange
from callmon.tools.demo.terminal import Terminal

ELSEWHERE = "choose another address: callmon demo --listen 127.0.0.1:9470"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


async def play(listen: str, seconds: timedelta | None) -> None:
    """Play until Ctrl-C, or for `seconds`. Raises ConfigError if the address `listen` is not available."""
    logs.set_up(logging.WARNING)
    with TemporaryDirectory(prefix="callmon-demo-") as name:
        folder = Path(name)
        async with DemoExchange() as exchange:
            settings = demo_settings(listen, exchange.port, exchange.secret, folder)
            store = open_for_writing(settings)
            try:
                await _run(Daemon(settings, store), Terminal(store, settings), seconds)
            finally:
                store.close()


async def _run(daemon: Daemon, terminal: Terminal, seconds: timedelta | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, daemon.stop)
    if seconds is not None:
        loop.call_later(seconds.total_seconds(), daemon.stop)
    over = asyncio.Event()
    printing = asyncio.create_task(_print_calls(daemon, terminal, over), name="terminal")
    printing.add_done_callback(lambda _: daemon.stop())  # the reader closed the pipe (`callmon demo | head`)
    try:
        await daemon.run()
    except ConfigError as error:
        # The daemon names a setting in a file; in the demonstration it is an option.
        sentences = (x.rstrip(".").replace("web.listen", "--listen") for x in error.sentences)
        raise ConfigError(*(f"{sentence}; {ELSEWHERE}" for sentence in sentences)) from None
    finally:
        over.set()
        await printing


async def _print_calls(daemon: Daemon, terminal: Terminal, over: asyncio.Event) -> None:
    """Print the pages' address once they are served, then each second the calls stored as ended."""
    while not daemon.address:
        if over.is_set():
            return
        await asyncio.sleep(0.05)
    terminal.welcome(daemon.address)
    while not over.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), 1.0)
        await terminal.show_ended()
    terminal.farewell()


class _Alone(Configuration):
    """The demonstration's own settings. No environment variable applies: it could name a real database."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *others: Any,
        **named: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def demo_settings(listen: str, port: int, secret: str, folder: Path) -> Settings:
    """The policy's six lines as shipped, open round the clock, and the played exchange."""
    secret_file = folder / "ami.secret"
    secret_file.touch(mode=0o600)
    secret_file.write_text(secret, encoding="ascii")
    data = tomllib.loads(example_text())
    toronto = data["exchanges"].pop("toronto")
    site = {name: toronto[name] for name in ("trunks", "voicemail_contexts", "parking_extensions")}
    connection = {"host": "127.0.0.1", "port": port, "username": USER, "secret_file": secret_file}
    data["exchanges"]["demo"] = site | connection
    data["calendar"] = _round_the_clock(datetime.now(UTC).year)
    data["store"] = {"url": f"sqlite:///{folder / 'callmon.db'}"}
    data["web"] = {"listen": _address(listen)}
    return Settings(_Alone(**data), "demo")


def _round_the_clock(year: int) -> dict[str, Any]:
    """Open day and night, also on closed days, so that the demonstration always shows judgements."""
    days = [day for y in (year - 1, year, year + 1) for day in ontario(y)]
    return {"hours": dict.fromkeys(DAYS, "00:00-24:00"), "closed_days_remove": days}


def _address(listen: str) -> str:
    try:
        return WebSettings(listen=listen).listen
    except ValidationError as error:
        raise ConfigError(f"--listen: {error.errors()[0]['ctx']['error']}") from None
