"""Recordings for the tests: one call cut out of a run, with its truth beside it.

A cut has the messages verbatim and in their order, from the banner on. It leaves out messages that belong to no
call (registrations, states of devices).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

FIRST_MESSAGES = (b"Response: ", b"Event: FullyBooted")
# A time since 1970, of the years 2020 to 2033, in an event, an id or the diary.
_SECOND = re.compile(rb"(?<!\d)1[6-9]\d{8}(?!\d)")
ID_LINE = re.compile(rb"^(?!Bridge)\w*(?:Uniqueid|Linkedid|UniqueID): (\S+)", re.MULTILINE)


def cut(stream: bytes, own: str) -> bytes:
    """The messages of the call with this linkedid, and of calls that joined it (pick-up, consultation)."""
    banner, blocks, ids = named_messages(stream)
    family = call_family(ids, own.encode())
    kept = [block for n, block in enumerate(blocks) if ids[n] & family or _opens(n, block)]
    return banner + b"\r\n" + b"\r\n\r\n".join(kept) + b"\r\n\r\n"


@lru_cache(maxsize=1)
def named_messages(stream: bytes) -> tuple[bytes, list[bytes], list[set[bytes]]]:
    """The banner, the messages, and the channels that each of them names. A run is cut once a call."""
    banner, _, rest = stream.partition(b"\r\n")
    blocks = [block for block in rest.split(b"\r\n\r\n") if block.strip()]
    return banner, blocks, [set(ID_LINE.findall(block)) for block in blocks]


def call_family(messages: Sequence[set[bytes]], own: bytes) -> set[bytes]:
    """Every channel named together with a member of the family belongs to it."""
    family = {own}
    while True:
        grown = family.union(*(ids for ids in messages if ids & family))
        if grown == family:
            return family
        family = grown


def _opens(n: int, block: bytes) -> bool:
    return n < 2 and block.lstrip().startswith(FIRST_MESSAGES)


def save(run: Path, to: Path, only: Sequence[str] = ()) -> list[str]:
    """One ``NAME.ami`` and ``NAME.truth.json`` a situation of a run (or of ``only``), of its first call."""
    stream = (run / "ami-callmon.raw").read_bytes()
    names: list[str] = []
    for call in json.loads((run / "truth.json").read_text()):
        if call["situation"] in names or call["linkedid"] is None or (only and call["situation"] not in only):
            continue
        names.append(call["situation"])
        (to / f"{call['situation']}.ami").write_bytes(cut(stream, call["linkedid"]))
        _write(to / f"{call['situation']}.truth.json", [call])
    return names


def save_diary(run: Path, to: Path, name: str) -> None:
    (to / f"{name}.cel.csv").write_bytes((run / "cel.csv").read_bytes())


def save_whole(run: Path, to: Path, name: str) -> None:
    (to / f"{name}.ami").write_bytes((run / "ami-callmon.raw").read_bytes())
    _write(to / f"{name}.truth.json", json.loads((run / "truth.json").read_text()))


def save_later(run: Path, to: Path, name: str, hours: float) -> None:
    """A whole run and its diary, so many hours later: verdicts need a time in opening hours."""
    for kept, name_to in (("ami-callmon.raw", ".ami"), ("cel.csv", ".cel.csv"), ("truth.json", ".truth.json")):
        moved = _SECOND.sub(lambda at: b"%d" % (int(at[0]) + hours * 3600), (run / kept).read_bytes())
        (to / f"{name}{name_to}").write_bytes(moved)


def _write(path: Path, calls: list[object]) -> None:
    path.write_text(json.dumps(calls, indent=1, ensure_ascii=False) + "\n")
