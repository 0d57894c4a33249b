"""`callmon report`: the monthly statistics, in both languages at once.

Reads the database, makes the Report (`reports/monthly`) and writes it in one format. A report is the same bytes
each time, while neither the data nor the configuration changed and nothing fell due meanwhile.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from callmon import __version__
from callmon.command_line import config_option, configuration, speaks_plainly, until_done
from callmon.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from callmon.disruptions.disruption import Disruption
    from callmon.reports.frame import Frame, Remarks
    from callmon.reports.hearing import Listening
    from callmon.reports.monthly import Site
    from callmon.reports.speaking import Tongue
    from callmon.reports.values import Month, Relation, Report
    from callmon.settings import Settings
    from callmon.store.engine import Store

FORMATS = ("csv", "xlsx", "html", "pdf", "json")
LANGUAGES = ("fr", "en")
STDOUT = Path("-")
# What of an exchange's settings says how its calls are understood; the rest says how it is reached.
OF_EXCHANGE = {
    *("trunks", "phones", "voicemail_contexts", "survey_extensions", "parking_extensions", "queue_languages"),
    "dial_prefixes",
}
OF_SITE = {
    *("timezone", "region", "relay_numbers", "minimum_sample", "callbacks", "calendar", "services", "lines"),
    *("staff", "standards"),
}
Told = Callable[[], None]


@click.command()
@click.argument("month")
@config_option
@click.option("--format", "kind", type=click.Choice(FORMATS), default="html", show_default=True)
@click.option("--lang", type=click.Choice(LANGUAGES), help="one language (default: both, a file each)")
@click.option("--public", "is_public", is_flag=True, help="the public edition: small numbers are kept back")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, allow_dash=True), help="the FILE, or - for one language"
)
@click.option("--month-to-date", "to_date", is_flag=True, help="only the days of the month that are over")
@click.option("--lines", "names", help="only these lines, with commas between")
@click.option("--compare/--no-compare", default=True, show_default=True, help="the month before and a year before")
@click.option("--sample", metavar="SEED", help="instead, 20 calls drawn by this seed, a page of text each")
@click.option("--revises", type=click.Path(path_type=Path), help="JSON of an earlier report: what changed since?")
@click.option("--overwrite", is_flag=True, help="write over another report that is there")
@click.option(
    "--remarks", type=click.Path(path_type=Path), help="a TOML file with the manager's remarks, fr and en"
)
@speaks_plainly
def report(
    month: str,
    config: Path | None,
    kind: str,
    lang: str | None,
    is_public: bool,
    output: Path | None,
    to_date: bool,
    names: str | None,
    compare: bool,
    sample: str | None,
    revises: Path | None,
    overwrite: bool,
    remarks: Path | None,
) -> None:
    """The monthly statistics of MONTH (2026-10), in French and English.

    Both languages go to two files, -fr and -en; CSV has its data dictionary beside it. A report that is there
    already and says something else is not written over: it may have been signed.

    \b
    Example: callmon report 2026-10 --format xlsx -o october.xlsx
    """
    from callmon.reports import public, revising
    from callmon.store.engine import open_store

    if is_public and (to_date or names or revises or sample):
        raise ConfigError(
            "--public goes with whole months and all lines: a part of it would tell what is kept back."
        )
    settings, now = configuration(config), datetime.now(UTC)
    period, wanted = _period(month, settings, now, to_date), _lines(settings, names)
    if sample is not None:
        _draw(settings, period, sample, lang, output, overwrite)
        return
    said = _remarks_of(remarks)
    earlier = None if revises is None else revising.read(_bytes_of(revises), str(revises))
    store = until_done(open_store(settings.store.url))
    made = gathered(store, settings, period, now, wanted, compare, _progress)
    if is_public:
        made = public.edition(made)
    if earlier is not None:
        made = revising.revised(made, earlier, str(revises))
    _write(files(made, settings, kind, lang, output, said), overwrite)


def _draw(
    settings: Settings, period: Month, seed: str, lang: str | None, output: Path | None, overwrite: bool
) -> None:
    """The calls of a sample instead of the statistics."""
    from callmon import report_sample
    from callmon.store.engine import open_store

    packs = report_sample.packs(until_done(open_store(settings.store.url)), settings, period, seed)
    asked = [x for x in LANGUAGES if lang in (None, x)]
    _write([(report_sample.named(output, period, x), packs[x]) for x in asked], overwrite)


def _period(month: str, settings: Settings, now: datetime, to_date: bool) -> Month:
    from callmon.reports import month as months

    period = months.month(month, settings.timezone)
    if period.begin >= now:
        raise ConfigError(f"{month} has not begun yet.")
    today = now.astimezone(settings.timezone).date()
    return months.to_date(period, today, settings.timezone) if to_date else period


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from None


def _write(told: list[tuple[Path, bytes]], overwrite: bool) -> None:
    """Raises ConfigError, before anything is written, when a file is there and says something else (R-31)."""
    for path, data in told:
        if path != STDOUT and not overwrite and path.exists() and path.read_bytes() != data:
            raise ConfigError(
                f"{path} is there and says something else; a report is not written over. Give another name with "
                "-o (--revises tells what changed), or write over a draft with --overwrite."
            )
    for path, data in told:
        if path == STDOUT:
            sys.stdout.buffer.write(data)
        else:
            path.write_bytes(data)
            click.echo(path)


def _lines(settings: Settings, names: str | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    wanted = tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    unknown = [name for name in wanted if name not in settings.lines()]
    if unknown or not wanted:
        known = ", ".join(line.name for line in settings.lines())
        raise ConfigError(f"--lines {names}: there is no line {', '.join(unknown)}; there are {known}.")
    return wanted


def _progress(days: int) -> Told:
    """A bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        return lambda: None
    bar = click.progressbar(length=days, label="Reading", file=sys.stderr)

    def told() -> None:
        bar.update(1)
        if bar.finished:
            bar.render_finish()

    return told


