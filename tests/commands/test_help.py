"""The help of every command, in both languages: whole within 80 columns, two examples that its parser accepts,
a page to read. `test_examples` runs the examples.
"""

from __future__ import annotations

import ast
import contextvars
import errno
import inspect
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

import callmon
from callmon.cli.common import NO_NUMBER
from callmon.cli.help import EXAMPLES
from callmon.config.explanation import explained
from callmon.config.settings import example_text, load
from callmon.errors import CallmonError, ConfigError, MissingError, RefusedValueError, StoreError
from callmon.features.access.privacy import NUMBER
from callmon.main import EPILOG, main
from callmon.store import opening
from callmon.text.labels import LANGUAGES, catalogue
from callmon.tools.check import DAYS
from callmon.tools.doctor import LANGUAGE, as_text
from callmon.tools.doctor.finding import finding, finding_texts
from callmon.tools.doctor.manager_user import NEEDED
from tests.support.environment import reader_of
from tests.support.sources import all_texts
from tests.unit.test_command_line import commands
from tests.unit.test_project import ROOT

WIDTH = 80
NAMES = [name for name, _ in commands()]
TASKS = main.commands.tasks


def groups(group: click.Group = main, name: str = "callmon") -> Iterator[tuple[str, click.Group]]:
    yield name, group
    for word, one in group.commands.items():
        if isinstance(one, click.Group):
            yield from groups(one, f"{name} {word}")


WITH_HELP: dict[str, click.Command] = {f"callmon {name}": one for name, one in commands()} | dict(groups())


def shown(name: str, language: str = "en") -> list[str]:
    command = WITH_HELP[name]
    parent = None if command is main else click.Context(main, info_name="callmon")
    context = click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH)
    with reader_of(language):
        return command.get_help(context).splitlines()


def examples(name: str, language: str = "en") -> list[str]:
    heading = {"en": "Examples: ", "fr": "Exemples : "}[language]
    lines = [line.strip() for line in shown(name, language)]
    first = next(n for n, line in enumerate(lines) if line.startswith(heading))
    reported = [lines[first].removeprefix(heading), *lines[first + 1 :]]
    return [line for n, line in enumerate(reported) if all(x.startswith("callmon ") for x in reported[: n + 1])]


def parse(words: list[str]) -> str:
    """The command that the words name, after its own parser has read all of them."""
    context = main.make_context("callmon", words)
    while isinstance(context.command, click.Group) and not context.command.invoke_without_command:
        name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None
        context = command.make_context(name, rest, parent=context)
    return context.command_path


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", WITH_HELP)
def test_the_help_fits_80_columns_and_cuts_nothing_off(name: str, language: str) -> None:
    lines = shown(name, language)
    assert [line for line in lines if len(line) > WIDTH] == []
    assert [line for line in lines if line.endswith("...") and not line.startswith("Usage")] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_are_the_same_in_both_languages(name: str) -> None:
    assert examples(f"callmon {name}", "fr") == examples(f"callmon {name}", "en")


@pytest.mark.parametrize("name", NAMES)
def test_the_two_examples_of_a_command_are_read_by_its_parser(name: str) -> None:
    reported = examples(f"callmon {name}")
    words = [shlex.split(line.partition(" > ")[0].partition(" < ")[0])[1:] for line in reported]
    assert [parse(x) for x in words] == [f"callmon {name}"] * 2


def test_the_examples_of_callmon_itself_are_read_too() -> None:
    assert [parse(line.split()[1:]) for line in examples("callmon")] == [
        "callmon callbacks list",
        "callmon report",
    ]


def test_every_command_is_listed_under_one_task() -> None:
    assert sorted(name for names in TASKS.values() for name in names) == sorted(main.commands)
    titles = [line.removesuffix(":") for line in shown("callmon") if line.removesuffix(":") in TASKS]
    assert titles == list(TASKS)


def test_a_french_heading_has_a_space_before_its_colon() -> None:
    headings = [line for line in shown("callmon", "fr") if re.fullmatch(r"\S.*:", line)]
    assert [line for line in headings if line[-2] not in " \N{NO-BREAK SPACE}"] == []
    assert len(headings) == len(TASKS) + 1


@pytest.mark.parametrize("name", [name for name in WITH_HELP if name != "callmon"])
def test_the_help_names_an_existing_page_in_the_readers_language(name: str) -> None:
    (english,) = [line.split()[-1] for line in shown(name) if line.startswith("  More: ")]
    (french,) = [line.split()[-1] for line in shown(name, "fr") if line.startswith("  Détails")]
    there = english.replace("docs/en", "docs/fr")
    assert (ROOT / english).is_file()
    assert french == (there if (ROOT / there).is_file() else english)


# ── the catalogue ──


