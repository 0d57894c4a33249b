"""A report as files: the path, language and bytes of each.

Refuses: to write a file; the caller writes them.
"""

from collections.abc import Callable
from pathlib import Path

from callmon import __version__
from callmon.config.settings import Settings
from callmon.errors import ConfigError
from callmon.reports.formats import csv, html, json, pdf, xlsx
from callmon.reports.formatter import ReportFormatter
from callmon.reports.model import Report
from callmon.reports.notes import Remarks
from callmon.text.labels import LANGUAGES

File = tuple[Path, bytes]
STDOUT = Path("-")


def files(
    report: Report,
    settings: Settings,
    kind: str,
    lang: str | None,
    output: Path | None,
    remarks: Remarks | None = None,
    language_done: Callable[[], None] = lambda: None,
) -> list[File]:
    """The path and bytes of each file; `language_done` is called after each language is made.

    Both languages are made, whichever is requested: a missing text stops both, so that none is published alone by
    mistake. JSON is one file with both languages. Raises ConfigError if `output` is stdout and `lang` is None.
    """
    fr, en = formatters = [ReportFormatter(language, settings.timezone) for language in LANGUAGES]
    path = output or Path(f"callmon-{report.month.name}{'-public' if report.is_public else ''}.{kind}")
    if kind == "json":
        return [(path, json.json_bytes(report, fr, en, __version__))]
    if path == STDOUT and lang is None:
        raise ConfigError("-o - writes one language: say which with --lang fr or --lang en.")
    found: list[File] = []
    for tongue in formatters:
        is_wanted = lang in (None, tongue.language)
        # For a PDF in a language that is not requested, its HTML page is sufficient.
        made = _in(report, settings, remarks or {}, tongue, kind if is_wanted or kind != "pdf" else "html")
        language = tongue.language if lang is None else None
        if is_wanted:
            found += [(localized_path(path, language, x), made[x]) for x in made if path != STDOUT or not x]
        language_done()
    return found


def localized_path(path: Path, language: str | None, suffix: str = "") -> Path:
    """The path for one of two languages; `language` is None when only one language is written."""
    if path == STDOUT:
        return path
    return path.with_name(path.stem + (f"-{language}" if language else "") + suffix + path.suffix)


def _in(
    report: Report, settings: Settings, remarks: Remarks, tongue: ReportFormatter, kind: str
) -> dict[str, bytes]:
    """The files of one language, keyed by the suffix that is added to their name."""
    if kind == "csv":
        other = "-dictionnaire" if tongue.language == "fr" else "-dictionary"
        return {"": csv.figures(report, tongue), other: csv.dictionary(report, tongue)}
    if kind == "xlsx":
        return {"": xlsx.workbook(report, settings, remarks, tongue)}
    page = html.html(report, settings, remarks, tongue)
    return {"": pdf.pdf(page) if kind == "pdf" else page}
