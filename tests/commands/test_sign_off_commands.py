"""`callmon report sign`, `signed` and `verify`: sentences, exit statuses, and what the access log gets."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from callmon.main import main
from callmon.store import sign_off
from callmon.store.access import add_account, audit_events, change_account
from callmon.store.database import Database, open_store, upgrade
from tests.support import year
from tests.support.sign_in_app import MADE, PASSWORD, kept_password, quick_passwords
from tests.support.store_fixtures import approve_by_sql, write_key_file
from tests.support.year.database import fill_year

ACCOUNTS = {"g.lavoie": ("manager",), "a.roy": ("manager",), "locked": ("manager",),
            "m.cote": ("agent",), "s.cyr": ("administrator",)}  # fmt: skip


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A database with a year of calls, and accounts."""
    path = tmp_path_factory.mktemp("filled") / "callmon.db"
    write_key_file(path)
    store, settings = upgrade(f"sqlite:///{path}"), year.settings()
    fill_year(store, settings, 300, 30)
    with quick_passwords():
        for name, roles in ACCOUNTS.items():
            add_account(store, name, kept_password(), roles, MADE)
        change_account(store, "locked", MADE, is_locked=True)
        store.close()
        yield path


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Iterator[Database]:
    """A copy of it; the configuration beside it."""
    for file in filled.parent.glob("callmon.db*"):
        shutil.copy(file, tmp_path)
    url = f"sqlite:///{tmp_path}/callmon.db"
    text = (year.example_text().replace(*year.SURVEY) + year.STAFF).replace("sqlite:///callmon.db", url)
    (tmp_path / "callmon.toml").write_text(text, encoding="utf-8")
    store = open_store(url)
    yield store
    store.close()


def run(store: Database, *words: str, given: str = PASSWORD) -> Result:
    assert store.path is not None
    command = ["report", *words, "--config", str(store.path.parent / "callmon.toml")]
    return CliRunner().invoke(main, command, input=given + "\n", catch_exceptions=False)


def sign(store: Database, step: str, by: str, *more: str, given: str = PASSWORD) -> Result:
    return run(store, "sign", "2024-05", step, "--by", by, "--format", "html", *more, given=given)


def approved(store: Database) -> None:
    for step, by in zip(sign_off.STEPS, ("g.lavoie", "a.roy", "a.roy"), strict=True):
        assert sign(store, step, by).exit_code == 0


def saved(store: Database, folder: Path) -> dict[str, Path]:
    """The signed files, written by the command, by their ending."""
    assert run(store, "signed", "2024-05", "--save", str(folder)).exit_code == 0
    return {path.name[len("callmon-2024-05-r1") :]: path for path in folder.iterdir()}


def test_a_month_is_signed_by_command_and_every_step_is_in_the_access_log(store: Database) -> None:
    approved(store)
    (one,) = sign_off.revisions(store)
    assert [(x.step, x.who) for x in one.signatures] == [
        ("prepared", "g.lavoie"), ("verified", "a.roy"), ("approved", "a.roy"),
    ]  # fmt: skip
    assert [(x.who, x.act, x.about) for x in audit_events(store, newest=3)] == [
        ("g.lavoie", "report prepared", "2024-05 revision 1"),
        ("a.roy", "report verified", "2024-05 revision 1"),
        ("a.roy", "report approved", "2024-05 revision 1"),
    ]
    reported = run(store, "signed", "--lang", "fr").stdout.splitlines()
    assert reported[0].replace("\N{NO-BREAK SPACE}", " ") == "2024-05, révision 1 : approuvée"
    assert reported[4:] == [f"{digest}  {name}" for name, digest in one.digests.items()]


NAME = {"fr": "Nom ou mot de passe refusé, ou compte verrouillé. Rien n’est signé.\n",
        "en": "Wrong name or password, or a locked account. Nothing is signed.\n"}  # fmt: skip