def texts_of_help() -> Iterator[str]:
    """Every text of help in the source, as the catalogue has it. Examples need no translation."""
    for command in WITH_HELP.values():
        options = [option for option in command.params if isinstance(option, click.Option)]
        for one in (command, *options):
            written = (vars(one).get("help") or "", vars(one).get("epilog") or "")
            for paragraph in "\n\n".join(map(inspect.cleandoc, written)).split("\n\n"):
                if not paragraph.startswith("\b"):
                    yield " ".join(paragraph.split())
    yield from (*TASKS, "Commands", EXAMPLES, *EPILOG.splitlines()[3:])


def texts_of_doctor() -> Iterator[str]:
    entries = [entry for group in finding_texts().values() for entry in group.values()]
    yield from (entry[key] for entry in entries for key in ("what", "why", "file", "then") if key in entry)
    yield from (*NEEDED.values(), "error", "warning")


def texts_of_settings() -> Iterator[str]:
    yield from (meaning for _, _, meaning in explained(""))


def texts_of_the_proposal() -> Iterator[str]:
    template = files("callmon.tools.doctor").joinpath("proposal.jinja").read_text(encoding="utf-8")
    yield from re.findall(r'said\("([^"]+)"', template)


def calls(source: str, *functions: str) -> Iterator[ast.Call]:
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in functions:
            yield call


def literals(source: str, *functions: str) -> Iterator[str]:
    """The texts within calls of these functions."""
    for call in calls(source, *functions):
        found = [x.value for given in call.args for x in ast.walk(given) if isinstance(x, ast.Constant)]
        yield from (text for text in found if isinstance(text, str))


def templates(source: str) -> Iterator[str]:
    """The templates of errors that reach a terminal: a text as their argument, unlike one within another call."""
    for call in calls(source, *errors()):
        found = [given.value for given in call.args if isinstance(given, ast.Constant)]
        yield from (text for text in found if isinstance(text, str))


def errors() -> set[str]:
    reported = (ConfigError, MissingError, RefusedValueError, StoreError)
    return {CallmonError.__name__, *(error.__name__ for base in reported for error in subclasses(base))}


def subclasses(of: type[Exception]) -> Iterator[type[Exception]]:
    yield of
    for one in of.__subclasses__():
        yield from subclasses(one)


def reasons_of_tomllib() -> Iterator[str]:
    """What tomllib of this Python says of a mistake, with {x} for a part of the file."""
    parser = Path(tomllib.__file__).with_name("_parser.py").read_text(encoding="utf-8")
    raised = [call.args[2] for call in calls(parser, "suffixed_err")]  # until Python 3.13
    raised += [call.args[0] for call in calls(parser, "TOMLDecodeError") if len(call.args) == 3]  # from 3.14 on
    for said in raised:
        parts = said.values if isinstance(said, ast.JoinedStr) else [said]
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{x}" for part in parts)
    yield "end of document"


def sources(module: ModuleType) -> Iterator[str]:
    yield from (path.read_text(encoding="utf-8") for path in Path(str(module.__file__)).parent.rglob("*.py"))


SAYING = ("said", "said_of_count", "reader_text", "progress_bar", "fraction_bar", "Sentence")
OF_THE_SYSTEM = (
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT,
    errno.ECONNREFUSED, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG, errno.EIO, errno.EINVAL, errno.EBUSY,
    errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.ETIMEDOUT,
    errno.EHOSTUNREACH, errno.ENETUNREACH,
)  # fmt: skip
SAME = re.compile(r" ?|[\w{}./]+|asterisk -rx '[\w. ]+'| +/etc/callmon/callmon.toml")  # in both languages


def test_every_text_of_help_and_doctor_is_in_french() -> None:
    known = {english for context, english in catalogue() if context is None}
    ours = {*texts_of_help(), *texts_of_doctor(), *texts_of_settings(), *texts_of_the_proposal()}
    ours |= {text for one in sources(callmon) for text in (*literals(one, *SAYING), *templates(one))}
    ours |= {text for context, text in all_texts() if context is None}
    ours |= {NUMBER, NO_NUMBER, *map(os.strerror, OF_THE_SYSTEM), *reasons_of_tomllib()}
    clicks = {text for one in sources(click) for text in literals(one, "_", "ngettext")}
    within = {  # in a variable before they are looked up
        *DAYS, "none", "yes", "no", "default", "from {variable}",
        "days", "attempts", "lines", "calls", "outcomes", "caller", "dialled", "callback", "complaint", "database",
        "Add at the end of {file}:", "In {file}, under this heading:",
        "add --yes, or check first with --dry-run", "run the command on a terminal",
        "{file} will hold callers' numbers and names. Will it be protected and deleted in time?",
    }  # fmt: skip
    assert sorted(text for text in ours - known if not SAME.fullmatch(text)) == []
    assert sorted(known - ours - clicks - within) == []


