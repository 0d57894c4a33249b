"""The phones and trunks of one exchange: the state of each, and which belong to a line. Pure: no I/O, no clock.

    DeviceStateList, DeviceStateChange ─▶ free · ringing · in_use · unreachable ─▶ counts a line or service

A line's phones are those of its `extensions` in the configuration, else those that were dialled for its callers in
the last thirty days. A phone without a received state is in no count. After a gap that is every phone, until the
next listing. A phone that rang twice while reported as free is in no count either: chan_sip without `callcounter`
reports NOT_INUSE at every ring and every answer (measured on 16). Queue:, MWI:, Custom:, park: and Local/ devices
are no phones.

Refuses: to publish the state of a single phone. Only counts leave this module's callers.
"""

from collections.abc import Callable, Container, Hashable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from callmon.ami.events import Registry, Stamp, stamp_time
from callmon.config.lines import Line
from callmon.core.calls.endpoints import extension, is_local

State = Literal["free", "ringing", "in_use", "unreachable"]
Counted = Literal["free", "in_use", "unreachable"]

_STATES: dict[str, State] = {
    "NOT_INUSE": "free",
    "RINGING": "ringing",
    "INUSE": "in_use",
    "RINGINUSE": "in_use",
    "ONHOLD": "in_use",
    "BUSY": "in_use",
    "UNAVAILABLE": "unreachable",
    "INVALID": "unreachable",
}
# A person whose phone was not dialled for so long has moved to another desk.
FORGOTTEN_AFTER = timedelta(days=30)
MAX_PHONES = 20_000
MAX_LEARNED = 1_000  # of one line
LOST = frozenset(("Unregistered", "Rejected", "Failed", "Timeout", "Stopped", "No Authentication"))
MAX_REGISTRATIONS = 1_000
MAX_TRUNKS = 100  # per line


K = TypeVar("K", bound=Hashable)


def is_phone(device: str) -> bool:
    """`PJSIP/101` is one; `Queue:general_avail`, `MWI:500@default`, `Custom:DND`, `Local/1@x` are none."""
    technology, slash, _ = device.partition("/")
    return bool(slash) and ":" not in technology and not is_local(device)


class Registrations:
    """The exchange's own registrations with carriers: without any, no call of theirs comes in.

    No device shows them, and no listing that callmon may request. But each is reported again at every renewal, so
    what was received before a gap stands. A call that comes in proves that calls can, whatever was reported.
    """

    def __init__(self) -> None:
        self._lost: dict[tuple[str, ...], datetime | None] = {}  # since when
        self._well: set[tuple[str, ...]] = set()
        self.call_came = False  # a call came in over a trunk
        self.turned: datetime | None = None  # when one was last lost, or restored

    def record_registry(self, event: Registry) -> None:
        """Registry. An intermediate state (a request was sent) says nothing."""
        key = event.technology, event.username, event.domain
        if event.status == "Registered":
            if self._lost.pop(key, None) is not None or not self._well:
                self.turned = event.at
            if len(self._well) < MAX_REGISTRATIONS:
                self._well.add(key)
        elif event.status in LOST and key in self._well:
            self._well.discard(key)
            self._lost[key] = self.turned = event.at
            self.call_came = False

    def are_lost(self) -> bool | None:
        """Whether every registration that once stood is lost, and no call came since; None when none is known."""
        if self.call_came or self._well:
            return False
        return True if self._lost else None


