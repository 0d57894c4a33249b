"""A SIP address that calls and is called: all phones share one, the trunk's far end is another.

The public's callers are played by sipp (``sipp.py``). Phones register, hold, transfer, and have two lines at
once. One XML script a behaviour cannot express that, so each of their calls is a coroutine here. Loopback loses
nothing, so requests are sent once; answers to repeated requests are repeated.

    Station ── datagrams ──▶ Leg      one call: invite or be invited ▶ up ▶ over
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable

from tests.lab import sip
from tests.lab.leg import SECONDS_TO_REPLY, Leg, LineOver
from tests.lab.media import Media

RETRANSMIT_SECONDS = 4.0  # T2 of RFC 3261


class Station(asyncio.DatagramProtocol):
    """One UDP address. ``called`` is called with every call that arrives."""

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
        loop = asyncio.get_running_loop()
        here = (self.host, self.port)
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=here)
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()
        self.media.close()

    def ringing(self, phone: str) -> Leg:
        """The call that rings at this phone."""
        return next(leg for leg in self._legs.values() if leg.called == phone and leg.rings)

    def contact(self, name: str) -> str:
        return f"sip:{name}@{self.host}:{self.port}"

    @property
    def exchange_uri(self) -> str:
        return f"{self.exchange[0]}:{self.exchange[1]}"

    async def register(self, name: str, seconds: int = 3600) -> None:
        """Register this phone at the exchange; 0 seconds: unregister it."""
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
        """Send a request until its final answer is there: UDP may drop a datagram (RFC 3261, 17.1.2.2)."""
        branch = self.send(request)
        reply: asyncio.Future[sip.Message] = asyncio.get_running_loop().create_future()
        self._waiting[branch] = reply
        try:
            async with asyncio.timeout(SECONDS_TO_REPLY):
                while not (await asyncio.wait([reply], timeout=RETRANSMIT_SECONDS))[0]:
                    self.transmit(request)
                return await reply
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
            self._transport.sendto(sip.write(message), sip.destination(message) or self.exchange)

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
