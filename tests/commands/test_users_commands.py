"""`callmon users`, and what `callmon privacy log` tells of the pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from callmon.config.settings import example_text
from callmon.main import main
from callmon.store import access
from callmon.store.database import Database
from callmon.web.auth import passwords

ENGLISH = {"LC_ALL": "en_CA.UTF-8"}
PASSWORD = "trois sonneries, pas quatre"


@pytest.fixture
def config(sqlite_store: Database, tmp_path: Path) -> Path:
    path = tmp_path / "callmon.toml"
    text = example_text().replace("sqlite:///callmon.db", f"sqlite:///{sqlite_store.path}")
    path.write_text(text.replace("[web]\n", "[web]\naccess = { accounts = true }\n"), encoding="utf-8")
    return path


def users(config: Path, *arguments: str, given: str = PASSWORD) -> Result:
    return CliRunner().invoke(
        main, ["users", *arguments, "--config", str(config)], input=given + "\n", env=ENGLISH
    )


def test_an_account_is_added_with_a_password_from_standard_input(config: Path, sqlite_store: Database) -> None:
    done = users(config, "add", "marie", "--role", "manager", "--role", "agent")
    assert (done.exit_code, done.output) == (0, "marie: added.\n")
    (one,) = access.accounts(sqlite_store)
    assert (one.name, one.roles, one.is_locked) == ("marie", {"agent", "manager"}, False)
    assert (passwords.is_right(one.password, PASSWORD), one.password.startswith("$argon2id$")) == (True, True)


def test_an_account_has_a_role_for_one_service(config: Path, sqlite_store: Database) -> None:
    done = users(config, "add", "a.cote", "--role", "manager:poci", "--role", "viewer:poci")
    assert (done.exit_code, done.output) == (0, "a.cote: added.\n")
    assert [x.roles for x in access.accounts(sqlite_store)] == [{"manager:poci", "viewer:poci"}]


@pytest.mark.parametrize(
    ("role", "reported"),
    [
        ("manager:pocy", 'there is no service "pocy"; did you mean "poci"?'),
        ("administrator:poci", "'administrator:poci' is not one of"),
        ("manager:", "'manager:' is not one of"),
    ],
)
def test_a_role_for_no_service_is_refused(config: Path, sqlite_store: Database, role: str, reported: str) -> None:
    done = users(config, "add", "a.cote", "--role", role)
    assert (done.exit_code, reported.lower() in done.output.lower(), access.accounts(sqlite_store)) == (
        2,
        True,
        [],
    )


def test_where_there_is_no_account_the_list_says_how_to_make_one(config: Path) -> None:
    done = users(config, "list")
    reported = "There is no account; add one with `callmon users add NAME --role ROLE`.\n"
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", reported)


def test_what_is_stored_takes_64_mib_to_try() -> None:
    assert re.match(r"\$argon2id\$v=19\$m=65536,t=3,p=4\$", passwords.hashed(PASSWORD))


SHORT = "The password is too short: it needs 12 characters or more, such as a sentence."
EASY = "The password is too easy: avoid the account's name and repeated characters."
NO_NAME = "is no account's name; use a to z and 0 to 9, and . _ @ - after the first character."


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("marie", "eleven sign", SHORT),
        ("marie", "", SHORT),
        ("marie", "x" * 129, "The password is too long: 128 characters at most."),
        ("marie", "aaaabbbbcccc", EASY),
        ("marie", "I am MARIE!!", EASY),
        ("Marie", PASSWORD, f'"Marie" {NO_NAME}'),
        ("../x", PASSWORD, f'"../x" {NO_NAME}'),
    ],
)
def test_what_is_refused_says_why_and_makes_no_account(
    config: Path, sqlite_store: Database, name: str, given: str, said: str
) -> None:
    done = users(config, "add", name, "--role", "viewer", given=given)
    assert (done.exit_code, done.output, access.accounts(sqlite_store)) == (2, said + "\n", [])


def test_no_command_takes_a_password_as_an_argument() -> None:
    options = [option for command in main.commands["users"].commands.values() for option in command.params]  # type: ignore[attr-defined]
    assert {option.name for option in options} == {"name", "roles", "config", "unlock", "as_json"}


def test_an_account_has_a_role(config: Path) -> None:
    assert users(config, "add", "marie").exit_code == 2
    assert users(config, "add", "marie", "--role", "root").exit_code == 2


def test_accounts_are_listed_changed_locked_removed_and_recorded(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "root")
    said = [
        users(config, *arguments).output
        for arguments in (
            ("add", "marie", "--role", "agent"),
            ("add", "marie", "--role", "viewer"),
            ("role", "marie", "--role", "viewer"),
            ("password", "marie"),
            ("lock", "marie"),
            ("list",),
            ("lock", "marie", "--unlock"),
            ("list",),
            ("remove", "marie"),
            ("list",),
            ("lock", "marie"),
        )
    ]
    assert said == [
        "marie: added.\n",
        "marie: this account exists; change its roles or its password.\n",
        "marie: viewer; signed out everywhere.\n",
        "marie: the password is changed; signed out everywhere.\n",
        "marie: locked; signed out everywhere.\n",
        "marie                   viewer  locked\n",
        "marie: may sign in.\n",
        "marie                   viewer\n",
        "marie: removed; signed out everywhere.\n",
        "There is no account; add one with `callmon users add NAME --role ROLE`.\n",
        "marie: no such account; `callmon users list` shows the accounts.\n",
    ]
    log = CliRunner(env={"LC_ALL": "en_CA.UTF-8"}).invoke(main, ["privacy", "log", "--config", str(config)])
    assert [line.split("  ", 1)[1] for line in log.output.splitlines()] == [
        "root  account added  marie: agent",
        "root  an account's roles changed  marie: viewer",
        "root  an account's password changed  marie",
        "root  account locked  marie",
        "root  account unlocked  marie",
        "root  account removed  marie",
    ]


def test_an_added_account_that_cannot_sign_in_is_reported(config: Path) -> None:
    config.write_text(config.read_text(encoding="utf-8").replace("accounts = true", "accounts = false"), "utf-8")
    done = users(config, "add", "marie", "--role", "agent")
    assert done.output == "marie: added.\nAccounts cannot sign in yet: set accounts = true under [web.access].\n"


def test_an_account_is_added_in_the_language_of_the_site_that_config_names(config: Path) -> None:
    command = ["users", "add", "marie", "--role", "agent", "--config", str(config)]
    assert CliRunner().invoke(main, command, input=f"{PASSWORD}\n").output == "marie : ajouté.\n"
