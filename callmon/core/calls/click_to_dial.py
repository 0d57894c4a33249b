"""Click-to-dial: the exchange begins a call by Originate, rings an agent's phone, and dials for it. Pure.

    first channel, without a dial ───── a phone ────────────────────┐
                                     └─ Local channels ── a phone ──┴─ picked up ──▶ it dials ──▶ a call

The first channel is created Down; no channel dials it. Its answer is the agent's, not the other party's. All
channels of an Originate have the first one's Linkedid. The call begins when something is dialled for a phone that
was picked up. Its caller is that phone's channel, since Asterisk may optimise the Local channels away. An
Originate that dials nothing (a wake-up call, a conference) is no call.

The number is that of the last channel dialled, the one outside. The phone's `Exten` is `s`, and a Local channel's
extension is whatever the dialplan needs.

No click-to-dial: an Originate that rings the person outside first, since no event says which party calls; and one
that dials before a phone was picked up, since voicemail has answered the agent's side (`called_person.py`).

Refuses, in a listing: an agent's phone that is not picked up; a number that no caller id or Local name has.
"""

from collections.abc import Iterable, Mapping
from functools import partial

import msgspec

from callmon.ami import events as e
from callmon.ami.events import UP
from callmon.config.phone_numbers import e164
from callmon.core.calls import called_person
from callmon.core.calls.channels import Origination, TrackedCall, TrackedChannel, new_call, pair_halves
from callmon.core.calls.endpoints import extension, is_local, is_number, number_dialled
from callmon.core.calls.state import TrackerState


def born(state: TrackerState, leg: TrackedChannel, event: e.Newchannel) -> None:
    """Adopt a channel that belongs to no call: the first of an Originate, or a later one of it."""
    origination = state.originations.get(event.linkedid)
    if origination is None:
        if leg.uniqueid != event.linkedid or not is_local(leg.channel):
            return
        origination = Origination(leg.uniqueid, {leg.uniqueid})
    origination.channels.add(leg.uniqueid)
    state.originations[leg.uniqueid] = origination
    call = state.calls.get(origination.call) if origination.call is not None else None
    if call is not None:
        call.adopt_channel(leg)


def gone(state: TrackerState, uniqueid: str) -> None:
    origination = state.originations.get(uniqueid)
    if origination is None:
        return
    origination.channels.discard(uniqueid)
    if uniqueid != origination.root:
        del state.originations[uniqueid]
    if not origination.channels:
        state.originations.pop(origination.root, None)


def rings(state: TrackerState, leg: TrackedChannel, event: e.DialBegin) -> None:
    """A channel that belongs to no call is dialled; an Originate's first one has no dialling channel."""
    is_first = leg.uniqueid in state.unborn or state.profile.endpoints.is_outside_dialled(leg.channel, "")
    if not event.uniqueid and is_first:
        state.originations.setdefault(leg.uniqueid, Origination(leg.uniqueid, {leg.uniqueid}))
    if leg.is_phone and leg.uniqueid in state.originations:
        leg.outside = state.profile.endpoints.is_outside_dialled(leg.channel, event.dial_string)
        origination = state.originations[leg.uniqueid]
        call = called_person.begin(state, leg, event) if leg.outside else None
        if call is not None and origination.call is None:
            called_person.adopt_originated(state, call, origination)


def answered(state: TrackerState, source: TrackedChannel | None, leg: TrackedChannel) -> None:
    """A channel that belongs to no call was answered: the first one, or the phone behind it."""
    origination = state.originations.get(leg.uniqueid)
    if origination is None:
        return
    if leg.is_phone and (not origination.is_up or source is None or origination.reaches_agent(source)):
        origination.phone = leg.uniqueid
    origination.is_up = origination.is_up or leg.uniqueid == origination.root


def dial_begin(state: TrackerState, source: TrackedChannel, event: e.DialBegin) -> None:
    """A channel that belongs to no call dials: for the agent's phone, or on the way to it."""
    if source.uniqueid in state.unborn:  # it runs the dialplan: it was picked up
        begun = state.originations.setdefault(source.uniqueid, Origination(source.uniqueid, {source.uniqueid}))
        begun.is_up, begun.phone = True, source.uniqueid
    origination = state.originations.get(source.uniqueid)
    if origination is None:
        return
    if origination.reaches_agent(source):
        origination.agents.add(event.dest_uniqueid)
        return
    phone = state.legs.get(origination.phone) if origination.is_up and origination.phone is not None else None
    if phone is not None and phone.call is None:
        _begin(state, origination, phone, event)


