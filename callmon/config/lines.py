"""The public lines: their numbers and names. Pure: no I/O, no clock.

A line is identified by the dialled number that the exchange reports. This module does not depend on calls.
Refuses: two lines that cannot be distinguished (R-43).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from callmon.config.business_calendar import Hours, SpecialHours
from callmon.config.phone_numbers import as_delivered
from callmon.errors import ConfigError, Sentence

Mode = Literal["voice", "tty"]
LineLanguage = Literal["fr", "en"]
CallbackClock = Literal["clock", "business_day"]

RING_CYCLE = timedelta(seconds=6)
RING_TONE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Target:
    """An internal target (R-25): the ministry's own percentage, dated and signed. The policy states none."""

    standard: str
    percent: float
    since: date
    signed_by: str


@dataclass(frozen=True, slots=True)
class Line:
    """One public line: the settings of [lines.NAME], explained in `schema.py`.

    `name` is its label, topic and key. `numbers` are E.164; `arrives_as` is exact ("s", "7329"). A ring has 6 s in
    North America (standards.md "What a ring is"). `language` and `language_menu`: R-22. `hours` and
    `special_hours`: None and empty mean the ministry's.
    """

    name: str
    mode: Mode
    service: str
    title_fr: str
    title_en: str
    numbers: tuple[str, ...] = ()
    arrives_as: tuple[str, ...] = ()
    ring_cycle: timedelta = RING_CYCLE
    ring_tone: timedelta = RING_TONE
    language: LineLanguage | None = None
    language_menu: bool = False
    voicemail_keys: tuple[str, ...] = ()
    hours: Hours | None = None
    special_hours: SpecialHours = field(default_factory=SpecialHours)
    targets: tuple[Target, ...] = ()
    mailboxes: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    callback_clock: CallbackClock = "clock"
    test_call_every: timedelta | None = None

    def title(self, language: str) -> str:
        """The French title for "fr", the English one for every other language."""
        return self.title_fr if language == "fr" else self.title_en

    def target(self, standard: str, day: date) -> Target | None:
        """The target in force on `day`: the latest that had begun, or None (then nothing is green or red)."""
        begun = [t for t in self.targets if t.standard == standard and t.since <= day]
        return max(begun, key=lambda t: t.since, default=None)


class Lines:
    """All lines, by name and by dialled number. Immutable. Two lines with one number are refused."""

    __slots__ = ("_by_form", "_by_name")

    def __init__(self, lines: Iterable[Line] = (), region: str = "CA") -> None:
        """`region` determines which forms of a number are equal. Raises ConfigError with one sentence a clash."""
        self._by_name: dict[str, Line] = {}
        takers: dict[str, list[Line]] = defaultdict(list)
        for line in lines:
            self._by_name[line.name] = line
            for form in forms(line, region):
                takers[form].append(line)
        if clashes := _clashes(takers):
            raise ConfigError(*clashes)
        self._by_form = {form: found[0] for form, found in takers.items()}

    def by_number(self, dialled: str) -> Line | None:
        """The line of a call to `dialled`, in the exchange's form; None for no line.

        One dictionary lookup: the forms with 10 and 11 digits, +1…, 011… and `arrives_as` are precomputed.
        """
        return self._by_form.get(dialled)

    def __getitem__(self, name: str) -> Line:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Line]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)


def forms(line: Line, region: str) -> tuple[str, ...]:
    """All forms of the dialled number that identify this line."""
    delivered = (form for number in line.numbers for form in as_delivered(number, region))
    return tuple(dict.fromkeys((*delivered, *line.arrives_as)))


def _clashes(takers: dict[str, list[Line]]) -> list[Sentence]:
    """One sentence for each set of lines that share a form, however many forms they share."""
    shared: dict[tuple[str, ...], str] = {}
    for form, found in takers.items():
        if len(found) > 1:
            shared.setdefault(tuple(line.name for line in found), form)
    within = [names for names in shared if any(set(names) < set(others) for others in shared)]
    return [_clash(names, form) for names, form in shared.items() if names not in within]


def _clash(names: tuple[str, ...], form: str) -> Sentence:
    tables = [f"lines.{name}" for name in names]
    return Sentence(
        '{lines} cannot be told apart: a call to "{form}" is on {count}. '
        "Give each a number of its own; if one number is delivered for both (a toll-free number that ends on "
        "the local one), ask the carrier for a DID of its own and put it in arrives_as.",
        lines=Sentence("{first} and {last}", first=", ".join(tables[:-1]), last=tables[-1]),
        form=form,
        count=Sentence("both") if len(names) == 2 else Sentence("all of them"),
    )
