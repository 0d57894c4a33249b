"""Writes one exchange's bytes to a file, redacted as they arrive or as they are.

Only whole messages are written, and flushed, so that a recording that was cut short stays readable. Only the owner
can read the file (R-36). Refuses: to overwrite a file without `overwrite`.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from callmon.ami.framing import END, MAX_MESSAGE, Framer
from callmon.ami.recording import CRLF, Redactor, is_kept, public_numbers
from callmon.config.lines import Lines
from callmon.errors import CallmonError, ConfigError, Sentence, system_reason


@dataclass
class Recorded:
    """Messages and bytes written so far."""

    messages: int = 0
    size: int = 0


async def record(
    chunks: AsyncIterator[bytes],
    file: Path,
    cut: Callable[[bytes], tuple[bytes, int]],
    duration: timedelta | None = None,
    overwrite: bool = False,
    begun: Callable[[], object] = lambda: None,
) -> Recorded:
    """Record until the bytes end, `duration` is over, or SIGINT or SIGTERM arrives. Raises ConfigError.

    `begun` is called once the file is open. `cut` (`Redacting` or `Verbatim`) returns what is to be written of a
    chunk, and its number of messages. The event loop writes, so a cancelled recording never ends inside a message.
    """
    done = Recorded()
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with (
        _opened(file, overwrite) as out,
        _none_left_behind(file, done),
        suppress(TimeoutError, asyncio.CancelledError),
    ):
        begun()
        async with asyncio.timeout(None if duration is None else duration.total_seconds()):
            async for chunk in chunks:
                written, messages = cut(chunk)
                out.write(written)
                out.flush()
                done.messages += messages
                done.size += len(written)
    return done


@contextmanager
def _none_left_behind(file: Path, done: Recorded) -> Iterator[None]:
    """Where nothing could be recorded, no empty file stays, which the next try would find in its way."""
    try:
        yield
    except CallmonError:
        if not done.size:
            file.unlink()
        raise


class Redacting:
    """Numbers and names of callers and staff are replaced; messages that callmon does not use are left out."""

    def __init__(self, lines: Lines, region: str) -> None:
        self._framer, self._greeted = Framer(), False
        self._redactor = Redactor(public_numbers(lines, region), region)

    def __call__(self, data: bytes) -> tuple[bytes, int]:
        messages = [
            self._redactor.message(message) + END for message in filter(is_kept, self._framer.receive(data))
        ]
        banner = b""
        if self._framer.banner and not self._greeted:
            self._greeted = True
            banner = self._framer.banner + CRLF
        return banner + b"".join(messages), len(messages)


class Verbatim:
    """Byte for byte, up to the end of the last message, or all bytes if a message exceeds MAX_MESSAGE."""

    def __init__(self) -> None:
        self._tail = b""

    def __call__(self, data: bytes) -> tuple[bytes, int]:
        data = self._tail + data
        end = data.rfind(END) + len(END) if END in data else 0
        complete = data[: end or (len(data) if len(data) > MAX_MESSAGE else 0)]
        self._tail = data[len(complete) :]
        return complete, complete.count(END)


def _opened(file: Path, overwrite: bool) -> BinaryIO:
    """The file, for its owner alone. Its folder is made."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if overwrite else os.O_EXCL)
    try:
        with suppress(FileExistsError):  # a file, below which there is none
            file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, flags, 0o600)
    except FileExistsError:
        raise ConfigError(Sentence("{file}: exists; name another file, or add --overwrite", file=file)) from None
    except OSError as error:
        why = system_reason(error)
        raise ConfigError(
            Sentence("{file}: cannot be written ({why}); name another place", file=file, why=why)
        ) from None
    os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "wb")