# Reading.


def gathered(
    store: Store,
    settings: Settings,
    period: Month,
    now: datetime,
    lines: Iterable[str] | None = None,
    compare: bool = True,
    progress: Callable[[int], Told] = lambda days: lambda: None,
) -> Report:
    """The report of a period as the database has it at `now`, beside other months when these are asked for."""
    from callmon.reports import month as months
    from callmon.reports.values import Compared
    from callmon.store import reported
    from callmon.store.disruptions import all_of

    zone, site = settings.timezone, site_of(settings)
    others: list[tuple[Relation, Month]] = [
        ("before", months.before(period, zone)),
        ("year_before", months.year_before(period, zone)),
    ]
    others = others if compare else []
    told = progress(sum(reported.steps(x.begin, x.end) for x in (period, *(one for _, one in others))))
    with reported.snapshot(store) as connection:
        made = _one(connection, site, period, now, lines, told, tuple(all_of(store, period.begin, period.end)))
        beside = [
            Compared(
                one.name,
                relation,
                _one(connection, site, one, now, lines, told, tuple(all_of(store, one.begin, one.end))).figures,
            )
            for relation, one in others
        ]
    return msgspec.structs.replace(made, compared=tuple(beside))


def _one(
    connection: Connection,
    site: Site,
    period: Month,
    now: datetime,
    lines: Iterable[str] | None,
    told: Told,
    disrupted: tuple[Disruption, ...],
) -> Report:
    from callmon.callbacks.obligation import Obligation
    from callmon.calls.call import Call
    from callmon.reports.hearing import Listening
    from callmon.reports.monthly import Book, Known
    from callmon.store import reported

    book, seal = Book(site, period, now, lines), reported.Seal()
    begin, end = period.begin, period.end
    for day in reported.calls(connection, begin, end, seal):
        for judged in day:
            assert isinstance(judged.what, Call)
            book.call(judged.what, judged.findings)
        told()
    for judged in reported.obligations(connection, begin, end, seal):
        assert isinstance(judged.what, Obligation)
        book.obligation(judged.what, judged.findings)
    heard = reported.heard(connection, begin, end, seal)
    listening = {name: Listening(*one) for name, one in heard.items()}
    if end > now:  # what has not come yet is not unheard
        listening = {name: _so_far(one, now, end) for name, one in listening.items()}
    for one in disrupted:
        seal.add("disruption", one.id, one.began, one.ended, one.counts)
    known = Known(
        listening=listening,
        counted=reported.counted(connection, begin, end),
        in_progress=sum(map(book.is_told, reported.in_progress(connection, begin, end))),
        fingerprint=str(seal),
        disruptions=disrupted,
    )
    return book.report(known)


def _so_far(one: Listening, now: datetime, end: datetime) -> Listening:
    """While the month lasts: heard until a minute ago is heard until now."""
    recent = one.until is not None and now - one.until < timedelta(minutes=1)
    gaps = one.gaps if recent or one.until is None else (*one.gaps, (one.until, now))
    return msgspec.structs.replace(one, until=None if one.until is None else end, gaps=gaps)


def site_of(settings: Settings) -> Site:
    """What the report must know of the settings."""
    from callmon.reports.monthly import Site
    from callmon.reports.values import Title

    return Site(
        zone=settings.timezone,
        lines=settings.lines(),
        services={name: Title(x.title_fr, x.title_en) for name, x in settings.services.items()},
        calendar=settings.calendar(),
        minimum=settings.minimum_sample,
        judged=_judged(settings),
        attempt_counts=settings.rules.attempt_counts,
        fingerprint=fingerprint(settings),
    )


