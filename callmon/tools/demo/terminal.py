"""The demonstration's terminal output: the pages' address, and a line for each ended call.

Only stored calls are printed, read back from the database. Refuses: to decrypt a caller's number.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from shutil import get_terminal_size

import click

from callmon import __version__
from callmon.config.settings import Settings
from callmon.core.calls.call import Call
from callmon.store.database import Database
from callmon.store.queries import calls
from callmon.text.labels import label

WELCOME = """\
callmon {version}: a demonstration. Nothing is installed, configured or kept.

An exchange is played from recordings of a real Asterisk, at their own speed:
about a dozen calls at once on the policy's six lines, for ever. callmon listens
to it as it would listen to yours. The callers are nobody (555-0100 to 555-0199),
and the lines are open round the clock, so that promises are judged at any hour.

    {address}/fr/        the pages, in French
    {address}/en/        and in English
    {address}/metrics    the figures
    {address}/healthz    does callmon hear the exchange and store it?

Below, each call once it is over: when it came, on which line, how it ended, how
many rings the caller heard, and whether three promises were kept: an answer by
the third ring (or the cause), voicemail only after the fourth, a person reached.
Ctrl-C stops it.
"""
# No call of the demonstration lasts longer, including its commit.
LONGEST_CALL = timedelta(minutes=5)
PROMISES = ("answer_by_third_ring", "voicemail_after_fourth_ring", "reach_a_person")
HEADINGS = ("3rd ring", "voicemail", "a person")
VERDICTS_END = 92


class Terminal:
    """Prints the ended calls of one store, each once."""

    def __init__(self, store: Database, settings: Settings) -> None:
        self._store = store
        self._shown: dict[str, datetime] = {}
        self._count = 0
        self._line_width = max(len(line.name) for line in settings.lines())
        outcomes = ("answered", "voicemail_message", "voicemail_no_message", "abandoned", "busy")
        self._outcome_width = max(len(label("outcome", outcome, "en")) for outcome in outcomes)

    def welcome(self, address: str) -> None:
        click.echo(WELCOME.format(version=__version__, address=address))
        heads = "".join(f"{heading:<11}" for heading in HEADINGS)
        click.echo(
            f"{'came':<8}  {'line':<{self._line_width}}  {'ended':<{self._outcome_width}}  rings  {heads}cause"
        )

    async def show_ended(self) -> None:
        """Print the calls that ended since the last call of this method."""
        for line in await asyncio.to_thread(self._lines):
            click.echo(_shortened(line))
            self._count += 1

    def farewell(self) -> None:
        """Print the number of calls."""
        click.echo(f"\nStopped. Calls shown: {self._count}. Nothing is kept.")

    def _lines(self) -> list[str]:
        now = datetime.now(UTC)
        since = now - LONGEST_CALL
        self._shown = {name: arrived for name, arrived in self._shown.items() if arrived > since - LONGEST_CALL}
        ended = [call for _, call in calls.stream_calls(self._store, since, now) if call.call not in self._shown]
        ended.sort(key=lambda call: call.ended or now)
        lines = [self._line(call) for call in ended]
        self._shown |= {call.call: call.arrived or now for call in ended}
        return lines

    def _line(self, call: Call) -> str:
        stored = calls.stored_calls(self._store, call.call)
        findings = {finding.standard: finding for call in stored for finding in call.findings}
        came = call.arrived.astimezone().strftime("%H:%M:%S") if call.arrived else "?"
        rings = "-" if call.rings is None else str(call.rings)
        outcome = label("outcome", call.outcome, "en")
        verdicts = [label("verdict", findings[p].verdict, "en") if p in findings else "" for p in PROMISES]
        first = findings.get(PROMISES[0])
        return (
            f"{came:<8}  {call.line or '':<{self._line_width}}  {outcome:<{self._outcome_width}}  {rings:>5}  "
            + "".join(f"{verdict:<11}" for verdict in verdicts)
            + (label("cause", first.cause, "en") if first and first.cause else "")
        ).rstrip()


def _shortened(line: str) -> str:
    """On a terminal, a long line is cut. If the terminal is too narrow for the verdicts, the line may wrap."""
    width = get_terminal_size().columns if sys.stdout.isatty() else 0
    return line[:width] if width >= VERDICTS_END else line
