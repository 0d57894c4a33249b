"""What a report states about itself: hours, closed days, settings that affect a figure, targets. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
from babel.dates import get_day_names

from callmon.config.business_calendar import Periods
from callmon.config.callbacks import CallbackRules
from callmon.config.closed_days import ClosedDay
from callmon.config.lines import Line
from callmon.core.statistics.aggregates import SHORT_ABANDON
from callmon.core.statistics.period import Month
from callmon.reports.formatter import FEW, ReportFormatter

PARAMETERS = {
    "rings": "sonneries au plus",
    "transfers": "réacheminements au plus",
    "after_ring": "à temps après la sonnerie",
    "late_after_ring": "trop tard après la sonnerie",
    "reach_a_person.rings": "qui raccroche après tant de sonneries n'a joint personne",
}
Remarks = dict[str, dict[str, str]]  # key of a section → language → text


class ReportNotes(msgspec.Struct, frozen=True):
    """The settings that a report states about itself.

    `hours`: the week of the ministry (None), and of each line with hours of its own. `standards`: the parameters
    of each standard.
    """

    version: str
    hours: tuple[tuple[Line | None, tuple[Periods, ...]], ...]
    hours_are_assumed: bool
    closed: tuple[ClosedDay, ...]
    lines: tuple[Line, ...]
    rules: CallbackRules
    minimum: int
    standards: dict[str, dict[str, Any]]
    remarks: Remarks = {}
    contact: str | None = None  # from whom another format can be requested


class DefinitionNote(msgspec.Struct, frozen=True):
    """A statement: a term and its text."""

    term: str
    text: str


def hours(frame: ReportNotes, tongue: ReportFormatter) -> Iterator[DefinitionNote]:
    """The opening hours of the current configuration."""
    names = get_day_names("wide", locale=tongue.locale)
    for line, week in frame.hours:
        title = tongue.say("Le ministère") if line is None else line.title(tongue.language)
        opened = [f"{names[day]} {_periods(tongue, periods)}" for day, periods in enumerate(week) if periods]
        yield DefinitionNote(title, "; ".join(opened) or tongue.say("toujours fermé"))


def _periods(tongue: ReportFormatter, periods: Periods) -> str:
    return ", ".join(
        tongue.say("de {opens} à {closes}", opens=_clock(tongue, x.opens), closes=_clock(tongue, x.closes))
        for x in periods
    )


def _clock(tongue: ReportFormatter, wall: timedelta) -> str:
    minutes = int(wall.total_seconds()) // 60
    return tongue.clock(minutes // 60 % 24, minutes % 60)


def closed_days(frame: ReportNotes, tongue: ReportFormatter) -> Iterator[DefinitionNote]:
    for one in frame.closed:
        yield DefinitionNote(tongue.day(one.day), one.name_fr if tongue.language == "fr" else one.name_en)


def settings(frame: ReportNotes, tongue: ReportFormatter) -> Iterator[DefinitionNote]:
    """Every setting that affects a figure, except the hours."""
    say, rules = tongue.say, frame.rules
    yield DefinitionNote(say("Abandon rapide"), say("moins de {length}", length=tongue.span(SHORT_ABANDON)))
    yield DefinitionNote(say("Nombre minimal d'appels jugés pour comparer"), tongue.count(frame.minimum))
    yield DefinitionNote(say("Nombre d'appels jugés sous lequel la fraction remplace le taux"), tongue.count(FEW))
    yield DefinitionNote(say("Délai du rappel"), tongue.span(rules.within))
    yield DefinitionNote(say("Une conversation compte comme rappel après"), tongue.span(rules.talked_for))
    yield DefinitionNote(say("Une tentative compte après une sonnerie de"), tongue.span(rules.rang_for))
    attempt = say("oui") if rules.attempt_counts else say("non")
    yield DefinitionNote(say("Une tentative à temps satisfait la norme"), attempt)
    if rules.abandoned_after is not None:
        yield DefinitionNote(say("Un abandon ouvre un rappel après"), tongue.span(rules.abandoned_after))
    for line in frame.lines:
        yield DefinitionNote(line.title(tongue.language), _line(tongue, line))
    for name, parameters in sorted(frame.standards.items()):
        told = "; ".join(_parameter(tongue, name, key, value) for key, value in sorted(parameters.items()))
        if told:
            yield DefinitionNote(tongue.word("standard", name), told)


def _parameter(tongue: ReportFormatter, standard: str, key: str, value: object) -> str:
    """A parameter: « sonneries au plus : 3 ».

    A parameter of a standard that callmon does not ship has no text and is shown by its own name.
    """
    told = PARAMETERS.get(f"{standard}.{key}") or PARAMETERS.get(key)
    name = tongue.say(told) if told else key
    return tongue.typeset(f"{name} : {value}" if tongue.language == "fr" else f"{name}: {value}")


def _line(tongue: ReportFormatter, line: Line) -> str:
    by_day = line.callback_clock == "business_day"
    clock = tongue.say("jour ouvrable suivant") if by_day else tongue.say("24 heures d'horloge")
    return tongue.say(
        "une sonnerie dure {cycle}; rappel jugé selon : {clock}", cycle=tongue.span(line.ring_cycle),
        clock=clock,
    )  # fmt: skip


def targets(frame: ReportNotes, month: Month, tongue: ReportFormatter) -> Iterator[DefinitionNote]:
    """The internal targets in force on the month's first day (R-25)."""
    for line in frame.lines:
        for standard in dict.fromkeys(target.standard for target in line.targets):
            target = line.target(standard, month.first)
            if target is None:
                continue
            yield DefinitionNote(
                f"{line.title(tongue.language)}, {tongue.word('standard', standard)}",
                tongue.say(
                    "{percent} depuis le {day}, {by}", percent=tongue.percent(round(target.percent * 10)),
                    day=tongue.day(target.since), by=target.signed_by,
                ),
            )  # fmt: skip
