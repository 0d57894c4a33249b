"""Click-to-dial in a listing of channels: which entries are one call, and which number it calls. Pure.

`listing` treats entries whose Linkedid is the caller's Uniqueid as legs of that call. The channels of an Originate
have the Linkedid of its first channel, which may be a Local one, or gone. This module rewrites such entries: the
agent's phone becomes the caller, and the number outside becomes the number dialled.

Refuses: an agent's phone that is not picked up, or that was created after the channel outside (the person was rung
first); and a number that neither the channel outside nor a Local channel's name has.
"""

from collections.abc import Iterable, Mapping

import msgspec

from callmon.ami import events as e
from callmon.ami.events import UP
from callmon.core.calls.channels import Origination, TrackedChannel, pair_halves
from callmon.core.calls.endpoints import extension, is_local, is_number
from callmon.core.calls.state import TrackerState

_changed = msgspec.structs.replace


def in_form(state: TrackerState, listed: Mapping[str, e.Status]) -> dict[str, e.Status]:
    """Return the listing with the entries of each Originate rewritten."""
    _forget_callless(state)
    groups: dict[str, list[e.Status]] = {}
    for entry in listed.values():
        groups.setdefault(entry.linkedid, []).append(entry)
    rewritten = dict(listed)
    for root, entries in groups.items():
        if root not in state.calls:
            rewritten.update((entry.uniqueid, entry) for entry in _of_one(state, root, entries))
    return rewritten


def _forget_callless(state: TrackerState) -> None:
    """Forget the Originates without a call: the listing rebuilds them."""
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
    known = [entry for entry in entries if entry.uniqueid in state.calls]
    first = next((entry for entry in entries if entry.uniqueid == root), None)
    if len(known) == 1:
        origination = _origination(state, root, entries)
        origination.is_up, origination.phone, origination.call = True, known[0].uniqueid, known[0].uniqueid
        return [_changed(entry, linkedid=known[0].uniqueid) for entry in entries]
    if known or first is None or not _may_be_originated(state, first):
        return []
    origination = _origination(state, root, entries)
    origination.is_up = first.state == UP
    agents = [x for x in entries if not is_local(x.channel) and not _is_outside(state, x)]
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


def _may_be_originated(state: TrackerState, first: e.Status) -> bool:
    """Whether the first channel is a Local one, or an agent's phone that dialled nothing."""
    if is_local(first.channel):
        return first.channel.endswith(";1")
    return not first.dialled and not _is_outside(state, first)


def _origination(state: TrackerState, root: str, entries: Iterable[e.Status]) -> Origination:
    origination = Origination(root, {entry.uniqueid for entry in entries})
    for uniqueid in origination.channels | {root}:
        state.originations[uniqueid] = origination
    return origination


def _number(state: TrackerState, phone: e.Status, entries: Iterable[e.Status]) -> str | None:
    """The number called: the caller id of the channel outside, else from the name of a Local channel."""
    far = [entry for entry in entries if _is_outside(state, entry) and _age(phone) < _age(entry)]
    names = (extension(x.channel).partition("@")[0] for x in entries if is_local(x.channel))
    numbers = [*(entry.caller for entry in far), *names]
    return next((number for number in numbers if is_number(number)), None) if far else None


def _is_outside(state: TrackerState, entry: e.Status) -> bool:
    return not is_local(entry.channel) and state.site.endpoints.is_outside_dialled(entry.channel, "")


def _age(entry: e.Status) -> tuple[int, ...]:
    """Sort key of `lab-1795529611.12`: the second of its creation, and the number of the channel."""
    return tuple(int(part) for part in entry.uniqueid.rpartition("-")[2].split(".") if part.isdecimal())


def _as_called(entry: e.Status, phone: e.Status, number: str) -> e.Status:
    """The entry as a leg of the phone's call, or as its caller."""
    if entry is not phone:
        return _changed(entry, linkedid=phone.uniqueid)
    own = extension(phone.channel) if is_number(phone.caller) else phone.caller
    return _changed(entry, linkedid=phone.uniqueid, dialled=number, caller=own)


def _follow(state: TrackerState, origination: Origination, first: e.Status, entries: Iterable[e.Status]) -> None:
    """Adopt the channels of an Originate that has dialled nothing for the agent's phone yet."""
    legs = []
    for entry in entries:
        leg = state.legs.get(entry.uniqueid) or TrackedChannel(entry.uniqueid, entry.channel)
        if leg.call is not None:
            continue
        leg.answered, leg.outside = entry.state == UP, _is_outside(state, entry)
        state.legs[entry.uniqueid] = leg
        if entry.bridge:
            state.bridges.enter(leg, entry.bridge)
        if entry is not first and not entry.channel.endswith(";2") and (entry.bridge or not origination.is_up):
            origination.agents.add(entry.uniqueid)
        legs.append(leg)
    pair_halves(legs)
    if not is_local(first.channel):
        state.unborn[first.uniqueid] = e.Newchannel(
            None, first.channel, "", first.caller, "", first.language, "", first.uniqueid, first.uniqueid
        )
