"""A first configuration from what an exchange said (R-42): its lines, trunks, phones, voicemail, parking. Pure.

Takes the exchange's bytes, as they come. What only people know (names of lines, services) is marked FILL IN.
Writes no caller's number: only what was dialled from outside, which is the ministry's own. Refuses to guess
which public number ends on which: two numbers that arrive as one cannot be told apart here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from callmon.ami import decoding
from callmon.ami import events as e
from callmon.ami.protocol import Framer
from callmon.calls.endpoints import Endpoints, endpoint, is_local
from callmon.exchange_settings import ExchangeSettings
from callmon.lines import RING_CYCLE
from callmon.numbers import e164

FILL_IN = "FILL IN / À REMPLIR"
# Calls in progress that are remembered; at any real site they are a few hundred.
MAX_CALLS = 10_000
_OUTSIDE_NUMBER = re.compile(r"(?<!\d)\+?(\d{7,15})(?!\d)")
_GRACE = timedelta(milliseconds=500)  # a dial time-out of 24 s comes at 24.02 s


@dataclass
class _Call:
    """One call in progress, as far as it matters here."""

    dialled: str
    is_inbound: bool
    ringing: datetime | None = None
    answered: bool = False
    boxed: datetime | None = None
    mailbox: str | None = None
    languages: set[str] = field(default_factory=set)


@dataclass
class _Dialled:
    """What is known of one number that was dialled from outside."""

    forms: Counter[str] = field(default_factory=Counter)
    trunks: set[str] = field(default_factory=set)
    mailboxes: Counter[str] = field(default_factory=Counter)
    languages: set[str] = field(default_factory=set)
    rang: list[timedelta] = field(default_factory=list)


class Listening:
    """Hears an exchange's bytes; `proposal` says what to write of it."""

    def __init__(self, region: str = "CA") -> None:
        self._region = region
        self._framer = Framer()
        self._endpoints = Endpoints()
        self._calls: dict[str, _Call] = {}
        self._lines: dict[str, _Dialled] = {}
        self._trunks: Counter[str] = Counter()
        self._phones: set[str] = set()
        self._prefixes: set[str] = set()
        self._contexts: set[str] = set()
        self._parked: set[str] = set()
        self._sent: dict[str, str] = {}
        self._slots: set[str] = set()
        self.calls = 0

    def heard(self, data: bytes, now: float = 0.0) -> None:
        """More bytes of the same connection. Never raises on what they hold."""
        for message in self._framer.receive(data):
            event = decoding.event(message)
            if isinstance(event, e.Event):
                self._event(event)

    def proposal(self, name: str, exchange: ExchangeSettings | None = None) -> str:
        """A configuration to begin with."""
        return "\n".join([*self._head(), "", *self._exchange(name, exchange), "", *self._all_lines(), ""])

    # --- hearing ----------------------------------------------------------------------------------

    def _event(self, event: e.Event) -> None:
        match event:
            case e.Newchannel():
                self._begun(event)
            case e.DialBegin():
                self._tried(event)
            case e.DialState(uniqueid=call, status="RINGING" | "PROGRESS") if call in self._calls:
                self._calls[call].ringing = self._calls[call].ringing or event.at
            case e.DialEnd(uniqueid=call, status="ANSWER") if call in self._calls:
                self._calls[call].answered = True
            case e.Newexten(uniqueid=call) if call in self._calls:
                self._boxed(self._calls[call], event.at, event.data.partition(",")[0])
            case e.MessageWaiting(uniqueid=call) if call in self._calls:
                self._boxed(self._calls[call], None, event.mailbox)
            case e.Hangup(uniqueid=call) if call in self._calls:
                self._ended(self._calls.pop(call), event)
            case e.ParkedCall():
                self._parked.add(event.parkee)
                self._slots.add(_plain(event.space))
            case e.BlindTransfer(transferee=caller) if len(self._sent) < MAX_CALLS:
                # A transfer to the parking extension is no transfer; ParkedCall comes before it.
                self._sent[caller] = event.extension
            case _:
                pass

    def _begun(self, event: e.Newchannel) -> None:
        if (
            event.uniqueid != event.linkedid
            or event.state != "4"
            or not event.exten
            or len(self._calls) >= MAX_CALLS
        ):
            return
        is_inbound = self._endpoints.is_outside_caller(event.channel, event.caller) and not is_local(event.channel)
        self._calls[event.uniqueid] = _Call(event.exten, is_inbound)
        if is_inbound:
            self.calls += 1
            self._trunks[_pattern(event.channel)] += 1
            line = self._line(event.exten)
            line.forms[_plain(event.exten)] += 1
            line.trunks.add(_pattern(event.channel))
        else:
            self._phones.add(_pattern(event.channel))

    def _tried(self, event: e.DialBegin) -> None:
        if is_local(event.dest_channel) or not event.dest_channel:
            return
        if not self._endpoints.is_outside_dialled(event.dest_channel, event.dial_string):
            self._phones.add(_pattern(event.dest_channel))
            return
        self._trunks[_pattern(event.dest_channel)] += 0  # heard of; it may never bring a call in
        call, number = self._calls.get(event.uniqueid), _OUTSIDE_NUMBER.search(event.dial_string)
        if call and number and not call.is_inbound and call.dialled.endswith(number[1]):
            self._prefixes.add(call.dialled.removesuffix(number[1]))

    def _boxed(self, call: _Call, at: datetime | None, mailbox: str) -> None:
        call.boxed = call.boxed or at
        call.mailbox = call.mailbox or mailbox.partition("@")[0]

    def _ended(self, call: _Call, event: e.Hangup) -> None:
        if not call.is_inbound:
            return
        line = self._line(call.dialled)
        if event.language:
            line.languages.add(_plain(event.language))
        if call.mailbox is None:
            return
        line.mailboxes[call.mailbox] += 1
        if event.context and not call.answered:
            self._contexts.add(event.context)
        if call.ringing and call.boxed and not call.answered:
            line.rang.append(call.boxed - call.ringing)

    def _line(self, dialled: str) -> _Dialled:
        key = e164(dialled, self._region) or _plain(dialled)
        if key not in self._lines and len(self._lines) >= MAX_CALLS:
            return _Dialled()
        return self._lines.setdefault(key, _Dialled())

    # --- telling ----------------------------------------------------------------------------------

    def _head(self) -> Iterator[str]:
        yield f"# Proposed by callmon doctor --listen from {self.calls} calls from outside."
        yield f"# Whatever says {FILL_IN} only you can know. Then: callmon check --config callmon.toml"
        yield ""
        yield f"region = {_text(self._region)}"

    def _exchange(self, name: str, exchange: ExchangeSettings | None) -> Iterator[str]:
        yield f"[exchanges.{name}]"
        yield f"host = {_text(exchange.host if exchange else '127.0.0.1')}" + (
            "" if exchange else f"  # {FILL_IN}"
        )
        if exchange:
            yield f"port = {exchange.port}"
            yield from (("tls = true",) if exchange.tls else ())
            yield from ((f"ca_file = {_text(str(exchange.ca_file))}",) if exchange.ca_file else ())
        yield f"username = {_text(exchange.username if exchange else 'callmon')}"
        yield _secret(exchange)
        yield from self._endpoints_told()
        if self._contexts:
            yield f"voicemail_contexts = {_list(self._contexts)}"
        if parking := {self._sent[call] for call in self._parked if call in self._sent}:
            yield f"parking_extensions = {_list(parking)}"
        if self._slots:
            yield f"# parked calls waited at {', '.join(sorted(self._slots))}"
        if prefixes := self._prefixes - {""}:
            yield f"dial_prefixes = {_list(prefixes)}"

    def _endpoints_told(self) -> Iterator[str]:
        if trunks := set(self._trunks) - self._phones:
            yield f"trunks = {_list(trunks)}"
        else:
            yield f'trunks = ["PJSIP/trunk*"]  # {FILL_IN}: no call came in'
        yield f"# phones heard: {', '.join(sorted(self._phones)) or 'none'}"

    def _all_lines(self) -> Iterator[str]:
        yield "[services.service]"
        yield from _titles()
        # Who dials in is a trunk, unless it turned out to be a phone of the house that shows a long number.
        lines = {key: line for key, line in sorted(self._lines.items()) if line.trunks - self._phones}
        for number, (key, line) in enumerate(lines.items(), start=1):
            yield ""
            yield from self._one_line(f"line-{number}", key, line)
        if not lines:
            yield ""
            yield f"# {FILL_IN}: no call came from outside, so no line is known. Listen for longer, or call one."

    def _one_line(self, name: str, key: str, line: _Dialled) -> Iterator[str]:
        heard = ", ".join(f"{form} ({count})" for form, count in sorted(line.forms.items()))
        yield f"[lines.{name}]  # delivered as: {heard}"
        yield f'mode = "voice"  # or "tty"; {FILL_IN}'
        yield 'service = "service"'
        if e164(key, self._region):
            yield f"numbers = [{_text(key)}]"
            yield "# Does another public number end here too (a toll-free one)? Both then arrive as this one and"
            yield "# cannot be told apart: ask the carrier for a DID of its own, and put it in arrives_as."
        else:
            yield f"arrives_as = [{_text(key)}]  # {FILL_IN}: numbers, the public ones that end here"
        yield from _titles()
        yield from _ring_time(line)
        if line.mailboxes:
            yield f"mailboxes = {_list(line.mailboxes)}"
        if line.languages:
            yield f"# channel languages heard: {', '.join(sorted(line.languages))}"


