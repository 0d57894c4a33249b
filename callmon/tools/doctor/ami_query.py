"""The connections of doctor: asks one exchange every question of `questions.py`, or receives its events.

Questions are asked once, within a time limit, on a connection of their own with events off. `--listen` and
`--acceptance` receive until the time is over, the receiver has enough, every connection has ended, or Ctrl-C; all
bytes received until then have been passed on. Refuses: a value with CR or LF, and any change on the exchange.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import count

from callmon.ami.connection import bytes_of, tls_context
from callmon.ami.framing import BANNER, END, MAX_BANNER, MAX_MESSAGE, format_action, login_key, parse_headers
from callmon.config.exchange import ExchangeSettings
from callmon.config.settings import Settings
from callmon.tools.doctor.questions import ExchangeAnswers, lists, variables

TIMEOUT = timedelta(seconds=20)
GREETING_SECONDS = 5.0
LIST_SECONDS = 3.0
MOST_VALUES = 32

Headers = dict[str, str]


class FailureError(Exception):
    """The exchange cannot be asked: `kind` for the program, the text for people."""

    def __init__(self, kind: str, text: str = "") -> None:
        self.kind, self.text = kind, text
        super().__init__(f"{kind}: {text}")


async def ask(exchange: ExchangeSettings, within: timedelta = TIMEOUT) -> ExchangeAnswers:
    """Examine one exchange. Raises ConfigError if its secret cannot be read."""
    secret, us, writer = exchange.secret(), "", None
    try:
        async with asyncio.timeout(within.total_seconds()):
            reader, writer = await _connected(exchange)
            us = writer.get_extra_info("sockname")[0]
            query = AmiQuery(reader, writer)
            await query.greeting()
            await query.log_in(exchange, secret)
            return await _answers(query, exchange.username, us)
    except FailureError as failure:
        return ExchangeAnswers(failure=failure.kind, text=failure.text, us=us)
    except TimeoutError:
        return ExchangeAnswers(failure="hung", us=us)
    except asyncio.LimitOverrunError:
        return ExchangeAnswers(failure="not_ami", us=us)
    except (OSError, EOFError) as error:
        return ExchangeAnswers(failure="ended", text=getattr(error, "strerror", None) or "", us=us)
    finally:
        if writer is not None:
            writer.transport.abort()


async def _answers(query: AmiQuery, username: str, us: str) -> ExchangeAnswers:
    core = await query.ask("CoreSettings")
    return ExchangeAnswers(
        us=us,
        version=core.get("AsteriskVersion", ""),
        commands=await query.commands(),
        variables={name: await query.variable(name) for name in variables(username)},
        lists={place: await query.values(*place) for place in lists(username)},
        mailboxes=await query.entries(
            *("VoicemailUsersList", "VoicemailUserEntry", "VoicemailUserEntryComplete"),
            lambda entry: f"{entry.get('VoiceMailbox')}@{entry.get('VMContext')}",
        ),
        devices=await query.entries(
            *("DeviceStateList", "DeviceStateChange", "DeviceStateListComplete"),
            lambda entry: entry.get("Device", ""),
        ),
        ahead=await query.clock(),
    )


async def _connected(exchange: ExchangeSettings) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(GREETING_SECONDS):
            context = tls_context(exchange) if exchange.tls else None
            address = (exchange.host, exchange.port)
            # asyncio's own connection does not raise ConnectionRefusedError when a name has two addresses.
            wire = await asyncio.to_thread(socket.create_connection, address, GREETING_SECONDS)
            name = (exchange.server_name or exchange.host) if context else None
            return await asyncio.open_connection(sock=wire, ssl=context, server_hostname=name, limit=MAX_MESSAGE)
    except ssl.SSLCertVerificationError as error:
        kind = "tls_name" if error.verify_code in (62, 64) else "tls_certificate"
        raise FailureError(kind, error.verify_message) from None
    except ssl.SSLError as error:
        raise FailureError("tls", error.reason or str(error)) from None
    except socket.gaierror as error:
        raise FailureError("name", error.strerror or "") from None
    except TimeoutError:
        raise FailureError("tls" if exchange.tls else "silent") from None
    except ConnectionRefusedError:
        raise FailureError("closed") from None
    except OSError as error:
        raise FailureError("tls_file" if error.filename else "unreachable", error.strerror or str(error)) from None


class AmiQuery:
    """One connection: an action, then its answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self._actions, self._action_id = reader, writer, count(1), ""

    async def greeting(self) -> None:
        banner = b""
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                while not banner.endswith(b"\n") and len(banner) < MAX_BANNER:
                    banner += await self._reader.readexactly(1)
        except (TimeoutError, EOFError):
            pass
        if not banner:
            raise FailureError("no_greeting")
        if not banner.startswith(BANNER):
            raise FailureError("not_ami")

    async def log_in(self, exchange: ExchangeSettings, secret: str) -> None:
        proof = {"Secret": secret}
        if exchange.login == "md5":
            challenge = await self.ask("Challenge", AuthType="MD5")
            proof = {"AuthType": "MD5", "Key": login_key(challenge.get("Challenge", ""), secret)}
        answer = await self.ask("Login", Username=exchange.username, Events="off", **proof)
        if answer.get("Response") != "Success":
            raise FailureError("refused", answer.get("Message", ""))

    async def ask(self, action: str, **headers: str) -> Headers:
        """Send one action; return its answer's headers."""
        self._action_id = f"doctor-{next(self._actions)}"
        data = format_action({"Action": action, "ActionID": self._action_id, **headers})
        if data is None:
            raise FailureError("line_break", "a user name or secret holds a line break")
        self._writer.write(data)
        return await self._next()

    async def _next(self) -> Headers:
        """The next message that belongs to the last action."""
        while True:
            message = parse_headers(await self._reader.readuntil(END))
            if message.get("ActionID") == self._action_id:
                return message

    async def commands(self) -> dict[str, str]:
        """The actions this user may send, with the classes that allow each: `call,reporting,all`, or `<none>`."""
        answer = await self.ask("ListCommands")
        rights = {name: text.rpartition("(Priv: ")[2].rstrip(")") for name, text in answer.items()}
        return {name: rights[name] for name in rights if name not in ("Response", "ActionID", "Message")}

    async def variable(self, name: str) -> str | None:
        """The variable's value, "" if it has none; None if asking is not allowed."""
        answer = await self.ask("Getvar", Variable=name)
        return answer.get("Value", "") if answer.get("Response") == "Success" else None

    async def values(self, file: str, section: str, key: str) -> tuple[str, ...]:
        """All the values of a key that may occur several times."""
        found: list[str] = []
        while value := await self.variable(f"AST_CONFIG({file},{section},{key},{len(found)})"):
            found.append(value)
            if len(found) == MOST_VALUES:
                break
        return tuple(found)

    async def entries(
        self, action: str, entry: str, end: str, read: Callable[[Headers], str]
    ) -> frozenset[str] | None:
        """A list that arrives as events after the answer. None if it is refused or exceeds LIST_SECONDS."""
        answer = await self.ask(action)
        if answer.get("Response") != "Success":
            return None
        found: set[str] = set()
        try:
            async with asyncio.timeout(LIST_SECONDS):
                while "EventList" in answer and (event := await self._next()).get("Event") != end:
                    if event.get("Event") == entry:
                        found.add(read(event))
        except TimeoutError:
            return None
        return frozenset(found)

    async def clock(self) -> timedelta | None:
        """How far the exchange's clock is ahead of this machine's. None if it gives no time."""
        before = time.time()
        answer = await self.ask("Ping")
        after = time.time()
        try:
            return timedelta(seconds=float(answer.get("Timestamp", "")) - (before + after) / 2)
        except (ValueError, OverflowError):
            return None


Hear = Callable[[str, bytes], bool]


def hear(settings: Settings, heard: Hear, seconds: float | None = None) -> None:
    """Pass every exchange's bytes to `heard`, until it returns True. Raises AmiError if a connection fails."""
    with suppress(KeyboardInterrupt):
        asyncio.run(_all(settings, heard, seconds))


async def _all(settings: Settings, heard: Hear, seconds: float | None) -> None:
    hearing = [asyncio.create_task(_receive(name, settings, heard), name=name) for name in settings.exchanges]
    try:
        async with asyncio.timeout(seconds):
            for ended in asyncio.as_completed(hearing):
                if await ended:
                    return
    except TimeoutError:
        pass
    finally:
        for task in hearing:
            task.cancel()
        await asyncio.gather(*hearing, return_exceptions=True)


async def _receive(name: str, settings: Settings, heard: Hear) -> bool:
    """True if `heard` has enough; False if the exchange hung up first."""
    async for chunk in bytes_of(name, settings.exchanges[name]):
        if heard(name, chunk):
            return True
    return False
