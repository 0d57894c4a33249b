"""One request to a webhook: to an address that was checked, once, with a bounded answer in a bounded time.

    name ─ resolved once ─▶ every address allowed? ─▶ a connection to that very address ─▶ status, Retry-After

The name is not resolved again between check and connection: a changed answer of the DNS leads nowhere else.
Refuses: an address of this machine or of a private network, unless allowed; a certificate of another name; to
follow a redirect; a head above `LONGEST_HEAD`; more than `MOST_INFORMATIONAL` answers before the final one.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any, NamedTuple

import httpcore

from callmon import __version__

SECONDS = 15.0  # of the whole conversation
LONGEST_HEAD = 16 << 10  # bytes
MOST_INFORMATIONAL = 20  # "100 Continue"
INFORMATIONAL = re.compile(rb"HTTP/[0-9.]+ 1")
HEAD_END = re.compile(rb"\n\r?\n")
LONGEST_WAIT = timedelta(hours=6)  # that an answer may ask for
GLOBAL = IPv6Network("2000::/3")
SIX_TO_FOUR = IPv6Network("2002::/16")  # leads to an IPv4 address; older Pythons call it global

Resolve = Callable[[str, int], Awaitable[list[str]]]


class DeliveryError(Exception):
    """No answer came, or none may be asked for. `code`: a label of `webhook_answer`; `detail`: for the log."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


class Answer(NamedTuple):
    """What the receiver answered. `wait`: how long it asks callmon to wait."""

    status: int
    body: bytes
    wait: timedelta

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300


def refuse_private(address: str) -> None:
    """Raises DeliveryError unless the address is one of the public Internet, in its own form."""
    found = ip_address(address.partition("%")[0])
    is_public = found.is_global and not found.is_multicast
    if isinstance(found, IPv6Address):
        is_public &= found in GLOBAL and found not in SIX_TO_FOUR
    if not is_public:
        raise DeliveryError("private", address)


async def addresses_of(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


class BoundedStream(httpcore.AsyncNetworkStream):
    """Gives httpcore one head a time: it reads on for as long as one informational answer follows another."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._received = b""
        self._informational = 0
        self._is_final = False

    async def read(self, *given: Any, **named: Any) -> bytes:
        await asyncio.sleep(0)  # what has been received needs no wait: the event loop has its turn
        return await (self._stream.read if self._is_final else self._head)(*given, **named)

    async def _head(self, *given: Any, **named: Any) -> bytes:
        """The next head; of the final answer with what has been received after it. Raises RemoteProtocolError."""
        while (end := HEAD_END.search(self._received)) is None:
            more = await self._stream.read(*given, **named)
            self._received += more
            if not more or len(self._received) > LONGEST_HEAD:
                raise httpcore.RemoteProtocolError("no head of an answer")
        self._is_final = INFORMATIONAL.match(self._received) is None
        self._informational += not self._is_final
        if self._informational > MOST_INFORMATIONAL:
            raise httpcore.RemoteProtocolError("too many informational answers")
        length = len(self._received) if self._is_final else end.end()
        head, self._received = self._received[:length], self._received[length:]
        return head

    async def write(self, *given: Any, **named: Any) -> None:
        await self._stream.write(*given, **named)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(self, *given: Any, **named: Any) -> httpcore.AsyncNetworkStream:
        return BoundedStream(await self._stream.start_tls(*given, **named))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class CheckedNetwork(httpcore.AnyIOBackend):
    """Connects to the first address of a name, where every address of it is allowed."""

    def __init__(self, resolve: Resolve, allow_private: bool) -> None:
        self._resolve, self._allow_private = resolve, allow_private

    async def connect_tcp(self, host: str, port: int, *more: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        for address in () if self._allow_private else addresses:
            refuse_private(address)
        return BoundedStream(await super().connect_tcp(addresses[0], port, *more, **options))


async def post(
    url: str, headers: Mapping[str, str], body: bytes, allow_private: bool, resolve: Resolve = addresses_of
) -> Answer:
    """The answer of the receiver. Raises DeliveryError."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _post(url, headers, body, CheckedNetwork(resolve, allow_private))
    except TimeoutError:
        raise DeliveryError("no_answer") from None
    except (httpcore.NetworkError, OSError) as error:
        is_certificate = isinstance(error.args[0], ssl.SSLCertVerificationError)
        raise DeliveryError("certificate" if is_certificate else "no_connection", str(error)) from None
    except (httpcore.ProtocolError, ValueError):
        raise DeliveryError("not_http") from None


async def _post(url: str, headers: Mapping[str, str], body: bytes, network: CheckedNetwork) -> Answer:
    secure = await asyncio.to_thread(ssl.create_default_context) if url.startswith("https:") else None
    sent = [("User-Agent", f"callmon/{__version__}"), ("Connection", "close"), *headers.items()]
    async with (
        httpcore.AsyncConnectionPool(secure, network_backend=network) as pool,
        pool.stream("POST", url, headers=sent, content=body) as answer,
    ):
        wait = {name.lower(): value for name, value in answer.headers}.get(b"retry-after", b"")
        found = Answer(answer.status, b"", _wait(wait.decode("latin-1")))
        if found.is_taken:
            return found
        said = await anext(answer.aiter_stream(), b"")  # its first part: what Zammad says
        return found._replace(body=said)


def _wait(asked: str) -> timedelta:
    """The wait that a Retry-After header asks for, in seconds or until a date."""
    try:
        until = (
            timedelta(seconds=int(asked)) if asked.isdigit() else parsedate_to_datetime(asked) - datetime.now(UTC)
        )
    except (ValueError, TypeError, OverflowError):
        return timedelta()
    return min(max(until, timedelta()), LONGEST_WAIT)