def proposal(
    chunks: Iterable[bytes], name: str = "exchange", exchange: ExchangeSettings | None = None, region: str = "CA"
) -> str:
    """A first configuration from an exchange's bytes (a recording, or what was heard)."""
    listening = Listening(region)
    for chunk in chunks:
        listening.heard(chunk)
    return listening.proposal(name, exchange)


def _ring_time(line: _Dialled) -> Iterator[str]:
    """How long phones ring before voicemail: reported as configuration, before anybody is blamed."""
    if not line.rang:
        return
    typical = timedelta(seconds=median(length.total_seconds() for length in line.rang))
    full = (typical + _GRACE) // RING_CYCLE
    seconds = f"{typical.total_seconds():.1f} s"
    yield f"# Voicemail took {len(line.rang)} of its calls after {seconds}: {full} full rings."
    if full != 4:
        yield "# The policy has voicemail after the fourth ring (24 s): look at the exchange's ring time first."


def _secret(exchange: ExchangeSettings | None) -> str:
    if exchange and exchange.secret_env:
        return f"secret_env = {_text(exchange.secret_env)}"
    if exchange and exchange.secret_file:
        return f"secret_file = {_text(str(exchange.secret_file))}"
    return f'secret_file = "/etc/callmon/ami.secret"  # {FILL_IN}'


def _titles() -> Iterator[str]:
    yield f"title_fr = {_text(FILL_IN)}"
    yield f"title_en = {_text(FILL_IN)}"


def _pattern(channel: str) -> str:
    """The endpoint, without a number that some channel drivers put into it (DAHDI/i1/4165550101-1)."""
    return re.sub(r"\+?\d{7,}", "*", _plain(endpoint(channel)))


def _plain(text: str) -> str:
    """Nothing that could end a comment or a line of the file."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, sorted(values)))}]"
