"""From acts to what Asterisk says: dialling, answering, voicemail, queues, ends. `handing` has the rest.

Each function is one act's table, as the recordings have it (`scripts`, `test_model`). A message's default place
is after the last one about the same channels; where a table says `after` or `also`, the recordings show that
Asterisk's threads keep more, or less, order than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.model import acts as a
from tests.model.wire import ModelChannel, ModelWire

PARKING = "parking-lot"
CAUSES = {"busy": "17", "declined": "21", "congested": "34"}
STATUS = {"busy": "BUSY", "declined": "NOANSWER", "congested": "CONGESTION"}


@dataclass(eq=False)
class ModelLeg:
    """A phone that is tried: by the caller's channel, or behind a Local channel by its second half."""

    phone: ModelChannel
    source: ModelChannel | None
    dialled: int  # the message that began it
    born: int
    halves: tuple[ModelChannel, ModelChannel] | None = None


class Play:
    """One call's channels as its acts go on."""

    caller: ModelChannel

    def __init__(self, wire: ModelWire) -> None:
        self.wire = wire
        self.legs: dict[str, ModelLeg] = {}
        self.begun: list[int] = []  # the present dial's last DialBegin
        self.person: ModelLeg | None = None
        self.near = self.far = ""  # the caller's bridge; the phone's, behind a Local channel
        self.through = ""
        self.queued = self.up = self.in_menu = False
        self.stale = ""  # the hang-up cause that a dial in vain leaves behind
        self.consult: Any = None
        self.lingering: ModelChannel | None = None
        self.parker: ModelChannel | None = None
        self.is_parked = False
        self.served: set[str] = set()  # colleagues' own channels in the service of this call

    # Messages.

    def born(self, at: float, channel: ModelChannel, *about: ModelChannel, **more: Any) -> int:
        return self.wire.say(at, "Newchannel", channel.headers(), *(about or (channel,)), **more)

    def state(self, at: float, channel: ModelChannel, state: str, **more: Any) -> int:
        channel.state = state
        return self.wire.say(at, "Newstate", channel.headers(), channel, **more)

    def dial(
        self,
        at: float,
        kind: str,
        source: ModelChannel | None,
        dest: ModelChannel,
        *about: ModelChannel,
        **more: Any,
    ) -> int:
        said = {name: more.pop(name) for name in ("DialStatus", "DialString", "Forward") if name in more}
        headers = (source.headers() if source else {}) | dest.headers("Dest") | said
        return self.wire.say(at, kind, headers, *(about or ((source, dest) if source else (dest,))), **more)

    def enter(self, at: float, channel: ModelChannel, bridge: str, **more: Any) -> int:
        return self.wire.say(at, "BridgeEnter", {"BridgeUniqueid": bridge} | channel.headers(), channel, **more)

    def leave(self, at: float, channel: ModelChannel, bridge: str, **more: Any) -> int:
        return self.wire.say(at, "BridgeLeave", {"BridgeUniqueid": bridge} | channel.headers(), channel, **more)

    def request(self, at: float, channel: ModelChannel, cause: str = "16", **more: Any) -> int:
        return self.wire.say(at, "HangupRequest", channel.headers() | {"Cause": cause}, channel, **more)

    def gone(self, at: float, channel: ModelChannel, cause: str = "16", **more: Any) -> int:
        return self.wire.say(at, "Hangup", channel.headers() | {"Cause": cause}, channel, **more)

    def doing(self, application: str, **more: Any) -> tuple[tuple[str, dict[str, Any]], ...]:
        return ((self.caller.uniqueid, {"application": application} | more),)

    # Arriving, menus, queues.

    def calls(self, act: a.Calls) -> None:
        if act.phone:
            who = {"caller": act.phone, "caller_name": f"Agent {act.phone}", "context": "internal"}
            channel = self.wire.channel(act.at, f"PJSIP/{act.phone}", **who)
        else:
            name = "Anonymous" if act.shown == "anonymous" else "<unknown>"
            channel = self.wire.channel(act.at, "PJSIP/trunk", caller=act.shown, caller_name=name)
        channel.state, channel.exten = "4", act.dials
        self.caller = channel
        self.born(act.at, channel, shows=((channel.uniqueid, {"dialled": act.dials}),))
        channel.exten = act.dials if act.phone else "s"

    def line_up(self, act: a.LineUp) -> None:
        application = {"menu": "Read", "queue": "Wait", "announcement": "Playback"}[act.why]
        self.up = True
        self.state(act.at, self.caller, "6", shows=self.doing(application, answered=act.at))
        self.in_menu = act.why == "menu"
        if self.in_menu:
            self._step(act.at, "BackGround", "s")

    def _step(self, at: float, application: str, exten: str, data: str = "") -> None:
        headers = self.caller.headers() | {"Context": "menu", "Exten": exten, "Priority": "1"}
        self.wire.say(at, "Newexten", headers | {"Application": application, "AppData": data}, self.caller)

    def chooses(self, act: a.Chooses) -> None:
        self.caller.language = act.language

    def queues(self, act: a.Queues) -> None:
        self.queued, self.in_menu = True, False
        self.step(act.at, "Queue", f"general,{'t' if self.up else 'tr'},,,60")  # music, or ringing at once
        headers = self.caller.headers() | {"Queue": "general"}
        self.wire.say(act.at, "QueueCallerJoin", headers, self.caller, shows=self.doing("Queue"))

    def queue_over(self, act: a.QueueOver) -> None:
        self._leave_queue(act.at, abandoned=True, shows=self.doing("NoOp"))

    def _leave_queue(self, at: float, abandoned: bool = False, **more: Any) -> None:
        self.queued = False
        headers = self.caller.headers() | {"Queue": "general"}
        if abandoned:  # also when the time in the queue is over
            self.wire.say(at, "QueueCallerAbandon", headers, self.caller)
        self.wire.say(at, "QueueCallerLeave", headers, self.caller, **more)

    # Dialling.

    def tries(self, act: a.Tries) -> None:
        self.legs, self.through, self.in_menu = {}, act.through, False
        self.stale = "" if act.phones else "3"
        if act.through != "queue":
            strings = "&".join(f"PJSIP/{self.string(phone)}" for phone in act.phones)
            self.step(act.at, "Dial", f"{strings},24,tk")
        if act.through in ("local", "optimised"):
            self._tries_locals(act)
            return
        new = [(phone, self.phone(act.at, phone, self.caller.linkedid)) for phone in act.phones]
        one_by_one = act.through == "queue"
        births = {} if one_by_one else {p: self.born(act.at, c, self.caller, c) for p, c in new}
        for phone, channel in new:
            birth = births.get(phone)
            born = self.born(act.at, channel, self.caller, channel) if birth is None else birth
            string = self.string(phone) if act.through != "queue" else f"PJSIP/{phone}"
            doing = self.doing("Queue" if one_by_one else "Dial")
            begun = self.dial(act.at, "DialBegin", self.caller, channel, DialString=string, shows=doing)
            self.legs[phone] = ModelLeg(channel, self.caller, begun, born)
            self.begun = [begun]

    def _tries_locals(self, act: a.Tries) -> None:
        context = "lab-mobile" if len(act.phones[0]) > 6 else "lab-member"
        slash = "/n" if act.through == "local" else ""
        pairs = {phone: self.halves(act.at, phone, context) for phone in act.phones}
        for phone, (one, two) in pairs.items():
            self.local_bridge(act.at, one, two, self.caller)
            string = f"{phone}@{context}{slash}"
            shows = self.doing("Dial")
            begun = self.dial(act.at, "DialBegin", self.caller, one, DialString=string, shows=shows)
            self.begun = [begun]
            self.legs[phone] = self.behind(act.at, phone, one, two, begun)

    def step(self, at: float, application: str, data: str) -> int:
        """The dialplan runs an application on the caller's channel."""
        headers = self.caller.headers() | {"Extension": "s", "Application": application, "AppData": data}
        return self.wire.say(at, "Newexten", headers, self.caller)

    def halves(self, at: float, phone: str, context: str) -> tuple[ModelChannel, ModelChannel]:
        """A Local channel's two halves are born."""
        stem = f"Local/{phone}@{context}-{self.wire.channels:08x}"
        link = self.caller.linkedid
        one = self.wire.channel(at, f"{stem};1", link, exten=phone)
        two = self.wire.channel(at, f"{stem};2", link, exten=phone, state="4")
        self.born(at, one, self.caller, one)
        self.born(at, two, self.caller, two)
        return one, two

    def local_bridge(self, at: float, one: ModelChannel, two: ModelChannel, *about: ModelChannel) -> int:
        headers = one.headers("LocalOne") | two.headers("LocalTwo")
        return self.wire.say(at, "LocalBridge", headers, *about, one, two)

    def behind(self, at: float, phone: str, one: ModelChannel, two: ModelChannel, after: int) -> ModelLeg:
        """The second half dials the phone, in a thread of its own."""
        channel = self.phone(at, phone, self.caller.linkedid)
        born = self.born(at, channel, channel, two, after=[after])
        begun = self.dial(at, "DialBegin", two, channel, DialString=self.string(phone))
        return ModelLeg(channel, two, begun, born, (one, two))

    def phone(self, at: float, phone: str, linkedid: str = "") -> ModelChannel:
        if len(phone) > 6:
            return self.wire.channel(at, "PJSIP/trunk", linkedid)
        who = {"caller": phone, "caller_name": f"Agent {phone}", "context": "internal"}
        return self.wire.channel(at, f"PJSIP/{phone}", linkedid, **who)

    @staticmethod
    def string(phone: str) -> str:
        return f"{phone}@trunk" if len(phone) > 6 else phone

    def rings(self, act: a.Rings) -> None:
        leg = self.legs[act.phone]
        own = [leg.dialled] if leg.halves or leg.source is not self.caller else self.begun
        new = self.state(act.at, leg.phone, "5", after=[leg.born])
        said = self.dial(act.at, "DialState", leg.source, leg.phone, leg.phone, DialStatus="RINGING", after=own)
        if leg.halves:
            one = leg.halves[0]
            outer = None if self.consult else self.caller
            half = self.state(act.at, one, "5", also=[new])
            tied = [half] if self.consult else [half, *self.begun]
            self.dial(act.at, "DialState", outer, one, one, DialStatus="RINGING", after=tied)
        self.wire.last[leg.phone.uniqueid] = (new, said)

    def plays_ahead(self, act: a.PlaysAhead) -> None:
        leg = self.legs[act.phone]
        said = {"DialStatus": "PROGRESS", "after": self.begun}
        self.dial(act.at, "DialState", leg.source, leg.phone, leg.phone, **said)

    # No answer.

    def refuses(self, act: a.Refuses) -> None:
        leg = self.legs.pop(act.phone)
        cause = CAUSES[act.how]
        asked = self.request(act.at, leg.phone, cause)
        said = {"DialStatus": STATUS[act.how], "after": [asked, *self.begun], "beside": [self.caller]}
        self.dial(act.at, "DialEnd", leg.source, leg.phone, leg.phone, **said)
        self.gone(act.at, leg.phone, cause)
        self.stale = cause if act.how == "busy" else ""

    def dial_over(self, act: a.DialOver) -> None:
        for leg in self.legs.values():
            self.stops(act.at, leg, "NOANSWER", "0")
        self.legs, self.stale = {}, ""

    def stops(self, at: float, leg: ModelLeg, status: str, cause: str, also: Iterable[int] = ()) -> None:
        """A phone is tried no longer; behind a Local channel, its halves go first."""
        if leg.halves is None:
            self.dial(at, "DialEnd", leg.source, leg.phone, DialStatus=status, also=also)
            if self.through == "queue":
                self.dial(at, "DialEnd", leg.source, leg.phone, DialStatus="CANCEL")
            self.gone(at, leg.phone, cause)
            return
        one, two = leg.halves
        over = self.dial(at, "DialEnd", self.caller, one, DialStatus=status, also=also)
        asked = self.request(at, two, cause, also=[over])
        self.gone(at, one, cause, also=[asked])
        self.dial(at, "DialEnd", two, leg.phone, DialStatus="CANCEL")
        self.gone(at, two, cause)
        self.gone(at, leg.phone, cause)

    # An answer.

    def picks_up(self, act: a.PicksUp) -> None:
        leg = self.legs[act.phone]
        up = self.state(act.at, leg.phone, "6")
        if leg.halves and len(act.phone) > 6:
            return  # a confirmation is asked for first
        self._answered(act.at, act.phone, up)

    def confirms(self, act: a.Confirms) -> None:
        if act.accepts:
            self._answered(act.at, act.phone, None)
            return
        leg = self.legs.pop(act.phone)
        assert leg.halves is not None
        one, two = leg.halves
        self.dial(act.at, "DialEnd", two, leg.phone, DialStatus="CONTINUE")
        self.gone(act.at, leg.phone)
        asked = self.request(act.at, one, also=self.wire.latest(two))
        self.dial(act.at, "DialEnd", self.caller, one, DialStatus="NOANSWER", also=[asked])
        self.gone(act.at, one)
        self.gone(act.at, two)

    def _answered(self, at: float, phone: str, up: int | None) -> None:
        leg = self.legs.pop(phone)
        also = [] if up is None else [up]
        if leg.halves:
            also = [self.far_side_answers(at, leg, also)]
        for other in self.legs.values():
            self.stops(at, other, "CANCEL", "26", also)
        dest = leg.halves[0] if leg.halves else leg.phone
        shows = ((leg.phone.uniqueid, {"answered": at}),)
        self.dial(at, "DialEnd", self.caller, dest, DialStatus="ANSWER", also=also, shows=shows)
        self.legs = {}
        self.caller_goes_up(at)
        self.joined(at, dest)
        self.person = leg
        if self.through != "queue":
            leg.phone.exten = ""  # it has left the dialplan
        if leg.halves and self.through == "optimised":
            self._optimised(at, leg)

    def caller_goes_up(self, at: float) -> None:
        if self.queued:
            self._leave_queue(at)
        if not self.up:
            self.up = True
            self.state(at, self.caller, "6")

    def joined(self, at: float, other: ModelChannel) -> None:
        self.near = self.wire.bridge()
        first = self.enter(at, other, self.near, also=self.wire.latest(self.caller))
        self.enter(at, self.caller, self.near, also=[first])

    def far_side_answers(self, at: float, leg: ModelLeg, also: list[int]) -> int:
        """Behind a Local channel: the phone and the second half are joined; the first half goes up."""
        assert leg.halves is not None
        one, two = leg.halves
        shows = ((leg.phone.uniqueid, {"answered": at}),)
        ended = self.dial(at, "DialEnd", two, leg.phone, DialStatus="ANSWER", also=also, shows=shows)
        half = self.state(at, two, "6")
        self.far = self.wire.bridge()
        entered = self.enter(at, leg.phone, self.far, also=[half])
        self.enter(at, two, self.far, also=[entered])
        return self.state(at, one, "6", also=[ended])

    def _optimised(self, at: float, leg: ModelLeg) -> None:
        """Sound flows: the Local channel takes itself out, and the caller moves into the phone's bridge."""
        assert leg.halves is not None
        one, two = leg.halves
        left = self.leave(at, self.caller, self.near)
        swapped = self.leave(at, two, self.far, also=[left])
        self.enter(at, self.caller, self.far, also=[swapped])
        self.leave(at, one, self.near, also=[left])
        asked = self.request(at, two, also=self.wire.latest(one))
        self.gone(at, one, also=[asked])
        self.gone(at, two)
        leg.halves, self.near = None, self.far

    def takes_from(self, act: a.TakesFrom) -> None:
        """The taker dials half a second before; the phone that rang gets no DialEnd."""
        taker = self.phone(act.at - 0.5, act.phone)
        taker.state, taker.exten = "4", f"**{act.rung}"
        self.served.add(taker.uniqueid)
        self.born(act.at - 0.5, taker, shows=((taker.uniqueid, {"dialled": f"**{act.rung}"}),))
        self.state(act.at - 0.5, taker, "6")
        rung = self.legs.pop(act.rung)
        self.gone(act.at, rung.phone, "26")
        for other in self.legs.values():
            self.stops(act.at, other, "CANCEL", "26")
        shows = ((taker.uniqueid, {"answered": act.at}),)
        self.dial(act.at, "DialEnd", self.caller, taker, DialStatus="ANSWER", shows=shows)
        self.legs = {}
        self.caller_goes_up(act.at)
        self.joined(act.at, taker)
        self.person = ModelLeg(taker, self.caller, 0, 0)

    # Voicemail, ends.

    def voicemail(self, act: a.Voicemail) -> None:
        at, caller = act.at, self.caller
        if self.in_menu:
            self._step(at, "Goto", "3", f"box,{act.mailbox},1")
        caller.context, caller.exten = "box", act.mailbox
        step = caller.headers() | {"Priority": "1", "Application": "VoiceMail"}
        step |= {"AppData": f"{act.mailbox}@default,u"}
        place = {"context": "box", "exten": act.mailbox}
        self.wire.say(at, "Newexten", step, caller, shows=self.doing("VoiceMail", **place))
        if not self.up:
            self.up = True
            self.state(at, caller, "6", shows=self.doing("VoiceMail", answered=at))

    def hangs_up(self, act: a.HangsUp) -> None:
        if self.person is not None:
            self._conversation_ends(act.at, act.who == "caller", act.at + act.clears)
            return
        self.request(act.at, self.caller, self.stale or "16", shows=self.doing("NoOp"))
        if self.is_parked:
            self.leave(act.at, self.caller, PARKING)
        for leg in self.legs.values():
            self.stops(act.at, leg, "CANCEL", "0")
        if self.queued:
            self._leave_queue(act.at, abandoned=True)
        if act.message:
            new = {"Mailbox": f"{self.caller.exten}@default", "Waiting": "1", "New": "1", "Old": "0"}
            self.wire.say(act.at, "MessageWaiting", self.caller.headers() | new, self.caller)
        self.gone(act.at + act.clears, self.caller, self.stale or "16")

    def _conversation_ends(self, at: float, by_caller: bool, cleared: float) -> None:
        assert self.person is not None
        path = [self.caller, *(self.person.halves or ()), self.person.phone]
        if not by_caller:
            path.reverse()
        bridges = [self.near, self.far] if by_caller else [self.far, self.near]
        first, *between, last = path
        self.request(at, first)
        left = self.leave(at, first, bridges[0] if between else self.near)
        self.gone(cleared if by_caller else at, first)
        if between:
            left = self._through(at, between, bridges, left)
        self.leave(at, last, bridges[1] if between else self.near, also=[left])
        self.gone(at if by_caller else cleared, last)

    def _through(self, at: float, between: list[ModelChannel], bridges: list[str], left: int) -> int:
        """One half hears that its bridge is empty, and takes the other one with it."""
        one, two = between
        half = self.leave(at, one, bridges[0], also=[left])
        asked = self.request(at, two, also=[half])
        self.gone(at, one, also=[asked])
        gone = self.leave(at, two, bridges[1])
        self.gone(at, two)
        return gone

    def ended(self, act: a.Ended) -> None:
        cause = {"busy": "17", "refused": "17", "congested": "34", "unreachable": "3"}.get(act.why, "16")
        if act.why in ("busy", "congested"):
            before = self.wire.latest(self.caller)
            asked = self.request(act.at, self.caller, cause)
            new = self.state(act.at, self.caller, "7", after=before)
            self.gone(act.at, self.caller, cause, also=[asked, new])
        else:
            if act.why == "refused":  # the dialplan went through the box that this phone has not
                self.caller.context = "box"
            self.gone(act.at, self.caller, cause)
