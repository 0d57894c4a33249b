"""A report as files: the path, language and bytes of each.

Refuses: to write a file; the caller writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from callmon import __version__
from callmon.errors import ConfigError

if TYPE_CHECKING:
    from callmon.config.settings import Settings
    from callmon.reports.formatter import ReportFormatter
    from callmon.reports.model import Report
    from callmon.reports.notes import Remarks, ReportNotes

FORMATS = ("csv", "xlsx", "html", "pdf", "json")
LANGUAGES = ("fr", "en")
STDOUT = Path("-")
File = tuple[Path, bytes]


def files(
    made: Report,
    settings: Settings,
    kind: str,
    lang: str | None,
    output: Path | None,
    remarks: Remarks | None = None,
    told: Callable[[], None] = lambda: None,
) -> list[File]:
    """The path and bytes of each file; `told` is called after each language is made.

    Both languages are made, whichever is requested: a missing text stops both, so that none is published alone by
    mistake. JSON is one file with both languages. Raises ConfigError if `output` is stdout and `lang` is None.
    """
    from callmon.reports.formatter import ReportFormatter

    tongues = {language: ReportFormatter(language, settings.timezone) for language in LANGUAGES}
    path = output or Path(f"callmon-{made.month.name}{'-public' if made.is_public else ''}.{kind}")
    if kind == "json":
        from callmon.reports.formats import json

        return [(path, json.written(made, tongues["fr"], tongues["en"], __version__))]
    if path == STDOUT and lang is None:
        raise ConfigError("-o - writes one language: say which with --lang fr or --lang en.")
    wanted = LANGUAGES if lang is None else (lang,)
    made_in = {}
    for x in LANGUAGES:
        # For a PDF in a language that is not requested, its HTML page is sufficient.
        as_kind = kind if x in wanted or kind != "pdf" else "html"
        made_in[x] = _in(made, settings, tongues[x], as_kind, remarks or {})
        told()
    return [
        (named(path, language if lang is None else None, suffix), data)
        for language in wanted
        for suffix, data in made_in[language].items()
        if path != STDOUT or not suffix
    ]


def named(path: Path, language: str | None, suffix: str = "") -> Path:
    """The path for one of two languages; `language` is None when only one language is written."""
    if path == STDOUT:
        return path
    return path.with_name(path.stem + (f"-{language}" if language else "") + suffix + path.suffix)


def _in(
    made: Report, settings: Settings, tongue: ReportFormatter, kind: str, remarks: Remarks
) -> dict[str, bytes]:
    """The files of one language, keyed by the suffix that is added to their name."""
    from callmon.reports.formats import csv

    if kind == "csv":
        other = "-dictionnaire" if tongue.language == "fr" else "-dictionary"
        return {"": csv.figures(made, tongue), other: csv.dictionary(made, tongue)}
    around = frame_of(settings, made, remarks)
    if kind == "html":
        from callmon.reports.formats import html as page

        return {"": page.html(made, around, tongue)}
    if kind == "xlsx":
        from callmon.reports.formats import xlsx

        return {"": xlsx.workbook(made, around, tongue)}
    from callmon.reports.formats import html as page
    from callmon.reports.formats import pdf

    return {"": pdf.pdf(page.html(made, around, tongue))}


def frame_of(settings: Settings, made: Report, remarks: Remarks) -> ReportNotes:
    """The settings that the report states about itself."""
    from callmon.core.standards import load
    from callmon.reports.notes import ReportNotes

    month = made.month
    last = month.after - timedelta(days=1)
    own = [(line, line.hours.week) for line in settings.lines() if line.hours is not None]
    return ReportNotes(
        version=__version__,
        hours=((None, settings.calendar().hours.week), *own),
        hours_are_assumed=settings.hours_are_assumed(),
        closed=tuple(settings.calendar().closed_days(month.first, last)),
        lines=tuple(settings.lines()),
        rules=settings.rules,
        minimum=settings.minimum_sample,
        standards={x.name: x.parameters.model_dump() for x in load(settings.standards)},
        remarks=remarks,
        contact=settings.configuration.accessible_contact,
    )
