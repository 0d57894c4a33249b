"""Passwords of callmon's own accounts: argon2id, and what is refused as too easy. Never keeps or says one."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from callmon.errors import ConfigError

# Long rather than odd signs that people write on a note; whoever forgets one is given another by `users password`.
SHORTEST, LONGEST = 12, 128
FEWEST_SIGNS = 5
_HASHER = PasswordHasher()  # argon2id by RFC 9106: 64 MiB, three passes


def hashed(password: str) -> str:
    return _HASHER.hash(_same(password))


def is_right(kept: str, password: str) -> bool:
    """Takes as long whether it is or not."""
    try:
        return _HASHER.verify(kept, _same(password))
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether it was hashed with less effort than is used today."""
    return _HASHER.check_needs_rehash(kept)


@lru_cache(maxsize=1)
def nobodys() -> str:
    """Compared with where there is no such account, so that nobody learns that from the time it takes."""
    return _HASHER.hash("")


def refuse_if_easy(password: str, name: str) -> None:
    """ConfigError for a password that is short, or that anybody would guess."""
    if len(password) < SHORTEST:
        raise ConfigError(
            f"The password is too short: {SHORTEST} characters at least; a sentence is easy to keep."
        )
    if len(password) > LONGEST:
        raise ConfigError(f"The password is too long: {LONGEST} characters at most.")
    if len(set(password.casefold())) < FEWEST_SIGNS or name.casefold() in password.casefold():
        raise ConfigError("The password is too easy: not the account's name, not a few signs over and over.")


def _same(password: str) -> str:
    """One é, however the keyboard writes it."""
    return unicodedata.normalize("NFC", password)
