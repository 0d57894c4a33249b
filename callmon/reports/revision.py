"""A revision: a report of a month after its data or settings changed, with the changes since an earlier one. Pure.

The earlier report is read from its JSON, as it was written and perhaps signed. The revision supersedes it.

Refuses: to change the earlier report.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from callmon.errors import ConfigError
from callmon.reports.formats.json import JsonFigure, Published
from callmon.reports.model import Change, Cut, Figure, Place, Report


def read(data: bytes, name: str) -> Published:
    """The report in its JSON. Raises ConfigError if `data` is not the JSON of a report of this version."""
    try:
        return msgspec.json.decode(data, type=Published)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{name}: not the JSON of a report of this version: {error}.") from None


def revised(report: Report, earlier: Published, name: str) -> Report:
    """The next revision, with exactly the figures that changed.

    Raises ConfigError if `earlier` is not the same edition of the same days and lines.
    """
    month = report.month
    told = (earlier.period.month, earlier.period.first, earlier.period.after)
    if told != (month.name, month.first, month.after) or earlier.state.public != report.is_public:
        kind = "public edition" if report.is_public else "internal report"
        raise ConfigError(f"{name}: not the {kind} of the same days; a revision follows one of these.")
    if {(x.kind, x.of) for x in earlier.cuts if x.kind == "line"} != {
        (x.kind, x.of) for x in report.cuts if x.kind == "line"
    }:
        raise ConfigError(f"{name}: not a report of the same lines.")
    before = figures(earlier.figures)
    places = dict.fromkeys((*report.figures, *before))
    changed = (Change(x, before.get(x), report.figures.get(x)) for x in places)
    return msgspec.structs.replace(
        report,
        revision=earlier.state.revision + 1,
        revises=earlier.state.data_fingerprint,
        changes=tuple(one for one in changed if not _is_same(one.before, one.after)),
    )


def _is_same(before: Figure | None, after: Figure | None) -> bool:
    """Whether a figure is unchanged; a count of 0 equals an absent one, since an absent part was not listed."""
    one = before or after
    if one is not None and None in (before, after):
        return one.kind == "count" and one.state == "known" and one.value == 0
    return before == after


def figures(told: Iterable[JsonFigure]) -> dict[Place, Figure]:
    """The figures of a JSON report, by their place."""
    return {one.place: one for one in map(_figure, told)}


def _figure(one: JsonFigure) -> Figure:
    place = Place(one.figure, one.part, Cut(one.cut, one.of))
    return Figure(place, one.kind, one.state, one.value, one.numerator, one.denominator)
