"""`callmon import`: callbacks of the past are judged where CEL or CDR shows them. Nobody has to follow them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from callmon.store.commands import pending_callback_commands
from callmon.store.queries import obligations
from tests.commands.test_import import AGREE, lab_office, record, rows
from tests.recordings.test_callbacks_recorded import RECORDINGS, RUN, STRANGER, since, truth
from tests.store.test_backfill import BackfillOffice

BEGAN = 1_772_460_000  # 2026-03-02, 9 a.m. in Toronto
HOUR = 3600
VERDICTS = "SELECT verdict, reason_key FROM finding WHERE standard = 'callback_within_24_hours' ORDER BY \"call\""


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackfillOffice:
    return lab_office(tmp_path, monkeypatch)


def local(at: int) -> str:
    day, second = divmod(at - BEGAN + 9 * HOUR, 24 * HOUR)
    return f"2026-03-{2 + day:02} {second // HOUR:02}:{second // 60 % 60:02}:{second % 60:02}"


def cdr_row(
    call: int, src: str, dst: str, channels: tuple[str, str], app: str, times: tuple[int, int, int]
) -> str:
    shown = ",".join(f'"{local(at)}"' for at in times)
    begin, answered, end = times
    return (
        f'"","{src}","{dst}","in","","{channels[0]}","{channels[1]}",{app},{shown},{end - begin},{end - answered},'
        f'"ANSWERED","DOCUMENTATION","{call}.1",""\n'
    )


def message(at: int) -> str:
    """A caller whom voicemail takes."""
    channels = "PJSIP/trunk-1", ""
    return cdr_row(at, "4165550101", "4163272422", channels, '"VoiceMail","500@default,u"', (at, at, at + 30))


def callback(at: int, talk: int) -> str:
    """A phone of ours calls the number; it rings for 8 seconds."""
    channels = "PJSIP/101-1", "PJSIP/trunk-2"
    app = '"Dial","PJSIP/94165550101@trunk,60"'
    return cdr_row(at, "101", "4165550101", channels, app, (at, at + 8, at + 8 + talk))


def other(at: int) -> str:
    return cdr_row(at, "4165550102", "4163272422", ("PJSIP/trunk-1", ""), '"Busy","5"', (at, at, at + 1))


def imported(office: BackfillOffice, kind: str, *lines: str) -> None:
    file = office.config.with_name("record")
    file.write_text("".join(lines))
    office.run("import", kind, str(file))


CASES: dict[str, tuple[Callable[[], list[str]], tuple[str, str]]] = {
    "in time": (lambda: [message(BEGAN), callback(BEGAN + 2 * HOUR, 60)], ("met", "called_back")),
    "late": (lambda: [message(BEGAN), callback(BEGAN + 30 * HOUR, 60)], ("not_met", "called_back_late")),
    "too short": (lambda: [message(BEGAN), callback(BEGAN + 2 * HOUR, 4)], ("met", "answered_too_short")),
    "before the message": (lambda: [callback(BEGAN, 60), message(BEGAN + HOUR)], ("unknown", "message_not_heard")),
    "none": (lambda: [message(BEGAN), other(BEGAN + HOUR)], ("unknown", "message_not_heard")),
}


@pytest.mark.parametrize("case", CASES)
def test_a_callback_that_cdr_shows_is_judged_as_a_heard_one(office: BackfillOffice, case: str) -> None:
    make, verdict = CASES[case]
    imported(office, "cdr", *make(), other(BEGAN + 40 * HOUR))
    assert rows(office, VERDICTS) == [verdict]
    assert office.run("db", "check").stdout == AGREE


@pytest.mark.parametrize("case", CASES)
def test_no_callback_of_the_past_is_on_the_worklist_or_counted_as_of_today(
    office: BackfillOffice, case: str
) -> None:
    imported(office, "cdr", *CASES[case][0]())
    with closing(office.store()) as store:
        assert (obligations.obligations(store), obligations.live_obligations(store)) == ([], [])
        assert pending_callback_commands(store, 0, 10) == []
    figures = "SELECT figure FROM counter WHERE figure LIKE '%callback%' AND figure NOT LIKE '%imported%'"
    assert rows(office, figures) == []


def test_a_second_import_of_callbacks_changes_nothing(office: BackfillOffice) -> None:
    given = [message(BEGAN), callback(BEGAN + 2 * HOUR, 60)]
    states = []
    for _ in range(2):
        imported(office, "cdr", *given)
        states.append([rows(office, f"SELECT * FROM {x}") for x in ("obligation", "ledger", "finding", "counter")])
    assert states[0] == states[1]
    assert len(states[0][0]) == 1


def recorded_message(number: str, place: int) -> str:
    """CEL of a caller whom voicemail took, moved to before the recorded callbacks."""
    with gzip.open(record("cel.csv.gz"), "rt", encoding="utf-8", newline="") as file:
        found = [line for line in file if f'"{MESSAGE}"' in line]
    began = int(since().timestamp()) + 60 * place
    moved = []
    for line in found:
        kind, time, rest = line.split(",", 2)
        at = began + float(time.strip('"')) - float(MESSAGE)
        for old, new in ((MESSAGE[:-2], f"{began}."), (CALLER, number), ("PJSIP/", f"PJSIP/{place}0")):
            rest = rest.replace(old, new)
        moved.append(f'{kind},"{at:.6f}",{rest}')
    return "".join(moved)


MESSAGE, CALLER = "1796050201.51", "4165550136"  # a caller who hung up in the greeting


def test_a_callback_that_cel_shows_is_judged_as_a_heard_one(office: BackfillOffice) -> None:
    expected = truth() | {STRANGER: ("unknown", "message_not_heard")}
    messages = [recorded_message(number, place) for place, number in enumerate(expected)]
    imported(office, "cel", *messages, (RECORDINGS / f"{RUN}.cel.csv").read_text(encoding="utf-8"))
    assert rows(office, VERDICTS) == [*expected.values()]
    assert office.run("db", "check").stdout == AGREE
