"""Spans as OTLP, and one request to the collector. Blocks: run it in a thread.

Only this module needs `opentelemetry-proto`. Refuses: redirections, proxies; an answer that is too long, that is
not whole in time, or that more than `MOST_INFORMATIONAL` others precede.
"""

import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from importlib import import_module
from io import BufferedReader, RawIOBase
from socket import socket
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from callmon import __version__
from callmon.config.traces import TraceSettings
from callmon.core.verdicts import Finding
from callmon.sinks.traces.spans import Attributes, Span

messages = import_module("opentelemetry.proto.collector.trace.v1.trace_service_pb2")  # has no types of its own
SECONDS = 15.0  # until the answer is whole; connecting and sending take no longer either
LONGEST_ANSWER = 16 << 10
MOST_BYTES = 4 * LONGEST_ANSWER  # of all that the collector sends
MOST_INFORMATIONAL = 20  # "100 Continue"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INTERNAL, SERVER = 1, 2
KINDS = {bool: "bool_value", int: "int_value", str: "string_value"}
NEVER_TAKEN = (400, 413)  # the same spans would be refused again


def request_of(spans: Iterable[Span]) -> bytes:
    """The body of the request that exports these spans."""
    scope = {"name": "callmon", "version": __version__}
    resource = {"attributes": _attributes({"service.name": "callmon", "service.version": __version__})}
    sent = [{"scope": scope, "spans": [_span(span) for span in spans]}]
    request = messages.ExportTraceServiceRequest(resource_spans=[{"resource": resource, "scope_spans": sent}])
    body: bytes = request.SerializeToString()
    return body


def _span(span: Span) -> dict[str, Any]:
    return {
        "trace_id": span.trace,
        "span_id": span.id,
        "parent_span_id": span.parent,
        "name": span.name,
        "kind": INTERNAL if span.parent else SERVER,
        "start_time_unix_nano": _nanoseconds(span.begin),
        "end_time_unix_nano": _nanoseconds(span.end),
        "attributes": _attributes(span.attributes),
        "events": [_event(x, x.at) for x in span.verdicts if x.at is not None],
    }


def _event(verdict: Finding, at: datetime) -> dict[str, Any]:
    said = {
        "callmon.verdict": verdict.verdict,
        "callmon.reason": verdict.reason_key,
        "callmon.cause": verdict.cause,
    }
    return {"time_unix_nano": _nanoseconds(at), "name": verdict.standard, "attributes": _attributes(said)}


def _attributes(values: Attributes) -> list[dict[str, Any]]:
    return [{"key": x, "value": {KINDS[type(value)]: value}} for x, value in values.items() if value is not None]


def _nanoseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1) * 1000


class _Received(RawIOBase):
    """What the collector sends, in time and size. Raises TimeoutError, HTTPException."""

    def __init__(self, wire: socket, received: RawIOBase, deadline: float) -> None:
        self._wire, self._received = wire, received
        self._deadline, self._left = deadline, MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = self._deadline - monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        self._wire.settimeout(seconds)
        count = self._received.readinto(buffer) or 0
        self._left -= count
        if self._left < 0:
            raise HTTPException("the answer is too long")
        return count

    def close(self) -> None:
        self._received.close()
        super().close()


class _Lines(BufferedReader):
    """Counts the answers before the final one: http.client reads on for as long as one follows another."""

    _answers = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self._answers += line.startswith(b"HTTP/")
        if self._answers > MOST_INFORMATIONAL + 1:
            raise HTTPException("too many informational answers")
        return line


def _bounded_response(wire: socket, deadline: float) -> HTTPResponse:
    answer = HTTPResponse(wire, method="POST")
    answer.fp = _Lines(_Received(wire, answer.fp.detach(), deadline))
    return answer


def post(settings: TraceSettings, body: bytes) -> int | None:
    """Send one request. Returns the number of spans that the collector rejected; None: it will never take any.

    Raises ConfigError (the header's file), OSError, HTTPException and ValueError.
    """
    url = urlsplit(str(settings.endpoint))
    name, _, value = (settings.password() or "User-Agent: callmon").partition(":")
    headers = {"Content-Type": "application/x-protobuf", name.strip(): value.strip()}
    connection = HTTPConnection(url.hostname or "", url.port, timeout=SECONDS)
    if url.scheme == "https":
        context = ssl.create_default_context(cafile=settings.ca_file)
        connection = HTTPSConnection(url.hostname or "", url.port, timeout=SECONDS, context=context)
    deadline = monotonic() + SECONDS
    try:
        connection.request("POST", url.path, body, headers)
        with _bounded_response(connection.sock, deadline) as answer:
            answer.begin()
            said = answer.read(LONGEST_ANSWER)
    finally:
        connection.close()
    if answer.status in NEVER_TAKEN:
        return None
    if answer.status != 200:
        raise HTTPException(str(answer.status))
    return int(messages.ExportTraceServiceResponse.FromString(said).partial_success.rejected_spans)
