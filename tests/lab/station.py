"""A SIP address that calls and is called: all phones share one, the trunk's far end is another.

sipp would need one process and one XML script a behaviour, and could not hold two lines at once; a caller
here is a coroutine. Loopback loses nothing, so requests are sent once; answers to repeated ones are repeated.

    Station ── datagrams ──▶ Leg      one call: invite or be invited ▶ up ▶ over
"""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.lab import sip
from tests.lab.media import Media, Voice

SECONDS_TO_REPLY = 10
NOT_UP, UP, OVER = "not up", "up", "over"


class LineOver(Exception):
    """The call ended while a party still had something to do."""


class Station(asyncio.DatagramProtocol):
    """One UDP address. ``called`` is told of every call that arrives."""

    def __init__(
        self,
        host: str,
        port: int,
        exchange: tuple[str, int],
        password: str,
        called: Callable[[Leg], Awaitable[None]],
    ) -> None:
        self.host, self.port, self.exchange, self.password = host, port, exchange, password
        self.media = Media(host)
        self._called = called
        self._legs: dict[str, Leg] = {}
        self._waiting: dict[str, asyncio.Future[sip.Message]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        place = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        place.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        place.bind((self.host, self.port))
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=place)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()
        self.media.close()

    def contact(self, name: str) -> str:
        return f"sip:{name}@{self.host}:{self.port}"

    @property
    def exchange_uri(self) -> str:
        return f"{self.exchange[0]}:{self.exchange[1]}"

    async def register(self, name: str, seconds: int = 3600) -> None:
        """Tell the exchange that this phone is here; 0 seconds: that it has gone."""
        uri, me = f"sip:{self.exchange_uri}", f"<sip:{name}@{self.exchange_uri}>"
        call_id, signed = secrets.token_hex(8), ""
        for cseq in (1, 2):
            headers = [("from", f"{me};tag={secrets.token_hex(4)}"), ("to", me), ("call-id", call_id)]
            headers += [("cseq", f"{cseq} REGISTER"), ("contact", f"<{self.contact(name)}>")]
            headers += [("expires", str(seconds))]
            headers += [("authorization", signed)] if signed else []
            reply = await self.ask(sip.Message(f"REGISTER {uri} SIP/2.0", headers))
            if reply.status == 200:
                return
            signed = sip.sign(reply.get("www-authenticate"), "REGISTER", uri, name, self.password)
        raise RuntimeError(f"the exchange does not let {name} register: {reply.start}")

    async def invite(self, leg: Leg) -> None:
        self._legs[leg.call_id] = leg
        leg.send_invite()

    async def ask(self, request: sip.Message) -> sip.Message:
        """Send a request and wait for its final answer."""
        branch = self.send(request)
        reply: asyncio.Future[sip.Message] = asyncio.get_running_loop().create_future()
        self._waiting[branch] = reply
        try:
            return await asyncio.wait_for(reply, SECONDS_TO_REPLY)
        finally:
            del self._waiting[branch]

    def send(self, request: sip.Message, branch: str = "") -> str:
        branch = branch or sip.new_branch()
        via = f"SIP/2.0/UDP {self.host}:{self.port};rport;branch={branch}"
        request.headers = [("via", via), ("max-forwards", "70"), *request.headers]
        self.transmit(request)
        return branch

    def transmit(self, message: sip.Message) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(sip.write(message), self.exchange)

    def datagram_received(self, data: bytes, _from: tuple[str | object, int]) -> None:
        if len(data) < 10:
            return  # a keep-alive
        message = sip.parse(data)
        if message.status is None:
            self._request(message)
        elif message.method == "INVITE":
            if leg := self._legs.get(message.get("call-id")):
                leg.on_invite_response(message)
        elif message.status >= 200:
            waiting = self._waiting.get(message.branch)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)

    def _request(self, request: sip.Message) -> None:
        leg = self._legs.get(request.get("call-id"))
        if leg is not None:
            leg.on_request(request)
        elif request.method == "INVITE":
            self._arriving(request)
        elif request.method != "ACK":  # OPTIONS, NOTIFY of messages waiting
            self.transmit(sip.answer(request, 200, secrets.token_hex(4), self.contact("lab")))

    def _arriving(self, request: sip.Message) -> None:
        leg = Leg.arriving(self, request)
        self._legs[leg.call_id] = leg
        leg.reply(100)
        task = asyncio.create_task(self._serve(leg), name=f"called {leg.called}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, leg: Leg) -> None:
        try:
            await self._called(leg)
        except LineOver:
            pass
        finally:
            leg.quiet()


@dataclass
class Leg:
    """One call of one station: its dialog, its voice, and what was seen of it and when."""

    station: Station
    called: str
    caller: str
    call_id: str
    own: str  # our side of From or To, with tag
    other: str
    target: str  # where requests inside the call go
    name: str  # who we are: the user part of our contact
    extra: list[tuple[str, str]] = field(default_factory=list)
    request: sip.Message | None = None  # the INVITE that came in
    cseq: int = 0
    state: str = NOT_UP
    up_at: float = 0.0  # the loop's clock
    progress: list[tuple[float, int]] = field(default_factory=list)
    answered: float | None = None
    refused: int | None = None
    ended: float | None = None
    ended_by: str | None = None
    consultation: Leg | None = None

    def __post_init__(self) -> None:
        self._over = asyncio.Event()
        self._final = asyncio.Event()
        self._voice: Voice | None = None
        self._speaking: set[asyncio.Task[None]] = set()
        self._reinvite: asyncio.Future[sip.Message] | None = None
        self._branch = ""
        self._tag = secrets.token_hex(4)
        self._last: sip.Message | None = None
        self._signed = ""

    @classmethod
    def arriving(cls, station: Station, request: sip.Message) -> Leg:
        called = sip.user(request.uri)
        leg = cls(
            station=station,
            called=called,
            caller=sip.user(sip.address(request.get("from"))),
            call_id=request.get("call-id"),
            own="",
            other=request.get("from"),
            target=sip.address(request.get("contact")),
            name=called,
            request=request,
        )
        leg.own = f"{request.get('to')};tag={leg._tag}"
        leg._hear(request)
        return leg

    @classmethod
    def leaving(
        cls, station: Station, to: str, name: str, shown: str, extra: list[tuple[str, str]] | None = None
    ) -> Leg:
        """A call to be made; ``shown`` is the From address as the exchange shall see it."""
        uri = f"sip:{to}@{station.exchange_uri}"
        return cls(
            station=station,
            called=to,
            caller=name,
            call_id=secrets.token_hex(12),
            own=f"{shown};tag={secrets.token_hex(4)}",
            other=f"<{uri}>",
            target=uri,
            name=name,
            extra=extra or [],
        )

    # --- what a party does -------------------------------------------------------------------------

    async def wait(self, seconds: float) -> None:
        """Let time pass, unless the call ends first."""
        try:
            await asyncio.wait_for(self._over.wait(), max(seconds, 0))
        except TimeoutError:
            return
        raise LineOver

    async def until_final(self, seconds: float | None) -> bool:
        """Wait for an answer or a refusal; False when the time is up."""
        try:
            await asyncio.wait_for(self._final.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def until_over(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._over.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def reply(self, code: int, body: str = "") -> None:
        assert self.request is not None
        contact = self.station.contact(self.name)
        self._last = sip.answer(self.request, code, self._tag, contact, body)
        self.station.transmit(self._last)
        if code > 100:
            self.progress.append((time.time(), code))

    def ring(self, early_media: bool = False) -> None:
        self.reply(183, self._offer()) if early_media else self.reply(180)

    def answer(self) -> None:
        self.reply(200, self._offer())
        self._rise()

    def refuse(self, code: int, forwards_to: str | None = None) -> None:
        if forwards_to:
            assert self.request is not None
            moved = sip.answer(self.request, 302, self._tag, f"sip:{forwards_to}@{self.station.exchange_uri}")
            self.station.transmit(moved)
        else:
            self.reply(code)
        self._end("us")

    def cancel(self) -> None:
        headers = [("from", self.own), ("to", self.other), ("call-id", self.call_id)]
        headers += [("cseq", f"{self.cseq} CANCEL")]
        self.ended_by = "us"
        self.station.send(sip.Message(f"CANCEL {self.target} SIP/2.0", headers), self._branch)

    async def hang_up(self) -> None:
        if self.state == OVER:
            return
        self._end("us")
        await self.station.ask(self._inside("BYE"))

    async def hold(self, held: bool = True) -> None:
        """Put the other side on hold with a re-INVITE, as a desk phone does."""
        self._reinvite = asyncio.get_running_loop().create_future()
        request = self._inside("INVITE")
        request.body = self._offer("sendonly" if held else "sendrecv")
        self.station.send(request)
        await asyncio.wait_for(self._reinvite, SECONDS_TO_REPLY)

    async def refer(self, extension: str, replaces: Leg | None = None) -> None:
        """Send the other side off to an extension, or onto the line of our consultation."""
        request = self._inside("REFER")
        to = f"sip:{extension}@{self.station.exchange_uri}"
        if replaces is not None:
            to += f"?Replaces={replaces.replaces()}"
        request.headers += [("refer-to", f"<{to}>"), ("referred-by", f"<{self.station.contact(self.name)}>")]
        reply = await self.station.ask(request)
        if reply.status != 202:
            raise RuntimeError(f"transfer refused: {reply.start}")

    def replaces(self) -> str:
        """This dialog as a Replaces header inside a URI."""
        theirs = _tag(self.other)
        return f"{self.call_id}%3Bto-tag%3D{theirs}%3Bfrom-tag%3D{_tag(self.own)}"

    async def press(self, keys: str) -> None:
        if self._voice is not None:
            await self._voice.press(keys)

    def speak(self, seconds: float) -> None:
        if self._voice is not None:
            task = asyncio.create_task(self._voice.speak(seconds))
            self._speaking.add(task)
            task.add_done_callback(self._speaking.discard)

    def quiet(self) -> None:
        for task in list(self._speaking):
            task.cancel()

    # --- what the exchange says --------------------------------------------------------------------

    def on_invite_response(self, reply: sip.Message) -> None:
        code = reply.status or 0
        if self._reinvite is not None and code >= 200:
            self._acknowledge(reply)
            if not self._reinvite.done():
                self._reinvite.set_result(reply)
        elif code in (401, 407) and not self._signed:
            self._acknowledge(reply)
            self._sign(reply)
        elif code >= 200:
            self._acknowledge(reply)
            self._on_final(reply, code)
        elif code > 100:
            self.progress.append((time.time(), code))

    def _on_final(self, reply: sip.Message, code: int) -> None:
        if self._final.is_set():
            return
        self.other = reply.get("to")
        if code < 300:
            self.target = sip.address(reply.get("contact")) or self.target
            self._hear(reply)
            self._rise()
        else:
            self.refused = code
            self._end("exchange")

    def on_request(self, request: sip.Message) -> None:
        method = request.method
        if method == "INVITE" and self.request is not None and request.cseq == self.request.cseq:
            if self._last is not None:
                self.station.transmit(self._last)  # asked again: the same answer again
        elif method in ("INVITE", "UPDATE"):
            self._hear(request)
            self._respond(request, 200, self._offer() if request.body or method == "INVITE" else "")
        elif method == "CANCEL":
            self._respond(request, 200)
            if self.state == NOT_UP:
                self.reply(487)
                self._end("exchange")
        elif method == "BYE":
            self._respond(request, 200)
            self._end("exchange")
        elif method != "ACK":
            self._respond(request, 200)

    # --- inside ------------------------------------------------------------------------------------

    def send_invite(self) -> None:
        self.cseq += 1
        headers = [("from", self.own), ("to", self.other), ("call-id", self.call_id)]
        headers += [("cseq", f"{self.cseq} INVITE"), ("contact", f"<{self.station.contact(self.name)}>")]
        headers += self.extra
        headers += [("authorization", self._signed)] if self._signed else []
        request = sip.Message(f"INVITE {self.target} SIP/2.0", headers, self._offer())
        self._branch = self.station.send(request)

    def _sign(self, reply: sip.Message) -> None:
        challenge = reply.get("www-authenticate") or reply.get("proxy-authenticate")
        self._signed = sip.sign(challenge, "INVITE", self.target, self.name, self.station.password)
        self.send_invite()

    def _acknowledge(self, reply: sip.Message) -> None:
        code = reply.status or 0
        target = sip.address(reply.get("contact")) if code < 300 else self.target
        headers = [("from", self.own), ("to", reply.get("to")), ("call-id", self.call_id)]
        headers += [("cseq", f"{reply.cseq} ACK")]
        branch = reply.branch if code >= 300 else ""
        self.station.send(sip.Message(f"ACK {target or self.target} SIP/2.0", headers), branch)

    def _inside(self, method: str) -> sip.Message:
        self.cseq += 1
        headers = [("from", self.own), ("to", self.other), ("call-id", self.call_id)]
        headers += [("cseq", f"{self.cseq} {method}"), ("contact", f"<{self.station.contact(self.name)}>")]
        return sip.Message(f"{method} {self.target} SIP/2.0", headers)

    def _respond(self, request: sip.Message, code: int, body: str = "") -> None:
        contact = self.station.contact(self.name)
        self.station.transmit(sip.answer(request, code, self._tag, contact, body))

    def _offer(self, direction: str = "sendrecv") -> str:
        return sip.offer(self.station.host, self.station.media.port, direction)

    def _hear(self, message: sip.Message) -> None:
        if place := sip.media_address(message.body):
            self._voice = Voice(self.station.media, place)

    def _rise(self) -> None:
        self.state, self.answered = UP, time.time()
        self.up_at = asyncio.get_running_loop().time()
        self._final.set()

    def _end(self, by: str) -> None:
        if self.state == OVER:
            return
        self.state, self.ended = OVER, time.time()
        self.ended_by = self.ended_by or by
        self.quiet()
        self._final.set()
        self._over.set()


def _tag(value: str) -> str:
    found = re.search(r"tag=([^;>\s]+)", value)
    return found.group(1) if found else ""
