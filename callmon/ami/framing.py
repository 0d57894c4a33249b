"""Bytes to whole AMI messages, and actions to bytes. Framing is on bytes. No I/O, no clock.

The wire format (measured): one banner line without a blank line after it; then messages ended by CR LF CR LF.
Occasionally a message begins with a stray CR LF. A broken session ends inside a message: the tail is never a
message. `parse_headers` is not for the event path: `decoding` is. Refuses: messages above `MAX_MESSAGE`, which are
dropped as they arrive and counted.
"""

import hashlib
from collections.abc import Mapping

END = b"\r\n\r\n"
BANNER = b"Asterisk Call Manager/"
# The longest real message seen is a Status with variables, 2 KiB; Asterisk's own buffers end at 64 KiB.
MAX_MESSAGE = 64 * 1024
# Asterisk's banner is 28 bytes; a longer line is no banner, and the framer does not wait for its end.
MAX_BANNER = 128


class Framer:
    """Splits one connection's bytes into messages, independent of how the network split them."""

    __slots__ = ("_skipping", "_tail", "banner", "dropped")

    def __init__(self) -> None:
        self.banner: bytes | None = None
        self.dropped = 0  # messages that were too large
        self._tail = b""
        self._skipping = False

    def receive(self, data: bytes) -> list[bytes]:
        """The messages completed by these bytes, without their ending. Never raises."""
        data = self._tail + data if self._tail else data
        if self.banner is None:
            data = self._take_banner(data)
        messages = data.split(END)
        tail = messages.pop()
        if messages and self._skipping:
            self._skipping = False
            del messages[0]
        self._keep(tail)
        return self._short_enough(messages) if _may_be_long(data) else messages

    def _take_banner(self, data: bytes) -> bytes:
        """Take the banner, which is one line. Any other text stays in the data."""
        if not data.startswith(BANNER[: len(data)]):
            self.banner = b""
            return data
        line, found, rest = data.partition(b"\r\n")
        if not found and len(data) <= MAX_BANNER + 1:
            return data
        if len(line) > MAX_BANNER:
            self.banner = b""
            return data
        self.banner = line
        return rest

    def _keep(self, tail: bytes) -> None:
        """Bound the memory: of a message that is too long only the last bytes stay, which may begin its end."""
        if not self._skipping and len(tail) > MAX_MESSAGE + len(END) - 1:
            self.dropped += 1
            self._skipping = True
        self._tail = tail[-3:] if self._skipping else tail

    def _short_enough(self, messages: list[bytes]) -> list[bytes]:
        short = [message for message in messages if len(message) <= MAX_MESSAGE]
        self.dropped += len(messages) - len(short)
        return short


def _may_be_long(data: bytes) -> bool:
    """Whether a message may be too long: when every half of `MAX_MESSAGE` holds a message end, none is."""
    half = MAX_MESSAGE // 2
    return any(data.find(END, start, start + half) < 0 for start in range(0, len(data) - half, half))


def format_action(fields: Mapping[str, str]) -> bytes | None:
    """The action's bytes. None when a field contains a line break, which would begin another field."""
    text = "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
    if text.count("\r") != len(fields) or text.count("\n") != len(fields):
        return None
    return text.encode() + b"\r\n"


def parse_headers(message: bytes) -> dict[str, str]:
    """The headers of a whole message. Invalid UTF-8 becomes U+FFFD; the last of equal names wins."""
    lines = (line.partition(":") for line in message.decode("utf-8", "replace").split("\r\n"))
    return {name.strip(): value.strip() for name, colon, value in lines if colon}


def login_key(challenge: str, secret: str) -> str:
    """The proof that answers the challenge of a login by MD5."""
    return hashlib.md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()
