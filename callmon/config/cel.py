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
        description="file that cel_custom writes; * and ? match rotated files",
        json_schema_extra={"file": True},
    )
    url: str | None = Field(
        default=None,
        pattern=r"^(mysql|mariadb|postgresql|sqlite)://",
        description="or the database that holds it: mysql://USER@HOST/asteriskcdrdb, postgresql://…, "
        "sqlite:///FILE",
        json_schema_extra={"file": True},
    )
    table: str = Field(default="cel", min_length=1, description="table with the rows of CEL")
    password_file: Path | None = Field(default=None, description="file that holds the database's password")
    password_env: str | None = Field(
        default=None, min_length=1, description="environment variable that holds the database's password"
    )
    numbers: bool = Field(
        default=True,
        description="store numbers of calls known from CEL alone; CEL does not mark withheld numbers",
    )
    wait: Duration = Field(
        default=timedelta(seconds=5), description="delay between the end of a gap and reading its rows"
    )

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
