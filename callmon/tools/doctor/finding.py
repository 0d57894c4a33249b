"""One fault found by doctor, and how it is printed: the fault, why it matters, and the lines that fix it. Pure.

Refuses: to hold a secret. Where a secret belongs, the lines say so in a comment.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from textwrap import wrap
from typing import Any, Literal

from callmon.text.labels import translate

Severity = Literal["error", "warning"]
WIDTH = 100  # and no wider, however wide the terminal is
LANGUAGE: ContextVar[str] = ContextVar("language of doctor's reader", default="en")


def reader_text(english: str) -> str:
    """A text of doctor in the reader's language."""
    return translate(english, LANGUAGE.get())


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


@cache
def finding_texts() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """`findings.toml`: the texts of every finding, by group and name."""
    return tomllib.loads(files("callmon.tools.doctor").joinpath("findings.toml").read_text(encoding="utf-8"))


def finding(
    kind: str, *more: str, exchange: str = "", severity: Severity | None = None, **values: object
) -> DoctorFinding:
    """The finding `GROUP.NAME` of the table, filled with `values`. `more`: further lines for the file."""
    group, _, name = kind.partition(".")
    entry = finding_texts()[group][name]
    values |= {"exchange": exchange}
    texts = (reader_text(entry.get(x, "")) for x in ("what", "why", "file", "then"))
    what, why, file, then = (text.format(**values).strip() for text in texts)
    lines = (*(line.format(**values) for line in entry.get("lines", ())), *more)
    return DoctorFinding(exchange, severity or entry.get("severity", "warning"), what, why, file, lines, then)


def as_text(findings: Iterable[DoctorFinding], exchanges: Iterable[str] = (), width: int = WIDTH) -> str:
    """All findings for a terminal of `width` columns, grouped by exchange. `exchanges`: those examined."""
    found = list(findings)
    names = dict.fromkeys([*exchanges, *(finding.exchange for finding in found)])
    return "\n\n".join(_about(name, [c for c in found if c.exchange == name], min(width, WIDTH)) for name in names)


def _about(exchange: str, findings: list[DoctorFinding], width: int) -> str:
    title = exchange or reader_text("all exchanges")
    if not findings:
        return reader_text("{title}: no findings.").format(title=title)
    errors = sum(finding.severity == "error" for finding in findings)
    counts = ((errors, reader_text("error")), (len(findings) - errors, reader_text("warning")))
    counted = [f"{count} {what}{'s' if count > 1 else ''}" for count, what in counts if count]
    text = [reader_text("{title}: {counts}").format(title=title, counts=", ".join(counted))]
    for finding in sorted(findings, key=lambda c: c.severity):
        text += ["", *_lines(finding, width)]
    return "\n".join(text)


def _lines(finding: DoctorFinding, width: int) -> Iterator[str]:
    head = f"{reader_text(finding.severity).upper()}  {finding.what}"
    yield from wrap(head, width, subsequent_indent="  ", break_on_hyphens=False)
    yield from wrap(finding.why, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    if finding.lines:
        is_added = finding.lines[0].endswith("(+)")
        where = "Add at the end of {file}:" if is_added else "In {file}, under this heading:"
        yield f"  {reader_text(where).format(file=finding.file)}"
        yield ""
        yield from (f"      {line}" for line in finding.lines)  # never wrapped: they are to be copied
    if finding.then:
        yield ""
        yield f"  {reader_text('Then:')} {finding.then}"
