"""`callmon privacy` as an administrator gives it: what it prints, what it logs, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from callmon.config.settings import load
from callmon.core import facts as f
from callmon.main import main
from callmon.store import opening
from tests.store.test_privacy import SECOND, call_of, numbers
from tests.support.store_fixtures import CALLER, outcomes, wrote

PURPOSE = ("--purpose", "access request 2026-14", "--by", "M. Roy")


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def site(tmp_path: Path, now: datetime) -> Callable[..., Result]:
    """Two calls of one number, one of another 500 days ago: `site("privacy", "log")` gives a command."""
    config = tmp_path / "callmon.toml"
    config.write_text(f'[store]\nurl = "sqlite:///{tmp_path}/callmon.db"\n{LINES}')
    store = opening.open_for_writing(load(config))
    long_ago = now - timedelta(days=500)
    reported = (call_of(0, start=now), call_of(1, start=now), call_of(2, SECOND, long_ago))
    wrote(store, *(outcome for facts in reported for outcome in outcomes(facts)))
    store.close()

    def command(*words: str, status: int = 0, typed: str = "", locale: str = "en_CA") -> Result:
        result = CliRunner().invoke(main, [*words, "--config", str(config)], input=typed, env={"LC_ALL": locale})
        assert result.exit_code == status, result.output
        return result

    return command


LINES = """
[services.general]
title_fr = "Renseignements"
title_en = "Inquiries"
[lines.general]
mode = "voice"
service = "general"
numbers = ["416 327-2422"]
title_fr = "Renseignements"
title_en = "Inquiries"
"""


def kept(tmp_path: Path) -> list[str]:
    store = opening.open_with_keys(load(tmp_path / "callmon.toml"))
    found = sorted(numbers(store).values())
    store.close()
    return found


def test_a_number_is_found_in_any_spelling_and_each_access_is_logged(site: Callable[..., Result]) -> None:
    for written in ("416 555-0101", "(416) 555-0101", CALLER):
        found = site("privacy", "find", *PURPOSE, typed=written)
        rows = [line.split("  ")[1:] for line in found.stdout.splitlines()]
        assert rows == [
            ["toronto", "1795527733.0", "caller", "general", "answered by a person"],
            ["toronto", "1795527734.1", "caller", "general", "answered by a person"],
        ]
    log = [line.split("  ")[1:] for line in site("privacy", "log").stdout.splitlines()]
    assert log == [["M. Roy", "privacy find", "access request 2026-14", "2 calls"]] * 3


def test_what_a_number_was_used_for_is_in_french_for_a_french_reader(site: Callable[..., Result]) -> None:
    found = site("privacy", "find", *PURPOSE, typed=CALLER, locale="fr_CA").stdout.splitlines()
    assert [line.split("  ")[3:] for line in found] == [["appelant", "general", "réponse en personne"]] * 2


def test_the_log_of_one_number_has_accesses_of_that_one_alone(site: Callable[..., Result]) -> None:
    site("privacy", "find", *PURPOSE, typed=CALLER)
    site("privacy", "find", *PURPOSE, typed=SECOND)
    reported = [
        site("privacy", "log", "--number", typed=number).stdout.splitlines() for number in ("416 555-0101", SECOND)
    ]
    assert [[line.split("  ")[1:] for line in lines] for lines in reported] == [
        [["M. Roy", "privacy find", "access request 2026-14", "2 calls"]],
        [["M. Roy", "privacy find", "access request 2026-14", "1 call"]],
    ]


def test_a_number_is_found_as_staff_dialled_it(site: Callable[..., Result], now: datetime, tmp_path: Path) -> None:
    config = tmp_path / "callmon.toml"
    config.write_text(config.read_text() + EXCHANGE_TABLE)
    store = opening.open_with_keys(load(config))
    for n, dialled in enumerate(("94165550155", "914165550155", "4165550155", "9011442079460123")):
        arrived = f.Arrived(f"9.{n}", now, "outbound", None, dialled, "102", None, "PJSIP/102-1")
        wrote(store, *outcomes([arrived, f.Ended(f"9.{n}", now, "caller")]))
    store.close()
    for number, calls in (("416 555-0155", ["9.0", "9.1", "9.2"]), ("+44 20 7946 0123", ["9.3"])):
        found = site("privacy", "find", *PURPOSE, typed=number).stdout.splitlines()
        assert [line.split()[3:5] for line in found] == [[call, "dialled"] for call in calls]


EXCHANGE_TABLE = """
[exchanges.toronto]
host = "127.0.0.1"
secret_env = "X"
dial_prefixes = ["9", "91", "9011"]
"""


def test_a_look_without_a_purpose_is_refused(site: Callable[..., Result]) -> None:
    assert "Missing option '--purpose'" in site("privacy", "find", status=2).stderr
    refused = site("privacy", "export", "--purpose", " ", status=2, typed=CALLER)
    assert (refused.stdout, refused.stderr) == ("", "--purpose is empty; state the purpose of the access.\n")
    assert site("privacy", "log").stdout == ""


def test_what_is_exported_is_all_that_is_stored_and_who_looked_before(site: Callable[..., Result]) -> None:
    site("privacy", "find", "--purpose", "complaint 3", typed=CALLER)
    reported = json.loads(site("privacy", "export", *PURPOSE, typed=CALLER).stdout)
    assert (reported["number"], [access["purpose"] for access in reported["accesses"]]) == (
        CALLER,
        ["complaint 3"],
    )
    assert [(c["call"], c["role"], c["caller"], c["line"]) for c in reported["calls"]] == [
        ("1795527733.0", "caller", CALLER, "general"),
        ("1795527734.1", "caller", CALLER, "general"),
    ]
    assert reported["calls"][0]["verdicts"] == dict.fromkeys(
        ("answer_by_third_ring", "reach_a_person", "voicemail_after_fourth_ring"), "met"
    )


def test_a_number_that_is_not_stored_is_found_nowhere(site: Callable[..., Result]) -> None:
    found = site("privacy", "find", *PURPOSE, typed="416 555-0177\n")
    assert (found.stdout, found.stderr) == ("", "0 calls.\n")


def test_a_number_is_corrected_and_what_is_no_number_refused(site: Callable[..., Result], tmp_path: Path) -> None:
    refused = site("privacy", "correct", *PURPOSE, status=2, typed=f"{CALLER}\n555\n")
    assert refused.stderr == '"555" is not a telephone number; write it as "416 555-0102".\n'
    done = site("privacy", "correct", *PURPOSE, typed=f"{CALLER}\n416 555-0103\n")
    assert done.stdout == "Corrected in 2 calls.\n"
    assert kept(tmp_path) == [SECOND, "+14165550103", "+14165550103"]
    again = site("privacy", "correct", *PURPOSE, status=1, typed=f"{CALLER}\n{SECOND}\n")
    assert again.stdout == "Corrected in 0 calls.\n"


def test_a_purge_says_what_it_would_do_and_does_it_when_reported_to(
    site: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "faults").mkdir()
    fault = tmp_path / "faults" / "toronto-20200101T000000Z-expires-2020-01-31.ami"
    fault.touch()
    looked = site("privacy", "purge")
    assert looked.stdout.startswith("1 number last used before ")
    assert looked.stdout.endswith("; 1 expired file.\n")
    assert looked.stderr == "Nothing was changed; add --yes to delete.\n"
    assert (len(kept(tmp_path)), fault.exists()) == (3, True)
    refused = site("privacy", "purge", "--yes", status=2)
    assert refused.stderr == (
        'No records schedule allows the disposal. Add --authority "…", or set retention_authority.\n'
    )
    done = site("privacy", "purge", "--yes", "--authority", "schedule 12-345", "--by", "M. Roy")
    assert (done.stdout.split(" last ")[0], kept(tmp_path), fault.exists()) == ("1 number", [CALLER] * 2, False)
    (line,) = site("privacy", "log").stdout.splitlines()
    assert line.split("  ")[1:4] == ["M. Roy", "disposal of numbers", "schedule 12-345"]


def test_a_key_is_made_numbers_are_moved_to_it_and_the_old_line_may_go(
    site: Callable[..., Result], tmp_path: Path
) -> None:
    path = tmp_path / "callmon.db-key"
    made = site("privacy", "key")
    assert made.stdout == f"{path}: a new key was added. Restart callmon, then run `callmon privacy rotate`.\n"
    assert "use an older key" in site("privacy", "purge", status=1).stderr
    with closing(opening.open_with_keys(load(tmp_path / "callmon.toml"))) as store:
        newest = store.ring.name
    moved = site("privacy", "rotate")
    assert moved.stdout == (
        f"3 numbers encrypted with the key {newest}.\n"
        "Nothing here needs the older lines of the key file, but earlier copies of the database do.\n"
    )
    path.write_text("\n".join(path.read_text().splitlines()[:3]))
    assert kept(tmp_path) == [CALLER, CALLER, SECOND]
    assert site("privacy", "rotate").stdout == f"0 numbers encrypted with the key {newest}.\n"


def test_a_wrong_key_is_one_sentence(site: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "callmon.db-key"
    path.unlink()
    site("privacy", "key")
    for words in (("privacy", "find", *PURPOSE), ("explain", "1795527733.0", "--json"), ("db", "upgrade")):
        said = site(*words, status=1, typed=CALLER)
        assert (said.stdout, len(said.stderr.splitlines())) == ("", 1)
        assert said.stderr.endswith(f"which {path} lacks: restore that key's line below the newest\n")
    assert site("explain", "1795527733.0", "--lang", "en").stdout.count("555") == 0


def test_explain_as_json_shows_the_number_and_logs_it(site: Callable[..., Result]) -> None:
    reported = json.loads(site("explain", "1795527733.0", "--json").stdout)
    assert reported["caller"] == CALLER
    (line,) = site("privacy", "log").stdout.splitlines()
    assert line.split("  ")[2:] == ["explain --json", "explain --json", "1 call"]


def test_a_recording_with_numbers_has_a_last_day_and_needs_a_yes(tmp_path: Path) -> None:
    config = tmp_path / "callmon.toml"
    config.write_text('[exchanges.a]\nhost = "127.0.0.1"\nport = 9\nsecret_env = "X"\n' + LINES)
    words = ["record", str(tmp_path / "monday.ami"), "--with-numbers", "--config", str(config)]
    asked = CliRunner().invoke(main, words, input="n\n")
    day = datetime.now(UTC).astimezone().date()
    names = [f"monday-expires-{day + timedelta(days=30 + x)}.ami" for x in (-1, 0, 1)]
    assert [name for name in names if name in asked.stderr.replace("\n", "")] != []
    assert [path.name for path in tmp_path.iterdir()] == ["callmon.toml"]
