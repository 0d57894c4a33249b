"""Bytes to whole AMI messages. Framing is on bytes; nothing is decoded here. No I/O, no clock.

The wire format (measured): one banner line without a blank line after it; then messages ended by CR LF CR LF.
Occasionally a message begins with a stray CR LF. A broken session ends inside a message: the tail is never a
message. Refuses: messages above `MAX_MESSAGE`, which are dropped as they arrive and counted.
"""

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
        self.dropped = 0
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

    @property
    def tail(self) -> bytes:
        return self._tail

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
