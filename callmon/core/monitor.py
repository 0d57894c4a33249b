"""The monitor: it takes events and the time, and returns outcomes. Pure: no I/O, no clock.

    exchange, event ─▶ tracker (facts) ─▶ account (the call so far) ─▶ standards (findings) ─▶ Outcome

`feed` takes one event of one exchange, `tick` the time. A lost and a restored connection are events too. Calls of
different exchanges never mix: an id is unique only within one exchange.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from callmon.ami import events as e
from callmon.ami.events import StatusComplete
from callmon.config.lines import Line
from callmon.config.settings import Settings
from callmon.core import facts as f
from callmon.core.callbacks.commands import CallbackCommand, apply
from callmon.core.callbacks.contact import Contact
from callmon.core.callbacks.due_dates import DueDatePolicies
from callmon.core.callbacks.ledger import Ledger
from callmon.core.callbacks.obligation import Obligation
from callmon.core.callbacks.triggers import OPENED_BY, LedgerTriggers
from callmon.core.calls import lifecycle
from callmon.core.calls.account import CallAccount
from callmon.core.calls.call import Call, Wait
from callmon.core.calls.endpoints import endpoint
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.calls.listing import ClosedGap
from callmon.core.calls.phone_states import Phones, counted
from callmon.core.calls.resume import resume
from callmon.core.disruptions.commands import DisruptionCommand
from callmon.core.disruptions.detector import DisruptionDetector
from callmon.core.disruptions.disruption import Disruption
from callmon.core.exchange import ExchangeState, LastCalls
from callmon.core.facts import Arrived, Ended, Fact, SurveyOffered
from callmon.core.outcome import Outcome
from callmon.core.standards import Standard, load
from callmon.core.standards.verdict_rules import Seen, of_imported
from callmon.core.verdicts import Finding, Gap

OPENING = frozenset(OPENED_BY)
NO_TIME = timedelta(0)


class Monitor:
    """The whole reasoning of callmon, for all exchanges of the settings.

    `exchange`: for this exchange only, to replay a recording; its name need not be configured. `every_call`
    (replay) also emits the facts of calls on no line. The daemon only counts those calls. `token` maps a caller's
    number to the token that the callback ledger matches by and that is stored. The daemon's `token` is a keyed
    hash. Where nothing is stored (replay, rejudgement), `str` is enough.
    """

    def __init__(
        self,
        settings: Settings,
        exchange: str | None = None,
        any_line: bool = False,
        every_call: bool = False,
        *,
        token: Callable[[str], str],
    ) -> None:
        names = settings.exchanges if exchange is None else [exchange]
        self.exchanges = {name: ExchangeState(ExchangeProfile(settings, name, any_line)) for name in names}
        self._calendars = settings.calendars
        standards = load(settings.standards)
        self.survey_heard = False  # a dialplan has reported that it offers the survey
        self._settled_by = {
            kind: tuple(standard for standard in standards if kind in standard.settled_by)
            for kind in {f.Ended, *(kind for standard in standards for kind in standard.settled_by)}
        }
        self._every_call = every_call
        self._obligation_standards = tuple(standard for standard in standards if standard.kind is not None)
        self.ledger = Ledger(
            DueDatePolicies(settings), token, self._judge_obligation, shares=bool(settings.store.pairs)
        )
        self._opener = LedgerTriggers(self.ledger)
        self.others: dict[str, int] = {"inbound": 0, "outbound": 0, "internal": 0, "stranger": 0}
        self.disruptions = DisruptionDetector(self.exchanges, settings)

    def feed(self, exchange: str, event: e.Event) -> Outcome | None:
        """Process one event of an exchange. Returns None when it has no outcome (most events)."""
        state = self.exchanges[exchange]
        tracker = state.tracker
        facts = tracker.feed(event)
        gap = tracker.listing.drain_gap() if type(event) is StatusComplete else None
        if not facts and gap is None:
            return None
        return self._conclude(exchange, state, facts, gap)

    def tick(
        self, now: datetime, heard: Mapping[str, datetime] | None = None, silent: Collection[str] = ()
    ) -> list[Outcome]:
        """Process the passing of time. `heard` and `silent`: as for `Ledger.tick`."""
        self.ledger.tick(now, heard, silent)
        self.disruptions.tick(now)
        noted, found = self.disruptions.register.drain_updates(), self._drain_ledger()
        return [*found, Outcome("", disruptions=noted)] if noted else found

    def _drain_ledger(self) -> list[Outcome]:
        written, contacts = self.ledger.drain()
        if not written and not contacts:
            return []
        exchange = written[0].entry.exchange if written else contacts[0].exchange
        return [Outcome(exchange, ledger=written, contacts=contacts)]

    def record_contacts(self, contacts: Iterable[Contact], settled: Iterable[Obligation] = ()) -> list[Outcome]:
        """Apply contacts of another pair. `settled`: stored obligations that the ledger has dropped."""
        index = self.ledger.index
        self.ledger.restore(x for x in settled if index.get(x.key) is None)
        for contact in contacts:
            self.ledger.record_contact(contact)
        return self._drain_ledger()

    def requested_hangups(self, exchange: str) -> list[Outcome]:
        """The hang-ups requested by callers whose calls go on. Emit them before a heartbeat (`takeover.py`)."""
        state = self.exchanges[exchange]
        facts = lifecycle.requested_hangups(state.tracker.state)
        outcomes = (self._conclude(exchange, state, [fact], None) for fact in facts)
        return [outcome for outcome in outcomes if outcome is not None]

    def apply_callback_command(self, command: CallbackCommand, stored: Obligation | None = None) -> list[Outcome]:
        """Apply a manual command. `stored`: the stored obligation, in case the ledger has dropped it."""
        if command.action == "called":
            return [msgspec.structs.replace(self._called(command), callback_command=command.n)]
        apply(self.ledger, command, stored)
        written = self.ledger.drain_updates()
        return [Outcome(command.exchange, ledger=written, callback_command=command.n)]

    def apply_disruption_command(
        self, command: DisruptionCommand, stored: Disruption | None = None
    ) -> list[Outcome]:
        """Apply a manual command on a disruption. `stored`: as for `apply_callback_command`."""
        self.disruptions.register.do(command, stored)
        return [Outcome("", disruptions=self.disruptions.register.drain_updates(), disruption_command=command.n)]

    def calls_in_progress(self, exchange: str) -> list[Call]:
        """The calls in progress, as their accounts are now."""
        accounts = self.exchanges[exchange].accounts.values()
        return [account.call() for account in accounts if not account.arrival.is_apart]

    def count_in_progress(self) -> dict[tuple[str, str], int]:
        """Calls in progress by line and state."""
        return Counter((line, account.current_state()) for _, line, account in self._on_lines())

    def _on_lines(self) -> Iterator[tuple[str, str, CallAccount]]:
        """The calls in progress on public lines, without test calls: exchange, line and account."""
        for exchange, state in self.exchanges.items():
            for account in state.accounts.values():
                if account.arrival.line is not None and not account.arrival.test:
                    yield exchange, account.arrival.line, account

    def waits(self, now: Mapping[str, datetime]) -> dict[tuple[str, str], Wait]:
        """The longest wait by line and state (ringing, queue). `now` is each exchange's time."""
        longest: dict[tuple[str, str], Wait] = {}
        for exchange, line, account in self._on_lines():
            if (state := account.current_state()) in ("ringing", "queue"):
                key, wait = (line, state), account.wait_so_far(now.get(exchange))
                if key not in longest or (wait.waited or NO_TIME) > (longest[key].waited or NO_TIME):
                    longest[key] = wait
        return longest

    def phones(self) -> dict[tuple[str, str], int]:
        """Phones by line and state (free, in_use, unreachable), for lines with at least one known phone."""
        return counted(self._phones(), lambda line: line.name)

    def service_phones(self) -> dict[tuple[tuple[str, str], str], int]:
        """Phones by service and mode, and state. A phone that serves several lines of a service counts once."""
        return counted(self._phones(), lambda line: (line.service, line.mode))

    def _phones(self) -> list[tuple[Phones, Iterable[Line], datetime | None]]:
        return [
            (x.tracker.state.phones, x.profile.lines, x.tracker.state.exchange_time)
            for x in self.exchanges.values()
        ]

    def learn_phones(self, exchange: str, dialled: Iterable[tuple[str, str, datetime | None]]) -> None:
        """Restore the phones dialled for each line before callmon stopped: (line, channel, time)."""
        for line, channel, at in dialled:
            self.exchanges[exchange].tracker.state.phones.learn(line, endpoint(channel), at)

    def learn_routes(self, exchange: str, came: Iterable[tuple[str, str, datetime | None]]) -> None:
        """Restore the trunks that carried calls before callmon stopped: (line, trunk, time)."""
        for line, trunk, at in came:
            self.exchanges[exchange].routes.learn(line, trunk, at)

    def last_calls(self) -> LastCalls:
        """When each line was last called, on any exchange."""
        latest = LastCalls()
        for state in self.exchanges.values():
            latest.restore(state.last_calls.calls, state.last_calls.tests)
        return latest

    def learn_last_calls(self, calls: Mapping[str, datetime], tests: Mapping[str, datetime]) -> None:
        """Restore the last calls and test calls stored before callmon stopped."""
        for state in self.exchanges.values():
            state.last_calls.restore(calls, tests)

    def restore(
        self,
        exchange: str,
        heard_until: datetime | None,
        calls: Mapping[str, Iterable[Fact]],
        judged: Mapping[str, Iterable[str]],
    ) -> None:
        """Restore the calls in progress when callmon stopped, from their stored facts."""
        for call, facts in calls.items():
            self.adopt_call(exchange, call, facts, judged.get(call, ()))
        self.exchanges[exchange].tracker.listing.resume(heard_until)

    def adopt_call(self, exchange: str, call: str, stored: Iterable[Fact], judged: Iterable[str]) -> None:
        """Rebuild a call in progress from these facts. Its current account is replaced (`takeover.py`)."""
        state, facts = self.exchanges[exchange], list(stored)
        before = state.accounts.get(call)
        for fact in facts:
            self._tell(state, fact)
        if (account := state.accounts.get(call)) is None:
            return
        account.judged = tuple(judged)
        if before is None or before.call() != account.call():
            resume(state.tracker.state, account, facts)
            if not account.arrival.test:
                self._opener.resume(exchange, account, facts, state.profile)

    def retell(self, exchange: str, facts: Iterable[Fact]) -> Outcome | None:
        """Judge all facts of one stored call by these settings. None when its line or arrival is unknown here."""
        stored = list(facts)
        state = self.exchanges.get(exchange) or next(iter(self.exchanges.values()), None)
        arrival = next((fact for fact in stored if isinstance(fact, f.Arrived)), None)
        if state is None or arrival is None or arrival.line is None or not state.profile.line(arrival.dialled):
            return None
        return self._conclude(exchange, ExchangeState(state.profile), stored, None, is_rejudged=True)

    def _called(self, command: CallbackCommand) -> Outcome:
        """Process an outbound call that only CEL reports, as if its events had just been received."""
        return self.follow(command.exchange, command.facts) or Outcome(command.exchange)

    def follow(self, exchange: str, facts: Iterable[Fact]) -> Outcome | None:
        """Process all facts of a call as if its events had just been received: the ledger sees it, too."""
        state = self.exchanges.get(exchange)  # None: it is no longer configured
        return None if state is None else self._conclude(exchange, ExchangeState(state.profile), list(facts), None)

    def adopt(self, older: Monitor) -> None:
        """Adopt the calls in progress and all state from the monitor of the previous configuration (SIGHUP)."""
        for exchange, state in self.exchanges.items():
            before = older.exchanges.get(exchange)
            if before is not None:
                state.accounts, state.tracker = before.accounts, before.tracker
                state.tracker.state.profile = state.profile
                state.routes, state.last_calls = before.routes, before.last_calls
                state.profile.endpoints.keep(before.profile.endpoints)
        self.ledger.adopt(older.ledger)
        self.disruptions.adopt(older.disruptions)
        self.others = older.others
        self.survey_heard = older.survey_heard

    def _has(self, standard: Standard, state: ExchangeState) -> bool:
        match standard.needs:
            case "staff":
                return bool(state.profile.staff)
            case "survey":
                return self.survey_heard or any(x.profile.survey_extensions for x in self.exchanges.values())
            case None:
                return True

    def _conclude(
        self,
        exchange: str,
        state: ExchangeState,
        facts: list[Fact],
        gap: ClosedGap | None,
        is_rejudged: bool = False,
    ) -> Outcome | None:
        emitted: list[Fact] = []
        findings: list[Finding] = []
        ended: list[Call] = []
        for fact in facts:
            account = self._tell(state, fact)
            if account is None:
                continue
            kind = type(fact)
            arrival = account.arrival
            if kind is Ended:
                del state.accounts[fact.call]
                if arrival.line is None and not arrival.is_apart:
                    self.others["stranger" if arrival.stranger else arrival.direction] += 1
            if arrival.line is None:
                apart = self._apart(exchange, state, fact, arrival)
                if not apart:
                    continue
                emitted += apart
            else:
                emitted.append(fact)
                if kind in OPENING and not is_rejudged and not arrival.test:
                    self._opener.inward(exchange, fact, account, state.profile)
            if kind in self._settled_by:
                call = account.call()
                self._judge(state, fact, account, call, self._settled_by[kind], findings)
                if kind is Ended:
                    ended.append(call)
        gaps: tuple[Gap, ...] = ()
        if gap is not None:
            self.ledger.gap(exchange, gap.start, gap.end)
            state.returned = gap
            gaps = (Gap(exchange, gap.start, gap.end),)
        written, contacts = ((), ()) if is_rejudged else self.ledger.drain()
        if not (emitted or gaps or written or contacts):
            return None
        return Outcome(exchange, tuple(emitted), tuple(findings), tuple(ended), gaps, written, contacts=contacts)

    def _apart(self, exchange: str, state: ExchangeState, fact: Fact, arrival: f.Arrived) -> list[Fact]:
        """The facts to emit of a call on no line: none, unless a callback is owed, or `every_call` is set."""
        if arrival.direction != "outbound":
            return [fact] if self._every_call else []
        emitted = self._opener.outward(exchange, fact, arrival, state.profile)
        return [fact] if self._every_call and not arrival.is_apart else emitted

    def _tell(self, state: ExchangeState, fact: Fact) -> CallAccount | None:
        if type(fact) is Arrived:
            account = state.accounts[fact.call] = self._account(state, fact)
            return account
        if type(fact) is SurveyOffered and fact.by == "dialplan":
            self.survey_heard = True
        known = state.accounts.get(fact.call)
        if known is not None:
            known.record_fact(fact)
        return known

    def _account(self, state: ExchangeState, fact: f.Arrived) -> CallAccount:
        line = state.profile.line(fact.dialled) if fact.line is not None else None
        if line is None:
            return CallAccount(fact)
        state.arrived(line, fact)
        arrived = fact.at or e.born(fact.call)
        calendar = self._calendars.get(line.name) or self._calendars.get("")
        in_hours = calendar.is_open(arrived) if calendar is not None and arrived is not None else None
        return CallAccount(fact, line.language, line.ring_cycle, in_hours)

    def _judge(
        self,
        state: ExchangeState,
        fact: Fact,
        account: CallAccount,
        call: Call,
        standards: tuple[Standard, ...],
        findings: list[Finding],
    ) -> None:
        if call.line is None or call.direction != "inbound" or call.test:
            return
        for standard in standards:
            if standard.name in account.judged or (standard.needs and not self._has(standard, state)):
                continue
            judged = standard.judge(fact, call, state.profile.staff, self.survey_heard)
            if judged is None or (judged.verdict == "unknown" and type(fact) is not f.Ended):
                continue  # it may become known by the end of the call
            if call.is_from_lesser_record:
                judged = of_imported(standard.name, judged, call)
            account.judged += (standard.name,)
            language = call.language or "unknown"
            findings.append(judged.finding(fact.call, fact.at, standard.name, call.line, language, call.in_hours))

    def _judge_obligation(self, obligation: Obligation, exchange: str, in_doubt: bool) -> tuple[Finding, ...]:
        """The verdicts that can be given on an obligation now. `exchange`: of the phone that called back."""
        state = self.exchanges.get(exchange) or next(iter(self.exchanges.values()))
        seen = Seen(in_doubt, self.ledger.rules.attempt_counts, state.profile.staff)
        found: list[Finding] = []
        for standard in self._obligation_standards:
            if standard.kind != obligation.kind or standard.name in obligation.judged:
                continue
            if standard.needs and not self._has(standard, state):
                continue
            judged = standard.verdict(obligation, seen, standard.parameters)
            if judged is not None:
                at = obligation.settled or obligation.dues.judging.at
                found.append(
                    judged.finding(
                        obligation.call, at, standard.name, obligation.line, obligation.language, in_hours=None
                    )
                )
        return tuple(found)
