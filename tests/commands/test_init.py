"""`callmon init` on a real terminal: its five answers are in the file, which `check` accepts."""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pytest

from callmon.config.settings import example_text, load
from callmon.tools.init import questions
from tests.support.pseudo_terminal import pseudo_terminal
from tests.unit.test_command_line import COMMAND, ENVIRONMENT

ANSWERS = ("pbx.example", "/run/secret", "PJSIP/bell, PJSIP/rogers*", "sqlite:////srv/callmon.db", "09:00-16:30")


def asked(
    folder: Path,
    answers: Sequence[str],
    language: str = "en",
    environment: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, str, list[str]]:
    """Exit status, output and questions of `callmon init new/callmon.toml`, typed on a terminal of its own."""
    ours, its = pseudo_terminal()
    process = subprocess.Popen(
        [*COMMAND, "init", "new/callmon.toml"],
        cwd=folder,
        env={**ENVIRONMENT, "LC_ALL": f"{language}_CA.UTF-8", **environment},
        stdin=its,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
    out, reported = process.communicate(timeout=120)
    os.close(its)
    os.close(ours)
    return process.returncode, out, reported.splitlines()


def test_each_answer_has_its_place_in_the_example() -> None:
    lines = example_text().splitlines()
    assert [sum(question.line in line for line in lines) for question in questions()] == [1] * 5


def test_the_answers_are_in_a_commented_file_for_its_owner_alone(tmp_path: Path) -> None:
    status, out, _ = asked(tmp_path, ANSWERS)
    file = tmp_path / "new/callmon.toml"
    assert (status, out, file.stat().st_mode & 0o777) == (0, "new/callmon.toml\n", 0o600)
    data, settings = tomllib.loads(file.read_text()), load(file)
    one = data["exchanges"]["toronto"]
    assert (one["host"], one["secret_file"], one["trunks"], data["store"]["url"], data["calendar"]["hours"]) == (
        "pbx.example",
        "/run/secret",
        ["PJSIP/bell", "PJSIP/rogers*"],
        "sqlite:////srv/callmon.db",
        dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "09:00-16:30"),
    )
    assert (settings.hours_are_assumed(), len(list(settings.lines()))) == (False, 6)
    comments = [line for line in example_text().splitlines() if line.startswith("#")]
    kept = [line for line in file.read_text().splitlines() if line.startswith("#")]
    assert kept == [line for line in comments if not line.startswith("# hours = ")]


def test_enter_keeps_each_default_and_leaves_the_hours_assumed(tmp_path: Path) -> None:
    assert asked(tmp_path, [""] * 5)[0] == 0
    settings = load(tmp_path / "new/callmon.toml")
    assert settings.exchanges["toronto"].host == "127.0.0.1"
    assert settings.configuration.store.url == "sqlite:////var/lib/callmon/callmon.db"
    assert settings.hours_are_assumed() is True


def test_a_question_ends_with_the_colon_of_its_language(tmp_path: Path) -> None:
    ends = {}
    for language in ("en", "fr"):
        (folder := tmp_path / language).mkdir()
        _, _, reported = asked(folder, [""] * 5, language)
        ends[language] = reported[0].partition("[127.0.0.1]")[2][:3]
    assert ends == {"en": ": F", "fr": " : "}


@pytest.mark.parametrize(
    ("language", "refused"),
    [
        (
            "en",
            [
                'exchanges.toronto.host: "http://pbx" is more than a host; write "pbx" here',
                'store.url: "sqlite://x" names no file; write it with three slashes: sqlite:///x',
                'calendar.hours.monday: "9 to 5" is not understood; write opening hours as "08:30-17:00", several '
                'with a comma between, or "closed"',
            ],
        ),
        (
            "fr",
            [
                "exchanges.toronto.host : « http://pbx » est plus qu’un hôte; écrivez ici « pbx »",
                "store.url : « sqlite://x » ne nomme aucun fichier; écrivez-le avec trois barres obliques : sqlite:///x",
                "calendar.hours.monday : « 9 to 5 » n’est pas compris; écrivez les heures d’ouverture comme "
                '"08:30-17:00", plusieurs séparées par une virgule, ou "fermé"',
            ],
        ),
    ],
)
def test_an_answer_that_check_would_refuse_is_asked_again(
    tmp_path: Path, language: str, refused: list[str]
) -> None:
    answers = ("http://pbx", "pbx", "", "", "sqlite://x", "", "9 to 5", "")
    status, _, reported = asked(tmp_path, answers, language)
    found = [
        part for line in reported for part in line.split("new/callmon.toml") if part.startswith((": ", " : "))
    ]
    assert (status, [part.lstrip(" :") for part in found]) == (0, refused)


def test_at_the_end_of_input_nothing_is_written(tmp_path: Path) -> None:
    status, out, _ = asked(tmp_path, ("pbx", "\x04"))
    assert (status, out, list(tmp_path.iterdir())) == (1, "", [])