def _judged(settings: Settings) -> frozenset[str]:
    """The standards that are judged there: all but those that lack what they need."""
    from callmon.assembly import monitor
    from callmon.standards import load

    enabled = monitor(settings, token=str).enabled()
    return frozenset(x.name for x in load(settings.standards) if x.needs is None or enabled[x.name])


def fingerprint(settings: Settings) -> str:
    """Of every setting that moves a figure; no secret, no address, is in it."""
    told = settings.configuration.model_dump(mode="json", include=OF_SITE)
    exchanges = {
        name: x.model_dump(mode="json", include=OF_EXCHANGE)
        for name, x in settings.configuration.exchanges.items()
    }
    written = json.dumps(told | {"exchanges": exchanges}, sort_keys=True, ensure_ascii=False, default=str)
    return sha256(written.encode()).hexdigest()


# Writing.


def files(
    made: Report,
    settings: Settings,
    kind: str,
    lang: str | None,
    output: Path | None,
    remarks: Remarks | None = None,
) -> list[tuple[Path, bytes]]:
    """What is to be written where. Both languages are made, whichever is asked for: none is published alone by
    mistake, and a missing text stops both.
    """
    from callmon.reports.speaking import Tongue

    tongues = {language: Tongue(language, settings.timezone) for language in LANGUAGES}
    path = output or Path(f"callmon-{made.month.name}{'-public' if made.is_public else ''}.{kind}")
    if kind == "json":
        from callmon.reports import as_json

        return [(path, as_json.written(made, tongues["fr"], tongues["en"], __version__))]
    if path == STDOUT and lang is None:
        raise ConfigError("-o - writes one language: say which with --lang fr or --lang en.")
    wanted = LANGUAGES if lang is None else (lang,)
    made_in = {
        # Of a PDF that nobody asked for its page will do.
        x: _in(made, settings, tongues[x], kind if x in wanted or kind != "pdf" else "html", remarks or {})
        for x in LANGUAGES
    }
    return [
        (_named(path, language, lang is None, suffix), data)
        for language in wanted
        for suffix, data in made_in[language].items()
        if path != STDOUT or not suffix
    ]


def _named(path: Path, language: str, both: bool, suffix: str) -> Path:
    if path == STDOUT:
        return path
    return path.with_name(path.stem + (f"-{language}" if both else "") + suffix + path.suffix)


def _in(made: Report, settings: Settings, tongue: Tongue, kind: str, remarks: Remarks) -> dict[str, bytes]:
    """The files of one language, by what is added to their name."""
    from callmon.reports import as_csv

    if kind == "csv":
        other = "-dictionnaire" if tongue.language == "fr" else "-dictionary"
        return {"": as_csv.figures(made, tongue), other: as_csv.dictionary(made, tongue)}
    around = frame_of(settings, made, remarks)
    if kind == "html":
        from callmon.reports import page

        return {"": page.html(made, around, tongue)}
    if kind == "xlsx":
        from callmon.reports import as_xlsx

        return {"": as_xlsx.workbook(made, around, tongue)}
    from callmon.reports import as_pdf, page

    return {"": as_pdf.pdf(page.html(made, around, tongue))}


def frame_of(settings: Settings, made: Report, remarks: Remarks) -> Frame:
    """What the report says of its own making."""
    from callmon.reports.frame import Frame
    from callmon.standards import load

    month = made.month
    last = month.after - timedelta(days=1)
    own = [(line, line.hours.week) for line in settings.lines() if line.hours is not None]
    return Frame(
        version=__version__,
        hours=((None, settings.calendar().hours.week), *own),
        hours_are_assumed=settings.hours_are_assumed(),
        closed=tuple(settings.calendar().closed_days(month.first, last)),
        lines=tuple(settings.lines()),
        rules=settings.rules,
        minimum=settings.minimum_sample,
        standards={x.name: x.parameters.model_dump() for x in load(settings.standards)},
        remarks=remarks,
    )


def _remarks_of(path: Path | None) -> Remarks:
    """[section] fr = "…", en = "…". Raises ConfigError when a remark lacks a language (R-33)."""
    if path is None:
        return {}
    try:
        told = tomllib.loads(_bytes_of(path).decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as TOML: {error}") from None
    for key, text in told.items():
        if not isinstance(text, dict) or not all(isinstance(text.get(x), str) and text[x] for x in LANGUAGES):
            raise ConfigError(f"{path}: the remark [{key}] needs both fr and en, neither of them empty.")
    return told
