"""Learns an exchange's lines, trunks, phones, voicemail and parking from its events (R-42). Pure.

Consumes the exchange's bytes; `propose` writes a first configuration from the result. Stores no caller's number:
only numbers dialled from outside, which are the ministry's own. Refuses: to guess which public number ends on
which; two numbers that arrive as one cannot be distinguished here.

A value that an exchange does not give (names of lines, which are TTY lines, languages of its menus in words) is
marked FILL IN. Comments are in the reader's language. An apparent fault at the exchange is reported as
configuration, never as a person's fault.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from statistics import median
from textwrap import wrap

from jinja2 import Environment, PackageLoader, StrictUndefined

from callmon.ami import decoding
from callmon.ami import events as e
from callmon.ami.framing import Framer
from callmon.ami.mailboxes import short
from callmon.config.exchange import ExchangeSettings
from callmon.config.lines import RING_CYCLE
from callmon.config.phone_numbers import TOLL_FREE, e164
from callmon.core.calls.endpoints import Endpoints, endpoint, extension, is_local, is_number, is_unidentified
from callmon.core.calls.language import SHORTEST_MENU
from callmon.text.labels import translate

# Limit of calls and legs in progress; a real site has a few hundred.
MAX_CALLS = 10_000
RINGING = ("RINGING", "PROGRESS")
_OUTSIDE_NUMBER = re.compile(r"(?<!\d)\+?(\d{7,15})(?!\d)")


@dataclass
class _Call:
    """The learned facts of one call in progress."""

    dialled: str
    is_inbound: bool
    language: str
    ringing: datetime | None = None
    up: datetime | None = None
    answered: bool = False
    boxed: datetime | None = None
    mailbox: str | None = None
    listens: bool = False  # to a box (VoiceMailMain)
    given: str = ""  # the language that the dialplan set before any answer
    has_menu: bool = False
    has_prompt: bool = False
    music: bool = False
    queued: bool = False
    phones: set[str] = field(default_factory=set)
    contexts: set[str] = field(
        default_factory=set
    )  # in which its line went up: a person, a menu, a queue, voicemail

    @property
    def after_ringing(self) -> datetime | None:
        """When its line went up after unanswered ringing: voicemail, if the step itself is not received."""
        return self.up if self.up and self.ringing and self.up > self.ringing else None

    def hear_music(self) -> None:
        """Music on the caller's own channel, before a person answers: it replaces ringing, except in a queue."""
        self.music = self.music or not (self.answered or self.queued)


@dataclass
class Dialled:
    """The learned facts of one number dialled from outside."""

    forms: Counter[str] = field(default_factory=Counter)
    trunks: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    mailboxes: Counter[str] = field(default_factory=Counter)
    languages: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    has_menu: bool = False  # a caller chose another language in it
    has_prompt: bool = False  # a menu or a welcome answers before any phone rings
    music: int = 0  # calls that played music while phones rang for them
    queued: int = 0
    rang: list[timedelta] = field(default_factory=list)
    mode: str = ""  # voice or tty, where a person has said it
    paths: tuple[str, ...] = ()  # where its dialplan leads, as text
    hours: set[str] = field(default_factory=set)  # from Monday to Friday, of its time conditions


@dataclass(frozen=True)
class LearnedExchange:
    """What a first configuration says of an exchange whose dialplan was read."""

    lines: dict[str, Dialled]
    trunks: set[str]
    prefixes: set[str]
    parking_extensions: set[str]
    voicemail_contexts: set[str]
    queues: set[str]
    patterns: set[str]
    region: str
    calls: None = None
    phones: frozenset[str] = frozenset()
    slots: frozenset[str] = frozenset()


