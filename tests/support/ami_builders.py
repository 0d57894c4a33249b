"""A small exchange that writes AMI as Asterisk does, so that a test describes a call in a few lines.

It stores the state of its channels, so that it can list them after a gap. Events inside `with
exchange.unheard():` are not written; the listing afterwards contains what remains of them. Headers and their
order are those of Asterisk 22 (`tests/data/traces`).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from callmon.config.settings import Settings, example, example_text, parse
from callmon.core.monitor import Monitor
from callmon.text.labels import reason
from callmon.tools.replay import Replay, chunks

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
# A Tuesday, 9:00 in Toronto.
MORNING = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
EVENING = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
STATES = {0: "Down", 4: "Ring", 5: "Ringing", 6: "Up", 7: "Busy"}
GENERAL, TTY = "4163272422", "4163250866"


@dataclass(eq=False)
class Channel:
    """One channel, with the values that the exchange stores."""

    name: str
    uniqueid: str
    linkedid: str
    state: int
    caller: str
    caller_name: str
    language: str
    context: str
    exten: str
    dialled: str = ""
    bridge: str = ""
    application: str = ""
    data: str = ""
    answered: float | None = None
    born: float = 0.0
    begun: float | None = None  # start of its CDR's newest record, if that is not the first
    tries: int = 0  # phones that its Dial tries now
    priority: int = 1


class Exchange:
    """Writes events; `connections` are the bytes of each connection to the exchange."""

    def __init__(
        self, start: datetime = MORNING, system: str = "lab-", timestamps: bool = True, dial_states: bool = True
    ) -> None:
        self.start, self.system, self.timestamps, self.dial_states = start, system, timestamps, dial_states
        self.connections: list[bytearray] = [bytearray(BANNER)]
        self.channels: dict[str, Channel] = {}
        self.now = 0.0
        self.booted = -1000.0
        self.tells_answers = True  # the listing has CDR(answer,u)
        self.tells_dials = True  # the event filter passes Newexten of Dial
        self._muted = False
        self._counter = 0
        self._bridges = 0
        self.log_in()

    # The wire.

    def at(self, seconds: float) -> Exchange:
        """The following events happen `seconds` after the start."""
        self.now = seconds
        return self

    def write(self, data: bytes) -> None:
        if not self._muted:
            self.connections[-1] += data

    def event(self, name: str, stamped: bool = True, **headers: Any) -> None:
        lines = [f"Event: {name}", "Privilege: call,all"]
        if stamped and self.timestamps:
            lines.append(f"Timestamp: {self.instant():.6f}")
        lines += [f"{key}: {value}" for key, value in headers.items()]
        self.write("\r\n".join(lines).encode() + b"\r\n\r\n")

    def instant(self, seconds: float | None = None) -> float:
        moment = self.start + timedelta(seconds=self.now if seconds is None else seconds)
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)

    def log_in(self) -> None:
        self.write(b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n")
        self.event("FullyBooted", stamped=False, Uptime=int(self.now - self.booted), LastReload=1)

    @contextmanager
    def unheard(self, until: float | None = None) -> Iterator[None]:
        """Events in this block are lost to callmon. After it come a new connection and its listing."""
        self._muted = True
        yield
        self.now = self.now if until is None else until
        self._muted = False
        self.connections.append(bytearray(BANNER))
        self.log_in()
        self.list_channels()

    def restart(self) -> None:
        """The exchange stops (all channels are gone) and starts again."""
        self.channels.clear()
        self.booted = self.now

    @contextmanager
    def unsaid(self) -> Iterator[None]:
        """Events in this block are not written, although the connection stays up."""
        self._muted = True
        yield
        self._muted = False

    def list_shortly(self) -> None:
        for channel in self.channels.values():
            self.event("CoreShowChannel", stamped=False, **self._of(channel), Application=channel.application,
                       ApplicationData="", Duration="00:00:01", BridgeId=channel.bridge)  # fmt: skip
        self.event("PeerStatus", Peer="PJSIP/101")  # the list has no Timestamp; this event gives the time
        self.event("CoreShowChannelsComplete", stamped=False, EventList="Complete")

    def list_channels(self) -> None:
        self.list_shortly()
        for channel in self.channels.values():
            self.event("Status", stamped=False, **self._of(channel), Type="PJSIP", DNID=channel.dialled,
                       BridgeID=channel.bridge, Application=channel.application, Data=channel.data,
                       Seconds=1)  # fmt: skip
            self.connections[-1][-2:] = self._record(channel)
        # As in Asterisk, the answers to CoreShowChannels and Status have no Timestamp; this event gives the time.
        self.event("PeerStatus", Peer="PJSIP/101")
        self.event("StatusComplete", stamped=False, Items=len(self.channels))

    def _record(self, channel: Channel) -> bytes:
        """Its newest CDR record. Each further bridge that a channel enters begins one, already answered."""
        if not self.tells_answers:
            return b"Variable: CDR(start,u)=\r\nVariable: CDR(answer,u)=\r\n\r\n"
        start, answer = channel.born, channel.answered
        if channel.begun is not None:
            start = answer = channel.begun
        reported = 0.0 if answer is None else self.instant(answer)
        lines = (f"CDR(start,u)={self.instant(start):.6f}", f"CDR(answer,u)={reported:.6f}")
        return b"".join(f"Variable: {line}\r\n".encode() for line in lines) + b"\r\n"

    def _of(self, channel: Channel) -> dict[str, Any]:
        return {
            "Channel": channel.name, "ChannelState": channel.state, "ChannelStateDesc": STATES[channel.state],
            "CallerIDNum": channel.caller, "CallerIDName": channel.caller_name, "ConnectedLineNum": "<unknown>",
            "ConnectedLineName": "<unknown>", "Language": channel.language, "AccountCode": "",
            "Context": channel.context, "Exten": channel.exten, "Priority": channel.priority,
            "Uniqueid": channel.uniqueid, "Linkedid": channel.linkedid,
        }  # fmt: skip

    def _dest(self, channel: Channel) -> dict[str, Any]:
        return {f"Dest{key}": value for key, value in self._of(channel).items()}

    # Channels.

    def new(self, endpoint: str, state: int, exten: str, linkedid: str = "", **more: Any) -> Channel:
        """Newchannel."""
        uniqueid = f"{self.system}{int(self.instant())}.{self._counter}"
        name = endpoint if ";" in endpoint else f"{endpoint}-{self._counter:08x}"
        self._counter += 1
        channel = Channel(
            name, uniqueid, linkedid or uniqueid, state, more.pop("caller", "<unknown>"),
            more.pop("caller_name", "<unknown>"), more.pop("language", "en"), more.pop("context", "from-trunk"),
            exten, dialled=exten, born=self.now,
        )  # fmt: skip
        self.channels[uniqueid] = channel
        self.event("Newchannel", **self._of(channel))
        return channel

    def call(self, number: str = GENERAL, trunk: str = "PJSIP/trunk", **more: Any) -> Channel:
        """A caller from outside dials `number`. The dialplan continues elsewhere: the number is lost."""
        caller = self.new(trunk, 4, number, **{"caller": "4165550101", **more})
        caller.context, caller.exten = "ring", "s"
        return caller

    def up(self, channel: Channel, context: str | None = None, exten: str | None = None) -> None:
        """Newstate Up."""
        channel.context, channel.exten = context or channel.context, exten or channel.exten
        channel.state = 6
        self.event("Newstate", **self._of(channel))

    def menu(self, caller: Channel) -> None:
        caller.application, caller.answered = "Read", self.now
        self.up(caller, "menu")

    def busy(self, caller: Channel, cause: int = 17) -> None:
        """Busy() or Congestion(): the exchange ends the channel itself."""
        caller.state = 7
        self.event("Newstate", **self._of(caller))
        self.event("HangupRequest", **self._of(caller), Cause=cause)
        self.hangup(caller, cause)

    # Dials.

    def step(self, channel: Channel, application: str, data: str = "") -> None:
        """Newexten: the dialplan runs an application on this channel."""
        if self.tells_dials:
            self.event("Newexten", **self._of(channel), Extension="s", Application=application, AppData=data)

    def dial(self, source: Channel | None, endpoint: str = "PJSIP/101", options: str = "", **more: Any) -> Channel:
        """A phone is dialled: Newexten of a Dial that begins, Newchannel, then DialBegin."""
        if source is not None and source.application != "Queue":
            if source.tries == 0:
                self.step(source, "Dial", f"{endpoint},24,{options}")
            source.tries += 1
        string = more.pop("dial_string", endpoint.partition("/")[2])
        linkedid = more.pop("linkedid", source.linkedid if source else "")
        own = {"caller": endpoint.partition("/")[2], "context": "internal", **more}
        phone = self.new(endpoint, 0, "s", linkedid, **own)
        phone.dialled, phone.application = "", "AppDial"
        if source is not None:
            source.application = source.application if source.application == "Queue" else "Dial"
        self._dial("DialBegin", source, phone, DialString=string)
        return phone

    def _dial(self, name: str, source: Channel | None, phone: Channel, **last: Any) -> None:
        headers = self._of(source) if source is not None else {}
        self.event(name, **headers, **self._dest(phone), **last)

    def ring(self, source: Channel | None, *phones: Channel) -> None:
        """The phones ring."""
        for phone in phones:
            phone.state = 5
            self.event("Newstate", **self._of(phone))
            if self.dial_states:
                self._dial("DialState", source, phone, DialStatus="RINGING")

    def progress(self, source: Channel, phone: Channel) -> None:
        """Early media: the phone's channel stays Down."""
        self._dial("DialState", source, phone, DialStatus="PROGRESS")

    def rings(self, source: Channel, *endpoints: str) -> list[Channel]:
        """Phones are dialled and ring."""
        phones = [self.dial(source, endpoint) for endpoint in endpoints or ("PJSIP/101", "PJSIP/102")]
        self.ring(source, *phones)
        return phones

    def answer(self, source: Channel, phone: Channel, *losers: Channel, join: bool = True) -> None:
        """A phone answers; the other phones are cancelled first."""
        phone.state, phone.answered = 6, self.now
        self.event("Newstate", **self._of(phone))
        for loser in losers:
            self.stop(source, loser, "CANCEL", 26)
        self._dial("DialEnd", source, phone, DialStatus="ANSWER")
        if source.state != 6:
            self.up(source)
        if join:
            self.join(source, phone)

    def join(self, *channels: Channel) -> str:
        """All channels enter one new bridge."""
        self._bridges += 1
        bridge = f"bridge-{self._bridges}"
        for channel in reversed(channels):
            channel.bridge = bridge
            self.event("BridgeEnter", BridgeUniqueid=bridge, BridgeType="basic", **self._of(channel))
        return bridge

    def leave(self, channel: Channel) -> None:
        self.event("BridgeLeave", BridgeUniqueid=channel.bridge, BridgeType="basic", **self._of(channel))
        channel.bridge, channel.begun = "", self.now

    def stop(self, source: Channel | None, phone: Channel, status: str = "NOANSWER", cause: int = 0) -> None:
        """A dial ends without an answer of this phone, and its channel hangs up."""
        if source is not None and source.tries:
            source.tries -= 1
        self._dial("DialEnd", source, phone, DialStatus=status)
        self.hangup(phone, cause)

    # Menus, queues, voicemail.

    def voicemail(
        self, caller: Channel, mailbox: str = "500", reported: bool = True, context: str = "elsewhere"
    ) -> None:
        """VoiceMail takes the caller. `told`: the user receives this dialplan step (Newexten)."""
        caller.application, caller.context, caller.exten = "VoiceMail", context, "s"
        if reported:
            self.event("Newexten", **self._of(caller), Extension="s", Application="VoiceMail",
                       AppData=f"{mailbox}@default,u")  # fmt: skip
        if caller.state != 6:
            caller.answered = self.now
            self.up(caller)

    def runs(
        self,
        channel: Channel,
        application: str,
        data: str = "",
        exten: str = "",
        context: str = "",
        priority: int = 1,
    ) -> None:
        """Newexten of a menu, its option, or VoiceMailMain, which a user with the shipped filter receives."""
        channel.context, channel.exten = context or channel.context, exten or channel.exten
        channel.application, channel.priority = application, priority
        self.event("Newexten", **self._of(channel), Extension=channel.exten, Application=application, AppData=data)

    def message(self, channel: Channel, mailbox: str = "500", new: int = 1, old: int = 0) -> None:
        """MessageWaiting: a caller left a message, or staff listened to one."""
        self.event("MessageWaiting", **self._of(channel), Mailbox=f"{mailbox}@default",
                   Waiting=1 if new else 0, New=new, Old=old)  # fmt: skip

    def queue(self, caller: Channel, name: str = "genline", options: str = "t") -> None:
        """The dialplan runs Queue, and the caller is in it."""
        self.step(caller, "Queue", f"{name},{options},,,60")
        caller.application, caller.context = "Queue", "queue"
        self.event("QueueCallerJoin", **self._of(caller), Queue=name, Position=1, Count=1)

    def leave_queue(self, caller: Channel, name: str = "genline") -> None:
        caller.application = ""
        self.event("QueueCallerLeave", **self._of(caller), Queue=name, Position=1, Count=0)

    def leaves_by_key(self, caller: Channel, key: str, *phones: Channel) -> None:
        """A key leads the caller out of a Queue, or of a Dial with option `d`."""
        caller.exten, caller.priority = key, 0
        for phone in phones:
            self.stop(caller, phone, "CANCEL")
        if caller.application == "Queue":
            self.step(caller, "Queue", "genline,t,,,60")
            self.leave_queue(caller)

    # Ends.

    def hangup(self, channel: Channel, cause: int = 16) -> None:
        """Hangup."""
        if channel.bridge:
            self.leave(channel)
        self.channels.pop(channel.uniqueid, None)
        self.event("Hangup", **self._of(channel), Cause=cause, **{"Cause-txt": "Normal Clearing"})

    def gives_up(self, caller: Channel, source: Channel | None = None, *phones: Channel) -> None:
        """The caller hangs up, and the phones that rang for it are cancelled."""
        self.event("HangupRequest", **self._of(caller))
        for phone in phones:
            self._dial("DialEnd", source, phone, DialStatus="CANCEL")
        for phone in phones:
            self.hangup(phone, 0)
        self.hangup(caller)

    def ends(self, *channels: Channel) -> None:
        """The conversation ends: the first channel hung up."""
        self.event("HangupRequest", **self._of(channels[0]))
        for channel in channels:
            self.hangup(channel)

    # The result in callmon.

    def replayed(self, settings: Settings | None = None, any_line: bool = False) -> Replay:
        return replayed(*map(bytes, self.connections), settings=settings, any_line=any_line)

    def calls(self, settings: Settings | None = None, any_line: bool = False) -> list[dict[str, Any]]:
        """The calls in interface.md's form, with the keys of the reasons added."""
        replay = self.replayed(settings, any_line)
        calls = replay.calls()
        for call in calls:
            given = replay.findings.get(call["call"], [])
            call["keys"] = {finding.standard: finding.reason_key for finding in given}
        return calls

    def one(self, settings: Settings | None = None, any_line: bool = False) -> dict[str, Any]:
        """The only call."""
        (call,) = self.calls(settings, any_line)
        return call


