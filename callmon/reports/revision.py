"""A revision: a report of a month after its data or settings changed, with the changes since an earlier one. Pure.

The earlier report is read from its JSON, as it was written and perhaps signed. The revision supersedes it.

Refuses: to change the earlier report.
"""

import msgspec

from callmon.errors import ConfigError
from callmon.reports.formats.json import Published, figures_of
from callmon.reports.model import Change, Figure, Report


def revised(report: Report, earlier: Published, name: str) -> Report:
    """The next revision, with exactly the figures that changed.

    Raises ConfigError if `earlier` is not the same edition of the same days and lines.
    """
    month, period = report.month, earlier.period
    is_same_period = (period.month, period.first, period.after) == (month.name, month.first, month.after)
    if not is_same_period or earlier.state.public != report.is_public:
        kind = "public edition" if report.is_public else "internal report"
        raise ConfigError(f"{name}: not the {kind} of the same days; a revision follows one of these.")
    if {x.of for x in earlier.cuts if x.kind == "line"} != {x.of for x in report.cuts if x.kind == "line"}:
        raise ConfigError(f"{name}: not a report of the same lines.")
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
