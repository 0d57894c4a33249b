"""The values that a report is made of. Pure, and the same in every language and format."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from callmon.core.attestations import AttestationStatus
from callmon.core.statistics.period import Month

FORMATS = ("csv", "xlsx", "html", "pdf", "json")
CutKind = Literal["whole", "service", "mode", "line", "language"]
Relation = Literal["before", "year_before", "earlier"]
Kind = Literal["count", "rate", "seconds", "rings", "hours", "difference"]
# "not_applicable": the denominator is 0. "not_available": it was not received, or this version has no source.
# "too_few": below the minimum sample, or too few calls for the public edition.
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


class Title(msgspec.Struct, frozen=True):
    """What people call a line or a service, in both languages."""

    fr: str
    en: str


class ComparedMonth(msgspec.Struct, frozen=True):
    """Another month beside this one; its figures as they are judged in the database today."""

    month: str
    relation: Relation
    figures: Mapping[Place, Figure]


class Change(msgspec.Struct, frozen=True):
    """A figure before and after; None where there was, or is, no such figure."""

    place: Place
    before: Figure | None
    after: Figure | None


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

    def figure(self, name: str, part: str = "", cut: Cut = WHOLE) -> Figure:
        """The figure of a place. Raises KeyError if there is none."""
        return self.figures[Place(name, part, cut)]
