"""An exchange on loopback that answers each action as a test says, and may flood, fall silent or end."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from callmon.ami.framing import END, parse_headers

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
Headers = dict[str, str]
Answer = Callable[[Headers], Iterator[bytes]]
LISTS = {
    "VoicemailUsersList": (
        "VoicemailUserEntryComplete",
        [{"Event": "VoicemailUserEntry", "VMContext": "default", "VoiceMailbox": box} for box in ("500", "504")],
    ),
    "DeviceStateList": (
        "DeviceStateListComplete",
        [{"Event": "DeviceStateChange", "Device": f"PJSIP/{phone}", "State": "NOT_INUSE"} for phone in (101, 102)],
    ),
}


class Ends(Exception):  # noqa: N818 - the exchange hangs up
    pass


class Silent(Exception):  # noqa: N818 - the exchange keeps the connection, and says nothing more
    pass


def message(action: Headers, **headers: object) -> bytes:
    """A message that belongs to this action."""
    fields = {**headers, "ActionID": action["ActionID"]}
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\n"


def healthy(action: Headers) -> Iterator[bytes]:
    """As an exchange answers of which doctor asks what the example needs; of its files it says nothing."""
    name = action["Action"]
    if name in LISTS:
        end, entries = LISTS[name]
        yield message(action, Response="Success", EventList="start", Message="List will follow")
        for entry in entries:
            yield message(action, **entry)
        yield message(action, Event=end, EventList="Complete", ListItems=len(entries))
    elif name == "CoreSettings":
        yield message(action, Response="Success", AsteriskVersion="22.10.1")
    elif name == "ListCommands":
        rights = "(Priv: system,reporting,all)"
        yield message(action, Response="Success", CoreShowChannels=rights, Getvar=rights)
    elif name == "Getvar":
        yield message(action, Response="Success", Variable=action["Variable"], Value="")
    else:
        yield message(action, Response="Success")


@contextmanager
def answering(
    answer: Answer = healthy, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[int]:
    """The port of an exchange that answers so."""

    class Connection(socketserver.StreamRequestHandler):
        def setup(self) -> None:
            super().setup()
            connections.append(self.connection)

        def handle(self) -> None:
            with suppress(OSError, Ends):
                self.wfile.write(BANNER)
                try:
                    self._answer()
                except Silent:
                    stopped.wait()

        def _answer(self) -> None:
            request = b""
            while line := self.rfile.readline():
                request += line
                if request.endswith(END):
                    for part in answer(parse_headers(request)):
                        self.wfile.write(part)
                    request = b""

    class Server(socketserver.ThreadingTCPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    stopped, connections = threading.Event(), list[socket.socket]()
    with Server((host, 0), Connection) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        stopped.set()
        server.shutdown()
        for connection in connections:  # else one that still sends may wait for TCP's own time-outs
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join()
