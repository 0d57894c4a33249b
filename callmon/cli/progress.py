"""The progress of long work, on standard error: shown on a terminal only, and not with --quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click

from callmon.cli.language import number, said


def progress_bar(length: int, label: str, calls: Callable[[], int] | None = None) -> Callable[[int], None]:
    """A progress bar with its rate on a terminal, nothing in a pipe. The function that is returned advances it.

    `calls`: the number of calls so far, whose rate is shown instead.
    """
    if not length or not shows_progress():
        return lambda _done: None
    began = time.monotonic()

    def rate(_item: object) -> str:
        done = bar.pos if calls is None else calls()
        per_second = f"{number(round(done / max(time.monotonic() - began, 0.001)))}/s"
        return per_second if calls is None else said("calls: {rate}", rate=per_second)

    bar: Any = click.progressbar(length=length, label=said(label), file=sys.stderr, item_show_func=rate)

    def advance(done: int) -> None:
        bar.update(done)
        if bar.finished:
            bar.render_finish()

    click.get_current_context().call_on_close(lambda: bar.finished or bar.render_finish())  # shows the cursor
    return advance


def fraction_bar(label: str, steps: int) -> Callable[[float], None]:
    """A progress bar of so many steps, which is told the fraction of the work that is done."""
    advance, shown = progress_bar(steps, label), 0

    def show(part: float) -> None:
        nonlocal shown
        advance(round(part * steps) - shown)
        shown = round(part * steps)

    return show


def shows_progress() -> bool:
    context = click.get_current_context(silent=True)
    return sys.stderr.isatty() and not (context and context.find_root().params.get("quiet"))


def print_result(line: str) -> None:
    """A line of a result; on a terminal it replaces the progress bar, which is drawn again below it."""
    if sys.stdout.isatty() and shows_progress():
        click.echo("\r\x1b[2K", nl=False, err=True)
    click.echo(line)


def counted(lines: Iterable[str], advance: Callable[[int], None]) -> Iterator[str]:
    """The lines; `advance` receives the number of bytes of each."""
    for line in lines:
        advance(len(line.encode(errors="replace")))
        yield line
