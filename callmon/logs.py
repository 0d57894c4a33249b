"""Logs as lines of `time level message key=value`: one line when something changes, with fields.

Only a traceback has further lines, indented.

Refuses: a caller's number (no code that logs receives one), two lines for one record, and control characters.
Remote text therefore cannot forge a line.
"""

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SPACES = frozenset("\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}")


class KeyValueFormatter(logging.Formatter):
    """`2026-11-24T13:42:13Z WARNING exchange lost exchange=toronto`."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        fields = "".join(f" {k}={_plain(v)}" for k, v in vars(record).items() if k not in _USUAL)
        line = _printable(f"{at} {record.levelname} {record.getMessage()}{fields}")
        if not record.exc_info:
            return line
        trace = self.formatException(record.exc_info).split("\n")
        return "\n".join((line, *(f"  {_printable(part)}" for part in trace)))


class Seldom:
    """A log line that remote parties can cause: at most once in `SECONDS`, with the `count` since the last one."""

    SECONDS = 60.0

    def __init__(self, log: logging.Logger, message: str, clock: Callable[[], float] = monotonic) -> None:
        self._log = log
        self._message = message
        self._clock = clock
        self._count, self._next = 0, float("-inf")

    def __call__(self, **fields: object) -> None:
        self._count += 1
        now = self._clock()
        if now >= self._next:
            self._log.warning(self._message, extra={**fields, "count": self._count})
            self._count, self._next = 0, now + self.SECONDS


def _plain(value: object) -> str:
    text = str(value).replace("\n", " ").replace('"', "'")
    return f'"{text}"' if " " in text or not text else text


def _printable(line: str) -> str:
    """Make one line: a character that is not printable becomes "?", a line feed a space."""
    if line.isprintable():
        return line
    return "".join(x if x.isprintable() or x in _SPACES else "?" for x in line.replace("\n", " "))


class JsonFormatter(logging.Formatter):
    """`{"time": "2026-11-24T13:42:13Z", "level": "WARNING", "message": "lost", "exchange": "toronto"}`."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        fields = {name: value for name, value in vars(record).items() if name not in _USUAL}
        line = {"time": at, "level": record.levelname, "message": record.getMessage(), **fields}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def set_up(level: int = logging.INFO, as_json: int = False) -> None:
    """Log to standard error; libraries log warnings and errors only."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else KeyValueFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("callmon").setLevel(level)
