"""What a board is made for besides an ordinary day: frames, changed to what would come then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dashboards.source.asking import Frame

Json = dict[str, Any]
Frames = Mapping[int, list[Frame]]
State = Callable[[Json, Frames], Frames]


def open_day(board: Json, frames: Frames) -> Frames:
    """No closed day: its series is not there."""
    return {**frames, 1: [one for one in frames[1] if one["refId"] != "C"]}


def callmon_down(board: Json, frames: Frames) -> Frames:
    """Prometheus answers, and has nothing."""
    return {number: [] for number in frames}


def said(title: str, value: float, letter: str = "A") -> State:
    """One panel's series has this value."""

    def state(board: Json, frames: Frames) -> Frames:
        (number,) = (panel["id"] for panel in board["panels"] if panel["title"] == title)
        return {**frames, number: [_with(one, value, letter) for one in frames[number]]}

    return state


def _with(frame: Frame, value: float, letter: str) -> Frame:
    if frame["refId"] != letter:
        return frame
    fields = [
        {**one, "values": [value] * len(one["values"])} if one["name"] == "Value" else one
        for one in frame["fields"]
    ]
    return {**frame, "fields": fields}
