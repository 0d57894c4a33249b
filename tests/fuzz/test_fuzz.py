"""A short run of `tests/fuzz`, the same each time; that it would see a fault; what the long ones have found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import running
from tests.fuzz.running import Run, peak
from tests.fuzz.targets import Target, targets
from tests.support.examples import examples

TARGETS = targets()
INPUTS = {"ami": 800, "forever": 1_200, "cel": 1_200, "configuration": 1_500, "recording": 200, "waiting": 300}


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_made_of_recordings_by_mistakes_raises_or_hangs(name: str) -> None:
    run, inputs = Run(name, TARGETS[name], seed=5), examples(INPUTS[name])
    figures = run.go_on(inputs=inputs)
    assert (run.sentences, figures.inputs) == ([], inputs)


@pytest.mark.parametrize("name", ["ami", "cel", "configuration"])
def test_no_text_takes_much_more_memory_than_its_length(name: str) -> None:
    """A name without end, a message without end, a thousand small ones, a nest of brackets."""
    for piece in (
        b"Uniqueid: ",
        b"a",
        b"[",
        b'"',
        b"\r\n\r\n",
        b"Event: Newchannel\r\nUniqueid: 1\r\n\r\n",
        b'"a",',
    ):
        assert peak(TARGETS[name], (piece * (1 << 16))[: 1 << 16]) < 32 << 20


def fragile(data: bytes) -> None:
    if b"\xff" in data:
        raise KeyError("255")


def endless(data: bytes) -> None:
    while data:
        pass


def target(read: object) -> Target:
    return Target(read, lambda: [b"one: two\r\n\r\nthree: four"], b"\r\n\r\n")  # type: ignore[arg-type]  # a reader


def test_what_raises_is_found_once_for_each_place_and_its_bytes_are_stored(tmp_path: Path) -> None:
    run = Run("fragile", target(fragile), seed=1, folder=tmp_path)
    figures = run.go_on(inputs=2_000)
    (line,) = run.sentences
    assert line.startswith("fragile: KeyError('255') at test_fuzz.py:")
    assert (figures.found, b"\xff" in (tmp_path / "fragile-1").read_bytes()) == (1, True)


def test_what_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "HANGS_AFTER", 0.05)
    run = Run("endless", target(endless), seed=1)
    run.go_on(inputs=2)
    assert run.sentences == ["endless: more than 0 s at Hang"]
