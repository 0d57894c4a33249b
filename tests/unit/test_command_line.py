"""What all commands share: unknown names, files that cannot be had, numbers, Ctrl-C, a closed pipe."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import callmon
from callmon.cli.common import NO_NUMBER, one_exchange, write_file
from callmon.cli.errors import report_errors
from callmon.config.settings import example_text, load, parse
from callmon.errors import ConfigError
from callmon.main import main
from callmon.store import opening
from callmon.text.labels import translate
from tests.support.environment import QUESTIONS_ON
from tests.support.pseudo_terminal import pseudo_terminal

CALLMON = Path(callmon.__file__).parent
RECORDING = Path(__file__).parents[1] / "recordings" / "vm_message.ami"
NUMBER = "416 555-0101"
COMMAND = [sys.executable, "-m", "callmon"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CALLMON.parent)}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a configuration and its empty database."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "callmon.toml").write_text(QUESTIONS_ON + example_text(), encoding="utf-8")
    opening.open_for_writing(load("callmon.toml")).close()
    return tmp_path


def run(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, list(words), input=typed)


def commands(group: click.Group = main, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command, by all its words."""
    for name, one in group.commands.items():
        if isinstance(one, click.Group):
            yield from commands(one, *path, name)
        if not isinstance(one, click.Group) or one.invoke_without_command:
            yield " ".join((*path, name)), one


@pytest.mark.parametrize(
    ("exchanges", "named", "found"),
    [("a", None, "a"), ("a", "a", "a"), ("ab", "b", "b"), ("ab", None, None), ("ab", "c", None), ("", None, None)],
)
def test_the_exchange_is_named_where_there_are_several(
    exchanges: str, named: str | None, found: str | None
) -> None:
    settings = parse("".join(f'[exchanges.{x}]\nhost = "{x}.example"\nsecret_env = "X"\n' for x in exchanges))
    if found is not None:
        assert one_exchange(settings, named) == found
        return
    with pytest.raises(ConfigError):
        one_exchange(settings, named)


# Names.

LINES = "general, general-toll-free, tty, tty-toll-free, poci, poci-toll-free"
NO_LINE = {
    "fr": f"Il n’y a pas de ligne « nosuch »; choix possibles : {LINES}.\n",
    "en": f'There is no line "nosuch"; there are {LINES}.\n',
}
NO_SERVICE = {
    "fr": "Il n’y a pas de service « nosuch »; choix possibles : general_inquiries, poci.\n",
    "en": 'There is no service "nosuch"; there are general_inquiries, poci.\n',
}
NO_EXCHANGE = {
    "fr": "Il n’y a pas d’autocommutateur « torronto »; vouliez-vous dire « toronto »?\n",
    "en": 'There is no exchange "torronto"; did you mean "toronto"?\n',
}
OF_ENTRY = ("callbacks attempt", "callbacks close", "callbacks reopen", "callbacks take", "callbacks release",
            "callbacks mark", "callbacks complaint")  # fmt: skip
# By the command and the option: what is given, what is told.
BILINGUAL = {
    ("calls", "--line"): ("calls --line nosuch", NO_LINE),
    ("needs", "--service"): ("needs yesterday yesterday --service nosuch", NO_SERVICE),
    ("what-if", "--line"): ("what-if yesterday yesterday --set voicemail_rings=5 --line nosuch", NO_LINE),
    ("why", "--line"): ("why --line nosuch", NO_LINE),
    ("staffing", "--line"): ("staffing --line nosuch", NO_LINE),
    ("callbacks list", "--line"): ("callbacks list --line nosuch", NO_LINE),
    ("callbacks list", "--service"): ("callbacks list --service nosuch", NO_SERVICE),
    ("disruptions list", "--line"): ("disruptions list --line nosuch", NO_LINE),
    ("disruptions announce", "--line"): ("disruptions announce --line nosuch --by m", NO_LINE),
    ("disruptions change", "--line"): ("disruptions change {planned} --line nosuch --by m", NO_LINE),
    ("disruptions plan", "--line"): ("disruptions plan 2099-01-01T02:00 04:00 --line nosuch --by m", NO_LINE),
    **{(one, "--exchange"): (f"{one} 1.0 --exchange torronto --by m", NO_EXCHANGE) for one in OF_ENTRY},
}
# These have no --lang for their answers: the site's language.
OF_THE_SITE = {
    ("record", "--exchange"): ("record x.ami --exchange torronto", NO_EXCHANGE),
    ("backfill", "--exchange"): ("backfill --exchange torronto", NO_EXCHANGE),
    ("import", "--exchange"): ("import cdr x.csv --exchange torronto", NO_EXCHANGE),
    ("reconcile", "--exchange"): ("reconcile --exchange torronto", NO_EXCHANGE),
    ("attest add", "--line"): ("attest add --line nosuch --by m", NO_LINE),
    ("report", "--line"): ("report 2026-10 --line nosuch", NO_LINE),
    ("half-hours", "--line"): ("half-hours 2026-03-02 2026-03-03 --line nosuch", NO_LINE),
}


