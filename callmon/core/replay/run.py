"""One day replayed by events under a rule, in one world. Pure.

A call follows its record as long as nothing that concerns it has changed: then its outcome is the one seen, to the
millisecond. It leaves the record where a phone is not there for it, or where it outlives what was seen. From then
on it is offered by the rule. A phone that the record shows occupied and the replay has free serves any caller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import chain

import msgspec

from callmon.core.replay.draws import GONE, PICKUP, keyed, uniform, uniform_of
from callmon.core.replay.record import VAIN, Joined, Outcome, Rule, SeenCall, SeenDay, Span, Try, occupied, within
from callmon.core.replay.world import NEVER, PhoneState, World, milliseconds

# Of events at one moment, the order: a phone is free before it rings for the next caller. What rings as a caller
# arrives, and takes the call at once, comes before the end of their wait.
FREE, PICKED_UP, STOPPED, ARRIVES, SEEN_TRY, LIMIT, THERE, READY = range(8)
ADDED = 1_000_000  # numbers of phones that the record does not have
Event = tuple[int, int, int, int]  # at, kind, call or phone, try


class Replayed(msgspec.Struct, frozen=True, gc=False):
    """What became of one call."""

    outcome: Outcome
    wait: int
    phone: int | None


class PreparedDay(msgspec.Struct, frozen=True):
    """A day with what all its replays share: its events in order, its phones' occupation, its tries by phone."""

    day: SeenDay
    events: list[Event]
    occupied: dict[int, Joined]
    tries: list[dict[tuple[int, int], Try]]
    order: dict[int, int]


def prepared(day: SeenDay) -> PreparedDay:
    events: list[Event] = []
    tries: list[dict[tuple[int, int], Try]] = []
    for place, call in enumerate(day.calls):
        events.append((call.at, ARRIVES, place, 0))
        own: dict[tuple[int, int], Try] = {}
        attempts = Counter[int]()
        for number, tried in enumerate(call.tries):
            events.append((call.at + tried.start, SEEN_TRY, place, number))
            own[tried.phone, attempts[tried.phone]] = tried
            attempts[tried.phone] += 1
        tries.append(own)
    events += [(begin, THERE, phone, 0) for phone, spans in day.phones.items() for begin, _ in spans]
    busy = occupied(day.calls)
    first = Counter(call.tries[0].phone for call in day.calls if call.tries)
    phones = sorted(day.phones.keys() | busy.keys(), key=lambda phone: (-first[phone], phone))
    return PreparedDay(day, sorted(events), busy, tries, {phone: place for place, phone in enumerate(phones)})


class _Phone(PhoneState, kw_only=True):
    """A phone, when it is there, and how many calls hold it."""

    number: int
    there: tuple[Span, ...] = ()
    absent: Span = (0, 0)
    speaks: bool = False  # the language asked about
    held: int = 0
    strayed: int = 0  # of what holds it, how much the record does not have

    def is_free(self, at: int) -> bool:
        if self.held or self.absent[0] <= at < self.absent[1]:
            return False
        for begin, end in self.there:  # noqa: SIM110 (a generator takes three times as long)
            if begin <= at < end:
                return True
        return False


class _Waiting(msgspec.Struct):
    """A caller who waits, and the phones that ring for them."""

    place: int
    seen: SeenCall
    ringing: dict[int, tuple[int, int, int, Try | None]] = {}  # number, begin, attempt, in the record
    attempts: dict[int, int] = {}
    alone: bool = False  # has left the record
    ready: int = 0
    deadline: int = 0
    chances: dict[tuple[int, int], float] = {}  # by begin and stratum, the greatest of phones that ring
    keyed: int = 0  # of its draws, the part that all phones share
    picked_up: int = NEVER  # the first drawn pick-up of the phones that ring: later ones have no effect


