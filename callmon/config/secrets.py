"""A secret stored in a file or in the environment, never in the configuration; read on each use.

An error names the setting that leads to the secret, and what to put there. Refuses: to show the secret.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import PrivateAttr, model_validator

from callmon.config.validation import Found, Table
from callmon.errors import ConfigError

LONGEST_SECRET = 4096


@dataclass(frozen=True)
class SecretSource:
    """A secret's source. `where` is the table, `stem` the prefix of its two settings, `what` its description."""

    where: str
    stem: str
    what: str
    file: Path | None
    variable: str | None

    @property
    def is_configured(self) -> bool:
        return self.file is not None or self.variable is not None

    def read_secret(self) -> str:
        """The secret, read now. Raises ConfigError when it cannot be read or could not be sent."""
        text = self._from_file(self.file) if self.file else self._from_environment()
        secret = text.rstrip("\r\n")
        if not secret:
            raise ConfigError(f"{self.where}: {self.source()} is empty; put {self.what} there")
        if not secret.isprintable() or len(secret) > LONGEST_SECRET:
            raise ConfigError(f"{self.where}: {self.source()} holds no single line of text")
        return secret

    def source(self) -> str:
        """The location of the secret, without the secret."""
        return f"file {self.file}" if self.file else f"environment variable {self.variable}"

    def warning(self) -> str | None:
        """A warning about how the secret is stored, though it is usable; None without one, or without a secret."""
        if not self.is_configured:
            return None
        try:
            mode = self.file.stat().st_mode if self.file else 0
        except OSError:
            return f"{self.source()} cannot be read here"
        if mode & stat.S_IROTH:
            return f"every user can read {self.source()}; chmod 0600 it"
        if not self.file and str(self.variable) not in os.environ:
            return f"{self.source()} is not set here"
        return None

    def _from_file(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"{self.where}.{self.stem}_file: cannot read {path} ({error.strerror}); "
                "create it, readable by callmon's user alone"
            ) from None
        except UnicodeDecodeError:
            raise ConfigError(f"{self.where}.{self.stem}_file: {path} holds no single line of text") from None

    def _from_environment(self) -> str:
        value = os.environ.get(str(self.variable))
        if value is None:
            raise ConfigError(
                f"{self.where}.{self.stem}_env: the environment has no {self.variable}; set it to {self.what}"
            )
        return value


class PasswordSource(Table):
    """A table with a secret: the settings `STEM_file` and `STEM_env` name its file or its variable."""

    STEM: ClassVar[str] = "password"
    WHAT: ClassVar[str] = "the password"
    _path: str = PrivateAttr(default="")

    def locate(self, path: str) -> None:
        """Set the path of this table, for error messages."""
        self._path = path

    def secret_source(self) -> SecretSource:
        file, variable = (getattr(self, f"{self.STEM}_{kind}", None) for kind in ("file", "env"))
        return SecretSource(self._path, self.STEM, self.WHAT, file, variable)

    def password(self) -> str | None:
        """The password, read now; None when none is configured. Raises ConfigError when it cannot be read."""
        source = self.secret_source()
        return source.read_secret() if source.is_configured else None

    def _errors(self) -> Found:
        source = self.secret_source()
        if source.file is not None and source.variable is not None:
            yield (f"{self.STEM}_file",), f"is given beside {self.STEM}_env; keep one of the two"


class TlsClient(Table):
    """A table that connects to a server, with TLS when `tls` is true; without `port` then to `TLS_PORT`."""

    TLS_PORT: ClassVar[int]
    OF_TLS: ClassVar[tuple[str, ...]] = ("ca_file", "client_certificate", "client_key")

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("tls") is True:
            return {"port": cls.TLS_PORT, **data}
        return data

    def _errors(self) -> Found:
        yield from super()._errors()
        tls, *values = (getattr(self, name) for name in ("tls", *self.OF_TLS))
        given = [name for name, value in zip(self.OF_TLS, values, strict=True) if value is not None]
        if not tls:
            yield from (((name,), "means nothing without TLS; add tls = true, or leave it out") for name in given)
        if "client_key" in given and "client_certificate" not in given:
            yield ("client_key",), "is given without client_certificate; add that"