def planned() -> str:
    """Planned work as it is stored, for a command that needs one; its name."""
    from datetime import UTC, datetime

    from tests.support.store_fixtures import database
    from tests.unit.test_disruptions import well

    now = datetime.now(UTC).replace(microsecond=0)
    heard = well(now).hand("announce", lines=("poci",))
    with closing(opening.open_with_keys(load("callmon.toml"))) as store, database(store) as sink:
        for outcome in heard.outcomes:
            sink.offer(outcome)
        assert sink.flush(120)
    return heard.one().id


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("place", list(BILINGUAL), ids=" ".join)
def test_a_name_that_does_not_exist_is_refused_with_the_names_that_do(
    here: Path, place: tuple[str, str], language: str
) -> None:
    words, reported = BILINGUAL[place]
    done = run(*words.format(planned=planned() if "{" in words else "").split(), "--lang", language)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", reported[language])


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("place", list(OF_THE_SITE), ids=" ".join)
def test_a_command_without_lang_refuses_it_in_the_language_of_the_site(
    here: Path, place: tuple[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLMON_DEFAULT_LANGUAGE", language)
    words, reported = OF_THE_SITE[place]
    done = run(*words.split())
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", reported[language])


def test_no_command_takes_an_unchecked_line_service_or_exchange() -> None:
    found = set()
    for name, one in commands():
        for parameter in one.params:
            is_name = parameter.name in ("line", "lines", "names", "service", "exchange")
            if is_name and isinstance(parameter, click.Option):
                found.add((name, parameter.opts[0]))
            elif is_name:
                found.add((name, parameter.human_readable_name.upper() + "..." * (parameter.metavar is None)))
    assert found == BILINGUAL.keys() | OF_THE_SITE.keys()


def test_the_language_of_the_settings_is_the_commands(here: Path) -> None:
    assert run("callbacks", "list", "--line", "nosuch").stderr == NO_LINE["fr"]
    config = here / "callmon.toml"
    config.write_text(config.read_text().replace('default_language = "fr"', 'default_language = "en"'))
    assert run("callbacks", "list", "--line", "nosuch").stderr == NO_LINE["en"]


# Files.


@pytest.mark.parametrize(
    ("number", "status", "reported"),
    [
        (errno.ENOENT, 2, "x: No such file or directory; create it first, or name another path."),
        (errno.ENOTDIR, 2, "x: Not a directory; a part of this path is a file; name another path."),
        (errno.EISDIR, 2, "x: Is a directory; name a file."),
        (
            errno.EACCES,
            2,
            "x: Permission denied; run the command as a user with access to it, or name another path.",
        ),
        (errno.EROFS, 2, "x: Read-only file system; name a path on a writable file system."),
        (errno.ENOSPC, 1, "x: No space left on device; free space there, then run the command again."),
        (errno.EIO, 1, "x: Input/output error; the administrator of this machine can find the cause."),
    ],
)
def test_what_the_system_refuses_is_one_sentence_with_the_path(number: int, status: int, reported: str) -> None:
    @click.command()
    @report_errors
    def command() -> None:
        raise OSError(number, os.strerror(number), "x")

    done = CliRunner().invoke(command)
    assert (done.exit_code, done.stdout, done.stderr) == (status, "", f"{reported}\n")


# Each command that takes a file or a folder; what it names is of the other kind, or not there.
WITH_FILE = (
    "check --config folder", "check --config callmon.toml/x", "check --config no/such/x",
    "replay folder", "replay no/such/x", "replay callmon.toml/x",
    "record folder", "record folder --overwrite", "record callmon.toml/x",
    "backfill folder", "backfill no/such/x", "backfill callmon.toml/x",
    "privacy key folder", "privacy key no/such/x", "privacy key callmon.toml/x",
    "alerting hours folder", "alerting hours no/such/x", "alerting hours callmon.toml/x",
    "report 2026-10 --revises folder", "report 2026-10 --beside no/such/x", "report 2026-10 --remarks folder",
)  # fmt: skip


@pytest.mark.parametrize("words", WITH_FILE)
def test_a_file_that_cannot_be_had_is_reported_in_one_sentence(here: Path, words: str) -> None:
    (here / "folder").mkdir()
    done = run(*words.split())
    name = next(word for word in words.split() if "folder" in word or word.endswith("/x"))
    assert (done.exit_code, type(done.exception), done.stdout) == (2, SystemExit, "")
    assert [name in line for line in done.stderr.splitlines()] == [True]


def test_output_onto_a_full_disk_is_one_sentence(here: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "check"], stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False
        )
    reported = (
        "Un fichier ou la sortie : plus d’espace sur le disque; libérez de l’espace, puis relancez la commande.\n"
    )
    assert (done.returncode, done.stderr.decode()) == (1, reported)


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_file(path, b"first")
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    write_file(link, b"second")
    assert (path.read_bytes(), path.stat().st_mode & 0o777, link.is_symlink()) == (b"second", 0o640, True)
    path.unlink()
    path.mkdir()
    with pytest.raises(IsADirectoryError) as refused:
        write_file(path, b"third")
    assert (refused.value.filename, sorted(x.name for x in tmp_path.iterdir())) == (str(path), ["link", "x"])


def test_a_new_file_has_the_rights_that_the_user_gives_to_new_files(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "x", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640


# Ctrl-C, and a reader that goes away.


def started(*words: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen([*COMMAND, *words], stdin=pipe, stdout=pipe, stderr=pipe, env=ENVIRONMENT)


def test_ctrl_c_ends_a_command_without_a_word(here: Path) -> None:
    with started("replay", "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(RECORDING.read_bytes() * 6)  # more than it reads at once
        process.stdin.flush()
        assert process.stdout.readline() != b""  # it has begun
        process.send_signal(signal.SIGINT)
        assert (process.wait(60), process.stderr.read()) == (130, b"")


def test_a_reader_that_goes_away_is_no_error(here: Path) -> None:
    with started("replay", *[str(RECORDING)] * 40) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() != b""
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (0, b"")


# Telephone numbers.

WITH_NUMBER = {
    "privacy find": ("--purpose", "x"),
    "privacy export": ("--purpose", "x"),
    "privacy correct": ("--purpose", "x"),
    "privacy log": ("--number",),
    "callbacks mark": ("1.0", "--number", "--by", "m"),
}


@pytest.mark.parametrize("command", list(WITH_NUMBER))
def test_a_number_on_the_command_line_is_refused_and_not_repeated(here: Path, command: str) -> None:
    done = run(*command.split(), *WITH_NUMBER[command], NUMBER, typed=NUMBER)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"{translate(NO_NUMBER, 'fr')}\n")


def test_no_command_takes_a_number_as_an_argument() -> None:
    valued = [
        (name, parameter.name)
        for name, one in commands()
        for parameter in one.params
        if "number" in str(parameter.name) and not (isinstance(parameter, click.Option) and parameter.is_flag)
    ]
    assert valued == [(name, "numbers") for name, _ in commands() if name in WITH_NUMBER]


@pytest.mark.parametrize("command", ["privacy find", "privacy export", "privacy correct", "privacy log"])
def test_an_empty_standard_input_is_refused_with_a_sentence(here: Path, command: str) -> None:
    done = run(*command.split(), *WITH_NUMBER[command], typed="")
    prompt = "Numéro enregistré" if command == "privacy correct" else "Numéro de téléphone"
    reported = f"{prompt} : l’entrée standard ne contenait aucun numéro; écrivez un numéro par ligne.\n"
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", reported)


def on_terminal(answer: str, *words: str) -> tuple[int, str]:
    """A command on a terminal, its question answered; its status, and all that the terminal showed."""
    terminal, side = pseudo_terminal()
    command = subprocess.Popen([*COMMAND, *words], stdin=side, stdout=side, stderr=side, env=ENVIRONMENT)
    os.close(side)
    shown = b""
    try:
        while b": " not in shown.rpartition(b"\n")[2]:
            shown += os.read(terminal, 1024)
        os.write(terminal, answer.encode())
        while chunk := os.read(terminal, 1024):
            shown += chunk
    except OSError:  # the other side of the terminal is closed
        pass
    finally:
        os.close(terminal)
        status = command.wait()
    return status, shown.decode().replace("\r\n", "\n")


def test_a_number_is_asked_for_on_a_terminal(here: Path) -> None:
    status, shown = on_terminal(f"{NUMBER}\n", "privacy", "find", "--purpose", "x")
    assert (status, shown) == (0, f"Numéro de téléphone: {NUMBER}\n0 appel.\n")


# In the site's language.
QUESTION = "Ceci juge de nouveau chaque appel enregistré, y compris ceux des mois publiés. Continuer?"


def test_judging_again_is_asked_about_on_a_terminal(here: Path) -> None:
    assert on_terminal("n\n", "db", "rejudge") == (1, f"{QUESTION} [y/N]: n\nAbandon.\n")
    assert on_terminal("y\n", "db", "rejudge") == (0, f"{QUESTION} [y/N]: y\nAucun verdict modifié.\n")


def test_judging_again_without_a_terminal_needs_a_yes(here: Path) -> None:
    done = run("db", "rejudge")
    reported = f"{QUESTION} Aucun terminal ne peut répondre : ajoutez --yes, ou vérifiez d’abord avec --dry-run.\n"
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", reported)
