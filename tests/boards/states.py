"""What a board is made for besides an ordinary day: frames, changed to what would come then."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.boards.asking import Frame

Json = dict[str, Any]
Frames = Mapping[int, list[Frame]]
State = Callable[[Json, Frames], Frames]


def _of(source: str, board: Json) -> set[int]:
    key = "rawSql" if source == "postgres" else "expr"
    return {panel["id"] for panel in board["panels"] if key in panel["targets"][0]}


def database_away(board: Json, frames: Frames) -> Frames:
    return {number: [] if number in _of("postgres", board) else told for number, told in frames.items()}


def open_day(board: Json, frames: Frames) -> Frames:
    """No closed day: its series is not there."""
    return {**frames, 1: [one for one in frames[1] if one["refId"] != "C"]}


def closed_day(board: Json, frames: Frames) -> Frames:
    """On a closed day its name stands in the place of the office's."""
    return {**frames, 1: [one for one in frames[1] if one["refId"] != "A"]}


def callmon_down(board: Json, frames: Frames) -> Frames:
    """Prometheus answers, and has nothing."""
    return {number: [] if number in _of("prometheus", board) else told for number, told in frames.items()}


def before_the_first_call(board: Json, frames: Frames) -> Frames:
    """A day of which nothing is stored: lists are empty, and what is counted says so in the query's own words."""
    stats = {panel["id"]: panel["targets"][0] for panel in board["panels"] if panel["type"] == "stat"}
    return {
        number: [_emptied(one, stats.get(number)) for one in told] if number in _of("postgres", board) else told
        for number, told in frames.items()
    }


def _emptied(frame: Frame, target: Json | None) -> Frame:
    values = [] if target is None else re.findall(r"'([^']+)'\) AS \w+ FROM", target["rawSql"])
    return {**frame, "fields": [{**field, "values": values} for field in frame["fields"]]}


def said(title: str, value: float, letter: str = "A") -> State:
    """One panel's series has this value."""

    def state(board: Json, frames: Frames) -> Frames:
        (number,) = (panel["id"] for panel in board["panels"] if panel["title"] == title)
        return {**frames, number: [_with(one, value, letter) for one in frames[number]]}

    return state


def _with(frame: Frame, value: float, letter: str) -> Frame:
    if frame["refId"] != letter:
        return frame
    fields = [{**one, "values": [value]} if one["name"] == "Value" else one for one in frame["fields"]]
    return {**frame, "fields": fields}
