"""Due dates of obligations, from the site's rules and each line's calendar. Pure: no clock.

A callback has two due times: a number of elapsed hours, and the closing of the next business day. The line's
setting selects the one that the verdict uses. The last moment to act and the moment of "due soon" follow from
that one and from the line's opening hours (R-07).
"""

from dataclasses import dataclass
from datetime import date, datetime

from callmon.config.business_calendar import Calendar
from callmon.config.lines import Line
from callmon.config.schema import CallbackRules
from callmon.config.settings import Settings
from callmon.core.callbacks.entries import Due, Dues, Kind

ACKNOWLEDGED_IN, ANSWERED_IN = 2, 15  # business days


@dataclass(frozen=True, slots=True)
class DueDatePolicy:
    """The due-date policy of one line: its calendar, and the due time that its verdict uses."""

    line: Line
    calendar: Calendar
    rules: CallbackRules

    def dues(self, kind: Kind, opened: datetime) -> Dues:
        if kind == "complaint":
            first = self._due(self.calendar.business_days_after(opened, ACKNOWLEDGED_IN), opened)
            answer = self._due(self.calendar.business_days_after(opened, ANSWERED_IN), opened)
            return Dues(first, answer=answer)
        clock = self.calendar.clock_due(opened, self.rules.within)
        business = self.calendar.business_days_after(opened, 1)
        judging = business if self.line.callback_clock == "business_day" else clock
        return Dues(self._due(judging, opened), clock, business)

    def _due(self, at: datetime, opened: datetime) -> Due:
        actionable = self.calendar.actionable(at, opened)
        if actionable is None:
            return Due(at, None, None)
        before = self.calendar.open_hours_before(actionable, self.rules.due_soon)
        soon = opened if before is None else max(before, opened)
        return Due(at, actionable, min(self.calendar.opens_next(soon) or actionable, actionable))


class DueDatePolicies:
    """The due-date policy of every line. An unconfigured line (`any_line`) has the ministry's calendar."""

    def __init__(self, settings: Settings) -> None:
        self.rules = settings.rules
        lines = settings.lines()
        self._calendar = settings.calendar()
        self.own_numbers = frozenset(number for line in lines for number in line.numbers)
        self._terms = {x.name: DueDatePolicy(x, settings.calendar(x), self.rules) for x in lines}
        serving: dict[str, set[str]] = {}
        for line in lines:
            for phone in line.extensions:
                serving.setdefault(bare(phone), set()).add(line.service)
        # Phones that serve one service only; any other phone may call back for all services.
        self._serves = {phone: next(iter(known)) for phone, known in serving.items() if len(known) == 1}
        self._tty_phones = frozenset(bare(x) for line in lines if line.mode == "tty" for x in line.extensions)

    def policy_of(self, line: str) -> DueDatePolicy:
        known = self._terms.get(line)
        if known is None:
            made_up = Line(name=line, mode="voice", service=line, title_fr=line, title_en=line)
            known = self._terms[line] = DueDatePolicy(made_up, self._calendar, self.rules)
        return known

    def may_call_back(self, phone: str) -> tuple[str | None, bool]:
        """The only service that this phone may call back for, or None for all (R-15); whether also TTY (R-19)."""
        return self._serves.get(phone), phone in self._tty_phones

    def local_day(self, at: datetime) -> date:
        return self._calendar.local_day(at)


def bare(phone: str) -> str:
    """The extension of a configured phone, as calls have it: "101" for "101" and "PJSIP/101"."""
    return phone.rpartition("/")[2]
