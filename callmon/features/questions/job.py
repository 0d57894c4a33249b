"""A question of a page, as a job: the answer of its command, with the sentences in the reader's language.

Refuses what the command refuses, in its words.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import click
import msgspec

from callmon.cli.common import CommandContext
from callmon.cli.language import in_language
from callmon.config.settings import Settings
from callmon.core.replay.planned import Wanted
from callmon.core.statistics.period import midnight
from callmon.errors import ConfigError
from callmon.features.questions import needs, staffing, what_if, why
from callmon.features.questions.options import signed_points
from callmon.store.database import Database
from callmon.text.labels import label

ANSWER = "answer.json"
SHORTEST = timedelta(microseconds=1)
PHONES = ("phones.csv", "phones.ics")
Progress: TypeAlias = Callable[[float], None]
Files: TypeAlias = list[tuple[Path, bytes]]


class QuestionRequest(msgspec.Struct, frozen=True):
    """What a page asks. `given`: the arguments of the command, as a person wrote them; "" where nothing is."""

    is_report: ClassVar[bool] = False

    name: str
    language: str
    given: dict[str, str] = {}
    changes: tuple[str, ...] = ()  # of a what-if

    @property
    def subject(self) -> str:
        return self.name

    def make(self, store: Database, settings: Settings, progress: Progress) -> Files:
        """The answer as JSON, and the files that a reader may take along."""
        with click.Context(click.Command(self.name)) as command:
            command.params["lang"] = self.language  # decides the language of each sentence
            context = CommandContext(None, self.language)
            context.settings, context.store = settings, store
            try:
                answer, files = ANSWERS[self.name](self, context, progress)
            except ConfigError as error:
                answer, files = {"refused": " ".join(map(in_language, error.sentences))}, {}
        found = {ANSWER: msgspec.json.encode(answer)} | {name: text.encode() for name, text in files.items()}
        return [(Path(name), data) for name, data in found.items()]


Answer: TypeAlias = tuple[dict[str, Any], dict[str, str]]


def _why(question: QuestionRequest, context: CommandContext, _progress: Progress) -> Answer:
    found = why.why_answer(context, question.given["day"] or None, question.given["line"] or None)
    points = signed_points(context, [part["points"] for part in found["parts"]])
    rows = [
        part
        | {"title": label("part", part["part"], context.language), "shown": shown.replace("-", "\N{MINUS SIGN}")}
        for part, shown in zip(found["parts"], points, strict=True)
    ]
    return found | {"sentences": why.why_sentences(context, found), "parts": rows if found["unusual"] else []}, {}


def _what_if(question: QuestionRequest, context: CommandContext, progress: Progress) -> Answer:
    given = question.given
    line = given["line"] or None
    found = what_if.what_if_answer(context, given["from"], given["to"], line, question.changes, progress)
    if not found["said"]:
        return found | {"sentences": [found["why_not"]]}, {}
    was = msgspec.to_builtins(found["own_rule"])
    rows = [
        {"title": title, "was": was[name], "is_moved": name not in found["unmoved"]}
        | msgspec.to_builtins(found["changed"][name])
        for name, title in what_if.titles(context).items()
    ]
    sentences = [what_if.headline(context, found)]
    return found | {"sentences": sentences, "rows": rows, "seen": what_if.seen(context, found)}, {}


def _staffing(question: QuestionRequest, context: CommandContext, progress: Progress) -> Answer:
    given = question.given
    target, language = staffing.share(given["target"]), given["language"] or None
    wanted = Wanted(given["line"] or None, target, 3, None, language)
    found = staffing.staffing_answer(context, given["day"] or None, 7, None, wanted, progress)
    texts = staffing.csv_text(found), staffing.calendar_text(context, found)
    sentences = staffing.staffing_sentences(context, found["half_hours"])
    rows = [row for row in found["half_hours"] if row["said"]]
    short = {row["slot"] for row in rows if row["out_of_reach"] or staffing.lack(row)}
    found |= {"sentences": sentences, "short": sorted(short)}
    return found, dict(zip(PHONES, texts, strict=True)) if rows else {}


def _needs(question: QuestionRequest, context: CommandContext, _progress: Progress) -> Answer:
    given = question.given
    found = needs.needs_answer(context, given["from"], given["to"], given["service"] or None)
    sentences = needs.needs_sentences(context, found)  # the page has the figures between in a list
    return msgspec.to_builtins(found) | {"sentences": [sentences[0], sentences[-1]]}, {}


def _needs_met(question: QuestionRequest, context: CommandContext, _progress: Progress) -> Answer:
    """Of each service, the needs of the month that began before a moment a day ago, by their result."""
    until = datetime.fromisoformat(question.given["until"])
    begin = (until - SHORTEST).astimezone(context.settings.timezone).date().replace(day=1)
    since, found = midnight(begin, context.settings.timezone), {}
    for service in context.settings.services:
        counted = needs.counted_needs(context, since, until, service)
        later = counted.met - counted.met_at_first
        found[service] = {
            "met_at_first": counted.met_at_first,
            "met_later": later,
            "not_met": counted.needs - counted.met,
        }
    return {"needs": found}, {}


ANSWERS: dict[str, Callable[[QuestionRequest, CommandContext, Progress], Answer]] = {
    "why": _why,
    "what-if": _what_if,
    "staffing": _staffing,
    "needs": _needs,
    "needs met": _needs_met,
}
