"""Buffers the last minutes of one exchange's bytes in memory; writes them, redacted, after an internal error.

Each fault brings its own test: the file is a recording that `callmon replay` plays. The buffer is bounded by bytes
and by age; time is an argument. The files are personal information all the same (R-36). They are redacted,
readable by callmon's user only, and limited in number a day. Each name holds the last day of its retention:
`store/privacy/dated_files.py` finds the expired files.

Refuses: to write numbers or names, and to overwrite a file.
"""

import logging
import os
import re
import threading
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from callmon.ami.framing import BANNER, END
from callmon.ami.recording import redacted

log = logging.getLogger(__name__)

# A busy hour of 40 calls is half a megabyte with an event filter. A switchboard with one call a second sends at
# worst 80 KB a second: the buffer still holds the minute around the fault.
MAX_BYTES = 4 * 1024 * 1024
MAX_SECONDS = 600
FILES_A_DAY = 5
KEEP_FOR = timedelta(days=30)
_NAMED = re.compile(r"(?P<exchange>.+)-(?P<day>\d{8})T\d{6}Z(?:-\d+)?-expires-(?P<last>\d{4}-\d{2}-\d{2})\.ami")


class FlightRecorder:
    """Buffers one exchange's bytes, and writes the buffer to a file on request."""

    def __init__(self, folder: Path | None = None, keep: Iterable[str] = ()) -> None:
        """`keep`: the public numbers (`recording.public_numbers`), which are not redacted.

        `folder`: where the files go; by default `faults` in systemd's state directory, or in the current folder.
        """
        self.folder = folder or Path(os.environ.get("STATE_DIRECTORY", "").partition(":")[0] or ".") / "faults"
        self._keep = frozenset(keep)
        self._chunks: deque[tuple[float, bytes]] = deque()
        self.size = 0
        self._whole = True  # nothing has been dropped: the first byte is the connection's first
        self._writing: threading.Thread | None = None

    def record_bytes(self, data: bytes, now: float) -> None:
        """Append bytes received at `now` (monotonic seconds). A banner begins a connection and a new recording."""
        if data.startswith(BANNER):
            self._chunks.clear()
            self.size, self._whole = 0, True
        self._chunks.append((now, data))
        self.size += len(data)
        while self._chunks and (self.size > MAX_BYTES or now - self._chunks[0][0] > MAX_SECONDS):
            self.size -= len(self._chunks.popleft()[1])
            self._whole = False

    def dump_fault(self, exchange: str, at: datetime) -> Path | None:
        """Write the buffer to a file in `folder`, in a thread: redacting megabytes would block the event loop.

        None when the day's limit is reached, and while the previous file is still being written: it holds the same
        minutes.
        """
        if self._writing is not None and self._writing.is_alive():
            return None
        path = self._path(exchange, at)
        if path is not None:
            arguments = path, self._snapshot()
            self._writing = threading.Thread(target=self._write, args=arguments, name="flight recorder")
            self._writing.start()
        return path

    def join(self) -> None:
        if self._writing is not None:
            self._writing.join()

    def _write(self, path: Path, snapshot: bytes) -> None:
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.writelines(redacted([snapshot], self._keep))
        except OSError as error:
            log.warning("flight recorder: cannot write %s: %s", path, error.strerror)

    def _snapshot(self) -> bytes:
        data = b"".join(chunk for _, chunk in self._chunks)
        data = data if self._whole else data.partition(END)[2]
        return data[: data.rfind(END) + len(END)] if END in data else b""

    def _path(self, exchange: str, at: datetime) -> Path | None:
        """A file name with its time and the last day of its retention; None when the day's limit is reached."""
        at = at.astimezone(UTC)
        today = f"{at:%Y%m%d}"
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        named = (_NAMED.fullmatch(path.name) for path in self.folder.iterdir())
        there = sum(1 for n in named if n and n["exchange"] == exchange and n["day"] == today)
        if there >= FILES_A_DAY:
            return None
        last = (at + KEEP_FOR).date()
        first = self.folder / f"{exchange}-{at:%Y%m%dT%H%M%SZ}-expires-{last}.ami"
        return first if not first.exists() else first.with_name(first.name.replace("Z-", f"Z-{there}-", 1))