class TrafficSample:
    """Consumes an exchange's bytes, and stores the facts that a configuration needs."""

    def __init__(self, region: str = "CA") -> None:
        self.region = region
        self.calls = 0
        self.lines: dict[str, Dialled] = {}
        self.phones: set[str] = set()
        self.prefixes: set[str] = set()
        self.slots: set[str] = set()
        self.queues: set[str] = set()
        self._framer = Framer()
        self._endpoints = Endpoints()
        self._calls: dict[str, _Call] = {}
        self._legs: dict[str, str] = {}  # a phone's leg, or a Local channel's: the call that it serves
        self._trunks: Counter[str] = Counter()
        self._voicemail_contexts: set[str] = set()  # contexts in which voicemail took a call
        self._rooms: set[str] = set()  # contexts in which anything else happened
        self._parked: set[str] = set()  # callers in the parking lot now
        self.parking_extensions: set[str] = set()

    @property
    def trunks(self) -> set[str]:
        return set(self._trunks) - self.phones

    @property
    def voicemail_contexts(self) -> set[str]:
        """Contexts with voicemail only: FreePBX also runs voicemail in contexts in which phones ring."""
        return self._voicemail_contexts - self._rooms - {""}

    def heard(self, data: bytes) -> bool:
        """Consume more bytes of the same connection. Returns False: never enough. No content raises an error."""
        for message in self._framer.receive(data):
            event = decoding.event(message)
            if isinstance(event, e.Event):
                self._event(event)
        return False

    def _event(self, event: e.Event) -> None:
        match event:
            case e.Newchannel():
                self._begun(event)
            case e.Newstate(state=state, uniqueid=call) if state == e.UP and call in self._calls:
                self._calls[call].up = event.at
                self._calls[call].contexts.add(event.context)
            case e.DialBegin():
                self._tried(event)
            case e.DialState(status=status) if status in RINGING and (served := self._served(event.uniqueid)):
                served.ringing = served.ringing or event.at
            case e.DialEnd(uniqueid=call, status="ANSWER") if call in self._calls:
                self._calls[call].answered = True
            case e.MusicOnHoldStart(uniqueid=call) if call in self._calls:
                self._calls[call].hear_music()
            case e.Newexten(uniqueid=call, application="VoiceMail") if call in self._calls:
                self._spoken(self._calls[call], event.language, event.at)
                self._boxed(self._calls[call], event.at, event.data.partition(",")[0])
            case e.Newexten(uniqueid=call, application="VoiceMailMain") if call in self._calls:
                self._calls[call].listens = True
            case e.MessageWaiting(uniqueid=call) if call in self._calls and not self._calls[call].listens:
                self._boxed(self._calls[call], self._calls[call].after_ringing, event.mailbox)
            case e.QueueCallerJoin(uniqueid=call) if call in self._calls:
                self._calls[call].queued = True
                self.queues.add(plain(event.queue))
                self._spoken(self._calls[call], event.language, event.at)
            case e.Hangup(uniqueid=leg):
                self._legs.pop(leg, None)
                self._parked.discard(leg)
                if (ended := self._calls.pop(leg, None)) and ended.is_inbound:
                    self._ended(ended, event)
            case e.ParkedCall():
                self.slots.add(plain(event.space))
                if len(self._parked) < MAX_CALLS:
                    self._parked.add(event.parkee)
            case e.UnParkedCall() | e.ParkedCallTimeOut():
                self._parked.discard(event.parkee)
            case e.BlindTransfer(transferee=caller) if caller in self._parked:
                self.parking_extensions.add(event.extension)  # it parked the caller: ParkedCall comes before it

    def _served(self, leg: str) -> _Call | None:
        """The call that dials by this channel: its own, or the call that a Local channel serves."""
        return self._calls.get(leg) or self._calls.get(self._legs.get(leg, ""))

    def _begun(self, event: e.Newchannel) -> None:
        if event.uniqueid != event.linkedid:
            if event.linkedid in self._calls and len(self._legs) < MAX_CALLS:
                self._legs[event.uniqueid] = event.linkedid
            return
        if event.state != "4" or not event.exten or len(self._calls) >= MAX_CALLS:
            return
        if is_unidentified(event.channel, event.context):
            return  # proposed as a trunk, it would make strangers' calls count
        is_inbound = self._endpoints.is_outside_caller(event.channel, event.caller) and not is_local(event.channel)
        self._calls[event.uniqueid] = _Call(event.exten, is_inbound, event.language)
        if is_inbound:
            self.calls += 1
            self._trunks[pattern(event.channel)] += 1
            line = self._line(event.exten)
            line.forms[plain(event.exten)] += 1
            line.trunks.add(pattern(event.channel))
        else:
            self.phones.add(pattern(event.channel))

    def _tried(self, event: e.DialBegin) -> None:
        call = self._served(event.uniqueid)
        if event.uniqueid in self._calls:
            self._spoken(self._calls[event.uniqueid], event.language, event.at)
        if is_local(event.dest_channel) or not event.dest_channel:
            return
        if not self._endpoints.is_outside_dialled(event.dest_channel, event.dial_string):
            self.phones.add(pattern(event.dest_channel))
            name = extension(event.dest_channel)
            if call and not call.answered and not is_number(name):
                call.phones.add(name)
            return
        self._trunks[pattern(event.dest_channel)] += 0  # listed although it may never bring a call in
        number = _OUTSIDE_NUMBER.search(event.dial_string)
        if call and number and not call.is_inbound and call.dialled.endswith(number[1]):
            self.prefixes.add(call.dialled.removesuffix(number[1]))

    def _spoken(self, call: _Call, language: str, at: datetime | None) -> None:
        """A language other than the first: chosen in a menu, or set by the dialplan before any answer."""
        if call.up and at and not call.ringing and at - call.up >= SHORTEST_MENU:
            call.has_prompt = True
        if language and call.language and language != call.language and not call.answered:
            call.has_menu = call.has_menu or bool(call.contexts)
            call.given = call.given or ("" if call.contexts else language)

    def _boxed(self, call: _Call, at: datetime | None, mailbox: str) -> None:
        call.boxed = call.boxed or at
        call.mailbox = call.mailbox or short(mailbox.partition("&")[0])

    def _ended(self, call: _Call, event: e.Hangup) -> None:
        line = self._line(call.dialled)
        line.languages |= {plain(event.language)} - {""}
        line.phones |= call.phones
        line.given.add(call.given)
        line.has_menu = line.has_menu or call.has_menu
        line.has_prompt = line.has_prompt or call.has_prompt
        line.music += call.music and bool(call.phones)
        line.queued += call.queued
        if call.mailbox is None or call.answered:
            self._rooms |= call.contexts
        (self._rooms if call.mailbox is None else self._voicemail_contexts).add(event.context)
        if call.mailbox is not None:
            line.mailboxes[call.mailbox] += 1
            if call.ringing and call.boxed and not call.answered:
                line.rang.append(call.boxed - call.ringing)

    def _line(self, dialled: str) -> Dialled:
        key = e164(dialled, self.region) or plain(dialled)
        if key not in self.lines and len(self.lines) >= MAX_CALLS:
            return Dialled()
        return self.lines.setdefault(key, Dialled())


