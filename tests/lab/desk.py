"""A desk beside the exchange: pyst2 on one AMI connection that may act, as a wallboard or a click-to-dial does.

Its user has the classes `call` and `originate` for writing; callmon's own user has neither. The events it
receives give it the channels' names, and are recorded on the board.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress

from asterisk.manager import Event, Manager, ManagerMsg

from tests.lab.board import Board
from tests.lab.site import HOME

SECONDS_TO_REPLY = 60
SECONDS_TO_END = 5
CONTEXT = "internal"
HEARD = ("Newchannel", "Hangup", "Hold", "ParkedCall")


class DeskManager(Manager):
    """pyst2's `connect` reads byte by byte, too slowly for a busy exchange; its `close` waits for a reply."""

    def connect(self, host: str, port: int) -> None:
        self._wire = socket.create_connection((host, port))
        self._sock = self._wire.makefile("rwb")
        self._reswaiting = [1]  # an end is noticed also between an action and the wait for its reply
        self._connected.set()
        self._running.set()
        self.message_thread.start()
        self.event_dispatch_thread.start()
        self._response_queue.get()  # the banner

    def close(self) -> None:
        with suppress(OSError):
            self._wire.shutdown(socket.SHUT_RDWR)
        for thread in (self.message_thread, self.event_dispatch_thread):
            thread.join(SECONDS_TO_END)
        self._wire.close()

    def __del__(self) -> None:
        """`close` is called."""


class Desk:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._channels: dict[str, tuple[str, str]] = {}  # name: its own id, and that of its call
        self._manager: DeskManager | None = None
        self._acting = asyncio.Lock()  # the exchange reads an action when it has answered the one before

    async def open(self, port: int, secret: str) -> None:
        manager, loop = DeskManager(), asyncio.get_running_loop()

        def hear(event: Event, _: Manager) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._heard, event)

        for name in HEARD:
            manager.register_event(name, hear)
        await asyncio.to_thread(manager.connect, HOME, port)
        self._manager = manager
        await asyncio.to_thread(manager.login, "desk", secret)

    async def close(self) -> None:
        if self._manager is not None:
            await asyncio.to_thread(self._manager.close)

    # --- actions ------------------------------------------------------------------------------------

    async def act(self, phone: str, action: str, *to: str) -> None:
        """Act on this phone's call. ``RedirectBoth`` sends the caller and the phone to two places.

        ``Redirect PLACE PHONE``: of the call that rings at another phone.
        """
        own = self._newest(to[1] if action == "Redirect" and to[1:] else phone)
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
        reply = await self._answer(action, **fields)
        if reply.get_header("Response") != "Success":
            raise RuntimeError(f"{action} refused: {reply.get_header('Message')}")

    async def _answer(self, action: str, **fields: str) -> ManagerMsg:
        assert self._manager is not None
        async with self._acting:
            reply = asyncio.to_thread(self._manager.send_action, {"Action": action, **fields})
            return await asyncio.wait_for(reply, SECONDS_TO_REPLY)

    def _heard(self, event: Event) -> None:
        channel = event.get_header("Channel", "")
        if event.name == "Newchannel":
            self._channels[channel] = event.get_header("Uniqueid", ""), event.get_header("Linkedid", "")
        elif event.name == "Hangup":
            self._channels.pop(channel, None)
        elif event.name == "Hold":
            self._board.note(f"{_phone(channel)} holds")
        elif event.name == "ParkedCall":
            phone = _phone(event.get_header("ParkerDialString", ""))
            self._board.places[phone] = event.get_header("ParkingSpace", "")
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
