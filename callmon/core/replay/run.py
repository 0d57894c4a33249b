"""One day replayed by events under a rule, in one world. Pure.

A call follows its record as long as nothing that concerns it has changed: then its outcome is the one seen, to the
millisecond. It leaves the record where a phone is not there for it, or where it outlives what was seen. From then
on it is offered by the rule. A phone that the record shows occupied and the replay has free serves any caller.
"""

from __future__ import annotations

from heapq import heappop, heappush

import msgspec

from callmon.core.replay.record import VAIN, Outcome, Rule, SeenCall, SeenDay, Try, occupied, within
from callmon.core.replay.world import NEVER, PhoneState, World, milliseconds

# Of events at one moment, the order: a phone is free before it rings for the next caller.
FREE, PICKED_UP, LIMIT, STOPPED, ARRIVES, SEEN_TRY, THERE, READY = range(8)
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
    occupied: dict[int, tuple[list[int], list[int]]]
    tries: list[dict[tuple[int, int], Try]]
    order: dict[int, int]


def prepared(day: SeenDay) -> PreparedDay:
    events: list[Event] = []
    tries: list[dict[tuple[int, int], Try]] = []
    first = dict.fromkeys(day.phones, 0)
    for place, call in enumerate(day.calls):
        events.append((call.at, ARRIVES, place, 0))
        own: dict[tuple[int, int], Try] = {}
        for number, tried in enumerate(call.tries):
            events.append((call.at + tried.start, SEEN_TRY, place, number))
            attempt = sum(phone == tried.phone for phone, _ in own)
            own[tried.phone, attempt] = tried
            first.setdefault(tried.phone, 0)
        if call.tries:
            first[call.tries[0].phone] += 1
        tries.append(own)
    events += [(begin, THERE, phone, 0) for phone, spans in day.phones.items() for begin, _ in spans]
    order = {phone: place for place, phone in enumerate(sorted(first, key=lambda phone: (-first[phone], phone)))}
    return PreparedDay(day, sorted(events), occupied(day), tries, order)


class _Waiting:
    """A caller who waits, and the phones that ring for them."""

    __slots__ = ("alone", "attempts", "deadline", "place", "ready", "ringing", "seen")

    def __init__(self, place: int, seen: SeenCall) -> None:
        self.place, self.seen = place, seen
        self.ringing: dict[int, tuple[int, int, int, Try | None]] = {}  # number, begin, attempt, in the record
        self.attempts: dict[int, int] = {}
        self.alone = False  # has left the record
        self.ready = self.deadline = 0


