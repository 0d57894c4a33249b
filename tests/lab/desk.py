"""A desk beside the exchange: one AMI connection that may act, as a wallboard or a click-to-dial does.

Its user has the classes `call` and `originate` for writing; callmon's own user has neither. The events it
receives give it the channels' names, and are recorded on the board.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from contextlib import suppress

from tests.lab.board import Board
from tests.lab.listener import Event, value
from tests.lab.site import HOME

SECONDS_TO_REPLY = 60
CONTEXT = "internal"


class Desk:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._channels: dict[str, tuple[str, str]] = {}  # name: its own id, and that of its call
        self._replies: dict[str, asyncio.Future[Event]] = {}
        self._numbers = itertools.count(1)
        self._writer: asyncio.StreamWriter | None = None
        self._hearing: asyncio.Task[None] | None = None

    async def open(self, port: int, secret: str) -> None:
        reader, self._writer = await asyncio.open_connection(HOME, port)
        await reader.readline()
        self._hearing = asyncio.create_task(self._hear(reader), name="desk")
        await self._ask("Login", Username="desk", Secret=secret)

    async def close(self) -> None:
        if self._hearing is not None:
            self._hearing.cancel()
            with suppress(asyncio.CancelledError):
                await self._hearing
        if self._writer is not None:
            self._writer.close()

    # --- actions ------------------------------------------------------------------------------------

    async def act(self, phone: str, action: str, *to: str) -> None:
        """Act on this phone's call. ``RedirectBoth`` sends the caller and the phone to two places."""
        own = self._newest(phone)
        match action:
            case "BlindTransfer" | "Atxfer":
                await self._ask(action, Channel=own, Context=CONTEXT, Exten=to[0])
            case "CancelAtxfer":
                await self._ask(action, Channel=own)
            case "Redirect":
                await self._ask(action, Channel=self._caller(own), **_place(to[0]))
            case "RedirectBoth":
                extra = {f"Extra{name}": text for name, text in _place(to[1]).items()}
                channels = {"Channel": self._caller(own), "ExtraChannel": own}
                await self._ask("Redirect", **channels, **_place(to[0]), **extra)
            case "Park":
                await self._ask(action, Channel=self._caller(own), TimeoutChannel=own, AnnounceChannel=own)
            case _:
                raise ValueError(f"no such action: {action}")

    async def originate(self, fields: Mapping[str, str]) -> None:
        """Click-to-dial: ring the phone, and dial the number when it is picked up. Without `Async` the exchange
        answers when the phone is picked up, or with an error if it is not.
        """
        if "Async" in fields:
            await self._ask("Originate", **fields)
        else:
            await self._answer("Originate", **fields)

    # --- inside ------------------------------------------------------------------------------------

    async def _ask(self, action: str, **fields: str) -> None:
        said = await self._answer(action, **fields)
        if value(said, "Response") != "Success":
            raise RuntimeError(f"{action} refused: {value(said, 'Message')}")

    async def _answer(self, action: str, **fields: str) -> Event:
        assert self._writer is not None
        number = str(next(self._numbers))
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        lines = [f"Action: {action}", f"ActionID: {number}", *(f"{k}: {v}" for k, v in fields.items())]
        self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        return await asyncio.wait_for(reply, SECONDS_TO_REPLY)

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                block = await reader.readuntil(b"\r\n\r\n")
                lines = block.decode("utf-8", "replace").strip().split("\r\n")
                self._heard([(name, text) for name, _, text in (line.partition(": ") for line in lines)])

    def _heard(self, event: Event) -> None:
        name, channel = value(event, "Event"), value(event, "Channel") or ""
        if name is None:
            reply = self._replies.pop(value(event, "ActionID") or "", None)
            if reply is not None and not reply.done():
                reply.set_result(event)
        elif name == "Newchannel":
            self._channels[channel] = value(event, "Uniqueid") or "", value(event, "Linkedid") or ""
        elif name == "Hangup":
            self._channels.pop(channel, None)
        elif name == "Hold":
            self._board.note(f"{_phone(channel)} holds")
        elif name == "ParkedCall":
            phone = _phone(value(event, "ParkerDialString") or "")
            self._board.places[phone] = value(event, "ParkingSpace") or ""
            self._board.note(f"{phone} parks")

    def _newest(self, phone: str) -> str:
        names = [name for name in self._channels if name.startswith(f"PJSIP/{phone}-")]
        if not names:
            raise LookupError(f"the exchange told of no channel of {phone}")
        return names[-1]

    def _caller(self, own: str) -> str:
        _, call = self._channels[own]
        return next(name for name, (channel, _) in self._channels.items() if channel == call)


def _place(extension: str) -> dict[str, str]:
    return {"Context": CONTEXT, "Exten": extension, "Priority": "1"}


def _phone(channel: str) -> str:
    return channel.removeprefix("PJSIP/").partition("-")[0]
