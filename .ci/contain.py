"""A container of this process's own: PID and mount namespaces, where root of Linux runs it; else process groups.

However the process ends, the kernel then ends everything that it started and removes what it mounted.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType

NEW_MOUNTS, NEW_PIDS = 0x20000, 0x20000000  # of unshare(2)
RECURSIVE, PRIVATE = 0x4000, 0x40000  # of mount(2)
DIES_WITH_PARENT, ADOPTS_ORPHANS = 1, 36  # of prctl(2)
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def contain() -> None:
    """Returns in the contained process alone. The caller waits for it, and ends with its exit status."""
    for number in ENDING:
        signal.signal(number, _end)
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(DIES_WITH_PARENT, signal.SIGTERM)
    if os.geteuid() != 0 or libc.unshare(NEW_MOUNTS | NEW_PIDS) != 0:
        return
    if (first := os.fork()) == 0:
        libc.prctl(DIES_WITH_PARENT, signal.SIGKILL)
        _mount_own_processes(libc)
        if (contained := os.fork()) == 0:
            return
        _be_first(contained)
    try:
        _, status = os.waitpid(first, 0)
    finally:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(first, signal.SIGKILL)
            os.waitpid(first, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _mount_own_processes(libc: ctypes.CDLL) -> None:
    """A /proc of this namespace. In a chroot `/` is no mount: there /proc alone can be made private."""
    for place in (b"/", b"/proc"):
        libc.mount(None, place, None, RECURSIVE | PRIVATE, None)
    if libc.mount(b"proc", b"/proc", b"proc", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "no /proc can be mounted")


def _be_first(contained: int) -> None:
    """The first process of the namespace: reaps all others, and ends when the contained one does."""
    for number in ENDING:
        signal.signal(number, lambda *_: None)  # the outer process decides
    while True:
        pid, status = os.wait()
        if pid == contained:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def end_children() -> None:
    """Kills what this process has started, and their orphans, until nothing is left. Linux alone tells which."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(ADOPTS_ORPHANS, 1)
    while children := list(_children()):
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        for _ in children:
            with suppress(ChildProcessError):
                os.wait()


def _children() -> Iterator[int]:
    with suppress(OSError):
        for thread in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{thread}/children", encoding="ascii") as file:
                yield from map(int, file.read().split())
