"""The values that a report is made of. Pure, and the same in every language and format."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

import msgspec

from callmon.core.attestations import AttestationStatus
from callmon.core.replay.needs import Needs
from callmon.core.statistics.period import Month

FORMATS = ("csv", "xlsx", "html", "pdf", "json")
CutKind = Literal["whole", "service", "mode", "line", "language"]
Relation = Literal["before", "year_before", "earlier", "this"]
Kind = Literal["count", "rate", "seconds", "rings", "hours", "difference"]
# "not_applicable": the denominator is 0. "not_available": it was not received, or this version has no source.
# "too_few": below the minimum sample, or too few calls for the public edition.
# Why a month is not explained: "few_days" and "usual" concern its days' rates, "not_explained" its parts, the
# others its calls.
MonthSilence = Literal["not_over", "imported", "partly_heard", "few_calls", "few_days", "usual", "not_explained"]
State = Literal["known", "not_applicable", "not_available", "too_few"]


class Cut(msgspec.Struct, frozen=True, order=True):
    """What calls are counted together: all, or those of a service, a mode, a line, a language."""

    kind: CutKind
    of: str = ""


WHOLE = Cut("whole")


class Place(msgspec.Struct, frozen=True, order=True):
    """Which figure: its name, the part of it ("answered" of "outcomes"), and the cut."""

    name: str
    part: str = ""
    cut: Cut = WHOLE


class Figure(msgspec.Struct, frozen=True):
    """One figure. A rate keeps both numbers that it is made of; `value` is None unless `state` is "known"."""

    place: Place
    kind: Kind
    state: State
    value: int | float | None = None
    numerator: int | None = None
    denominator: int | None = None


# Hours in opening hours that may be unheard in a month that is compared: a number of calls lacks those of the gap.
MOST_UNHEARD: Mapping[Kind, float] = {"count": 1.0, "rate": 17.0}


class Title(msgspec.Struct, frozen=True):
    """What people call a line or a service, in both languages."""

    fr: str
    en: str


class ComparedMonth(msgspec.Struct, frozen=True):
    """Another month beside this one; its figures as they are judged in the database today."""

    month: str
    relation: Relation
    figures: Mapping[Place, Figure]
    has_imported: bool = False  # some of its calls were not heard but imported

    @property
    def unheard_hours(self) -> float:
        """Opening hours that were unheard, without those of an exchange whose log has all calls of the gaps."""
        return sum(
            float(x.value or 0)
            for place, x in self.figures.items()
            if place.name == "unheard_open_hours" and not self._is_in_log(place.part)
        )

    def _is_in_log(self, exchange: str) -> bool:
        of = [self.figures.get(Place(f"unheard_{what}hours", exchange)) for what in ("known_", "")]
        known, whole = (None if x is None else x.value for x in of)
        return known is not None and known == whole

    def count(self, name: str, part: str = "") -> int:
        """A count of the whole; 0 where there is none."""
        found = self.figures.get(Place(name, part))
        return 0 if found is None or found.value is None else int(found.value)

    def may_compare(self, kind: Kind) -> bool:
        """Whether callmon heard enough of it to compare figures of this kind."""
        return not self.has_imported and self.unheard_hours < MOST_UNHEARD.get(kind, 0)


class Change(msgspec.Struct, frozen=True):
    """A figure before and after; None where there was, or is, no such figure."""

    place: Place
    before: Figure | None
    after: Figure | None


class ExplainedPart(msgspec.Struct, frozen=True):
    """A part of the difference of two months' rates: its name, and what it is worth as a share of 1."""

    part: str
    points: float


class PlannedHalfHour(msgspec.Struct, frozen=True):
    """The calls expected in a half-hour, four chances in five between, and the phones that keep the third ring.

    `phones`: None where no number of phones reaches the target.
    """

    day: date
    slot: str
    low: float
    high: float
    phones: int | None


class MonthExplained(msgspec.Struct, frozen=True):
    """The rate of the third ring beside that of the month before, and the parts of the difference.

    `z`: how far outside the spread of the days it is. `days`: of each month, replayed. Without parts: `why_not`.
    """

    before: str
    rate: float | None = None
    usual: float | None = None
    z: float | None = None
    parts: tuple[ExplainedPart, ...] | None = None
    days: int = 0
    why_not: MonthSilence | None = None


class Report(msgspec.Struct, frozen=True):
    """A month's statistics."""

    month: Month
    is_final: bool
    has_data: bool  # False: nothing was received, and no log (CEL) covers the time
    final_after: datetime | None  # last due time of the month's obligations, while in the future
    cuts: tuple[Cut, ...]
    titles: Mapping[Cut, Title]
    lines: Mapping[str, tuple[str, str]]  # the service and the mode of each line
    figures: Mapping[Place, Figure]
    config_fingerprint: str
    data_fingerprint: str
    compared: tuple[ComparedMonth, ...] = ()
    is_public: bool = False
    revision: int = 1
    revises: str | None = None  # the data fingerprint of the previous revision
    changes: tuple[Change, ...] = ()
    attested: tuple[AttestationStatus, ...] = ()
    is_running: bool = False  # the month is not over
    is_empty: bool = False  # the month has no call, ended or in progress, and no obligation
    complete_at_least: int | None = None  # percent, of a public edition
    imported: Mapping[str, int] = {}  # by the record's name, the calls that callmon did not hear but imported
    months: tuple[ComparedMonth, ...] = ()  # the eleven months before, oldest first
    targets: Mapping[Place, float] = {}  # percent, in force on the month's first day; of the rates that have one
    is_of_lines: bool = False  # only of some lines
    needs: Needs | None = None  # None: the question is off, or a public edition
    planned: tuple[PlannedHalfHour, ...] | None = None  # of the week after; None: not asked for
    explained: MonthExplained | None = None  # None: as `needs`, and a report of some lines or without comparison

    def compared_as(self, relation: Relation) -> ComparedMonth:
        """Its figures beside those of other months."""
        return ComparedMonth(self.month.name, relation, self.figures, bool(self.imported))

    def figure(self, name: str, part: str = "", cut: Cut = WHOLE) -> Figure:
        """The figure of a place. Raises KeyError if there is none."""
        return self.figures[Place(name, part, cut)]
