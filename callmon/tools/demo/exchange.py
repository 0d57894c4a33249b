"""A small exchange on loopback that speaks AMI and plays recordings, for a machine without Asterisk.

    connected ──Challenge, Login──▶ listening (receives every message) ──Logoff, or reads too slowly──▶ closed

Playing begins when the first client has logged in, and continues without end at the recordings' own speed.
Refuses: to listen anywhere except on loopback, and every action that is not a question about calls.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from random import Random
from types import TracebackType

from callmon.ami.framing import END
from callmon.tools.demo.channel_list import ChannelList
from callmon.tools.demo.retime import RecordingPlayer
from callmon.tools.demo.schedule import messages

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
USER = "callmon"
# Limits of one client: pending bytes of actions, and unread bytes before it is dropped, as Asterisk does.
MAX_ASKED = 64 * 1024
MAX_UNREAD = 8 * 1024 * 1024


class DemoExchange:
    """`async with DemoExchange() as exchange:` listens at `exchange.port`, login `USER` and `exchange.secret`."""

    def __init__(self, seed: int = 1) -> None:
        self.secret = secrets.token_hex(16)
        self.port = 0
        self.switchboard = ChannelList()
        self.listeners: set[Listener] = set()
        self._teller = RecordingPlayer(Random(seed))
        self._epoch = time.time() - time.monotonic()
        self.began = self.now()
        self._morning: asyncio.Task[None] | None = None

    def now(self) -> float:
        """The exchange's own clock, in epoch seconds: the wall clock at the start, never set since."""
        return self._epoch + time.monotonic()

    async def __aenter__(self) -> DemoExchange:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Listener(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for listener in list(self.listeners):
            listener.close()
        if self._morning is not None:
            self._morning.cancel()
            await asyncio.gather(self._morning, return_exceptions=True)

    def begin(self) -> None:
        """Start playing. Called when a client has logged in."""
        if self._morning is None:
            self._morning = asyncio.get_running_loop().create_task(self._play(), name="demo exchange")

    async def _play(self) -> None:
        for at, message in messages(self.now(), self._teller):
            wait = at - self.now()
            if wait > 0:
                await asyncio.sleep(wait)
            self.switchboard.hear(at, message)
            for listener in list(self.listeners):
                listener.tell(message)


class Listener(asyncio.Protocol):
    """One connection."""

    def __init__(self, exchange: DemoExchange) -> None:
        self._exchange = exchange
        self._challenge = ""
        self._asked = b""
        self._logged_in = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._exchange.listeners.add(self)
        transport.write(BANNER)

    def connection_lost(self, error: Exception | None) -> None:
        self._exchange.listeners.discard(self)

    def data_received(self, data: bytes) -> None:
        *actions, self._asked = (self._asked + data).split(END)
        for action in actions:
            self._answer(_headers(action))
        if len(self._asked) > MAX_ASKED:
            self.close()

    def tell(self, message: bytes) -> None:
        """Send one more event, if this client has logged in."""
        if self._logged_in and self._transport is not None:
            self._transport.write(message)
            if self._transport.get_write_buffer_size() > MAX_UNREAD:
                self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _answer(self, asked: dict[str, str]) -> None:
        if self._transport is None:
            return
        self._transport.writelines(self._answers(asked))
        if asked.get("Action", "").lower() in ("login", "logoff") and not self._logged_in:
            self._transport.close()

    def _answers(self, asked: dict[str, str]) -> Iterator[bytes]:
        action = asked.get("Action", "").lower()
        number = f"ActionID: {asked['ActionID']}".encode() if "ActionID" in asked else b""
        now = self._exchange.now()
        match action:
            case "challenge":
                self._challenge = str(secrets.randbelow(10**9))
                yield _reply(b"Success", number, b"Challenge: " + self._challenge.encode())
            case "login":
                yield from self._login(asked, number, now)
            case "logoff":
                self._logged_in = False
                yield _reply(b"Goodbye", number, b"Message: Thanks for all the fish.")
            case _ if not self._logged_in:
                yield _reply(b"Error", number, b"Message: Permission denied")
            case "ping":
                yield _reply(b"Success", number, b"Ping: Pong", b"Timestamp: %.6f" % now)
            case "corestatus":
                yield self._core_status(number, now)
            case "coreshowchannels":
                yield from _list(self._exchange.switchboard.core_show_channels, b"Channels", number, now)
            case "status":
                yield from _list(self._exchange.switchboard.status, b"Channel status", number, now)
            case _:
                yield _reply(b"Error", number, b"Message: Permission denied")

    def _login(self, asked: dict[str, str], number: bytes, now: float) -> Iterator[bytes]:
        secret = self._exchange.secret
        proof = hashlib.md5((self._challenge + secret).encode(), usedforsecurity=False).hexdigest()
        given, expected = (
            (asked.get("Key", ""), proof)
            if self._challenge and "Key" in asked
            else (asked.get("Secret", ""), secret)
        )
        known = asked.get("Username") == USER and hmac.compare_digest(given.encode(), expected.encode())
        self._logged_in = known
        if not known:
            yield _reply(b"Error", number, b"Message: Authentication failed")
            return
        up = int(now - self._exchange.began)
        yield _reply(b"Success", number, b"Message: Authentication accepted")
        yield (
            b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: %d\r\nLastReload: %d\r\n"
            b"Status: Fully Booted\r\n\r\n" % (up, up)
        )
        self._exchange.begin()

    def _core_status(self, number: bytes, now: float) -> bytes:
        began = time.localtime(self._exchange.began)
        return _reply(
            b"Success",
            number,
            time.strftime("CoreStartupDate: %Y-%m-%d", began).encode(),
            time.strftime("CoreStartupTime: %H:%M:%S", began).encode(),
            b"CoreReloadDate: ",
            b"CoreReloadTime: ",
            b"CoreCurrentCalls: %d" % len(self._exchange.switchboard),
        )


def _list(
    listing: Callable[[bytes, float], Iterator[bytes]], what: bytes, number: bytes, now: float
) -> Iterator[bytes]:
    yield _reply(b"Success", number, b"EventList: start", b"Message: " + what + b" will follow")
    yield from listing(number, now)


def _reply(response: bytes, *lines: bytes) -> bytes:
    return b"\r\n".join((b"Response: " + response, *(line for line in lines if line))) + END


def _headers(action: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in action.decode("utf-8", "replace").split("\r\n"))
    return {name.strip(): value.strip() for name, colon, value in lines if colon}
