"""A Stasis application (ARI): for each caller it calls a phone, without `originator`, and joins the two.

Uses plain sockets in a thread: a WebSocket brings the events, and requests go by HTTP.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import socket
import threading
import urllib.parse
import urllib.request
from typing import IO, Any

from tests.lab.exchange import Asterisk
from tests.lab.ports import free_port
from tests.lab.site import HOME

NAME = "lab"
MODULES = (
    *("res_http_websocket", "res_websocket_client", "res_stasis", "res_stasis_answer", "res_stasis_recording"),
    *("res_stasis_playback", "res_stasis_snoop", "res_ari", "res_ari_model", "res_ari_events"),
    *("res_ari_channels", "res_ari_bridges", "app_stasis"),
)


class Stasis:
    """Give it an exchange that has not started yet; enter it when the exchange runs."""

    def __init__(self, asterisk: Asterisk, phone: str) -> None:
        self._phone = phone
        self._password = secrets.token_hex(8)
        self._port = free_port(socket.SOCK_STREAM, HOME)
        etc = asterisk.place / "etc"
        (etc / "http.conf").write_text(f"[general]\nenabled = yes\nbindaddr = {HOME}\nbindport = {self._port}\n")
        user = f"[{NAME}]\ntype = user\nread_only = no\npassword = {self._password}\n"
        (etc / "ari.conf").write_text(f"[general]\nenabled = yes\n{user}")
        with (etc / "site/modules.conf").open("a") as modules:
            modules.writelines(f"load = {name}.so\n" for name in MODULES)
        self._thread = threading.Thread(target=self._listen, name="Stasis application", daemon=True)

    def __enter__(self) -> Stasis:
        self._socket = socket.create_connection((HOME, self._port), timeout=10)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self._socket.sendall(
            f"GET /ari/events?app={NAME}&api_key={NAME}:{self._password} HTTP/1.1\r\nHost: {HOME}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: ari\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        self._events = self._socket.makefile("rb")
        status = self._events.readline()
        assert b" 101 " in status, status
        while self._events.readline().strip():
            pass
        self._socket.settimeout(None)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._events.close()
        self._socket.close()

    def _listen(self) -> None:
        with contextlib.suppress(ConnectionResetError):  # at the exit
            while (text := _frame(self._events)) is not None:
                event = json.loads(text)
                if event["type"] == "StasisStart":
                    self._started(event)

    def _started(self, event: dict[str, Any]) -> None:
        channel, number = event["channel"]["id"], event["channel"]["caller"]["number"]
        if not event["args"]:  # a caller
            self._post("channels", endpoint=f"PJSIP/{self._phone}", callerId=number, app=NAME, appArgs=channel)
            return
        caller = event["args"][0]
        self._post(f"channels/{caller}/answer")
        self._post(f"bridges/of-{caller}")
        self._post(f"bridges/of-{caller}/addChannel", channel=f"{caller},{channel}")

    def _post(self, path: str, **fields: str) -> None:
        query = urllib.parse.urlencode({**fields, "api_key": f"{NAME}:{self._password}"})
        request = urllib.request.Request(f"http://{HOME}:{self._port}/ari/{path}?{query}", method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()


def _frame(stream: IO[bytes]) -> bytes | None:
    """The next text of the WebSocket; a server does not mask. None at its end."""
    while len(head := stream.read(2)) == 2:
        length = head[1] & 127
        if length > 125:
            length = int.from_bytes(stream.read(2 if length == 126 else 8), "big")
        payload = stream.read(length)
        if head[0] & 15 == 1:
            return payload
    return None
