"""Sound from a caller or a phone: a tone, and the keys of a phone as RTP events (RFC 4733).

Incoming sound is never read: the kernel drops it when the socket's buffer is full. Therefore one socket serves
all calls.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct

PACKET_SECONDS = 0.02
SAMPLES = 160
TONE = bytes([0x10, 0x10, 0x90, 0x90] * (SAMPLES // 4))  # loud enough not to count as silence
PCMU, EVENT = 0, 101
KEYS = "0123456789*#"


class Media:
    """The one socket on an address."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))
        self.port: int = self._socket.getsockname()[1]

    def close(self) -> None:
        self._socket.close()

    def send(self, packet: bytes, to: tuple[str, int]) -> None:
        self._socket.sendto(packet, to)


class Voice:
    """One call's outgoing stream."""

    def __init__(self, media: Media, to: tuple[str, int]) -> None:
        self._media, self._to = media, to
        self._source = secrets.randbits(32)
        self._sequence = secrets.randbelow(1000)
        self._clock = 0
        self._turn = asyncio.Lock()  # keys interrupt the sound, as on a real phone

    async def speak(self, seconds: float) -> None:
        due = asyncio.get_running_loop().time()
        for _ in range(round(seconds / PACKET_SECONDS)):
            async with self._turn:
                self._send(PCMU, TONE, marker=False)
                self._clock += SAMPLES
            due += PACKET_SECONDS
            await asyncio.sleep(due - asyncio.get_running_loop().time())

    async def press(self, keys: str) -> None:
        for key in keys:
            async with self._turn:
                await self._press(KEYS.index(key))
            await asyncio.sleep(0.15)

    async def _press(self, key: int) -> None:
        # 120 ms of a key; its end is sent three times because packets get lost.
        for n in range(1, 7):
            self._send(EVENT, struct.pack("!BBH", key, 10, n * SAMPLES), marker=n == 1)
            await asyncio.sleep(PACKET_SECONDS)
        for _ in range(3):
            self._send(EVENT, struct.pack("!BBH", key, 0x80 | 10, 7 * SAMPLES), marker=False)
        self._clock += 8 * SAMPLES

    def _send(self, kind: int, payload: bytes, marker: bool) -> None:
        head = struct.pack(
            "!BBHII", 0x80, kind | (0x80 if marker else 0), self._sequence, self._clock, self._source
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._media.send(head + payload, self._to)


def recording(seconds: float) -> bytes:
    """The same tone as a capture file for sipp: Ethernet, IPv4, UDP, RTP."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for n in range(round(seconds / PACKET_SECONDS)):
        rtp = struct.pack("!BBHII", 0x80, PCMU, n & 0xFFFF, n * SAMPLES, 1) + TONE
        udp = struct.pack("!HHHH", 4000, 4000, 8 + len(rtp), 0) + rtp
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4), bytes(4)) + udp
        at = n * round(PACKET_SECONDS * 1_000_000)
        frame = bytes(12) + b"\x08\x00" + ip
        parts.append(struct.pack("<IIII", at // 1_000_000, at % 1_000_000, len(frame), len(frame)) + frame)
    return b"".join(parts)
