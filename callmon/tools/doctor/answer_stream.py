"""The socket that pyst2 reads: callmon's own connection, and of its bytes the answers to the last action only.

pyst2 waits without limit, keeps what it receives without limit, and takes the next response for the answer. This
stream passes on one response an action, whole messages of `MAX_MESSAGE` at most, and no line that pyst2 cannot
read. Another thread ends each of its waits with `shut`. Refuses: to connect, and to know what is asked.
"""

import selectors
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

from callmon.ami.framing import Framer, parse_headers

CHUNK = 64 * 1024
# pyst2 ends its thread at the first, and after the others waits for a marker that no answer to doctor has.
TRAPS = ("ChanVariable", "status will follow", "Response: Follows")


class AnswerStream:
    """Read by pyst2's thread, written by the asking one. The lock separates them: TLS is not for two threads."""

    def __init__(self, wire: socket.socket) -> None:
        wire.setblocking(False)
        self._wire = wire
        self._framer = Framer()
        self._lock = threading.Lock()
        self._messages: deque[bytes] = deque()
        self._lines: deque[bytes] = deque()
        self._asked = self._answered = ""
        self._is_shut = False
        self.reason = ""  # why it ended, if the system says so

    def greeting(self, seconds: float) -> bytes | None:
        """The banner; b"" if this is no AMI; None if nothing arrives within that time."""
        heard = False
        while self._framer.banner is None:
            chunk = self._chunk(seconds)
            if not chunk:
                return b"" if heard else None
            heard = True
            self._messages.extend(self._framer.receive(chunk))
        return self._framer.banner

    @property
    def is_overrun(self) -> bool:
        """Whether a message was too long."""
        return self._framer.dropped > 0

    def expect(self, action_id: str) -> None:
        self._asked = action_id

    def write(self, data: bytes) -> None:
        with self._lock:
            self._wire.sendall(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def shut(self) -> None:
        """End every wait for it. Bytes go on arriving, of a flood without end: they are not read.

        Not the method of a TLS socket, which forgets its TLS under the reader.
        """
        self._is_shut = True
        with suppress(OSError):
            socket.socket.shutdown(self._wire, socket.SHUT_RDWR)

    close = shut

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while not self._lines:
            message = self._message()
            if message is None or self._is_shut:
                raise StopIteration
            if self._is_answer(message):
                self._lines.extend(_legible(message))
        return self._lines.popleft()

    def _message(self) -> bytes | None:
        while not self._messages:
            chunk = self._chunk()
            self._messages.extend(self._framer.receive(chunk))
            if not chunk or self.is_overrun:
                return None
        return self._messages.popleft()

    def _is_answer(self, message: bytes) -> bool:
        """Whether it is the first response to the last action, or an event of its list."""
        headers = parse_headers(message)
        action_id = headers.get("ActionID", "")
        if action_id != self._asked:
            return False
        if "Event" in headers:
            return True
        is_first, self._answered = action_id != self._answered, action_id
        return is_first

    def _chunk(self, seconds: float | None = None) -> bytes:
        """The next bytes; b"" at the end, or if none arrive within that time."""
        with selectors.DefaultSelector() as readable:
            try:
                readable.register(self._wire, selectors.EVENT_READ)
                while True:
                    with suppress(BlockingIOError, ssl.SSLWantReadError), self._lock:
                        return self._wire.recv(CHUNK)
                    if not readable.select(seconds):
                        return b""
            except (OSError, ValueError) as error:  # ValueError: the socket is closed
                self.reason = getattr(error, "strerror", None) or ""
                return b""


def _legible(message: bytes) -> Iterator[bytes]:
    """The lines with a name and a value, each ended as pyst2 expects it."""
    for line in message.split(b"\r\n"):
        if b":" in line and not any(trap.encode() in line for trap in TRAPS):
            yield line + b"\r\n"
    yield b"\r\n"
