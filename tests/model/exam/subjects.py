"""The recorded calls: their messages, their moments, what CEL tells of them, and what is true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from callmon.ami import decoding
from callmon.ami import events as e
from callmon.backfill.cel.rows import CelRow
from callmon.config.settings import Settings, example, example_text, parse
from callmon.core.calls.call import Call
from callmon.core.facts import Fact
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.tools.replay import Replay
from tests.lab.recordings import cut
from tests.recordings.test_cel import reported, rows_of
from tests.recordings.test_recordings import NAMES, RECORDINGS
from tests.recordings.test_traces import NAMES as TRACE_NAMES
from tests.recordings.test_traces import TRACES, concluding, expected, truth
from tests.support import whole_runs
from tests.support.ami_builders import replayed
from tests.support.cut_recordings import Recording
from tests.support.scripted_truth import unlike

# It begins when the call was up already: nobody heard the whole of it.
NEVER_WHOLE = "ami_connect_midcall"
# Heard by a second listener, which was not cut off.
HEARD_BY_CALLMON = "ami_drop_midcall"
# What joins them is not in their own ids: a second call, a conference.
APART = ("hairpin", "hairpin_from_menu", "conference")
# An application calls a phone: `PhoneRang` is emitted at the join. A listener that starts before it has none.
KNOWN_AT_THE_JOIN = "stasis_without_originator"
# Nor in whole runs: a transfer to a conference.
NOT_OF_WHOLE = (*APART, "transfer_to_conference")
# A phone that gives no sign at all: CEL takes it to ring.
SILENT = "phones_silent"
RUNS = (("run-16", "run-16"), ("run-22-apart", "run-22"), ("run-22-boxes", "run-22-boxes"))
# Voicemail that only CEL and a listing tell: of a call that was received throughout, it is not known.
KNOWN_BY_CEL = ("waiting_caller_sent_to_a_box_leaves", "box_within_execif_left")
# That there is no such box shows at the end alone: a gap that hides the end leaves the verdict of the taking.
SHOWN_BY_THE_END = "box_that_does_not_exist"
OF_WHOLE = 10  # of each whole run (`whole_runs`) every tenth call, other ones of each
FRENCH_LINES = example_text().replace("language_menu = true", 'language = "fr"')
FRENCH = ("poci_answered", "menu_english", "queue_abandon", "tollfree_answered")
OPEN = int(datetime(2026, 11, 24, 16, tzinfo=UTC).timestamp())  # a Tuesday, 11:00 in Toronto
EPOCHS = re.compile(rb"\b1[789]\d{8}(?=\.\d)")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Diary = dict[str, list[Fact]]


class SaidOfCall(NamedTuple):
    """What callmon says of one call."""

    call: Call
    verdicts: dict[str, str]


def said_of(outcome: Outcome) -> SaidOfCall:
    """What a retold call's outcome says."""
    return SaidOfCall(outcome.calls[0], {finding.standard: finding.verdict for finding in outcome.findings})


@dataclass
class Subject:
    """One recording. `moments`: the number of the message before which each lies, and the end."""

    name: str
    recording: Recording
    events: list[e.Event]
    moments: list[int]
    rows: Sequence[CelRow]
    diary: Diary
    true: dict[str, SaidOfCall]
    settings: Settings

    @cached_property
    def retelling(self) -> Monitor:
        """It judges stored facts."""
        return Monitor(self.settings, "toronto", token=str)

    def time(self, message: int) -> datetime:
        """When the message before this one was said."""
        at = e.instant(self.recording.times[message - 1]) if message > 0 else None
        return at or e.instant(self.recording.times[self.recording.first]) or EPOCH


def said_in(replay: Replay) -> dict[str, SaidOfCall]:
    """What a replay says of every call that it heard of."""
    calls = [*replay.ended, *replay.monitor.calls_in_progress("toronto")]
    return {
        call.call: SaidOfCall(call, {x.standard: x.verdict for x in replay.findings.get(call.call, ())})
        for call in calls
    }


def subject(
    name: str, stream: bytes, rows: Sequence[CelRow], diary: Diary, settings: Settings | None = None
) -> Subject:
    settings = settings or example()
    recording = Recording.of(stream)
    decoded = [decoding.event(block) for block in recording.blocks]
    read = [n for n, one in enumerate(decoded) if isinstance(one, e.Event) and n >= recording.first]
    events = [one for n, one in enumerate(decoded) if isinstance(one, e.Event) and n >= recording.first]
    ids = {head.get("Uniqueid") for head in recording.heads}
    true = {
        own: said
        for own, said in said_in(replayed(stream, settings=settings)).items()
        if said.call.direction == "inbound"
    }
    own_rows = [row for row in rows if row.uniqueid in ids]
    known = {} if SILENT in name else {call: diary[call] for call in true if call in diary}
    return Subject(name, recording, events, [*read, len(recording.blocks)], own_rows, known, true, settings)


@lru_cache
def _rows(run: str) -> tuple[CelRow, ...]:
    return whole_runs.rows(run) if run in whole_runs.RUNS else tuple(rows_of(RECORDINGS / f"{run}.cel.csv"))


@lru_cache
def _diary(run: str) -> Diary:
    return reported(_rows(run), example())


