"""An exchange on loopback that a test controls completely: its clock, and each message that it sends.

It accepts any login, answers Ping by its clock, lists no channels, and refuses all other actions.
"""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Self

from callmon.ami.framing import END

BANNER = b"Asterisk Call Manager/11.0.0\r\n"


class FalseExchange:
    """`with FalseExchange() as exchange:` listens at `exchange.port`. Its clock is `ahead` seconds ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.reported: bytes | None = None  # the answer to Ping, in place of its clock
        self.pings = 0
        self._connections: set[_Connection] = set()
        self._began = time.time()
        self._calls = 0
        exchange = self

        class Connection(_Connection):
            of = exchange

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Listens no more, and ends each connection."""
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.connection.shutdown(socket.SHUT_RDWR)

    @property
    def is_heard(self) -> bool:
        """Whether a client has logged in."""
        return bool(self._connections)

    def time(self) -> float:
        return time.time() + self.ahead

    def stamp(self) -> bytes:
        return b"%.6f" % self.time() if self.reported is None else self.reported

    def tell(self, *lines: bytes) -> None:
        """Sends one event with the present time to each client that has logged in."""
        event, *more = lines
        self.send(b"\r\n".join([b"Event: " + event, b"Timestamp: " + self.stamp(), *more]) + END)

    def send(self, data: bytes) -> None:
        """Sends these bytes to each client that has logged in."""
        for connection in list(self._connections):
            with suppress(OSError):
                connection.say(data)

    def call(self, number: bytes = b"4163272422") -> None:
        """A caller dials a public number, and hangs up at once."""
        self._calls += 1
        uniqueid = b"%d.%d" % (time.time(), self._calls)
        here = (b"Channel: PJSIP/trunk-%08x" % self._calls, b"Exten: " + number, b"Uniqueid: " + uniqueid)
        caller = (b"CallerIDNum: 4165550101", b"CallerIDName: ", b"Language: en", b"Context: in")
        self.tell(b"Newchannel", *here, *caller, b"ChannelState: 4", b"Linkedid: " + uniqueid)
        self.tell(b"Hangup", *here, *caller, b"Linkedid: " + uniqueid, b"Cause: 16")

    def answers(self, asked: dict[bytes, bytes]) -> Iterator[list[bytes]]:
        match asked[b"Action"]:
            case b"Challenge":
                yield [b"Response: Success", b"Challenge: 1"]
            case b"Login":
                up = b"Uptime: %d" % (time.time() - self._began)
                yield [b"Response: Success", b"Message: Authentication accepted"]
                yield [b"Event: FullyBooted", up, b"Status: Fully Booted"]
            case b"Ping":
                self.pings += 1
                yield [b"Response: Success", b"Ping: Pong", b"Timestamp: " + self.stamp()]
            case b"CoreShowChannels" | b"Status" as listing:
                yield [b"Response: Success", b"EventList: start"]
                yield [b"Event: " + listing + b"Complete", b"EventList: Complete", b"ListItems: 0"]
            case _:
                yield [b"Response: Error", b"Message: Permission denied"]


class _Connection(socketserver.StreamRequestHandler):
    of: FalseExchange

    def setup(self) -> None:
        super().setup()
        self._turn = threading.Lock()  # an answer never stands within an event

    def say(self, data: bytes) -> None:
        with self._turn:
            self.wfile.write(data)

    def handle(self) -> None:
        with suppress(OSError):
            self.say(BANNER)
            while asked := self._action():
                number = [b"ActionID: " + asked[b"ActionID"]] if b"ActionID" in asked else []
                for first, *more in self.of.answers(asked):
                    self.say(b"\r\n".join([first, *number, *more]) + END)
                if asked[b"Action"] == b"Login":
                    self.of._connections.add(self)

    def _action(self) -> dict[bytes, bytes]:
        """The next action's headers; {} at the end of the connection."""
        asked: dict[bytes, bytes] = {}
        for line in self.rfile:
            if line == b"\r\n":
                return asked
            name, _, value = line.rstrip(b"\r\n").partition(b": ")
            asked[name] = value
        return {}

    def finish(self) -> None:
        self.of._connections.discard(self)
        with suppress(OSError):
            super().finish()
