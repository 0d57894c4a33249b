"""Logs as lines of `time level message key=value`: one line when something changes, with fields.

Never a caller's number: nothing that logs is given one.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Lines(logging.Formatter):
    """`2026-11-24T13:42:13Z WARNING exchange lost exchange=toronto`."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        fields = "".join(f" {k}={_plain(v)}" for k, v in vars(record).items() if k not in _USUAL)
        line = f"{at} {record.levelname} {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _plain(value: object) -> str:
    text = str(value).replace("\n", " ")
    return f'"{text}"' if " " in text or not text else text


def set_up(level: int = logging.INFO) -> None:
    """Log to standard error; libraries only when something is wrong with them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("callmon").setLevel(level)
