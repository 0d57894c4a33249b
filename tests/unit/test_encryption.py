"""Numbers encrypted and decrypted, their tokens, and the file of keys."""

from __future__ import annotations

import os
import re
import stat
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.errors import ConfigError
from callmon.store import key_file
from callmon.store.encryption import ENCRYPTED, NO_KEYS, KeyMissingError, KeyRing
from callmon.store.privacy.dated_files import dated, expired, last_day

NUMBER = "+14165550101"
OLD, NEW = b"o" * 32, b"n" * 32
TODAY = date(2026, 11, 24)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


# Sealing.


@given(TEXTS, st.binary(min_size=32, max_size=32))
def test_what_is_encrypted_is_decrypted_to_itself(number: str, key: bytes) -> None:
    ring = KeyRing([key])
    encrypted = ring.encrypt(number)
    assert ring.decrypt(encrypted) == number
    assert ENCRYPTED.fullmatch(encrypted) is not None


@given(st.from_regex(r"\+1416555\d{4}", fullmatch=True))
def test_nothing_of_a_number_shows_in_what_is_stored_of_it(number: str) -> None:
    ring = KeyRing([NEW])
    kept = ring.encrypt(number).partition(":")[2] + " " + ring.token(number)
    assert [number[i : i + 7] for i in range(6) if number[i : i + 7] in kept] == []


def test_one_number_is_encrypted_differently_each_time_and_has_one_token() -> None:
    ring = KeyRing([NEW])
    assert len({ring.encrypt(NUMBER) for _ in range(100)}) == 100
    assert len({ring.token(NUMBER) for _ in range(100)}) == 1
    assert ring.token(NUMBER) != ring.token("+14165550102")
    assert ring.token(NUMBER) != KeyRing([OLD]).token(NUMBER)


def test_a_number_is_short_when_encrypted() -> None:
    assert (len(KeyRing([NEW]).encrypt(NUMBER)), len(KeyRing([NEW]).token(NUMBER))) == (65, 22)


def test_the_first_key_encrypts_and_every_key_decrypts() -> None:
    both = KeyRing([NEW, OLD])
    assert both.decrypt(KeyRing([OLD]).encrypt(NUMBER)) == NUMBER
    assert KeyRing([NEW]).decrypt(both.encrypt(NUMBER)) == NUMBER
    assert both.tokens(NUMBER) == (KeyRing([NEW]).token(NUMBER), KeyRing([OLD]).token(NUMBER))
    assert both.token(NUMBER) == both.tokens(NUMBER)[0]


def test_without_its_key_a_number_is_refused_with_what_to_do() -> None:
    encrypted, name = KeyRing([OLD]).encrypt(NUMBER), KeyRing([OLD]).name
    with pytest.raises(KeyMissingError) as refusal:
        KeyRing([NEW], "/etc/callmon/number.key").decrypt(encrypted)
    assert str(refusal.value) == (
        f"numbers are encrypted with the key {name}, which /etc/callmon/number.key lacks: "
        "restore that key's line below the newest"
    )
    with pytest.raises(KeyMissingError, match=r"no key is available: set privacy\.key_file"):
        NO_KEYS.decrypt(encrypted)


def test_an_altered_number_is_refused() -> None:
    encrypted = KeyRing([NEW]).encrypt(NUMBER)
    place = len(encrypted) // 2
    altered = encrypted[:place] + ("A" if encrypted[place] != "A" else "B") + encrypted[place + 1 :]
    with pytest.raises(KeyMissingError, match="is damaged or was altered"):
        KeyRing([NEW]).decrypt(altered)


@pytest.mark.parametrize("text", [NUMBER, "102", ""])
def test_a_number_that_is_not_encrypted_is_refused(text: str) -> None:
    with pytest.raises(KeyMissingError, match=r"^a number in the database is not encrypted: it was altered$"):
        KeyRing([NEW]).decrypt(text)


def test_a_ring_without_keys_encrypts_nothing() -> None:
    assert not NO_KEYS
    with pytest.raises(KeyMissingError):
        NO_KEYS.encrypt(NUMBER)


# The file.


def test_a_new_file_is_for_its_owner_alone_and_holds_one_key(tmp_path: Path) -> None:
    path = tmp_path / "number.key"
    before = os.umask(0)
    try:
        assert key_file.add_new_key(path, TODAY) is False
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(key_file.read_keys(path).names) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["number.key"]


