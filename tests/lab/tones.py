"""The sound that the exchange sends to the callers: when is it a ringing tone?

An answered caller is sent no 180, nor is one after a 183: it hears a tone in its RTP. Packets are read from the
loopback interface, with the kernel's times.
"""

from __future__ import annotations

import ctypes
import math
import re
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress

from tests.lab.model import PlayedSituation
from tests.lab.processes import real_time_thread
from tests.lab.site import TRUNK_ADDRESS

IP = 0x0800
# A filter in the kernel (BPF): UDP alone. A flood of TCP on loopback would keep the real-time thread busy.
SO_ATTACH_FILTER = 26
UDP_ALONE = b"".join(
    struct.pack("=HBBI", *step)
    for step in (
        (0x30, 0, 0, 9),  # load the protocol of the IP header
        (0x15, 0, 1, socket.IPPROTO_UDP),
        (0x06, 0, 0, 0xFFFF),  # keep it
        (0x06, 0, 0, 0),  # drop it
    )
)
TIMESTAMP_NS = 35  # SO_TIMESTAMPNS
SAMPLES, RATE = 160, 8000
SECONDS = SAMPLES / RATE
FRAMES = 5  # 100 ms: enough to tell 440 Hz from 480
RINGING = (440, 480)  # Hz, tone zone `us`
SHARE = 0.8  # of the sound's energy, half of it in each
SILENCE = 1e4  # mean square of a sample
Packet = tuple[float, bytes]


def _linear(byte: int) -> int:
    inverted = ~byte & 0xFF
    size = (((inverted & 0x0F) << 3) + 0x84 << ((inverted & 0x70) >> 4)) - 0x84
    return -size if inverted & 0x80 else size


LINEAR = [_linear(byte) for byte in range(256)]


class Tones:
    """Reads all packets to the callers' address from entry to exit."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(IP))
        steps = ctypes.create_string_buffer(UDP_ALONE, len(UDP_ALONE))
        program = struct.pack("@HP", len(UDP_ALONE) // 8, ctypes.addressof(steps))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        self._socket.bind(("lo", IP))
        self._socket.setsockopt(socket.SOL_SOCKET, TIMESTAMP_NS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self._socket.settimeout(0.2)
        self._sound: dict[int, list[Packet]] = defaultdict(list)  # by the exchange's port
        self._ports: dict[str, list[int]] = defaultdict(list)  # by Call-ID
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, name="sound to the callers", daemon=True)

    def __enter__(self) -> Tones:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(5)
        self._socket.close()

    def began(self, call_id: str, after: float, before: float) -> float | None:
        """When the first ringing tone to this caller began between these moments: ports are used again."""
        sound = (frame for port in self._ports.get(call_id, ()) for frame in self._sound[port])
        frames = [frame for frame in sound if after <= frame[0] < before]
        for n in range(len(frames) - FRAMES + 1):
            some = frames[n : n + FRAMES]
            if some[-1][0] - some[0][0] < 2 * FRAMES * SECONDS and is_ringing([sound for _, sound in some]):
                return some[0][0]
        return None

    def tell(self, calls: Iterable[PlayedSituation]) -> None:
        """Give each call the moment of its first tone: before the answer, and after it."""
        for call in calls:
            end = call.ended or math.inf
            if (early := next((at for at, code in call.progress if code == 183), None)) is not None:
                call.early_tone = self.began(call.call_id, early, call.answered or end)
            if call.answered is not None:
                call.tone = self.began(call.call_id, call.answered, end)

    def _read(self) -> None:
        real_time_thread()
        address = socket.inet_aton(TRUNK_ADDRESS)
        while not self._over.is_set():
            with suppress(TimeoutError):
                packet, extra, _, (_, _, kind, *_) = self._socket.recvmsg(4096, 64)
                if kind == socket.PACKET_HOST and packet[16:20] == address and packet[9] == socket.IPPROTO_UDP:
                    self._keep(packet, _time(extra))

    def _keep(self, packet: bytes, at: float) -> None:
        (port,) = struct.unpack_from("!H", packet, 20)
        content = packet[28:]
        if len(content) == 12 + SAMPLES and content[0] >> 6 == 2:
            self._sound[port].append((at, content[12:]))
        elif content.startswith(b"SIP/2.0 ") and (media := re.search(rb"^m=audio (\d+)", content, re.MULTILINE)):
            called = re.search(rb"^Call-ID: (\S+)", content, re.MULTILINE)
            if called and int(media[1]) not in self._ports[called[1].decode()]:
                self._ports[called[1].decode()].append(int(media[1]))


def _time(extra: list[tuple[int, int, bytes]]) -> float:
    seconds, nanoseconds = next(struct.unpack("qq", data) for _, kind, data in extra if kind == TIMESTAMP_NS)
    return float(seconds + nanoseconds / 1e9)


def is_ringing(frames: list[bytes]) -> bool:
    """Whether it is the two tones of ringing, from the first frame on, and hardly anything else."""
    samples = [LINEAR[byte] for frame in frames for byte in frame]
    if _energy(samples[:SAMPLES]) < SILENCE * SAMPLES:
        return False
    whole = _energy(samples) * len(samples) / 2
    return all(_power(samples, frequency) > SHARE / len(RINGING) * whole for frequency in RINGING)


def _energy(samples: list[int]) -> float:
    return float(sum(sample * sample for sample in samples))


def _power(samples: list[int], frequency: float) -> float:
    """Goertzel's."""
    turn = 2 * math.cos(2 * math.pi * frequency / RATE)
    last = before = 0.0
    for sample in samples:
        last, before = sample + turn * last - before, last
    return last * last + before * before - turn * last * before
