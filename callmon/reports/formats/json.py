"""A report as JSON for programs: every figure once, with titles in both languages. Pure.

`reports/report.schema.json` is its schema, generated from the types in this module; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from callmon.core.attestations import AttestationStatus, Subject
from callmon.reports.formatter import ReportFormatter
from callmon.reports.model import CutKind, Figure, Kind, Report, State

VERSION = 1


class Both(msgspec.Struct, frozen=True):
    """A text in French and English."""

    fr: str
    en: str


class Period(msgspec.Struct, frozen=True):
    """From the first moment of `first` to the last of the day before `after`, local."""

    month: str
    first: date
    after: date
    time_zone: str
    month_to_date: bool


class State_(msgspec.Struct, frozen=True):  # noqa: N801  `State` is a figure's
    """Provisional until what was opened in the month has fallen due."""

    final: bool
    final_after: datetime | None
    public: bool
    revision: int
    revises: str | None
    config_fingerprint: str
    data_fingerprint: str


class JsonCut(msgspec.Struct, frozen=True):
    """Calls that are counted together."""

    kind: CutKind
    of: str
    title: Both


class Definition(msgspec.Struct, frozen=True):
    """What a figure is called and means."""

    name: str
    title: Both
    meaning: Both


class JsonFigure(msgspec.Struct, frozen=True):
    """One figure of one cut. `value` is null unless `state` is "known"; of a rate both numbers are there."""

    figure: str
    part: str
    cut: CutKind
    of: str
    kind: Kind
    state: State
    value: int | float | None
    numerator: int | None
    denominator: int | None


class Other(msgspec.Struct, frozen=True):
    """Another month beside this one."""

    month: str
    relation: str
    figures: tuple[JsonFigure, ...]


class JsonChange(msgspec.Struct, frozen=True):
    """What is not as it was in the revision before."""

    before: JsonFigure | None
    after: JsonFigure | None


class JsonAttestation(msgspec.Struct, frozen=True):
    """What somebody who tried a line found; null where nobody did, `by` empty in the public edition."""

    line: str
    subject: Subject
    tested: date | None
    by: str | None
    is_so: bool | None
    is_stale: bool


class Published(msgspec.Struct, frozen=True):
    """The monthly telephone statistics."""

    version: int
    callmon: str
    period: Period
    state: State_
    cuts: tuple[JsonCut, ...]
    definitions: tuple[Definition, ...]
    figures: tuple[JsonFigure, ...]
    compared: tuple[Other, ...]
    changes: tuple[JsonChange, ...]
    attested: tuple[JsonAttestation, ...]


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the output of `written`."""
    made = msgspec.json.schema(Published)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def written(report: Report, fr: ReportFormatter, en: ReportFormatter, version: str) -> bytes:
    """The report as JSON, indented by two spaces, with a newline at the end."""
    return msgspec.json.format(msgspec.json.encode(published(report, fr, en, version)), indent=2) + b"\n"


def published(report: Report, fr: ReportFormatter, en: ReportFormatter, version: str) -> Published:
    names = dict.fromkeys(place.name for place in report.figures)
    month = report.month
    return Published(
        version=VERSION,
        callmon=version,
        period=Period(month.name, month.first, month.after, str(fr.timezone), month.to_date),
        state=State_(
            report.is_final,
            None if report.final_after is None else report.final_after.astimezone(UTC),
            report.is_public,
            report.revision,
            report.revises,
            report.config_fingerprint,
            report.data_fingerprint,
        ),
        cuts=tuple(JsonCut(x.kind, x.of, Both(fr.cut(x, report), en.cut(x, report))) for x in report.cuts),
        definitions=tuple(_definition(name, fr, en) for name in names),
        figures=_figures(report.figures.values()),
        compared=tuple(Other(x.month, x.relation, _figures(x.figures.values())) for x in report.compared),
        changes=tuple(JsonChange(_one(x.before), _one(x.after)) for x in report.changes),
        attested=tuple(map(_attested, report.attested)),
    )


def _attested(one: AttestationStatus) -> JsonAttestation:
    last = one.last
    if last is None:
        return JsonAttestation(one.line, one.subject, None, None, None, one.is_stale)
    return JsonAttestation(one.line, one.subject, last.tested, last.by, last.is_so, one.is_stale)


def _definition(name: str, fr: ReportFormatter, en: ReportFormatter) -> Definition:
    french, english = fr.meaning(name), en.meaning(name)
    return Definition(name, Both(french.title, english.title), Both(french.meaning, english.meaning))


def _figures(figures: Iterable[Figure]) -> tuple[JsonFigure, ...]:
    return tuple(_json(one) for one in figures)


def _one(figure: Figure | None) -> JsonFigure | None:
    return None if figure is None else _json(figure)


def _json(x: Figure) -> JsonFigure:
    of = (x.place.name, x.place.part, x.place.cut.kind, x.place.cut.of)
    return JsonFigure(*of, x.kind, x.state, x.value, x.numerator, x.denominator)
