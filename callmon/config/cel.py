"""The source of an exchange's CEL: a file that cel_custom writes, or a table in a database.

The database's password is never in the configuration: `password()` reads it from a file or the environment on each
call. Refuses: to connect.
"""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from callmon.config.durations import Duration
from callmon.config.secrets import PasswordSource
from callmon.config.validation import ADDRESS, UNREADABLE, Found, holds_password


class CelSettings(PasswordSource):
    """[exchanges.NAME.cel]"""

    file: str | None = Field(
        default=None,
        min_length=1,
        description="the file that cel_custom writes; * and ? for rotated ones",
        json_schema_extra={"file": True},
    )
    url: str | None = Field(
        default=None,
        pattern=r"^(mysql|mariadb|postgresql|sqlite)://",
        description="or the database: mysql://USER@HOST/asteriskcdrdb, postgresql://…, sqlite:///FILE",
        json_schema_extra={"file": True},
    )
    table: str = Field(default="cel", min_length=1, description="its table")
    password_file: Path | None = Field(default=None, description="file that holds that database's password")
    password_env: str | None = Field(
        default=None, min_length=1, description="environment variable that holds that password"
    )
    numbers: bool = Field(
        default=True,
        description="CEL does not tell that a number is withheld: false keeps none of calls that it alone tells",
    )
    wait: Duration = Field(
        default=timedelta(seconds=5), description="after a gap, how long until its rows are read"
    )

    @property
    def is_on(self) -> bool:
        return self.file is not None or self.url is not None

    def _errors(self) -> Found:
        if self.file is not None and self.url is not None:
            yield ("url",), "is given beside file; keep one of the two"
        elif not self.is_on and self.model_fields_set:
            yield ("file",), "is missing; name the file or, with url, the database, or leave the table out"
        elif self.url is not None and not ADDRESS.fullmatch(self.url):
            yield ("url",), UNREADABLE
        elif self.url is not None and holds_password(self.url):
            yield ("url",), "holds a password; put it in a file of its own, and name that as password_file"
        yield from super()._errors()
