"""Passwords of callmon's own accounts: argon2id hashes; easy ones are refused. Never stores or logs a password."""

import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from callmon.errors import ConfigError

# Length instead of special characters, which people write on a note. `users password` replaces a forgotten one.
SHORTEST, LONGEST = 12, 128
FEWEST_SIGNS = 5
_HASHER = PasswordHasher()  # argon2id by RFC 9106: 64 MiB, three passes


def hashed(password: str) -> str:
    return _HASHER.hash(_same(password))


def is_right(kept: str, password: str) -> bool:
    """Whether the password matches the hash `kept`. A match and a mismatch take the same time."""
    try:
        return _HASHER.verify(kept, _same(password))
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(kept)


@lru_cache(maxsize=1)
def nobodys() -> str:
    """The hash compared for an unknown account, so that the time taken does not reveal that it is unknown."""
    return _HASHER.hash("")


def refuse_if_easy(password: str, name: str) -> None:
    """Raises ConfigError for a password that is too short, too long or easy to guess."""
    if len(password) < SHORTEST:
        raise ConfigError(
            "The password is too short: it needs {least} characters or more, such as a sentence.", least=SHORTEST
        )
    if len(password) > LONGEST:
        raise ConfigError("The password is too long: {most} characters at most.", most=LONGEST)
    if len(set(password.casefold())) < FEWEST_SIGNS or name.casefold() in password.casefold():
        raise ConfigError("The password is too easy: avoid the account's name and repeated characters.")


def _same(password: str) -> str:
    """NFC: one é, however the keyboard encodes it."""
    return unicodedata.normalize("NFC", password)
