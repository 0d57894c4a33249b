"""The key file: one key per line, the newest first, readable by its owner only.

    # callmon: the keys of callers' numbers …
    Zm9v…=   # 2026-11-24

A symbolic link is followed: a new key is written to its target.

Refuses: to overwrite a key, to read a file that every user can read or that other users can change, to show a key.
"""

import base64
import binascii
import os
import secrets
import stat
from contextlib import suppress
from datetime import date
from pathlib import Path

from callmon.config.secrets import handed_over
from callmon.errors import ConfigError, Sentence, system_reason
from callmon.store.encryption import KEY_BYTES, KeyRing

HEAD = """\
# callmon: the keys of callers' numbers. The first line seals, the others only open what was sealed before.
# Without this file the numbers are lost: keep a copy, apart from the database and its copies.
"""


def read_keys(path: Path) -> KeyRing:
    """The keys in the file. Raises ConfigError with the remedy."""
    path = handed_over(path)
    try:
        _refuse_open_to_others(path)
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            "no key file at {path}: create one with `callmon privacy key {path}`", path=path
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        why = system_reason(error) if isinstance(error, OSError) else Sentence("it is not text")
        raise ConfigError(
            "the key file {path} cannot be read ({why}); run the command as root or as callmon's user, or "
            "name another file",
            path=path,
            why=why,
        ) from None
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    keys = [_key(line, number, path) for number, line in enumerate(lines, 1) if line]
    if not keys:
        raise ConfigError(
            "the key file {path} holds no key; create one with `callmon privacy key {path}`", path=path
        )
    return KeyRing(list(dict.fromkeys(keys)), str(path))


def add_new_key(path: Path, today: date) -> bool:
    """Adds a new key as the first line of a new or existing file. True: the file had keys before.

    Another process sees the old file or the new one, never a part of it. The owner stays the same. Raises
    ConfigError.
    """
    path = path.resolve()
    before = _lines(path)
    line = f"{base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()}   # {today}\n"
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write(scratch, HEAD + line + "".join(before))
        if before:
            known = path.stat()
            os.chown(scratch, known.st_uid, known.st_gid)
            os.replace(scratch, path)
        else:
            os.link(scratch, path)  # unlike a rename, it never replaces a file that another process just made
    except OSError as error:
        raise ConfigError(
            "the key file {path} cannot be written ({why}); name a file in a folder that exists and that this "
            "user may write to",
            path=path,
            why=system_reason(error),
        ) from None
    finally:
        with suppress(OSError):
            scratch.unlink()
    return bool(before)


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    read_keys(path)  # raises ConfigError for a file that cannot be parsed
    lines = path.read_text(encoding="utf-8").splitlines()
    return [f"{line}\n" for line in lines if line.partition("#")[0].strip()]


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _key(line: str, number: int, path: Path) -> bytes:
    try:
        key = base64.b64decode(line.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(
            "the key file {path}: line {number} is not a key; restore the line that `callmon privacy key` wrote",
            path=path,
            number=number,
        )
    return key


def _refuse_open_to_others(path: Path) -> None:
    known, folder = path.stat(), path.resolve().parent.stat()
    if not stat.S_ISREG(known.st_mode):
        return
    if known.st_mode & stat.S_IROTH:
        raise ConfigError("every user can read the key file {path}: chmod 0600 it, and add a new key", path=path)
    if known.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(
            "other users can change the key file {path}: chmod 0600 it, and check its keys", path=path
        )
    if not is_trusted(known.st_uid, os.geteuid(), folder.st_uid):
        raise ConfigError(
            "the key file {path} belongs to another user ({owner}), and that user can change it: chown it to "
            "callmon's",
            path=path,
            owner=known.st_uid,
        )


def is_trusted(owner: int, reader: int, folder: int) -> bool:
    """Whether user `reader` may trust a file of `owner`: its own, root's, or for root the folder owner's."""
    return owner in (0, reader) or (reader == 0 and owner == folder)