@lru_cache
def _stream(run: str) -> bytes:
    return whole_runs.stream(run) if run in whole_runs.RUNS else (RECORDINGS / f"{run}.ami").read_bytes()


def scripted(name: str) -> list[dict[str, Any]]:
    if name in whole_runs.RUNS:
        return whole_runs.truth(name)
    said: list[dict[str, Any]] = json.loads((RECORDINGS / f"{name}.truth.json").read_text(encoding="utf-8"))
    return said


def _is_as_scripted(stream: bytes, made: list[dict[str, Any]]) -> bool:
    """A listener of the whole recording concludes what people did."""
    calls = [(call["situation"], call["linkedid"], call["expect"]) for call in made]
    ids = {own for _, own, _ in calls}
    return unlike(calls, [call for call in replayed(stream).calls() if call["call"] in ids]) == []


def of_recording(name: str) -> Subject:
    """One situation of Asterisk 22."""
    stream, run = (RECORDINGS / f"{name}.ami").read_bytes(), _log_of(name)
    assert _is_as_scripted(stream, scripted(name)), name
    return subject(name, stream, _rows(run), _diary(run))


def of_french_line(name: str) -> Subject:
    """The same, where the line is for calls in French and the channel says `en`."""
    stream, run = (RECORDINGS / f"{name}.ami").read_bytes(), _log_of(name)
    return subject(f"french/{name}", stream, _rows(run), _diary(run), parse(FRENCH_LINES))


def _log_of(name: str) -> str:
    """The CEL of a recording: its own, or that of the run that most were cut from."""
    return name if (RECORDINGS / f"{name}.cel.csv").exists() else "run-22"


def of_trace(name: str) -> Subject:
    file = "ami-callmon.raw" if name == HEARD_BY_CALLMON else "ami.raw"
    stream, rows = (TRACES / name / file).read_bytes(), rows_of(TRACES / name / "cel.csv")
    assert [concluding(call) for call in replayed(stream).calls()] == [expected(x) for x in truth(name)], name
    return subject(f"traces/{name}", stream, rows, reported(rows, example()))


def of_run(run: str, diary: str, call: dict[str, Any]) -> Subject:
    """One call of a mixed run."""
    return _one_of(_stream(run), run, _rows(diary), _diary(diary), call)


def _one_of(whole: bytes, run: str, rows: Sequence[CelRow], diary: Diary, call: dict[str, Any]) -> Subject:
    stream = cut(whole, call["linkedid"])
    assert _is_as_scripted(stream, [call]), call
    return subject(f"{run}/{call['situation']}/{call['linkedid']}", stream, rows, diary)


def calls_of_folder(run: Path) -> Iterator[Subject]:
    """The public's calls of what `python -m tests.lab` wrote, moved into opening hours: all are judged."""
    calls = json.loads((run / "truth.json").read_text(encoding="utf-8"))
    ahead = OPEN - int(float(next(call["linkedid"] for call in calls if call["linkedid"])))
    whole, cel, moved_calls = (_moved(run / name, ahead) for name in ("ami-callmon.raw", "cel.csv", "truth.json"))
    with TemporaryDirectory() as place:
        rows_file = Path(place) / "cel.csv"
        rows_file.write_bytes(cel)
        rows = tuple(rows_of(rows_file))
    diary = reported(rows, example())
    for call in json.loads(moved_calls):
        if call["expect"].get("direction") == "inbound":
            yield _one_of(whole, run.name, rows, diary, call)


def _moved(path: Path, seconds: int) -> bytes:
    """The file with all its moments, ids too, so many seconds later."""
    return EPOCHS.sub(lambda found: b"%d" % (int(found[0]) + seconds), path.read_bytes())


def named(name: str) -> Subject:
    """Of its name in the exam's list."""
    folder, _, rest = name.partition("/")
    if folder == "traces":
        return of_trace(rest)
    if folder == "french":
        return of_french_line(rest)
    if not rest:
        return of_recording(name)
    own = rest.rpartition("/")[2]
    return of_run(
        folder, dict(RUNS).get(folder, folder), next(x for x in scripted(folder) if x["linkedid"] == own)
    )


def recordings() -> Iterator[Subject]:
    return (of_recording(name) for name in NAMES if not name.startswith("run-") and name != KNOWN_AT_THE_JOIN)


def french_lines() -> Iterator[Subject]:
    return map(of_french_line, FRENCH)


def traces() -> Iterator[Subject]:
    return (of_trace(name) for name in TRACE_NAMES if name != NEVER_WHOLE)


def calls_of_runs(step: int = 1) -> Iterator[Subject]:
    """The public's calls of the mixed runs, or every so many of them; of whole runs, a part."""
    for run, diary in RUNS:
        left_out = (*APART, *KNOWN_BY_CEL, SHOWN_BY_THE_END)
        yield from (of_run(run, diary, call) for call in _public(run)[::step] if call["situation"] not in left_out)
    for number, run in enumerate(whole_runs.RUNS):
        some = _public(run)[2 * number :: OF_WHOLE][::step]
        yield from (of_run(run, run, call) for call in some if call["situation"] not in NOT_OF_WHOLE)


def _public(run: str) -> list[dict[str, Any]]:
    return [call for call in scripted(run) if call["expect"].get("direction") == "inbound"]
