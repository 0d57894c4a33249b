"""`callmon doctor --acceptance`: the five scripted calls of the first day, and the sheet that the lead signs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from callmon.config import settings
from callmon.text.labels import LANGUAGES
from callmon.tools.doctor import Acceptance
from callmon.tools.doctor.acceptance import CALLS
from tests.lab.exchange import Asterisk
from tests.lab.play import play
from tests.lab.situations import named
from tests.support.daemon_process import configuration, free_port

RECORDINGS = Path(__file__).parents[1] / "recordings"


def bytes_of(name: str) -> bytes:
    return (RECORDINGS / f"{name}.ami").read_bytes()


def reported(*names: str) -> tuple[Acceptance, list[str]]:
    """Recordings of single calls, one after the other; of each the first line, without its time."""
    test, lines = Acceptance(settings.example(), "en"), list[str]()
    for name in names:
        lines += test.heard("toronto", bytes_of(name))
    return test, [f"{line[:3]} {line[15:]}" for line in lines if line.startswith(("✓", "✗"))]


AS_SCRIPTED = ("answered_ring2", "answered_ring4", "vm_message", "abandon_ring1", "blind_transfer")


def test_five_calls_as_scripted_make_a_sheet_to_be_signed() -> None:
    test, lines = reported(*AS_SCRIPTED)
    assert lines == [f"✓ {number} general" for number in range(1, 6)]
    assert test.is_over
    assert list(test.result_sheet()) == [
        *("", "5 / 5", ""),
        *("Done by   ______________________________   Date ______________", ""),
        "Lead      ______________________________   Date ______________",
    ]


@pytest.mark.parametrize(
    ("number", "other"),
    [
        (1, "answered_ring3"),
        (2, "vm_message"),
        (3, "vm_hangup_greeting"),
        (4, "busy_all"),
        (5, "attended_returned"),
    ],
)
def test_a_call_that_came_out_otherwise_is_made_again(number: int, other: str) -> None:
    before, after = AS_SCRIPTED[: number - 1], AS_SCRIPTED[number - 1 :]
    test, lines = reported(*before, other, *after)
    assert [line[:3] for line in lines[number - 1 : number + 1]] == [f"✗ {number}", f"✓ {number}"]
    assert test.is_over


OTHERWISE = {
    "fr": [
        "     prévu     réponse en personne · sonneries 2 · transferts 0",
        "     entendu   réponse en personne · sonneries 3 · transferts 0",
        "     Autrement que prévu : refaites l’appel 1.",
        "",
        "Faites l’appel 1",
        "   Une personne répond 8 secondes après que le poste a commencé à sonner.",
    ],
    "en": [
        "     expected  answered by a person · rings 2 · transfers 0",
        "     heard     answered by a person · rings 3 · transfers 0",
        "     Not as scripted: make call 1 again.",
        "",
        "Make call 1",
        "   A person answers 8 seconds after the phone began to ring.",
    ],
}


@pytest.mark.parametrize("language", OTHERWISE)
def test_what_came_out_otherwise_is_reported_in_the_readers_language(language: str) -> None:
    test = Acceptance(settings.example(), language)
    assert list(test.heard("toronto", bytes_of("answered_ring3")))[2:] == OTHERWISE[language]


def test_calls_of_staff_are_no_test_calls() -> None:
    assert reported("outbound_answered", "internal_call")[1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sheet_fits_a_terminal_and_has_every_call_in_one_language(language: str) -> None:
    sheet = list(Acceptance(settings.example(), language).sheet())
    assert max(map(len, sheet)) <= 80
    reported = "\n".join(sheet)
    assert [(script.fr in reported, script.en in reported) for script in CALLS] == [
        (language == "fr", language == "en")
    ] * 5


BEGINS = {"answered_ring2": 0, "answered_ring4": 1, "vm_message": 2, "abandon_ring1": 55, "blind_transfer": 56}


@pytest.mark.lab
def test_the_command_hears_five_calls_at_a_real_exchange_and_ends(asterisk: Asterisk, tmp_path: Path) -> None:
    with accepting(asterisk, tmp_path) as running:
        assert running.stdout is not None
        for _ in Acceptance(settings.example(), "fr").sheet():
            next(running.stdout)
        calls = [replace(situation, begins=BEGINS[situation.name], copies=1) for situation in named(*AS_SCRIPTED)]
        play(asterisk, calls)
        said = running.stdout.read().splitlines()
    assert [line[:3] for line in said if line.startswith(("✓", "✗"))] == [f"✓ {number}" for number in range(1, 6)]
    reported = [line.removeprefix("     entendu   ") for line in said if line.startswith("     entendu   ")]
    wanted = [line.removeprefix("     prévu     ") for line in said if line.startswith("     prévu     ")]
    assert len(reported) == 5
    # A call for which the script expects no number of rings still has the rings that were counted.
    assert [(line.split(" · ")[0], line.split(" · ")[-1]) for line in reported] == [
        (line.split(" · ")[0], line.split(" · ")[-1]) for line in wanted
    ]
    assert (said[-1].split()[0], running.returncode) == ("Responsable", 0)


@pytest.mark.lab
def test_the_command_can_be_interrupted(asterisk: Asterisk, tmp_path: Path) -> None:
    with accepting(asterisk, tmp_path) as running:
        assert running.stdout is not None
        head = [next(running.stdout) for _ in Acceptance(settings.example(), "fr").sheet()]
        play(asterisk, named("answered_ring2"))
        said = [next(running.stdout) for _ in range(4)]
        running.send_signal(signal.SIGINT)
        rest = running.stdout.read()
    assert head[0].startswith("Essai de réception")
    assert (said[1][:3], said[3]) == ("✓ 1", "     entendu   réponse en personne · sonneries 2 · transferts 0\n")
    assert (rest.splitlines()[-1], running.returncode) == ("1 / 5", 1)


@contextmanager
def accepting(asterisk: Asterisk, place: Path) -> Iterator[subprocess.Popen[str]]:
    config = place / "callmon.toml"
    config.write_text(configuration(asterisk.ami_port, free_port(), f"sqlite:///{place}/callmon.db"))
    command = [sys.executable, "-m", "callmon", "doctor", "--acceptance", "--config", str(config)]
    environment = {**os.environ, "LAB_SECRET": asterisk.secret, "PYTHONUNBUFFERED": "1", "LC_ALL": "fr_CA.UTF-8"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        yield running
