"""The annex of the phones needed, as a section of the printed report. Pure."""

from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.layout import LayoutRow, LayoutSection, LayoutTable
from callmon.features.months.model import Figure, Place, PlannedHalfHour, Report, State


def planned_sections(report: Report, formatter: ReportFormatter) -> list[LayoutSection]:
    """The phones needed in the week after the month, by half-hour and day; nothing where nobody asked for it."""
    half_hours, say = report.planned, formatter.say
    if half_hours is None:
        return []
    title = say("Phones needed, the week after")
    if not half_hours:
        note = say("Fewer than eight weeks of calls are known: nothing is estimated.")
        return [LayoutSection("phones", title, notes=(note,))]
    known = {(x.day, x.slot): _phones(x) for x in half_hours}
    days, slots = sorted({x.day for x in half_hours}), sorted({x.slot for x in half_hours})
    none = Figure(Place("phones"), "count", "not_available")
    rows = tuple(
        LayoutRow(
            formatter.time_of_day(*map(int, slot.split(":"))),
            tuple(known.get((day, slot), none) for day in days),
        )
        for slot in slots
    )
    head = tuple(formatter.capital(formatter.weekday(day)) for day in days)
    notes = (
        say(
            "For each half-hour, the least phones that keep the third ring for 9 calls in 10. n/a: more phones do "
            "not help."
        ),
        say("This is an estimate: it describes the line, not the people who work on it."),
    )
    table = LayoutTable("phones", title, say("From"), head, rows, notes=notes, dashed=True)
    return [LayoutSection("phones", title, (table,))]


def _phones(planned: PlannedHalfHour) -> Figure:
    state: State = "known" if planned.phones is not None else "not_applicable"
    return Figure(Place("phones", f"{planned.day} {planned.slot}"), "count", state, planned.phones)
