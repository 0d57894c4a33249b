"""First-day acceptance (R-45): five scripted test calls, with the expected and the observed result of each. Pure.

A person outside makes the calls one after the other. Each call's result is printed beside the expected one, and
the call is repeated until both agree. Facts are compared, not verdicts, so that the sheet is usable in closed
hours too. The sheet is in the reader's language; the lead signs it. Refuses: to store anything.
"""

import tomllib
from collections.abc import Iterator
from importlib.resources import files

import msgspec

from callmon.ami import decoding
from callmon.ami import events as e
from callmon.ami.framing import Framer
from callmon.config.settings import Settings
from callmon.core.calls.call import Call
from callmon.core.monitor import Monitor
from callmon.text.labels import label


class Concluded(msgspec.Struct, frozen=True):
    """The compared facts of a call. `rings` is None if the script does not fix them."""

    outcome: str
    transfers: int = 0
    rings: int | None = None

    def agrees(self, observed: "Concluded") -> bool:
        rings = observed.rings if self.rings is not None else None
        return (self.outcome, self.transfers, self.rings) == (observed.outcome, observed.transfers, rings)

    def text(self, language: str) -> str:
        words = TEXTS[language]
        counted = [] if self.rings is None else [f"{words['rings']} {self.rings}"]
        counted.append(f"{words['transfers']} {self.transfers}")
        return " · ".join([label("outcome", self.outcome, language), *counted])


class Script(msgspec.Struct, frozen=True):
    fr: str
    en: str
    expected: Concluded


TEXTS = tomllib.loads(files(__package__).joinpath("acceptance.toml").read_text(encoding="utf-8"))
CALLS = msgspec.convert(TEXTS["calls"], tuple[Script, ...])


class Acceptance:
    """Consumes the exchanges' bytes and prints whether each call on a line matches the next script."""

    def __init__(self, settings: Settings, language: str) -> None:
        self._language, self._words = language, TEXTS[language]
        self._monitor = Monitor(settings, token=str)
        self._framers = {name: Framer() for name in settings.exchanges}
        self._zone = settings.timezone
        self.done = 0

    @property
    def is_over(self) -> bool:
        return self.done == len(CALLS)

    def sheet(self) -> Iterator[str]:
        """The instructions, printed before any call."""
        yield from self._words["sheet"].splitlines()
        for number, script in enumerate(CALLS, start=1):
            yield from ("", f"{number}  {self._text_of(script)}", f"   → {script.expected.text(self._language)}")
        yield from self._now_make()

    def _text_of(self, script: Script) -> str:
        return script.fr if self._language == "fr" else script.en

    def _now_make(self) -> Iterator[str]:
        yield from ("", self._words["make"].format(number=self.done + 1), f"   {self._text_of(CALLS[self.done])}")

    def heard(self, exchange: str, data: bytes) -> Iterator[str]:
        """Consume more bytes of this exchange; yield what came out for each ended call on a line."""
        for message in self._framers[exchange].receive(data):
            event = decoding.event(message)
            if isinstance(event, e.Event) and (outcome := self._monitor.feed(exchange, event)):
                for call in outcome.calls:
                    yield from self._ended(call)

    def _ended(self, call: Call) -> Iterator[str]:
        if self.is_over or call.line is None or call.direction != "inbound":
            return
        script, number = CALLS[self.done], self.done + 1
        observed = Concluded(call.outcome or "unknown", len(call.transfers), call.rings)
        at = call.arrived.astimezone(self._zone).strftime("%H:%M:%S") if call.arrived else "--:--:--"
        agrees = script.expected.agrees(observed)
        self.done += agrees
        yield from ("", f"{'✓' if agrees else '✗'} {number}  {at}  {call.line}")
        for word, concluded in (("expected", script.expected), ("heard", observed)):
            yield f"     {self._words[word]:<10}{concluded.text(self._language)}"
        if not agrees:
            yield f"     {self._words['again'].format(number=number)}"
        if not self.is_over:
            yield from self._now_make()

    def result_sheet(self) -> Iterator[str]:
        """The result, and the lines for signatures."""
        yield from ("", f"{self.done} / {len(CALLS)}")
        if self.is_over:
            yield from self._words["signatures"].splitlines()
