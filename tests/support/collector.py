"""A collector of traces on loopback: what it receives is parsed by the official protobuf."""

from __future__ import annotations

import gzip
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from threading import Thread
from typing import Any

messages = import_module("opentelemetry.proto.collector.trace.v1.trace_service_pb2")


class Collector:
    """`with Collector() as collector:` takes traces at `collector.endpoint`; `status` is what it answers."""

    def __init__(self, status: int = 200, rejected: int = 0) -> None:
        self.status, self.rejected = status, rejected
        self.spans: list[Any] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Content-Encoding"] == "gzip":
                    body = gzip.decompress(body)
                collector.requests.append((self.path, dict(self.headers.items())))
                answer = collector.answer(body)
                self.send_response(collector.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                with suppress(BrokenPipeError):
                    self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def __enter__(self) -> Collector:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, body: bytes) -> bytes:
        if self.status == 200:
            self.bodies.append(body)
            for resource in messages.ExportTraceServiceRequest.FromString(body).resource_spans:
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        refused = {"partial_success": {"rejected_spans": self.rejected}} if self.rejected else {}
        answer: bytes = messages.ExportTraceServiceResponse(**refused).SerializeToString()
        return answer

    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def traces(self) -> set[bytes]:
        return {span.trace_id for span in self.spans}


def attributes(of: Any) -> dict[str, Any]:
    """The attributes of a span or an event, as Python values."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of.attributes}
