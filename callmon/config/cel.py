"""The source of an exchange's CEL: a file that cel_custom writes, or a table in a database.

The database's password is never in the configuration: `password()` reads it from a file or the environment on each
call. Refuses: to connect.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from callmon.config.durations import Duration
from callmon.config.secrets import SecretSource
from callmon.config.validation import ADDRESS, UNREADABLE, InvalidSettingsError, holds_password
from callmon.config.validation import Path as Place


class CelSettings(BaseModel):
    """[exchanges.NAME.cel]"""

    model_config = ConfigDict(extra="forbid", frozen=True)

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

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        found = [*_source_errors(self), *_password_errors(self)]
        if found:
            raise InvalidSettingsError(found)
        return self

    @property
    def is_on(self) -> bool:
        return self.file is not None or self.url is not None

    def password(self, exchange: str) -> str | None:
        """The password, read now; None when none is configured. Raises ConfigError when it cannot be read."""
        if self.password_file is None and self.password_env is None:
            return None
        where = f"exchanges.{exchange}.cel"
        return SecretSource(where, "password", "the password", self.password_file, self.password_env).read()


def _source_errors(cel: CelSettings) -> list[tuple[Place, str]]:
    if cel.file is not None and cel.url is not None:
        return [(("url",), "is given beside file; keep one of the two")]
    if not cel.is_on and cel.model_fields_set:
        return [(("file",), "is missing; name the file or, with url, the database, or leave the table out")]
    if cel.url is not None and not ADDRESS.fullmatch(cel.url):
        return [(("url",), UNREADABLE)]
    if cel.url is not None and holds_password(cel.url):
        return [(("url",), "holds a password; put it in a file of its own, and name that as password_file")]
    return []


def _password_errors(cel: CelSettings) -> list[tuple[Place, str]]:
    if cel.password_file is not None and cel.password_env is not None:
        return [(("password_file",), "is given beside password_env; keep one of the two")]
    return []
