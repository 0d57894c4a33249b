"""A pseudo-terminal, also where no devpts is mounted on /dev/pts, such as in a minimal chroot.

There a child process (`python -m tests.support.pseudo_terminal SOCKET`) makes a devpts without mounting it, and
passes on a terminal of it. Without root it does so in a user namespace of its own. Linux 5.2 or later.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

FSOPEN, FSCONFIG, FSMOUNT = 430, 431, 432  # numbers of system calls
SET_STRING, CREATE = 1, 6  # commands of fsconfig
NEW_MOUNTS, NEW_USER = 0x00020000, 0x10000000
LOCK, OPEN_PEER = 0x40045431, 0x5441  # TIOCSPTLCK, TIOCGPTPEER
ROOT = Path(__file__).parents[2]


def pseudo_terminal() -> tuple[int, int]:
    """The descriptors of both of its sides: the test's, and the command's."""
    try:
        return os.openpty()
    except OSError:
        return own_pseudo_terminal()


def own_pseudo_terminal() -> tuple[int, int]:
    """A pseudo-terminal of a devpts of its own."""
    here, there = socket.socketpair()
    with here, there:
        command = [sys.executable, "-m", "tests.support.pseudo_terminal", str(there.fileno())]
        subprocess.run(command, check=True, cwd=ROOT, pass_fds=[there.fileno()])
        _, (ours, theirs), _, _ = socket.recv_fds(here, 1, 2)
    for descriptor in (ours, theirs):
        os.set_inheritable(descriptor, False)
    return ours, theirs


def main(there: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)

    def done(result: int) -> int:
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    if os.geteuid() != 0:
        done(libc.unshare(NEW_MOUNTS | NEW_USER))
    devpts = done(libc.syscall(FSOPEN, b"devpts", 0))
    done(libc.syscall(FSCONFIG, devpts, SET_STRING, b"ptmxmode", b"0666", 0))
    done(libc.syscall(FSCONFIG, devpts, CREATE, None, None, 0))
    ours = os.open("ptmx", os.O_RDWR | os.O_NOCTTY, dir_fd=done(libc.syscall(FSMOUNT, devpts, 0, 0)))
    fcntl.ioctl(ours, LOCK, b"\0\0\0\0")
    theirs = fcntl.ioctl(ours, OPEN_PEER, os.O_RDWR | os.O_NOCTTY)
    with socket.socket(fileno=there) as passed:
        socket.send_fds(passed, [b"t"], [ours, theirs])


if __name__ == "__main__":
    main(int(sys.argv[1]))
