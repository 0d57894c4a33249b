"""Triggers: pass facts to the ledger that open obligations, settle them, or may pay them. Pure.

An obligation is opened by a message, by a request, or by an agent who marks a complaint. A call in voicemail whose
message is not known opens one too; so does an abandoned call, by a setting. Only inbound calls on public lines
open obligations.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from callmon.ami.events import born
from callmon.config.phone_numbers import e164
from callmon.core import facts as f
from callmon.core.callbacks.entries import Hidden, Opening
from callmon.core.callbacks.ledger import Ledger
from callmon.core.callbacks.obligation import Message
from callmon.core.calls.account import CallAccount
from callmon.core.calls.call import Call, language_label
from callmon.core.calls.endpoints import extension
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.facts import Arrived, Fact

OPENED_BY = (
    f.MessageLeft, f.CallbackRequested, f.ComplaintMade, f.Answered, f.PersonJoined, f.NumberWithheld, f.Ended
)  # fmt: skip
SHORT = 7  # digits: fewer are an extension of the exchange


class LedgerTriggers:
    """Opens and settles obligations in the ledger by the facts of calls."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def inward(self, exchange: str, fact: Fact, account: CallAccount, profile: ExchangeProfile) -> None:
        """Process a fact of a call on a public line, one of `OPENED_BY`."""
        at = fact.at or born(fact.call)
        if at is None:
            return  # without any time nothing can be due
        match fact:
            case f.Ended():
                self._ended(exchange, account, profile, at)
            case f.Answered() | f.PersonJoined():
                self._reached(exchange, account, profile, at)
            case f.MessageLeft():
                self._owe(exchange, account, profile, at, "message")
            case f.CallbackRequested():
                self._owe(exchange, account, profile, at, "request", fact)
            case f.ComplaintMade():
                self._owe(exchange, account, profile, at, "agent")
            case f.NumberWithheld():
                self._ledger.hide(exchange, fact.call)
            case _:
                pass

    def _reached(self, exchange: str, account: CallAccount, profile: ExchangeProfile, at: datetime) -> None:
        ledger, arrival = self._ledger, account.arrival
        if arrival.line is None or not (ledger.shares or len(ledger.index)):
            return
        token, _ = self._who(arrival, profile)
        if token is not None and (ledger.shares or ledger.index.has_token(token)):
            ledger.reached_us(token, arrival.line, at, (exchange, arrival.call))

    def _ended(self, exchange: str, account: CallAccount, profile: ExchangeProfile, at: datetime) -> None:
        """Open an obligation when a message may have been left; by a setting, also for an abandoned call."""
        after = self._ledger.rules.abandoned_after
        took = account.voicemail
        if account.message is None and account.may_have_left_message():
            since = (took.at if took is not None else None) or account.arrival.at or at
            self._owe(exchange, account, profile, since, "unheard")
        elif after is not None:
            call = account.call()
            if call.outcome == "abandoned" and call.waited is not None and call.waited.shortest >= after:
                self._owe(exchange, account, profile, at, "abandoned")

    def outward(self, exchange: str, fact: Fact, arrival: Arrived, profile: ExchangeProfile) -> list[Fact]:
        """Process a fact of an outbound call. Returns the facts to emit: none while no obligation matches it."""
        key = exchange, fact.call
        outbound = self._ledger.outbound_calls.get(key)
        was_waited_for = outbound is not None and outbound.is_waited_for
        if not self._ledger.outward(exchange, fact, partial(called, arrival, profile)):
            return []
        return [fact] if was_waited_for or fact is arrival else [arrival, fact]

    def resume(self, exchange: str, account: CallAccount, facts: Iterable[Fact], profile: ExchangeProfile) -> None:
        """Resume an outbound call in progress when callmon stopped. Its result so far is in the ledger."""
        if account.arrival.direction != "outbound":
            return
        number, phone = called(account.arrival, profile)
        for fact in facts:
            self._ledger.outward(exchange, fact, lambda: (number or "", phone))
        outbound = self._ledger.outbound_calls.get((exchange, account.arrival.call))
        if outbound is not None:
            outbound.is_waited_for = True  # its end must be emitted, too

    def _owe(
        self,
        exchange: str,
        account: CallAccount,
        profile: ExchangeProfile,
        at: datetime,
        opening: Opening,
        request: f.CallbackRequested | None = None,
    ) -> None:
        """Open an obligation to this caller. A number given in the request replaces the caller's own."""
        arrival, language = account.arrival, account.language
        token, hidden = self._who(arrival, profile)
        if request is not None:
            language = language or request.language
            if request.number is not None:
                token, hidden = self._ledger.token(request.number), None
        message = Message(exchange, arrival.call, at, arrival.line or "", language_label(language), opening)
        self._ledger.owe(message, "complaint" if opening == "agent" else "callback", token, hidden)

    def _who(self, arrival: Arrived, profile: ExchangeProfile) -> tuple[str | None, Hidden | None]:
        hidden = hidden_of(arrival, profile.region, self._ledger.terms.own_numbers)
        if hidden is not None or arrival.caller is None:
            return None, hidden
        return self._ledger.token(arrival.caller), None


def hidden_of(arrival: Arrived | Call, region: str, own: frozenset[str]) -> Hidden | None:
    """Why this caller cannot be called back; None when a callback is possible (R-48, R-51)."""
    if arrival.withheld is not None:
        return "unknown" if arrival.withheld == "unknown" else "withheld"
    if arrival.relay:
        return "relay"
    number = e164(arrival.caller or "", region)
    if number is None:
        digits = arrival.caller or ""
        return "internal" if digits.isdigit() and len(digits) < SHORT else "unparsable"
    return "internal" if number in own else None


def called(arrival: Arrived, profile: ExchangeProfile) -> tuple[str | None, str]:
    """The number that an outbound call dials, in E.164 without the dial prefix, and the calling phone.

    None: no number that a caller can have. "": not known, since a code was dialled, and a gap hid for what.
    """
    phone = "" if arrival.person_first else extension(arrival.channel)  # the one that is joined with the person
    number = e164(arrival.dialled, profile.region, profile.dial_prefixes)
    return number or (None if arrival.dialled.removeprefix("+").isdigit() else ""), phone
