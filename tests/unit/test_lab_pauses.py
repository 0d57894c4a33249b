"""The lab notices that it stood still."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

from tests.lab.pauses import LATE, Pause, Pauses
from tests.support.daemon_process import ROOT

WATCH = """
import json, sys
from tests.lab.pauses import Pauses
pauses = Pauses()
pauses.start()
print("watching", flush=True)
sys.stdin.readline()
pauses.stop()
print(json.dumps(pauses.seen))
"""


def test_a_process_that_was_stopped_knows_from_when_until_when() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WATCH], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "watching\n"
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        stopped = time.time()
        time.sleep(4 * LATE)
        continued = time.time()
        os.kill(process.pid, signal.SIGCONT)
        printed, _ = process.communicate("\n")
    assert [1 for begin, end in json.loads(printed) if begin <= stopped and continued <= end] == [1]


def test_a_pause_is_met_by_the_calls_that_it_overlaps_alone() -> None:
    pauses = Pauses()
    pauses.seen = [Pause(10.0, 12.0)]
    calls = {(5.0, 9.0): False, (5.0, 11.0): True, (11.0, 11.5): True, (11.0, 20.0): True, (12.0, 20.0): False}
    assert {call: pauses.meet(*call) for call in calls} == calls
