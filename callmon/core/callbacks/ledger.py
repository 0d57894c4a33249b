"""The ledger: obligations to call back are opened, attempted, paid or overdue. No I/O, no clock.

    inbound call's facts ──▶ inward ──┐                    ┌─▶ entries (append-only)
    outbound call's facts ─▶ outward ─┼─▶ obligations ─────┼─▶ the obligation as it stands
    time ──────────────────▶ tick ────┤   (obligation.py)  └─▶ findings
    a manual command ──────▶ apply ───┤   (commands.py)
    another pair's contact ▶ record ──┘   (contact.py)

Each entry is emitted with the obligation after it and with the resulting verdicts (`LedgerUpdate`). A verdict
*met* is given on payment, every other verdict once the due time has passed (see also `corrections`). A received
call wins over a manual entry: a callback answered before an obligation was closed manually pays it. Numbers are
matched by a token that `token` makes of them; the ledger stores no number.

Refuses: to guess. A call pays nothing unless the events show that the talk was long enough. Where a gap may hide a
callback, or its time is by a clock that is not trusted, *not met* becomes *unknown*.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from callmon.core import facts as f
from callmon.core.callbacks import entries as n
from callmon.core.callbacks.contact import Contact, ContactKind
from callmon.core.callbacks.due_dates import DueDatePolicies
from callmon.core.callbacks.index import ObligationIndex, SharedNumbers, Timers
from callmon.core.callbacks.obligation import (
    Judge,
    Key,
    LedgerUpdate,
    Message,
    Obligation,
    after,
    corrections,
    left_over,
    obligation_id,
    opened,
)
from callmon.core.callbacks.outbound_call import TrackedOutboundCall, next_contacts
from callmon.core.facts import Fact

# A settled obligation stays in the index this long, so that an earlier callback that is reported later is still
# matched.
MANY_GAPS = 1000
LATE = timedelta(minutes=5)
LAST = datetime.max.replace(tzinfo=UTC)
PRECEDENCE = ("closed", "reached_us", "paid")


class CallbackGaps:
    """The latest gaps, of exchanges and of hidden numbers. `least`: a shorter one hides no callback."""

    def __init__(self, least: timedelta) -> None:
        self._least = least
        self._gaps: list[tuple[str, datetime, datetime]] = []

    def record_gap(self, exchange: str, start: datetime, end: datetime) -> None:
        if end - start >= self._least:
            self._gaps = [*self._gaps[-MANY_GAPS:], (exchange, start, end)]

    def may_hide(self, since: datetime, due: datetime, quiet: Iterable[datetime]) -> bool:
        """Whether a callback between the two times may be hidden. `quiet`: the starts of gaps in progress."""
        spans = [*((start, due) for start in quiet), *((start, end) for _, start, end in self._gaps)]
        return any(min(end, due) - max(start, since) >= self._least for start, end in spans)


class Ledger:
    """The obligations of all exchanges. `shares`: contacts are kept for other pairs (`drain_contacts`)."""

    def __init__(
        self, terms: DueDatePolicies, token: Callable[[str], str], judge: Judge, shares: bool = False
    ) -> None:
        rules = terms.rules
        self.terms = terms
        self.rules = rules
        self.token = token
        self._judge = judge
        self.index = ObligationIndex()
        self.shared_numbers = SharedNumbers(rules, token)
        self.outbound_calls: dict[Key, TrackedOutboundCall] = {}
        self._cautions: dict[str, tuple[n.Caution, ...]] = {}
        self._marks = Timers()
        self._dues = Timers()
        self._done = Timers()
        self._gaps = CallbackGaps(rules.talked_for)
        self.unbelieved: Collection[str] = ()  # exchanges whose clock is not trusted
        self._out: list[LedgerUpdate] = []
        self.shares = shares
        self._contacts: list[Contact] = []

    def drain(self) -> tuple[tuple[LedgerUpdate, ...], tuple[Contact, ...]]:
        """What was written since the last call; nothing, after most events."""
        if not self._out and not self._contacts:
            return (), ()
        return self.drain_updates(), self.drain_contacts()

    def drain_updates(self) -> tuple[LedgerUpdate, ...]:
        out, self._out = tuple(self._out), []
        return out

    def drain_contacts(self) -> tuple[Contact, ...]:
        out, self._contacts = tuple(self._contacts), []
        return out

    # Writing.

    def append_entry(
        self, entry: n.AnyEntry, by: str = "", doubt: bool = False, other: str | None = None
    ) -> Obligation:
        """`other`: the token of another number to call (R-16)."""
        obligation = self.index.get((entry.exchange, entry.obligation))
        assert obligation is not None
        if other is not None:
            obligation = msgspec.structs.replace(obligation, other=other)
        return self._stand(entry, after(obligation, entry), by, doubt)

    def _stand(self, entry: n.AnyEntry, obligation: Obligation, by: str = "", doubt: bool = False) -> Obligation:
        findings = self._judge(obligation, by, doubt)
        corrected = () if by in self.unbelieved else corrections(self._judge, entry, obligation, by)
        if findings:
            judged = *obligation.judged, *(x.standard for x in findings)
            obligation = msgspec.structs.replace(obligation, judged=judged)
        before = self.index.get(obligation.key)
        self.index.insert(obligation)
        if before is None or before.due != obligation.due or (obligation.is_open and not before.is_open):
            self._set_times(obligation)
        if not obligation.is_open and obligation.settled is not None:
            self._done.schedule(obligation.settled + LATE, obligation.key)
        self._out.append(LedgerUpdate(entry, obligation, findings, corrected))
        return obligation

    def _set_times(self, obligation: Obligation) -> None:
        due = obligation.due
        if due.soon is not None and not obligation.is_soon:
            self._marks.schedule(due.soon, obligation.key)
        if due.actionable is not None and not obligation.is_overdue:
            self._marks.schedule(due.actionable, obligation.key)
        for at in obligation.due_times[obligation.fell_due :]:
            self._dues.schedule(at, obligation.key)

    # Opening.

    def owe(self, message: Message, kind: n.Kind, token: str | None, hidden: n.Hidden | None) -> None:
        """Open an obligation to the caller of this message. `token`: of the number to call."""
        if not self._is_known(message, kind, token):
            if token is not None:
                self.shared_numbers.record_call(token, self.terms.local_day(message.at), message.line)
            self._owe(message, kind, token, hidden)

    def _is_known(self, message: Message, kind: n.Kind, token: str | None) -> bool:
        """Whether this call has opened or repeated an obligation of this kind. A call does so only once."""
        own = self.index.get((message.exchange, obligation_id(message.call, kind)))
        return own is not None or any(
            (said.exchange, said.call) == (message.exchange, message.call)
            for obligation in self.index.of_token(token)
            if obligation.kind == kind
            for said in obligation.messages
        )

    def _owe(self, message: Message, kind: n.Kind, token: str | None, hidden: n.Hidden | None) -> None:
        terms = self.terms.policy_of(message.line)
        shared = token is not None and self.shared_numbers.is_shared(token)
        same = None if shared or token is None else self._open_like(token, terms.line.service, kind)
        if same is not None:
            self._repeat(same, message)
            return
        entry = n.Owed(
            message.exchange,
            obligation_id(message.call, kind),
            message.at,
            message.call,
            kind,
            message.opening,
            message.line,
            terms.line.service,
            message.language,
            terms.dues(kind, message.at),
            terms.line.mode == "tty",
            hidden,
            shared,
            self._cautions.get(token or "", ()),
            message.exchange in self.unbelieved,
        )
        self._stand(entry, opened(entry, token))

    def _open_like(self, token: str, service: str, kind: n.Kind) -> Obligation | None:
        like = (x for x in self.index.of_token(token) if x.is_open and not x.shared)
        return next((x for x in like if x.service == service and x.kind == kind and x.token == token), None)

    def _repeat(self, obligation: Obligation, message: Message) -> None:
        older = message.at < obligation.opened
        dues = self.terms.policy_of(obligation.line).dues(obligation.kind, message.at) if older else None
        self.append_entry(
            n.Repeated(
                *obligation.key,
                message.at,
                message.call,
                message.line,
                message.language,
                message.opening,
                message.exchange,
                dues,
            )
        )

    def hide(self, exchange: str, call: str) -> None:
        """Record that the number of this call must not be shown (R-51)."""
        for kind in ("callback", "complaint"):
            obligation = self.index.get((exchange, obligation_id(call, kind)))
            if obligation is not None and obligation.token is not None:
                self.append_entry(n.NumberHidden(*obligation.key, obligation.opened))

    # Settling.

    def settle(self, obligation: Obligation, entry: n.AnyEntry, by: str = "") -> None:
        """Settle an obligation. Messages at or after `entry.at` open a new obligation."""
        token = obligation.token
        hidden = obligation.hidden
        rest = left_over(obligation, entry.at)
        self.append_entry(entry, by, by in self.unbelieved or obligation.unsure == obligation.opened)
        for message in rest:
            self._owe(message, obligation.kind, token, hidden)

    def yields(self, obligation: Obligation, state: str, at: datetime) -> bool:
        """Whether a call at `at` settles it: it was owed before `at`, and no prevailing settlement came first."""
        if obligation.since >= at or (obligation.state == "paid" and state != "paid"):
            return False
        if obligation.is_open or obligation.settled is None:
            return obligation.is_open
        return (at, -PRECEDENCE.index(state)) < (obligation.settled, -PRECEDENCE.index(obligation.state))

    def reached_us(self, token: str, line: str, at: datetime, call: Key) -> None:
        """A caller speaks to a person: open callbacks of this caller to this service are settled (R-14)."""
        service = self.terms.policy_of(line).line.service
        self._share(Contact("reached_us", *call, token, at, service=service))

    # Contacts.

    def _share(self, contact: Contact) -> None:
        self._contacts += [contact] * (self.shares and bool(contact.token))
        self.record_contact(contact)

    def record_contact(self, contact: Contact) -> None:
        """Apply a contact of this pair, or of another pair. A contact that was applied already changes nothing."""
        if self.shared_numbers.is_shared(contact.token):
            return  # paid only manually
        if contact.is_unbelieved and contact.exchange not in self.unbelieved:
            self.unbelieved = {*self.unbelieved, contact.exchange}
        for obligation in self.index.of_token(contact.token):
            if obligation.shared:
                continue
            if contact.kind == "reached_us":
                self._reached_us(obligation, contact)
            elif contact.kind == "unattributed":
                self._unattributed(obligation, contact)
            elif contact.service in (None, obligation.service) and (contact.tty or not obligation.tty):
                settle = self._attempted if contact.kind == "attempted" else self._called_back
                settle(obligation, contact)

    def _reached_us(self, obligation: Obligation, contact: Contact) -> None:
        is_theirs = obligation.kind == "callback" and obligation.service == contact.service
        if is_theirs and self.yields(obligation, "reached_us", contact.at):
            self.settle(obligation, n.ReachedUs(*obligation.key, contact.at, contact.call))

    # Outbound calls.

    def outward(self, exchange: str, fact: Fact, number: Callable[[], tuple[str | None, str]]) -> bool:
        """Process a fact of an outbound call; return whether `number` (read once) has, or had, an obligation."""
        key = exchange, fact.call
        outbound = self.outbound_calls.get(key)
        if outbound is None:
            if type(fact) is not f.Arrived:
                return False
            called, phone = number()
            if called is None:
                return False
            first, token = fact.person_first, self.token(called) if called else ""
            outbound = TrackedOutboundCall(exchange, fact.call, token, phone, first, fact.at, first and fact.found)
            self.outbound_calls[key] = outbound
        outbound.hear(fact, self.rules)
        self._counts_now(outbound)
        if outbound.is_over:
            del self.outbound_calls[key]
            self._judge_waiting(outbound)
            if not outbound.token and (hidden := outbound.span(fact.at)) is not None:
                self.gap(exchange, *hidden)
        outbound.is_waited_for = outbound.is_waited_for or self.index.has_token(outbound.token)
        return outbound.is_waited_for

    def _counts_now(self, outbound: TrackedOutboundCall) -> None:
        if outbound.unattributed is not None:
            self._share(self._contact("unattributed", outbound, outbound.unattributed))
        if outbound.attempt is not None and outbound.is_attempt:
            outbound.is_counted = True
            self._share(self._contact("attempted", outbound, outbound.attempt))
        if outbound.is_paid and outbound.answered is not None and not outbound.is_settled:
            outbound.is_settled = True
            self._share(self._contact("called_back", outbound, outbound.answered))
            self._judge_waiting(outbound)

    def _contact(self, kind: ContactKind, call: TrackedOutboundCall, at: datetime) -> Contact:
        rights = self.terms.may_call_back(call.phone)
        flags = call.is_unsure, call.exchange in self.unbelieved, call.is_short
        return Contact(kind, call.exchange, call.call, call.token, at, call.phone, *rights, *flags)

    def _attempted(self, obligation: Obligation, contact: Contact) -> None:
        at, is_answered = contact.at, contact.is_short or contact.is_unsure
        if obligation.was_owed(at) and not obligation.has_attempt(at, is_answered):
            is_enough, about = self.satisfies(obligation, at), (*obligation.key, at, contact.call, contact.phone)
            entry = n.Attempted(*about, satisfies=is_enough, unsure=contact.is_unsure, short=contact.is_short)
            self.append_entry(entry, contact.exchange)

    def _unattributed(self, obligation: Obligation, contact: Contact) -> None:
        if obligation.was_owed(contact.at) and contact.at < (obligation.unattributed or LAST):
            self.append_entry(n.Unattributed(*obligation.key, contact.at, contact.call), contact.exchange)

    def satisfies(self, obligation: Obligation, at: datetime) -> bool:
        return self.rules.attempt_counts and obligation.kind == "callback" and at <= obligation.dues.judging.at

    def _called_back(self, obligation: Obligation, contact: Contact) -> None:
        at = contact.at
        if obligation.kind == "complaint":
            if obligation.is_open and obligation.acknowledged is None and obligation.since < at:
                first = n.Acknowledged(*obligation.key, at, contact.call, contact.phone)
                self.append_entry(first, contact.exchange)
        elif self.yields(obligation, "paid", at):
            about = *obligation.key, at, obligation.line, obligation.language, at - obligation.opened
            again = obligation.state == "paid"
            entry = n.CalledBack(*about, contact.call, contact.phone, again=again)
            self.settle(obligation, entry, contact.exchange)

    # Time.

    def next_deadline(self) -> datetime | None:
        """The next time at which `tick` has work; None when there is none."""
        first = self._marks.first(), self._dues.first(), *self.next_contacts().values()
        return min((at for at in first if at is not None), default=None)

    def next_contacts(self) -> dict[str, datetime]:
        return next_contacts(self.outbound_calls.values(), self.rules)

    def tick(
        self, now: datetime, heard: Mapping[str, datetime] | None = None, silent: Collection[str] = ()
    ) -> None:
        """Process the passing of time. `heard`: until when events were received from each exchange, by its own
        clock (now, when left out). `silent`: exchanges unheard for so long that a whole callback fits in.

        The verdict of a due obligation waits for events that an exchange may still send. It does not wait for a
        `silent` exchange: the verdict is then unknown.
        """
        heard = heard or {}
        for call in list(self.outbound_calls.values()):
            call.reach(heard.get(call.exchange, now), self.rules)
            self._counts_now(call)
        for key in self._marks.drain_due(now):
            self._mark(key, now)
        until = min([now, *(at for name, at in heard.items() if name not in silent)])
        quiet = [heard[name] for name in silent if name in heard]
        for key in self._dues.drain_due(until):
            self._fall_due(key, until, quiet)
        for key in self._done.drain_due(now):
            self._put_away(key, now)

    def _mark(self, key: Key, now: datetime) -> None:
        obligation = self.index.get(key)
        if obligation is None or not obligation.is_open or not obligation.can_be_called:
            return
        if any(self.satisfies(obligation, at) for at in obligation.attempts):
            return
        due = obligation.due
        if due.soon is not None and due.soon < now and not obligation.is_soon:
            self.append_entry(n.DueSoon(*obligation.key, due.soon))
        if due.actionable is not None and due.actionable < now and not obligation.is_overdue:
            self.append_entry(n.Overdue(*obligation.key, due.actionable))

    def _fall_due(self, key: Key, until: datetime, quiet: Iterable[datetime] = ()) -> None:
        obligation = self.index.get(key)
        if obligation is None or obligation.fell_due >= len(obligation.due_times):
            return
        at = obligation.due_times[obligation.fell_due]
        if at >= until:
            return
        for call in self.outbound_calls.values():  # one that may pay it yet
            is_theirs = call.is_undecided and call.token in (obligation.token, obligation.other)
            if is_theirs and call.begun is not None and call.begun <= at:
                call.waiting.append(key)
                return
        self.append_entry(n.FellDue(*obligation.key, at), doubt=self._in_doubt(obligation, at, quiet))

    def _judge_waiting(self, call: TrackedOutboundCall) -> None:
        """Judge the obligations that waited for the result of a call answered just before the due time."""
        waiting, call.waiting = call.waiting, []
        for key in waiting:
            obligation = self.index.get(key)
            if obligation is not None and obligation.fell_due < len(obligation.due_times):
                self._fall_due(key, obligation.due_times[obligation.fell_due] + timedelta.resolution)

    def gap(self, exchange: str, start: datetime, end: datetime) -> None:
        """Record a gap of an exchange, when it is long enough to hide a callback."""
        self._gaps.record_gap(exchange, start, end)

    def _in_doubt(self, obligation: Obligation, due: datetime, quiet: Iterable[datetime]) -> bool:
        is_unsure = obligation.unsure is not None and obligation.unsure <= due
        return is_unsure or self._gaps.may_hide(obligation.since, due, quiet)

    def _put_away(self, key: Key, now: datetime) -> None:
        obligation = self.index.get(key)
        if obligation is None or obligation.is_live or obligation.settled is None:
            return
        if obligation.settled + LATE < now:
            self.index.drop(key)

    # Start and changed configuration.

    def restore(self, known: Iterable[Obligation]) -> None:
        for obligation in known:
            self.index.insert(obligation)
            self._set_times(obligation)
            if not obligation.is_open and obligation.settled is not None:
                self._done.schedule(obligation.settled + LATE, obligation.key)

    def know(self, token: str, cautions: tuple[n.Caution, ...]) -> None:
        """Record the cautions of a number, which also apply to its later messages (R-21)."""
        if cautions:
            self._cautions[token] = tuple(sorted({*self._cautions.get(token, ()), *cautions}))

    def forget_number(self, token: str) -> None:
        """Drop the cautions and the sharing record of an erased number."""
        self._cautions.pop(token, None)
        self.shared_numbers.forget_number(token)

    def empty(self) -> Ledger:
        return Ledger(self.terms, self.token, self._judge, self.shares)

    def renew(self, stored: Ledger) -> None:
        """Replace the state by the stored ledger. Outbound calls in progress stay: their events still arrive."""
        self.index = stored.index
        self.shared_numbers = stored.shared_numbers
        self._cautions = stored._cautions
        self._marks = stored._marks
        self._dues = stored._dues
        self._done = stored._done
        self._gaps = stored._gaps

    def adopt(self, older: Ledger) -> None:
        self.restore(older.index)
        self.outbound_calls = older.outbound_calls
        self._gaps = older._gaps
        self._cautions = older._cautions
        self.shared_numbers.inherit(older.shared_numbers)
        self._out, self._contacts = older._out, older._contacts
