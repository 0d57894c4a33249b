"""The worker process of one report (`python -m callmon.reports.worker`), started by `jobs`.

It reads the settings, the request and its limits from standard input. On standard output it writes JSON, one line
for each step, then the bytes of the files. Its unhandled errors go to the standard error of the daemon.
"""

import json
import logging
import os
import pickle
import resource
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

from callmon.config.settings import Settings
from callmon.reports.export import File
from callmon.reports.failure import FAILS, classify, over_limit
from callmon.reports.request import ReportRequest, filed
from callmon.store.database import open_store


def main() -> None:
    configuration, source, order, seconds, megabytes = pickle.load(sys.stdin.buffer)  # from the parent process
    _set_limits(seconds, megabytes)
    logging.raiseExceptions = False  # without memory, printing a log error may not end
    try:
        files = _files(Settings(configuration, source), order)
    except (MemoryError, SystemError):  # SystemError: a C library ran out of memory
        _send(failure=msgspec.to_builtins(over_limit("large", megabytes)))
    except FAILS as error:
        _send(failure=msgspec.to_builtins(classify(error)))
    else:
        _send(files=[(path.name, len(data)) for path, data in files])
        for _, data in files:
            sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def _files(settings: Settings, order: ReportRequest) -> list[File]:
    store = open_store(settings.store.url)
    try:
        return filed(store, settings, order, datetime.now(UTC), lambda part: _send(progress=round(part, 3)))
    finally:
        store.close()


def _set_limits(seconds: float, megabytes: int) -> None:
    """Limit time and memory, even if the parent exits, and lower the priority so that events come first."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(max(1, round(seconds) + 1))
    # If a sandbox forbids setting the limit, the limits of the sandbox apply.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    with suppress(OSError):
        os.nice(10)


def _send(**message: Any) -> None:
    sys.stdout.buffer.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
