"""systemd's notification socket: ready, alive, stopping. Sends nothing when `NOTIFY_SOCKET` is not set.

A separate module, because no other code communicates with systemd.
"""

import os
import socket


def notify(state: str) -> None:
    """`READY=1`, `WATCHDOG=1`, `STOPPING=1`, `RELOADING=1` …: see sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
        try:
            wire.sendto(state.encode(), address)
        except OSError:  # no receiver: the daemon runs on without systemd
            return
