"""A small exchange on loopback that speaks AMI and plays recordings, for a machine without Asterisk.

    connected ──Challenge, Login──▶ listening (receives every message) ──Logoff, or reads too slowly──▶ closed

Each client hears calls of its own: playing begins once its login and its first question about calls in progress
are answered, and continues without end at the recordings' own speed. So no call is in progress before it.
Refuses: to listen anywhere except on loopback, and every action that is not a question about calls.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from random import Random

from callmon.ami.framing import END, login_key, parse_headers
from callmon.tools.demo.phones import DemoPhones
from callmon.tools.demo.schedule import LOAD, CallPace, RecordingPlayer, messages

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
USER = "callmon"
SEED = 1
# Limits of one client: pending bytes of actions, and unread bytes before it is dropped, as Asterisk does.
MAX_PENDING = 64 * 1024
MAX_UNREAD = 8 * 1024 * 1024
# The headers of a channel in a list, in Asterisk's order.
CHANNEL = (
    "Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum",
    "ConnectedLineName", "Language", "AccountCode", "Context", "Exten", "Priority", "Uniqueid", "Linkedid",
)  # fmt: skip


class DemoExchange:
    """`async with DemoExchange() as exchange:` listens at `exchange.port`, login `USER` and `exchange.secret`."""

    def __init__(self, pace: CallPace = LOAD) -> None:
        self.secret = secrets.token_hex(16)
        self.port = 0
        self.listeners: set[Listener] = set()
        self.messages = partial(messages, player=RecordingPlayer(Random(SEED)), pace=pace)
        self._epoch, self._held = time.time() - time.monotonic(), 0.0
        self.began = self.now()

    def now(self) -> float:
        """The exchange's own clock, in epoch seconds: the wall clock at the start. Only `hold` sets it."""
        return self._held or self._epoch + time.monotonic()

    def hold(self, at: datetime) -> None:
        """Stop the clock until calls are played, so that nothing lies between them and a past that ends `at`."""
        self._held = at.timestamp()

    def release(self) -> None:
        if self._held:
            self._epoch, self._held = self._held - time.monotonic(), 0.0

    async def __aenter__(self) -> DemoExchange:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Listener(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.close()
        playing = [listener.playing for listener in self.listeners if listener.playing is not None]
        for listener in list(self.listeners):
            listener.close()
        for task in playing:
            task.cancel()
        await asyncio.gather(*playing, return_exceptions=True)


class Listener(asyncio.Protocol):
    _transport: asyncio.Transport

    def __init__(self, exchange: DemoExchange) -> None:
        self._exchange = exchange
        self._channels: dict[str, dict[str, str]] = {}  # those that are up: the headers of each one's last event
        self._phones = DemoPhones()
        self.playing: asyncio.Task[None] | None = None
        self._challenge = ""
        self._pending = b""
        self._logged_in = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._exchange.listeners.add(self)
        transport.write(BANNER)

    def connection_lost(self, error: Exception | None) -> None:
        self._exchange.listeners.discard(self)
        if self.playing is not None:
            self.playing.cancel()

    def data_received(self, data: bytes) -> None:
        *actions, self._pending = (self._pending + data).split(END)
        for headers in map(parse_headers, actions):
            self._write(self._answers(headers))
            if headers.get("Action", "").lower() in ("login", "logoff") and not self._logged_in:
                self._transport.close()
        if len(self._pending) > MAX_PENDING:
            self.close()

    async def _play(self) -> None:
        """Send each message at its time, for ever."""
        now = self._exchange.now
        for at, message in self._exchange.messages(now()):
            await asyncio.sleep(max(0.0, at - now()))
            self._update_channels(parse_headers(message))
            self._write([message, *self._phone_states(at)])
            if self._transport.get_write_buffer_size() > MAX_UNREAD:
                self.close()

    def _update_channels(self, headers: dict[str, str]) -> None:
        uniqueid = headers.get("Uniqueid", "")
        if headers.get("Event") == "Hangup":
            self._channels.pop(uniqueid, None)
        elif headers.get("Event") == "Newchannel" or uniqueid in self._channels:
            self._channels[uniqueid] = self._channels.get(uniqueid, {}) | headers

    def _phone_states(self, at: float) -> Iterator[bytes]:
        for device, state in self._phones.changes(self._channels):
            head = ("Event: DeviceStateChange", "Privilege: call,all", f"Timestamp: {at:.6f}")
            yield _ami_message(*head, f"Device: {device}", f"State: {state}")

    def close(self) -> None:
        self._transport.abort()

    def _write(self, messages: Iterable[bytes]) -> None:
        # Not `writelines`: after `abort` it leaves the descriptor registered, and the next connection with that
        # descriptor is never read (CPython issue 136234, in 3.12 and 3.13).
        self._transport.write(b"".join(messages))

    def _answers(self, headers: dict[str, str]) -> Iterator[bytes]:
        action, exchange = headers.get("Action", "").lower(), self._exchange
        number = f"ActionID: {headers['ActionID']}" if "ActionID" in headers else ""
        now = exchange.now()
        match action:
            case "challenge":
                self._challenge = str(secrets.randbelow(10**9))
                yield _reply("Success", number, f"Challenge: {self._challenge}")
            case "login":
                yield from self._login(headers, number, now)
            case "logoff":
                self._logged_in = False
                yield _reply("Goodbye", number, "Message: Thanks for all the fish.")
            case _ if not self._logged_in:
                yield _reply("Error", number, "Message: Permission denied")
            case "ping":
                yield _reply("Success", number, "Ping: Pong", f"Timestamp: {now:.6f}")
            case "corestatus":
                began = time.localtime(exchange.began)
                dates = (time.strftime(f"CoreStartup{x}", began) for x in ("Date: %Y-%m-%d", "Time: %H:%M:%S"))
                yield _reply("Success", number, *dates, f"CoreCurrentCalls: {len(self._channels)}")
            case "coreshowchannels":
                yield _reply("Success", number, "EventList: start", "Message: Channels will follow")
                for channel in self._channels.values():
                    lines = (f"{name}: {channel.get(name, '')}" for name in CHANNEL)
                    yield _ami_message("Event: CoreShowChannel", number, *lines)
                yield _complete("CoreShowChannelsComplete", number, len(self._channels))
            case "devicestatelist":
                yield _reply("Success", number, "EventList: start", "Message: Device State Changes will follow")
                for device, state in self._phones.states.items():
                    yield _ami_message("Event: DeviceStateChange", number, f"Device: {device}", f"State: {state}")
                yield _complete("DeviceStateListComplete", number, len(self._phones.states))
            case "status":
                yield _reply("Success", number, "EventList: start", "Message: Channel status will follow")
                yield _complete("StatusComplete", number, 0, f"Timestamp: {now:.6f}")
                exchange.release()
                self.playing = self.playing or asyncio.get_running_loop().create_task(self._play(), name="demo")
            case _:
                yield _reply("Error", number, "Message: Permission denied")

    def _login(self, headers: dict[str, str], number: str, now: float) -> Iterator[bytes]:
        secret = self._exchange.secret
        given, expected = headers.get("Secret", ""), secret
        if self._challenge and "Key" in headers:
            given, expected = headers["Key"], login_key(self._challenge, secret)
        is_secret = hmac.compare_digest(given.encode(), expected.encode())
        self._logged_in = is_secret and headers.get("Username") == USER
        if not self._logged_in:
            yield _reply("Error", number, "Message: Authentication failed")
            return
        up = int(now - self._exchange.began)
        yield _reply("Success", number, "Message: Authentication accepted")
        booted = ("Event: FullyBooted", "Privilege: system,all", f"Uptime: {up}", f"LastReload: {up}")
        yield _ami_message(*booted, "Status: Fully Booted")


def _reply(response: str, *lines: str) -> bytes:
    return _ami_message(f"Response: {response}", *lines)


def _complete(event: str, number: str, count: int, *lines: str) -> bytes:
    return _ami_message(f"Event: {event}", number, "EventList: Complete", f"ListItems: {count}", *lines)


def _ami_message(*lines: str) -> bytes:
    """The message of these lines, without the empty ones."""
    return "\r\n".join(filter(None, lines)).encode() + END
