"""An SMTP client for a server that is not trusted: what it says, and for how long, is bounded.

smtplib reads an answer of many lines to its end, whatever its length, and waits a whole time-out for each byte.

Refuses: an answer of more than `MOST_LINES` or `LONGEST_ANSWER`; to go on after `deadline`.
"""

import re
import smtplib
import socket
from time import monotonic
from typing import Any

SECONDS = 60.0  # without a byte
SECONDS_TO_BEGIN = 300.0  # for all of the conversation before the message
MOST_LINES, LONGEST_ANSWER = 100, 64 << 10  # lines; bytes
PIECE = 16 << 10  # bytes that are sent before the time is looked at again


class BoundedSMTP(smtplib.SMTP):
    """`deadline`: monotonic seconds; the caller may set another one for the next part of the conversation."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.deadline = monotonic() + SECONDS_TO_BEGIN
        self._received = b""
        self._source: socket.socket | None = None
        super().__init__(*given, **named)

    def getreply(self) -> tuple[int, bytes]:
        """The answer to a command. Raises SMTPException: the answer is too long, too late, or there is none."""
        lines: list[bytes] = []
        left = LONGEST_ANSWER
        while len(lines) < MOST_LINES:
            line = self._line(left)
            left -= len(line) + 1
            lines.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(line[:3]) if re.fullmatch(rb"[0-9]{3}", line[:3]) else -1, b"\n".join(lines)
        raise self._ended("the answer has too many lines")

    def send(self, s: Any) -> None:
        data = s.encode(self.command_encoding) if isinstance(s, str) else s
        for start in range(0, len(data), PIECE):
            self._limit_wait()
            super().send(data[start : start + PIECE])

    def _line(self, most: int) -> bytes:
        if self._source is not self.sock:  # STARTTLS: what came in clear is no answer
            self._received, self._source = b"", self.sock
        while b"\n" not in self._received:
            if len(self._received) >= most:
                raise self._ended("the answer is too long")
            wire = self._limit_wait()
            try:
                more = wire.recv(4096)
            except OSError as error:
                raise self._ended(f"Connection unexpectedly closed: {error}") from None
            if not more:
                raise self._ended("Connection unexpectedly closed")
            self._received += more
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _limit_wait(self) -> socket.socket:
        """The socket, whose next wait ends at the deadline."""
        wire, left = self.sock, self.deadline - monotonic()
        if wire is None:
            raise smtplib.SMTPServerDisconnected("Server not connected")
        if left <= 0:
            raise self._ended("the conversation takes too long")
        wire.settimeout(min(SECONDS, left))
        return wire

    def _ended(self, why: str) -> smtplib.SMTPException:
        self.close()
        return smtplib.SMTPServerDisconnected(why)


class EncryptedSMTP(BoundedSMTP, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""
