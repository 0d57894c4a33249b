"""The settings of the database: its URL, the file with its password, and the buffering of outcomes.

The password is read on each use, and never shown. Refuses: to open a connection.
"""

import re
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import quote

from pydantic import BeforeValidator, PrivateAttr, StringConstraints

from callmon.config.secrets import PasswordSource
from callmon.config.times import Duration
from callmon.config.validation import Found, setting
from callmon.config.wording import ADDRESS, UNREADABLE, quoted
from callmon.errors import RefusedValueError, Sentence

# A URL with a user and no password: the password is inserted after the user.
USER = re.compile(r"^(postgresql(?:\+psycopg)?://[^/@:?]+)(?=@)")

Schema = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_$]{0,62}$")]


# SQLite's URL with other than three slashes, or without a file behind them. A fourth begins a path from the root.
SLASHES = re.compile(r"sqlite:(?!/{3})/*(?P<file>[^@?]*)(?P<rest>.*)|sqlite:/{3}", re.DOTALL)


def _three_slashes(url: object) -> object:
    """The URL. One of SQLite that names no file because of its slashes is refused, with its right form."""
    found = SLASHES.fullmatch(url) if isinstance(url, str) else None
    if found is None:
        return url
    file = found["file"] if found["file"] and not found["rest"] else "callmon.db"
    raise RefusedValueError(
        "{value} names no file; write it with three slashes: sqlite:///{file}", value=quoted(url), file=file
    )


class StoreSettings(PasswordSource):
    """[store]"""

    WHAT = Sentence("the database user's password")
    _path: str = PrivateAttr(default="store")

    url: Annotated[str, BeforeValidator(_three_slashes)] = setting(
        "the database: sqlite:///FILE (relative to this file's folder) or postgresql://USER@HOST/NAME; "
        "several hosts: postgresql://USER@/NAME?host=HOST:5432,HOST:5432",
        "sqlite:///callmon.db",
        repr=False,
        pattern=r"^(sqlite|postgresql(\+psycopg)?)://",
        is_file=True,
    )
    password_file: Path | None = setting("file that holds the database user's password", None)
    write_every: Duration = setting(
        "outcomes are collected for this long, in a stream 0.4 s longer, then committed in one transaction", "0.1s"
    )
    max_waiting: int = setting(
        "most outcomes buffered in memory while the database is unavailable and the journal full",
        200_000,
        ge=1,
        unit="outcomes",
    )
    journal: Path | None = setting(
        "encrypted file that outcomes pass on their way to the database; when left out, beside it", None
    )
    journal_limit: int = setting("size limit of the journal; 0 disables it", 256, ge=0, le=1 << 20, unit="MiB")

    pairs: tuple[Schema, ...] = setting(
        "schemas of the other pairs in this PostgreSQL: a callback that one of them hears counts here, too",
        (),
    )
    over: tuple[Schema, ...] = setting(
        "schemas of all pairs in this PostgreSQL, for `callmon pages` and reports over all of them", ()
    )

    def _errors(self) -> Found:
        if not ADDRESS.fullmatch(self.url):
            yield ("url",), UNREADABLE
        elif self.password_file is not None and not USER.match(self.url):
            text = Sentence("needs a url with a user and no password: postgresql://USER@HOST/NAME")
            yield ("password_file",), text
        for name in ("pairs", "over"):
            if getattr(self, name) and not self.url.startswith("postgresql"):
                yield (name,), Sentence("needs PostgreSQL: url = postgresql://USER@HOST/NAME")
        if self.pairs and self.over:
            yield (
                ("over",),
                Sentence("is for a configuration of its own, without pairs: its database hears nothing"),
            )

    def complete(self) -> Self:
        """The settings with the password in the URL, read now. Raises ConfigError when it cannot be read."""
        if (password := self.password()) is None:
            return self
        return self.model_copy(update={"url": USER.sub(rf"\1:{quote(password, safe='')}", self.url)})
