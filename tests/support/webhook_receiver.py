"""A receiver of webhooks: a real HTTP server on loopback, which answers as asked; and one like Zammad's."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.lab.ports import free_port
from tests.lab.site import HOME


class Received(NamedTuple):
    """One request: its headers, in lower case, and its body."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Reply = tuple[int, dict[str, str], bytes]
TAKEN: Reply = (204, {}, b"")


@dataclass
class Receiver:
    """``with Receiver() as receiver:``, or `start` and `stop`, each time on the same port.

    `answers`: what it answers next, before it takes everything. `received`: every request, also what it refuses.
    """

    answers: list[Reply] = field(default_factory=list)
    delay: float = 0.0
    decide: Callable[[Received], Reply] | None = None

    def __post_init__(self) -> None:
        self.port = free_port(1, HOME)
        self.received: list[Received] = []
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def __enter__(self) -> Receiver:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                received = Received(headers, self.rfile.read(int(headers["content-length"])))
                receiver.received.append(received)
                time.sleep(receiver.delay)
                status, more, body = receiver._answer(received)
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A sender that is gone before it has its answer is no error of the receiver."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), name="webhook receiver").start()

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def _answer(self, received: Received) -> Reply:
        if self.decide is not None:
            return self.decide(received)
        return self.answers.pop(0) if self.answers else TAKEN


class CallerLog:
    """The caller log of Zammad, by what its generic CTI endpoint makes of each event: `entries` by callId.

    An entry is [state, done]. A `newCall` of a known call, and another event of an unknown one, are errors.
    """

    def __init__(self) -> None:
        self.entries: dict[str, list[Any]] = {}

    def __call__(self, received: Received) -> Reply:
        given = json.loads(received.body)
        name = given["callId"]
        entry = self.entries.get(name)
        if given["event"] == "newCall":
            if entry is not None:
                return _error(f"call_id {name} already exists!")
            self.entries[name] = ["newCall", given["direction"] != "in"]
            return 200, {}, b"{}"
        if entry is None:
            return _error(f"No such call_id {name}")
        if given["event"] == "answer" and entry[0] != "hangup":
            entry[:] = ["answer", True]
        elif given["event"] == "hangup":
            is_missed = given["direction"] == "in" and entry[0] == "newCall" and given["cause"] != "forwarded"
            entry[:] = ["hangup", not is_missed]
        return 200, {}, b"{}"


def _error(text: str) -> Reply:
    return 500, {"Content-Type": "application/json"}, json.dumps({"error": text}).encode()