def _begin(state: TrackerState, origination: Origination, phone: TrackedChannel, event: e.DialBegin) -> None:
    birth, own = state.unborn.pop(phone.uniqueid, None), extension(phone.channel)
    # An Originate may set the number outside as caller id, for the agent's display.
    caller = birth.caller if birth is not None and birth.caller.isdigit() and not is_number(birth.caller) else own
    if phone.outside or state.profile.endpoints.is_outside_caller(phone.channel, caller):
        return
    number = number_dialled(event.dest_channel, event.dial_string)
    begun = e.Newchannel(
        event.stamp, phone.channel, "", caller, "", event.language, "", number, phone.uniqueid, phone.uniqueid
    )
    call = state.calls[phone.uniqueid] = new_call(phone, begun, state.common(event.language))
    origination.call, call.clicked = call.id, True
    for leg in [state.legs[uniqueid] for uniqueid in sorted(origination.channels) if uniqueid in state.legs]:
        if leg.call is None:
            call.adopt_channel(leg)


def dials_outside(state: TrackerState, call: TrackedCall, event: e.DialBegin) -> None:
    """Set the number from the dial string of the channel outside, where the extension is no number.

    A Local channel of a click has only its own extension. A phone may have dialled a code (*69, a speed dial).
    """
    begun, number = call.begun, number_dialled(event.dest_channel, event.dial_string)
    if begun is None or not number.removeprefix("+").isdigit():
        return
    if call.clicked or _is_code(state, call, begun):
        call.begun = msgspec.structs.replace(begun, exten=number)


def _is_code(state: TrackerState, call: TrackedCall, begun: e.Newchannel) -> bool:
    """Whether a phone dialled something that is no number outside."""
    profile = state.profile
    if profile.endpoints.is_outside_caller(call.caller.channel, begun.caller):
        return False
    return e164(begun.exten, profile.region, profile.dial_prefixes) is None


# A listing.


def rewritten(state: TrackerState, listed: Mapping[str, e.Status]) -> dict[str, e.Status]:
    """The listing with the entries of each Originate rewritten: the agent's phone as the caller of one call.

    `listing` treats entries whose Linkedid is the caller's Uniqueid as legs of that call. The channels of an
    Originate have the Linkedid of its first channel, which may be a Local one, or gone.
    """
    _forget_callless(state)
    groups: dict[str, list[e.Status]] = {}
    for entry in listed.values():
        groups.setdefault(entry.linkedid, []).append(entry)
    found = dict(listed)
    for root, entries in groups.items():
        if root not in state.calls or (root not in listed and not state.calls[root].is_emitted):
            found.update((entry.uniqueid, entry) for entry in _of_one(state, root, entries))
    return found


def _forget_callless(state: TrackerState) -> None:
    for origination in [x for root, x in state.originations.items() if root == x.root and x.call is None]:
        for uniqueid in origination.channels | {origination.root}:
            state.originations.pop(uniqueid, None)
            _forget(state, uniqueid)


def _forget(state: TrackerState, uniqueid: str) -> None:
    leg = state.legs.get(uniqueid)
    if leg is not None and leg.call is None:
        state.bridges.leave(leg)
        del state.legs[uniqueid]
        state.unborn.pop(uniqueid, None)


def _of_one(state: TrackerState, root: str, entries: list[e.Status]) -> list[e.Status]:
    """The rewritten entries of one Linkedid that is no call's; empty if they need no rewriting."""
    known = [call.id for call in map(partial(_of_caller, state), entries) if call is not None]
    first = next((entry for entry in entries if entry.uniqueid == root), None)
    if len(known) == 1:
        origination = _origination(state, root, entries)
        origination.is_up = True
        origination.phone = known[0]
        origination.call = known[0]
        return [msgspec.structs.replace(entry, linkedid=known[0]) for entry in entries]
    if known:
        return []
    persons = _called_first(state, entries)
    for person in persons:
        called_person.found(state, person)
    if persons:
        _origination(state, root, entries).call = persons[0].uniqueid
        return [msgspec.structs.replace(entry, linkedid=persons[0].uniqueid) for entry in entries]
    if first is None or not _may_be_originated(state, first):
        return []
    origination = _origination(state, root, entries)
    origination.is_up = first.state == UP
    agents = [x for x in entries if not is_local(x.channel) and not called_person.is_outside(state, x)]
    picked_up = [entry for entry in agents if entry.state == UP]
    if len(picked_up) == 1:
        origination.phone = picked_up[0].uniqueid
        number = _number(state, picked_up[0], entries) if origination.is_up else None
        if number is not None:
            origination.call = origination.phone
            for entry in entries:
                _forget(state, entry.uniqueid)
            return [_as_called(entry, picked_up[0], number) for entry in entries]
    _follow(state, origination, first, entries)
    return []


