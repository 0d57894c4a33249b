"""``python -m bench.past_beside 20000``: how late a heard call is stored while `callmon import` runs beside.

Each tenth of a second a call takes the daemon's own write path: first alone, then beside the import of a queue_log
of so many calls. The benchmark prints the delays of both, and fails if a call is lost or counted twice.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from callmon.core.statistics.counters import CALLS
from callmon.store.database import Database
from callmon.store.queries import calls as queries
from callmon.store.rejudge import counter_differences
from tests.store.test_backfill import BackfillOffice
from tests.support.made_queue_log import made
from tests.support.store_fixtures import answered_call, database, outcomes

DAYS, ALONE, PAUSE_SECONDS = 10, 50, 0.1


def main() -> int:
    count = int(sys.argv[1])
    with TemporaryDirectory() as folder:
        office, file = BackfillOffice(Path(folder)), Path(folder, "queue_log")
        file.write_text(made(DAYS, count // DAYS, str((datetime.now(UTC) - timedelta(days=40)).date()))[0])
        office.run("db", "upgrade")
        with closing(office.store()) as store:
            alone = _delays(store, range(ALONE), lambda: True)
            words = ("import", "queue_log", str(file), "--config", str(office.config))
            with subprocess.Popen([sys.executable, "-m", "callmon", *words], stdout=subprocess.DEVNULL) as run:
                beside = _delays(store, range(ALONE, 100_000), lambda: run.poll() is None)
            heard = len(alone) + len(beside)
            counted = sum(n for x, n in queries.counters(store).items() if x[0] == CALLS.name)
            is_right = (counted, counter_differences(store), run.returncode) == (heard, [], 0)
    for name, delays in (("alone", alone), ("beside the import", beside)):
        most, half = max(delays), statistics.median(delays)
        sys.stdout.write(f"{name}: {len(delays)} calls, median {half * 1000:.0f} ms, most {most * 1000:.0f} ms\n")
    sys.stdout.write(f"figures {'agree' if is_right else 'DIFFER'}\n")
    return 0 if is_right else 1


def _delays(store: Database, numbers: range, goes_on: Callable[[], bool]) -> list[float]:
    found = []
    with database(store) as writer:
        for number in numbers:
            if not goes_on():
                break
            began = time.monotonic()
            for outcome in outcomes(answered_call(number)):
                writer.offer(outcome)
            writer.flush(60)
            found.append(time.monotonic() - began)
            time.sleep(PAUSE_SECONDS)
    return found


if __name__ == "__main__":
    sys.exit(main())
