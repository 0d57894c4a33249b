"""The ledger: obligations to call back are opened, attempted, paid or overdue. No I/O, no clock.

    inbound call's facts ──▶ inward ──┐                    ┌─▶ entries (append-only)
    outbound call's facts ─▶ outward ─┼─▶ obligations ─────┼─▶ the obligation as it stands
    time ──────────────────▶ tick ────┤   (obligation.py)  └─▶ findings
    a manual command ──────▶ apply ───┘   (commands.py)

Each entry is emitted with the obligation after it and with the resulting verdicts (`LedgerUpdate`). A verdict
*met* is given on payment, every other verdict once the due time has passed (see also `corrections`). A received
call wins over a manual entry: a callback answered before an obligation was closed manually pays it. Numbers are
matched by a token that `token` makes of them; the ledger stores no number.

Refuses: to guess. A call pays nothing unless the events show that the talk was long enough. Where a gap may hide a
callback, or its time is by a clock that is not trusted, *not met* becomes *unknown*.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from callmon.core import facts as f
from callmon.core.callbacks import entries as n
from callmon.core.callbacks import obligation
from callmon.core.callbacks.due_dates import DueDatePolicies
from callmon.core.callbacks.index import ObligationIndex, Timers
from callmon.core.callbacks.obligation import Judge, Key, LedgerUpdate, Message, Obligation
from callmon.core.callbacks.outbound_call import TrackedOutboundCall
from callmon.core.callbacks.shared_numbers import SharedNumbers
from callmon.core.facts import Fact

# A settled obligation stays in the index this long, so that an earlier callback that is reported later is still
# matched.
LATE = timedelta(minutes=5)
MANY = 1000  # gaps
PRECEDENCE = ("closed", "reached_us", "paid")


class Ledger:
    """The obligations of all exchanges."""

    def __init__(self, terms: DueDatePolicies, token: Callable[[str], str], judge: Judge) -> None:
        rules = terms.rules
        self.terms, self.rules, self.token, self._judge = terms, rules, token, judge
        self.shelf = ObligationIndex()
        self.sharing = SharedNumbers(
            map(token, rules.shared_numbers), rules.shared_after_days, rules.shared_after_lines
        )
        self.following: dict[Key, TrackedOutboundCall] = {}
        self._cautions: dict[str, tuple[n.Caution, ...]] = {}
        self._marks, self._dues, self._done = Timers(), Timers(), Timers()
        self._gaps: list[tuple[str, datetime, datetime]] = []
        self.unbelieved: Collection[str] = ()  # exchanges whose clock is not trusted
        self._out: list[LedgerUpdate] = []

    def drain_updates(self) -> tuple[LedgerUpdate, ...]:
        if not self._out:
            return ()
        out, self._out = tuple(self._out), []
        return out

    # Writing.

    def append_entry(
        self, entry: n.AnyEntry, by: str = "", doubt: bool = False, other: str | None = None
    ) -> Obligation:
        """`other`: the token of another number to call (R-16)."""
        one = self.shelf.get((entry.exchange, entry.obligation))
        assert one is not None
        if other is not None:
            one = msgspec.structs.replace(one, other=other)
        return self._stand(entry, obligation.after(one, entry), by, doubt)

    def _stand(self, entry: n.AnyEntry, one: Obligation, by: str = "", doubt: bool = False) -> Obligation:
        findings = self._judge(one, by, doubt)
        corrected = () if by in self.unbelieved else obligation.corrections(self._judge, entry, one, by)
        if findings:
            one = msgspec.structs.replace(one, judged=(*one.judged, *(x.standard for x in findings)))
        before = self.shelf.get(one.key)
        self.shelf.insert(one)
        if before is None or before.due != one.due or (one.is_open and not before.is_open):
            self._set_times(one)
        if not one.is_open and one.settled is not None:
            self._done.schedule(one.settled + LATE, one.key)
        self._out.append(LedgerUpdate(entry, one, findings, corrected))
        return one

    def _set_times(self, one: Obligation) -> None:
        due = one.due
        if due.soon is not None and not one.is_soon:
            self._marks.schedule(due.soon, one.key)
        if due.actionable is not None and not one.is_overdue:
            self._marks.schedule(due.actionable, one.key)
        for at in one.due_times[one.fell_due :]:
            self._dues.schedule(at, one.key)

    # n.Opening.

    def owe(self, message: Message, kind: n.Kind, token: str | None, hidden: n.Hidden | None) -> None:
        """Open an obligation to the caller of this message. `token`: of the number to call."""
        if not self._is_known(message, kind, token):
            if token is not None:
                self.sharing.record_call(token, self.terms.local_day(message.at), message.line)
            self._owe(message, kind, token, hidden)

    def _is_known(self, message: Message, kind: n.Kind, token: str | None) -> bool:
        """Whether this call has opened or repeated an obligation of this kind. A call does so only once."""
        own = self.shelf.get((message.exchange, obligation.obligation_id(message.call, kind)))
        return own is not None or any(
            (said.exchange, said.call) == (message.exchange, message.call)
            for one in self.shelf.of_token(token)
            if one.kind == kind
            for said in one.messages
        )

    def _owe(self, message: Message, kind: n.Kind, token: str | None, hidden: n.Hidden | None) -> None:
        terms = self.terms.policy_of(message.line)
        shared = token is not None and self.sharing.is_shared(token)
        same = None if shared or token is None else self._open_like(token, terms.line.service, kind)
        if same is not None:
            self._repeat(same, message)
            return
        entry = n.Owed(
            message.exchange, obligation.obligation_id(message.call, kind), message.at, message.call, kind,
            message.opening, message.line, terms.line.service, message.language, terms.dues(kind, message.at),
            terms.line.mode == "tty", hidden, shared, self._cautions.get(token or "", ()),
            message.exchange in self.unbelieved,
        )  # fmt: skip
        self._stand(entry, obligation.opened(entry, token))

    def _open_like(self, token: str, service: str, kind: n.Kind) -> Obligation | None:
        like = (x for x in self.shelf.of_token(token) if x.is_open and not x.shared)
        return next((x for x in like if x.service == service and x.kind == kind and x.token == token), None)

    def _repeat(self, one: Obligation, message: Message) -> None:
        older = message.at < one.opened
        dues = self.terms.policy_of(one.line).dues(one.kind, message.at) if older else None
        self.append_entry(
            n.Repeated(
                one.exchange, one.id, message.at, message.call, message.line, message.language, message.opening,
                message.exchange, dues,
            )
        )  # fmt: skip

    def hide(self, exchange: str, call: str) -> None:
        """Record that the number of this call must not be shown (R-51)."""
        for kind in ("callback", "complaint"):
            one = self.shelf.get((exchange, obligation.obligation_id(call, kind)))
            if one is not None and one.token is not None:
                self.append_entry(n.NumberHidden(one.exchange, one.id, one.opened))

    # Settling.

    def settle(self, one: Obligation, entry: n.AnyEntry, by: str = "") -> None:
        """Settle an obligation. Messages at or after `entry.at` open a new obligation."""
        token, hidden, rest = one.token, one.hidden, obligation.left_over(one, entry.at)
        self.append_entry(entry, by, by in self.unbelieved or one.unsure == one.opened)
        for message in rest:
            self._owe(message, one.kind, token, hidden)

    def yields(self, one: Obligation, state: str, at: datetime) -> bool:
        """Whether a call at `at` settles it: it was owed before `at`, and no prevailing settlement came first."""
        if one.since >= at or one.state == "paid":
            return False
        if one.is_open or one.settled is None:
            return one.is_open
        return (at, -PRECEDENCE.index(state)) < (one.settled, -PRECEDENCE.index(one.state))

    def reached_us(self, token: str, line: str, at: datetime, call: str) -> None:
        """A caller speaks to a person: open callbacks of this caller to this service are settled (R-14)."""
        if self.sharing.is_shared(token):
            return
        service = self.terms.policy_of(line).line.service
        for one in self.shelf.of_token(token):
            ours = one.kind == "callback" and one.service == service and not one.shared
            if ours and self.yields(one, "reached_us", at):
                self.settle(one, n.ReachedUs(one.exchange, one.id, at, call))

    # Outbound calls.

    def outward(self, exchange: str, fact: Fact, number: Callable[[], tuple[str | None, str]]) -> bool:
        """Process a fact of an outbound call. Returns True when an obligation has, or had, the called number.

        `number` returns the called number and the calling phone. It is called once per call.
        """
        key = exchange, fact.call
        one = self.following.get(key)
        if one is None:
            if type(fact) is not f.Arrived:
                return False
            called, phone = number()
            if called is None:
                return False
            one = self.following[key] = TrackedOutboundCall(exchange, fact.call, self.token(called), phone)
        one.hear(fact, self.rules)
        self._counts_now(one)
        if one.is_over:
            del self.following[key]
            self._judge_waiting(one)
        one.is_waited_for = one.is_waited_for or self.shelf.has_token(one.token)
        return one.is_waited_for

    def _counts_now(self, one: TrackedOutboundCall) -> None:
        """Emit an attempt and a callback, each once."""
        if one.attempt is not None and not one.is_counted:
            one.is_counted = True
            self._attempted(one, one.attempt)
        if one.is_paid and one.answered is not None and not one.is_settled:
            one.is_settled = True
            self._called_back(one, one.answered)
            self._judge_waiting(one)

    def _attempted(self, call: TrackedOutboundCall, at: datetime) -> None:
        for one in self._payable(call):
            was_open = one.is_open or (one.settled is not None and one.settled >= at)
            if one.since < at and was_open and at not in one.attempts:
                entry = n.Attempted(one.exchange, one.id, at, call.call, call.phone, unsure=call.is_unsure)
                self.append_entry(msgspec.structs.replace(entry, satisfies=self.satisfies(one, at)), call.exchange)

    def satisfies(self, one: Obligation, at: datetime) -> bool:
        return self.rules.attempt_counts and one.kind == "callback" and at <= one.dues.judging.at

    def _called_back(self, call: TrackedOutboundCall, at: datetime) -> None:
        for one in self._payable(call):
            if one.kind == "complaint":
                if one.is_open and one.acknowledged is None and one.since < at:
                    self.append_entry(
                        n.Acknowledged(one.exchange, one.id, at, call.call, call.phone), call.exchange
                    )
            elif self.yields(one, "paid", at):
                paid = n.CalledBack(
                    one.exchange, one.id, at, one.line, one.language, at - one.opened, call.call, call.phone
                )
                self.settle(one, paid, call.exchange)

    def _payable(self, call: TrackedOutboundCall) -> list[Obligation]:
        """The obligations that this call can pay. Those of a shared number are paid only manually (R-15)."""
        if self.sharing.is_shared(call.token):
            return []
        return [
            one
            for one in self.shelf.of_token(call.token)
            if not one.shared and self.terms.may_pay(call.phone, one.service, one.tty)
        ]

    # Time.

    def next_deadline(self) -> datetime | None:
        """The next time at which `tick` has work; None when there is none."""
        times = [x for x in (self._marks.first(), self._dues.first()) if x is not None]
        for one in self.following.values():
            if one.ringing is not None and not one.is_counted:
                times.append(one.ringing + self.rules.rang_for)
            if one.is_undecided and one.answered is not None:
                times.append(one.answered + self.rules.talked_for)
        return min(times, default=None)

    def tick(
        self, now: datetime, heard: Mapping[str, datetime] | None = None, silent: Collection[str] = ()
    ) -> None:
        """Process the passing of time. `heard`: until when events were received from each exchange, by its own
        clock (now, when left out). `silent`: exchanges unheard for so long that a whole callback fits in.

        The verdict of a due obligation waits for events that an exchange may still send. It does not wait for a
        `silent` exchange: the verdict is then unknown.
        """
        heard = heard or {}
        for call in list(self.following.values()):
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
        """Emit "due soon" and "overdue", each once."""
        one = self.shelf.get(key)
        if one is None or not one.is_open or not one.can_be_called or self._is_satisfied(one):
            return
        due = one.due
        if due.soon is not None and due.soon < now and not one.is_soon:
            self.append_entry(n.DueSoon(one.exchange, one.id, due.soon))
        if due.actionable is not None and due.actionable < now and not one.is_overdue:
            self.append_entry(n.Overdue(one.exchange, one.id, due.actionable))

    def _is_satisfied(self, one: Obligation) -> bool:
        return any(self.satisfies(one, at) for at in one.attempts)

    def _fall_due(self, key: Key, until: datetime, quiet: Iterable[datetime] = ()) -> None:
        one = self.shelf.get(key)
        if one is None or one.fell_due >= len(one.due_times):
            return
        at = one.due_times[one.fell_due]
        if at >= until:
            return
        undecided = next((x for x in self.following.values() if self._may_pay_yet(x, one, at)), None)
        if undecided is not None:
            undecided.waiting.append(key)
            return
        self.append_entry(n.FellDue(one.exchange, one.id, at), doubt=self._in_doubt(one, at, quiet))

    @staticmethod
    def _may_pay_yet(call: TrackedOutboundCall, one: Obligation, due: datetime) -> bool:
        waits = call.is_undecided and call.token in (one.token, one.other)
        return waits and call.answered is not None and call.answered <= due

    def _judge_waiting(self, call: TrackedOutboundCall) -> None:
        """Judge the obligations that waited for the result of a call answered just before the due time."""
        waiting, call.waiting = call.waiting, []
        for key in waiting:
            one = self.shelf.get(key)
            if one is not None and one.fell_due < len(one.due_times):
                self._fall_due(key, one.due_times[one.fell_due] + timedelta.resolution)

    def gap(self, exchange: str, start: datetime, end: datetime) -> None:
        """Record a gap of an exchange, when it is long enough to hide a callback."""
        if end - start >= self.rules.talked_for:
            self._gaps = [*self._gaps[-MANY:], (exchange, start, end)]

    def _in_doubt(self, one: Obligation, due: datetime, quiet: Iterable[datetime]) -> bool:
        least = self.rules.talked_for
        if one.unsure is not None and one.unsure <= due:
            return True
        if any(due - max(start, one.since) >= least for start in quiet):
            return True
        return any(min(end, due) - max(start, one.since) >= least for _, start, end in self._gaps)

    def _put_away(self, key: Key, now: datetime) -> None:
        one = self.shelf.get(key)
        if one is None or one.is_live or one.settled is None or one.settled + LATE >= now:
            return
        self.shelf.drop(key)

    # Start and changed configuration.

    def restore(self, known: Iterable[Obligation]) -> None:
        for one in known:
            self.shelf.insert(one)
            self._set_times(one)
            if not one.is_open and one.settled is not None:
                self._done.schedule(one.settled + LATE, one.key)

    def know(self, token: str, cautions: tuple[n.Caution, ...]) -> None:
        """Record the cautions of a number, which also apply to its later messages (R-21)."""
        if cautions:
            self._cautions[token] = tuple(sorted({*self._cautions.get(token, ()), *cautions}))

    def forget_number(self, token: str) -> None:
        """Drop the cautions and the sharing record of an erased number."""
        self._cautions.pop(token, None)
        self.sharing.forget_number(token)

    def empty(self) -> Ledger:
        return Ledger(self.terms, self.token, self._judge)

    def renew(self, stored: Ledger) -> None:
        """Replace the state by the stored ledger. Outbound calls in progress stay: their events still arrive."""
        self.shelf, self.sharing, self._cautions = stored.shelf, stored.sharing, stored._cautions
        self._marks, self._dues, self._done, self._gaps = stored._marks, stored._dues, stored._done, stored._gaps

    def adopt(self, older: Ledger) -> None:
        self.restore(older.shelf)
        self.following, self._gaps, self._cautions = older.following, older._gaps, older._cautions
        self.sharing.inherit(older.sharing)
        self._out = older._out