def pattern(channel: str) -> str:
    """The endpoint, without a number that some channel drivers include in it (DAHDI/i1/4165550101-1)."""
    return re.sub(r"\+?\d{7,}", "*", plain(endpoint(channel)))


def plain(text: str) -> str:
    """The text without characters that could end a comment or a line of the file."""
    return "".join(c if c.isprintable() else "?" for c in text)


WIDTH = 100
_GRACE = timedelta(milliseconds=500)  # a dial time-out of 24 s arrives at 24.02 s
_ALIKE = timedelta(seconds=1)


def propose(
    sample: TrafficSample | LearnedExchange,
    name: str,
    exchange: ExchangeSettings | None = None,
    language: str = "en",
) -> str:
    said = partial(_proposal_text, language)
    # A channel that dials in is a trunk, unless it proved to be an internal phone that shows a long number.
    lines = {key: line for key, line in sorted(sample.lines.items()) if line.trunks - sample.phones}
    templates = Environment(
        loader=PackageLoader("callmon.tools.doctor", ""),
        autoescape=False,  # the text is TOML
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters |= {
        "text": _text,
        "array": lambda values: f"[{', '.join(map(_text, sorted(values)))}]",
        "comment": _comment,
        "counted": lambda forms: ", ".join(f"{form} ({n})" if n else form for form, n in sorted(forms.items())),
        "is_number": e164,
        "ring_time": partial(_ring_time, said),
        "two_letters": lambda languages: {language[:2].lower() for language in languages},
    }
    has_toll_free = any(key.removeprefix("+1")[:3] in TOLL_FREE for key in lines if key.startswith("+1"))
    return templates.get_template("proposal.jinja").render(
        heard=sample,
        name=name,
        exchange=exchange,
        lines=lines,
        has_toll_free=has_toll_free,
        said=said,
        fill_in=said("FILL IN"),
        colon=said(": "),
    )


def _proposal_text(language: str, english: str, **values: object) -> str:
    """A text of the proposal. A length is in seconds to the tenth, without its unit."""
    seconds = {name: f"{x.total_seconds():.1f}" for name, x in values.items() if isinstance(x, timedelta)}
    if language == "fr":
        seconds = {name: text.replace(".", ",") for name, text in seconds.items()}
    return translate(english, language).format(**values | seconds)


def _ring_time(said: Callable[..., str], line: Dialled) -> Iterator[str]:
    """How long phones ring before voicemail: reported as configuration, never as a person's fault."""
    if not line.rang:
        return
    typical = timedelta(seconds=median(length.total_seconds() for length in line.rang))
    full = (typical + _GRACE) // RING_CYCLE
    least, most = min(line.rang), max(line.rang)
    between = "" if most - least < _ALIKE else said(" (from {least} s to {most} s)", least=least, most=most)
    yield said(
        "Voicemail took {count} of its calls after {typical} s{between}: {full} full rings.",
        count=len(line.rang),
        typical=typical,
        between=between,
        full=full,
    )
    if full != 4:
        yield said("The policy has voicemail after the fourth ring (24 s): set the exchange's ring time.")


def _comment(text: str, indent: str = "") -> str:
    return "\n".join(
        wrap(text, WIDTH, initial_indent="# ", subsequent_indent=f"# {indent}", break_on_hyphens=False)
    )


def _text(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)
