"""What a daemon takes that hears nothing: `callmon run` with the example's six lines and SQLite, connected."""

from __future__ import annotations

import gzip
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple
from urllib.request import Request, urlopen

from tests.bench.processes import cpu
from tests.bench.readers import SECRET
from tests.support.daemon_process import Callmon

SETTLED = 10.0  # seconds after the start: caches are filled, what is due once is done
PAGE = os.sysconf("SC_PAGESIZE")


class Idle(NamedTuple):
    """Bytes in memory, a share of one core, bytes of /metrics as it is and compressed."""

    memory: int
    share: float
    metrics: int
    compressed: int


def measure(port: int, seconds: float) -> Idle:
    """A daemon that is connected to the exchange at this port, which sends nothing."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, Callmon(Path(folder), port, SECRET) as daemon:
        time.sleep(SETTLED)
        before, began = cpu(daemon.pid), time.monotonic()
        time.sleep(seconds)
        share = (cpu(daemon.pid) - before) / (time.monotonic() - began)
        memory = int(Path(f"/proc/{daemon.pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE
        asked = Request(f"http://127.0.0.1:{daemon.web_port}/metrics", headers={"Accept-Encoding": "gzip"})
        with urlopen(asked, timeout=10) as answer:
            compressed = answer.read()
    return Idle(memory, share, len(gzip.decompress(compressed)), len(compressed))
