"""``python -m tests.lab play``: every situation once, and what the exchange said about it, in a folder."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from tests.lab import SITUATIONS, Asterisk, LabUnavailable, Listener, named, play
from tests.lab.witness import check, save_truth


def main() -> int:
    options = _options()
    situations = named(*options.only) if options.only else SITUATIONS
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        faults = record(options.version, situations, options.out)
    except LabUnavailable as reason:
        print(f"no lab here: {reason}", file=sys.stderr)
        return 1
    print("\n".join(faults) or "every situation came out as it was written", file=sys.stderr)
    return 1 if faults else 0


def record(version: str, situations: tuple, out: Path) -> list[str]:  # type: ignore[type-arg]
    began = time.monotonic()
    with Asterisk(version) as exchange:
        witness = Listener(exchange.ami_port, "witness", exchange.secrets.witness, out / "ami.raw")
        callmon = Listener(exchange.ami_port, "callmon", exchange.secret, out / "ami-callmon.raw")
        with witness, callmon:
            calls = play(exchange, situations)
            time.sleep(1)
        save_truth(calls, out / "truth.json")
        for source, name in (
            (exchange.cel, "cel.csv"),
            (exchange.cdr, "cdr.csv"),
            (exchange.messages, "messages.log"),
        ):
            shutil.copyfile(source, out / name)
    print(f"{len(calls)} calls in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return check(calls, (out / "ami.raw").read_bytes())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("play", help="play situations on a real Asterisk and keep what it said")
    command.add_argument("--version", choices=("22", "16"), default="22")
    command.add_argument("--out", type=Path, required=True, metavar="DIR")
    command.add_argument("--only", nargs="+", metavar="SITUATION", help="these and no other")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
