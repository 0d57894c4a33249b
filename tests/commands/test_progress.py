"""Long work shows a bar with an end and a rate on a terminal; in a pipe, and with -q, it shows nothing."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.store.test_backfill import Office, cel
from tests.support.pseudo_terminal import pseudo_terminal
from tests.unit.test_command_line import COMMAND, ENVIRONMENT, RECORDING

# By the command: the bar's label. The same command shows none in a pipe.
LONG = {
    f"replay {RECORDING}": "Replaying",
    f"backfill {cel('vm_message')}": "Reading",
    "db rejudge --dry-run": "Judging",
    "db check": "Comparing calls",
    "db check --since 2026-11-01": "Comparing days",
    "reconcile 2026-11-24": "Comparing exchanges",
    "privacy rotate": "Encrypting",
    "report 2026-11 -o report.html --month-to-date": "Reading",
}
ENGLISH = ENVIRONMENT | {"LC_ALL": "en_CA.UTF-8"}
WITH_CEL = '[exchanges.toronto.cel]\nfile = "cel.csv"\n'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a call, its CEL, and a second key: the number is under the older one."""
    folder = tmp_path_factory.mktemp("site")
    office = Office(folder, WITH_CEL)
    (folder / "cel.csv").write_bytes(Path(cel("vm_message")).read_bytes())
    office.run("backfill", cel("vm_message"))
    office.run("privacy", "key")
    return folder


def shown(site: Path, *words: str, locale: str = "en_CA.UTF-8") -> str:
    """All that a terminal shows of the command."""
    terminal, side = pseudo_terminal()
    variables = ENVIRONMENT | {"LC_ALL": locale, "COLUMNS": "100"}
    command = subprocess.Popen(
        [*COMMAND, *words],
        cwd=site,
        stdin=side,
        stdout=side,
        stderr=side,
        env=variables,
    )
    os.close(side)
    read = b""
    with suppress(OSError):  # the other side of the terminal is closed
        while chunk := os.read(terminal, 4096):
            read += chunk
    os.close(terminal)
    command.wait()
    return read.decode()


@pytest.mark.parametrize("words", LONG)
def test_a_bar_with_its_end_and_rate_is_shown_on_a_terminal_alone(site: Path, words: str) -> None:
    bar = re.compile(rf"{LONG[words]}  \[#+\]  100%  [\d,]+/s")
    piped = subprocess.run([*COMMAND, *words.split()], cwd=site, capture_output=True, text=True, env=ENGLISH)
    if words == "privacy rotate":
        Office(site, WITH_CEL).run("privacy", "key")
    assert bar.search(shown(site, *words.split())) is not None
    assert LONG[words] not in piped.stdout + piped.stderr
    assert "\x1b" not in piped.stdout + piped.stderr


def test_a_bar_is_in_the_readers_language(site: Path) -> None:
    told = shown(site, "db", "rejudge", "--dry-run", locale="fr_CA.UTF-8")
    assert re.search("Jugement  \\[#+\\]  100%  [0-9\N{NO-BREAK SPACE}]+/s", told) is not None


def test_a_quiet_command_shows_no_bar(site: Path) -> None:
    assert "Judging" not in shown(site, "-q", "db", "rejudge", "--dry-run")


def test_a_command_that_fails_half_way_gives_the_cursor_back(site: Path) -> None:
    told = shown(site, "replay", str(RECORDING), "no-such-file.ami")
    assert told.rindex("\x1b[?25h") > told.rindex("\x1b[?25l")
