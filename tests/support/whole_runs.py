"""The lab's whole run on Asterisk 18, 20, 21 and 23, as they said it (`recordings/whole`), by AMI and by CEL.

They were played on a Sunday evening. Each time, and each id with a time in it, is read as of a Wednesday morning.
"""

from __future__ import annotations

import gzip
import io
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from callmon.backfill.cel.rows import CelReader, CelRow

WHOLE = Path(__file__).parents[1] / "recordings" / "whole"
RUNS = ("run-18", "run-20", "run-21", "run-23")
EARLIER = 385_200  # seconds
# Their event filter passes of all steps VoiceMail alone: no key in a menu is told.
ENGLISH = ("menu_english", "menu_voicemail_hangup", "menu_voicemail")
CHOSEN = "menu_chosen_voicemail"
OF_RINGS = ("answer_by_third_ring", "voicemail_after_fourth_ring")
TIME = re.compile(rb"\b1796\d{6}\b")


def _read(name: str) -> bytes:
    written = gzip.decompress((WHOLE / f"{name}.gz").read_bytes())
    return TIME.sub(lambda found: str(int(found[0]) - EARLIER).encode(), written)


@lru_cache
def stream(run: str) -> bytes:
    return _read(f"{run}.ami")


def truth(run: str) -> list[dict[str, Any]]:
    """Each call: its situation, its id, and what people did, as far as the steps that were received can tell."""
    made: list[dict[str, Any]] = json.loads(_read(f"{run}.truth.json"))
    for call in made:
        if call["situation"] in ENGLISH:
            call["expect"]["language"] = None
        if call["situation"] == CHOSEN:
            call["expect"]["verdicts"] |= dict.fromkeys(OF_RINGS, "unknown")
    return made


@lru_cache
def rows(run: str) -> tuple[CelRow, ...]:
    reader = CelReader(ZoneInfo("America/Toronto"))
    found = tuple(reader.read_lines(io.StringIO(_read(f"{run}.cel.csv").decode("utf-8", "replace"), newline="")))
    assert reader.bad.kinds == {}
    return found
