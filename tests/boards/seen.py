"""What was read of every panel at one moment, in both languages, beside what had happened; and a copy of it.

A copy is for whoever works on how panels look: the run takes two minutes, a copy none.

    CALLMON_BOARDS_COPY=FOLDER python -m pytest tests/real/test_real_boards.py

`copied(FOLDER)` gives the same `Seen` again, `moment(FOLDER)` when they were read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.boards import LANGUAGES, lint
from tests.boards.asking import Frame, shown
from tests.boards.lint import TWIN
from tests.boards.scene import HALF_HOUR, Scene
from tests.boards.truths import TRUTHS, Truth
from tests.boards.truths.counting import Either, Near

Json = dict[str, Any]
Rows = list[Mapping[str, Any]]
MOMENT = "moment.json"


@dataclass(frozen=True)
class Seen:
    """One panel of one board in one language."""

    board: str
    language: str
    panel: Json  # as Grafana reads it
    frames: list[Frame]  # the answers of its queries, as Grafana's data frames, before any transformation
    truth: Rows | None  # the rows of what happened, in the panel's language; of a curve over minutes there is none

    @property
    def rows(self) -> Rows:
        """What its viewer would see, by the field's name."""
        return shown(self.panel, self.frames)


class Day:
    """Every panel, asked once."""

    def __init__(self, told: Scene) -> None:
        self.scene = told
        self.boards = {language: lint.read(language) for language in LANGUAGES}
        self.panels: dict[tuple[str, str, int], Seen] = {}
        self.marks: dict[tuple[str, str, str], list[tuple[Any, ...]]] = {}
        frames = {}
        for language, name, board in self.every():
            told.asked.choose(board, days="30")
            for panel in board["panels"]:
                frames[language, name, panel["id"]] = self._frames(name, panel)
            for mark in board["annotations"]["list"]:
                self.marks[language, name, mark["name"]] = told.asked.rows(mark["target"]["rawSql"])[1]
        in_one = told.begun // HALF_HOUR == told.asked.now // HALF_HOUR
        assert in_one, "the machine was too busy: a half hour ended within the run"
        for language, name, board in self.every():
            for panel in board["panels"]:
                key = (language, name, panel["id"])
                self.panels[key] = Seen(name, language, panel, frames[key], self._truth(language, name, panel))

    def every(self) -> Iterator[tuple[str, str, Json]]:
        for language in LANGUAGES:
            for name, board in self.boards[language].items():
                yield language, name, board

    def _frames(self, name: str, panel: Json) -> list[Frame]:
        """As Grafana would ask. The sinks while the database is held up: later nothing but a heartbeat waits."""
        asked, is_sinks = self.scene.asked, self.title(name, panel) == "Sinks"
        return (asked.at(self.scene.told["held up"][1]) if is_sinks else asked).frames(panel)

    def again(self, language: str, name: str, panel: Json) -> Seen:
        """A panel that may have been changed since, asked once more."""
        self.scene.asked.choose(self.boards[language][name], days="30")
        return Seen(name, language, panel, self._frames(name, panel), self._truth(language, name, panel))

    def rows(self, language: str, name: str, panel: Json) -> Rows:
        return self.panels[language, name, panel["id"]].rows

    def _truth(self, language: str, name: str, panel: Json) -> Rows | None:
        told = truth_of(name, self.title(name, panel))
        return None if told is None else list(told(replace(self.scene, language=language)))

    def title(self, name: str, panel: Json) -> str:
        """The English one: panels of two languages have the same id."""
        return next(str(one["title"]) for one in self.boards["en"][name]["panels"] if one["id"] == panel["id"])

    def copy(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for (language, name, number), seen in self.panels.items():
            text = json.dumps(vars(seen), ensure_ascii=False, default=_plain, indent=1)
            (folder / f"{name}-{language}-{number:03}.json").write_text(text, "utf-8")
        asked = self.scene.asked
        (folder / MOMENT).write_text(json.dumps({"now": asked.now, "begin": asked.begin}), "utf-8")


def truth_of(board: str, title: str) -> Truth | None:
    """A graph's table shows the same, unless it is told of by itself."""
    known = TRUTHS[board]
    return known.get(title, known.get(title.removesuffix(TWIN["en"])))


def _plain(value: Any) -> Json:
    match value:
        case Near():
            return {"near": value.value, "by": value.by, "unit": value.unit}
        case Either():
            return {"either": list(value.values)}
    raise TypeError(f"no JSON for {value!r}")


def _again(read: Json) -> Any:
    match read:
        case {"near": value, "by": by, "unit": unit}:
            return Near(value, by, unit)
        case {"either": values}:
            return Either(tuple(values))
    return read


def copied(folder: Path) -> list[Seen]:
    """Board by board, language by language, in the panels' order."""
    return [
        Seen(**json.loads(path.read_text("utf-8"), object_hook=_again))
        for path in sorted(folder.glob("*.json"))
        if path.name != MOMENT
    ]


def moment(folder: Path) -> tuple[float, float]:
    """When the panels were asked, and how far back, in seconds since 1970."""
    told = json.loads((folder / MOMENT).read_text("utf-8"))
    return told["now"], told["begin"]
