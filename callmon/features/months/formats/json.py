"""A report as JSON for programs: every figure once, with titles in both languages. Pure.

`reports/report.schema.json` is its schema, generated from the types in this module; a test compares them.
An earlier report is read from its JSON, as it was written and perhaps signed. `revised` supersedes it.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from callmon.core.attestations import AttestationStatus, Subject
from callmon.core.replay.needs import Needs
from callmon.errors import ConfigError
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.model import (
    Change,
    Cut,
    CutKind,
    Figure,
    Kind,
    MonthExplained,
    Place,
    PlannedHalfHour,
    Report,
    State,
    Title,
)

VERSION = 1


class JsonPeriod(msgspec.Struct, frozen=True):
    """From the first moment of `first` to the last of the day before `after`, local."""

    month: str
    first: date
    after: date
    time_zone: str
    month_to_date: bool


class JsonState(msgspec.Struct, frozen=True):
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
    title: Title


class JsonDefinition(msgspec.Struct, frozen=True):
    """What a figure is called and means."""

    name: str
    title: Title
    meaning: Title


class JsonFigure(msgspec.Struct, frozen=True):
    """A figure with its place. `value` is null unless `state` is "known"; of a rate both numbers are there."""

    figure: str
    part: str
    cut: CutKind
    of: str
    kind: Kind
    state: State
    value: int | float | None
    numerator: int | None
    denominator: int | None


class JsonValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """A figure that is no known count. `value` is there if `state` is "known"; a rate has both numbers."""

    kind: Kind
    state: State = "known"
    value: int | float | None = None
    numerator: int | None = None
    denominator: int | None = None


class JsonFigures(msgspec.Struct, frozen=True):
    """The figures of one cut by name and part. A number is a count."""

    cut: CutKind
    of: str
    values: dict[str, dict[str, int | JsonValue]]


class JsonMonth(msgspec.Struct, frozen=True):
    """Another month beside this one."""

    month: str
    relation: str
    figures: tuple[JsonFigures, ...]


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
    period: JsonPeriod
    state: JsonState
    cuts: tuple[JsonCut, ...]
    definitions: tuple[JsonDefinition, ...]
    figures: tuple[JsonFigures, ...]
    compared: tuple[JsonMonth, ...]
    changes: tuple[JsonChange, ...]
    attested: tuple[JsonAttestation, ...]
    imported: dict[str, int] = {}  # by the record, the calls that callmon did not hear
    needs: Needs | None = None  # callers who reached a person
    explained: MonthExplained | None = None  # an estimate
    planned: tuple[PlannedHalfHour, ...] | None = None  # phones needed in the week after, where it was asked for


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the report."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Published)}


def parse_report(data: bytes, name: str) -> Published:
    """The report in its JSON. Raises ConfigError if `data` is not the JSON of a report of this version."""
    try:
        return msgspec.json.decode(data, type=Published)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ConfigError(
            "{name}: not the JSON of a report of this version ({why}); "
            "name a file of `callmon report MONTH --format json`.",
            name=name,
            why=error,
        ) from None


def figures_of(figures: Iterable[JsonFigures]) -> dict[Place, Figure]:
    """The figures of a JSON report, by their place."""
    return {
        (at := Place(name, part, Cut(group.cut, group.of))): _read(at, x)
        for group in figures
        for name, parts in group.values.items()
        for part, x in parts.items()
    }


def _read(at: Place, x: int | JsonValue) -> Figure:
    if isinstance(x, int):
        return Figure(at, "count", "known", x)
    return Figure(at, x.kind, x.state, x.value, x.numerator, x.denominator)


def json_bytes(report: Report, fr: ReportFormatter, en: ReportFormatter, version: str) -> bytes:
    """The report as JSON on one line, with a newline at the end."""
    return msgspec.json.encode(_published(report, fr, en, version)) + b"\n"


def _published(report: Report, fr: ReportFormatter, en: ReportFormatter, version: str) -> Published:
    month, final_after = report.month, report.final_after
    names = dict.fromkeys(place.name for place in report.figures)
    return Published(
        version=VERSION,
        callmon=version,
        period=JsonPeriod(month.name, month.first, month.after, str(fr.timezone), month.to_date),
        state=JsonState(
            report.is_final,
            None if final_after is None else final_after.astimezone(UTC),
            report.is_public,
            report.revision,
            report.revises,
            report.config_fingerprint,
            report.data_fingerprint,
        ),
        cuts=tuple(JsonCut(x.kind, x.of, Title(fr.cut(x, report), en.cut(x, report))) for x in report.cuts),
        definitions=tuple(JsonDefinition(name, *map(Title, fr.meaning(name), en.meaning(name))) for name in names),
        figures=_by_cut(report.figures.values()),
        compared=tuple(JsonMonth(x.month, x.relation, _by_cut(x.figures.values())) for x in report.compared),
        changes=tuple(
            JsonChange(*(None if y is None else _figure(y) for y in (x.before, x.after))) for x in report.changes
        ),
        attested=tuple(map(_attestation, report.attested)),
        imported=dict(report.imported),
        needs=report.needs,
        explained=report.explained,
        planned=report.planned,
    )


def _attestation(status: AttestationStatus) -> JsonAttestation:
    last = status.last
    if last is None:
        return JsonAttestation(status.line, status.subject, None, None, None, status.is_stale)
    return JsonAttestation(status.line, status.subject, last.tested, last.by, last.is_so, status.is_stale)


def _by_cut(figures: Iterable[Figure]) -> tuple[JsonFigures, ...]:
    found: dict[Cut, JsonFigures] = {}
    for x in figures:
        at = x.place
        group = found.setdefault(at.cut, JsonFigures(at.cut.kind, at.cut.of, {}))
        group.values.setdefault(at.name, {})[at.part] = _value(x)
    return tuple(found.values())


def _value(x: Figure) -> int | JsonValue:
    if x.kind == "count" and isinstance(x.value, int):
        return x.value
    return JsonValue(x.kind, x.state, x.value, x.numerator, x.denominator)


def _figure(x: Figure) -> JsonFigure:
    place = (x.place.name, x.place.part, x.place.cut.kind, x.place.cut.of)
    return JsonFigure(*place, x.kind, x.state, x.value, x.numerator, x.denominator)


# A revision: a report of a month after its data or settings changed.


def revised(report: Report, earlier: Published, name: str) -> Report:
    """The next revision, with exactly the figures that changed.

    Raises ConfigError if `earlier` is not the same edition of the same days and lines.
    """
    month, period = report.month, earlier.period
    is_same_period = (period.month, period.first, period.after) == (month.name, month.first, month.after)
    if not is_same_period or earlier.state.public != report.is_public:
        if report.is_public:
            raise ConfigError(
                "{name}: not the public edition of the same days; a revision follows one of these.", name=name
            )
        raise ConfigError(
            "{name}: not the internal report of the same days; a revision follows one of these.", name=name
        )
    if {x.of for x in earlier.cuts if x.kind == "line"} != {x.of for x in report.cuts if x.kind == "line"}:
        raise ConfigError("{name}: not a report of the same lines; give the same --line.", name=name)
    before, after = figures_of(earlier.figures), report.figures
    places = dict.fromkeys((*after, *before))
    return msgspec.structs.replace(
        report,
        revision=earlier.state.revision + 1,
        revises=earlier.state.data_fingerprint,
        changes=tuple(
            Change(x, before.get(x), after.get(x)) for x in places if not _is_same(before.get(x), after.get(x))
        ),
    )


def _is_same(before: Figure | None, after: Figure | None) -> bool:
    """Whether a figure is unchanged; a count of 0 equals an absent one, since an absent part was not listed."""
    figure = before or after
    if figure is not None and None in (before, after):
        return figure.kind == "count" and figure.state == "known" and figure.value == 0
    return before == after
