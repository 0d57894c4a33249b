"""Long work shows a bar with an end and a rate on a terminal; in a pipe, and with -q, it shows nothing."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from callmon.main import main
from tests.store.test_backfill import BackfillOffice, cel
from tests.support.pseudo_terminal import pseudo_terminal
from tests.unit.test_command_line import RECORDING

QUEUE_LOG = Path(__file__).parents[1] / "data/imported/22/queue_log"
# By the command: the bar's label. The same command shows none in a pipe.
LONG = {
    f"replay {RECORDING}": "Replaying",
    f"backfill {cel('vm_message')}": "Reading",
    "db rejudge --dry-run": "Judging",
    "db check": "Comparing calls",
    "db check --since 2026-11-01": "Comparing days",
    f"import queue_log {QUEUE_LOG} --yes": "Importing",
    "reconcile 2026-11-24": "Comparing exchanges",
    "privacy rotate": "Encrypting",
    "report 2026-11 -o report.html --month-to-date": "Reading",
}
WITH_CEL = '[exchanges.toronto.cel]\nfile = "cel.csv"\n'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a call, its CEL, and a second key: the number is under the older one."""
    folder = tmp_path_factory.mktemp("site")
    office = BackfillOffice(folder, WITH_CEL)
    (folder / "cel.csv").write_bytes(Path(cel("vm_message")).read_bytes())
    office.run("backfill", cel("vm_message"))
    office.run("privacy", "key")
    return folder


def shown(site: Path, *words: str, locale: str = "en_CA.UTF-8") -> str:
    """All that a terminal shows of the command, which runs in this process."""
    terminal, side = pseudo_terminal()
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as reader:
        patch.chdir(site)
        patch.setenv("LC_ALL", locale)
        patch.setenv("COLUMNS", "100")
        read = reader.submit(read_to_its_end, terminal)
        with (
            open(side, "w", encoding="utf-8") as screen, redirect_stdout(screen), redirect_stderr(screen),
            suppress(SystemExit),
        ):  # fmt: skip
            main(list(words), prog_name="callmon")
        return read.result().decode()


def read_to_its_end(terminal: int) -> bytes:
    read = b""
    with suppress(OSError):  # the other side of the terminal is closed
        while chunk := os.read(terminal, 4096):
            read += chunk
    os.close(terminal)
    return read


@pytest.mark.parametrize("words", LONG)
def test_a_bar_with_its_end_and_rate_is_shown_on_a_terminal_alone(site: Path, words: str) -> None:
    unit = "calls: " if words.startswith("import") else ""
    bar = re.compile(rf"{LONG[words]}  \[#+\]  100%  {unit}[\d,]+/s")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(site)
        piped = CliRunner(env={"LC_ALL": "en_CA.UTF-8"}).invoke(main, words.split())
    if words == "privacy rotate":
        BackfillOffice(site, WITH_CEL).run("privacy", "key")
    assert bar.search(shown(site, *words.split())) is not None
    assert (piped.exit_code, LONG[words] in piped.output, "\x1b" in piped.output) == (0, False, False)


def test_a_bar_is_in_the_readers_language(site: Path) -> None:
    reported = shown(site, "db", "rejudge", "--dry-run", locale="fr_CA.UTF-8")
    assert re.search("Jugement  \\[#+\\]  100%  [0-9\N{NO-BREAK SPACE}]+/s", reported) is not None


def test_a_quiet_command_shows_no_bar(site: Path) -> None:
    assert "Judging" not in shown(site, "-q", "db", "rejudge", "--dry-run")


def test_a_command_that_fails_half_way_gives_the_cursor_back(site: Path) -> None:
    reported = shown(site, "replay", str(RECORDING), "no-such-file.ami")
    assert reported.rindex("\x1b[?25h") > reported.rindex("\x1b[?25l")