ROLE = {"fr": "Seul un compte avec le rôle « manager » signe un rapport. Rien n’est signé.\n",
        "en": "Only an account with the role “manager” signs a report. Nothing is signed.\n"}  # fmt: skip


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    ("by", "given", "sentence"),
    [("a.roy", "wrong", NAME), ("nobody", PASSWORD, NAME), ("nobody", "", NAME), ("locked", PASSWORD, NAME),
     ("m.cote", PASSWORD, ROLE), ("s.cyr", PASSWORD, ROLE)],
)  # fmt: skip
def test_only_the_password_of_a_managers_account_signs(
    store: Database, by: str, given: str, sentence: dict[str, str], language: str
) -> None:
    done = sign(store, "prepared", by, "--lang", language, given=given)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", sentence[language])
    assert sign_off.revisions(store) == []


@pytest.mark.parametrize(("by", "who"), [("a.roy", "a.roy"), ("nobody", "")])
def test_a_refused_password_is_logged_for_an_account_and_only_for_one(store: Database, by: str, who: str) -> None:
    sign(store, "prepared", by, given="wrong")
    assert [(x.who, x.act, x.about) for x in audit_events(store, newest=1)] == [
        (who, "sign in refused", "account")
    ]


def test_what_is_refused_is_said_in_a_sentence(store: Database) -> None:
    def reported(step: str, by: str, language: str = "en") -> tuple[int, str, str]:
        done = sign(store, step, by, "--lang", language)
        return done.exit_code, done.stdout, done.stderr.replace("\N{NO-BREAK SPACE}", " ")

    assert reported("verified", "a.roy") == (1, "", "There is no such revision of this month: prepare it first.\n")
    assert sign(store, "prepared", "g.lavoie").exit_code == 0
    assert reported("verified", "g.lavoie", "fr") == (
        1,
        "",
        "La personne qui prépare une révision ne peut ni la vérifier ni l’approuver : une autre personne doit le "
        "faire.\n",
    )
    assert reported("approved", "a.roy") == (
        1, "", "This is not the next step: revision 1 is prepared.\n"
    )  # fmt: skip
    status, _, sentence = reported("prepared", "a.roy")
    assert (status, sentence.startswith("Nothing has changed since revision 1, prepared by g.lavoie, ")) == (
        1,
        True,
    )
    assert sign(store, "verified", "a.roy").exit_code == 0
    status, _, sentence = reported("verified", "a.roy")
    assert (status, sentence.startswith("This step is already signed: revision 1, verified by a.roy, ")) == (
        1,
        True,
    )
    assert len(sign_off.revisions(store)[0].signatures) == 2


# Files.


def test_a_signed_file_verifies_until_one_byte_is_other(store: Database, tmp_path: Path) -> None:
    approved(store)
    files = saved(store, tmp_path / "out")
    assert sorted(files) == ["-en.html", "-fr.html", ".json"]
    for path in files.values():
        done = run(store, "verify", str(path), "--lang", "en")
        first, digest, *signatures = done.stdout.splitlines()
        assert (done.exit_code, first) == (
            0,
            f"{path.name}: intact and approved. It is a file of revision 1 of the report of 2024-05, which is in "
            "force.",
        )
        assert digest == f"SHA-256 {sha256(path.read_bytes()).hexdigest()}"
        assert [x.split(",")[0] for x in signatures] == [
            "  prepared by g.lavoie", "  verified by a.roy", "  approved by a.roy",
        ]  # fmt: skip
    page = files["-fr.html"]
    page.write_bytes(page.read_bytes().replace(b"<main", b"<main ", 1))
    done = run(store, "verify", str(page), "--lang", "en")
    assert (done.exit_code, done.stdout.splitlines()) == (
        1,
        [
            f"{page.name}: altered, or made again. These are not the bytes that were signed under this name, in "
            "revision 1 of the report of 2024-05.",
            f"SHA-256 {sha256(page.read_bytes()).hexdigest()}",
        ],
    )


@pytest.mark.lab
def test_the_pdf_of_a_month_of_the_seeded_year_is_signed_and_verifies(
    pango: None, store: Database, tmp_path: Path
) -> None:
    for step, by in zip(sign_off.STEPS, ("g.lavoie", "a.roy", "a.roy"), strict=True):
        assert run(store, "sign", "2024-05", step, "--by", by).exit_code == 0
    files = saved(store, tmp_path / "out")
    assert sorted(files) == ["-en.pdf", "-fr.pdf", ".json"]
    assert files["-fr.pdf"].read_bytes()[:5] == b"%PDF-"
    assert [run(store, "verify", str(path)).exit_code for path in files.values()] == [0, 0, 0]
    page = files["-en.pdf"]
    page.write_bytes(page.read_bytes() + b"\n")
    assert run(store, "verify", str(page)).exit_code == 1