def settings(replace: dict[str, str] | None = None, more: str = "") -> Settings:
    """The example configuration with some text replaced, and `more` appended."""
    text = example_text()
    for old, new in (replace or {}).items():
        assert old in text
        text = text.replace(old, new)
    return parse(text + "\n" + more)


_EXAMPLE = example()


def listener(given: Settings | None = None, any_line: bool = False) -> Monitor:
    return Monitor(given or _EXAMPLE, "toronto", any_line, every_call=True, token=str)


def replayed(*connections: bytes, settings: Settings | None = None, any_line: bool = False) -> Replay:
    """Bytes of successive connections, fed to a monitor of their own."""
    replay = Replay(listener(settings, any_line), "toronto")
    for data in connections:
        for _ in replay.connection(chunks(io.BytesIO(data))):
            pass
    return replay


def judged(call: dict[str, Any], standard: str = "answer_by_third_ring") -> tuple[Any, Any, Any]:
    """Verdict, the reason's key and the cause. Checks that the reason has a text in both languages."""
    key = call["keys"].get(standard)
    if key is not None:
        assert all(reason(key, number, language) for number in (2, None) for language in ("fr", "en"))
    return call["verdicts"].get(standard), key, call["cause"].get(standard)


def left(replay: Replay) -> tuple[int, int, int, int]:
    """How many legs, calls, bridges and accounts are still in memory."""
    exchange = replay.monitor.exchanges["toronto"]
    state = exchange.tracker.state
    bridges, accounts = len(state.bridges.members), len(exchange.accounts)
    return len(state.legs) + len(state.unborn), len(state.calls), bridges, accounts
