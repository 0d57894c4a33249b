"""A seeded record of one queue, and the half-hours that it must give: what happens is decided first.

queue_log and CDR are written from the decision. CEL is that of three calls that a real Asterisk recorded, moved to
the call's time: the rows after the wait move with it.
"""

from __future__ import annotations

import csv
import gzip
import random
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Literal, NamedTuple

from tests.support.fact_builder import TORONTO, local

COLUMNS = ("offered", "answered", "abandoned", "voicemail", "within_20", "wait_seconds", "transferred")
Cells = dict[str, dict[str, int]]
Ending = Literal["abandoned", "answered", "transferred"]
TALK = 90  # seconds


class MadeCall(NamedTuple):
    """A call to the queue: when it began, how many seconds it waited, and how it ended."""

    began: int
    number: int
    wait: int
    ending: Ending
    phone: int

    @property
    def name(self) -> str:
        return f"{self.began}.{self.number}"

    @property
    def caller(self) -> str:
        return f"4165550{self.number % 100 + 100}"


Lines = Iterator[tuple[float, str]]  # each with its time


def made(
    days: int, calls_a_day: int, first: str = "2026-03-02", seed: int = 7, record: str = "queue_log"
) -> tuple[str, Cells]:
    """The record of so many days from `first` on, and by local half-hour its counts."""
    draw = random.Random(seed)
    found = list[tuple[float, str]]()
    cells = Cells()
    opens = local(f"{first} 09:00")
    for number in range(days * calls_a_day):
        at = opens + timedelta(days=number % days, seconds=draw.randrange(7 * 3600))
        began, here = int(at.timestamp()), at.astimezone(TORONTO)
        slot = f"{here:%Y-%m-%d %H}:{'30' if here.minute >= 30 else '00'}"
        call = _call(draw, began, number)
        _count(call, cells.setdefault(slot, dict.fromkeys(COLUMNS, 0)))
        found += WRITERS[record](call)
    lines = (f"{line}\n" for _, line in sorted(found, key=itemgetter(0)))
    return "".join(lines), dict(sorted(cells.items()))


def held(record: str, cells: Cells) -> Cells:
    """What the record holds of these counts: CDR tells no waits, no transfers, and not who gave up."""
    names = ("offered", "answered") if record == "cdr" else COLUMNS
    return {slot: {name: cell[name] for name in names} for slot, cell in cells.items()}


def _call(draw: random.Random, began: int, number: int) -> MadeCall:
    """One call gives up, is answered, or is answered and transferred."""
    wait = draw.randrange(45)
    if draw.random() < 0.1:
        return MadeCall(began, number, wait, "abandoned", 0)
    ending: Ending = "transferred" if draw.random() < 0.1 else "answered"
    return MadeCall(began, number, wait, ending, draw.randrange(101, 120))


def _count(call: MadeCall, cell: dict[str, int]) -> None:
    cell["offered"] += 1
    if call.ending == "abandoned":
        cell["abandoned"] += 1
        return
    cell["answered"] += 1
    cell["wait_seconds"] += call.wait
    cell["within_20"] += call.wait <= 20
    cell["transferred"] += call.ending == "transferred"


def _queue_log(call: MadeCall) -> Lines:
    after, wait = call.began + call.wait, call.wait
    yield call.began, f"{call.began}|{call.name}|general|NONE|ENTERQUEUE||{call.caller}|1"
    if call.ending == "abandoned":
        yield after, f"{after}|{call.name}|general|NONE|ABANDON|1|1|{wait}"
        return
    yield after, f"{after}|{call.name}|general|PJSIP/{call.phone}|CONNECT|{wait}|{call.name}9|2"
    last = "BLINDTRANSFER|104|internal" if call.ending == "transferred" else "COMPLETECALLER"
    yield after + TALK, f"{after + TALK}|{call.name}|general|PJSIP/101|{last}|{wait}|{TALK}|1"


def _cdr(call: MadeCall) -> Lines:
    """A row of cdr_csv for each stage. A queue answers first: the caller who left it has NO ANSWER."""
    ends = call.began + call.wait + (0 if call.ending == "abandoned" else TALK)
    disposition = "NO ANSWER" if call.ending == "abandoned" else "ANSWERED"
    yield ends, _cdr_row(call, "Queue", "general,t,,,60", call.phone or 101, (call.began, ends), disposition)
    if call.ending == "transferred":
        yield ends + 30, _cdr_row(call, "Dial", "PJSIP/104,24", 104, (ends, ends + 30), "ANSWERED")


def _cdr_row(call: MadeCall, app: str, data: str, phone: int, span: tuple[int, int], disposition: str) -> str:
    begin, end = (f"{datetime.fromtimestamp(at, TORONTO):%Y-%m-%d %H:%M:%S}" for at in span)
    length = span[1] - span[0]
    return (
        f'"","{call.caller}","s","internal","""""" <{call.caller}>","PJSIP/trunk-{call.number:08x}",'
        f'"PJSIP/{phone}-{call.number:08x}","{app}","{data}","{begin}","{begin}","{end}",{length},{length},'
        f'"{disposition}","DOCUMENTATION","{call.name}","","","{call.name}",1'
    )


RECORDED = Path(__file__).parents[1] / "data" / "imported" / "22" / "cel.csv.gz"
# By how it ended: the recorded call, its queue, its wait in whole seconds, the row after which the wait is over.
OF_CEL: dict[Ending, tuple[str, str, int, int]] = {
    "abandoned": ("1796050199.2", "lab-queue-left", 9, 6),
    "answered": ("1796050199.0", "lab-queue-one", 3, 6),
    "transferred": ("1796050200.9", "lab-queue-then", 2, 6),
}


def _cel(call: MadeCall) -> Lines:
    waited, until, rows = _recorded(call.ending)
    # Who gives up at once is in the queue for a second: the queue begins half a second after the call.
    moved = call.wait - waited + (call.ending == "abandoned")
    for number, (after, row) in enumerate(rows):
        at = call.began + after + (moved if number >= until else 0)
        text = row.replace("{began}", str(call.began)).replace("{caller}", call.caller)
        yield at, text.replace("{at}", f"{at:.6f}").replace("{id}", call.name).replace("{n}", f"{call.number:07}")


@cache
def _recorded(ending: Ending) -> tuple[int, int, list[tuple[float, str]]]:
    """The wait, the number of rows before its end, and each row with its seconds after the first."""
    name, queue, wait, until = OF_CEL[ending]
    with gzip.open(RECORDED, "rt", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row[15] == name]
    first = float(rows[0][1])
    caller = rows[0][3]
    found = []
    for row in rows:
        after, row[1] = float(row[1]) - first, "{at}"
        text = ",".join('"' + value.replace('"', '""') + '"' for value in row)
        text = text.replace(queue, "general").replace(caller, "{caller}").replace(f'"{name}"', '"{id}"')
        for other in {row[14] for row in rows} - {name}:
            text = text.replace(f'"{other}"', '"{began}.1' + other.rpartition(".")[2].zfill(3) + '{n}"')
        text = re.sub(r"(PJSIP/\w+-)[0-9a-f]{8}\b", r"\g<1>0{n}", text.replace(name, "{id}"))
        found.append((after, re.sub(r"((?:-[0-9a-f]{4}){3}-)[0-9a-f]{12}", r"\g<1>00000{n}", text)))
    return wait, until, found


WRITERS: dict[str, Callable[[MadeCall], Lines]] = {"queue_log": _queue_log, "cdr": _cdr, "cel": _cel}
