"""One fault found by doctor, and how it is printed: the fault, why it matters, and the lines that fix it. Pure.

Refuses: to hold a secret. Where a secret belongs, the lines say so in a comment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import Literal

Severity = Literal["error", "warning"]
WIDTH = 100  # and no wider, however wide the terminal is
OURS = "callmon.toml"


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """One fault.

    `error`: callmon cannot do its job. `warning`: it can, but not all of it, or not well. `exchange` is "" for a
    fault that concerns no exchange in particular. `lines` that begin with `[SECTION](+)` are appended to the end
    of `file` unchanged. Other `lines` belong under the heading with which they begin. `then` is the command to
    run afterwards.
    """

    exchange: str
    severity: Severity
    what: str
    why: str
    file: str = ""
    lines: tuple[str, ...] = ()
    then: str = ""


def as_text(complaints: Iterable[DoctorFinding], exchanges: Iterable[str] = (), width: int = WIDTH) -> str:
    """All complaints for a terminal of `width` columns, grouped by exchange. `exchanges`: those examined."""
    found = list(complaints)
    names = dict.fromkeys([*exchanges, *(complaint.exchange for complaint in found)])
    return "\n\n".join(_about(name, [c for c in found if c.exchange == name], min(width, WIDTH)) for name in names)


def _about(exchange: str, complaints: list[DoctorFinding], width: int) -> str:
    title = exchange or "all exchanges"
    if not complaints:
        return f"{title}: nothing to complain of."
    errors = sum(complaint.severity == "error" for complaint in complaints)
    counted = [_counted(errors, "error"), _counted(len(complaints) - errors, "warning")]
    told = [f"{title}: {', '.join(filter(None, counted))}"]
    for complaint in sorted(complaints, key=lambda c: c.severity):
        told += ["", *_told(complaint, width)]
    return "\n".join(told)


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'s' if n > 1 else ''}" if n else ""


def _told(complaint: DoctorFinding, width: int) -> Iterator[str]:
    head = f"{complaint.severity.upper()}  {complaint.what}"
    yield from wrap(head, width, subsequent_indent="  ", break_on_hyphens=False)
    yield from wrap(complaint.why, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    if complaint.lines:
        is_added = complaint.lines[0].endswith("(+)")
        yield (
            f"  Add at the end of {complaint.file}:" if is_added else f"  In {complaint.file}, under this heading:"
        )
        yield ""
        yield from (f"      {line}" for line in complaint.lines)  # never wrapped: they are to be copied
    if complaint.then:
        yield ""
        yield f"  Then: {complaint.then}"