class _Replay:
    def __init__(self, day: PreparedDay, own: Rule, rule: Rule, world: World) -> None:
        self.day = day
        self.own = own
        self.rule = rule
        self.world = world
        self.heap: list[Event] = []
        self.waiting: dict[int, _Waiting] = {}
        self.results: list[Replayed] = [Replayed("unknown", 0, None)] * len(day.day.calls)
        self.order = dict(day.order)
        self.phones = dict(day.day.phones)
        self.absent: dict[int, tuple[int, int]] = {}
        self.held = dict.fromkeys(self.order, 0)
        self.strayed = dict.fromkeys(self.order, 0)  # of what holds a phone, how much the record does not have
        self.rings: dict[int, tuple[int, _Waiting]] = {}  # by number of the try: its phone and caller
        self.states = {phone: PhoneState() for phone in self.order}
        self.rang = dict.fromkeys(self.order, -NEVER)
        self.tries = 0
        self.differs = bool(rule.added)  # whether a phone may be free that the record has occupied
        # Whether calls are offered as the record has it until something happens to them.
        self.as_seen = not rule.fresh and (own.strategy, own.ring) == (rule.strategy, rule.ring)
        for number, (change, span) in enumerate(rule.added):
            self._change_phones(number, change, span)

    def _change_phones(self, number: int, change: int, span: tuple[int, int]) -> None:
        there = [
            phone for phone, spans in self.phones.items() if any(b < span[1] and span[0] < e for b, e in spans)
        ]
        for n in range(max(0, change)):
            phone = ADDED * (number + 1) + n
            self.order[phone] = len(self.order)
            self.held[phone] = self.strayed[phone] = 0
            self.states[phone], self.rang[phone] = PhoneState(), -NEVER
            self.phones[phone] = (span,)
            heappush(self.heap, (span[0], THERE, phone, 0))
        there.sort(key=self.order.__getitem__, reverse=True)  # those that ring last go: most calls stay as seen
        self.absent |= dict.fromkeys(there[: max(0, -change)], span)

    def run(self) -> list[Replayed]:
        heap, events = self.heap, self.day.events
        place, count = 0, len(events)
        actions = (
            self._free, self._picked_up, self._limit, self._stopped,
            self._arrives, self._seen_try, self._there, self._ready,
        )  # fmt: skip
        while place < count or heap:
            if place < count and (not heap or events[place] <= heap[0]):
                at, kind, one, other = events[place]
                place += 1
            else:
                at, kind, one, other = heappop(heap)
            actions[kind](at, one, other)
        return self.results

    # What happens to a caller.

    def _arrives(self, at: int, place: int, _: int) -> None:
        seen = self.day.day.calls[place]
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
                self.strayed[phone] += 1
                call.ringing[phone] = (number, begin, attempt, None)
                self._let_ring(call, phone, number, begin, attempt, at)
        self._seek(call, at)

    def _end(self, call: _Waiting, at: int, outcome: Outcome, phone: int | None = None) -> None:
        self.results[call.place] = Replayed(outcome, at - call.seen.at, phone)
        del self.waiting[call.place]
        for other in list(call.ringing):
            self._release(call, other, at, took=other == phone)

    def _ready(self, at: int, place: int, _: int) -> None:
        call = self.waiting.get(place)
        if call is not None and call.ready == at:
            self._seek(call, at)

    def _seek(self, call: _Waiting, at: int) -> None:
        """The next phone by the rule, or all that are free; in the record, of those that it has occupied."""
        if at < call.ready or not call.seen.counted:
            return
        free = [
            phone for phone in self.order if self._is_free(phone, at) and (call.alone or self._is_extra(phone, at))
        ]
        if self.rule.strategy == "ringall":
            for phone in free:
                self._ring(call, phone, at, None)
        elif free and not call.ringing:
            last = self.rang if self.rule.rotates else self.order
            self._ring(call, min(free, key=lambda p: (call.attempts.get(p, 0), last[p], p)), at, None)

    # What happens to a phone.

    def _is_extra(self, phone: int, at: int) -> bool:
        return phone >= ADDED or within(self.day.occupied.get(phone, ([], [])), at)

    def _is_free(self, phone: int, at: int) -> bool:
        if self.held[phone]:
            return False
        span = self.absent.get(phone)
        if span is not None and span[0] <= at < span[1]:
            return False
        return any(begin <= at < end for begin, end in self.phones.get(phone, ()))

    def _seen_try(self, at: int, place: int, number: int) -> None:
        """The record has a phone ring for this caller now."""
        call, tried = self.waiting.get(place), self.day.day.calls[place].tries[number]
        phone = tried.phone
        if call is not None and not call.alone:
            span = self.absent.get(phone)
            if not self.strayed[phone] and (span is None or not span[0] <= at < span[1]):
                self._ring(call, phone, at, tried)
                return
            call.alone = True
            self._seek(call, at)
        self.differs = True
        self._offer(phone, at, extra=True)

    def _ring(self, call: _Waiting, phone: int, at: int, seen: Try | None) -> None:
        attempt = call.attempts.get(phone, 0)
        self.tries += 1
        self.held[phone] += 1
        self.rang[phone] = at
        call.attempts[phone] = attempt + 1
        call.ringing[phone] = (self.tries, at, attempt, seen)
        self.rings[self.tries] = (phone, call)
        if seen is None:
            call.alone = self.differs = True
            self.strayed[phone] += 1
            self._let_ring(call, phone, self.tries, at, attempt, at)
        elif self.rule.pickup != 1.0 and call.seen.counted:
            self._let_ring(call, phone, self.tries, at, attempt, at)
        elif seen.took:
            heappush(self.heap, (at + seen.length, PICKED_UP, self.tries, 0))
        elif seen.start + seen.length < call.seen.wait:
            heappush(self.heap, (at + seen.length, STOPPED, self.tries, 0))

    def _let_ring(self, call: _Waiting, phone: int, number: int, begin: int, attempt: int, now: int) -> None:
        """Draw when the phone is picked up; it stops ringing at the limit."""
        seen = self.day.tries[call.place].get((phone, attempt))
        stratum = self.states[phone].stratum(begin)
        needed = self.world.pickup_of(call.seen.key, phone, attempt, seen, stratum)
        if call.seen.counted:
            needed *= self.rule.pickup
        limit = NEVER if self.rule.ring is None else max(self.rule.ring, now - begin)
        if seen is not None and not call.alone and not seen.took and seen.start + seen.length < call.seen.wait:
            limit = seen.length
        if needed <= limit and needed < NEVER:
            heappush(self.heap, (max(begin + int(needed), now), PICKED_UP, number, 0))
        elif limit < NEVER:
            heappush(self.heap, (begin + limit, STOPPED, number, 0))

    def _picked_up(self, at: int, number: int, _: int) -> None:
        phone, call = self.rings.get(number, (0, None))
        if call is None:
            return
        self.held[phone] += 1  # the talk
        strayed = call.alone or call.seen.outcome != "answered" or at != call.seen.at + call.seen.wait
        self.strayed[phone] += strayed
        self.differs |= strayed
        heappush(self.heap, (at + self.world.talk_of(call.seen), FREE, phone, int(strayed)))
        self._end(call, at, "answered", phone)

    def _stopped(self, at: int, number: int, _: int) -> None:
        phone, call = self.rings.get(number, (0, None))
        if call is None:
            return
        if call.alone or self.differs:
            self._ready_after(call, at + self.rule.gap)
        self._release(call, phone, at)

    def _release(self, call: _Waiting, phone: int, at: int, took: bool = False) -> None:
        number, begin, _, seen = call.ringing.pop(phone)
        del self.rings[number]
        self.held[phone] -= 1
        self.strayed[phone] -= seen is None
        state = self.states[phone]
        if took:
            state.vain = -NEVER
        elif at - begin >= VAIN:
            state.vain = at
        if not self.held[phone]:
            self._offer(phone, at)

    def _free(self, at: int, phone: int, strayed: int) -> None:
        self.held[phone] -= 1
        self.strayed[phone] -= strayed
        self.states[phone].ended = at
        self._offer(phone, at)

    def _there(self, at: int, phone: int, _: int) -> None:
        self._offer(phone, at)

    def _offer(self, phone: int, at: int, extra: bool = False) -> None:
        """A free phone goes to the caller who waits longest of those whom it may serve."""
        if not self.waiting or not self._is_free(phone, at):
            return
        extra = extra or self._is_extra(phone, at)
        for call in self.waiting.values():
            if not call.seen.counted or not (call.alone or extra) or at < call.ready:
                continue
            if not call.ringing or self.rule.strategy == "ringall":
                self._ring(call, phone, at, None)
                return


def replayed(day: PreparedDay, own: Rule, rule: Rule, world: World) -> list[Replayed]:
    """What becomes of each call of the day, in their order."""
    return _Replay(day, own, rule, world).run()
