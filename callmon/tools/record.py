"""Writes one exchange's bytes to a file, redacted as they arrive unless `with_numbers` is set.

The caller of this module supplies the connection: `bytes_of` yields the bytes. Only whole messages are written,
and flushed, so that a recording that was cut short stays readable. Only the owner can read the file (R-36).
Refuses: to overwrite a file without `overwrite`, and to record numbers without `with_numbers`.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import BinaryIO, TextIO

from callmon.ami.framing import END, MAX_MESSAGE, Framer
from callmon.ami.recording import CRLF, Redactor, is_kept, public_numbers
from callmon.config.exchange import ExchangeSettings
from callmon.config.lines import Lines
from callmon.errors import ConfigError

BytesOf = Callable[[ExchangeSettings], AsyncIterator[bytes]]


@dataclass
class Recorded:
    """Messages and bytes written so far."""

    messages: int = 0
    size: int = 0


async def record(
    exchange: ExchangeSettings,
    file: Path,
    lines: Lines,
    with_numbers: bool,
    bytes_of: BytesOf,
    region: str = "CA",
    duration: timedelta | None = None,
    overwrite: bool = False,
    terminal: TextIO | None = None,
) -> Recorded:
    """Record until the bytes end, `duration` is over, or SIGINT or SIGTERM arrives. Raises ConfigError.

    Progress is shown on `terminal` (default: standard error) if it is a terminal.
    """
    cut = _Verbatim() if with_numbers else _Redacting(lines, region)
    done, terminal = Recorded(), terminal or sys.stderr
    seconds = None if duration is None else duration.total_seconds()
    with _opened(file, overwrite) as out:
        writing = asyncio.create_task(_write(bytes_of(exchange), cut, out, done, terminal), name="record")
        with _signals_cancel(writing):
            await asyncio.wait({writing}, timeout=seconds)
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing
    if terminal.isatty():
        print(f"\r{_progress(done)}", file=terminal)
    return done


async def _write(
    chunks: AsyncIterator[bytes], cut: "_Redacting | _Verbatim", out: BinaryIO, done: Recorded, terminal: TextIO
) -> None:
    """Write in the event loop: a cancelled recording never ends inside a message, and nothing else runs in it.

    On a terminal, one line of progress is drawn again at most once a second; in a pipe, none.
    """
    shown = -1.0
    async for chunk in chunks:
        whole, messages = cut(chunk)
        out.write(whole)
        out.flush()
        done.messages += messages
        done.size += len(whole)
        if terminal.isatty() and monotonic() - shown >= 1:
            shown = monotonic()
            print(f"\r{_progress(done)}", end="", file=terminal, flush=True)


class _Redacting:
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


class _Verbatim:
    """Byte for byte, up to the end of the last message, or all bytes if a message exceeds MAX_MESSAGE."""

    def __init__(self) -> None:
        self._tail = b""

    def __call__(self, data: bytes) -> tuple[bytes, int]:
        data = self._tail + data
        end = data.rfind(END) + len(END) if END in data else 0
        whole = data[: end or (len(data) if len(data) > MAX_MESSAGE else 0)]
        self._tail = data[len(whole) :]
        return whole, whole.count(END)


def _opened(file: Path, overwrite: bool) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if overwrite else os.O_EXCL)
    try:
        descriptor = os.open(file, flags, 0o600)
    except FileExistsError:
        raise ConfigError(f"{file}: exists; name another file, or add --overwrite") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written ({error.strerror}); name another place") from None
    os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "wb")


@contextlib.contextmanager
def _signals_cancel(task: asyncio.Task[None]) -> Iterator[None]:
    """SIGINT and SIGTERM cancel the task. Afterwards both signals have their usual effect again."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _progress(done: Recorded) -> str:
    return f"{done.messages:>9,} messages {done.size / 1024:>9,.0f} KiB; Ctrl-C ends the recording"
