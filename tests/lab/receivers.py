"""The counterparts of Prometheus and Alertmanager: a page to read, a webhook and a mail server to write to."""

from __future__ import annotations

import json
import socketserver
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.lab.site import HOME


class _Threaded:
    server: socketserver.BaseServer

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"{HOME}:{self.server.server_address[1]}"


class ReceivedPage(_Threaded):
    """`text` is what a scraper reads; None: it gets no answer."""

    def __init__(self) -> None:
        self.text: str | None = None
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                text = page.text
                self.send_response(503 if text is None else 200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write((text or "").encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer((HOME, 0), Handler)


class Hook(_Threaded):
    """`got` is every notification, in order, with its path."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.got.append((self.path, said))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer((HOME, 0), Handler)

    @property
    def url(self) -> str:
        return f"http://{self.address}/callmon"


class Mail(_Threaded):
    """`got` is every delivered message, in order."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        mail = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 ready")
                while line := self.rfile.readline():
                    match line[:4].upper():
                        case b"DATA":
                            self._say("354 go on")
                            mail.got.append(self._letter())
                            self._say("250 taken")
                        case b"QUIT":
                            return self._say("221 bye")
                        case _:
                            self._say("250 well")
                return None

            def _letter(self) -> EmailMessage:
                # A line that begins with a dot is sent with one more dot.
                lines = [line.removeprefix(b".") for line in iter(self.rfile.readline, b".\r\n")]
                return message_from_bytes(b"".join(lines), policy=policy.default)  # type: ignore[arg-type,return-value]

            def _say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.server = Server((HOME, 0), Handler)
