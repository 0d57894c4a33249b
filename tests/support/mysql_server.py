"""A false MySQL server on loopback: it takes any login and any SET. Another statement gets the given packet."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

GREETING = (
    (b"\x0a8.0.1\0" + struct.pack("<I", 1) + b"12345678\0" + struct.pack("<HBHH", 0xF7FF, 45, 2, 0x00FF))
    + b"\x15"
    + bytes(10)
    + b"123456789012\0mysql_native_password\0"
)
OK = b"\x00\x00\x00\x02\x00\x00\x00"
QUIT, QUERY = b"\x01", b"\x03"
SHORT_ROW = b"\x02\x00\x00\x02\x00"  # the head of a result whose columns are missing


def file_request(path: str) -> bytes:
    """The answer to a statement that asks the client for one of its files."""
    return b"\xfb" + path.encode()


class FalseMysql:
    """`port`; `statements`: what clients asked; `sent`: all that they sent after an answer, such as a file."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.statements: list[bytes] = []
        self.sent: list[bytes] = []
        self.thread = threading.Thread(target=self._serve, name="false mysql")

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.thread.join()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client, suppress(OSError, EOFError, struct.error):
                    client.settimeout(10)
                    self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        _write(client, 0, GREETING)
        number, _ = _read(client)
        _write(client, number + 1, OK)
        while True:
            number, packet = _read(client)
            if packet[:1] == QUIT:
                return
            (self.statements if packet[:1] == QUERY else self.sent).append(packet)
            if packet[:1] == QUERY and packet[1:4].upper() != b"SET":
                _write(client, number + 1, self._answer)
                client.shutdown(socket.SHUT_WR)
            else:
                _write(client, number + 1, OK)


def _read(client: socket.socket) -> tuple[int, bytes]:
    head = _exactly(client, 4)
    return head[3], _exactly(client, int.from_bytes(head[:3], "little"))


def _exactly(client: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = client.recv(size - len(found))
        if not more:
            raise EOFError
        found += more
    return found


def _write(client: socket.socket, number: int, payload: bytes) -> None:
    client.sendall(len(payload).to_bytes(3, "little") + bytes([number % 256]) + payload)


@contextmanager
def false_mysql(answer: bytes) -> Iterator[FalseMysql]:
    server = FalseMysql(answer)
    server.thread.start()
    try:
        yield server
    finally:
        server.close()
