"""What was read of every panel at one moment, in both languages, beside what had happened."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dashboards.source import LANGUAGES, lint
from dashboards.source.asking import Frame, shown
from dashboards.source.lint import TWIN
from tests.boards.scene import HALF_HOUR, Scene
from tests.boards.truths import TRUTHS, Truth
from tests.boards.truths.counting import FEW

Json = dict[str, Any]
Rows = list[Mapping[str, Any]]


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

    def __init__(self, reported: Scene, names: Collection[str]) -> None:
        """`names`: of the boards."""
        self.scene = reported
        self.boards = {
            language: {name: board for name, board in lint.read(language).items() if name in names}
            for language in LANGUAGES
        }
        self.panels: dict[tuple[str, str, int], Seen] = {}
        self.marks: dict[tuple[str, str, str], list[str]] = {}
        frames = {}
        for language, name, board in self.every():
            reported.asked.choose(board, sample=FEW)
            for panel in board["panels"]:
                frames[language, name, panel["id"]] = self._frames(name, panel)
            for mark in board["annotations"]["list"]:
                self.marks[language, name, mark["name"]] = reported.asked.marks(mark)
        in_one = reported.begun // HALF_HOUR == reported.asked.now // HALF_HOUR
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
        return (asked.at(self.scene.reported["held up"][1]) if is_sinks else asked).frames(panel)

    def again(self, language: str, name: str, panel: Json) -> Seen:
        """A panel that may have been changed since, asked once more."""
        self.scene.asked.choose(self.boards[language][name], sample=FEW)
        return Seen(name, language, panel, self._frames(name, panel), self._truth(language, name, panel))

    def rows(self, language: str, name: str, panel: Json) -> Rows:
        return self.panels[language, name, panel["id"]].rows

    def _truth(self, language: str, name: str, panel: Json) -> Rows | None:
        reported = truth_of(name, self.title(name, panel))
        return None if reported is None else list(reported(replace(self.scene, language=language)))

    def title(self, name: str, panel: Json) -> str:
        """The English one: panels of two languages have the same id."""
        return next(str(one["title"]) for one in self.boards["en"][name]["panels"] if one["id"] == panel["id"])


def truth_of(board: str, title: str) -> Truth | None:
    """A graph's table shows the same, unless it is told of by itself."""
    known = TRUTHS[board]
    return known.get(title, known.get(title.removesuffix(TWIN["en"])))
