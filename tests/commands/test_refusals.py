"""Every command, given something wrong: its sentence, its status, its language. `refusals.toml` has the cases.

A case is told in the reader's language: `fr` and `en`. What is told in English to everybody has `said`. With
`usage`, a mistake in the command line itself, these are the last line of the message. HERE is the current folder.
"""

from __future__ import annotations

import gzip
import re
import shlex
import shutil
import socket
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from callmon.cli import common
from callmon.config.settings import example_text
from callmon.main import main
from callmon.store import access
from callmon.store.access import AuditRow
from callmon.store.commands import pending_callback_commands, pending_disruption_commands
from callmon.store.database import open_store, upgrade
from callmon.text.labels import typographic
from tests.support import year
from tests.support.environment import QUESTIONS_ON
from tests.support.year.database import fill_year
from tests.unit.test_command_line import COMMAND, ENVIRONMENT, commands

CASES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "refusals.toml").read_text(encoding="utf-8"))[
    "refused"
]
NOTHING_TO_REFUSE = {"config example"}
USAGE = {
    "fr": r"Usage : callmon .*\nL’aide : « callmon .*--help »\.\n\nErreur : ",
    "en": r"Usage: callmon .*\nTry 'callmon .*--help' for help\.\n\nError: ",
}
LOCALE = dict.fromkeys(("LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE"))
BY_LANGUAGE = [
    pytest.param(case, language, id=f"{case['given']} {language}")
    for case in CASES
    for language in (("fr", "en") if "fr" in case else ("fr",))
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a configuration, the calls of a year, a file that is none of callmon's, and a folder.

    What is refused is not asked of the daemon.
    """
    folder = tmp_path_factory.mktemp("site")
    store, settings = upgrade(f"sqlite:///{folder}/callmon.db"), year.settings(f"sqlite:///{folder}/callmon.db")
    fill_year(store, settings, 200, 20)
    access.add_account(
        store,
        "j.roy",
        "",
        ["viewer"],
        AuditRow(at=datetime(2025, 6, 1, tzinfo=UTC), who="root", act="account added"),
    )
    store.close()
    written = QUESTIONS_ON + example_text().replace("/etc/callmon/ami.secret", "ami.secret")
    (folder / "callmon.toml").write_text(written, encoding="utf-8")
    (folder / "text").write_text("plain words\n", encoding="utf-8")
    (folder / "latin.toml").write_bytes("# é".encode("latin-1"))
    (folder / "empty.toml").write_text("", encoding="utf-8")
    (folder / "lines").write_text("one\ntwo\n", encoding="utf-8")
    (folder / "lines").chmod(0o600)
    (folder / "folder").mkdir()
    (folder / "cut.gz").write_bytes(gzip.compress(b"1796050199|x|y|z|PAUSE|\n" * 9)[:-12])
    (folder / "binary").write_bytes(bytes(range(256)))
    yield folder
    with closing(open_store(settings.store.url)) as store:
        assert (pending_callback_commands(store, 0, str), pending_disruption_commands(store, 0)) == ([], [])


@pytest.fixture
def here(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder is the site's. No command changes its files or folders."""
    monkeypatch.chdir(site)
    monkeypatch.setattr(common.getpass, "getuser", lambda: "root")
    monkeypatch.delenv("SUDO_USER", raising=False)
    before = {path: path.stat().st_mode for path in site.rglob("*")}
    yield site
    left = {path: path.stat().st_mode for path in site.rglob("*") if not path.name.endswith(("-wal", "-shm"))}
    assert left == {path: mode for path, mode in before.items() if path in left}


def invoked(given: str, language: str) -> Result:
    words = shlex.split(given)
    named = [word.split("=", 1) for word in words if re.match(r"CALLMON_\w+=", word)]
    environment = LOCALE | {"CALLMON_DEFAULT_LANGUAGE": language} | dict(named)
    return CliRunner().invoke(main, words[len(named) :], input="", env=environment, prog_name="callmon")


@pytest.mark.parametrize(("case", "language"), BY_LANGUAGE)
def test_a_fault_is_reported_with_its_remedy_in_one_language(
    here: Path, case: dict[str, Any], language: str
) -> None:
    done = invoked(case["given"], language)
    reported = re.sub(r"expires-[\d-]+", "expires-DATE", done.stderr.replace(str(here), "HERE"))
    assert (done.exit_code, type(done.exception), done.stdout) == (case["status"], SystemExit, "")
    if "usage" in case:
        reported = re.sub(USAGE[language], "", reported)
    expected = (
        typographic(case[language]) if language == "fr" and "fr" in case else case.get("said") or case[language]
    )
    assert reported == f"{expected}\n"


def test_every_command_has_a_case_and_every_case_is_reported_once() -> None:
    given = [case["given"] for case in CASES]
    assert sorted(given) == sorted(set(given))
    named = [" ".join(re.sub(r"CALLMON_\w+=\S+ ", "", words).split()) + " " for words in given]
    every = [name for name, _ in commands() if not any(words.startswith(f"{name} ") for words in named)]
    assert set(every) == NOTHING_TO_REFUSE
    assert len(given) >= 60


# As processes: standard input or output closed, a full disk, a port that is taken, a folder that is gone.

AS_PROCESSES = {
    "callmon privacy find --purpose x <&-": (
        2, "Numéro de téléphone : l’entrée standard ne contenait aucun numéro; écrivez un numéro par ligne.\n"),
    "callmon users add m.roy --role viewer <&-": (
        2, "Le mot de passe est trop court : il faut au moins 12 caractères, une phrase par "
           "exemple.\n"),
    "callmon replay - <&-": (
        1, "Aucun message AMI n’a été trouvé; donnez un fichier que `callmon record` écrit.\n"),
    "callmon check >&-": (0, ""),
    "callmon callbacks list > /dev/full": (
        1, "Un fichier ou la sortie : plus d’espace sur le disque; libérez de l’espace, puis relancez la "
           "commande.\n"),
    "mkdir gone && cd gone && rmdir ../gone && callmon status": (
        2, "The current folder no longer exists; change to another one.\n"),
    "CALLMON_WEB__LISTEN=127.0.0.1:{port} callmon run": (
        2, "web.listen : 127.0.0.1:{port} ne peut pas être ouvert à l’écoute (adresse déjà "
           "prise); choisissez une autre adresse.\n"),
    "callmon demo --listen 127.0.0.1:{port}": (
        2, "--listen : 127.0.0.1:{port} ne peut pas être ouvert à l’écoute (adresse déjà prise); "
           "choisissez une autre adresse : callmon demo --listen 127.0.0.1:9470\n"),
}  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize("line", AS_PROCESSES)
def test_a_process_that_lacks_what_it_needs_says_so(site: Path, tmp_path: Path, line: str) -> None:
    shutil.copytree(site, tmp_path, dirs_exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, reported = AS_PROCESSES[line]
        named = {"{port}": str(taken.getsockname()[1]), "callmon ": f"{' '.join(COMMAND)} "}
        script = line
        for old, new in named.items():
            script = script.replace(old, new)
        done = subprocess.run(
            ["sh", "-c", script], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=120
        )
    assert (done.returncode, done.stderr) == (status, reported.replace("{port}", named["{port}"]))
