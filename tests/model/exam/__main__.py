"""``python -m tests.model.exam``: cuts recorded calls anywhere; prints how many pairs disagree."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from tests.model.exam.cuts import Examined
from tests.model.exam.subjects import Subject, calls_of_folder, calls_of_runs, french_lines, recordings, traces
from tests.model.exam.takeovers import disagreements, takeovers

SAMPLE = 6  # pairs of a recording
SEED = 1
TAKEOVERS = 60  # tries of a recording
SHOWN = 20  # disagreements of a recording


def main() -> int:
    options = _options()
    most = None if options.whole else options.pairs
    gc.freeze()  # what is loaded stays: only what a cut leaves behind is looked through
    subjects = tried = cuts = taken = wrong = 0
    for subject in _chosen(options.only, options.run):
        pairs, made, takings, found = _examine(subject, most, options.takeovers, options.seed)
        subjects, tried, cuts, taken = subjects + 1, tried + pairs, cuts + made, taken + takings
        wrong += len(found)
        _say(
            f"{subject.name:<55} {pairs:>6} pairs {made:>7} cuts {takings:>4} take-overs {len(found):>5} disagree"
        )
        for line in found[:SHOWN]:
            _say(f"    {line}")
    _say(f"{subjects} recorded calls, {tried} pairs of moments, {cuts} cuts, {taken} take-overs: {wrong} disagree")
    return 1 if wrong else 0


def _examine(subject: Subject, most: int | None, tries: int, seed: int) -> tuple[int, int, int, list[str]]:
    examined = Examined(subject)
    pairs = examined.pairs(most, seed)
    made = [cut for pair in pairs for cut in examined.cuts(pair)]
    taken = list(takeovers(examined, tries, seed))
    found = [line for cut in made for line in examined.wrongs(cut)]
    found += [line for takeover in taken for line in disagreements(examined, takeover)]
    return len(pairs), len(made), len(taken), found


def _chosen(only: list[str], run: Path | None) -> Iterator[Subject]:
    every = calls_of_folder(run) if run else chain(recordings(), french_lines(), traces(), calls_of_runs())
    return every if not only else (one for one in every if any(name in one.name.split("/") for name in only))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.model.exam", description=__doc__)
    parser.add_argument("--whole", action="store_true", help="every pair of moments")
    parser.add_argument("--pairs", type=int, default=SAMPLE, help=f"so many of each recording (else {SAMPLE})")
    parser.add_argument(
        "--takeovers", type=int, default=TAKEOVERS, help=f"tries of each recording (else {TAKEOVERS})"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="which of them")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these recordings")
    parser.add_argument("--run", type=Path, metavar="DIR", help="the calls that `python -m tests.lab` wrote there")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
