"""A mail server of the tests: aiosmtpd, real SMTP on loopback, which takes, holds or refuses mail on request."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections import Counter
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.lab.ports import free_port
from tests.lab.site import HOME


@dataclass
class MailServer:
    """``with MailServer() as server:``, or `start` and `stop`, each time on the same port.

    `answers`: what it says instead of 250 to RCPT (by address) or to the message. With `holds` it has the message
    and waits for `release` before it answers; `has_message` is set meanwhile. With `hangs_up` it answers nothing.
    """

    tls: ssl.SSLContext | None = None
    is_implicit: bool = False
    password: str | None = None
    limit: int | None = None
    answers: dict[str, str] = field(default_factory=dict)
    holds: bool = False
    hangs_up: bool = False

    def __post_init__(self) -> None:
        self.port = free_port(socket.SOCK_STREAM, HOME)
        self.ended = 0  # conversations in which the message was answered
        self.received: list[tuple[str, bytes]] = []
        self.has_message, self.release = threading.Event(), threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> MailServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self.stop()

    def start(self) -> None:
        self._loop, ready = asyncio.new_event_loop(), threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(self._loop, ready), name="mail server")
        self._thread.start()
        assert ready.wait(60)

    def stop(self) -> None:
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(60)
            loop.close()

    def _serve(self, loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        implicit = self.tls if self.is_implicit else None
        server = loop.run_until_complete(loop.create_server(self._protocol, HOME, self.port, ssl=implicit))
        loop.call_soon(ready.set)
        loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))

    def _protocol(self) -> SMTP:
        options: dict[str, Any] = {"data_size_limit": self.limit, "hostname": "mail.example", "loop": self._loop}
        if self.tls is not None and not self.is_implicit:
            options |= {"tls_context": self.tls, "require_starttls": True}
        if self.password is not None:
            options |= {"authenticator": self._is_known, "auth_required": True}
            options |= {"auth_require_tls": not self.is_implicit}
        return SMTP(self, **options)

    def _is_known(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        is_right = (given.login, given.password) == (b"callmon", str(self.password).encode())
        return AuthResult(success=is_right, handled=is_right)

    # What aiosmtpd calls.

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        if "message" in self.answers:
            return self.answers["message"]
        self.received += [(address, envelope.content) for address in envelope.rcpt_tos]
        self.has_message.set()
        if self.hangs_up:
            server.transport.abort()
        if self.holds:
            await asyncio.to_thread(self.release.wait, 600)
        self.ended += 1
        return "250 2.0.0 taken"

    # What it received.

    def counts(self) -> dict[str, int]:
        """By recipient, how many mails."""
        return dict(Counter(address for address, _ in self.received))

    def messages(self) -> list[EmailMessage]:
        texts = [data.replace(b"\r\n", b"\n") for _, data in self.received]
        return [message_from_bytes(text, policy=policy.default) for text in texts]  # type: ignore[misc]