def test_a_translation_has_only_fields_of_its_text() -> None:
    fields = re.compile(r"\{\w+")
    found = [(text, french) for (_, text), french in catalogue().items()]
    assert [x for x in found if set(fields.findall(x[1])) - set(fields.findall(x[0]))] == []


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("tokens create", "add"),
        ("attest record", "add"),
        ("tokens show", "list"),
        ("status --format", "--json"),
        ("what-if --phones", "--set"),
    ],
)
def test_a_name_that_other_programs_have_leads_to_the_right_one(given: str, meant: str) -> None:
    with reader_of("en"):
        done = CliRunner().invoke(main, given.split())
    assert (done.exit_code, done.stderr.rpartition("Did you mean ")[2].rstrip()) == (2, f"{meant!r}?")


# ── which language ──


FRENCH, ENGLISH = "Erreur : La commande 'calbacks' n’existe pas.", "Error: No such command 'calbacks'."


@pytest.mark.parametrize(
    ("variables", "site", "reported"),
    [
        ({}, None, ENGLISH),
        ({}, "fr", FRENCH),
        ({}, "en", ENGLISH),
        ({"LANG": "fr_CA.UTF-8"}, "en", FRENCH),
        ({"LANG": "en_CA.UTF-8"}, "fr", ENGLISH),
        ({"LANG": "fr_CA.UTF-8", "LC_MESSAGES": "en_CA.UTF-8"}, "fr", ENGLISH),
        ({"LANG": "en_CA", "LC_MESSAGES": "en_CA", "LC_ALL": "fr"}, "en", FRENCH),
        ({"LANG": "fr_CA.UTF-8", "LC_ALL": "C"}, "en", ENGLISH),
        ({"LANG": "de_DE.UTF-8"}, "fr", FRENCH),
        ({"LANG": "", "LC_ALL": "fr_CA"}, None, FRENCH),
        ({"CALLMON_DEFAULT_LANGUAGE": "en"}, "fr", ENGLISH),
    ],
)
def test_the_locale_decides_and_else_the_site(
    variables: dict[str, str], site: str | None, reported: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if site:
        (tmp_path / "callmon.toml").write_text(example_text().replace('"fr"', f'"{site}"', 1), encoding="utf-8")
    done = CliRunner().invoke(main, ["calbacks"])
    assert (done.exit_code, done.stderr.splitlines()[-1].partition(" (")[0]) == (2, reported)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_is_in_the_language_of_its_help(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "callmon.toml").write_text(example_text(), encoding="utf-8")
    opening.open_for_writing(load("callmon.toml")).close()
    with reader_of(language):
        done = CliRunner().invoke(main, ["disruptions", "list"])
    last = done.stdout.splitlines()[-1]
    assert last == {"fr": "Perturbations en cours\N{NO-BREAK SPACE}: 0", "en": "Disruptions now: 0"}[language]


def test_lang_decides_before_the_locale_about_a_refusal_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "callmon.toml").write_text(example_text(), encoding="utf-8")
    with reader_of("fr"):
        done = CliRunner().invoke(main, ["report", "send", "last", "--lang", "en"])
    assert done.stderr == "callmon.toml: no mail server is configured; add a table [mail].\n"


@pytest.mark.parametrize(
    ("language", "head"),
    [
        ("en", "toronto: 1 error\n\nERROR  nothing listens at pbx:5038.\n  Check that Asterisk runs"),
        ("fr", "toronto : 1 erreur\n\nERREUR  rien n’écoute à pbx:5038.\n  Vérifiez qu’Asterisk fonctionne"),
    ],
)
def test_doctor_speaks_the_language_of_its_reader(language: str, head: str) -> None:
    context = contextvars.copy_context()
    context.run(LANGUAGE.set, language)
    made = context.run(finding, "connection.closed", exchange="toronto", where="pbx:5038", port=5038)
    assert context.run(as_text, [made]).startswith(head)


def test_the_language_of_doctor_ends_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "callmon.toml").write_text(example_text(), encoding="utf-8")
    (tmp_path / "secret").write_text("of-the-test")
    for name, value in {"HOST": "127.0.0.1", "PORT": "1", "SECRET_FILE": str(tmp_path / "secret")}.items():
        monkeypatch.setenv(f"CALLMON_EXCHANGES__TORONTO__{name}", value)
    with reader_of("fr"):
        done = CliRunner().invoke(main, ["doctor"])
    assert (done.exit_code, done.stdout[:18], LANGUAGE.get()) == (1, "toronto : 1 erreur", "en"), done.output


def test_the_list_of_commands_has_the_purpose_of_each_command() -> None:
    listed = main.commands.with_purpose()
    assert {name: one.get_short_help_str(400) for name, one in listed.items()} == {
        name: main.commands[name].get_short_help_str(400) for name in main.commands
    }


@pytest.mark.parametrize("act", ["main(['--help'], standalone_mode=False)", "main.commands['completion']"])
def test_commands_without_a_database_load_no_database_library(act: str) -> None:
    ask = "print([name for name in ('sqlalchemy', 'sqlmodel') if name in sys.modules])"
    program = f"import sys; from callmon.main import main; {act}; {ask}"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
