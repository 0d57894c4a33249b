"""From acts to what Asterisk says: hold, transfers, consultations, parking, forwarding."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.model import acts as a
from tests.model.tables import PARKING, ModelLeg, Play
from tests.model.wire import ModelChannel, ModelWire


@dataclass(eq=False)
class Consultation:
    """Who asks whom: on a second line (`line`), or by keys with a Local channel between."""

    to: str
    line: ModelChannel | None
    target: ModelLeg
    bridge: str  # of the asking phone
    answered: bool = False


class Handing(Play):
    """A call whose person hands the caller on."""

    def _held(self, at: float, kind: str, channel: ModelChannel, also: Iterable[int] = ()) -> int:
        return self.wire.say(at, kind, channel.headers(), channel, also=also)

    def holds(self, act: a.Holds) -> None:
        self._held(act.at, "Hold", self._person().phone)

    def resumes(self, act: a.Resumes) -> None:
        self._held(act.at, "Unhold", self._person().phone)

    def _person(self) -> ModelLeg:
        assert self.person is not None
        return self.person

    # Blind.

    def sends_off(self, act: a.SendsOff) -> None:
        phone = self._person().phone
        held = self._held(act.at, "Unhold", phone)
        reported = self._blind(act.at, phone, act.to)
        left = self.leave(act.at, self.caller, self.near, also=[held])
        self.wire.last[self.caller.uniqueid] = (reported, left)  # in any order, these two and the phone's own
        gone = self.leave(act.at, phone, self.near, after=[held])
        self.gone(act.at, phone, after=[gone, reported])
        self.person, self.legs = None, {}

    def redirects(self, act: a.Redirects) -> None:
        phone = self._person().phone
        self.leave(act.at, self.caller, self.near)
        self.leave(act.at, phone, self.near)
        self.gone(act.at, phone)
        self.person, self.legs = None, {}

    def _blind(self, at: float, phone: ModelChannel, to: str) -> int:
        headers = phone.headers("Transferer") | self.caller.headers("Transferee")
        said = {"Result": "Success", **headers, "IsExternal": "Yes", "Context": "internal", "Extension": to}
        return self.wire.say(at, "BlindTransfer", said, phone)

    # Consultations.

    def consults(self, act: a.Consults) -> None:
        if act.how == "line":
            self._consults_on_second_line(act)
        else:
            self._consults_by_keys(act)

    def _consults_on_second_line(self, act: a.Consults) -> None:
        at, phone = act.at, self._person().phone
        line = self.phone(at, re.split("[/-]", phone.name)[1])
        line.state, line.exten = "4", act.to
        self.born(at, line, shows=((line.uniqueid, {"dialled": act.to, "application": "Dial"}),))
        self.served.add(line.uniqueid)
        target = self.phone(at, act.to, line.linkedid)
        born = self.born(at, target, line, target)
        begun = self.dial(at, "DialBegin", line, target, DialString=self.string(act.to))
        self.legs = {act.to: ModelLeg(target, line, begun, born)}
        self.consult = Consultation(act.to, line, self.legs[act.to], "")

    def _consults_by_keys(self, act: a.Consults) -> None:
        at, phone = act.at, self._person().phone
        one, two = self.halves(at, act.to, "internal")
        tied = self.local_bridge(at, one, two)
        bridge = self.wire.bridge()
        entered = self.enter(at, one, bridge)
        self.leave(at, phone, self.near, also=[entered])
        self.enter(at, phone, bridge)
        leg = self.behind(at, act.to, one, two, tied)
        self.legs = {act.to: leg}
        self.consult = Consultation(act.to, None, leg, bridge)

    def picks_up(self, act: a.PicksUp) -> None:
        consult = self.consult
        if consult is None:
            super().picks_up(act)
            return
        leg = self.legs.pop(act.phone)
        up = self.state(act.at, leg.phone, "6")
        consult.answered = True
        if leg is not consult.target:
            self._called_back_picks_up(act.at, leg)
        elif consult.line is not None:
            self._second_line_answered(act.at, leg, consult)
        else:
            half = self.far_side_answers(act.at, leg, [up])
            assert leg.halves is not None
            self.dial(act.at, "DialEnd", None, leg.halves[0], DialStatus="ANSWER", also=[half])
            if self.lingering is not None:
                self._taken(act.at, leg)

    def _second_line_answered(self, at: float, leg: ModelLeg, consult: Consultation) -> None:
        line = consult.line
        assert line is not None
        shows = ((leg.phone.uniqueid, {"answered": at}),)
        self.dial(at, "DialEnd", line, leg.phone, DialStatus="ANSWER", shows=shows)
        self.state(at, line, "6")
        consult.bridge = self.wire.bridge()
        entered = self.enter(at, leg.phone, consult.bridge, also=self.wire.latest(line))
        self.enter(at, line, consult.bridge, also=[entered])

    def joins(self, act: a.Joins) -> None:
        consult, at = self.consult, act.at
        phone = self._person().phone
        if consult.line is None:
            self.gone(at, phone, after=self._merges(at, phone))
            self.person = consult.target
        else:
            held = self._held(at, "Unhold", phone)
            both = self._held(at, "Unhold", consult.line, also=[held])
            left = self.leave(at, self.caller, self.near, also=[both])
            swapped = self.leave(at, consult.line, consult.bridge, also=[left])
            self.enter(at, self.caller, consult.bridge, also=[swapped])
            said = self._attended(at, phone, consult.line, after=self.wire.latest(self.caller))
            out = self.leave(at, phone, self.near, after=[left])
            self.gone(at, phone, after=[out, said])
            self.gone(at, consult.line, also=[said])
            self.near, self.person = consult.bridge, ModelLeg(consult.target.phone, None, 0, 0)
        self.consult = None

    def _merges(self, at: float, phone: ModelChannel) -> list[int]:
        """By keys: the person hangs up, and the first half moves to the caller's bridge."""
        consult = self.consult
        assert consult.target.halves is not None
        one = consult.target.halves[0]
        asked = self.request(at, phone)
        left = self.leave(at, phone, consult.bridge)
        self.leave(at, one, consult.bridge, also=[asked])
        self.enter(at, one, self.near)
        return [left, self._attended(at, phone, phone, after=self.wire.latest(one))]

    def _attended(self, at: float, phone: ModelChannel, second: ModelChannel, after: Iterable[int]) -> int:
        said = {"Result": "Success", **phone.headers("OrigTransferer"), **second.headers("SecondTransferer")}
        said |= self.caller.headers("Transferee") | {"DestType": "Bridge"}
        return self.wire.say(at, "AttendedTransfer", said, phone, after=after)

    def hands_over(self, act: a.HandsOver) -> None:
        """The colleague's phone rings on; the person's channel lingers until that is settled."""
        phone = self._person().phone
        if self.consult.line is not None:
            self._hands_second_line_over(act.at, phone)
            return
        self._merges(act.at, phone)
        self.lingering, self.person = phone, None

    def _hands_second_line_over(self, at: float, phone: ModelChannel) -> None:
        """The caller takes the place of the second line, and its dial goes on."""
        line, target = self.consult.line, self.consult.target
        held = self._held(at, "Unhold", phone)
        said = self._attended(at, phone, line, after=[held, *self.wire.latest(line)])
        left = self.leave(at, self.caller, self.near, also=[said])
        out = self.leave(at, phone, self.near, also=[said])
        self.gone(at, phone, after=[out])
        self.gone(at, line, after=[said, left])
        target.source = self.caller
        self.consult = self.person = None

    def _taken(self, at: float, leg: ModelLeg) -> None:
        assert self.lingering is not None
        self.gone(at, self.lingering)
        self.person, self.consult, self.lingering = leg, None, None

    def calls_back(self, act: a.CallsBack) -> None:
        at, leg = act.at, self.consult.target
        assert self.lingering is not None
        self._second_half_ends(at, leg, self.near)
        name = re.split("[/-]", self.lingering.name)[1]
        back = self.phone(at, name)
        born = self.born(at, back)
        begun = self.dial(at, "DialBegin", None, back, DialString=name)
        self.legs = {name: ModelLeg(back, None, begun, born)}

    def _second_half_ends(self, at: float, leg: ModelLeg, bridge: str) -> None:
        """The Local channel's first half leaves; whoever rings or talks behind the second one goes too."""
        assert leg.halves is not None
        one, two = leg.halves
        left = self.leave(at, one, bridge)
        asked = self.request(at, two, also=[left])
        self.gone(at, one, also=[asked])
        if self.consult.answered:
            out = self.leave(at, two, self.far)
            self.leave(at, leg.phone, self.far, also=[out])
        else:
            self.dial(at, "DialEnd", two, leg.phone, DialStatus="CANCEL")
        self.gone(at, two)
        self.gone(at, leg.phone)

    def _called_back_picks_up(self, at: float, leg: ModelLeg) -> None:
        assert self.lingering is not None
        shows = ((leg.phone.uniqueid, {"answered": at}),)
        self.dial(at, "DialEnd", None, leg.phone, DialStatus="ANSWER", shows=shows)
        self.enter(at, leg.phone, self.near)
        self.gone(at, self.lingering)
        self.person, self.consult, self.lingering = leg, None, None

    def takes_back(self, act: a.TakesBack) -> None:
        at, consult, phone = act.at, self.consult, self._person().phone
        if consult.line is not None:
            self._hangs_second_line_up(at, consult)
            self._held(at, "Unhold", phone)
        else:
            self.leave(at, phone, consult.bridge)
            back = self.enter(at, phone, self.near)
            self._held(at, "Unhold", phone)
            assert consult.target.halves is not None
            self.wire.last[consult.target.halves[0].uniqueid] = (back,)
            self._second_half_ends(at, consult.target, consult.bridge)
        self.consult, self.legs = None, {}

    def _hangs_second_line_up(self, at: float, consult: Consultation) -> None:
        line, target = consult.line, consult.target.phone
        assert line is not None
        self.request(at, line)
        if consult.answered:
            left = self.leave(at, line, consult.bridge)
            self.leave(at, target, consult.bridge, also=[left])
        else:
            self.dial(at, "DialEnd", line, target, DialStatus="CANCEL")
        self.gone(at, line)
        self.gone(at, target)

    # Parking.

    def parks(self, act: a.Parks) -> None:
        phone = self._person().phone
        headers = self.caller.headers("Parkee") | {"ParkingSpace": "701"}
        before: list[int] = []
        if act.how == "refer":
            before = [self._held(act.at, "Unhold", phone)]
        self.wire.say(act.at, "ParkedCall", headers, after=before)
        if act.how == "refer":
            before = [self._blind(act.at, phone, "700")]
        self.leave(act.at, self.caller, self.near, also=before)
        self.enter(act.at, self.caller, PARKING)
        self.is_parked = True
        self.parker, self.person, self.legs = phone, None, {}

    def lets_go(self, act: a.LetsGo) -> None:
        assert self.parker is not None
        if act.hangs_up:
            self.request(act.at, self.parker)
        self.leave(act.at, self.parker, self.near)
        self.gone(act.at, self.parker)

    def retrieves(self, act: a.Retrieves) -> None:
        phone = self.phone(act.at - 0.5, act.phone)
        phone.state, phone.exten = "4", "701"
        self.served.add(phone.uniqueid)
        self.born(act.at - 0.5, phone, shows=((phone.uniqueid, {"dialled": "701"}),))
        self.state(act.at - 0.5, phone, "6", shows=((phone.uniqueid, {"answered": act.at - 0.5}),))
        headers = self.caller.headers("Parkee") | phone.headers("Retriever") | {"ParkingSpace": "701"}
        self.is_parked = False
        self.wire.say(act.at, "UnParkedCall", headers, self.caller, phone)
        self.leave(act.at, self.caller, PARKING)
        self.near = self.wire.bridge()
        entered = self.enter(act.at, self.caller, self.near)
        self.enter(act.at, phone, self.near, also=[entered])
        self.person = ModelLeg(phone, None, 0, 0)

    def parking_over(self, act: a.ParkingOver) -> None:
        self.is_parked = False
        self.leave(act.at, self.caller, PARKING)
        self.wire.say(act.at, "ParkedCallTimeOut", self.caller.headers("Parkee"), self.caller)

    # Forwarding.

    def forwards(self, act: a.Forwards) -> None:
        at, leg = act.at, self.legs[act.phone]
        asked = self.request(at, leg.phone, "23")
        one, two = self.halves(at, act.to, "internal")
        self.local_bridge(at, one, two, self.caller)
        ended = self.dial(at, "DialEnd", self.caller, leg.phone, DialStatus="CANCEL", Forward=act.to, also=[asked])
        begun = self.dial(at, "DialBegin", self.caller, one, DialString=f"{act.to}@internal", also=[ended])
        self.gone(at, leg.phone, "23")
        del self.legs[act.phone]
        self.begun = [begun]
        self.legs[act.to] = self.behind(at, act.to, one, two, begun)


def _method(act: a.Act) -> str:
    return re.sub("(?<!^)(?=[A-Z])", "_", type(act).__name__).lower()


def play(wire: ModelWire, acts: Iterable[a.Act]) -> Handing:
    """All that the exchange says of one call."""
    call = Handing(wire)
    for act in acts:
        getattr(call, _method(act))(act)
    return call