class Phones:
    """The known states of the phones of one exchange."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        self._named: dict[str, set[str]] = {}  # extension → endpoints
        self._dialled: dict[str, dict[str, datetime | None]] = {}  # line → endpoint → when it was last dialled
        self._rang: set[str] = set()  # rang, and was not reported ringing or in use since
        self._mute: set[str] = set()  # its states are not reported
        self._turned: dict[str, Stamp] = {}  # when it became unreachable, or reachable again
        self.registrations = Registrations()  # of the exchange itself, with its carriers

    def record_state(self, device: str, state: str, stamp: Stamp = None) -> bool:
        """Record a device's state; return whether it changes the known state of a phone."""
        stands, before = _STATES.get(state), self._states.get(device)
        if stands == before:
            return False
        if before is None and not self._is_new_phone(device):
            return False
        if before == "unreachable" or stands == "unreachable":
            self._turned[device] = stamp
        if stands is None:
            del self._states[device]
            return True
        self._states[device] = stands
        if stands != "free" and stands != "unreachable":
            self._rang.discard(device)
            self._mute.discard(device)
        return True

    def _is_new_phone(self, device: str) -> bool:
        if not is_phone(device) or len(self._states) >= MAX_PHONES:
            return False
        self._named.setdefault(extension(device), set()).add(device)
        return True

    def forget_states(self) -> None:
        """A gap begins: the states of phones are not known until the next listing."""
        self._states.clear()
        self._named.clear()
        self._rang.clear()
        self._turned.clear()

    def like(self, is_one: Callable[[str], bool]) -> tuple[str, ...]:
        """The devices with a known state whose name satisfies `is_one`."""
        return tuple(device for device in self._states if is_one(device))

    def turned(self, device: str) -> datetime | None:
        """When a device was last reported unreachable, or reachable again; None without such a report."""
        return stamp_time(self._turned.get(device))

    def rings(self, phone: str) -> None:
        """A phone rings for a caller: its state must change, or else its states are not reported at all."""
        if self._states.get(phone) != "free":
            return
        if phone in self._rang:
            self._mute.add(phone)
        elif len(self._rang) < MAX_PHONES:
            self._rang.add(phone)

    def phone_state(self, phone: str) -> State | None:
        """The state of a phone; None when it is not known."""
        return None if phone in self._mute else self._states.get(phone)

    def states(self, line: Line, but: Container[str]) -> set[State | None]:
        """The states of a line's phones, except those in `but`; None for a phone whose state is not known."""
        known: Callable[[str], State | None] = self.phone_state if self._mute else self._states.get
        return {known(phone) for phone in self.phones_of(line) if phone not in but}

    def learn(self, line: str, phone: str, at: datetime | None) -> None:
        """The phone was dialled for a caller of this line."""
        known = self._dialled.get(line)
        if known is None:
            known = self._dialled[line] = {}
        if phone in known or len(known) < MAX_LEARNED:
            known[phone] = at

    def phones_of(self, line: Line) -> Iterable[str]:
        """A line's phones, as far as known. A configured one without any received event has no known state."""
        if not line.extensions:
            return self._dialled.get(line.name, ())
        return {phone for name in line.extensions for phone in self._named.get(name, (name,))}

    def is_of(self, line: Line, phone: str) -> bool:
        if not line.extensions:
            return phone in self._dialled.get(line.name, ())
        return phone in line.extensions or extension(phone) in line.extensions

    def counts(self, lines: Iterable[Line], now: datetime | None) -> dict[Counted, int]:
        """How many phones of the lines are free, in use (or ringing) and unreachable. Each counts once."""
        own: set[str] = set()
        for line in lines:
            self._forget(line.name, now)
            own.update(self.phones_of(line))
        counts: dict[Counted, int] = {}
        for phone in own:
            state = self.phone_state(phone)
            if state is not None:
                counted: Counted = "in_use" if state == "ringing" else state
                counts[counted] = counts.get(counted, 0) + 1
        return counts

    def _forget(self, line: str, now: datetime | None) -> None:
        known = self._dialled.get(line)
        if known and now is not None:
            stale = [phone for phone, at in known.items() if at is not None and now - at > FORGOTTEN_AFTER]
            for phone in stale:
                del known[phone]


def counted(
    exchanges: Iterable[tuple[Phones, Iterable[Line], datetime | None]], group: Callable[[Line], K]
) -> dict[tuple[K, str], int]:
    """Phones by group of lines and state: one that serves several lines of a group counts once."""
    counts: dict[tuple[K, str], int] = {}
    for phones, lines, now in exchanges:
        groups: dict[K, list[Line]] = {}
        for line in lines:
            groups.setdefault(group(line), []).append(line)
        for key, own in groups.items():
            for state, count in phones.counts(own, now).items():
                counts[key, state] = counts.get((key, state), 0) + count
    return counts


class Trunks:
    """The trunks of each line's inbound calls, and whether their states can be trusted.

    A trunk counts as down only if it was known to be up. Many carriers never answer OPTIONS; such a trunk is
    UNAVAILABLE all day while calls come in over it. A trunk that brings a call while it is reported unreachable is
    not trusted until it is reported free. While a call is up on it, a trunk is in use, whatever else is true.
    """

    def __init__(self) -> None:
        self._of: dict[str, dict[str, datetime | None]] = {}  # line → trunk → when it last brought a call
        self._well: set[str] = set()
        self._idle: dict[str, State] = {}  # trunk → its last reported state while no call was up

    def learn(self, line: str, trunk: str, at: datetime | None, state: State | None = None) -> None:
        """Record a call for this line over this trunk. `state`: the trunk's reported state at that moment."""
        known = self._of.setdefault(line, {})
        if trunk in known or len(known) < MAX_TRUNKS:
            known[trunk] = at
        if state == "unreachable" or self._idle.get(trunk) == "unreachable":
            self._well.discard(trunk)

    def lines_with_calls(self) -> frozenset[str]:
        return frozenset(self._of)

    def trunks_of(self, line: str, now: datetime | None) -> frozenset[str]:
        """The trunks of the line's inbound calls within thirty days."""
        known = self._of.get(line, {})
        return frozenset(
            trunk for trunk, at in known.items() if at is None or now is None or now - at <= FORGOTTEN_AFTER
        )

    def record_states(self, states: Mapping[str, State | None]) -> None:
        for trunk, state in states.items():
            if state == "free":
                self._well.add(trunk)
            if state == "free" or state == "unreachable":
                self._idle[trunk] = state

    def were_down(self, trunks: Iterable[str]) -> None:
        """Trust the trunks of a disruption that was open before callmon restarted."""
        self._well |= {trunk for trunk in trunks if trunk not in self._idle}

    def are_down(self, trunks: Iterable[str], states: Mapping[str, State | None]) -> bool | None:
        """Whether no call can come in over any of these trunks; None when too little is known."""
        reported = [(states.get(trunk), trunk in self._well) for trunk in trunks]
        if any(state is not None and state != "unreachable" for state, _ in reported):
            return False
        if not reported or any(state is None for state, _ in reported):
            return None
        return all(is_believed for _, is_believed in reported)
