"""`callmon tokens`: a token is printed once, listed without its secret, and revoked; each change is on record."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from callmon.config.settings import example_text
from callmon.main import main
from callmon.store.access import audit_events
from callmon.store.access_tokens import tokens, valid_token
from callmon.store.database import Database
from callmon.web.auth.cookies import hashed

ENGLISH = {"LC_ALL": "en_CA.UTF-8"}


@pytest.fixture
def config(sqlite_store: Database, tmp_path: Path) -> Path:
    path = tmp_path / "callmon.toml"
    text = example_text().replace("sqlite:///callmon.db", f"sqlite:///{sqlite_store.path}")
    path.write_text(text, encoding="utf-8")
    return path


def run(config: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["tokens", *words, "--config", str(config)], env=ENGLISH)


def test_a_token_is_printed_alone_and_only_its_hash_is_stored(config: Path, sqlite_store: Database) -> None:
    done = run(config, "add", "desk", "--role", "manager:poci", "--days", "90")
    secret = done.stdout.strip()
    assert (done.exit_code, done.stderr) == (0, "desk: keep this token; callmon does not show it again.\n")
    (one,) = tokens(sqlite_store)
    assert (one.id, one.name, one.roles, one.used) == (hashed(secret), "desk", {"manager:poci"}, None)
    assert one.expires - one.made == timedelta(days=90)
    assert valid_token(sqlite_store, hashed(secret), datetime.now(UTC)) is not None


def test_the_list_has_the_role_the_end_and_the_last_use_of_each(config: Path, sqlite_store: Database) -> None:
    secret = run(config, "add", "desk").stdout.strip()
    before = run(config, "list").stdout
    valid_token(sqlite_store, hashed(secret), datetime.now(UTC))
    after = json.loads(run(config, "list", "--json").stdout)
    assert (before.split()[:2], before.strip().endswith("never used")) == (["desk", "viewer"], True)
    assert (after["name"], after["roles"], after["used"] is None) == ("desk", ["viewer"], False)
    assert secret not in before + json.dumps(after)


def test_a_revoked_token_is_gone_and_both_changes_are_on_record(config: Path, sqlite_store: Database) -> None:
    run(config, "add", "desk")
    done = run(config, "revoke", "desk")
    assert (done.exit_code, done.output, tokens(sqlite_store)) == (0, "desk: revoked.\n", [])
    assert [(x.act, x.about) for x in audit_events(sqlite_store)] == [
        ("token added", "desk: viewer"),
        ("token revoked", "desk"),
    ]


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        ("add desk", "desk: this token exists; revoke it first, or give another name."),
        ("add other --role agent", "'agent' is not one of"),
        ("add other --role viewer:pocy", 'there is no service "pocy"; did you mean "poci"?'),
    ],
)
def test_what_is_no_token_is_refused(config: Path, sqlite_store: Database, words: str, reported: str) -> None:
    run(config, "add", "desk")
    done = run(config, *words.split())
    assert (done.exit_code, reported.lower() in done.output.lower()) == (2, True), done.output
    assert [x.name for x in tokens(sqlite_store)] == ["desk"]


def test_where_there_is_no_token_the_list_says_how_to_make_one(config: Path) -> None:
    done = run(config, "list")
    reported = "There is no token; make one with `callmon tokens add NAME`.\n"
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", reported)
