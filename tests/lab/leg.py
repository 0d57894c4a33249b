"""One call of one station: its dialog, a party's actions in it, and its observed events with their times.

not up ── answered ──▶ up ── BYE of either side ──▶ over
   └───── refused, or given up ──────────────────────▶ over
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.lab import sip
from tests.lab.media import Voice

if TYPE_CHECKING:
    from tests.lab.station import Station

SECONDS_TO_REPLY = 60
SECONDS_TO_REFER = 2
LONGEST_WAIT = 60
NOT_UP, UP, OVER = "not up", "up", "over"


class LineOver(Exception):  # noqa: N818 - nothing went wrong
    """The call ended while a party still had steps to do."""


@dataclass
class Leg:
    """One call of one station: its dialog, its voice, and its observed events with their times."""

    station: Station
    called: str
    caller: str
    call_id: str
    own: str  # this station's side of From or To, with tag
    other: str
    target: str  # destination of requests inside the call
    name: str  # this station's name: the user part of its contact
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
        self.begun_at = asyncio.get_running_loop().time()
        self._over = asyncio.Event()
        self._final = asyncio.Event()
        self._voice: Voice | None = None
        self._speaking: set[asyncio.Task[None]] = set()
        self._reinvite: asyncio.Future[sip.Message] | None = None
        self._referred: asyncio.Future[int] | None = None
        self._branch = ""
        self._tag = secrets.token_hex(4)
        self._last: sip.Message | None = None
        self._signed = ""
        self._early = ""

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
        """A call to be made; ``shown`` is the From address that the exchange sees."""
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

    # --- a party's actions ---------------------------------------------------------------------------

    @property
    def rings(self) -> bool:
        return self.state == NOT_UP and bool(self.progress)

    async def wait(self, seconds: float) -> None:
        """Let time pass, unless the call ends first."""
        try:
            await asyncio.wait_for(self._over.wait(), max(seconds, 0))
        except TimeoutError:
            return
        raise LineOver

    async def until(self, reported: asyncio.Future[float]) -> float:
        """Wait until ``told`` is done, unless the call ends first. Raises TimeoutError after LONGEST_WAIT."""
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait((reported, over), timeout=LONGEST_WAIT, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
        if self.state == OVER:
            raise LineOver
        if not reported.done():
            raise TimeoutError(f"{self.name} waited {LONGEST_WAIT} s in vain")
        return reported.result()

    async def until_final(self, seconds: float | None) -> bool:
        """Wait for an answer or a refusal. False if the time is up."""
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

    def ring(self, early_media: bool = False, without_sdp: bool = False) -> None:
        self.reply(183, "" if without_sdp else self._offer()) if early_media else self.reply(180)

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

    async def leave(self) -> None:
        """Hang up; if it still rings, refuse or cancel."""
        if self.state == NOT_UP and self.request is not None:
            self.refuse(480)
        elif self.state == NOT_UP:
            self.cancel()
            await self.until_final(SECONDS_TO_REPLY)
        else:
            await self.hang_up()

    async def hold(self, held: bool = True) -> None:
        """Put the other side on hold with a re-INVITE, as a desk phone does."""
        self._reinvite = asyncio.get_running_loop().create_future()
        request = self._inside("INVITE")
        request.body = self._offer("sendonly" if held else "sendrecv")
        self.station.send(request)
        await asyncio.wait_for(self._reinvite, SECONDS_TO_REPLY)

    async def refer(self, extension: str, replaces: Leg | None = None) -> None:
        """Transfer the other side to an extension, or to the line of this phone's consultation.

        If no failure is reported, a phone then hangs up itself: the exchange leaves that to the phone. If a
        failure is reported, the phone stays.
        """
        self._referred = asyncio.get_running_loop().create_future()
        request = self._inside("REFER")
        to = f"sip:{extension}@{self.station.exchange_uri}"
        if replaces is not None:
            to += f"?Replaces={quote(replaces.replaces())}"
        request.headers += [("refer-to", f"<{to}>"), ("referred-by", f"<{self.station.contact(self.name)}>")]
        reply = await self.station.ask(request)
        if reply.status != 202:
            raise RuntimeError(f"transfer refused: {reply.start}")
        with suppress(TimeoutError):
            if await asyncio.wait_for(self._referred, SECONDS_TO_REFER) >= 300:
                return
        await self.hang_up()

    def replaces(self) -> str:
        """This dialog as the exchange knows it, for a Replaces header."""
        return f"{self.call_id};to-tag={_tag(self.other) or _tag(self._early)};from-tag={_tag(self.own)}"

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

    # --- messages of the exchange -------------------------------------------------------------------

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
            self._early = reply.get("to")

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
                self.station.transmit(self._last)  # a repeated request: the same answer again
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
            code = sip.outcome_of_refer(request.body)
            if self._referred is not None and code >= 200 and not self._referred.done():
                self._referred.set_result(code)

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