def test_an_approval_inserted_by_sql_is_altered_for_verify_and_check(store: Database, tmp_path: Path) -> None:
    for step, by in zip(sign_off.STEPS[:2], ("g.lavoie", "a.roy"), strict=True):
        assert sign(store, step, by).exit_code == 0
    path = saved(store, tmp_path / "out")[".json"]
    approve_by_sql(store)
    done = run(store, "verify", str(path), "--json")
    assert (done.exit_code, json.loads(done.stdout)["result"]) == (1, "altered")
    command = ["db", "check", "--since", "2024-05-01", "--until", "2024-05-01"]
    reported = CliRunner().invoke(main, [*command, "--config", str(tmp_path / "callmon.toml")])
    assert [line for line in reported.stdout.splitlines() if "2024-05" in line] == [
        "signature : la révision 1 de 2024-05 a été altérée dans la base de données : ses signatures ne "
        "concordent pas entre elles, avec le journal des accès ou avec le fichier de clés. Trouvez qui "
        "peut y écrire, et restaurez une copie."
    ]


def test_the_list_is_what_sha256sum_checks(store: Database, tmp_path: Path) -> None:
    approved(store)
    saved(store, tmp_path / "out")
    sums = "".join(f"{line}\n" for line in run(store, "signed", "2024-05").stdout.splitlines()[4:])
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "-"], cwd=tmp_path / "out", input=sums, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr, done.stdout.count(": OK")) == (0, "", 3)


def test_each_state_of_a_file_has_its_word_and_exit_status(store: Database, tmp_path: Path) -> None:
    def checked(path: Path) -> tuple[int, str, int | None]:
        done = run(store, "verify", str(path), "--json")
        reported = json.loads(done.stdout)
        assert (reported["file"], reported["sha256"]) == (path.name, sha256(path.read_bytes()).hexdigest())
        return done.exit_code, reported["result"], reported["signed"] and reported["signed"]["superseded_by"]

    plain = tmp_path / "callmon-2024-05-r1.json"
    plain.write_bytes(b"{}")
    assert checked(plain) == (1, "not_signed", None)
    sign(store, "prepared", "g.lavoie")
    assert checked(plain) == (1, "altered", None)
    path = saved(store, tmp_path / "out")[".json"]
    assert checked(path) == (1, "in_progress", None)
    for step in ("verified", "approved"):
        sign(store, step, "a.roy")
    assert checked(path) == (0, "approved", None)
    remarks = tmp_path / "remarks.toml"
    remarks.write_text('[callbacks]\nfr = "Une tempête."\nen = "A storm."\n', encoding="utf-8")
    assert sign(store, "prepared", "a.roy", "--remarks", str(remarks)).exit_code == 0
    assert checked(path) == (0, "approved", None)
    for step in ("verified", "approved"):
        assert sign(store, step, "g.lavoie").exit_code == 0
    assert checked(path) == (1, "superseded", 2)


def test_what_cannot_be_checked_has_a_status_of_its_own(store: Database, tmp_path: Path) -> None:
    missing = run(store, "verify", str(tmp_path / "none.pdf"))
    assert missing.exit_code == 2
    (tmp_path / "x.pdf").write_bytes(b"x")
    assert store.path is not None
    store.close()
    store.path.rename(tmp_path / "away.db")
    done = run(store, "verify", str(tmp_path / "x.pdf"))
    assert (done.exit_code, done.stdout, done.stderr) == (
        2, "", f"il n’y a pas de base de données à {store.path} : corrigez store.url, ou créez-en "
        "une avec `callmon db upgrade`\n"
    )  # fmt: skip


def test_without_a_signature_the_list_says_so(store: Database) -> None:
    done = run(store, "signed", "2024-05", "--lang", "en")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "No signed report.\n")