class _Replay:
    def __init__(self, day: PreparedDay, own: Rule, rule: Rule, world: World) -> None:
        self.day = day
        self.own = own
        self.rule = rule
        self.world = world
        self.heap = list(day.events)  # what is sorted is a heap
        self.waiting: dict[int, _Waiting] = {}
        self.results: list[Replayed] = [Replayed("unknown", 0, None)] * len(day.day.calls)
        self.phones = {
            number: _Phone(number=number, there=day.day.phones.get(number, ()), speaks=number in day.day.speaking)
            for number in day.order
        }
        self.rings: dict[int, tuple[_Phone, _Waiting]] = {}  # by number of the try: its phone and caller
        # The order in which phones ring: fixed, or the one that rang longest ago first.
        self.order = dict.fromkeys(sorted(day.order), -NEVER) if rule.rotates else dict(day.order)
        self.tries = 0
        added = rule.added if day.day.is_on(rule.weekday) else None
        self.differs = added is not None  # whether a phone may be free that the record has occupied
        # Whether calls are offered as the record has it until something happens to them.
        self.as_seen = not rule.fresh and (own.strategy, own.ring) == (rule.strategy, rule.ring)
        if added is not None:
            self._change_phones(*added)

    def _change_phones(self, change: int, span: Span) -> None:
        there = [
            phone
            for phone in self.phones.values()
            if (phone.speaks or not self.rule.speaking)
            and any(b < span[1] and span[0] < e for b, e in phone.there)
        ]
        if change < 0:  # each alike: in every world others go, the same on all days
            there.sort(key=lambda phone: uniform(self.world.salt, GONE, phone.number))
        for phone in there[:-change] if change < 0 else ():
            phone.absent = span
        for added in range(ADDED, ADDED + change):
            self.phones[added] = _Phone(number=added, there=(span,), speaks=self.rule.speaking)
            self.order[added] = -NEVER if self.rule.rotates else len(self.order)
            heappush(self.heap, (span[0], THERE, added, 0))

    def run(self) -> list[Replayed]:
        actions = (
            self._free, self._picked_up, self._stopped, self._arrives,
            self._seen_try, self._limit, self._offer, self._ready,
        )  # fmt: skip
        while self.heap:
            at, kind, one, other = heappop(self.heap)
            actions[kind](at, one, other)
        return self.results

    # What happens to a caller.

    def _arrives(self, at: int, place: int, _: int) -> None:
        seen, hours = self.day.day.calls[place], self.rule.hours
        if hours is not None and seen.counted and not hours[0] <= at < hours[1]:
            return
        call = self.waiting[place] = _Waiting(place, seen)
        call.deadline = self._voicemail_at(seen)
        heappush(self.heap, (at + min(seen.wait, call.deadline), LIMIT, place, 0))
        if seen.counted and not self.as_seen:
            call.alone = True
        if call.alone or self.differs:
            self._ready_after(call, at + self.rule.lead)

    def _ready_after(self, call: _Waiting, at: int) -> None:
        call.ready = at
        heappush(self.heap, (at, READY, call.place, 0))

    def _voicemail_at(self, seen: SeenCall) -> int:
        """When voicemail takes the call under the rule, in ms of its wait."""
        own, new = self.own.voicemail, self.rule.voicemail
        taken = seen.outcome == "voicemail"
        if new is None or not seen.counted:
            return seen.wait if taken and (new == own or not seen.counted) else NEVER
        if own is None:
            return new
        if taken and seen.wait < own - 6000:  # nothing rang: another number of rings changes nothing
            return seen.wait
        return (seen.wait if taken else max(own, seen.wait + 1)) + new - own

    def _limit(self, at: int, place: int, _: int) -> None:
        """The caller has waited as long as was seen, as voicemail lets them, or as their patience lasts."""
        call = self.waiting.get(place)
        if call is None:
            return
        waited, seen = at - call.seen.at, call.seen
        if waited >= call.deadline:
            self._end(call, at, "voicemail")
        elif seen.outcome in ("abandoned", "unknown") or waited > seen.wait:
            self._end(call, at, "unknown" if seen.outcome == "unknown" else "abandoned")
        else:
            patience = milliseconds(self.world.patience_of(seen))
            last = min(max(patience, waited + 1), call.deadline)
            if last < NEVER:
                heappush(self.heap, (seen.at + last, LIMIT, place, 0))
            self._outlives(call, at)

    def _outlives(self, call: _Waiting, at: int) -> None:
        """The record ends here, and the caller still waits: what rings goes on ringing."""
        call.alone = True
        for phone, (number, begin, attempt, seen) in list(call.ringing.items()):
            if seen is not None:
                self.phones[phone].strayed += 1
                call.ringing[phone] = (number, begin, attempt, None)
                self._let_ring(call, self.phones[phone], number, begin, attempt, at)
        self._seek(call, at)

    def _end(self, call: _Waiting, at: int, outcome: Outcome, phone: int | None = None) -> None:
        self.results[call.place] = Replayed(outcome, at - call.seen.at, phone)
        del self.waiting[call.place]
        for other in list(call.ringing):
            self._release(call, self.phones[other], at, took=other == phone)

    def _ready(self, at: int, place: int, _: int) -> None:
        call = self.waiting.get(place)
        if call is not None and call.ready == at:
            self._seek(call, at)

    def _seek(self, call: _Waiting, at: int) -> None:
        """The next phone by the rule, or all that are free; in the record, of those that it has occupied."""
        if at < call.ready or not call.seen.counted:
            return
        if self.rule.strategy == "ringall":
            for phone in list(self._free_for(call, self.phones, at)):
                self._ring(call, phone, at, None)
        elif not call.ringing:
            tried = call.attempts
            new = (phone for phone in self.order if phone not in tried)
            again = sorted(tried, key=lambda phone: (tried[phone], self.order[phone], phone))
            for phone in self._free_for(call, chain(new, again), at):
                self._ring(call, phone, at, None)
                return

    # What happens to a phone.

    def _free_for(self, call: _Waiting, numbers: Iterable[int], at: int) -> Iterator[_Phone]:
        """The phones that may ring for the caller, in the given order."""
        for phone in map(self.phones.__getitem__, numbers):
            if phone.is_free(at) and (call.alone or self._is_extra(phone, at)) and self._rings_for(call, phone):
                yield phone

    def _rings_for(self, call: _Waiting, phone: _Phone) -> bool:
        """Whether such phones ring for callers of this language, as far as the record shows."""
        return (call.seen.language, phone.speaks) not in self.rule.apart

    def _is_extra(self, phone: _Phone, at: int) -> bool:
        return phone.number >= ADDED or within(self.day.occupied.get(phone.number, ([], [])), at)

    def _seen_try(self, at: int, place: int, number: int) -> None:
        """The record has a phone ring for this caller now."""
        call, tried = self.waiting.get(place), self.day.day.calls[place].tries[number]
        phone = self.phones[tried.phone]
        if call is not None and not call.alone:
            is_there = not phone.strayed and not phone.absent[0] <= at < phone.absent[1]
            again = self.differs and phone.number in call.attempts
            if is_there and not (again and self._comes_later(call, phone, at)):
                self._ring(call, phone, at, tried)
                return
            call.alone = True
            self._seek(call, at)
        self.differs = True
        self._offer(at, phone.number, extra=1)

    def _comes_later(self, call: _Waiting, phone: _Phone, at: int) -> bool:
        """Whether, before a phone rings again for the caller, one that rang less often for them is free."""
        rung = call.attempts[phone.number] if self.rule.strategy == "hunt" else 0
        return any(call.attempts.get(other.number, 0) < rung for other in self._free_for(call, self.phones, at))

    def _ring(self, call: _Waiting, phone: _Phone, at: int, seen: Try | None) -> None:
        number = phone.number
        attempt = call.attempts.get(number, 0)
        self.tries += 1
        phone.held += 1
        if self.rule.rotates:
            del self.order[number]
            self.order[number] = at
        call.attempts[number] = attempt + 1
        call.ringing[number] = (self.tries, at, attempt, seen)
        if seen is None:
            call.alone = self.differs = True
            phone.strayed += 1
        if seen is None or (self.rule.pickup != 1.0 and call.seen.counted):
            self._let_ring(call, phone, self.tries, at, attempt, at)
        elif seen.took:
            self._push(at + seen.length, PICKED_UP, self.tries, phone, call)
        elif seen.start + seen.length < call.seen.wait:
            self._push(at + seen.length, STOPPED, self.tries, phone, call)

    def _push(self, at: int, kind: int, number: int, phone: _Phone, call: _Waiting) -> None:
        self.rings[number] = (phone, call)
        heappush(self.heap, (at, kind, number, 0))

    def _let_ring(self, call: _Waiting, phone: _Phone, number: int, begin: int, attempt: int, now: int) -> None:
        """Draw when the phone is picked up; it stops ringing at the limit."""
        seen = self.day.tries[call.place].get((phone.number, attempt))
        call.keyed = call.keyed or keyed(self.world.salt, PICKUP, call.seen.key)
        stratum, chance = phone.stratum(begin), uniform_of(call.keyed, phone.number, attempt)
        if seen is None and self.rule.ring is None:
            # Of phones that begin to ring together, those that are picked up later have no effect.
            if chance < call.chances.get((begin, stratum), 0.0):
                return
            call.chances[begin, stratum] = chance
        needed = self.world.pickup_of(chance, seen, stratum)
        if call.seen.counted:
            needed *= self.rule.pickup
        limit = NEVER if self.rule.ring is None else max(self.rule.ring, now - begin)
        if seen is not None and not call.alone and not seen.took and seen.start + seen.length < call.seen.wait:
            limit = seen.length
        if needed <= limit and needed < NEVER:
            at = max(begin + int(needed), now)
            if at <= call.picked_up:
                call.picked_up = at
                self._push(at, PICKED_UP, number, phone, call)
        elif limit < NEVER:
            self._push(begin + limit, STOPPED, number, phone, call)

    def _picked_up(self, at: int, number: int, _: int) -> None:
        if number not in self.rings:
            return
        phone, call = self.rings[number]
        phone.held += 1  # the talk
        strayed = call.alone or call.seen.outcome != "answered" or at != call.seen.at + call.seen.wait
        phone.strayed += strayed
        self.differs |= strayed
        until = at + self.world.talk_of(call.seen) + self.rule.wrap_up
        heappush(self.heap, (until, FREE, phone.number, int(strayed)))
        self._end(call, at, "answered", phone.number)

    def _stopped(self, at: int, number: int, _: int) -> None:
        if number not in self.rings:
            return
        phone, call = self.rings[number]
        seeks = call.alone or self.differs
        if seeks:
            call.ready = NEVER  # the phone that stops goes to another caller; this one seeks the next phone
        self._release(call, phone, at)
        if seeks:
            self._ready_after(call, at + self.rule.gap)

    def _release(self, call: _Waiting, phone: _Phone, at: int, took: bool = False) -> None:
        number, begin, _, seen = call.ringing.pop(phone.number)
        self.rings.pop(number, None)
        phone.held -= 1
        phone.strayed -= seen is None
        if took:
            phone.vain = -NEVER
        elif at - begin >= VAIN:
            phone.vain = at
        if self.waiting:
            self._offer(at, phone.number)

    def _free(self, at: int, number: int, strayed: int) -> None:
        phone = self.phones[number]
        phone.held -= 1
        phone.strayed -= strayed
        phone.ended = at
        self._offer(at, number)

    def _offer(self, at: int, number: int, extra: int = 0) -> None:
        """A free phone goes to the caller who waits longest of those whom it may serve."""
        phone = self.phones[number]
        if not self.waiting or not phone.is_free(at):
            return
        is_extra = extra or self._is_extra(phone, at)
        for call in self.waiting.values():
            if not call.seen.counted or not (call.alone or is_extra) or at < call.ready:
                continue
            if (not call.ringing or self.rule.strategy == "ringall") and self._rings_for(call, phone):
                self._ring(call, phone, at, None)
                return


def replayed(day: PreparedDay, own: Rule, rule: Rule, world: World) -> list[Replayed]:
    """What becomes of each call of the day, in their order."""
    return _Replay(day, own, rule, world).run()