def test_a_second_key_stands_first_and_the_first_stays(tmp_path: Path) -> None:
    path = tmp_path / "number.key"
    key_file.add_new_key(path, TODAY)
    before = key_file.read_keys(path)
    assert key_file.add_new_key(path, TODAY) is True
    after = key_file.read_keys(path)
    assert (after.names[1:], len(set(after.names))) == (before.names, 2)
    assert after.decrypt(before.encrypt(NUMBER)) == NUMBER
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def refusal_of(path: Path) -> str:
    with pytest.raises(ConfigError) as refusal:
        key_file.read_keys(path)
    return str(refusal.value).replace(str(path), "FILE")


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    said = refusal_of(tmp_path / "number.key")
    assert said == "no key file at FILE: create one with `callmon privacy key FILE`"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("# nothing\n", "the key file FILE holds no key; create one with `callmon privacy key FILE`"),
        ("sesame\n", "the key file FILE: line 1 is not a key; restore the line that `callmon privacy key` wrote"),
        ("# x\né\n", "the key file FILE: line 2 is not a key; restore the line that `callmon privacy key` wrote"),
    ],
)
def test_a_file_without_a_key_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "number.key"
    path.write_text(text)
    path.chmod(0o600)
    assert refusal_of(path) == sentence
    with pytest.raises(ConfigError):
        key_file.add_new_key(path, TODAY) if text != "# nothing\n" else key_file.read_keys(path)
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("mode", "reported"),
    [
        (0o644, "every user can read the key file FILE: chmod 0600 it, and add a new key"),
        *(
            (mode, "other users can change the key file FILE: chmod 0600 it, and check its keys")
            for mode in (0o620, 0o602, 0o660, 0o662)
        ),
    ],
)
def test_a_file_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int, reported: str) -> None:
    path = tmp_path / "number.key"
    key_file.add_new_key(path, TODAY)
    path.chmod(mode)
    assert refusal_of(path) == reported


@pytest.mark.parametrize(
    ("owner", "reader", "folder", "is_trusted"),
    [
        (0, 0, 0, True),
        (0, 500, 500, True),  # root's, read by callmon
        (500, 500, 0, True),  # callmon's own
        (500, 0, 500, True),  # callmon's own, in its own folder, read by a command of root's
        (501, 500, 500, False),
        (501, 500, 501, False),
        (501, 0, 500, False),
        (501, 0, 0, False),
    ],
)
def test_another_users_file_is_trusted_only_by_root_in_that_folder(
    owner: int, reader: int, folder: int, is_trusted: bool
) -> None:
    assert key_file.is_trusted(owner, reader, folder) == is_trusted


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "number.key"
    key_file.add_new_key(path, TODAY)
    os.chown(path, 65533, 65533)
    assert refusal_of(path) == (
        "the key file FILE belongs to another user (65533), and that user can change it: chown it to callmon's"
    )


def test_a_new_key_goes_into_the_file_that_a_link_leads_to(tmp_path: Path) -> None:
    vault, link = tmp_path / "vault" / "number.key", tmp_path / "number.key"
    vault.parent.mkdir()
    link.symlink_to(vault)
    assert key_file.add_new_key(link, TODAY) is False
    before = key_file.read_keys(vault)
    assert key_file.add_new_key(link, TODAY) is True
    assert (link.is_symlink(), key_file.read_keys(vault).names[1:]) == (True, before.names)
    assert key_file.read_keys(link).names == key_file.read_keys(vault).names
    assert [p.name for p in sorted(tmp_path.rglob("*"))] == ["number.key", "vault", "number.key"]


def test_no_refusal_shows_a_key(tmp_path: Path) -> None:
    path = tmp_path / "number.key"
    key_file.add_new_key(path, TODAY)
    key = re.findall(r"^[\w=-]{40,}", path.read_text(), re.MULTILINE)[0]
    path.write_text(key + "x")
    assert key[:10] not in refusal_of(path)


# Files that bear their last day.


def test_a_file_gets_its_last_day_once() -> None:
    once = dated(Path("/x/monday.ami"), TODAY)
    assert (once.name, dated(once, date(2027, 1, 1))) == ("monday-expires-2026-12-24.ami", once)
    assert last_day(once) == date(2026, 12, 24)


@pytest.mark.parametrize(
    "name", ["monday.ami", "expires-2020-01-01", "x-expires-2020-13-01.ami", "x-expires-.ami"]
)
def test_a_file_without_a_last_day_never_expires(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert expired([tmp_path], TODAY) == []


def test_a_file_may_be_stored_on_its_last_day_and_no_longer(tmp_path: Path) -> None:
    path = tmp_path / "dump-expires-2026-12-24.sql.gz"
    path.touch()
    (tmp_path / "link-expires-2020-01-01").symlink_to(path)
    assert expired([tmp_path], date(2026, 12, 24)) == []
    assert expired([tmp_path, tmp_path], date(2026, 12, 25)) == [path]
