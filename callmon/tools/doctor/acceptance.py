"""First-day acceptance (R-45): five scripted test calls, with the expected and the observed result of each. Pure.

A person outside makes the calls one after the other. Each call's result is printed beside the expected one, and
the call is repeated until both agree. Facts are compared, not verdicts, so that the sheet is usable in closed
hours too. The sheet has both languages: the lead signs it and the administrator reads it. Refuses: to store
anything.
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
        rings, transfers = ("sonneries", "transferts") if language == "fr" else ("rings", "transfers")
        counted = [] if self.rings is None else [f"{rings} {self.rings}"]
        return " · ".join([label("outcome", self.outcome, language), *counted, f"{transfers} {self.transfers}"])


class Script(msgspec.Struct, frozen=True):
    fr: str
    en: str
    expected: Concluded


TEXTS = tomllib.loads(files(__package__).joinpath("acceptance.toml").read_text(encoding="utf-8"))
CALLS = msgspec.convert(TEXTS["calls"], tuple[Script, ...])


class Acceptance:
    """Consumes the exchanges' bytes and prints whether each call on a line matches the next script."""

    def __init__(self, settings: Settings) -> None:
        self._monitor = Monitor(settings, token=str)
        self._framers = {name: Framer() for name in settings.exchanges}
        self._zone = settings.timezone
        self.done = 0

    @property
    def is_over(self) -> bool:
        return self.done == len(CALLS)

    def sheet(self) -> Iterator[str]:
        """The instructions, printed before any call."""
        yield from TEXTS["sheet"].splitlines()
        for number, script in enumerate(CALLS, start=1):
            yield from ("", f"{number}  {script.fr}", f"   {script.en}")
            yield from (f"   → {script.expected.text('fr')}", f"     {script.expected.text('en')}")
        yield from self._now_make()

    def _now_make(self) -> Iterator[str]:
        script, number = CALLS[self.done], self.done + 1
        yield from ("", f"Faites l'appel {number} / Make call {number}", f"   {script.fr}", f"   {script.en}")

    def heard(self, exchange: str, data: bytes) -> Iterator[str]:
        """Consume more bytes of this exchange; yield a line or two for each ended call on a line."""
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
        for language, wanted, heard in (("fr", "prévu", "entendu"), ("en", "expected", "heard")):
            yield f"     {wanted:<10}{script.expected.text(language)}"
            yield f"     {heard:<10}{observed.text(language)}"
        if not agrees:
            yield f"     Autrement que prévu : refaites l'appel {number}."
            yield f"     Not as scripted: make call {number} again."
        if not self.is_over:
            yield from self._now_make()

    def result_sheet(self) -> Iterator[str]:
        """The result, and the lines for signatures."""
        yield from ("", f"{self.done} / {len(CALLS)}")
        if self.is_over:
            yield from TEXTS["signatures"].splitlines()
