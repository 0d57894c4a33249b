"""The file of keys: one a line, the newest first, for its owner's eyes alone.

    # callmon: the keys of callers' numbers …
    Zm9v…=   # 2026-11-24

Refuses to overwrite a key, and to read a file that other users can read or change. A link is followed: what is
written goes to the file that it leads to. Never shows a key.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from contextlib import suppress
from datetime import date
from pathlib import Path

from callmon.errors import ConfigError
from callmon.store.encryption import KEY_BYTES, Ring

HEAD = """\
# callmon: the keys of callers' numbers. The first line seals, the others only open what was sealed before.
# Without this file the numbers are lost: keep a copy, apart from the database and its copies.
"""


def read(path: Path) -> Ring:
    """The keys in the file. Raises ConfigError with what to do."""
    try:
        _refuse_open_to_others(path)
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"there is no key at {path}: make one with `callmon privacy key {path}`") from None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"the key file {path} cannot be read ({why})") from None
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    keys = [_key(line, number, path) for number, line in enumerate(lines, 1) if line]
    if not keys:
        raise ConfigError(f"the key file {path} holds no key; make one with `callmon privacy key {path}`")
    return Ring(list(dict.fromkeys(keys)), str(path))


def make(path: Path, today: date) -> bool:
    """Puts a new key first: into a new file, or above the keys that are there. True: there were some.

    Another process sees the file as it was or as it is, never a part of it. Its owner stays the same.
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
            os.link(scratch, path)  # unlike a renaming, never over one that somebody else just made
    except OSError as error:
        raise ConfigError(f"the key file {path} cannot be written ({os.strerror(error.errno or 0)})") from None
    finally:
        with suppress(OSError):
            scratch.unlink()
    return bool(before)


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    read(path)  # what is not understood is not built upon
    return [f"{line}\n" for line in path.read_text(encoding="utf-8").splitlines() if _holds_key(line)]


def _holds_key(line: str) -> bool:
    return bool(line.partition("#")[0].strip())


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
            f"the key file {path}: line {number} is no key; put it back as `callmon privacy key` wrote it"
        )
    return key


def _refuse_open_to_others(path: Path) -> None:
    known, folder = path.stat(), path.resolve().parent.stat()
    if not stat.S_ISREG(known.st_mode):
        return
    if known.st_mode & stat.S_IROTH:
        raise ConfigError(f"every user can read the key file {path}: chmod 0600 it, and make a new key")
    if known.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(f"other users can change the key file {path}: chmod 0600 it, and look at its keys")
    if not is_trusted(known.st_uid, os.geteuid(), folder.st_uid):
        raise ConfigError(
            f"the key file {path} belongs to another user ({known.st_uid}), who can change it: "
            "chown it to callmon's"
        )


def is_trusted(owner: int, reader: int, folder: int) -> bool:
    """Whether `reader` may rely on a file of `owner`: its own or root's; root also on its folder's owner's."""
    return owner in (0, reader) or (reader == 0 and owner == folder)
