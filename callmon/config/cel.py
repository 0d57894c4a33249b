"""The source of an exchange's CEL: a file that cel_custom writes, or a table in a database.

The database's password is never in the configuration: `password()` reads it from a file or the environment on each
call. Refuses: to connect.
"""

from pathlib import Path

from callmon.config.durations import Duration
from callmon.config.secrets import PasswordSource
from callmon.config.validation import ADDRESS, UNREADABLE, Found, holds_password, setting


class CelSettings(PasswordSource):
    """[exchanges.NAME.cel]"""

    file: str | None = setting(
        "file that cel_custom writes; * and ? match rotated files", None, min_length=1, is_file=True
    )
    url: str | None = setting(
        "or the database that holds it: mysql://USER@HOST/asteriskcdrdb, postgresql://…, sqlite:///FILE",
        None,
        pattern=r"^(mysql|mariadb|postgresql|sqlite)://",
        is_file=True,
    )
    table: str = setting("table with the rows of CEL", "cel", min_length=1)
    password_file: Path | None = setting("file that holds the database's password", None)
    password_env: str | None = setting(
        "environment variable that holds the database's password", None, min_length=1
    )
    numbers: bool = setting(
        "store numbers of calls known from CEL alone; CEL does not mark withheld numbers", True
    )
    wait: Duration = setting("delay between the end of a gap and reading its rows", "5s")

    @property
    def is_on(self) -> bool:
        return self.file is not None or self.url is not None

    def _errors(self) -> Found:
        if self.file is not None and self.url is not None:
            yield ("url",), "is given beside file; keep one of the two"
        elif not self.is_on and self.model_fields_set:
            yield ("file",), "is missing; name the file, name the database with url, or remove the table"
        elif self.url is not None and not ADDRESS.fullmatch(self.url):
            yield ("url",), UNREADABLE
        elif self.url is not None and holds_password(self.url):
            yield ("url",), "holds a password; put it in a file, and name that file as password_file"
        yield from super()._errors()