def _of_caller(state: TrackerState, entry: e.Status) -> TrackedCall | None:
    """The call of which this channel is the caller."""
    leg = state.legs.get(entry.uniqueid)
    return leg.call if leg is not None and leg.call is not None and leg.call.caller is leg else None


def _called_first(state: TrackerState, entries: Iterable[e.Status]) -> list[e.Status]:
    """The persons outside whom the exchange called; empty if a phone was rung before them."""
    phones = [entry for entry in entries if not is_local(entry.channel)]
    outside = [x for x in phones if called_person.is_called(state, x)]
    ours = [x for x in phones if not called_person.is_called(state, x)]  # or a caller, for whom the person is rung
    outside.sort(key=_age)
    return outside if outside and all(_age(outside[0]) < _age(phone) for phone in ours) else []


def _may_be_originated(state: TrackerState, first: e.Status) -> bool:
    """Whether the first channel is a Local one, or an agent's phone that dialled nothing."""
    if is_local(first.channel):
        return first.channel.endswith(";1")
    return not first.dialled and not called_person.is_outside(state, first)


def _origination(state: TrackerState, root: str, entries: Iterable[e.Status]) -> Origination:
    origination = Origination(root, {entry.uniqueid for entry in entries})
    for uniqueid in origination.channels | {root}:
        state.originations[uniqueid] = origination
    return origination


def _number(state: TrackerState, phone: e.Status, entries: Iterable[e.Status]) -> str | None:
    """The number called: the caller id of the channel outside, else from the name of a Local channel."""
    far = [entry for entry in entries if called_person.is_outside(state, entry) and _age(phone) < _age(entry)]
    names = (extension(x.channel).partition("@")[0] for x in entries if is_local(x.channel))
    numbers = [*(entry.caller for entry in far), *names]
    return next((number for number in numbers if is_number(number)), None) if far else None


def _age(entry: e.Status) -> tuple[int, ...]:
    """Sort key of `lab-1795529611.12`: the second of its creation, and the number of the channel."""
    return tuple(int(part) for part in entry.uniqueid.rpartition("-")[2].split(".") if part.isdecimal())


def _as_called(entry: e.Status, phone: e.Status, number: str) -> e.Status:
    if entry is not phone:
        return msgspec.structs.replace(entry, linkedid=phone.uniqueid)
    own = extension(phone.channel) if is_number(phone.caller) else phone.caller
    return msgspec.structs.replace(entry, linkedid=phone.uniqueid, dialled=number, caller=own)


def _follow(state: TrackerState, origination: Origination, first: e.Status, entries: Iterable[e.Status]) -> None:
    """Adopt the channels of an Originate that has dialled nothing for the agent's phone yet."""
    legs = []
    for entry in entries:
        leg = state.legs.get(entry.uniqueid) or TrackedChannel(entry.uniqueid, entry.channel)
        if leg.call is not None:
            continue
        leg.answered, leg.outside = entry.state == UP, called_person.is_outside(state, entry)
        state.legs[entry.uniqueid] = leg
        if entry.bridge:
            state.bridges.enter(leg, entry.bridge)
        if entry is not first and not entry.channel.endswith(";2") and (entry.bridge or not origination.is_up):
            origination.agents.add(entry.uniqueid)
        legs.append(leg)
    pair_halves(legs)
    if not is_local(first.channel):
        state.unborn[first.uniqueid] = e.Newchannel(
            None, first.channel, "", first.caller, "", first.language, "", "", first.uniqueid, first.uniqueid
        )
