"""``python -m tests.lab``: play every situation on a real Asterisk; make the tests' recordings of two runs.

``play`` writes ami.raw (everything AMI sends), ami-callmon.raw (what the user ``callmon`` receives), cel.csv,
cdr.csv, queue_log, messages.log and truth.json. ``draw`` plays situations drawn by a seed, writes the same, and
compares what callmon makes of it. ``record`` makes ``tests/recordings`` from the output of ``play``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tests.lab.drawn import drawn
from tests.lab.exchange import Asterisk
from tests.lab.folder import LabUnavailable
from tests.lab.listener import Listener, messages
from tests.lab.model import PlayedSituation, Situation
from tests.lab.play import Callers, play
from tests.lab.recordings import save, save_diary, save_later, save_whole
from tests.lab.sipp import at_once
from tests.lab.situations import SITUATIONS, named
from tests.lab.tones import Tones
from tests.lab.witness import check, note_voicemail, save_truth
from tests.support.environment import remove_given


def main() -> int:
    options = _options()
    remove_given()  # callmon reads what was drawn
    options.out.mkdir(parents=True, exist_ok=True)
    return int(options.run(options))


def _play(options: argparse.Namespace) -> int:
    situations = named(*options.only) if options.only else SITUATIONS
    try:
        faults = check(*_run(options.version, situations, options.out, options.callers))
    except LabUnavailable as reason:
        _say(f"no lab here: {reason}")
        return 1
    _say("\n".join(faults) or "every situation came out as it was written")
    return 1 if faults else 0


def _run(
    version: str, situations: Iterable[Situation], out: Path, callers: Callers, stagger: float = 0.1
) -> tuple[list[PlayedSituation], bytes]:
    began = time.monotonic()
    with Asterisk(version) as exchange:
        witness = Listener(exchange.ami_port, "witness", exchange.secrets.witness, out / "ami.raw")
        callmon = Listener(exchange.ami_port, "callmon", exchange.secret, out / "ami-callmon.raw")
        with witness, callmon, Tones() as tones:
            calls = play(exchange, situations, stagger, callers)
            time.sleep(1)
            tones.tell(calls)
        kept = {"cel.csv": exchange.cel, "cdr.csv": exchange.cdr, "messages.log": exchange.messages}
        kept["queue_log"] = exchange.queue_log
        for name, source in kept.items():
            shutil.copyfile(source, out / name)
    _say(f"{len(calls)} calls in {time.monotonic() - began:.0f} s; {_by_sipp(calls)}")
    stream = (out / "ami.raw").read_bytes()
    note_voicemail(calls, messages(stream))
    save_truth(calls, stream, out / "truth.json")
    return calls, stream


def _by_sipp(calls: Iterable[PlayedSituation]) -> str:
    some = [call for call in calls if call.played_by == "sipp"]
    kinds = len({call.situation.name for call in some})
    return f"{len(some)} of them by sipp, of {kinds} situations, {at_once(some)} at once"


def _draw(options: argparse.Namespace) -> int:
    """Play situations drawn by a seed, and compare what callmon makes of the stream with script and wire."""
    from tests.support.drawn_truth import by_replay  # callmon's reading is not the lab's

    calls, stream = _run(options.version, drawn(options.seed, options.count), options.out, "sipp", 0.2)
    found = by_replay(calls, stream, (options.out / "ami-callmon.raw").read_bytes())
    wrong = [fact.row for fact in found if fact.wrong]
    unknown = sum(fact.unknown for fact in found)
    _say("\n".join([*wrong, f"{len(found)} facts compared, {len(wrong)} wrong, {unknown} unknown"]))
    return 1 if wrong else 0


def _record(options: argparse.Namespace) -> int:
    _say(f"{len(save(options.run_22, options.out, options.only))} situations")
    save_whole(options.run_16, options.out, "run-16")
    save_diary(options.run_16, options.out, "run-16")
    if not options.only:
        save_diary(options.run_22, options.out, "run-22")
    return 0


def _whole(options: argparse.Namespace) -> int:
    if options.later is not None:
        save_later(options.run_of, options.out, options.name, options.later)
    else:
        save_whole(options.run_of, options.out, options.name)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("play", help="play situations on a real Asterisk and keep what it said")
    command.add_argument("--version", choices=("22", "16"), default="22")
    command.add_argument("--out", type=Path, required=True, metavar="DIR")
    command.add_argument("--only", nargs="+", metavar="SITUATION", help="these and no other")
    command.add_argument("--callers", choices=("sipp", "own"), default="sipp", help="who plays the public")
    command.set_defaults(run=_play)
    command = commands.add_parser("draw", help="play situations drawn by a seed, and compare callmon with them")
    command.add_argument("seed", type=int)
    command.add_argument("--count", type=int, default=200)
    command.add_argument("--version", choices=("22", "16"), default="22")
    command.add_argument("--out", type=Path, required=True, metavar="DIR")
    command.set_defaults(run=_draw)
    command = commands.add_parser("record", help="make recordings of what play wrote")
    command.add_argument("run_22", type=Path)
    command.add_argument("run_16", type=Path)
    command.add_argument("--out", type=Path, default=Path("tests/recordings"), metavar="DIR")
    command.add_argument(
        "--only", nargs="+", default=[], metavar="SITUATION", help="of the first run, these alone"
    )
    command.set_defaults(run=_record)
    command = commands.add_parser("whole", help="make one recording of all that play wrote")
    command.add_argument("run_of", type=Path, metavar="RUN")
    command.add_argument("name")
    command.add_argument("--later", type=float, metavar="HOURS", help="as if it had been so much later; with CEL")
    command.add_argument("--out", type=Path, default=Path("tests/recordings"), metavar="DIR")
    command.set_defaults(run=_whole)
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - this is a command


if __name__ == "__main__":
    sys.exit(main())
